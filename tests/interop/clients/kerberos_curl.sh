# curl with a ticket. With TOKEN it sends that, instead of one that it has made; with SHOW_TOKEN it
# shows the one that it sent.
set -u
args=(-sSv --max-time 30 -o "$HOME/body" -w '%{http_code}')
[ -n "${CA_FILE:-}" ] && args+=(--cacert "$CA_FILE")
if [ -n "${TOKEN:-}" ]; then args+=(-H "Authorization: Negotiate $TOKEN"); else args+=(--negotiate -u :); fi
: >"$HOME/body"
status=$(curl "${args[@]}" "$URL" 2>"$HOME/log")
# The last answer's.
if tac "$HOME/log" | sed '/^< HTTP/q' | grep -qi '^< www-authenticate: Negotiate .'; then token=token; else token=none; fi
echo "$status $token"
[ -n "${SHOW_TOKEN:-}" ] && sed -n 's/^> Authorization: Negotiate //p' "$HOME/log" | tr -d '\r'
cat "$HOME/body"
[ "$status" != 000 ] || tail -n 3 "$HOME/log" >&2
