"""Clients that log on with tickets, and some with NTLM."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from realms import SERVICE

HERE = Path(__file__).parent / "clients"
STATE = Path(os.environ["INTEROP_DIR"])
TIMEOUT = 60
# The account of those who log on with NTLM; Kerberos has other passwords.
ACCOUNT, PASSWORD = "CORP\\alice", "N7lm!pw"
BOUND = "bound to this TLS connection"


@dataclass
class Client:
    """A client, and what is expected of it."""

    name: str
    command: list
    environment: dict = field(default_factory=dict)
    # The server's last token came, or was verified too.
    token: str = "token"
    # What it sends over TLS.
    bindings: str = "none sent"
    tls_only: bool = False


@dataclass
class NtlmClient:
    """A client of NTLM, bare or within Negotiate."""

    name: str
    command: list
    path: str
    environment: dict = field(default_factory=dict)

    def account(self, account, password):
        domain, user = account.split("\\")
        ours = {"LOGON_DOMAIN": domain, "LOGON_USER": user, "LOGON_PASSWORD": password}
        return ours | {"KRB5CCNAME": "FILE:/nonexistent", "KRB5_CONFIG": "/dev/null"}


@dataclass
class Answer:
    """What a client got."""

    status: str
    token: str
    text: str

    def lines(self):
        return [tuple(line.split("=", 1)) for line in self.text.splitlines() if "=" in line]

    def fields(self):
        return dict(self.lines())

    def groups(self):
        return {value.strip() for name, value in self.lines() if name == "group"}


# The file of the configuration is a property there, and no variable.
JAVA = 'exec java -Djava.security.krb5.conf="$KRB5_CONFIG" "$@" KerberosClient'
JAVA = ["bash", "-c", JAVA, "java", "-cp", str(STATE / "java"), "-Djava.net.useSystemProxies=false"]
JAVA += ["-Djavax.security.auth.useSubjectCredsOnly=false", "-Djdk.https.negotiate.cbt=always"]
JAVA += [f"-Djava.security.auth.login.config={HERE}/java_login.conf"]
CURL = ["bash", str(HERE / "kerberos_curl.sh")]
CURL_NTLM = ["bash", str(HERE / "curl.sh")]
REQUESTS = [sys.executable, str(HERE / "kerberos_requests.py")]
CHROMIUM = ["node", str(HERE / "kerberos_chromium.js")]
NODE = {"NODE_PATH": str(STATE / "npm/node_modules")}
BINDINGS = {"BINDINGS": "tls-server-end-point"}

CURL = Client("curl", CURL)
REQUESTS_RAW = Client("requests-krb5", REQUESTS, {"MECHANISM": "krb5"}, "verified")
REQUESTS_BOUND = Client("requests-bound", REQUESTS, BINDINGS, "verified", BOUND, tls_only=True)
REQUESTS = Client("requests", REQUESTS, token="verified")
JAVA_URL = Client("java-url", JAVA, bindings=BOUND)
JAVA_HTTP = Client("java-http", JAVA, {"CLIENT": "http"}, "verified")
CHROMIUM = Client("chromium", CHROMIUM, NODE)
# The raw one is without SPNEGO around the ticket.
CLIENTS = [CURL, REQUESTS, REQUESTS_BOUND, REQUESTS_RAW, JAVA_URL, JAVA_HTTP, CHROMIUM]
NTLM_CLIENTS = [
    NtlmClient("ntlm", CURL_NTLM, "/both/", {"CURL_AUTH": "--ntlm"}),
    # As a token of Negotiate, without SPNEGO around it and within.
    NtlmClient("ntlm-raw", [str(STATE / "go-ntlmssp")], "/nego/"),
    NtlmClient("ntlm-wrapped", CURL_NTLM, "/nego/", {"CURL_AUTH": "--negotiate"}),
]


def clean_environment():
    """Without the user's own files and proxies."""
    own = ("NTLM_USER_FILE", "KRB5CCNAME", "KRB5_CONFIG", "KRB5_KTNAME", "KRB5_CLIENT_KTNAME")
    return {
        key: value
        for key, value in os.environ.items()
        if not key.lower().endswith("_proxy") and key not in own
    }


def send(client, url, ca, environment, home):
    """Runs a client, which prints the status, what became of the last token, and the body."""
    kept = clean_environment() | {"URL": url, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    kept |= client.environment | environment
    if url.startswith("https:"):
        kept["CA_FILE"] = ca
    try:
        done = subprocess.run(
            client.command, env=kept, capture_output=True, text=True, errors="replace", timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return Answer("0", "none", "no end")
    if isinstance(client, NtlmClient):
        # `OK 200 user=...`
        word, status, *rest = done.stdout.split()[:3] or ["FAIL", "0"]
        return Answer(status, "none", " ".join(rest) or done.stderr[-300:])
    first, _, text = done.stdout.partition("\n")
    status, _, token = first.partition(" ")
    return Answer(status, token, text) if token else Answer("0", "none", (first + done.stderr)[-300:])


def judge(client, tls, realm, answer, tells_all):
    """Whether somebody is logged on as he should be, and in words. An application behind the gateway
    does not know everything."""
    fields, groups = answer.fields(), answer.groups()
    expected = {"user": ACCOUNT}
    if tells_all:
        raw = client.environment.get("MECHANISM") == "krb5"
        expected["mechanism"] = "Kerberos" if raw else "SPNEGO(Kerberos)"
        expected["bindings"] = client.bindings if tls else "nothing to bind to: no TLS"
        expected["target"] = SERVICE
    missing = set()
    # Of a KDC that tells them.
    sids = getattr(realm, "sids", {})
    if sids:
        expected["sid"] = sids["alice"]
        missing = {sid for name, sid in sids.items() if name != "alice"} - groups
    wrong = {name: fields.get(name) for name in expected if fields.get(name) != expected[name]}
    right = answer.status == "200" and answer.token == client.token and not wrong and not missing
    text = f"{answer.status} {answer.token} user={fields.get('user')} {len(groups)} groups"
    return right, text if right else f"{text} {wrong or answer.text[-300:]}"
