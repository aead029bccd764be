//! DNS: by which name clients ask for a ticket.

use super::fix::Place;
use super::keytab::Keys;
use super::{Subject, WAIT, is_name};
use crate::doctor::checks::{Resolved, resolved};
use crate::doctor::report::Findings;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

const TOPIC: &str = "DNS";

pub(super) fn check(subject: &Subject<'_>, keys: &Keys, place: &Place<'_>, out: &mut Findings) {
    let names = subject.hosts.iter().filter(|host| is_name(host)).cloned().collect();
    let listen = Listening::at(&subject.listen);
    for (name, answer) in resolved(&names) {
        if let Resolved::To { addresses, .. } = &answer {
            reach(&name, addresses, &listen, out);
        }
        say(&name, &answer, keys, place, out);
    }
}

/// Nobody can listen at the address of another machine.
fn is_here(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

/// Where the gateway listens.
pub(super) struct Listening<'a> {
    /// It is not known if there is none.
    pub(super) at: &'a [SocketAddr],
    /// Whether who listens at `[::]` gets IPv4, too.
    pub(super) both: bool,
}

impl<'a> Listening<'a> {
    fn at(at: &'a [SocketAddr]) -> Self {
        let any = |it: &SocketAddr| it.is_ipv6() && it.ip().is_unspecified();
        Self { at, both: at.iter().any(any) && gives_both() }
    }

    fn hears(&self, address: IpAddr) -> bool {
        self.at.iter().map(SocketAddr::ip).any(|own| {
            let of_kind = own.is_ipv4() == address.is_ipv4() || (own.is_ipv6() && self.both);
            own == address || (own.is_unspecified() && of_kind)
        })
    }
}

/// Whether this system gives IPv4 to `[::]`. Linux and macOS do unless somebody has changed that;
/// Windows and most of the BSDs do not.
pub(super) fn gives_both() -> bool {
    let connect = |there: TcpListener| {
        let port = there.local_addr()?.port();
        TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), WAIT)
    };
    TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).and_then(connect).is_ok()
}

/// Whether clients that go to `addresses` come to a listener.
pub(super) fn reach(name: &str, addresses: &[IpAddr], listen: &Listening<'_>, out: &mut Findings) {
    let (list, places) = (join(addresses), join(listen.at));
    let here: Vec<IpAddr> = addresses.iter().copied().filter(|it| is_here(*it)).collect();
    let only_local = listen.at.iter().all(|it| it.ip().is_loopback());
    let heard = match here.as_slice() {
        // What is in front comes from elsewhere.
        [] => !only_local,
        here => here.iter().any(|address| listen.hears(*address)),
    };
    match listen.at.first() {
        // Debian's 127.0.1.1, for example.
        Some(_) if !heard && !only_local && here.iter().all(IpAddr::is_loopback) => out.note(
            TOPIC,
            format_args!("{name} is {list} on this machine, and the gateway listens at {places}"),
            "that is what this machine alone sees, by /etc/hosts as a rule: its own clients do not \
             come to the gateway by the name; see that DNS leads the others there",
        ),
        Some(first) if !heard => {
            let all = if addresses.iter().all(IpAddr::is_ipv6) { "[::]" } else { "0.0.0.0" };
            out.warn(
                TOPIC,
                format_args!("{name} is {list}, and the gateway listens at {places} alone"),
                format_args!(
                    "{name} does not lead to it: `address = \"{all}:{}\"` in [[listen]], or another \
                     address of the name; right only if something in front passes requests on",
                    first.port()
                ),
            );
        }
        _ if here.is_empty() => out.note(
            TOPIC,
            format_args!("{name} is {list}, not an address of this machine"),
            "right if something in front passes requests on; all that answer need the same key",
        ),
        _ => out.ok(TOPIC, format_args!("{name} is {list}, this machine")),
    }
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
