"""`logon get` with tickets, and `logon forward`: by a ticket cache, a keytab and a password, against
servers of others and our own."""

import hashlib
import subprocess
import urllib.request
from dataclasses import dataclass

import daemons
from clients import PROXY_ACCOUNT, PROXY_PASSWORD
from kerberos_clients import ACCOUNT, BOUND, TIMEOUT, Answer, Client, clean_environment, judge
from realms import SERVICE, USERS, clock

PASSWORD = USERS["alice"]
KINDS = ("cache", "keytab", "password")
BODY = b"0123456789abcdef" * (1 << 16)
GET = Client("get", [], bindings=BOUND)
OWN = ("LOGON_USER", "LOGON_PASSWORD", "LOGON_NT_HASH", "LOGON_ALLOW", "RUST_LOG")


@dataclass
class Got:
    """What became of it."""

    code: int | None
    text: str
    complaint: str

    def answer(self):
        # Whoever ends well has looked at the server's last token.
        return Answer("200" if self.code == 0 else str(self.code), "token", self.text)

    def says(self, *texts):
        return all(text in self.complaint for text in texts)

    def __str__(self):
        return f"{self.code} {self.text[-300:]} {' '.join(self.complaint.split())[-500:]}"


def get(run, url, environment, *arguments, ca=None):
    """Runs `logon get`, without a terminal to ask at."""
    kept = {name: value for name, value in clean_environment().items() if name not in OWN}
    kept |= {"HOME": str(run.home()), "KRB5CCNAME": "FILE:/nonexistent", "KRB5_CONFIG": "/dev/null"}
    command = [run.binary, "get", *arguments, *(["--cacert", ca] if ca else []), url]
    try:
        done = subprocess.run(
            command,
            env=kept | environment,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return Got(None, "", "no end")
    if any(secret in done.stderr for secret in (PASSWORD, PROXY_PASSWORD, "YII")):
        return Got(None, "", "a secret on standard error")
    return Got(done.returncode, done.stdout, done.stderr)


def password_file(run, password):
    path = run.home() / "password"
    path.write_text(password + "\n")
    path.chmod(0o600)
    return path


def credentials(run, realm, kind, user="alice", configuration=None):
    """What `logon get` logs on with: its environment and its arguments."""
    configuration = configuration or realm.configuration()
    if kind == "cache":
        return realm.login("alice", configuration), ()
    file = realm.keytab("alice") if kind == "keytab" else password_file(run, PASSWORD)
    option = "--keytab" if kind == "keytab" else "--password-file"
    return {"KRB5_CONFIG": str(configuration)}, ("-u", user, option, str(file))


def is_user(got, user, body=b"", method="GET"):
    """Whether this is who Apache has let in, and what with."""
    fields = got.answer().fields()
    expected = {
        "user": user,
        "method": method,
        "body": f"{len(body)} bytes",
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    right = got.code == 0 and all(fields.get(name) == value for name, value in expected.items())
    return right, f"{got.code} user={fields.get('user')}" if right else str(got)


def at_apache(run, wanted):
    """MIT's library takes what we send and proves itself; with a body, and bound to TLS."""
    servers = run.servers
    post = run.directory / "post"
    post.write_bytes(BODY)
    for place, realm in run.realms.items():
        user = f"alice@{realm.name}"
        for kind in KINDS:
            for base in (servers.http, servers.https):
                case = f"get-apache-{place}-{kind}{'-https' if base == servers.https else ''}"
                if wanted(case):
                    environment, who = credentials(run, realm, kind)
                    who = (*who, "--mutual", "--scheme", "negotiate", "--trace")
                    yield case, *is_user(get(run, f"{base}/{place}/", environment, *who, ca=servers.ca), user)
                if kind == "cache" and wanted(f"{case}-post"):
                    environment, who = credentials(run, realm, kind)
                    who = (*who, "-d", f"@{post}")
                    got = get(run, f"{base}/{place}/", environment, *who, ca=servers.ca)
                    yield f"{case}-post", *is_user(got, user, BODY, "POST")
    # The service is of another realm than the user.
    across = run.other.configuration(run.mit)
    for kind in KINDS:
        if wanted(f"get-across-{kind}"):
            environment, who = credentials(run, run.other, kind, configuration=across)
            got = get(run, f"{servers.http}/mit/", environment, *who)
            yield f"get-across-{kind}", *is_user(got, "alice@OTHER.EXAMPLE")


def through_proxy(run, wanted):
    """NTLM at the proxy, and in the tunnel through it the ticket."""
    if not wanted("get-proxy-connect"):
        return
    proxy = daemons.squid(run.directory / "squid", PROXY_PASSWORD)
    run.stack.callback(proxy.stop)
    environment, who = credentials(run, run.mit, "cache")
    file = password_file(run, PROXY_PASSWORD)
    who = (*who, "--proxy", proxy.url, "--proxy-user", PROXY_ACCOUNT, "--proxy-password-file", str(file))
    got = get(run, f"{run.servers.https}/mit/", environment, *who, ca=run.servers.ca)
    yield "get-proxy-connect", *is_user(got, f"alice@{run.mit.name}")


def at_ours(run, wanted):
    """The demonstration and the gateway, with tickets of either KDC."""
    visited = {f"demo-{name}": demo for name, demo in run.demos.items()}
    visited |= {f"gateway-{name}": gateway for name, gateway in run.gateways.items()}
    for name, server in visited.items():
        where = name.split("-")[1]
        realm = run.realms[where]
        # How tickets were got is nothing to the gateway.
        for kind in KINDS if server in run.demos.values() else ("cache",):
            for tls in (False, True):
                case = f"get-{name}-{kind}{'-https' if tls else ''}"
                if wanted(case):
                    # As people write it who know it from Windows.
                    environment, who = credentials(run, realm, kind, ACCOUNT if where == "ad" else "alice")
                    url = (server.https if tls else server.http) + "/nego/"
                    got = get(run, url, environment, *who, "--mutual", ca=server.ca if tls else None)
                    right, said = judge(GET, tls, realm, got.answer(), server in run.demos.values())
                    yield case, right, said if right else f"{said} {got}"


def by_what_is_there(run, wanted):
    """Kerberos where there is a ticket of the service, NTLM with the same password elsewhere."""
    demo = None
    for host, mechanism in [("localhost", "SPNEGO(Kerberos)"), ("127.0.0.1", "SPNEGO(NTLM)")]:
        case = f"get-host-{host}"
        if wanted(case):
            demo = demo or run.demo("both", run.corp.keytab(SERVICE), password=PASSWORD)
            environment, who = credentials(run, run.corp, "password", ACCOUNT)
            got = get(run, demo.http.replace("localhost", host) + "/nego/", environment, *who)
            fields = got.answer().fields()
            right = got.code == 0 and (fields.get("user"), fields.get("mechanism")) == (ACCOUNT, mechanism)
            yield case, right, f"{got.code} {fields.get('mechanism')}" if right else str(got)


def by_another_clock(run, wanted):
    """The clock here is an hour wrong: whoever asks a KDC learns that."""
    for place, realm in run.realms.items():
        for kind in KINDS:
            offset = "+1h" if kind == "keytab" else "-1h"
            case = f"get-clock{offset}-{place}-{kind}"
            if wanted(case):
                environment, who = credentials(run, realm, kind)
                if kind == "cache":
                    # kinit has noted how wrong it is.
                    environment = realm.login("alice", clock=clock(offset))
                url = run.demos[place].http + "/nego/"
                got = get(run, url, environment | clock(offset), *who)
                right, said = judge(GET, False, realm, got.answer(), True)
                yield case, right, said if right else f"{said} {got}"


def renewed(run):
    """A ticket-granting ticket that is about to end, and can be renewed."""
    environment = run.mit.login("alice", options=["-l", "4m", "-r", "1h"])
    before = len(run.mit.said())
    got = get(run, f"{run.servers.http}/mit/", environment)
    right, said = is_user(got, f"alice@{run.mit.name}")
    asked = [line for line in run.mit.said()[before:].splitlines() if "TGS_REQ" in line]
    right &= ["for krbtgt/" in line for line in asked] == [True, False]
    return right, said if right else f"{said} {asked}"


def forwarded(run):
    """A program that cannot log on, and logs on."""
    environment = clean_environment() | run.corp.login("alice")
    command = [run.binary, "forward", "--listen", "127.0.0.1:0", "--origin", run.demos["ad"].http]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip() + "/nego/"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        text = opener.open(url, timeout=30).read().decode()
    finally:
        process.terminate()
        code = process.wait(timeout=15)
        process.stdout.close()
    fields = Answer("200", "token", text).fields()
    right = (code, fields.get("user"), fields.get("mechanism")) == (0, ACCOUNT, "SPNEGO(Kerberos)")
    return right, f"{code} user={fields.get('user')}" if right else f"{code} {text}"


def cases(run, wanted):
    for part in (at_apache, through_proxy, at_ours, by_what_is_there, by_another_clock):
        yield from part(run, wanted)
    for name, attempt in [("get-renewed", renewed), ("forward", forwarded)]:
        if wanted(name):
            yield name, *attempt(run)
