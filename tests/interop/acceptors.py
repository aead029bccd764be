"""A small HTTP server that others accept logons for: pyspnego, and Samba's `ntlm_auth`.

    /open/ /basic/ /ntlm/ /nego/   who gets in with which scheme
    /closed-once/                  as /ntlm/, but the first proof gets a closed connection for an answer
    /closed/                       every proof does
    /garbage/                      the challenge is none

What is let in is told who it is taken for, and the length and hash of the body that arrived."""

import base64
import binascii
import collections
import hashlib
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import spnego
from spnego.channel_bindings import GssChannelBindings


class Refused(Exception):
    """Whatever the reason."""


class Pyspnego:
    """Takes whoever is in the file that NTLM_USER_FILE names in this process."""

    def __init__(self, scheme, bindings):
        self.context = spnego.server(
            protocol="ntlm" if scheme == "NTLM" else "negotiate",
            options=spnego.NegotiateOptions.use_negotiate if scheme != "NTLM" else 0,
            channel_bindings=bindings,
        )

    def step(self, token):
        """The token to answer with, and who it is once that is proven."""
        try:
            answer = self.context.step(token)
        except Exception as error:
            # Errors of its own, of its ASN.1 and of `struct`, as the token has it.
            raise Refused(str(error)) from error
        return answer, self.context.client_principal if self.context.complete else None

    def close(self):
        pass


class NtlmAuth:
    """Samba's helper for squid and others. With a password of its own it needs neither winbindd nor
    a domain, and takes every account whose password that is."""

    @staticmethod
    def command(protocol, configuration, password):
        command = [shutil.which("ntlm_auth"), f"--configfile={configuration}"]
        return [*command, f"--helper-protocol={protocol}", "--domain=CORP", f"--password={password}"]

    @staticmethod
    def configure(directory):
        """A file for `--configfile`, with all that Samba writes in `directory`."""
        folders = ["private dir", "state directory", "cache directory", "lock directory", "pid directory"]
        lines = ["[global]", "workgroup = CORP", "netbios name = WEB", "server role = standalone"]
        lines += ["ntlm auth = ntlmv2-only", f"log file = {directory}/samba.log"]
        lines += [f"{folder} = {directory}" for folder in folders]
        path = directory / "smb.conf"
        path.write_text("\n".join(lines) + "\n")
        return path

    def __init__(self, scheme, configuration, password):
        protocol = "squid-2.5-ntlmssp" if scheme == "NTLM" else "gss-spnego"
        self.process = subprocess.Popen(
            self.command(protocol, configuration, password),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        # A first token, and those that follow.
        self.verb = "YR"

    def step(self, token):
        self.process.stdin.write(f"{self.verb} {base64.b64encode(token).decode()}\n")
        self.process.stdin.flush()
        self.verb = "KK"
        line = self.process.stdout.readline().strip()
        result, *words = line.split(" ")
        if result == "TT":
            return base64.b64decode(words[0]), None
        if result != "AF":
            raise Refused(line)
        # gss-spnego has a token before the name, or an asterisk.
        answer = words.pop(0) if len(words) > 1 else "*"
        return (None if answer == "*" else base64.b64decode(answer)), words[0]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=15)


class Handler(BaseHTTPRequestHandler):
    """One connection, with the logon that belongs to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    acceptor = user = None

    def answer(self):
        place = self.path.split("/")[1]
        scheme = {"open": None, "basic": "Basic", "nego": "Negotiate"}.get(place, "NTLM")
        given, _, token = self.headers.get("Authorization", "").partition(" ")
        closes = place == "closed" or (place == "closed-once" and self.server.counts[place] == 0)
        if closes and self.acceptor and token:
            self.server.counts[place] += 1
            self.close_connection = True
            return
        body = self.read_body()
        challenge = None
        if scheme and given.lower() == scheme.lower():
            try:
                challenge = self.check(scheme, base64.b64decode(token, validate=True))
            except (Refused, binascii.Error) as reason:
                self.log(f"refused: {reason}")
                self.end_exchange()
                self.user = None
        if place == "garbage" and given:
            challenge = b"no challenge"
        if scheme and not self.user:
            offer = f'{scheme} realm="interop"' if scheme == "Basic" else scheme
            return self.send(401, offer if challenge is None else self.token(scheme, challenge))
        if self.path.endswith("/missing"):
            return self.send(404)
        text = f"user={self.user or ''}\nmethod={self.command}\nbody={len(body)} bytes\n"
        text += f"sha256={hashlib.sha256(body).hexdigest()}\n"
        self.send(200, challenge and self.token(scheme, challenge), text)

    do_GET = do_POST = do_PUT = answer

    def check(self, scheme, token):
        """Goes on with the exchange, or begins one."""
        if scheme == "Basic":
            user, _, password = token.decode().partition(":")
            if password != self.server.password:
                raise Refused("wrong password")
            self.user = user
            return None
        # NEGOTIATE, or the first token of SPNEGO.
        if token.startswith((b"NTLMSSP\0\1", b"\x60")):
            self.end_exchange()
        self.acceptor = self.acceptor or self.server.acceptor(scheme)
        answer, self.user = self.acceptor.step(token)
        if self.user:
            self.end_exchange()
        return answer

    def end_exchange(self):
        if self.acceptor:
            self.acceptor.close()
        self.acceptor = None

    def finish(self):
        self.end_exchange()
        super().finish()

    @staticmethod
    def token(scheme, token):
        return f"{scheme} {base64.b64encode(token).decode()}"

    def send(self, status, challenge=None, text=""):
        body = text.encode()
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def log(self, text):
        self.server.log.write(f"{self.path}: {text}\n")
        self.server.log.flush()

    def log_message(self, *_):
        pass


class HttpServer(ThreadingHTTPServer):
    """Serves in a thread of its own, on a free port of loopback. `acceptor(scheme)` makes what judges
    the tokens of an exchange. With a certificate (and its key) it serves TLS."""

    daemon_threads = True

    def __init__(self, acceptor, password, log, certificate=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.acceptor, self.password, self.log = acceptor, password, open(log, "w")
        self.counts = collections.Counter()
        scheme = "http"
        if certificate:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake is for the connection's own thread.
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{scheme}://localhost:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, address):
        # A connection that the client ended is no news.
        pass

    def stop(self):
        self.shutdown()
        self.server_close()
        self.log.close()


def make_certificate(directory, name, key="rsa:2048", digest="sha256"):
    """A certificate for localhost and its key, in one file."""
    path = directory / f"{name}.pem"
    key = ["ec", "-pkeyopt", f"ec_paramgen_curve:{key}"] if ":" not in key else [key]
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", f"-{digest}", "-newkey", *key]
    command += ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-addext", "basicConstraints=critical,CA:FALSE"]
    command += ["-keyout", str(path), "-out", str(directory / f"{name}.crt")]
    subprocess.run(command, check=True, capture_output=True)
    certificate = (directory / f"{name}.crt").read_text()
    path.write_text(path.read_text() + certificate)
    return path


def end_point(certificate, digest="sha256"):
    """The channel bindings `tls-server-end-point` (RFC 5929) of a certificate."""
    der = ssl.PEM_cert_to_DER_cert(certificate.with_suffix(".crt").read_text())
    value = hashlib.new(digest, der).digest()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + value)
