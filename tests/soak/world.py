"""The gateway under load, what it reads, and what stands behind it; and what has been seen."""

import asyncio
import contextlib
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections import Counter

from http1 import Connection
from ntlm import User

HOST = "web.corp.example"
ALICE, BOB, CAROL = (User("CORP", name, f"S3cret!{name}") for name in ("alice", "bob", "carol"))

CONFIG = """
users = "users"
upstream = "steady"

[[listen]]
name = "plain"
address = "127.0.0.1:0"

[[listen]]
name = "tls"
address = "127.0.0.1:0"
certificate = "tls.pem"
key = "tls.key"
http2 = true

[server]
domain = "CORP"
computer = "WEB01"

[logon]
schemes = ["Negotiate", "NTLM", "Basic"]

[logon.throttle]
# From here come the clients that mean well, among them one who is at times not in the user file.
exempt = ["127.0.0.1"]

[session]
keys = "session.keys"

[admin]
address = "127.0.0.1:0"

[limits]
request_head = "10s"
body_stall = "5s"
write_stall = "5s"
connections = 2000
connections_per_address = 500

[upstreams.pooled]
urls = ["http://127.0.0.1:{shaky}", "http://127.0.0.1:{steady}"]
idle = "5s"

[upstreams.steady]
urls = ["http://127.0.0.1:{steady}"]
idle = "5s"

[[route]]
path = "/pooled"
upstream = "pooled"

[[route]]
path = "/moved"
upstream = "{moved}"

[[route]]
path = "/open"
requirement = "off"
"""


class Seen:
    """What the clients have seen."""

    def __init__(self):
        self.counts, self.errors, self.excused, self.details = Counter(), Counter(), Counter(), Counter()

    def error(self, kind, detail=""):
        self.errors[kind] += 1
        self.details[kind] += 1
        if self.details[kind] <= 5:
            print(f"{time.strftime('%H:%M:%S')} ERROR {kind}: {detail}", file=sys.stderr, flush=True)


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Upstream:
    """A process that answers; `down` are the times at which it may not."""

    def __init__(self, here, name):
        self.here, self.name, self.port = here, name, free_port()
        self.down = []

    async def start(self):
        program = os.path.join(self.here, "upstream.py")
        # While it was away, a connection of anybody's may have taken its port for a moment.
        for _ in range(60):
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, program, self.name, str(self.port), stdout=subprocess.PIPE)
            if await self.process.stdout.readline():
                return
            await self.process.wait()
            await asyncio.sleep(0.5)
        sys.exit(f"the upstream {self.name} does not start on port {self.port}")

    async def restart(self):
        begin = time.monotonic()
        self.down.append([begin - 0.1, float("inf")])
        self.process.kill()
        await self.process.wait()
        await asyncio.sleep(1.5)
        await self.start()
        # What it held in its hands is gone; what comes from now on it answers.
        self.down[-1][1] = time.monotonic() + 0.5

    def was_down(self, begin, end):
        return any(begin <= to and end >= since for since, to in self.down)


class World:
    def __init__(self, here, folder, logon):
        self.here, self.folder, self.logon = here, folder, logon
        self.seen = Seen()
        self.shaky, self.steady = Upstream(here, "shaky"), Upstream(here, "steady")
        self.moved, self.moved_at = "steady", 0.0
        self.has_carol, self.users_at = True, 0.0
        self.serial, self.serial_at = None, 0.0
        self.log = Counter()
        self.stopping = False

    # Files

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name + ".new"), "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)
        os.replace(self.path(name + ".new"), self.path(name))

    def write_config(self):
        self.write("logon.toml", CONFIG.format(
            shaky=self.shaky.port, steady=self.steady.port, moved=self.moved))

    def write_users(self):
        users = [ALICE, BOB] + [CAROL] * self.has_carol
        self.write("users", "".join(f"{it.domain}:{it.name}:{it.password}\n" for it in users))

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def make_authority(self):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=soak",
                     "-addext", "basicConstraints=critical,CA:TRUE")
        self.write("names", f"subjectAltName = DNS:{HOST}\n")

    def make_certificate(self):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", "tls.key", "-out", "tls.csr", "-subj", f"/CN={HOST}")
        self.openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
                     "-extfile", "names", "-out", "tls.pem", "-CAcreateserial")
        shown = subprocess.run(["openssl", "x509", "-in", "tls.pem", "-noout", "-serial"],
                               cwd=self.folder, check=True, capture_output=True, text=True).stdout
        self.serial = shown.strip().split("=")[1]

    def make_session_key(self):
        subprocess.run([self.logon, "session-key", "--file", self.path("session.keys")],
                       check=True, stdout=subprocess.DEVNULL)

    # Processes

    async def start(self):
        await asyncio.gather(self.shaky.start(), self.steady.start())
        self.write_config()
        self.write_users()
        self.make_authority()
        self.make_certificate()
        self.make_session_key()
        self.tls = ssl.create_default_context(cafile=self.path("ca.pem"))
        self.process = await asyncio.create_subprocess_exec(
            self.logon, "gateway", "--config", self.path("logon.toml"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        addresses = {}
        while len(addresses) < 3:
            line = (await asyncio.wait_for(self.process.stdout.readline(), 10)).decode()
            if not line:
                sys.exit(f"the gateway did not start: {(await self.process.stderr.read()).decode()}")
            kind, host, port = re.search(r"(admin http|http|https)://([\d.]+):(\d+)", line).groups()
            addresses[kind] = (host, int(port))
        self.plain, self.secure, self.admin = (addresses[it] for it in ("http", "https", "admin http"))
        self.reading = asyncio.create_task(self.read_log())

    async def read_log(self):
        with open(self.path("gateway.log"), "wb") as kept:
            while line := await self.process.stderr.readline():
                kept.write(line)
                kept.flush()
                for word in (b"not reloaded", b" reloaded", b"panicked", b" ERROR ", b" WARN "):
                    if word in line:
                        self.log[word.decode().strip()] += 1
                if b"panicked" in line:
                    self.seen.error("the gateway panicked", line.decode().strip())

    def resident(self):
        """KiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    async def hang_up(self, word):
        """SIGHUP, after which the log has to say `word`."""
        before = self.log[word]
        self.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            if self.log[word] > before:
                self.seen.counts[word] += 1
                return
            await asyncio.sleep(0.05)
        self.seen.error("SIGHUP without an effect", f"no {word!r} in the log")

    async def stop(self):
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            code = await asyncio.wait_for(self.process.wait(), 40)
            if code != 0:
                self.seen.error("the gateway ended badly", f"exit code {code}")
        if self.process.returncode is None:
            self.seen.error("the gateway did not end", "SIGTERM, 40 s ago")
            self.process.kill()

    def kill_all(self):
        for process in (self.shaky, self.steady, self):
            with contextlib.suppress(AttributeError, ProcessLookupError):
                process.process.kill()

    async def connect(self, over_tls, source="127.0.0.1"):
        begin = time.monotonic()
        if not over_tls:
            return await Connection.open(self.plain, source=source)
        serial, since = self.serial, self.serial_at
        connection = await Connection.open(self.secure, self.tls, source=source)
        shown = connection.writer.get_extra_info("peercert")["serialNumber"]
        # A certificate that was changed a moment ago may be either.
        if shown != serial and self.serial == serial and begin > since + 1:
            self.seen.error("old certificate", f"{shown}, not {serial}")
        return connection

    # What happens to it

    async def reload_often(self, every):
        steps = [self.reload, self.move_route, self.change_certificate, self.change_users,
                 self.spoil_users, self.spoil_config, self.spoil_certificate, self.change_key]
        number = 0
        while not self.stopping:
            await asyncio.sleep(every)
            await steps[number % len(steps)]()
            number += 1

    async def reload(self):
        await self.hang_up("reloaded")

    async def move_route(self):
        self.moved_at = float("inf")
        self.moved = "pooled" if self.moved == "steady" else "steady"
        self.write_config()
        await self.hang_up("reloaded")
        self.moved_at = time.monotonic()

    async def change_certificate(self):
        self.serial_at = float("inf")
        await asyncio.to_thread(self.make_certificate)
        await self.hang_up("reloaded")
        self.serial_at = time.monotonic()

    async def change_users(self):
        self.users_at = float("inf")
        self.has_carol = not self.has_carol
        self.write_users()
        await self.hang_up("reloaded")
        self.users_at = time.monotonic()

    async def spoil_users(self):
        """Written over while it is read: everybody who could log on still can."""
        with open(self.path("users"), "wb") as file:
            file.write(b"\xff\xfe no user file \0\1\2 : : :\n" * 5)
        await asyncio.sleep(1.5)
        await self.hang_up("reloaded")
        await asyncio.sleep(1.5)
        self.write_users()
        await self.hang_up("reloaded")

    async def spoil_config(self):
        with open(self.path("logon.toml"), "w") as file:
            file.write("users = [[[ no configuration\n")
        await self.hang_up("not reloaded")
        await asyncio.sleep(2)
        self.write_config()
        await self.hang_up("reloaded")

    async def spoil_certificate(self):
        with open(self.path("tls.pem")) as file:
            good = file.read()
        self.write("tls.pem", "no certificate\n")
        await self.hang_up("not reloaded")
        self.write("tls.pem", good)
        await self.hang_up("reloaded")

    async def change_key(self):
        await asyncio.to_thread(self.make_session_key)
        await self.hang_up("reloaded")

    async def restart_often(self, every):
        while not self.stopping:
            await asyncio.sleep(every)
            await self.shaky.restart()
            self.seen.counts["upstream restarts"] += 1
