//! DNS: by which name clients ask for a ticket.

use super::fix::Place;
use super::is_name;
use super::keytab::Keys;
use crate::doctor::checks::{Resolved, resolved};
use crate::doctor::report::Findings;
use std::collections::BTreeSet;
use std::net::{IpAddr, UdpSocket};

const TOPIC: &str = "DNS";

pub(super) fn check(hosts: &BTreeSet<String>, keys: &Keys, place: &Place<'_>, out: &mut Findings) {
    let names = hosts.iter().filter(|host| is_name(host)).cloned().collect();
    for (name, answer) in resolved(&names) {
        say(&name, &answer, keys, place, out);
    }
}

/// Nobody can listen at the address of another machine.
fn is_here(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

pub(super) fn say(
    name: &str,
    answer: &Resolved,
    keys: &Keys,
    place: &Place<'_>,
    out: &mut Findings,
) {
    let (addresses, canonical, back) = match answer {
        Resolved::Not(error) => {
            return out.warn(
                TOPIC,
                format_args!("{name} cannot be resolved here: {error}"),
                "add it to DNS, as an A record: clients have to find this server by it",
            );
        }
        Resolved::To { addresses, canonical, back } => (addresses, canonical, back),
    };
    let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let list = list.join(", ");
    match addresses.iter().any(|address| is_here(*address)) {
        true => out.ok(TOPIC, format_args!("{name} is {list}, this machine")),
        false => out.note(
            TOPIC,
            format_args!("{name} is {list}, not an address of this machine"),
            "right if something in front passes requests on; all that answer need the same key",
        ),
    }
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
