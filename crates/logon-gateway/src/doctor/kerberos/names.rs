//! DNS: by which name clients ask for a ticket.

use super::fix::Place;
use super::keytab::Keys;
use super::{Subject, is_name};
use crate::doctor::checks::{Resolved, resolved};
use crate::doctor::report::Findings;
use std::net::{IpAddr, SocketAddr, UdpSocket};

const TOPIC: &str = "DNS";

pub(super) fn check(subject: &Subject<'_>, keys: &Keys, place: &Place<'_>, out: &mut Findings) {
    let names = subject.hosts.iter().filter(|host| is_name(host)).cloned().collect();
    for (name, answer) in resolved(&names) {
        if let Resolved::To { addresses, .. } = &answer {
            reach(&name, addresses, &subject.listen, out);
        }
        say(&name, &answer, keys, place, out);
    }
}

/// Nobody can listen at the address of another machine.
fn is_here(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

/// Whether clients that go to `addresses` come to a listener; it is not known where those are if there
/// is none.
pub(super) fn reach(name: &str, addresses: &[IpAddr], listen: &[SocketAddr], out: &mut Findings) {
    let list = join(addresses);
    let here = addresses.iter().any(|address| is_here(*address));
    let hears = |address| listen.iter().any(|it| hears(it.ip(), address));
    let nobody = match listen.first() {
        Some(_) if here => !addresses.iter().any(|address| hears(*address)),
        // What is in front comes from elsewhere.
        Some(_) => listen.iter().all(|it| it.ip().is_loopback()),
        None => false,
    };
    if let Some(first) = listen.first().filter(|_| nobody) {
        let all = if addresses.iter().all(IpAddr::is_ipv6) { "[::]" } else { "0.0.0.0" };
        return out.warn(
            TOPIC,
            format_args!("{name} is {list}, and the gateway listens at {} alone", join(listen)),
            format_args!(
                "{name} does not lead to it: `address = \"{all}:{}\"` in [[listen]], or another \
                 address of the name; right only if something in front passes requests on",
                first.port()
            ),
        );
    }
    match here {
        true => out.ok(TOPIC, format_args!("{name} is {list}, this machine")),
        false => out.note(
            TOPIC,
            format_args!("{name} is {list}, not an address of this machine"),
            "right if something in front passes requests on; all that answer need the same key",
        ),
    }
}

/// Whether who listens at `own` gets what is sent to `address`. Systems give IPv4 to `[::]`, too.
fn hears(own: IpAddr, address: IpAddr) -> bool {
    own == address || (own.is_unspecified() && (own.is_ipv6() || address.is_ipv4()))
}

fn join(list: &[impl ToString]) -> String {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn say(
    name: &str,
    answer: &Resolved,
    keys: &Keys,
    place: &Place<'_>,
    out: &mut Findings,
) {
    let (canonical, back) = match answer {
        Resolved::Not(error) => {
            return out.warn(
                TOPIC,
                format_args!("{name} cannot be resolved here: {error}"),
                "add it to DNS, as an A record: clients have to find this server by it",
            );
        }
        Resolved::To { canonical, back, .. } => (canonical, back),
    };
    let other = |other: &&str| !other.eq_ignore_ascii_case(name);
    let canonical = canonical.as_deref().map(|it| it.trim_end_matches('.')).filter(other);
    if let Some(canonical) = canonical {
        alias(name, canonical, keys, place, out);
    }
    let back = back.as_deref().map(|it| it.trim_end_matches('.')).filter(other);
    if let Some(back) = back.filter(|back| Some(*back) != canonical && !keys.has(back)) {
        out.note(
            TOPIC,
            format_args!(
                "its address leads back to {back}, for which there is no key; clients of MIT \
                 with rdns = true, the default, ask for HTTP/{back}"
            ),
            "there: rdns = false in [libdefaults]; or a key of that name, too",
        );
    }
}

/// A CNAME.
fn alias(name: &str, canonical: &str, keys: &Keys, place: &Place<'_>, out: &mut Findings) {
    let found = format!(
        "{name} is an alias of {canonical}: browsers and MIT's clients ask for a ticket of \
         HTTP/{canonical}, Windows' other clients of HTTP/{name}"
    );
    if keys.has(canonical) && keys.has(name) {
        return out.ok(TOPIC, format_args!("{found}; there are keys of both"));
    }
    if canonical.eq_ignore_ascii_case("localhost") {
        return out.warn(TOPIC, found, format_args!("in /etc/hosts give {name} a line of its own"));
    }
    let missing = if keys.has(canonical) { name } else { canonical };
    out.warn(
        TOPIC,
        found,
        format_args!(
            "make {name} an A record, or register both names for one account, without \
             a key of which there is no logon;\n{}",
            place.make_key(missing)
        ),
    );
}
