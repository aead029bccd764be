"""An application that knows nothing of logons: it shows what the gateway tells it.

    python3 echo.py [PORT]
"""

import sys
from wsgiref.simple_server import make_server

NAMES = ["LOGON_USER", "REMOTE_USER", "AUTH_USER", "AUTH_TYPE", "X_FORWARDED_FOR", "X_FORWARDED_PROTO"]


def application(environment, start_response):
    lines = [f"{environment['REQUEST_METHOD']} {environment['PATH_INFO']}"]
    for name in NAMES:
        # A WSGI server calls a field of the request so.
        value = environment.get(f"HTTP_{name}")
        if value is not None:
            lines.append(f"{name}: {value.encode('latin-1').decode('utf-8', 'replace')}")
    body = ("\n".join(lines) + "\n").encode()
    start_response(
        "200 OK",
        [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))],
    )
    return [body]


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with make_server("127.0.0.1", port, application) as server:
        print(f"http://127.0.0.1:{port}", flush=True)
        server.serve_forever()
