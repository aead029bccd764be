"""The diagnosis page in Chromium, and as curl gets it. Prints a line per check; exits 1 if anything
failed.

    diagnosis.py LOGON [FOLDER]    LOGON is the binary; screenshots go to FOLDER, at 1280 and 360 pixels
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from server import demo

CLIENTS = Path(__file__).parent / "clients"
STATE = Path(os.environ["INTEROP_DIR"])
DOMAIN, USER, PASSWORD = "CORP", "alice", "S3cret!pw"
ACCOUNT = f"{DOMAIN}\\{USER}"
PAGE = "/.logon"


def check(name, text, expected):
    good = expected in text
    print("PASS" if good else "FAIL", name, "" if good else f"{expected!r} is not in\n{text}")
    return good


def curl(arguments, url):
    command = ["curl", "-sS", "-k", "-L", "--max-time", "20", *arguments, url]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout + result.stderr


def serve(binary, directory, arguments):
    arguments = ["--user", ACCOUNT, "--password-env", "DEMO_PW", "--no-throttle", *arguments]
    return demo(binary, directory, arguments, {"DEMO_PW": PASSWORD})


def chromium(server, shots):
    environment = {
        **os.environ,
        "NODE_PATH": str(STATE / "npm/node_modules"),
        "HTTP": server.http,
        "HTTPS": server.https,
        "PAGE": PAGE,
        "LOGON_DOMAIN": DOMAIN,
        "LOGON_USER": USER,
        "LOGON_PASSWORD": PASSWORD,
        "SHOTS": shots or "",
    }
    command = ["node", str(CLIENTS / "diagnosis.js")]
    return subprocess.run(command, env=environment, timeout=240).returncode == 0


def terminal(server):
    page = f"{server.http}{PAGE}"
    right, wrong = f"{ACCOUNT}:{PASSWORD}", f"{ACCOUNT}:wrong"
    return all([
        check("curl: start", curl([], page), "curl --ntlm -u"),
        check("curl: success", curl(["--ntlm", "-u", right], f"{page}/new/ntlm"), f"[ok] You are logged on as {ACCOUNT}."),
        check("curl: wrong", curl(["--ntlm", "-u", wrong], f"{page}/new/ntlm"), "LOGON_ACCOUNT_OR_PASSWORD"),
        check("curl: digest", curl(["--digest", "-u", right], f"{page}/new/digest"), "[ok] You are logged on as"),
    ])


def bindings(server):
    # curl has no channel bindings with its own NTLM.
    text = curl(["--ntlm", "-u", f"{ACCOUNT}:{PASSWORD}"], f"{server.https}{PAGE}/new/ntlm")
    return check("curl: no bindings", text, "LOGON_BINDINGS_REQUIRED")


def main():
    binary, shots = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    if shots:
        os.makedirs(shots, exist_ok=True)
        shots = os.path.abspath(shots)
    good = True
    for arguments, checks in [
        (["--http2"], [lambda server: chromium(server, shots), terminal]),
        (["--bindings", "always"], [bindings]),
    ]:
        with tempfile.TemporaryDirectory() as directory:
            server = serve(binary, directory, arguments)
            try:
                for run in checks:
                    good = run(server) and good
            finally:
                code, log = server.stop()
            good = check("stopped by itself", str(code), "0") and good
            for secret in [PASSWORD, "TlRMTVNT"]:
                if secret in log:
                    print("FAIL", secret, "is in the log")
                    good = False
    sys.exit(0 if good else 1)


main()
