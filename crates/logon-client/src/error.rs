//! Why there is no answer.

use crate::BoxError;
use crate::outcome::{Logon, NoTicket};
use http::StatusCode;
use logon::http::{ClientError, Side};
use std::fmt;
use std::time::Duration;

/// Why a request has no answer. What a server refuses is an answer, with a
/// [`Logon`](crate::Logon) that says why.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The URL is not one of `http://` or `https://` with a host.
    Url(String),
    /// A field of the request is one that only this client may write.
    Field(http::HeaderName),
    /// A method that makes no request of its own: see [`crate::Client::connect_tunnel`].
    Method(http::Method),
    /// No connection: of the name, of TCP.
    Connect {
        /// Host and port.
        to: String,
        /// The cause.
        cause: BoxError,
    },
    /// No TLS: most often a certificate that is not trusted.
    Tls {
        /// Host and port.
        to: String,
        /// The cause, with what to do.
        cause: String,
    },
    /// The proxy makes no tunnel.
    Tunnel {
        /// What it says instead.
        status: StatusCode,
        /// What became of the logon to it.
        logon: Logon,
        /// As of [`Outcome`](crate::Outcome).
        no_ticket: Option<Box<NoTicket>>,
    },
    /// The exchange with the server or the proxy failed: one of both cannot do what the other one
    /// needs.
    Logon {
        /// With whom.
        side: Side,
        /// The cause.
        cause: ClientError,
    },
    /// The exchange failed, and was one that was tried instead of a ticket that is not to be had.
    LogonWithoutTicket {
        /// With whom.
        side: Side,
        /// The cause.
        cause: Box<ClientError>,
        /// Why there was no ticket.
        no_ticket: Box<NoTicket>,
    },
    /// The body would have to be sent again, and can be sent once only.
    BodySpent,
    /// The server took a request for done whose body it did not get yet.
    AnsweredTooEarly(StatusCode),
    /// The server keeps closing connections before it answers.
    Closed(BoxError),
    /// What comes over the connection is not HTTP, or it ended within an answer.
    Broken(BoxError),
    /// The first that came over a connection without TLS is not HTTP.
    NotHttp {
        /// Host and port.
        to: String,
        /// The cause.
        cause: BoxError,
    },
    /// No answer in time.
    Timeout(Duration),
    /// More redirects than allowed.
    TooManyRedirects(usize),
    /// A redirect to what is no URL.
    BadRedirect(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(f, "{url:?} is no http:// or https:// URL with a host"),
            Self::Method(method) => write!(f, "{method} is not sent as a request"),
            Self::Field(name) => write!(f, "the field {name} is written by the client itself"),
            Self::Connect { to, cause } => write!(f, "no connection to {to}: {}", Chain(&**cause)),
            Self::Tls { to, cause } => write!(f, "no TLS with {to}: {cause}"),
            Self::Tunnel { status, logon, no_ticket } => {
                write!(f, "the proxy makes no tunnel: {status}; {logon}")?;
                no_ticket.iter().try_for_each(|missing| write!(f, "; nor by Kerberos: {missing}"))
            }
            Self::Logon { side, cause } => write!(f, "no logon to {}: {cause}", called(*side)),
            Self::LogonWithoutTicket { side, cause, no_ticket } => {
                write!(f, "no logon to {}: {cause}; nor by Kerberos: {no_ticket}", called(*side))
            }
            Self::BodySpent => f.write_str(
                "the server asked for credentials after the body was sent, and the body cannot be \
                 sent again: give one that can",
            ),
            Self::AnsweredTooEarly(status) => {
                write!(f, "the server answered {status} before it had the body of the request")
            }
            Self::Closed(cause) => write!(f, "the server closes connections: {}", Chain(&**cause)),
            Self::Broken(cause) => write!(f, "the answer is broken: {}", Chain(&**cause)),
            Self::NotHttp { to, cause } => write!(
                f,
                "{to} does not speak HTTP ({}): should the URL begin with https://?",
                Chain(&**cause)
            ),
            Self::Timeout(time) => write!(f, "no answer within {time:?}"),
            Self::TooManyRedirects(max) => write!(f, "more than {max} redirects"),
            Self::BadRedirect(to) => write!(f, "a redirect to {to:?}, which is no URL to follow"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Logon { cause, .. } => Some(cause),
            Self::LogonWithoutTicket { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

fn called(side: Side) -> &'static str {
    match side {
        Side::Origin => "the server",
        Side::Proxy => "the proxy",
    }
}

/// An error with all that it says of its causes.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
