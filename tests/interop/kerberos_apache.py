"""Clients with tickets against Apache with mod_auth_gssapi, that is MIT's library, and against somebody
who has no key of the service."""

import subprocess
import sys
from pathlib import Path

import daemons
from acceptors import make_certificate
from kerberos_clients import CURL, JAVA_HTTP, REQUESTS, clean_environment, send
from realms import SERVICE

HERE = Path(__file__).parent


class Servers:
    def __init__(self, run):
        certificate = make_certificate(run.directory, "web")
        certificate.chmod(0o644)
        self.ca = str(certificate.with_suffix(".crt"))
        keytabs = {name: realm.keytab(SERVICE) for name, realm in run.realms.items()}
        keytabs["old"] = run.mit.keytab("old")
        apache = daemons.apache_kerberos(run.directory / "apache", certificate, keytabs)
        run.stack.callback(apache.stop)
        self.http, self.https = apache.urls
        process = subprocess.Popen(
            [sys.executable, str(HERE / "impostor.py"), f"{self.http}/mit/"],
            stdout=subprocess.PIPE,
            env=clean_environment() | run.mit.login("bob"),
            text=True,
        )
        run.stack.callback(lambda: (process.terminate(), process.wait(timeout=15)))
        self.impostor = f"http://localhost:{process.stdout.readline().strip()}"


def credentials(realm, kind):
    """Where a client finds what it logs on with, in its environment."""
    if kind == "cache":
        return realm.login("alice")
    # MIT's library gets a ticket by itself.
    cache = realm.directory / "nothing-yet"
    cache.unlink(missing_ok=True)
    environment = {"KRB5_CONFIG": str(realm.configuration()), "KRB5CCNAME": f"FILE:{cache}"}
    return environment | {"KRB5_CLIENT_KTNAME": f"FILE:{realm.keytab('alice')}"}


def cases(run, wanted):
    servers = run.servers

    def logon(client, url, environment):
        return send(client, url, servers.ca, environment, run.home())

    for place, realm in run.realms.items():
        for client, kind in [(CURL, "cache"), (CURL, "keytab"), (REQUESTS, "cache")]:
            for base in (servers.http, servers.https):
                case = f"apache-{place}-{client.name}-{kind}"
                case += "-https" if base == servers.https else ""
                if wanted(case):
                    answer = logon(client, f"{base}/{place}/", credentials(realm, kind))
                    right = answer.status == "200" and answer.token == client.token
                    user = answer.fields().get("user")
                    right &= user == f"alice@{realm.name}"
                    yield case, right, f"{answer.status} {answer.token} user={user}" if right else f"{answer}"
    for proof, token in [("nothing", "none"), ("other", "unproven")]:
        for client, expected in [(REQUESTS, ("0", "unproven")), (JAVA_HTTP, ("200", token))]:
            case = f"impostor-{proof}-{client.name}"
            if wanted(case):
                answer = logon(client, f"{servers.impostor}/{proof}/", run.mit.login("alice"))
                right = (answer.status, answer.token) == expected
                yield case, right, f"{answer.status} {answer.token}" if right else f"{answer}"
