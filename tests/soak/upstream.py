"""The application behind the gateway: `upstream.py NAME PORT`. Says what it was told.

Any path: a JSON object with what came in. `/…/download?N`: N bytes of a pattern, in chunks if
`&chunked`. `Upgrade: echo`: every byte back.
"""

import asyncio
import hashlib
import json
import sys

NAME, PORT = sys.argv[1], int(sys.argv[2])
IDENTITY = {"logon_user", "remote_user", "auth_user", "x-remote-user"}
PATTERN = bytes(range(256)) * 4096


async def read_body(reader, fields):
    if "chunked" in fields.get("transfer-encoding", ""):
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        while await reader.readline() not in (b"\r\n", b""):
            pass
        return body
    return await reader.readexactly(int(fields.get("content-length", 0)))


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").split("\r\n")[:-2]
            pairs = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
            pairs = [(name.lower(), value) for name, value in pairs]
            fields = dict(pairs)
            method, target, _ = line.split(" ")
            if fields.get("upgrade") == "echo":
                answer = f"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: echo\r\nX-Upstream: {NAME}\r\n"
                users = "|".join(value for name, value in pairs if name in IDENTITY)
                writer.write(f"{answer}X-Users: {users}\r\n\r\n".encode())
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
                return
            body = await read_body(reader, fields)
            answer = f"HTTP/1.1 200 OK\r\nX-Upstream: {NAME}\r\n"
            if "/download?" in target:
                count = int(target.split("?")[1].split("&")[0])
                users = "|".join(value for name, value in pairs if name in IDENTITY)
                answer += f"X-Users: {users}\r\n"
                content = (PATTERN * (count // len(PATTERN) + 1))[:count]
                if "&chunked" in target:
                    writer.write(f"{answer}Transfer-Encoding: chunked\r\n\r\n".encode())
                    for start in range(0, count, 50_000):
                        piece = content[start:start + 50_000]
                        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                        await writer.drain()
                    writer.write(b"0\r\n\r\n")
                    await writer.drain()
                    continue
            else:
                content = json.dumps({
                    "method": method, "target": target,
                    "users": [value for name, value in pairs if name in IDENTITY],
                    "authorization": fields.get("authorization"),
                    "cookie": fields.get("cookie"),
                    "length": len(body), "sha256": hashlib.sha256(body).hexdigest(),
                }).encode()
            writer.write(f"{answer}Content-Length: {len(content)}\r\n\r\n".encode() + content)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", PORT, limit=1 << 20, backlog=512)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
