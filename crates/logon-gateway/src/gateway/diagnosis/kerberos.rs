//! Why a client that could have come with a ticket came without.

use super::leg::{Leg, Sent};
use super::token::Message;
use super::tries::Try;
use logon::AcceptorConfig;
use logon::http::Scheme;
use logon::kerberos::Service;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// What tickets would have been opened with, if this server takes them and offered that.
pub(super) fn service_asked(seen: &Try, acceptor: &AcceptorConfig) -> Option<Arc<Service>> {
    acceptor.kerberos_service().filter(|_| was_offered(seen))
}

/// What the client did instead, as a heading, and what to look at, where a ticket would have been
/// taken. `host` is the name that the client asked for.
pub(super) fn why_no_ticket(
    seen: &Try,
    host: &str,
    service: &Service,
) -> Option<(&'static str, Vec<String>)> {
    let heading = if seen.legs.iter().any(|leg| is_ntlm(leg)) {
        "Why NTLM and not Kerberos"
    } else if seen.legs.iter().all(|leg| matches!(leg.sent, Sent::Nothing)) {
        "Why no ticket of Kerberos"
    } else {
        return None;
    };
    Some((heading, causes(host, service)))
}

fn was_offered(seen: &Try) -> bool {
    seen.legs.iter().any(|leg| leg.answer.offered.iter().any(|it| is_negotiate(it)))
}

fn causes(host: &str, service: &Service) -> Vec<String> {
    if host.parse::<Ipv4Addr>().is_ok() || host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok()
    {
        return vec![format!(
            "You came to the address {host}. Tickets are for names: use the name of this server."
        )];
    }
    let mut causes = vec![
        "The client may have no ticket at all: nobody has logged on there with an account of the \
         domain (Windows; `klist` shows tickets), or typed `kinit` (elsewhere); no domain \
         controller is in reach, or its clock is more than five minutes off."
            .into(),
        format!(
            "The browser may not trust this host: {host} belongs into the zone Local intranet, into \
             the policy AuthServerAllowlist, or into network.negotiate-auth.trusted-uris (Firefox)."
        ),
    ];
    let spn = format!("HTTP/{host}");
    causes.push(format!(
        "The domain may not know {spn}, this very name: `setspn -Q {spn}` asks it, `setspn -S {spn} \
         ACCOUNT` or `samba-tool spn add {spn} ACCOUNT` tells it. If the name is an alias (CNAME), \
         some clients ask for the name behind it."
    ));
    let is_it = |components: &[String]| components.join("/").eq_ignore_ascii_case(&spn);
    let mut keys = service.keytab().keys().iter();
    if !keys.any(|key| is_it(key.principal.components())) {
        causes.push(format!(
            "The keytab of this server has no key of {spn}, so a ticket for that would be refused."
        ));
    }
    causes
}

fn is_negotiate(offer: &str) -> bool {
    offer.split(' ').next().is_some_and(|name| name.eq_ignore_ascii_case(Scheme::Negotiate.name()))
}

fn is_ntlm(leg: &Leg) -> bool {
    let Sent::Token(_, token) = &leg.sent else { return false };
    matches!(token.message, Message::Negotiate { .. } | Message::Authenticate(_))
}
