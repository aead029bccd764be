"""An application behind the gateway: it knows nothing of logons, and says what it was told, in the
form of `logon demo`. Prints its port."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Application(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        size = self.read_body()
        told = self.headers.get
        # An application that gets somebody's token could be somebody.
        assert told("Authorization") is None, "a token came through"
        text = f"user={told('LOGON_USER', '')}\nscheme={told('AUTH_TYPE', '')}\n"
        if told("X-Remote-Sid"):
            sids = [f"group={sid}\n" for sid in told("X-Remote-Group-Sids").split(",")]
            text += f"sid={told('X-Remote-Sid')}\n" + "".join(sids)
        body = (text + f"method={self.command}\nbody={size} bytes\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        size = 0
        while chunk := int(self.rfile.readline().split(b";")[0], 16):
            size += len(self.rfile.read(chunk))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return size

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    print(server.server_port, flush=True)
    server.serve_forever()
