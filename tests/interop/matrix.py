"""Drives real clients against five servers: `logon demo`, which is an axum application, the
examples on plain hyper, `std::net` and actix-web, and `logon gateway` before an application in
Python. The right password gets 200 and the user's name,
a wrong one 401. Prints a line per server and client and a summary; exits 1 if anything failed."""

import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server import Server

HERE = Path(__file__).parent
CLIENTS = HERE / "clients"
STATE = Path(os.environ["INTEROP_DIR"])
PYTHON = str(STATE / "venv/bin/python")
DOMAIN, USER, PASSWORD, WRONG = "CORP", "alice", "S3cret!pw", "wrong-pw"
EXPECTED = f"user={DOMAIN}\\{USER}"
TIMEOUT = 90

CURL = ["bash", str(CLIENTS / "curl.sh")]
CHROMIUM = ["node", str(CLIENTS / "chromium.js")]
CHROMIUM_GSS = ["bash", str(CLIENTS / "chromium_gss.sh")]
REQUESTS = [PYTHON, str(CLIENTS / "requests_ntlm_client.py")]
REQUESTS_OWN = [PYTHON, str(CLIENTS / "requests_client.py")]
SPNEGO = [PYTHON, str(CLIENTS / "pyspnego_client.py")]
JAVA = ["java", "-Djava.net.useSystemProxies=false", "-cp", str(STATE / "java"), "JavaClient"]
GO = [str(STATE / "go-ntlmssp")]
WGET = ["bash", str(CLIENTS / "wget.sh")]
POST = {"POST_BYTES": "100000"}

# name, command, path, over TLS, environment
CASES = [
    ("curl-ntlm", CURL, "/ntlm/", False, {"CURL_AUTH": "--ntlm"}),
    ("curl-ntlm-https", CURL, "/ntlm/", True, {"CURL_AUTH": "--ntlm"}),
    ("curl-ntlm-post", CURL, "/ntlm/", False, {"CURL_AUTH": "--ntlm", **POST}),
    ("curl-ntlm-put-chunked", CURL, "/ntlm/", False, {"CURL_AUTH": "--ntlm", "PUT_BYTES": "300000"}),
    ("curl-negotiate", CURL, "/nego/", False, {"CURL_AUTH": "--negotiate"}),
    ("curl-negotiate-https", CURL, "/nego/", True, {"CURL_AUTH": "--negotiate"}),
    ("curl-negotiate-post", CURL, "/nego/", False, {"CURL_AUTH": "--negotiate", **POST}),
    ("curl-ntlm-both", CURL, "/both/deep/below?x=1", False, {"CURL_AUTH": "--ntlm"}),
    ("chromium", CHROMIUM, "/ntlm/", False, {}),
    ("chromium-https", CHROMIUM, "/ntlm/", True, {}),
    ("chromium-both", CHROMIUM, "/both/", False, {}),
    ("chromium-post", CHROMIUM, "/ntlm/", False, POST),
    ("chromium-negotiate", CHROMIUM_GSS, "/nego/", False, {}),
    ("chromium-negotiate-https", CHROMIUM_GSS, "/nego/", True, {}),
    ("requests-ntlm", REQUESTS, "/ntlm/", False, {}),
    ("requests-ntlm-https", REQUESTS, "/ntlm/", True, {}),
    ("requests-ntlm-negotiate", REQUESTS, "/nego/", False, {}),
    ("requests-ntlm-post", REQUESTS, "/ntlm/", False, POST),
    ("pyspnego", SPNEGO, "/nego/", False, {}),
    ("pyspnego-https", SPNEGO, "/nego/", True, {}),
    ("java", JAVA, "/ntlm/", False, {}),
    ("java-https", JAVA, "/ntlm/", True, {}),
    ("java-post", JAVA, "/ntlm/", False, POST),
    ("go-ntlmssp", GO, "/ntlm/", False, {}),
    ("go-ntlmssp-https", GO, "/ntlm/", True, {}),
    ("go-ntlmssp-negotiate", GO, "/nego/", False, {}),
    ("go-ntlmssp-post", GO, "/ntlm/", False, POST),
]

# Digest and Basic, for which the examples have no configuration.
DEMO_CASES = [
    ("curl-digest", CURL, "/digest/", False, {"CURL_AUTH": "--digest"}),
    ("curl-digest-https", CURL, "/digest/", True, {"CURL_AUTH": "--digest"}),
    ("curl-digest-post", CURL, "/digest/", False, {"CURL_AUTH": "--digest", **POST}),
    ("curl-digest-all", CURL, "/all/deep/below?x=1", False, {"CURL_AUTH": "--digest"}),
    ("requests-digest", REQUESTS_OWN, "/digest/", False, {"REQUESTS_AUTH": "digest"}),
    ("requests-digest-https", REQUESTS_OWN, "/digest/", True, {"REQUESTS_AUTH": "digest"}),
    ("requests-digest-post", REQUESTS_OWN, "/digest/", False, {"REQUESTS_AUTH": "digest", **POST}),
    ("wget-digest", WGET, "/digest/", False, {}),
    ("wget-digest-https", WGET, "/digest/", True, {}),
    ("chromium-digest", CHROMIUM, "/digest/", False, {}),
    ("chromium-digest-https", CHROMIUM, "/digest/", True, {}),
    ("chromium-digest-post", CHROMIUM, "/digest/", False, POST),
    ("curl-basic-https", CURL, "/basic/", True, {"CURL_AUTH": "--basic"}),
    ("curl-basic-https-post", CURL, "/basic/", True, {"CURL_AUTH": "--basic", **POST}),
    ("curl-basic-https-all", CURL, "/all/", True, {"CURL_AUTH": "--basic"}),
    ("requests-basic-https", REQUESTS_OWN, "/basic/", True, {"REQUESTS_AUTH": "basic"}),
    ("wget-basic-https", WGET, "/basic/", True, {}),
    ("chromium-basic-https", CHROMIUM, "/basic/", True, {}),
    ("chromium-all-https", CHROMIUM, "/all/", True, {}),
]

# Refused with the right password: wget's NTLM is NTLMv1 only, and Basic is not for plain HTTP.
# The last item is the status.
REFUSED = [("wget-ntlmv1-refused", WGET, "/ntlm/", False, {}, "401")]
DEMO_REFUSED = [
    ("curl-basic-http-refused", CURL, "/basic/", False, {"CURL_AUTH": "--basic"}, "403"),
    ("curl-basic-http-all-refused", CURL, "/all/", False, {"CURL_AUTH": "--basic"}, "401"),
]


# What stands behind the gateway; ended at the end.
APPLICATIONS = []


class Visited(Server):
    """A server, and what is expected of it."""

    def cases(self):
        cases = CASES + DEMO_CASES if self.https else CASES
        return [case for case in cases if self.https or not case[3]]

    def refused(self):
        return REFUSED + DEMO_REFUSED if self.https else REFUSED


def start(demo, examples, directory):
    user = f"{DOMAIN}\\{USER}"
    add = [demo, "users", "add", "--file", "users", user, "--password-env", "DEMO_PW"]
    add += ["--digest-realm", "corp.example"]
    subprocess.run(
        add, check=True, capture_output=True, cwd=directory, env={**os.environ, "DEMO_PW": PASSWORD}
    )
    environment = {"DEMO_PW": PASSWORD, "RUST_LOG": "debug"}
    yield Visited(
        "demo",
        [demo, "demo", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--user", user]
        # Wrong passwords by the dozen, all from one address.
        + ["--password-env", "DEMO_PW", "--cert-out", "cert.pem", "--no-throttle"],
        directory,
        environment,
        tls=True,
    )
    application = subprocess.Popen(
        [sys.executable, str(HERE / "upstream.py")], stdout=subprocess.PIPE, text=True
    )
    APPLICATIONS.append(application)
    configuration = (HERE / "gateway.toml").read_text()
    port = application.stdout.readline().strip()
    (directory / "gateway.toml").write_text(configuration.replace("PORT", port))
    yield Visited(
        "gateway",
        [demo, "gateway", "--config", "gateway.toml"],
        directory,
        environment,
        tls=True,
        ca="gateway.pem",
    )
    for name, example in [("hyper", "plain"), ("std", "server_sync"), ("actix", "actix")]:
        yield Visited(name, [str(examples / example), "127.0.0.1:0"], directory, environment)


def attempt(server, case, password):
    """The last line that a client printed, and whether it reports success."""
    _, command, path, tls, extra, *_ = case
    with tempfile.TemporaryDirectory() as home:
        environment = {
            key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")
        }
        environment |= {
            "URL": (server.https if tls else server.http) + path,
            "LOGON_USER": USER,
            "LOGON_DOMAIN": DOMAIN,
            "LOGON_PASSWORD": password,
            "HOME": home,
            "XDG_RUNTIME_DIR": home,
            "KRB5CCNAME": f"FILE:{home}/none",
            "NODE_PATH": str(STATE / "npm/node_modules"),
            **extra,
        }
        if tls:
            environment["CA_FILE"] = server.ca
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, errors="replace", timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            return "TIMEOUT", False
        lines = done.stdout.strip().splitlines() or [done.stderr.strip()[-200:]]
        return lines[-1].strip(), done.returncode == 0


def open_place(server):
    """A place that needs no logon, on the same port as those that do."""
    with urllib.request.urlopen(server.http + "/open/", timeout=TIMEOUT) as response:
        return f"{response.status} {response.readline().decode().strip()}"


def visit(server, wanted):
    """The number of passed and of failed cases."""
    counts = [0, 0]

    def report(case, right, answers):
        counts[not right] += 1
        print(f"{'ok  ' if right else 'FAIL'} {server.name:7} {case[0]:28} {answers}", flush=True)

    # One client after the other: the failures of several at once would add up to a lock-out.
    for case in filter(wanted, server.cases()):
        good, good_ok = attempt(server, case, PASSWORD)
        bad, bad_ok = attempt(server, case, WRONG)
        right = good_ok and good == f"OK 200 {EXPECTED}" and not bad_ok and "401" in bad
        report(case, right, f"{good}  |  {bad}")
    if server.https and wanted(("guest-open",)):
        answer = open_place(server)
        report(("guest-open",), answer == "200 user=", answer)
    for case in filter(wanted, server.refused()):
        answer, ok = attempt(server, case, PASSWORD)
        report(case, not ok and case[-1] in answer, answer)
    return counts


def main():
    demo, examples, patterns = sys.argv[1], Path(sys.argv[2]), sys.argv[3:] or ["*"]
    wanted = lambda case: any(fnmatch.fnmatch(case[0], pattern) for pattern in patterns)
    directory = Path(tempfile.mkdtemp(prefix="logon-interop-"))
    passed = failed = 0
    servers = []
    try:
        servers.extend(start(demo, examples, directory))
        with ThreadPoolExecutor(len(servers)) as pool:
            for counts in pool.map(lambda server: visit(server, wanted), servers):
                passed, failed = passed + counts[0], failed + counts[1]
    finally:
        ended = [(server, *server.stop()) for server in servers]
        for application in APPLICATIONS:
            application.terminate()
            application.wait(timeout=15)
    for server, code, log in ended:
        for secret in (PASSWORD, WRONG, "TlRMTVNT"):
            if secret in log:
                failed += 1
                print(f"FAIL the log of {server.name} contains {secret!r}")
        if server.name in ("demo", "gateway") and code != 0:
            failed += 1
            print(f"FAIL {server.name} ended with {code}")
    if failed:
        print(f"the logs of the servers are in {directory}")
    else:
        shutil.rmtree(directory)
    print(f"interop: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
