"""requests-gssapi, which takes no answer of a server that has not proven itself. MECHANISM is spnego
or krb5; BINDINGS, if there, is the kind of channel bindings to send."""

import os

import gssapi
import requests
from requests_gssapi import REQUIRED, HTTPSPNEGOAuth
from requests_gssapi.exceptions import MutualAuthenticationError

env = os.environ
oid = {"spnego": "1.3.6.1.5.5.2", "krb5": "1.2.840.113554.1.2.2"}[env.get("MECHANISM", "spnego")]
mechanism = gssapi.OID.from_int_seq(oid)
auth = HTTPSPNEGOAuth(
    mutual_authentication=REQUIRED, mech=mechanism, channel_bindings=env.get("BINDINGS")
)
try:
    answer = requests.get(env["URL"], auth=auth, verify=env.get("CA_FILE"), timeout=30)
    # By the context's own word.
    proven = answer.ok and auth.context["localhost"].complete
    print(answer.status_code, "verified" if proven else "none")
    print(answer.text)
except (MutualAuthenticationError, gssapi.exceptions.GSSError) as error:
    print("0 unproven")
    print(repr(error))
