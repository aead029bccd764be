# Chromium's Negotiate through GSSAPI and gss-ntlmssp. On Linux it loads GSSAPI only if an earlier
# run has seen a Negotiate challenge; its state file says so.
set -u
credentials=$HOME/credentials
printf '%s:%s:%s\n' "$LOGON_DOMAIN" "$LOGON_USER" "$LOGON_PASSWORD" >"$credentials"
export NTLM_USER_FILE=$credentials
mkdir -p "$HOME/profile"
echo '{"net":{"received_http_auth_negotiate_headers":true}}' >"$HOME/profile/Local State"
args=(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
  --disable-background-networking --disable-component-update --disable-dev-shm-usage
  --user-data-dir="$HOME/profile" --auth-server-allowlist=127.0.0.1,localhost --timeout=15000 --dump-dom)
[ -n "${CA_FILE:-}" ] && args+=(--ignore-certificate-errors)
timeout 60 chromium "${args[@]}" "$URL" >"$HOME/page" 2>"$HOME/errors"
line=$(grep -aoE 'user=[^<]*' "$HOME/page" | head -n1)
if [ -n "$line" ]; then echo "OK 200 $line"; else echo "FAIL 401 $(grep -aoE 'ERR_[A-Z_]+|401[^<]*' "$HOME/page" | head -n1)"; exit 1; fi
