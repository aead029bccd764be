"""What was here before a restart of the gateway is refused after it, with the file of the replay cache
and without."""

import time

from kerberos_clients import CURL
from kerberos_refused import refused
from realms import SERVICE

AHEAD = 4


class Restarts:
    """A gateway, and the clients that come between its ends."""

    def __init__(self, run, name):
        self.run, self.name, self.count = run, name, 0
        self.gateway = run.gateway(name, run.mit, run.mit.keytab(SERVICE))
        self.directory = run.directory / name

    def logon(self):
        """Somebody logs on: the status, and his token."""
        answer = self.run.send(CURL, self.gateway, SHOW_TOKEN="1", **self.run.mit.login("alice"))
        token, *_ = answer.text.splitlines()
        return answer.status, token

    def restart(self):
        self.run.stop(self.gateway)
        self.count += 1
        self.gateway = self.run.start_gateway(f"{self.name}-{self.count}", self.directory)

    def refuses(self, **environment):
        return refused(self.run, self.gateway, CURL, "LOGON_KERBEROS_REPLAY", **environment)


def with_file(run):
    restarts = Restarts(run, "gateway-file")
    first, token = restarts.logon()
    restarts.restart()
    right, said = restarts.refuses(TOKEN=token)
    # A new one is let in at once.
    second, _ = restarts.logon()
    return right and (first, second) == ("200", "200"), f"{said}, others {first} {second}"


def without_file(run):
    restarts = Restarts(run, "gateway-no-file")
    first, token = restarts.logon()
    configuration = restarts.directory / "gateway.toml"
    text = configuration.read_text()
    configuration.write_text(text.replace('clocks_ahead = "1ms"', f'clocks_ahead = "{AHEAD}s"'))
    run.stop(restarts.gateway)
    (restarts.directory / "replays").unlink()
    before = run.mit.login("alice")
    restarts.restart()
    results = [restarts.refuses(TOKEN=token), restarts.refuses(**before)]
    time.sleep(AHEAD + 0.5)
    results.append(restarts.refuses(TOKEN=token))
    second, _ = restarts.logon()
    right = all(right for right, _ in results) and (first, second) == ("200", "200")
    return right, ", ".join(said for _, said in results) + f", others {first} {second}"


def cases(run, wanted):
    for name, attempt in [("restart-with-file", with_file), ("restart-without-file", without_file)]:
        if wanted(name):
            yield name, *attempt(run)
