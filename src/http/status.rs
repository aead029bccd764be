//! Which HTTP status an error becomes.

use super::Side;
use crate::error::Error;

/// The statuses that authentication answers with.
/// See [RFC 9110] §15.5, §15.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// 400: the field cannot be read.
    BadRequest,
    /// 401, or 407 from a proxy: authenticate.
    Challenge(Side),
    /// 403: there is no scheme to log on with here, as where `Basic` alone is enabled and the
    /// request is not over TLS. A 401 must carry a challenge ([RFC 9110] §15.5.2).
    Forbidden,
    /// 413: a body that came with a first token is too long to be thrown away.
    ContentTooLarge,
    /// 429: too many logons have failed.
    TooManyRequests,
    /// 431: the token is too long.
    HeaderTooLarge,
    /// 500: a defect on this side.
    InternalServerError,
    /// 503: the credential store is out of reach, or too many logons are under way.
    ServiceUnavailable,
}

impl Status {
    /// The status code.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Challenge(Side::Origin) => 401,
            Self::Challenge(Side::Proxy) => 407,
            Self::Forbidden => 403,
            Self::ContentTooLarge => 413,
            Self::TooManyRequests => 429,
            Self::HeaderTooLarge => 431,
            Self::InternalServerError => 500,
            Self::ServiceUnavailable => 503,
        }
    }

    /// A line for the people who see it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::BadRequest => "The request cannot be read",
            Self::Challenge(_) => "Log on to see this",
            Self::Forbidden => "There is no way to log on over this connection",
            Self::ContentTooLarge => "Log on before sending a long body",
            Self::TooManyRequests => "Too many logons have failed; try again later",
            Self::HeaderTooLarge => "The token is too long",
            Self::InternalServerError => "Something is wrong with this server",
            Self::ServiceUnavailable => "Nobody can log on at the moment; try again later",
        }
    }

    /// The one table from error to status: the client's fault is never 500, ours never 401.
    #[must_use]
    pub const fn of_error(error: &Error, side: Side) -> Self {
        match error {
            Error::Header(_) => Self::BadRequest,
            Error::TokenTooLong { .. } => Self::HeaderTooLarge,
            Error::Decode(_)
            | Error::OutOfSequence { .. }
            | Error::PeerIncompatible(_)
            | Error::Denied(_) => Self::Challenge(side),
            // A challenge here would make clients ask for the password again, and lock accounts.
            Error::Store(_) | Error::TooManyExchanges => Self::ServiceUnavailable,
            Error::Throttled { .. } => Self::TooManyRequests,
            Error::RandomFailed | Error::ApiMisuse(_) => Self::InternalServerError,
        }
    }
}
