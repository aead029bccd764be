"""`logon get` where it has to fail with tickets: its exit code, and what it says to do."""

from clients import BROKEN, NO_CREDENTIALS, REFUSED
from kerberos_clients import ACCOUNT
from kerberos_get import credentials, get, password_file
from kerberos_refused import Log, login_before, ticket
from realms import clock, free_ports


def fails(got, code, *texts):
    """With this code and these texts, and without what is behind the logon."""
    right = got.code == code and got.says(*texts) and "user=" not in got.text
    return right, f"{code} {texts[0]}" if right else str(got)


def impostor(run, place, text, *arguments):
    """Somebody who lets everybody in, and has no key."""
    got = get(run, f"{run.servers.impostor}/{place}/", run.mit.login("alice"), *arguments)
    return fails(got, BROKEN, text)


def wrong_password(run, realm, demo, user):
    """Shown to the KDC once, and to nobody else: an account is locked after a few."""
    log, before = Log(demo), len(realm.said())
    who = ("-u", user, "--password-file", str(password_file(run, "wrong")))
    got = get(run, f"{demo.http}/both/", {"KRB5_CONFIG": str(realm.configuration())}, *who)
    right, said = fails(got, REFUSED, "password")
    asked = realm.said()[before:].count(realm.wrong_password)
    # NTLM would have been next.
    right &= asked == 1 and "logon" not in log.text()
    return right, f"{said}, the KDC was asked {asked} times" + ("" if right else log.text()[-300:])


def expired(run):
    """The tickets of a cache are over."""
    environment = login_before(run, clock("-1h"), ["-l", "5m"])
    return fails(get(run, url(run), environment), NO_CREDENTIALS, "kinit")


def other_type(run):
    """A cache that is no file."""
    environment = run.mit.login("alice") | {"KRB5CCNAME": "KCM:"}
    return fails(get(run, url(run), environment), NO_CREDENTIALS, "KCM:", "KRB5CCNAME=FILE:", "kinit")


def without_kdc(run, kind):
    """A configuration that does not say where the KDC is."""
    environment, who = credentials(run, run.mit, kind)
    configuration = run.home() / "krb5.conf"
    configuration.write_text("[libdefaults]\n default_realm = MIT.EXAMPLE\n dns_lookup_kdc = false\n")
    environment |= {"KRB5_CONFIG": str(configuration)}
    text = "no KDC of realm MIT.EXAMPLE is known"
    return fails(get(run, url(run), environment, *who), NO_CREDENTIALS, text, "[realms]")


def no_answer(run):
    """Nobody is at the KDC's port."""
    (port,) = free_ports(1)
    environment = run.mit.login("alice") | {"KRB5_CONFIG": str(run.mit.configuration(port=port))}
    text = "no KDC of realm MIT.EXAMPLE answered"
    return fails(get(run, url(run), environment), NO_CREDENTIALS, text, str(port))


def unknown_service(run):
    """Tickets alone, and the host is an address."""
    address = run.demos["mit"].http.replace("localhost", "127.0.0.1")
    got = get(run, f"{address}/nego/", run.mit.login("alice"))
    return fails(got, NO_CREDENTIALS, "the KDC of MIT.EXAMPLE knows services by name", "-u NAME")


def old_key(run, url):
    """The service's password was changed since its keytab was made."""
    return fails(get(run, url(run), run.mit.login("alice")), REFUSED, "key")


def ahead(run, url):
    """A ticket from before the clock here went wrong: nobody could tell by how much."""
    environment = ticket(run.mit, run.mit.login("alice")) | clock("+10m")
    return fails(get(run, url(run), environment), REFUSED, "clock")


def old_demo(run):
    return f"{run.demo('old-get', run.mit.keytab('old')).http}/nego/"


def url(run):
    return f"{run.demos['mit'].http}/nego/"


def cases(run, wanted):
    unproven = "does not prove who it is"
    attempts = [
        ("nothing", impostor, "nothing", unproven),
        ("nothing-mutual", impostor, "nothing", unproven, "--mutual"),
        ("other", impostor, "other", "the logon failed"),
        ("other-mutual", impostor, "other", "the logon failed", "--mutual"),
        ("password-mit", wrong_password, run.mit, run.demos["mit"], "alice"),
        ("password-ad", wrong_password, run.corp, run.demos["ad"], ACCOUNT),
        ("expired", expired),
        ("other-type", other_type),
        ("without-kdc-cache", without_kdc, "cache"),
        ("without-kdc-keytab", without_kdc, "keytab"),
        ("no-answer", no_answer),
        ("unknown-service", unknown_service),
        ("old-key", old_key, old_demo),
        ("old-key-apache", old_key, lambda run: f"{run.servers.http}/old/"),
        ("ahead", ahead, url),
        ("ahead-apache", ahead, lambda run: f"{run.servers.http}/mit/"),
    ]
    for name, attempt, *arguments in attempts:
        name = f"get-refused-{name}"
        if wanted(name):
            yield name, *attempt(run, *arguments)
