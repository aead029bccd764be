"""`logon get` against servers and proxies that others have written, and other clients beside it, so
that a server which refuses everybody is not taken for a client that cannot log on.

    clients.py LOGON [PATTERN]...    LOGON is the binary; `-` runs the other clients alone

Prints a line per case: exit code and user of `logon get`, the exit code with a wrong password, and
what the other client got with either. Exits 1 if anything failed."""

import contextlib
import fnmatch
import hashlib
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import daemons
from acceptors import HttpServer, NtlmAuth, Pyspnego, end_point, make_certificate

HERE = Path(__file__).parent
ACCOUNT, PASSWORD, WRONG = "CORP\\alice", "S3cret!pw", "wrong-pw"
PROXY_ACCOUNT, PROXY_PASSWORD = "CORP\\bob", "Pr0xy!pw"
BODY = b"0123456789abcdef" * (10 << 16)
TIMEOUT = 60

# The exit codes of `logon get`.
DONE, REFUSED_BY_APPLICATION, REFUSED, NO_CREDENTIALS, NO_CONNECTION, BROKEN = 0, 3, 4, 5, 6, 7


@dataclass
class Case:
    """One run with the right password and one with a wrong one."""

    name: str
    # With the name of a server for its address.
    url: str
    arguments: tuple = ()
    # The exit codes that are right; with a wrong password, or None if that is not tried.
    codes: tuple = (DONE,)
    wrong: int | None = REFUSED
    # Whom the answer has to be for, and with which body.
    user: str = ACCOUNT
    post: bool = False
    # Whose password is the wrong one: that of the account, or that of the proxy's; `None` gives no
    # account and no password at all.
    secret: str | None = "account"
    proxy: bool = False
    # Another client, and the statuses that it gets with either password.
    beside: Callable | None = None
    statuses: tuple = ("200", "401")


class Run:
    """The servers, and what clients need to know of them."""

    def __init__(self, directory, stack):
        self.directory = directory
        # Apache and squid run as other users.
        directory.chmod(0o755)
        web = make_certificate(directory, "web")
        ecdsa = make_certificate(directory, "ecdsa", "P-384", "sha384")
        web.chmod(0o644)
        self.ca = directory / "ca.pem"
        self.ca.write_text("".join(web.with_suffix(".crt").read_text() for web in (web, ecdsa)))
        self.post = directory / "post"
        self.post.write_bytes(BODY)
        users = f"{ACCOUNT.replace(chr(92), ':')}:{PASSWORD}\n"
        (directory / "users").write_text(users)
        # What pyspnego looks accounts up in, and its alone: `environment` leaves it out.
        os.environ["NTLM_USER_FILE"] = str(directory / "users")

        apache = daemons.apache(directory / "apache", web, users)
        stack.callback(apache.stop)
        proxy = daemons.squid(directory / "squid", PROXY_PASSWORD)
        stack.callback(proxy.stop)
        self.proxy = proxy.url
        samba = NtlmAuth.configure(directory)

        def serve(name, acceptor, certificate=None):
            server = HttpServer(acceptor, PASSWORD, directory / f"{name}.log", certificate)
            stack.callback(server.stop)
            return server

        def bound(bindings):
            return lambda scheme: Pyspnego(scheme, bindings)

        self.samba = serve("samba", lambda scheme: NtlmAuth(scheme, samba, PASSWORD))
        self.plain = serve("plain", bound(None))
        bindings = serve("bindings", bound(end_point(web)), web)
        sha384 = serve("sha384", bound(end_point(ecdsa, "sha384")), ecdsa)
        # As behind somebody who ends TLS in between, with a certificate of his own.
        other = serve("other", bound(end_point(ecdsa, "sha384")), web)
        (nobody,) = daemons.free_ports(1)
        self.urls = {
            "apache": apache.urls[0],
            "apaches": apache.urls[1],
            "samba": self.samba.url,
            "plain": self.plain.url,
            "bindings": bindings.url,
            "sha384": sha384.url,
            "other": other.url,
            "nobody": f"http://localhost:{nobody}",
        }

    def url(self, case):
        return case.url.format(**self.urls)

    def environment(self, **more):
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.lower().endswith("_proxy")
            and key not in ("NTLM_USER_FILE", "NTLMUSER", "LOGON_USER", "LOGON_PASSWORD", "LOGON_NT_HASH")
        }
        home = str(self.directory)
        kept |= {"HOME": home, "KRB5_CONFIG": "/dev/null", "KRB5CCNAME": f"FILE:{home}/none"}
        return kept | more


@dataclass
class Passwords:
    account: str = PASSWORD
    proxy: str = PROXY_PASSWORD


def judge(case, text):
    """The user that an answer names, if the rest of it is right."""
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    body = BODY if case.post else b""
    expected = {
        "user": case.user,
        "method": "POST" if case.post else "GET",
        "body": f"{len(body)} bytes",
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    wrong = {name: fields.get(name) for name in expected if fields.get(name) != expected[name]}
    return f"user={case.user}" if not wrong else f"not right: {wrong}"


# The other clients: the status, and the user if it is 200.


def curl(*arguments):
    def run(run, case, passwords):
        body = run.directory / "curl-body"
        body.unlink(missing_ok=True)
        command = ["curl", "-sS", "--noproxy", "", "--max-time", str(TIMEOUT), "--cacert", str(run.ca)]
        command += ["-o", str(body), "-w", "%{http_code} %{http_connect}", *arguments]
        # gss-ntlmssp has one account for origin and proxy, and asks for it itself.
        own = "--negotiate" in arguments or "--proxy-negotiate" in arguments
        file = run.directory / "curl-users"
        if "--proxy-negotiate" in arguments:
            file.write_text(f"{PROXY_ACCOUNT.replace(chr(92), ':')}:{passwords.proxy}\n")
        else:
            file.write_text(f"{ACCOUNT.replace(chr(92), ':')}:{passwords.account}\n")
        if case.secret and case.user:
            command += ["-u", ":" if own else f"{ACCOUNT}:{passwords.account}"]
        if case.proxy:
            command += ["-x", run.proxy, "-U", ":" if own else f"{PROXY_ACCOUNT}:{passwords.proxy}"]
        if case.post:
            command += ["--data-binary", f"@{run.post}"]
        environment = run.environment(NTLM_USER_FILE=str(file))
        done = subprocess.run(
            [*command, run.url(case)], env=environment, capture_output=True, text=True, timeout=2 * TIMEOUT
        )
        status, connect = done.stdout.split()
        status = connect if status == "000" else status
        return status, judge(case, body.read_text()) if status == "200" else ""

    return run


def python(client):
    def run(run, case, passwords):
        domain, user = ACCOUNT.split("\\")
        environment = run.environment(
            URL=run.url(case),
            CA_FILE=str(run.ca),
            LOGON_DOMAIN=domain,
            LOGON_USER=user,
            LOGON_PASSWORD=passwords.account,
        )
        command = [sys.executable, str(HERE / "clients" / client)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
        words = done.stdout.split() or ["", done.stderr[-200:]]
        return words[1], words[-1] if words[0] == "OK" else ""

    return run


NTLM, NEGOTIATE = ("--scheme", "ntlm"), ("--scheme", "negotiate")
CURL_NTLM, CURL_NEGOTIATE = curl("--ntlm"), curl("--negotiate")
PYSPNEGO, REQUESTS = python("pyspnego_client.py"), python("requests_ntlm_client.py")
# Apache closes a connection where it refuses a body that was announced with `Expect`, and with the
# connection the challenge is lost. curl announces bodies of more than 1 MiB.
CURL_UNANNOUNCED = curl("--negotiate", "-H", "Expect:")
# curl knows no channel bindings, and gss-ntlmssp no NEGOTIATE as short as that of curl's own NTLM.
CANNOT = ("401", "401")
# The right password, and yet nobody gets in.
UNBOUND = {"codes": (REFUSED,), "statuses": CANNOT}
# The logon is at the proxy alone.
PROXIED = {"user": "", "secret": "proxy", "proxy": True, "statuses": ("200", "407")}
PROXY_NTLM, PROXY_NEGOTIATE = curl("--proxy-ntlm"), curl("--proxy-negotiate")
BASIC = ("--scheme", "basic")

CASES = [
    Case("apache-ntlm", "{apache}/ntlm/", NTLM, beside=CURL_NTLM, statuses=CANNOT),
    Case("apache-ntlm-https", "{apaches}/ntlm/", NTLM, beside=CURL_NTLM, statuses=CANNOT),
    Case("apache-ntlm-post", "{apache}/ntlm/", NTLM, post=True),
    Case("apache-nego", "{apache}/nego/", NEGOTIATE, beside=CURL_NEGOTIATE),
    Case("apache-nego-https", "{apaches}/nego/", NEGOTIATE, beside=CURL_NEGOTIATE),
    Case("apache-nego-post", "{apache}/nego/", NEGOTIATE, post=True, beside=CURL_UNANNOUNCED),
    Case("apache-nego-https-post", "{apaches}/nego/", NEGOTIATE, post=True, beside=CURL_UNANNOUNCED),
    Case("samba-ntlm", "{samba}/ntlm/", NTLM, beside=CURL_NTLM),
    Case("samba-ntlm-post", "{samba}/ntlm/", NTLM, post=True, beside=CURL_NTLM),
    Case("samba-nego", "{samba}/nego/", NEGOTIATE, beside=CURL_NEGOTIATE),
    Case("samba-nego-post", "{samba}/nego/", NEGOTIATE, post=True, beside=CURL_NEGOTIATE),
    Case("pyspnego-ntlm", "{plain}/ntlm/", NTLM, beside=CURL_NTLM),
    Case("pyspnego-nego", "{plain}/nego/", NEGOTIATE, beside=CURL_NEGOTIATE),
    Case("pyspnego-nego-post", "{plain}/nego/", NEGOTIATE, post=True, beside=CURL_NEGOTIATE),
    Case("bindings-ntlm", "{bindings}/ntlm/", NTLM, beside=REQUESTS),
    Case("bindings-nego", "{bindings}/nego/", NEGOTIATE, beside=PYSPNEGO),
    Case("bindings-nego-post", "{bindings}/nego/", NEGOTIATE, post=True),
    Case("bindings-sha384-ntlm", "{sha384}/ntlm/", NTLM, beside=REQUESTS),
    Case("bindings-sha384-nego", "{sha384}/nego/", NEGOTIATE, beside=REQUESTS),
    Case("bindings-other-ntlm", "{other}/ntlm/", NTLM, beside=REQUESTS, **UNBOUND),
    Case("bindings-other-nego", "{other}/nego/", NEGOTIATE, beside=PYSPNEGO, **UNBOUND),
    Case("basic-https", "{bindings}/basic/", BASIC, beside=curl("--basic")),
    Case("proxy-ntlm", "{plain}/open/", NTLM, beside=PROXY_NTLM, **PROXIED),
    Case("proxy-nego", "{plain}/open/", NEGOTIATE, beside=PROXY_NEGOTIATE, **PROXIED),
    Case("proxy-ntlm-post", "{plain}/open/", NTLM, post=True, beside=PROXY_NTLM, **PROXIED),
    Case("proxy-connect-ntlm", "{bindings}/open/", NTLM, beside=PROXY_NTLM, **PROXIED),
    Case("proxy-connect-nego", "{bindings}/open/", NEGOTIATE, beside=PROXY_NEGOTIATE, **PROXIED),
    # A logon at either: at the proxy for the tunnel, and inside it with the bindings of the origin.
    Case("proxy-connect-both-ntlm", "{bindings}/ntlm/", NTLM, proxy=True),
    Case("proxy-connect-both-nego", "{bindings}/nego/", NEGOTIATE, proxy=True),
    Case("proxy-connect-both-post", "{apaches}/nego/", NEGOTIATE, proxy=True, post=True),
    Case(
        "proxy-connect-both-basic",
        "{bindings}/basic/",
        (*BASIC, *NTLM),
        proxy=True,
        beside=curl("--proxy-ntlm", "--basic"),
    ),
    Case("closed-once", "{plain}/closed-once/", NTLM, wrong=None),
    Case("closed-always", "{plain}/closed/", NTLM, codes=(NO_CONNECTION, BROKEN), wrong=None),
    Case("garbage", "{plain}/garbage/", NTLM, codes=(BROKEN,), wrong=None),
    Case("no-credentials", "{plain}/ntlm/", NTLM, codes=(NO_CREDENTIALS,), wrong=None, secret=None),
    Case(
        "not-found",
        "{plain}/ntlm/missing",
        NTLM,
        codes=(REFUSED_BY_APPLICATION,),
        beside=CURL_NTLM,
        statuses=("404", "401"),
    ),
    Case("no-server", "{nobody}/", NTLM, codes=(NO_CONNECTION,), wrong=None),
]


def get(binary, run, case, passwords):
    """The exit code of `logon get`, what it printed, and what it complained of."""
    command = [binary, "get", *case.arguments, "--cacert", str(run.ca)]
    environment = run.environment()
    if case.secret and case.user:
        command += ["-u", ACCOUNT]
        environment |= {"LOGON_USER": ACCOUNT, "LOGON_PASSWORD": passwords.account}
    if case.proxy:
        file = run.directory / "proxy-password"
        file.write_text(passwords.proxy + "\n")
        file.chmod(0o600)
        command += ["--proxy", run.proxy, "--proxy-user", PROXY_ACCOUNT, "--proxy-password-file", str(file)]
    if case.post:
        command += ["-d", f"@{run.post}"]
    try:
        done = subprocess.run(
            [*command, run.url(case)],
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT,
            # Without a terminal to ask at.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return None, "", f"no end after {TIMEOUT} seconds"
    leaked = any(secret in done.stderr for secret in (PASSWORD, PROXY_PASSWORD))
    return done.returncode, done.stdout, "a password on standard error" if leaked else done.stderr


def attempt(binary, run, case):
    """Whether `logon get` does as it should, and in words."""
    code, text, complaint = get(binary, run, case, Passwords())
    right = code in case.codes and "a password" not in complaint
    said = f"{code}"
    if code == DONE:
        user = judge(case, text)
        said += f" {user}"
        right &= user == f"user={case.user}"
    if case.wrong is not None:
        wrong, _, other = get(binary, run, case, Passwords(**{case.secret: WRONG}))
        said += f"  |  {wrong}"
        right &= wrong == case.wrong and "a password" not in other
    if case.name == "closed-always":
        times = run.plain.counts["closed"]
        said += f"  |  {times} proofs"
        right &= 1 <= times <= 4
    if not right:
        said += "  |  " + " ".join(complaint.split())[-300:]
    return right, said


def beside(run, case):
    """The same of the other client."""
    status, user = case.beside(run, case, Passwords())
    refused, _ = case.beside(run, case, Passwords(**{case.secret: WRONG}))
    right = (status, refused) == case.statuses and user in ("", f"user={case.user}")
    return right, f"beside: {status} {user}  |  {refused}"


def sources(binary, run):
    """Where `logon get` finds credentials by itself: name, whether it did, and in words."""
    url = run.urls["plain"] + "/ntlm/"
    case = Case("", url)
    environment = run.environment(NTLM_USER_FILE=str(run.directory / "users"))
    command = [binary, "get", url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    right = done.returncode == DONE and judge(case, done.stdout) == f"user={ACCOUNT}"
    yield "credentials-user-file", right, f"{done.returncode} {'' if right else done.stderr}"
    code, shown = at_terminal([binary, "get", "-u", ACCOUNT, url], run.environment(), PASSWORD)
    right = code == DONE and f"user={ACCOUNT}" in shown and PASSWORD not in shown
    yield "credentials-prompt", right, f"{code} {'' if right else shown}"


def at_terminal(command, environment, answer):
    """Types the answer to the first question at a terminal; the exit code, and what it shows."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(command[0], command, environment)
    shown = b""
    # The end of the other side is an error here.
    with contextlib.suppress(OSError):
        while select.select([terminal], [], [], TIMEOUT)[0]:
            part = os.read(terminal, 10_000)
            if not shown:
                # Slower than whoever turns the echo off after the question.
                time.sleep(0.5)
                os.write(terminal, answer.encode() + b"\n")
            shown += part
    # Hangs up, if anything is left.
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


def main():
    binary, patterns = sys.argv[1], sys.argv[2:] or ["*"]
    binary = None if binary == "-" else os.path.abspath(binary)
    wanted = lambda name: any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
    counts = [0, 0]

    def report(name, right, said):
        counts[not right] += 1
        print(f"{'ok  ' if right else 'FAIL'} {name:26} {said}", flush=True)

    directory = Path(tempfile.mkdtemp(prefix="logon-clients-"))
    with contextlib.ExitStack() as stack:
        run = Run(directory, stack)
        for case in CASES:
            if not wanted(case.name):
                continue
            results = [attempt(binary, run, case)] if binary else []
            results += [beside(run, case)] if case.beside else []
            if results:
                right = all(right for right, _ in results)
                report(case.name, right, "  |  ".join(said for _, said in results))
        for name, right, said in sources(binary, run) if binary else []:
            if wanted(name):
                report(name, right, said)
    if counts[1]:
        print(f"the logs of the servers are in {directory}")
    else:
        shutil.rmtree(directory)
    print(f"clients: {counts[0]} passed, {counts[1]} failed")
    sys.exit(counts[1] > 0)


if __name__ == "__main__":
    main()
