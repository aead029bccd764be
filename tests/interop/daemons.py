"""Apache and squid on free ports of loopback, with all that is theirs in a temporary folder."""

import contextlib
import os
import shutil
import socket
import subprocess
import time

from acceptors import NtlmAuth

APACHE = """
ServerRoot {directory}
ServerName localhost
PidFile {directory}/httpd.pid
DefaultRuntimeDir {directory}
Mutex file:{directory} default
ErrorLog {directory}/error.log
Listen 127.0.0.1:{http}
Listen 127.0.0.1:{https}
{modules}
User www-data
Group www-data
KeepAlive On
KeepAliveTimeout 30
ScriptSock {directory}/cgid.sock
ScriptAlias / {directory}/cgi/answer/
<Location />
  Require all granted
</Location>
{places}
<VirtualHost 127.0.0.1:{https}>
  SSLEngine on
  SSLCertificateFile {certificate}
</VirtualHost>
"""
# gss-ntlmssp asks NTLM_USER_FILE for the password of whoever comes.
NTLM = '''
<LocationMatch "^/(ntlm|nego)/">
  AuthType GSSAPI
  AuthName interop
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound On
  Require valid-user
</LocationMatch>
'''
KERBEROS = """
<Location /{name}/>
  AuthType GSSAPI
  AuthName interop
  GssapiAllowedMech krb5
  GssapiCredStore keytab:{keytab}
  Require valid-user
</Location>
"""
APACHE_MODULES = "mpm_event authn_core authz_core authz_user alias cgid ssl auth_gssapi"

CGI = """#!/usr/bin/python3
import hashlib, os, sys
size = int(os.environ.get("CONTENT_LENGTH") or 0)
body = sys.stdin.buffer.read(size)
print("Content-Type: text/plain\\n")
print("user=" + os.environ.get("REMOTE_USER", ""))
print("method=" + os.environ["REQUEST_METHOD"])
print(f"body={len(body)} bytes")
print("sha256=" + hashlib.sha256(body).hexdigest())
"""

SQUID = """
http_port 127.0.0.1:{port}
pid_filename {directory}/squid.pid
access_log stdio:{directory}/access.log
cache_log {directory}/cache.log
coredump_dir {directory}
cache_effective_user proxy
visible_hostname localhost
auth_param negotiate program {negotiate}
auth_param negotiate children 4 startup=1 idle=1
auth_param ntlm program {ntlm}
auth_param ntlm children 4 startup=1 idle=1
acl users proxy_auth REQUIRED
acl loopback dst 127.0.0.0/8
http_access deny !loopback
http_access deny !users
http_access allow users
cache deny all
icp_port 0
udp_incoming_address 127.0.0.1
pinger_enable off
shutdown_lifetime 1 seconds
"""


class Daemon:
    """A process that is there when something listens on its ports."""

    def __init__(self, command, ports, directory, environment):
        self.log = open(directory / "out", "w")
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log, env={**os.environ, **environment}
        )
        for port in ports:
            self.wait_for(port, command[0])

    def wait_for(self, port, name):
        for _ in range(200):
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), timeout=1).close()
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"{name} does not listen: {open(self.log.name).read()}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def give_to(user, directory):
    """As root, daemons run as somebody else."""
    if os.geteuid() == 0:
        shutil.chown(directory, user, user)
        for path in directory.rglob("*"):
            shutil.chown(path, user, user)


def httpd(directory, certificate, places, environment):
    """Apache with these places, each of which says who somebody is."""
    http, https = free_ports(2)
    modules = "\n".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
        for name in APACHE_MODULES.split()
    )
    configuration = APACHE.format(
        directory=directory,
        modules=modules,
        http=http,
        https=https,
        certificate=certificate,
        places=places,
    )
    (directory / "httpd.conf").write_text(configuration)
    (directory / "cgi").mkdir()
    script = directory / "cgi" / "answer"
    script.write_text(CGI)
    script.chmod(0o755)
    give_to("www-data", directory)
    environment = {"KRB5_CONFIG": "/dev/null", **environment}
    command = ["apache2", "-f", str(directory / "httpd.conf"), "-DFOREGROUND"]
    daemon = Daemon(command, [http, https], directory, environment)
    daemon.urls = f"http://localhost:{http}", f"https://localhost:{https}"
    return daemon


def apache(directory, certificate, users):
    """Apache with mod_auth_gssapi and gss-ntlmssp: its address, and that over TLS."""
    directory.mkdir()
    (directory / "users").write_text(users)
    environment = {
        "NTLM_USER_FILE": str(directory / "users"),
        "NETBIOS_COMPUTER_NAME": "WEB",
        "NETBIOS_DOMAIN_NAME": "CORP",
    }
    return httpd(directory, certificate, NTLM, environment)


def apache_kerberos(directory, certificate, keytabs):
    """Apache with mod_auth_gssapi and MIT's library: a place for each keytab."""
    directory.mkdir()
    places = ""
    for name, keytab in keytabs.items():
        own = shutil.copy(keytab, directory / f"{name}.keytab")
        places += KERBEROS.format(name=name, keytab=own)
    return httpd(directory, certificate, places, {"KRB5RCACHENAME": f"file2:{directory}/replays"})


def squid(directory, password):
    """squid, with Samba's helpers, which take every account that has this password."""
    directory.mkdir()
    (port,) = free_ports(1)
    samba = NtlmAuth.configure(directory)
    helper = lambda protocol: " ".join(NtlmAuth.command(protocol, samba, password))
    configuration = SQUID.format(
        directory=directory,
        port=port,
        negotiate=helper("gss-spnego"),
        ntlm=helper("squid-2.5-ntlmssp"),
    )
    (directory / "squid.conf").write_text(configuration)
    give_to("proxy", directory)
    daemon = Daemon(["squid", "-N", "-f", str(directory / "squid.conf")], [port], directory, {})
    daemon.url = f"http://localhost:{port}"
    return daemon
