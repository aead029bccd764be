"""A domain of Active Directory by Samba, of which only the KDC runs. It is provisioned once; every run
has a copy."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from daemons import Daemon, free_ports
from realms import SERVICE, USERS, Realm, run

STATE = Path(os.environ["INTEROP_DIR"])
NAME, DOMAIN = "CORP.EXAMPLE", "CORP"
FOLDERS = "cache run ncalrpc"

CONFIGURATION = """
[global]
 server role = active directory domain controller
 netbios name = DC1
 realm = {name}
 workgroup = {domain}
 private dir = {directory}/private
 state directory = {directory}/state
 cache directory = {directory}/cache
 lock directory = {directory}
 binddns dir = {directory}/bind-dns
 pid directory = {directory}/run
 ncalrpc dir = {directory}/ncalrpc
 log file = {directory}/log
 log level = 1 auth_audit:3
 server services = kdc
 dcerpc endpoint servers =
 interfaces = 127.0.0.1/8
 bind interfaces only = yes
 disable netbios = yes
 krb5 port = {port}
 kpasswd port = {kpasswd}
"""

# Nested, and one that is the domain's alone: the KDC puts it elsewhere in the PAC.
GROUPS = {"staff": "alice", "engineers": "staff", "readers": "engineers"}
AES = """dn: CN=web,CN=Users,DC=corp,DC=example
changetype: modify
replace: msDS-SupportedEncryptionTypes
msDS-SupportedEncryptionTypes: 24
"""


def configure(directory, port, kpasswd):
    path = directory / "etc/smb.conf"
    text = CONFIGURATION.format(
        name=NAME, domain=DOMAIN, directory=directory, port=port, kpasswd=kpasswd
    )
    path.write_text(text)
    for folder in FOLDERS.split():
        (directory / folder).mkdir(exist_ok=True)
    return path


def provision(directory):
    """The domain, its users and groups, the service's account and the keytabs."""
    options = [f"--targetdir={directory}", "--server-role=dc", f"--realm={NAME}", f"--domain={DOMAIN}"]
    options += ["--host-name=dc1", "--host-ip=127.0.0.1", "--dns-backend=NONE"]
    # The machine's own smb.conf is another server's.
    run(["samba-tool", "domain", "provision", "-s", "/dev/null", *options], {})
    configuration = configure(directory, 88, 464)

    def tool(*arguments):
        return run(["samba-tool", *arguments, f"--configfile={configuration}"], {})

    tool("domain", "passwordsettings", "set", "--complexity=off", "--min-pwd-length=1", "--max-pwd-age=0")
    for user, password in USERS.items():
        tool("user", "create", user, password)
    for group, member in GROUPS.items():
        tool("group", "add", group, *(["--group-scope=Domain"] if group == "readers" else []))
        tool("group", "addmembers", group, member)
    tool("user", "create", "web", "--random-password")
    tool("spn", "add", SERVICE, "web")
    # Else a plain account's tickets are of RC4.
    database = directory / "private/sam.ldb"
    run(["ldbmodify", "-H", str(database), f"--configfile={configuration}"], {}, AES)
    realm = Realm(NAME, directory, 88)
    # Whoever has the first keytab has the key from before a change of password.
    tool("domain", "exportkeytab", str(realm.keytab("old")), f"--principal={SERVICE}")
    tool("user", "setpassword", "web", "--random-password")
    for principal in (*USERS, SERVICE):
        tool("domain", "exportkeytab", str(realm.keytab(principal)), f"--principal={principal}")
    show = lambda kind, name: tool(kind, "show", name, "--attributes=objectSid")
    named = {name: show("group", name) for name in (*GROUPS, "Domain Users")}
    named["alice"] = show("user", "alice")
    sids = {name: re.search(r"objectSid: (\S+)", text).group(1) for name, text in named.items()}
    (directory / "sids.json").write_text(json.dumps(sids))


def provisioned():
    """The folder of the domain that runs copy."""
    stamp = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    directory = STATE / f"samba-{stamp}"
    if not directory.exists():
        for old in STATE.glob("samba-*"):
            shutil.rmtree(old)
        unfinished = STATE / f"unfinished-samba-{os.getpid()}"
        provision(unfinished)
        unfinished.rename(directory)
    return directory


class Samba(Realm):
    """The domain's KDC."""

    def __init__(self, directory):
        # Databases are sparse.
        subprocess.run(["cp", "-a", "--sparse=always", str(provisioned()), str(directory)], check=True)
        port, kpasswd = free_ports(2)
        super().__init__(NAME, directory, port)
        self.sids = json.loads((directory / "sids.json").read_text())
        configuration = configure(directory, port, kpasswd)
        # One process, which ends with all that it has.
        command = ["samba", "-F", "--no-process-group", "-M", "single", "-s", str(configuration)]
        environment = {"KRB5_CONFIG": str(self.configuration())}
        self.daemon = Daemon(command, [port], directory, environment)

    def said(self):
        return (self.directory / "log").read_text()

    wrong_password = "NT_STATUS_WRONG_PASSWORD"

    def stop(self):
        self.daemon.stop()
