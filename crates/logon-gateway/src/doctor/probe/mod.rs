//! What a client sees at a URL, and why it may ask for a password again and again.

mod connection;
mod leg;
mod target;
mod trust;
mod verdict;

pub(super) use connection::Connection;
pub(super) use target::Target;
pub(super) use trust::Trust;

use super::checks::{Clock, Facts, difference, skew};
use super::report::Findings;
use connection::{Answer, TlsFacts, Trouble, offers_http2};
use leg::{Leg, Names};
use logon::http::Scheme;
use verdict::Seen;

const TOPIC: &str = "URL";

/// What the server at the URL should be, if its configuration is at hand.
pub(super) struct Expected {
    pub(super) computer: String,
    pub(super) domain: String,
    /// DER of the certificates that the gateway, or the box in front of it, shows.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Asks, on several connections, without a password.
pub(super) async fn check(
    target: &Target,
    expected: Option<&Expected>,
    clock: Clock,
    out: &mut Findings,
) {
    let trust = Trust::system();
    let mut connection = match Connection::open(target, &trust).await {
        Ok(connection) => connection,
        Err(trouble) => return no_connection(target, &trouble, out),
    };
    let mut http2 = false;
    if let Some(facts) = connection.tls.clone() {
        http2 = offers_http2(target, &trust).await.unwrap_or(false);
        tls(target, &facts, http2, expected, out);
    }
    let answer = match connection.get(None).await {
        Ok(answer) => answer,
        Err(trouble) => {
            return out.fail(
                TOPIC,
                format_args!("{target}: {trouble}"),
                "look at the log of what listens there; is it HTTP, and not HTTPS or the reverse?",
            );
        }
    };
    describe(target, &answer, out);
    if let Some(date) = answer.date() {
        skew(clock, &target.to_string(), date, out);
    }
    let stays = answer.stays && connection.get(None).await.is_ok();
    drop(connection);

    let offers = answer.all("www-authenticate");
    let mut legs = Vec::new();
    for scheme in Scheme::INTEGRATED {
        if answer.status == 401 && verdict::offers(&offers, scheme) {
            legs.push((scheme, leg::first(target, &trust, scheme).await));
        }
    }
    for (scheme, leg) in &legs {
        if let Leg::Challenge(names) = leg {
            challenge(*scheme, names, expected, clock, out);
        }
    }
    verdict::say(&Seen { status: answer.status, offers, stays, http2, legs }, out);
}

fn no_connection(target: &Target, trouble: &Trouble, out: &mut Findings) {
    let todo = match trouble {
        Trouble::Tls(_) => "is it an http URL, or a certificate that TLS libraries refuse?",
        _ => "is the gateway running, the port right, and no firewall in between?",
    };
    out.fail(TOPIC, format_args!("{target}: {trouble}"), todo);
}

fn tls(
    target: &Target,
    seen: &TlsFacts,
    http2: bool,
    expected: Option<&Expected>,
    out: &mut Findings,
) {
    let protocols = if http2 { "HTTP/2 and HTTP/1.1" } else { "HTTP/1.1" };
    out.ok(TOPIC, format_args!("{}, {protocols}", seen.version));
    match Facts::of(&seen.certificate) {
        Err(error) => out.fail(TOPIC, format_args!("its certificate: {error}"), "replace it"),
        Ok(facts) => {
            let names = facts.names.join(", ");
            if facts.covers(&target.host) {
                out.ok(TOPIC, format_args!("its certificate is for {names}"));
            } else {
                out.fail(
                    TOPIC,
                    format_args!("its certificate is for {names}, not for {}", target.host),
                    "use one of these names, or a certificate that has this one",
                );
            }
            if !facts.has_bindings {
                out.warn(
                    TOPIC,
                    "no channel bindings are defined for its certificate's signature",
                    "use a certificate for RSA or ECDSA",
                );
            }
        }
    }
    if let Some(distrust) = &seen.distrust {
        out.note(
            TOPIC,
            format_args!("this machine does not trust it: {distrust}"),
            "clients need the certificate of whoever issued it",
        );
    }
    if let Some(expected) = expected
        && !expected.certificates.is_empty()
        && !expected.certificates.contains(&seen.certificate)
    {
        out.warn(
            TOPIC,
            "its certificate is none of the configuration: something in front speaks TLS",
            "clients that bind their logon to it are refused: name that certificate in \
             `tls_in_front`, or `channel_bindings = \"never\"`",
        );
    }
}

fn describe(target: &Target, answer: &Answer, out: &mut Findings) {
    let milliseconds = answer.time.as_millis();
    out.ok(TOPIC, format_args!("{target}: {} in {milliseconds} ms", answer.status));
    for name in ["WWW-Authenticate", "Proxy-Authenticate", "Server", "Via"] {
        for value in answer.all(name) {
            let short: String = value.chars().take(200).filter(|c| !c.is_control()).collect();
            out.ok(TOPIC, format_args!("{name}: {short}"));
        }
    }
}

fn challenge(
    scheme: Scheme,
    names: &Names,
    expected: Option<&Expected>,
    clock: Clock,
    out: &mut Findings,
) {
    let Names { computer, domain, dns_computer, dns_domain, .. } = names;
    let dns = if dns_domain.is_empty() {
        String::new()
    } else {
        format!(" ({dns_computer} in {dns_domain})")
    };
    out.ok(TOPIC, format_args!("{scheme}: CHALLENGE of {domain}\\{computer}{dns}"));
    if let Some(expected) = expected
        && !(expected.computer.eq_ignore_ascii_case(computer)
            && expected.domain.eq_ignore_ascii_case(domain))
    {
        out.warn(
            TOPIC,
            format_args!(
                "the configuration says {}\\{}: another server answers {scheme}",
                expected.domain, expected.computer
            ),
            "is this URL that of the gateway, and was the gateway reloaded?",
        );
    }
    if let Some(time) = names.time {
        difference(clock, "the CHALLENGE", time, out);
    }
}
