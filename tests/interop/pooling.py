"""Two users behind haproxy and nginx that share their connections to `logon demo` among all
clients: nobody is ever taken for somebody else. Prints a line per proxy and configuration; exits
1 if an identity appears on a request that did not earn it.

A NAME ending in `-fields` has the proxy add X-Forwarded-For, by which the server notices that a
connection may be shared. `-bare` adds nothing, and the server is told with `--no-persistence`.
`-unnoticed` adds nothing and the server is not told: the configuration that the documentation
warns of. It is run to see what comes of it, and cannot fail."""

import contextlib
import fnmatch
import http.client
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import spnego

from server import demo as start_demo

DOMAIN = "CORP"
PASSWORDS = {"alice": "S3cret!pw", "bob": "b0bs!pw"}
# Clients by their user: three of each, and two who never log on.
CLIENTS = [*PASSWORDS] * 3 + [None] * 2
REQUESTS = 10_000
# The connections that each proxy keeps, fewer than there are clients.
POOL = 4
PLACES = {"/ntlm/": "NTLM", "/nego/": "Negotiate", "/optional/": "NTLM"}

HAPROXY = """
global
  nbthread 1
defaults
  mode http
  timeout connect 10s
  timeout client 30s
  timeout server 30s
  {fields}
frontend clients
  bind 127.0.0.1:{port}
  default_backend server
backend server
  http-reuse always
  server demo {server} pool-max-conn {pool}
"""

NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream demo {{
    server {server};
    keepalive {pool};
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://demo;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      {fields}
    }}
  }}
}}
"""

# What starts it, its configuration, and what makes it say that it is there.
PROXIES = {
    "haproxy": (["haproxy", "-db", "-f"], HAPROXY, "option forwardfor"),
    "nginx": (
        ["nginx", "-c"],
        NGINX,
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    ),
}


class Shared:
    """What the clients of one run count together."""

    def __init__(self, address):
        self.address = address
        self.left = REQUESTS
        self.counts = Counter()
        self.wrong = []
        self.lock = threading.Lock()

    def take(self):
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def crossing(self, what):
        self.count("crossed")
        with self.lock:
            self.wrong.append(what)


class Finished(Exception):
    """All requests are sent."""


class Client:
    """One of the two users, or nobody, on a connection of its own to the proxy."""

    def __init__(self, shared, user, seed):
        self.shared, self.user, self.random = shared, user, random.Random(seed)
        # One that has served: its challenge is used up.
        self.old_proof = None
        self.connect()

    def connect(self):
        self.connection = http.client.HTTPConnection(*self.shared.address, timeout=30)
        # Whether this client has proven who it is on this connection of its own.
        self.logged_on = False

    def run(self):
        with contextlib.suppress(Finished):
            while True:
                self.act()

    def act(self):
        place = self.random.choice(list(PLACES))
        if self.user is None:
            return self.ask(place)
        act = self.random.random()
        if act < 0.4:
            self.ask(place)
        elif act < 0.75:
            self.log_on(place, PASSWORDS[self.user], pause=self.random.random() < 0.1)
        elif act < 0.85:
            self.log_on(place, "wrong", pause=False)
        elif act < 0.92 and self.old_proof:
            self.ask(*self.old_proof)
        else:
            self.connection.close()
            self.connect()

    def log_on(self, place, password, pause):
        """Both legs; with a pause there is a plain request in between."""
        scheme = PLACES[place]
        context = spnego.client(f"{DOMAIN}\\{self.user}", password, "localhost", protocol="ntlm")
        challenge = self.ask(place, f"{scheme} {b64encode(context.step()).decode()}")
        if pause:
            self.ask(place)
        if not challenge:
            return self.shared.count("no challenge")
        proof = f"{scheme} {b64encode(context.step(challenge)).decode()}"
        self.ask(place, proof, proves=password == PASSWORDS[self.user])
        if self.logged_on:
            self.old_proof = (place, proof)

    def ask(self, place, credentials=None, proves=False):
        """Sends one request, judges who it is said to be from, and gives the challenge."""
        if not self.shared.take():
            raise Finished
        fields = {"Authorization": credentials} if credentials else {}
        try:
            self.connection.request("GET", place, headers=fields)
            response = self.connection.getresponse()
            body = response.read().decode()
        except (http.client.HTTPException, OSError):
            # Closed by the other side in between, which is its right.
            self.shared.count("broken off")
            self.connection.close()
            return self.connect()
        self.judge(place, response.status, body, credentials, proves)
        scheme = PLACES[place] + " "
        offers = response.headers.get_all("WWW-Authenticate") or []
        tokens = [offer.removeprefix(scheme) for offer in offers if offer.startswith(scheme)]
        return b64decode(tokens[0]) if tokens else None

    def judge(self, place, status, body, credentials, proves):
        user = None
        if status == 200:
            first = body.split("\n", 1)[0]
            assert first.startswith("user="), first
            user = first.removeprefix("user=") or None
        mine = self.user and f"{DOMAIN}\\{self.user}"
        if user is None:
            if status == 200 and credentials:
                self.shared.crossing(f"{place}: credentials that were neither taken nor refused")
            self.shared.count("logon failed" if proves else f"anonymous {status}")
        elif user != mine:
            self.shared.crossing(f"{place}: {mine} was taken for {user}")
        elif proves:
            self.logged_on = True
            self.shared.count("logged on")
        elif self.logged_on and not credentials:
            self.shared.count("kept")
        else:
            self.shared.crossing(f"{place}: {user} on a request that proved nothing")
        if credentials and not (proves and user == mine):
            self.logged_on = False


@contextlib.contextmanager
def proxy(name, server, fields, directory):
    """The address of a proxy that runs meanwhile."""
    command, template, field = PROXIES[name]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = Path(directory) / f"{name}.conf"
    configuration.write_text(
        template.format(
            port=port,
            server=server,
            pool=POOL,
            directory=directory,
            fields=field if fields else "",
        )
    )
    log = open(Path(directory) / f"{name}.out", "w")
    process = subprocess.Popen([*command, str(configuration)], stdout=log, stderr=log)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.1)
        yield ("127.0.0.1", port)
    finally:
        process.terminate()
        process.wait(timeout=15)


def users(binary, directory):
    file = str(Path(directory) / "users")
    for user, password in PASSWORDS.items():
        command = [binary, "users", "add", "--file", file, f"{DOMAIN}\\{user}"]
        environment = {**os.environ, "PW": password}
        subprocess.run(
            [*command, "--password-env", "PW"], env=environment, check=True, capture_output=True
        )
    return file


def attempt(binary, name, fields, told, seed):
    """What the clients of one proxy counted, and what went wrong."""
    directory = tempfile.mkdtemp(prefix="logon-pooling-")
    arguments = ["--users", users(binary, directory), "--no-throttle"]
    demo = start_demo(binary, directory, arguments + ["--no-persistence"] * told, {"RUST_LOG": "error"})
    try:
        server = urlsplit(demo.http).netloc
        with contextlib.ExitStack() as stack:
            if name == "direct":
                address = tuple(server.split(":"))
            else:
                address = stack.enter_context(proxy(name, server, fields, directory))
            shared = Shared(address)
            clients = [Client(shared, user, seed + n) for n, user in enumerate(CLIENTS)]
            threads = [threading.Thread(target=client.run) for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        demo.stop()
    shutil.rmtree(directory)
    return shared


# name, proxy, whether it adds its field, whether the server is told, whether logons last
CASES = [
    ("pooled-none", "direct", False, False, True),
    ("pooled-haproxy-fields", "haproxy", True, False, False),
    ("pooled-haproxy-bare", "haproxy", False, True, False),
    ("pooled-haproxy-unnoticed", "haproxy", False, False, None),
    ("pooled-nginx-fields", "nginx", True, False, False),
    ("pooled-nginx-bare", "nginx", False, True, False),
    ("pooled-nginx-unnoticed", "nginx", False, False, None),
]


def main():
    binary, patterns = sys.argv[1], sys.argv[2:] or ["*"]
    seed = int(os.environ.get("POOLING_SEED", "1"))
    failed = False
    for name, proxied, fields, told, lasting in CASES:
        if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            continue
        begun = time.monotonic()
        shared = attempt(binary, proxied, fields, told, seed)
        counts = shared.counts
        wrong = list(dict.fromkeys(shared.wrong))
        if lasting is not None:
            # Without a logon that went through, nothing was tried.
            if counts["logged on"] == 0:
                wrong.append("nobody has logged on")
            if lasting != (counts["kept"] > 0):
                wrong.append(f"{counts['kept']} requests followed on a logon")
        bad = bool(wrong) and lasting is not None
        failed |= bad
        seconds = time.monotonic() - begun
        mark = "FAIL" if bad else "ok  " if lasting is not None else "note"
        shown = ", ".join(f"{what} {times}" for what, times in sorted(counts.items()))
        print(f"{mark} {name:26} {REQUESTS} requests in {seconds:.0f} s: {shown}", flush=True)
        for what in wrong[:5]:
            print(f"     {what}")
    sys.exit(failed)


main()
