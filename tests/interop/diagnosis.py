"""The diagnosis page of `logon gateway` in Chromium, and as curl gets it. Prints a line per check;
exits 1 if anything failed.

    diagnosis.py LOGON [FOLDER]    LOGON is the binary; screenshots go to FOLDER, at 1280 and 360 pixels
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from server import Server

CLIENTS = Path(__file__).parent / "clients"
STATE = Path(os.environ["INTEROP_DIR"])
DOMAIN, USER, PASSWORD = "CORP", "alice", "S3cret!pw"
ACCOUNT = f"{DOMAIN}\\{USER}"
PAGE = "/.logon"
# Nobody asks for the application here.
CONFIGURATION = """
users = "users"
upstream = "http://127.0.0.1:9"
[[listen]]
address = "127.0.0.1:0"
[[listen]]
address = "127.0.0.1:0"
self_signed = "gateway.pem"
http2 = true
[server]
domain = "CORP"
[logon]
realm = "corp.example"
schemes = ["Negotiate", "NTLM", "Digest", "Basic"]
channel_bindings = "BINDINGS"
throttle = { enabled = false }
[diagnosis]
"""


def check(name, text, expected):
    good = expected in text
    print("PASS" if good else "FAIL", name, "" if good else f"{expected!r} is not in\n{text}")
    return good


def curl(arguments, url):
    command = ["curl", "-sS", "-k", "-L", "--max-time", "20", *arguments, url]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout + result.stderr


def serve(binary, directory, bindings):
    add = [binary, "users", "add", "--file", "users", ACCOUNT, "--password-env", "PW"]
    add += ["--digest-realm", "corp.example"]
    environment = {"PW": PASSWORD, "RUST_LOG": "debug"}
    subprocess.run(add, check=True, capture_output=True, cwd=directory, env={**os.environ, **environment})
    (Path(directory) / "gateway.toml").write_text(CONFIGURATION.replace("BINDINGS", bindings))
    command = [binary, "gateway", "--config", "gateway.toml"]
    return Server("gateway", command, directory, environment, tls=True)


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
    checks = [
        ("curl: start", [], page, "curl --ntlm -u"),
        ("curl: success", ["--ntlm", "-u", right], f"{page}/new/ntlm", f"[ok] You are logged on as {ACCOUNT}."),
        ("curl: wrong", ["--ntlm", "-u", wrong], f"{page}/new/ntlm", "LOGON_ACCOUNT_OR_PASSWORD"),
        ("curl: digest", ["--digest", "-u", right], f"{page}/new/digest", "[ok] You are logged on as"),
    ]
    results = [check(name, curl(arguments, url), text) for name, arguments, url, text in checks]
    return all(results)


def bindings(server):
    # curl has no channel bindings with its own NTLM. It begins over HTTP/2, on another connection.
    text = curl(["--ntlm", "-b", "", "-u", f"{ACCOUNT}:{PASSWORD}"], f"{server.https}{PAGE}/new/ntlm")
    return check("curl: no bindings", text, "LOGON_BINDINGS_REQUIRED")


def main():
    binary, shots = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    if shots:
        os.makedirs(shots, exist_ok=True)
        shots = os.path.abspath(shots)
    good = True
    for demanded, checks in [
        ("when-offered", [lambda server: chromium(server, shots), terminal]),
        ("always", [bindings]),
    ]:
        with tempfile.TemporaryDirectory() as directory:
            server = serve(binary, directory, demanded)
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
