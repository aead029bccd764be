"""Clients that mean harm, each from an address of its own. What they may not do is keep a place
for ever, be told 5xx, or get through."""

import asyncio
import base64
import os
import random
import socket
import struct
import time

from http1 import Broken, challenge
from ntlm import Logon, User, negotiate
from world import HOST

HEAD = f"POST /open/x HTTP/1.1\r\nHost: {HOST}\r\n".encode()
# request_head is 10 s.
LONGEST = 20


class Hostile:
    def __init__(self, world, source):
        self.world, self.seen, self.source = world, world.seen, source

    async def run(self):
        tricks = [getattr(self, name) for name in dir(self) if name.startswith("trick_")]
        while not self.world.stopping:
            trick = random.choice(tricks)
            try:
                async with asyncio.timeout(60):
                    await trick()
                self.seen.counts["hostile"] += 1
            except TimeoutError:
                self.seen.error("hostile client is served for too long", trick.__name__)
            except (OSError, EOFError, Broken, asyncio.LimitOverrunError, ValueError, IndexError):
                # Cut off: fair enough.
                self.seen.counts["hostile, cut off"] += 1
            await asyncio.sleep(random.random() * 0.5)

    async def open(self, tls=None):
        return await self.world.connect(random.random() < 0.3 if tls is None else tls, self.source)

    async def raw(self, address):
        return await asyncio.open_connection(*address, local_addr=(self.source, 0))

    async def said(self, data, statuses, closes=True):
        """Sends, and reads what comes: a status of these, or the end."""
        connection = await self.open()
        connection.writer.write(data)
        answer = await asyncio.wait_for(connection.answer("GET"), LONGEST)
        if answer.status not in statuses:
            self.seen.error("hostile client was answered", f"{answer.status} to {data[:120]}")
        if closes:
            await asyncio.wait_for(connection.reader.read(1 << 20), LONGEST)
        connection.close()

    async def is_ended(self, connection, name):
        begin = time.monotonic()
        try:
            await asyncio.wait_for(connection.reader.read(1 << 20), LONGEST)
        except TimeoutError:
            self.seen.error(f"{name} holds a place", f"for {time.monotonic() - begin:.0f} s")
        connection.close()

    async def trick_half_head(self):
        connection = await self.open()
        connection.writer.write(HEAD[:random.randrange(1, len(HEAD))])
        await self.is_ended(connection, "half a head")

    async def trick_slowloris(self):
        connection = await self.open(False)
        reading = asyncio.create_task(connection.reader.read(1 << 20))
        begin = time.monotonic()
        for byte in HEAD + b"X-" + b"a" * 100:
            connection.writer.write(bytes([byte]))
            await asyncio.wait([reading], timeout=1)
            if reading.done():
                break
            if time.monotonic() - begin > LONGEST:
                self.seen.error("slowloris holds a place")
                reading.cancel()
                break
        connection.abort()

    async def trick_slow_body(self):
        connection = await self.open(False)
        connection.writer.write(HEAD + b"Content-Length: 50\r\n\r\n")
        for _ in range(4):
            await asyncio.sleep(1)
            connection.writer.write(b"x")
        await asyncio.sleep(0.1)
        connection.abort()

    async def trick_stalled_body(self):
        connection = await self.open()
        connection.writer.write(HEAD + b"Content-Length: 50\r\n\r\nx")
        await self.is_ended(connection, "a body that stalls")

    async def trick_large_field(self):
        await self.said(HEAD + b"Content-Length: 0\r\nX-Large: " + b"a" * 100_000 + b"\r\n\r\n",
                        (200, 431), closes=False)

    async def trick_too_large_field(self):
        await self.said(HEAD + b"X-Large: " + b"a" * 400_000 + b"\r\n\r\n", (431, 400))

    async def trick_many_fields(self):
        await self.said(HEAD + b"X-Many: 1\r\n" * 3000 + b"\r\n", (431, 400))

    async def trick_bad_chunks(self):
        bad = random.choice([b"zz\r\nhello\r\n", b"-5\r\nhello\r\n", b"5\r\nhelloworld\r\n", b"\r\n\r\n",
                             b"fffffffffffffffffffff\r\n", b"5;" + b"a" * 50_000, b"5\nhello\n0\n\n"])
        # The last is read as it was meant by lenient servers; that is no harm.
        statuses = (400, 200) if b"5\nhello" in bad else (400,)
        await self.said(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + bad, statuses, closes=False)

    async def trick_two_lengths(self):
        fields = random.choice([
            b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
            b"Content-Length: 4\r\nContent-Length: 5\r\n",
            b"Transfer-Encoding: chunked, identity\r\n", b"Transfer-Encoding: xchunked\r\n",
            b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n",
            b"Content-Length: +4\r\n", b"Content-Length: 4, 5\r\n",
        ])
        inner = f"GET /open/smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        connection = await self.open()
        connection.writer.write(HEAD + fields + b"\r\n0\r\n\r\n" + inner)
        answer = await asyncio.wait_for(connection.answer("GET"), LONGEST)
        # RFC 9112 6.1: both may be taken as chunked alone, if the connection ends with it.
        both = b"Content-Length: 4" in fields and b"Encoding: chunked" in fields
        if answer.status not in ((200, 400, 501) if both else (400, 501)):
            self.seen.error("two lengths were taken", f"{fields}: {answer.status} {answer.body[:200]}")
        rest = await asyncio.wait_for(connection.reader.read(-1), LONGEST)
        if rest:
            self.seen.error("a request was smuggled", f"{fields}: {rest[:300]}")
        connection.close()

    async def trick_random_bytes(self):
        reader, writer = await self.raw(random.choice([self.world.plain, self.world.secure]))
        writer.write(os.urandom(random.randrange(1, 5000)))
        writer.write_eof()
        await asyncio.wait_for(reader.read(1 << 20), LONGEST)
        writer.close()

    async def trick_tls_garbage(self):
        reader, writer = await self.raw(self.world.secure)
        kind = random.choice([b"\x16\x03\x01", b"\x17\x03\x03", b"\x15\x03\x01"])
        body = os.urandom(random.randrange(1, 2000))
        writer.write(kind + struct.pack(">H", random.choice([len(body), 16000])) + body)
        # The handshake has 10 s as well.
        await asyncio.wait_for(reader.read(1 << 20), LONGEST)
        writer.close()

    async def trick_plain_to_tls(self):
        reader, writer = await self.raw(self.world.secure)
        writer.write(HEAD + b"\r\n")
        await asyncio.wait_for(reader.read(1 << 20), LONGEST)
        writer.close()

    async def trick_negotiate_flood(self):
        connection = await self.open()
        for _ in range(40):
            answer = await connection.request("GET", "/steady/flood", [
                ("Authorization", "NTLM " + base64.b64encode(negotiate()).decode())])
            if answer.status != 401:
                self.seen.error("NEGOTIATE flood", answer.status)
            if answer.closes:
                break
        connection.abort()

    async def trick_tokens(self):
        scheme = random.choice(["NTLM", "Negotiate", "Basic"])
        token = random.choice([
            os.urandom(random.randrange(1, 400)), b"NTLMSSP\0\3\0\0\0" + os.urandom(200),
            b"NTLMSSP\0\1\0\0\0" + os.urandom(40), b"\x60\x82" + os.urandom(300),
            b"NTLMSSP\0\1\0\0\0" + bytes(66_000), b""])
        value = random.choice([f"{scheme} {base64.b64encode(token).decode()}", f"{scheme} !!!{os.urandom(9).hex()}",
                               scheme, f"{scheme}  {scheme} x, {scheme}"])
        connection = await self.open()
        answer = await connection.request("GET", "/steady/token", [("Authorization", value)])
        if answer.status not in (400, 401, 431):
            self.seen.error("a token that is none", f"{answer.status} to {value[:80]}")
        connection.close()

    async def trick_wrong_password(self):
        connection = await self.open()
        logon = Logon("NTLM", User("CORP", random.choice(["alice", "bob", "mallory"]), "wrong"))
        first = await connection.request("GET", "/steady/x", [("Authorization", logon.first())])
        token = challenge(first, "NTLM")
        if token:
            fields = [("Authorization", logon.second(token))]
            last = await connection.request("GET", "/steady/x", fields)
            if last.status not in (401, 429):
                self.seen.error("a wrong password", last.status)
        connection.close()

    async def trick_stranger(self):
        connection = await self.open()
        answer = await connection.request("GET", "/steady/x", [("X-Remote-User", "CORP\\alice")])
        if answer.status != 401:
            self.seen.error("a stranger came in", answer.status)
        connection.close()

    async def trick_reset_in_body(self):
        connection = await self.open(False)
        connection.writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n" + bytes(200_000))
        await asyncio.sleep(random.random() * 0.1)
        self.reset(connection)

    async def trick_reset_in_answer(self):
        connection = await self.open(False)
        connection.writer.write(f"GET /open/download?4000000 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        await connection.reader.read(10_000)
        self.reset(connection)

    async def trick_reads_nothing(self):
        connection = await self.open(False)
        connection.writer.transport.pause_reading()
        connection.writer.write(f"GET /open/download?8000000 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        await asyncio.sleep(random.random() * 8)
        connection.abort()

    async def trick_asks_and_leaves(self):
        connection = await self.open()
        request = f"GET /open/download?100000 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        connection.writer.write(request * 20)
        await asyncio.sleep(random.random() * 0.05)
        connection.abort()

    async def trick_upgrades_and_leaves(self):
        connection = await self.open(False)
        answer = await connection.request("GET", "/open/x", [("Upgrade", "echo"), ("Connection", "upgrade")])
        if answer.status != 101:
            self.seen.error("upgrade of a guest", answer.status)
        connection.writer.write(bytes(50_000))
        self.reset(connection)

    async def trick_methods(self):
        method = random.choice(["CONNECT web:443", "TRACE /open/x", "PRI *", "GET http://user@evil/", "GET x"])
        data = f"{method} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n".encode()
        await self.said(data, (400, 401, 404, 405, 505), closes=False)

    @staticmethod
    def reset(connection):
        peer = connection.writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.abort()


def clients(world):
    return [Hostile(world, f"127.0.1.{number}").run() for number in range(1, 17)]
