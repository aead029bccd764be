"""Clients that mean well. Each answer is held against what was asked, and by whom."""

import asyncio
import hashlib
import json
import os
import random
import time

from http1 import Broken, Connection, challenge
from ntlm import Logon
from world import ALICE, BOB, CAROL, HOST

BODY = os.urandom(100_000)
PATTERN = bytes(range(256)) * 4096
COOKIE = "__Host-logon"
# What a liar would add: it never arrives.
LIES = [(), (), (("X-Remote-User", "CORP\\mallory"),), (("remote-user", "CORP\\mallory"), ("HTTP_LOGON_USER", "x"))]


class Wrong(Exception):
    """An answer that the gateway is to blame for. Its kind, and more."""


class Client:
    """One connection at a time, logged on as one user, or as nobody."""

    def __init__(self, world, user, over_tls):
        self.world, self.seen, self.user, self.over_tls = world, world.seen, user, over_tls
        self.connection = None

    # Judging

    def is_shaky(self, target):
        """Whether an upstream that restarts may have been asked."""
        settled = time.monotonic() > self.world.moved_at + 1
        moved = self.world.moved == "pooled" or not settled
        return target.startswith("/pooled") or (target.startswith("/moved") and moved)

    def check(self, answer, method, target, body, user):
        if answer.status != 200:
            raise Wrong(f"status {answer.status}", f"{method} {target} of {user}: {answer.body[:200]}")
        upstream = answer.one("x-upstream")
        if not self.is_shaky(target) and upstream != "steady":
            raise Wrong("wrong upstream", f"{target} at {upstream}")
        expected = [str(user)] * 4 if user else []
        if "/download?" in target:
            count = int(target.split("?")[1].split("&")[0])
            pattern = (PATTERN * (count // len(PATTERN) + 1))[:count]
            users = [it for it in answer.one("x-users", "").split("|") if it]
            if answer.body != pattern:
                raise Wrong("wrong body", f"{len(answer.body)} of {count}")
        else:
            said = answer.json()
            users = said["users"]
            if (said["method"], said["target"]) != (method, target):
                raise Wrong("the answer to another request", f"{said} for {target}")
            sent = body or b""
            if said["length"] != len(sent) or said["sha256"] != hashlib.sha256(sent).hexdigest():
                raise Wrong("wrong body arrived", f"{said['length']} of {len(sent)}")
            if COOKIE in (said["cookie"] or ""):
                raise Wrong("the application saw the session cookie", said)
            if (said["authorization"] or "").split(" ")[0] in ("NTLM", "Negotiate"):
                raise Wrong("the application saw a token", said)
        if users != expected:
            raise Wrong("WRONG IDENTITY", f"{users} for {user} at {target}")

    async def ask(self, method, target, fields=(), body=None, chunked=False, user="own"):
        """One request that has to be answered by an upstream. False if it was not, and that was
        the upstream's fault."""
        user = self.user if user == "own" else user
        begin = time.monotonic()
        try:
            answer = await self.connection.request(method, target, fields, body, chunked)
            self.seen.counts["requests"] += 1
            self.check(answer, method, target, body, user)
            if answer.closes:
                await self.reconnect()
            return answer
        except (Broken, Wrong) as error:
            kind = error.args[0] if isinstance(error, Wrong) else "connection broken"
            # What an upstream that dies cannot answer: that is said, or cut off in the middle.
            allowed = kind in ("status 502", "status 503", "status 504", "connection broken")
            # The gateway need not have read it, so it may have answered while we were sending.
            down = self.world.shaky.was_down(begin, time.monotonic())
            if allowed and down and self.is_shaky(target):
                self.seen.excused[kind] += 1
            elif isinstance(error, Wrong):
                self.seen.error(*error.args)
            else:
                self.seen.error(kind, f"{method} {target}: {error}")
            await self.reconnect()
            return None

    # Connecting

    async def reconnect(self):
        if self.connection:
            self.connection.close()
        while not self.world.stopping:
            try:
                self.connection = await self.world.connect(self.over_tls)
                if self.user is None or await self.log_on(self.user):
                    return
            except (OSError, TimeoutError, Broken) as error:
                self.seen.error("cannot connect or log on", f"{type(error).__name__} {error}")
                await asyncio.sleep(0.5)
        raise asyncio.CancelledError

    async def log_on(self, user, target="/steady/logon"):
        scheme = random.choice(["NTLM", "Negotiate"])
        logon = Logon(scheme, user)
        # Some send their body with each leg.
        body = random.choice([None, None, BODY[:5000]])
        method = "POST" if body else "GET"
        first = await self.connection.request(method, target, [("Authorization", logon.first())], body)
        token = challenge(first, scheme)
        if first.status != 401 or not token:
            self.seen.error(f"first leg {first.status}", f"{first.fields} {first.body[:200]}")
            return False
        fields = [("Authorization", logon.second(token))]
        last = await self.connection.request(method, target, fields, body)
        self.seen.counts["requests"] += 2
        if last.status != 200:
            self.seen.error(f"logon {last.status}", f"{user} {scheme} {last.body[:200]}")
            return False
        self.seen.counts["logons"] += 1
        self.check(last, method, target, body, user)
        self.last = last
        return True

    # What they do

    async def run(self):
        while not self.world.stopping:
            await self.reconnect()
            for _ in range(random.randrange(5, 60)):
                if self.world.stopping:
                    break
                await self.step()
                await asyncio.sleep(random.random() * 0.06)
        if self.connection:
            self.connection.close()

    def target(self):
        route = random.choice(["pooled", "pooled", "steady", "moved"])
        return f"/{route}/{random.randrange(1 << 40):x}"

    async def step(self):
        target = self.target()
        match random.randrange(16):
            case 0 | 1 | 2 | 3 | 4 | 5:
                await self.ask("GET", target, random.choice(LIES))
            case 6 | 7:
                await self.ask("POST", target, body=BODY[:random.choice([0, 1, 100_000])])
            case 8 | 9:
                await self.ask("PUT", target, random.choice(LIES), BODY, chunked=True)
            case 10:
                await self.ask("GET", f"{target}/download?{1 << 20}")
            case 11:
                await self.ask("GET", f"{target}/download?{1 << 20}&chunked")
            case 12 | 13:
                # Where nobody is asked, nobody is somebody.
                await self.ask("GET", f"/open{target}", random.choice(LIES), user=None)
            case 14:
                await self.pipeline()
            case _:
                await self.upgrade()

    async def pipeline(self):
        targets = [f"/steady/{random.randrange(1 << 40):x}" for _ in range(random.randrange(2, 8))]
        for target in targets:
            self.connection.writer.write(f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        try:
            async with asyncio.timeout(20):
                for target in targets:
                    answer = await self.connection.answer("GET")
                    self.seen.counts["requests"] += 1
                    self.check(answer, "GET", target, None, self.user)
        except Wrong as error:
            self.seen.error(*error.args)
            await self.reconnect()
        except (OSError, EOFError, TimeoutError) as error:
            self.seen.error("connection broken", f"pipelined: {type(error).__name__} {error}")
            await self.reconnect()

    async def upgrade(self):
        fields = [("Upgrade", "echo"), ("Connection", "Upgrade"), ("X-Remote-User", "CORP\\mallory")]
        connection = self.connection
        try:
            async with asyncio.timeout(20):
                answer = await connection.request("GET", "/steady/socket", fields)
                users = answer.one("x-users", "")
                if answer.status != 101 or users != "|".join([str(self.user)] * 4 if self.user else []):
                    self.seen.error("upgrade", f"{answer.status} for {self.user}: {users}")
                else:
                    for _ in range(random.randrange(1, 6)):
                        data = os.urandom(random.randrange(1, 20_000))
                        connection.writer.write(data)
                        if await connection.reader.readexactly(len(data)) != data:
                            self.seen.error("wrong bytes behind an upgrade")
                    self.seen.counts["upgrades"] += 1
        except (Broken, OSError, EOFError, TimeoutError) as error:
            self.seen.error("broken behind an upgrade", f"{type(error).__name__} {error}")
        await self.reconnect()


class Guest(Client):
    """Logs on nowhere."""

    def __init__(self, world, over_tls):
        super().__init__(world, None, over_tls)

    async def step(self):
        target = f"/open/{random.randrange(1 << 40):x}"
        if random.randrange(4):
            await self.ask("GET", target, random.choice(LIES))
        else:
            await self.ask("POST", target, body=BODY, chunked=random.random() < 0.5)


class Password(Client):
    """Says its password with every request, as Basic does; two users over one connection."""

    def __init__(self, world):
        super().__init__(world, None, True)

    async def step(self):
        user = random.choice([ALICE, BOB])
        fields = [("Authorization", user.basic())]
        if random.randrange(3):
            await self.ask("GET", self.target(), fields, user=user)
        else:
            await self.ask("POST", self.target(), fields, BODY, user=user)


class Cookie(Client):
    """Logs on once, and is known by its cookie over other connections."""

    def __init__(self, world, user):
        super().__init__(world, user, True)

    async def reconnect(self):
        await super().reconnect()
        cookies = [value.split(";")[0] for value in self.last.all("set-cookie")]
        self.cookie = next((it for it in cookies if it.startswith(COOKIE + "=")), None)
        if self.cookie is None:
            self.seen.error("no session cookie", self.last.fields)
        self.count = 0

    async def step(self):
        self.count += 1
        if self.cookie is None or self.count > 30:
            await self.reconnect()
        if self.count % 5 == 1:
            self.connection.close()
            self.connection = await Connection.open(self.world.secure, self.world.tls)
        await self.ask("GET", self.target(), [("Cookie", f"a=b; {self.cookie}; c=d")])
        self.seen.counts["requests by cookie"] += 1


class ComesAndGoes(Client):
    """Carol, who is at times not in the user file."""

    async def run(self):
        while not self.world.stopping:
            begin, known = time.monotonic(), self.world.has_carol
            settled = begin > self.world.users_at + 1
            try:
                self.connection = await self.world.connect(self.over_tls)
                logon = Logon("NTLM", CAROL)
                first = await self.connection.request(
                    "GET", "/steady/carol", [("Authorization", logon.first())])
                second = logon.second(challenge(first, "NTLM"))
                last = await self.connection.request(
                    "GET", "/steady/carol", [("Authorization", second)])
                if settled and self.world.has_carol == known and self.world.users_at <= begin:
                    if last.status != (200 if known else 401):
                        self.seen.error("users", f"{last.status} for carol, in the file: {known}")
                    self.seen.counts["carol came" if known else "carol was refused"] += 1
                self.connection.close()
            except (Broken, OSError, TimeoutError, TypeError) as error:
                self.seen.error("connection broken", f"carol: {type(error).__name__} {error}")
            await asyncio.sleep(0.3)


async def curl(world):
    """A client that others have written."""
    host, port = world.secure
    over_tls = ["--cacert", world.path("ca.pem"), "--resolve", f"{HOST}:{port}:{host}"]
    secure, plain = f"https://{HOST}:{port}", "http://%s:%d" % world.plain
    world.write("curl.body", "x" * 300_000)
    kinds = [
        (["--ntlm", f"{plain}/steady/curl"], 0),
        (["--ntlm", *over_tls, "--http1.1", f"{secure}/steady/curl"], 0),
        (["--basic", *over_tls, "--http2", f"{secure}/steady/curl"], 0),
        (["--ntlm", "--data-binary", f"@{world.path('curl.body')}", f"{plain}/steady/curl"], 300_000),
        (["--basic", *over_tls, "--http2", "-T", world.path("curl.body"), f"{secure}/steady/curl"], 300_000),
        # Begins with HTTP/2, and is sent back.
        (["--ntlm", *over_tls, f"{secure}/steady/curl"], 0),
    ]
    while not world.stopping:
        user, (arguments, length) = random.choice([ALICE, BOB]), random.choice(kinds)
        process = await asyncio.create_subprocess_exec(
            "curl", "--silent", "--show-error", "--fail", "--max-time", "20",
            "--user", f"{user}:{user.password}", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, err = await process.communicate()
        kind = " ".join(it for it in arguments if it.startswith("--") and it not in over_tls)
        if process.returncode != 0:
            world.seen.error(f"curl {kind}", err.decode().strip())
        else:
            said = json.loads(out)
            if said["users"] != [str(user)] * 4 or said["length"] != length:
                world.seen.error(f"curl {kind}", said)
            world.seen.counts["curl"] += 1
        await asyncio.sleep(1)


def clients(world):
    """All of them, as coroutines."""
    kinds = []
    for over_tls in (False, True):
        kinds += [Client(world, user, over_tls) for user in (ALICE, BOB) for _ in range(5)]
        kinds += [Guest(world, over_tls) for _ in range(2)]
        kinds.append(ComesAndGoes(world, CAROL, over_tls))
    kinds += [Password(world), Password(world), Cookie(world, ALICE), Cookie(world, BOB)]
    return [it.run() for it in kinds] + [curl(world)]
