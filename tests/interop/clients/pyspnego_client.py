"""SPNEGO by pyspnego, with channel bindings over TLS and the final mechListMIC verified."""

import base64
import hashlib
import http.client
import os
import ssl
import sys
import urllib.parse

import spnego
from spnego.channel_bindings import GssChannelBindings

env = os.environ
url = urllib.parse.urlsplit(env["URL"])
bindings = None
if url.scheme == "https":
    tls = ssl.create_default_context(cafile=env["CA_FILE"])
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=tls, timeout=30)
    connection.connect()
    digest = hashlib.sha256(connection.sock.getpeercert(True)).digest()
    bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + digest)
else:
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)

context = spnego.client(
    f"{env['LOGON_DOMAIN']}\\{env['LOGON_USER']}",
    env["LOGON_PASSWORD"],
    hostname=url.hostname,
    service="HTTP",
    channel_bindings=bindings,
    protocol="negotiate",
    options=spnego.NegotiateOptions.use_negotiate,
)
token = context.step()
while True:
    credentials = "Negotiate " + base64.b64encode(token).decode()
    connection.request("GET", url.path, headers={"Authorization": credentials})
    answer = connection.getresponse()
    text = answer.read().decode()
    challenges = answer.headers.get_all("WWW-Authenticate") or []
    tokens = [c.split()[1] for c in challenges if c.lower().startswith("negotiate ")]
    if not tokens:
        break
    token = context.step(base64.b64decode(tokens[0]))
    if answer.status == 200 or not token:
        break

ok = answer.status == 200 and context.complete
print("OK" if ok else "FAIL", answer.status, (text.splitlines() or [""])[0])
sys.exit(not ok)
