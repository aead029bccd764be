//! Why a client that could have come with a ticket came with NTLM.

use super::leg::{Leg, Sent};
use super::token::Message;
use super::tries::Try;
use logon::AcceptorConfig;
use logon::http::Scheme;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What to look at, if this server takes tickets, offered that, and got NTLM. `host` is the name that
/// the client asked for.
pub(super) fn why_ntlm(seen: &Try, host: &str, acceptor: &AcceptorConfig) -> Vec<String> {
    let Some(service) = acceptor.kerberos_service() else { return Vec::new() };
    let offered = seen.legs.iter().any(|leg| leg.answer.offered.iter().any(|it| is_negotiate(it)));
    if !offered || !seen.legs.iter().any(|leg| is_ntlm(leg)) {
        return Vec::new();
    }
    if host.parse::<Ipv4Addr>().is_ok() || host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok()
    {
        return vec![format!(
            "You came to the address {host}. Tickets are for names: use the name of this server."
        )];
    }
    let mut causes = Vec::new();
    let spn = format!("HTTP/{host}");
    let is_it = |components: &[String]| components.join("/").eq_ignore_ascii_case(&spn);
    let mut keys = service.keytab().keys().iter();
    if !keys.any(|key| is_it(key.principal.components())) {
        causes.push(format!(
            "The keytab of this server has no key of {spn}, so a ticket for that would be refused."
        ));
    }
    causes.extend([
        format!(
            "The domain may not know {spn}: `setspn -Q {spn}` asks it, `setspn -S {spn} ACCOUNT` or \
             `samba-tool spn add {spn} ACCOUNT` tells it. If the name is an alias (CNAME), some \
             clients ask for the name behind it."
        ),
        format!(
            "The browser may not trust this host: {host} belongs into the zone Local intranet, into \
             the policy AuthServerAllowlist, or into network.negotiate-auth.trusted-uris (Firefox)."
        ),
        "The client may have no ticket at all: it is not a member of the domain, nobody has logged \
         on there (`klist` shows tickets, `kinit` gets one), no domain controller is in reach, or \
         its clock is more than five minutes off."
            .into(),
    ]);
    causes
}

fn is_negotiate(offer: &str) -> bool {
    offer.split(' ').next().is_some_and(|name| name.eq_ignore_ascii_case(Scheme::Negotiate.name()))
}

fn is_ntlm(leg: &Leg) -> bool {
    let Sent::Token(_, token) = &leg.sent else { return false };
    matches!(token.message, Message::Negotiate { .. } | Message::Authenticate(_))
}
