//! What this server is called: by itself, by NTLM, by DNS.

use crate::doctor::report::Findings;
use crate::gateway::config::{Config, host_name};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::mpsc;
use std::time::Duration;

const TOPIC: &str = "names";

/// The names that clients may use: those of routes and of certificates; if there are none, those
/// of this machine.
pub(super) fn served(config: &Config, of_certificates: BTreeSet<String>) -> BTreeSet<String> {
    let routes = config.route.iter().flat_map(|route| &route.hosts);
    let names = routes.map(|host| host.get_ref().clone()).chain(of_certificates);
    let mut names: BTreeSet<String> = names.filter(|name| is_name(name)).collect();
    if names.is_empty() {
        let host = config.server.dns_computer.clone().unwrap_or_else(host_name);
        names.extend(Some(host).filter(|name| is_name(name)));
    }
    names.into_iter().map(|name| name.to_lowercase()).collect()
}

/// The host of a URL, if it has a name on the network.
pub(in crate::doctor) fn host(name: &str) -> Option<String> {
    is_name(name).then(|| name.to_lowercase())
}

/// Whether a name is of one host on the network.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with("*.")
        && !name.eq_ignore_ascii_case("localhost")
        && name.parse::<IpAddr>().is_err()
}

pub(super) fn check(config: &Config, served: &BTreeSet<String>, out: &mut Findings) {
    netbios(config, out);
    dns(served, out);
}

/// Names are to this many characters in NetBIOS.
const LONGEST: usize = 15;

fn netbios(config: &Config, out: &mut Findings) {
    let server = &config.server;
    for (key, name) in [("computer", &server.computer), ("domain", &server.domain)] {
        if name.is_empty() || name.chars().count() > LONGEST {
            out.warn(
                TOPIC,
                format_args!("{key} {name:?} is no NetBIOS name: 1 to {LONGEST} characters"),
                format_args!("set `{key}` in [server]"),
            );
        } else if name.contains(|c: char| c.is_whitespace() || "\\/:*?\"<>|.".contains(c)) {
            out.warn(
                TOPIC,
                format_args!("{key} {name:?} has characters that NetBIOS names do not have"),
                format_args!("set `{key}` in [server]; DNS names go into `dns_{key}`"),
            );
        }
    }
    let dns = server.dns_domain.as_ref().map(|name| format!(", DNS {name}")).unwrap_or_default();
    out.ok(
        TOPIC,
        format_args!(
            "{}\\{}{dns}; this machine is {}",
            server.domain,
            server.computer,
            host_name()
        ),
    );
    if server.domain == "WORKGROUP" {
        out.note(
            TOPIC,
            "the domain is WORKGROUP, the default",
            "set `domain` in [server] to the one that users type, such as CORP",
        );
    }
}

/// What the resolver said of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) enum Resolved {
    To { addresses: Vec<IpAddr>, canonical: Option<String>, back: Option<String> },
    Not(String),
}

fn dns(served: &BTreeSet<String>, out: &mut Findings) {
    for (name, answer) in resolved(served) {
        say(&name, &answer, out);
    }
}

/// Resolvers take their time, so all are asked at once.
pub(in crate::doctor) fn resolved(names: &BTreeSet<String>) -> Vec<(String, Resolved)> {
    let asked: Vec<_> = names.iter().map(|name| (name, ask(name.clone()))).collect();
    let late = || Resolved::Not(format!("no answer in {} seconds", PATIENCE.as_secs()));
    let answered = asked.into_iter().map(|(name, answer)| {
        (name.clone(), answer.recv_timeout(PATIENCE).unwrap_or_else(|_| late()))
    });
    answered.collect()
}

const PATIENCE: Duration = Duration::from_secs(5);

fn ask(name: String) -> mpsc::Receiver<Resolved> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody waits any more if it took too long.
        let _ = sender.send(resolve(&name));
    });
    receiver
}

/// `AI_CANONNAME`: 2 on Linux, macOS, the BSDs and Windows alike.
const AI_CANONNAME: i32 = 2;

fn resolve(name: &str) -> Resolved {
    let hints = dns_lookup::AddrInfoHints { flags: AI_CANONNAME, ..Default::default() };
    let found = match dns_lookup::getaddrinfo(Some(name), None, Some(hints)) {
        Ok(found) => found,
        Err(error) => return Resolved::Not(std::io::Error::from(error).to_string()),
    };
    let (mut addresses, mut canonical) = (Vec::new(), None);
    for one in found.flatten() {
        let ip = one.sockaddr.ip();
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
        canonical = canonical.or(one.canonname);
    }
    let back = addresses.first().and_then(|ip| dns_lookup::lookup_addr(ip).ok());
    Resolved::To { addresses, canonical, back }
}

fn say(name: &str, answer: &Resolved, out: &mut Findings) {
    let (addresses, canonical, back) = match answer {
        Resolved::Not(error) => {
            return out.warn(
                TOPIC,
                format_args!("{name} cannot be resolved here: {error}"),
                "add it to DNS, or clients will not find this server",
            );
        }
        Resolved::To { addresses, canonical, back } => (addresses, canonical, back),
    };
    let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    out.ok(TOPIC, format_args!("{name} is {}", list.join(", ")));
    let differs = |other: &&String| {
        let other = other.trim_end_matches('.');
        !other.eq_ignore_ascii_case(name)
    };
    if let Some(canonical) = canonical.as_ref().filter(differs) {
        out.note(
            TOPIC,
            format_args!("{name} is an alias: its canonical name is {canonical}"),
            format_args!("browsers ask for a Kerberos ticket of HTTP/{canonical}: register both"),
        );
    }
    if let Some(back) = back.as_ref().filter(differs) {
        out.note(
            TOPIC,
            format_args!("its address leads back to {back}"),
            "well for NTLM; Kerberos clients that look names up backwards ask for that one",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Resolved, netbios, resolve, say, served};
    use crate::doctor::checks::testing::config;
    use crate::doctor::report::{Findings, Level};
    use std::collections::BTreeSet;

    #[test]
    fn names_are_those_of_hosts_on_the_network() {
        let config = config("[[route]]\nhosts = [\"Web.corp.example\"]\n");
        let certificates = ["localhost", "127.0.0.1", "*.corp.example", "app.corp.example"];
        let names = served(&config, certificates.map(str::to_owned).into());
        assert_eq!(names, ["app.corp.example", "web.corp.example"].map(str::to_owned).into());
    }

    #[test]
    fn without_any_it_is_this_machine() {
        let config = config("server.dns_computer = \"web.corp.example\"");
        let names = served(&config, BTreeSet::new());
        assert_eq!(names, ["web.corp.example".to_owned()].into());
    }

    fn netbios_of(text: &str) -> Findings {
        let mut out = Findings::default();
        netbios(&config(text), &mut out);
        out
    }

    #[test]
    fn netbios_names_have_fifteen_characters() {
        let good = netbios_of("server = { computer = \"ABCDEFGHIJKLMNO\", domain = \"CORP\" }");
        good.assert_none_above(Level::Ok);
        let long = netbios_of("server = { computer = \"ABCDEFGHIJKLMNOP\", domain = \"CORP\" }");
        long.assert(Level::Warn, "1 to 15");
        let dns = netbios_of("server = { computer = \"WEB\", domain = \"corp.example\" }");
        dns.assert(Level::Warn, "dns_domain");
        netbios_of("server.computer = \"WEB\"").assert(Level::Note, "WORKGROUP");
    }

    #[test]
    fn an_alias_and_a_name_that_nobody_knows_are_told() {
        let address = "10.0.0.7".parse().unwrap();
        let answer = |canonical: &str| Resolved::To {
            addresses: vec![address],
            canonical: Some(canonical.to_owned()),
            back: None,
        };
        let mut out = Findings::default();
        say("web.corp.example", &answer("WEB.corp.example."), &mut out);
        out.assert(Level::Ok, "10.0.0.7");
        out.assert_none_above(Level::Ok);
        say("web.corp.example", &answer("srv1.corp.example"), &mut out);
        out.assert(Level::Note, "HTTP/srv1.corp.example");
        say("web", &Resolved::Not("unknown".to_owned()), &mut out);
        out.assert(Level::Warn, "add it to DNS");
    }

    #[test]
    fn the_resolver_of_the_system_is_asked() {
        let Resolved::To { addresses, .. } = resolve("localhost") else { panic!("localhost") };
        assert!(addresses.iter().all(std::net::IpAddr::is_loopback), "{addresses:?}");
        assert!(matches!(resolve("no such name"), Resolved::Not(_)));
    }
}
