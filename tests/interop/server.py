"""A server on free ports of loopback."""

import os
import queue
import subprocess
import threading
from pathlib import Path


class Server:
    """Runs until `stop`. It prints its addresses, one a line."""

    def __init__(self, name, command, directory, environment, tls=False, ca="cert.pem"):
        self.name = name
        self.ca = str(Path(directory) / ca)
        self.log = open(Path(directory) / f"{name}.log", "w+")
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env={**os.environ, **environment},
            cwd=directory,
        )
        lines = queue.Queue()
        reader = lambda: [lines.put(line.strip()) for line in self.process.stdout]
        threading.Thread(target=reader, daemon=True).start()
        self.http = lines.get(timeout=10)
        self.https = lines.get(timeout=10) if tls else None
        # Certificates are for a name.
        self.https = self.https and self.https.replace("//127.0.0.1:", "//localhost:")
        assert self.http.startswith("http://")
        assert not tls or self.https.startswith("https://localhost:")

    def stop(self):
        """Its exit code and its log."""
        self.process.terminate()
        code = self.process.wait(timeout=15)
        self.log.seek(0)
        return code, self.log.read()


def demo(binary, directory, arguments, environment):
    """A `logon demo`."""
    command = [binary, "demo", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]
    command += ["--cert-out", "cert.pem", *arguments]
    return Server("demo", command, directory, environment, tls=True)
