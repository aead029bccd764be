"""Those who are refused with a ticket: 401, and the reason in the log."""

import time
from dataclasses import replace
from pathlib import Path

import caches
from kerberos_clients import ACCOUNT, CHROMIUM, CURL, JAVA_URL, NTLM_CLIENTS, PASSWORD, REQUESTS_BOUND
from realms import SERVICE, clock, free_ports, run as run_tool


class Log:
    """What a server writes from now on."""

    def __init__(self, demo):
        self.path = demo.log.name
        self.start = len(self.read())

    def read(self):
        with open(self.path, errors="replace") as file:
            return file.read()

    def text(self):
        return self.read()[self.start :]

    def tells(self, code):
        for _ in range(20):
            if f'code="{code}"' in self.text():
                return True
            time.sleep(0.1)
        return False


def refused(run, demo, client, code, tls=False, **environment):
    """Whether this client is refused, for this reason, and in words. Credentials of a scheme that is
    not offered are none, which is no reason."""
    log = Log(demo)
    path = getattr(client, "path", "/nego/")
    answer = run.send(client, demo, tls, path, **environment)
    told = log.tells(code) if code else "logged on" not in log.text()
    right = answer.status == "401" and told
    return right, f"{answer.status} {code or 'not offered'}" if right else f"{answer} {log.text()[-600:]}"


def ticket(realm, environment, **more):
    """Puts a ticket for the service into the cache of somebody who has logged on."""
    run_tool(["kvno", "-S", *SERVICE.split("/")], environment | more)
    return environment


def wrong_key(run, realm, serve):
    """The service's password was changed since the keytab was exported."""
    visited = serve(realm)
    return refused(run, visited, CURL, "LOGON_KERBEROS_WRONG_KEY", **realm.login("alice"))


def ahead(run, realm, demo):
    """The client's clock is ahead of the others'."""
    environment = ticket(realm, realm.login("alice"))
    return refused(run, demo, CURL, "LOGON_KERBEROS_CLOCK_SKEW", **environment, **clock("+10m"))


def login_before(run, time, options=()):
    """Somebody's logon at a KDC whose clock is as far behind as his."""
    (port,) = free_ports(1)
    kdc = run.mit.start(port, time)
    try:
        environment = run.mit.login("alice", run.mit.configuration(port=port), time, options)
        return ticket(run.mit, environment, **time)
    finally:
        kdc.stop()


def behind(run):
    """The clocks of client and KDC are behind the service's."""
    before = clock("-10m")
    environment = login_before(run, before) | before
    return refused(run, run.demos["mit"], CURL, "LOGON_KERBEROS_CLOCK_SKEW", **environment)


def expired(run):
    """A ticket for five minutes, an hour old."""
    environment = login_before(run, clock("-1h"), ["-l", "5m"])
    caches.prolong(Path(environment["KRB5CCNAME"].removeprefix("FILE:")), 3 * 3600)
    return refused(run, run.demos["mit"], CURL, "LOGON_KERBEROS_EXPIRED", **environment)


def replayed(run, realm, demo):
    """The token of somebody who is logged on, on another connection."""
    answer = run.send(CURL, demo, SHOW_TOKEN="1", **realm.login("alice"))
    token, *_ = answer.text.splitlines()
    if answer.status != "200":
        return False, f"the first time: {answer}"
    return refused(run, demo, CURL, "LOGON_KERBEROS_REPLAY", TOKEN=token)


def foreign_service(run):
    """A ticket of another realm for its own service of the same name."""
    return refused(run, run.demos["mit"], CURL, "LOGON_KERBEROS_NOT_US", **run.other.login("alice"))


def foreign_user(run):
    """A ticket of the right realm, for a user of another one that its KDC trusts."""
    environment = run.other.login("alice", run.other.configuration(run.mit))
    return refused(run, run.demos["mit"], CURL, "LOGON_KERBEROS_REALM", **environment)


def bindings(run, wanted):
    """Those who bind get in, and the others do not."""
    demo = run.demo("mit-always", run.mit.keytab(SERVICE), "--bindings", "always")
    for client in (CURL, CHROMIUM):
        case = f"bindings-missing-{client.name}"
        if wanted(case):
            login = run.mit.login("alice")
            yield case, *refused(run, demo, client, "LOGON_BINDINGS_REQUIRED", tls=True, **login)
    for client in (REQUESTS_BOUND, JAVA_URL):
        case = f"bindings-there-{client.name}"
        if wanted(case):
            answer = run.send(client, demo, True, **run.mit.login("alice"))
            right = answer.status == "200" and answer.fields().get("bindings") == client.bindings
            yield case, right, f"{answer.status} bindings={answer.fields().get('bindings')}"


def kerberos_only(run, wanted):
    """NTLM with the right password, which gets in elsewhere: switched off for all, and for a place."""
    demo = run.demo("mit-only", run.mit.keytab(SERVICE), "--no-ntlm")
    for name, visited in [("demo", demo), ("gateway", run.gateways["mit"])]:
        for client in NTLM_CLIENTS:
            case = f"kerberos-only-{name}-{client.name}"
            client = replace(client, path="/both/")
            code = "LOGON_NTLM_OFF" if client.name != "ntlm" else None
            if wanted(case):
                account = client.account(ACCOUNT, PASSWORD)
                yield case, *refused(run, visited, client, code, **account)


def cases(run, wanted):
    old_demo = lambda realm: run.demo(f"old-{realm.name}", realm.keytab("old"))
    old_gateway = lambda realm: run.gateway("gateway-old", realm, realm.keytab("old"))
    attempts = [
        ("wrong-key-mit", wrong_key, run.mit, old_demo),
        ("wrong-key-ad", wrong_key, run.corp, old_demo),
        ("wrong-key-ad-gateway", wrong_key, run.corp, old_gateway),
        ("expired", expired),
        ("ahead-mit", ahead, run.mit, run.demos["mit"]),
        ("ahead-ad", ahead, run.corp, run.demos["ad"]),
        ("ahead-ad-gateway", ahead, run.corp, run.gateways["ad"]),
        ("behind", behind),
        ("replayed-mit", replayed, run.mit, run.demos["mit"]),
        ("replayed-ad", replayed, run.corp, run.demos["ad"]),
        ("replayed-ad-gateway", replayed, run.corp, run.gateways["ad"]),
        ("foreign-service", foreign_service),
        ("foreign-user", foreign_user),
    ]
    for name, attempt, *arguments in attempts:
        if wanted(name):
            yield name, *attempt(run, *arguments)
    yield from bindings(run, wanted)
    yield from kerberos_only(run, wanted)
