"""A server that has no key and lets everybody in. It proves itself by nothing under /nothing/, and
under /other/ by the proof that a real server has given it for a ticket of its own: an AP-REP as it has
to be, in the key of another ticket. Prints its port.

    impostor.py URL    where the real server is"""

import base64
import http.client
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gssapi


def proof(url):
    """What a real server answers to a logon of ours."""
    mechanism = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
    name = gssapi.Name("HTTP@localhost", gssapi.NameType.hostbased_service)
    flags = gssapi.RequirementFlag.mutual_authentication
    token = gssapi.SecurityContext(name=name, mech=mechanism, flags=flags, usage="initiate").step()
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    credentials = "Negotiate " + base64.b64encode(token).decode()
    connection.request("GET", parts.path, headers={"Authorization": credentials})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    return answer.headers["WWW-Authenticate"]


class Impostor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        taken = "Authorization" in self.headers
        challenge = "Negotiate" if not taken else None
        if taken and self.path.startswith("/other/"):
            challenge = proof(sys.argv[1])
        self.send_response(200 if taken else 401)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        body = b"user=whoever\n"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Impostor)
    print(server.server_port, flush=True)
    server.serve_forever()
