"""Drives real clients against `logon demo`: the right password gets 200 and the user's name, a
wrong one 401. Prints a line per client and a summary; exits 1 if anything failed."""

import fnmatch
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

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
SPNEGO = [PYTHON, str(CLIENTS / "pyspnego_client.py")]
JAVA = ["java", "-Djava.net.useSystemProxies=false", "-cp", str(STATE / "java"), "JavaClient"]
GO = [str(STATE / "go-ntlmssp")]
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

# wget speaks NTLMv1 only, which is refused.
REFUSED = [("wget-ntlmv1-refused", ["bash", str(CLIENTS / "wget.sh")], "/ntlm/", False, {})]


class Demo:
    """A `logon demo` on free ports."""

    def __init__(self, binary, directory):
        self.ca = str(Path(directory) / "cert.pem")
        self.log = open(Path(directory) / "demo.log", "w+")
        command = [binary, "demo", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]
        command += ["--user", f"{DOMAIN}\\{USER}", "--password-env", "DEMO_PW", "--cert-out", self.ca]
        environment = {**os.environ, "DEMO_PW": PASSWORD, "RUST_LOG": "debug"}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment
        )
        lines = queue.Queue()
        reader = lambda: [lines.put(line.strip()) for line in self.process.stdout]
        threading.Thread(target=reader, daemon=True).start()
        self.http = lines.get(timeout=10)
        self.https = lines.get(timeout=10)
        assert self.http.startswith("http://") and self.https.startswith("https://localhost:")

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=15)
        self.log.seek(0)
        return code, self.log.read()


def attempt(demo, case, password):
    """The last line that a client printed, and whether it reports success."""
    _, command, path, tls, extra = case
    with tempfile.TemporaryDirectory() as home:
        environment = {
            key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")
        }
        environment |= {
            "URL": (demo.https if tls else demo.http) + path,
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
            environment["CA_FILE"] = demo.ca
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, errors="replace", timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            return "TIMEOUT", False
        lines = done.stdout.strip().splitlines() or [done.stderr.strip()[-200:]]
        return lines[-1].strip(), done.returncode == 0


def main():
    binary, patterns = sys.argv[1], sys.argv[2:] or ["*"]
    chosen = lambda cases: [
        case for case in cases if any(fnmatch.fnmatch(case[0], pattern) for pattern in patterns)
    ]
    passed = failed = 0
    directory = tempfile.mkdtemp(prefix="logon-interop-")
    demo = Demo(binary, directory)
    try:
        for case in chosen(CASES):
            good, good_ok = attempt(demo, case, PASSWORD)
            bad, bad_ok = attempt(demo, case, WRONG)
            right = good_ok and good == f"OK 200 {EXPECTED}" and not bad_ok and "401" in bad
            passed, failed = passed + right, failed + (not right)
            print(f"{'ok  ' if right else 'FAIL'} {case[0]:26} {good}  |  {bad}", flush=True)
        for case in chosen(REFUSED):
            answer, ok = attempt(demo, case, PASSWORD)
            right = not ok and "401" in answer
            passed, failed = passed + right, failed + (not right)
            print(f"{'ok  ' if right else 'FAIL'} {case[0]:26} {answer}", flush=True)
    finally:
        code, log = demo.stop()
    for secret in (PASSWORD, WRONG, "TlRMTVNT"):
        if secret in log:
            failed += 1
            print(f"FAIL the log contains {secret!r}")
    if code != 0:
        failed += 1
        print(f"FAIL the demo ended with {code}")
    if failed:
        print(f"the demo's log is {directory}/demo.log")
    else:
        shutil.rmtree(directory)
    print(f"interop: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
