//! What is offered where, and what stands in its way.

use crate::doctor::report::Findings;
use crate::gateway::config::{Config, Listen, SchemeName};

const TOPIC: &str = "logon";

pub(super) fn check(config: &Config, out: &mut Findings) {
    let before = out.0.len();
    for listen in &config.listen {
        basic(config, listen, out);
        http2(config, listen, out);
    }
    proxies(config, out);
    if out.0.len() == before {
        let names = config.logon.schemes.iter().map(|name| name.scheme().name());
        let names: Vec<&str> = names.collect();
        out.ok(TOPIC, format_args!("offers {}", names.join(", ")));
    }
}

fn lists(config: &Config) -> impl Iterator<Item = &Vec<SchemeName>> {
    let routes = config.route.iter().filter_map(|route| route.schemes.as_ref());
    std::iter::once(&config.logon.schemes).chain(routes)
}

fn has_tls(listen: &Listen) -> bool {
    listen.certificate.is_some() || listen.self_signed.is_some()
}

/// Basic shows the password to everybody on the way.
fn basic(config: &Config, listen: &Listen, out: &mut Findings) {
    if has_tls(listen) || listen.tls_in_front.is_some() {
        return;
    }
    let address = listen.address.get_ref();
    if lists(config).any(|schemes| schemes.as_slice() == [SchemeName::Basic]) {
        out.warn(
            TOPIC,
            format_args!("{address} has no TLS, and where only Basic is enabled nobody can log on"),
            "give it a `certificate` and a `key`, or enable another scheme",
        );
    } else if lists(config).flatten().any(|name| *name == SchemeName::Basic) {
        out.note(
            TOPIC,
            format_args!("{address} has no TLS: Basic is not offered there"),
            "nothing, or give it a `certificate` and a `key`",
        );
    }
}

fn http2(config: &Config, listen: &Listen, out: &mut Findings) {
    let integrated = |name: &SchemeName| name.scheme().is_per_connection();
    if listen.http2 && lists(config).flatten().any(integrated) {
        out.note(
            TOPIC,
            format_args!(
                "{} speaks HTTP/2, where Negotiate and NTLM cannot be used",
                listen.address.get_ref()
            ),
            "clients that have to log on come back over HTTP/1.1: a connection more each",
        );
    }
}

/// Guessing is slowed down by address, and all clients of a proxy that is not trusted have its.
fn proxies(config: &Config, out: &mut Findings) {
    let throttle = &config.logon.throttle;
    if !throttle.enabled {
        return out.warn(
            TOPIC,
            "passwords may be guessed without a pause",
            "leave `enabled = false` out of [logon.throttle]",
        );
    }
    if let Some(net) = config.logon.trusted_proxies.iter().find(|net| net.prefix_len() == 0) {
        out.warn(
            TOPIC,
            format_args!("{net} in `trusted_proxies` is everybody"),
            "any client can say that it is another address: name the proxies' own addresses",
        );
    }
    let in_front = |listen: &&Listen| listen.tls_in_front.is_some();
    if let Some(listen) = config.listen.iter().find(in_front)
        && config.logon.trusted_proxies.is_empty()
        && throttle.exempt.is_empty()
    {
        out.warn(
            TOPIC,
            format_args!("all clients of {} come from one address", listen.address.get_ref()),
            "one client's wrong passwords lock out all: name what is in front in \
             `trusted_proxies` if it gives each client connections of its own, else in `exempt` \
             of [logon.throttle]",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::doctor::checks::testing::config;
    use crate::doctor::report::{Findings, Level};

    fn findings(text: &str) -> Findings {
        let mut out = Findings::default();
        check(&config(text), &mut out);
        out
    }

    const TLS: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"c\"\nkey = \"k\"\n";

    #[test]
    fn what_needs_nothing_is_ok() {
        findings("").assert(Level::Ok, "offers Negotiate, NTLM");
    }

    #[test]
    fn basic_without_tls_is_of_no_use() {
        let basic = "logon.schemes = [\"NTLM\", \"Basic\"]\n";
        findings(basic).assert(Level::Note, "Basic is not offered there");
        findings("logon.schemes = [\"Basic\"]").assert(Level::Warn, "nobody can log on");
        findings(&format!("{basic}{TLS}")).assert_none_above(Level::Ok);
    }

    #[test]
    fn http_2_sends_clients_back() {
        findings(&format!("{TLS}http2 = true\n")).assert(Level::Note, "HTTP/1.1");
        let digest = format!("logon.schemes = [\"Digest\"]\n{TLS}http2 = true\n");
        findings(&digest).assert_none_above(Level::Ok);
    }

    #[test]
    fn clients_behind_one_address_are_not_to_pay_for_each_other() {
        let front = "[[listen]]\naddress = \"127.0.0.1:0\"\ntls_in_front = \"c\"\n";
        findings(front).assert(Level::Warn, "come from one address");
        let trusted = format!("logon.trusted_proxies = [\"10.0.0.7/32\"]\n{front}");
        findings(&trusted).assert_none_above(Level::Ok);
        let exempt = format!("logon.throttle.exempt = [\"10.0.0.7\"]\n{front}");
        findings(&exempt).assert_none_above(Level::Ok);
    }

    #[test]
    fn trusting_everybody_and_guessing_without_a_pause_are_warned_of() {
        let everybody = "logon.trusted_proxies = [\"0.0.0.0/0\"]";
        findings(everybody).assert(Level::Warn, "is everybody");
        findings("logon.throttle.enabled = false").assert(Level::Warn, "without a pause");
    }
}
