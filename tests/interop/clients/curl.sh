# curl with its own NTLM, or with Negotiate through gss-ntlmssp.
set -u
credentials=$HOME/credentials
printf '%s:%s:%s\n' "$LOGON_DOMAIN" "$LOGON_USER" "$LOGON_PASSWORD" >"$credentials"
export NTLM_USER_FILE=$credentials KRB5_CONFIG=/dev/null
args=(-sS --max-time 30 -o "$HOME/body" -w '%{http_code}' "$CURL_AUTH")
[ -n "${CA_FILE:-}" ] && args+=(--cacert "$CA_FILE")
if [ "$CURL_AUTH" = --negotiate ]; then args+=(-u :); else args+=(-u "$LOGON_DOMAIN\\$LOGON_USER:$LOGON_PASSWORD"); fi
if [ -n "${POST_BYTES:-}" ]; then
  head -c "$POST_BYTES" /dev/zero | tr '\0' x >"$HOME/upload"
  args+=(--data-binary "@$HOME/upload")
fi
# From a pipe: the length is unknown and the body cannot be sent twice.
if [ -n "${PUT_BYTES:-}" ]; then
  status=$(head -c "$PUT_BYTES" /dev/zero | curl "${args[@]}" -T - "$URL")
else
  status=$(curl "${args[@]}" "$URL")
fi
if [ "$status" = 200 ]; then echo "OK 200 $(head -n1 "$HOME/body")"; else echo "FAIL $status"; exit 1; fi
