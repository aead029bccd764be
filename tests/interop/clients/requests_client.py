"""requests with its own Basic or Digest."""

import os
import sys

import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

env = os.environ
scheme = {"basic": HTTPBasicAuth, "digest": HTTPDigestAuth}[env["REQUESTS_AUTH"]]
auth = scheme(f"{env['LOGON_DOMAIN']}\\{env['LOGON_USER']}", env["LOGON_PASSWORD"])
options = {"auth": auth, "timeout": 30, "verify": env.get("CA_FILE") or True}
if "POST_BYTES" in env:
    answer = requests.post(env["URL"], data=b"x" * int(env["POST_BYTES"]), **options)
else:
    answer = requests.get(env["URL"], **options)
ok = answer.status_code == 200
print("OK" if ok else "FAIL", answer.status_code, (answer.text.splitlines() or [""])[0])
sys.exit(not ok)
