# wget, by what it makes of the server's offer: its own NTLM, which is NTLMv1, Digest or Basic.
set -u
args=(-q -S -T 20 -t 1 -O "$HOME/body" --user="$LOGON_DOMAIN\\$LOGON_USER" --password="$LOGON_PASSWORD")
[ -n "${CA_FILE:-}" ] && args+=(--ca-certificate="$CA_FILE")
wget "${args[@]}" "$URL" 2>"$HOME/headers"
status=$(grep -aoE 'HTTP/1.1 [0-9]+' "$HOME/headers" | tail -n1 | cut -d' ' -f2)
if [ "$status" = 200 ]; then echo "OK 200 $(head -n1 "$HOME/body")"; else echo "FAIL $status"; exit 1; fi
