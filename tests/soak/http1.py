"""A client on one connection of HTTP/1.1."""

import asyncio
import base64
import json

PATIENCE = 20


class Broken(Exception):
    """The connection ended where an answer, or the rest of one, was due."""


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def all(self, name):
        return [value for one, value in self.fields if one == name]

    def one(self, name, default=None):
        return next(iter(self.all(name)), default)

    @property
    def closes(self):
        return "close" in self.one("connection", "").lower()

    def json(self):
        return json.loads(self.body)


class Connection:
    def __init__(self, reader, writer, host):
        self.reader, self.writer, self.host = reader, writer, host

    @classmethod
    async def open(cls, address, tls=None, host="web.corp.example", source="127.0.0.1"):
        name = host if tls else None
        opening = asyncio.open_connection(*address, ssl=tls, server_hostname=name,
                                          local_addr=(source, 0), limit=1 << 20)
        return cls(*await asyncio.wait_for(opening, PATIENCE), host)

    def close(self):
        self.writer.close()

    def abort(self):
        self.writer.transport.abort()

    async def request(self, method, target, fields=(), body=None, chunked=False):
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields)
        if chunked:
            head += "Transfer-Encoding: chunked\r\n"
        elif body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        data = head.encode() + b"\r\n"
        try:
            async with asyncio.timeout(PATIENCE):
                self.writer.write(data)
                if chunked:
                    for start in range(0, len(body), 30_000):
                        piece = body[start:start + 30_000]
                        self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                        await self.writer.drain()
                    self.writer.write(b"0\r\n\r\n")
                elif body:
                    self.writer.write(body)
                await self.writer.drain()
                return await self.answer(method)
        except (ConnectionError, asyncio.IncompleteReadError, OSError) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error
        except TimeoutError as error:
            raise Broken("no answer in time") from error

    async def answer(self, method):
        while True:
            head = await self.reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").split("\r\n")[:-2]
            status = int(line.split(" ")[1])
            pairs = [line.split(":", 1) for line in lines]
            fields = [(name.lower(), value.strip()) for name, value in pairs]
            if status == 101 or status >= 200:
                break
        answer = Answer(status, fields, b"")
        if method == "HEAD" or status in (101, 204, 304):
            return answer
        if answer.one("transfer-encoding") == "chunked":
            pieces = []
            while size := int((await self.reader.readline()), 16):
                pieces.append((await self.reader.readexactly(size + 2))[:-2])
            await self.reader.readline()
            answer.body = b"".join(pieces)
        else:
            answer.body = await self.reader.readexactly(int(answer.one("content-length", "0")))
        return answer


def challenge(answer, scheme):
    """The token in a challenge, or none."""
    for value in answer.all("www-authenticate"):
        name, _, token = value.partition(" ")
        if name == scheme and token:
            return base64.b64decode(token)
    return None
