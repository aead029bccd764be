"""Realms of Kerberos: those of MIT, and what every realm has. All of it on free ports of loopback,
in a temporary folder. The service is HTTP/localhost everywhere."""

import os
import re
import subprocess
from pathlib import Path

from daemons import Daemon, free_ports

SERVICE = "HTTP/localhost"
USERS = {"alice": "S3cret!pw", "bob": "B0b's-pw"}
ENCRYPTION_TYPES = "aes256-cts-hmac-sha384-192:normal,aes256-cts-hmac-sha1-96:normal"

# No name is looked up anywhere else, and datagrams are left to those who insist.
CONFIGURATION = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
{realms}
[domain_realm]
 localhost = {service_realm}
"""

KDC = """
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {directory}/principals
  key_stash_file = {directory}/stash
  acl_file = {directory}/nobody
  max_life = 10h
  max_renewable_life = 1d
 }}
[logging]
 kdc = FILE:{directory}/kdc.log
"""


class Realm:
    """Where its KDC is, and how somebody logs on to it."""

    def __init__(self, name, directory, port):
        self.name, self.directory, self.port = name, directory, port
        # Those that its clients know beside it.
        self.others = []

    def configuration(self, service_realm=None, port=None):
        """A krb5.conf for its clients. The service is of this realm, or of another."""
        service_realm = service_realm or self
        path = self.directory / f"client-{service_realm.name}-{port or self.port}.conf"
        ports = {self.name: port or self.port} | {it.name: it.port for it in self.others}
        realms = [f" {name} = {{\n  kdc = 127.0.0.1:{port}\n }}" for name, port in ports.items()]
        text = CONFIGURATION.format(
            realm=self.name, realms="\n".join(realms), service_realm=service_realm.name
        )
        path.write_text(text)
        return path

    def login(self, user, configuration=None, clock={}, options=()):
        """Gets a ticket by the user's password: the environment of whoever is to use it."""
        configuration = configuration or self.configuration()
        # One cache for each, so that nobody uses somebody else's ticket.
        self.logins = getattr(self, "logins", 0) + 1
        cache = self.directory / f"cache-{user}-{self.logins}"
        environment = {"KRB5_CONFIG": str(configuration), "KRB5CCNAME": f"FILE:{cache}"}
        run(["kinit", *options, user], environment | clock, USERS[user] + "\n")
        return environment

    def keytab(self, principal):
        """The keytab of a principal."""
        return self.directory / (re.sub(r"\W", "-", principal) + ".keytab")


class Mit(Realm):
    """A KDC of MIT."""

    def __init__(self, name, directory):
        directory.mkdir()
        (port,) = free_ports(1)
        super().__init__(name, directory, port)
        # Tickets by RFC 8009; session keys are of what a client likes best.
        self.administer(f"addprinc -randkey -e {ENCRYPTION_TYPES} {SERVICE}", create=True)
        for user, password in USERS.items():
            # One whose password is asked for a proof first, and one who gets a ticket without.
            proof = "+requires_preauth" if user == "alice" else ""
            self.administer(f'addprinc {proof} -pw "{password}" {user}')
            self.administer(f"ktadd -norandkey -k {self.keytab(user)} {user}")
        self.administer(f"ktadd -e {ENCRYPTION_TYPES} -k {self.keytab('old')} {SERVICE}")
        # What has the key from before the change of password is `old`.
        self.administer(f"ktadd -e {ENCRYPTION_TYPES} -k {self.keytab(SERVICE)} {SERVICE}")
        self.daemon = self.start(port)

    def kdc(self, port):
        path = self.directory / f"kdc-{port}.conf"
        path.write_text(KDC.format(port=port, realm=self.name, directory=self.directory))
        return {"KRB5_CONFIG": str(self.configuration()), "KRB5_KDC_PROFILE": str(path)}

    def administer(self, query, create=False):
        environment = self.kdc(self.port)
        if create:
            create = ["kdb5_util", "create", "-s", "-r", self.name, "-P", "master"]
            run(create, environment)
        run(["kadmin.local", "-r", self.name, "-q", query], environment)

    def start(self, port, clock={}):
        """A process of the KDC. A second one can have another clock."""
        command = ["krb5kdc", "-n", "-r", self.name]
        return Daemon(command, [port], self.directory, self.kdc(port) | clock)

    def trust(self, other):
        """Its KDC gives tickets to users of the other realm."""
        principal = f"krbtgt/{self.name}@{other.name}"
        for realm in (self, other):
            realm.administer(f"addprinc -pw between-the-realms {principal}")
        other.others.append(self)

    def said(self):
        """What its KDC has written, to the end."""
        return (self.directory / "kdc.log").read_text()

    # What it writes of a wrong password.
    wrong_password = "PREAUTH_FAILED: alice@"

    def stop(self):
        self.daemon.stop()


def run(command, environment, given=None):
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, input=given, timeout=300
    )
    # kadmin.local ends well whatever happens.
    if done.returncode or (command[0] == "kadmin.local" and ": " in done.stderr):
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


def clock(offset):
    """An environment in which the clock is off by so much, `+10m` for example."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
