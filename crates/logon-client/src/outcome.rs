//! What became of logons, in words.

use crate::party::Party;
use logon::http::Scheme;
use logon::kerberos::TicketError;
use logon::{Mechanism, TargetName};
use logon_kdc::TicketsError;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// What became of the logons, in the extensions of every answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// To the server.
    pub origin: Logon,
    /// To the proxy that requests to `http://` go through. A tunnel is logged on to before there
    /// is a request.
    pub proxy: Logon,
    /// Why there was no ticket of the server, if one was wanted, and what was tried instead, such as
    /// NTLM, has failed, too.
    pub no_ticket: Option<Box<NoTicket>>,
    /// The same of the proxy.
    pub no_proxy_ticket: Option<Box<NoTicket>>,
}

impl Outcome {
    pub(crate) fn of(origin: &Party<'_>, proxy: &Party<'_>) -> Self {
        Self {
            origin: origin.logon.clone(),
            proxy: proxy.logon.clone(),
            no_ticket: origin.failed_without_ticket(),
            no_proxy_ticket: proxy.failed_without_ticket(),
        }
    }
}

/// What became of the logon to a server or a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Logon {
    /// Nobody asked for credentials.
    #[default]
    NotAsked,
    /// Credentials were asked for, and there are none for this host.
    NoLogin,
    /// Logged on, for this request or by an earlier one on the same connection.
    LoggedOn {
        /// The scheme.
        scheme: Scheme,
        /// The mechanism within it, of `Negotiate` and `NTLM`.
        mechanism: Option<Mechanism>,
    },
    /// The credentials are wrong, or may not log on here. They are not sent there again.
    Refused {
        /// The scheme.
        scheme: Scheme,
    },
    /// The server began the exchange and did not go on with it: something in between may spread
    /// one connection over several.
    BrokenOff {
        /// The scheme.
        scheme: Scheme,
    },
    /// The same credentials were refused by this host before, or sent without a verdict: they were
    /// not sent again, because that locks accounts. See [`Client`](crate::Client).
    RefusedBefore,
    /// The server does not take the ticket that it was sent.
    TicketRefused {
        /// Its error code ([RFC 4120] §7.5.9). Many servers do not tell it.
        ///
        /// [RFC 4120]: https://www.rfc-editor.org/rfc/rfc4120
        code: Option<i32>,
    },
    /// There is no ticket of the server, and nothing else to log on with.
    NoTicket(Box<NoTicket>),
    /// Nothing that both sides would take.
    NotOffered {
        /// What was offered.
        offered: Vec<String>,
    },
    /// A proxy is in between that did not say that it keeps connections apart
    /// (`Proxy-Support: Session-Based-Authentication`, [RFC 4559] §6): what logs on by connection
    /// would log on others there, and nothing else is both offered and enabled.
    ///
    /// [RFC 4559]: https://www.rfc-editor.org/rfc/rfc4559
    ProxyInBetween,
}

impl fmt::Display for Logon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("no credentials were asked for"),
            Self::NoLogin => f.write_str("credentials are asked for, and there are none to send"),
            Self::LoggedOn { scheme, mechanism: None } => write!(f, "logged on by {scheme}"),
            Self::LoggedOn { scheme, mechanism: Some(mechanism) } => {
                write!(f, "logged on by {scheme}, {mechanism}")
            }
            Self::Refused { scheme } => write!(f, "the credentials were refused ({scheme})"),
            Self::BrokenOff { scheme } => write!(
                f,
                "the server did not go on with the logon ({scheme}): does a proxy in between \
                 spread one connection over several?"
            ),
            Self::RefusedBefore => {
                f.write_str("the credentials were refused before and not sent again")
            }
            Self::TicketRefused { code: None } => {
                f.write_str("the server does not take the ticket, and does not say why")
            }
            Self::TicketRefused { code: Some(code) } => write!(
                f,
                "the server does not take the ticket: {} (Kerberos error {code})",
                why_refused(*code)
            ),
            Self::NoTicket(missing) => missing.fmt(f),
            Self::NotOffered { offered } => {
                write!(f, "none of the schemes offered is enabled here: {}", offered.join(", "))
            }
            Self::ProxyInBetween => f.write_str(
                "the proxy in between does not announce session-based authentication; use a \
                 tunnel (https) or no proxy",
            ),
        }
    }
}

/// A ticket that is not to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoTicket {
    /// The service that it should be of.
    pub service: TargetName,
    /// Why there is none.
    pub cause: TicketsError,
}

impl NoTicket {
    /// The realm whose KDC was asked for an address, and did not know it.
    fn address_in(&self) -> Option<&str> {
        let (_, host) = self.service.as_str().split_once('/')?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_address = bare.parse::<IpAddr>().is_ok() || host.parse::<SocketAddr>().is_ok();
        match &self.cause {
            TicketsError::Ticket {
                cause: TicketError::Kdc { realm, code: 7, .. },
                of_client: false,
            } if is_address => Some(realm),
            _ => None,
        }
    }
}

impl fmt::Display for NoTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no ticket for {}: ", self.service.as_str())?;
        match self.address_in() {
            // That somebody gives an account this name is not what is wanted.
            Some(realm) => write!(
                f,
                "the KDC of {realm} knows services by name, and this is an address; use the \
                 server's name (error 7)"
            ),
            None => self.cause.fmt(f),
        }
    }
}

impl std::error::Error for NoTicket {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// What a service's error codes mean ([RFC 4120] §7.5.9).
///
/// [RFC 4120]: https://www.rfc-editor.org/rfc/rfc4120
fn why_refused(code: i32) -> &'static str {
    match code {
        31 | 36 | 50 => "it holds it to be altered",
        32 => "it holds it to be expired",
        33 => "it holds it to be not valid yet",
        34 => "it holds it to be sent a second time",
        35 => "it is not the service that the ticket is of; look which account has its name",
        37 => "its clock and that of the KDC are too far apart",
        41 | 44 | 45 => {
            "it does not have the key of its account any more, or another account has \
                         its name"
        }
        12 => "its policy forbids it",
        _ => "its log says why",
    }
}
