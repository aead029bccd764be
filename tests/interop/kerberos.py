"""Real clients with tickets against `logon demo` and `logon gateway`: of a KDC of MIT's, and of a domain
of Samba's, whose groups have to arrive. Then those who are to be refused, each for its own reason; the
gateway after a restart; other servers; and our own client against all of them.

    kerberos.py LOGON [PATTERN]...

Prints a line per case and a summary; exits 1 if anything failed."""

import contextlib
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from string import Template

import kerberos_apache
import kerberos_get
import kerberos_get_refused
import kerberos_refused
import kerberos_restart
import server
from kerberos_clients import ACCOUNT, CLIENTS, CURL, NTLM_CLIENTS, PASSWORD, judge, send
from realms import SERVICE, USERS, Mit
from samba import Samba

HERE = Path(__file__).parent


class Run:
    """The realms, and servers with their keytabs."""

    def __init__(self, binary, directory, stack):
        self.binary, self.directory, self.stack = binary, directory, stack
        # Apache runs as somebody else.
        directory.chmod(0o755)
        self.complaints = []
        realms = [Mit("MIT.EXAMPLE", directory / "mit"), Mit("OTHER.EXAMPLE", directory / "other")]
        for realm in realms:
            stack.callback(realm.stop)
        self.mit, self.other = realms
        self.mit.trust(self.other)
        self.corp = Samba(directory / "samba")
        stack.callback(self.corp.stop)
        self.homes = 0
        self.realms = {"mit": self.mit, "ad": self.corp}
        self.demos, self.gateways = {}, {}
        for name, realm in self.realms.items():
            self.demos[name] = self.demo(name, realm.keytab(SERVICE))
            self.gateways[name] = self.gateway(f"gateway-{name}", realm, realm.keytab(SERVICE))
        self.servers = kerberos_apache.Servers(self)

    def demo(self, name, keytab, *arguments, password=PASSWORD):
        """A `logon demo` with this keytab, and this password for those who log on without a ticket."""
        directory = self.directory / f"demo-{name}"
        directory.mkdir()
        arguments = ["--keytab", str(keytab), "--password-env", "DEMO_PW", "--no-throttle", *arguments]
        demo = server.demo(self.binary, directory, arguments, {"DEMO_PW": password, "RUST_LOG": "debug"})
        demo.name = name
        return self.keep(demo)

    def gateway(self, name, realm, keytab):
        """A `logon gateway` with this keytab, before an application in Python."""
        directory = self.directory / name
        directory.mkdir()
        command = [sys.executable, str(HERE / "upstream.py")]
        application = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.stack.callback(lambda: (application.terminate(), application.wait(timeout=15)))
        sids = getattr(realm, "sids", {})
        configuration = Template((HERE / "kerberos_gateway.toml").read_text()).substitute(
            port=application.stdout.readline().strip(),
            keytab=keytab,
            realm=realm.name,
            pac="true" if sids else "false",
            engineers=sids.get("engineers", "S-1-5-21-1-2-3-5"),
        )
        (directory / "gateway.toml").write_text(configuration)
        environment = {"PW": PASSWORD}
        add = [self.binary, "users", "add", "--file", "users", ACCOUNT, "--password-env", "PW"]
        subprocess.run(add, check=True, capture_output=True, cwd=directory, env={**os.environ, **environment})
        return self.start_gateway(name, directory)

    def start_gateway(self, name, directory):
        command = [self.binary, "gateway", "--config", "gateway.toml"]
        environment = {"RUST_LOG": "debug"}
        return self.keep(server.Server(name, command, directory, environment, tls=True, ca="gateway.pem"))

    def keep(self, each):
        # Tickets are for a name.
        each.http = each.http.replace("//127.0.0.1:", "//localhost:")
        self.stack.callback(self.stop, each)
        return each

    def stop(self, demo):
        """Ends a server, and looks whether all is well with it."""
        code, log = demo.stop()
        if code != 0:
            self.complaints.append(f"{demo.name} ended with {code}")
        # A password, or a token: of SPNEGO, of Kerberos, of NTLM.
        for secret in (PASSWORD, USERS["alice"], "Negotiate YI", "oYG", "TlRMTVNT"):
            if secret in log:
                self.complaints.append(f"the log of {demo.name} contains {secret!r}")

    def home(self):
        """A new folder for a client."""
        self.homes += 1
        home = self.directory / f"home-{self.homes}"
        home.mkdir()
        return home

    def send(self, client, demo, tls=False, path="/nego/", **environment):
        url = (demo.https if tls else demo.http) + path
        return send(client, url, demo.ca, environment, self.home())


def logons(run, wanted):
    """Every client, against the keytab of either KDC, without and with TLS."""
    for where, realm in run.realms.items():
        for name, visited in [(where, run.demos[where]), (f"{where}-gateway", run.gateways[where])]:
            for client in CLIENTS:
                for tls in [True] if client.tls_only else [False, True]:
                    case = f"{name}-{client.name}{'-https' if tls else ''}"
                    if wanted(case):
                        answer = run.send(client, visited, tls, **realm.login("alice"))
                        yield case, *judge(client, tls, realm, answer, visited is run.demos[where])
    # The gateway lets members of a nested group in, by its identifier, and nobody else.
    for place, status in [("engineers", "200"), ("others", "403")]:
        if wanted(f"groups-{place}"):
            answer = run.send(CURL, run.gateways["ad"], path=f"/{place}/", **run.corp.login("alice"))
            yield f"groups-{place}", answer.status == status, answer.status
    # NTLM goes on beside Kerberos.
    for client in NTLM_CLIENTS:
        if wanted(f"beside-{client.name}"):
            answer = run.send(client, run.demos["mit"], path=client.path, **client.account(ACCOUNT, PASSWORD))
            right = answer.status == "200" and answer.fields().get("user") == ACCOUNT
            yield f"beside-{client.name}", right, f"{answer.status} {answer.text}"


PARTS = (
    logons,
    kerberos_refused.cases,
    kerberos_restart.cases,
    kerberos_apache.cases,
    kerberos_get.cases,
    kerberos_get_refused.cases,
)


def main():
    binary, patterns = os.path.abspath(sys.argv[1]), sys.argv[2:] or ["*"]
    wanted = lambda name: any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
    counts = [0, 0]

    def report(name, right, said):
        counts[not right] += 1
        print(f"{'ok  ' if right else 'FAIL'} {name:28} {said}", flush=True)

    directory = Path(tempfile.mkdtemp(prefix="logon-kerberos-"))
    with contextlib.ExitStack() as stack:
        run = Run(binary, directory, stack)
        for part in PARTS:
            for name, right, said in part(run, wanted):
                report(name, right, said)
    for complaint in run.complaints:
        counts[1] += 1
        print(f"FAIL {complaint}")
    if counts[1]:
        print(f"the logs of the servers are in {directory}")
    else:
        shutil.rmtree(directory)
    print(f"kerberos: {counts[0]} passed, {counts[1]} failed")
    sys.exit(counts[1] > 0)


if __name__ == "__main__":
    main()
