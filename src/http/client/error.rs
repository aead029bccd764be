//! Why a client cannot go on.

use super::super::Scheme;
use crate::error::{ApiMisuse, Error, HeaderError};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Why a client cannot log on. Nothing of the exchange can be used again.
/// See [MS-NTHT] §3.1.5.1.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientError {
    /// The server offers nothing that this client may speak. It never falls back to what is not
    /// configured.
    NoScheme {
        /// The names of the schemes that the server offers.
        offered: Vec<String>,
    },
    /// Credentials of a scheme that is not configured, or that needs a password which is not.
    NotConfigured {
        /// The scheme.
        scheme: Scheme,
    },
    /// The server has seen the last credentials and does not take them. Nothing more is sent
    /// until [`ClientAuth::initial`](super::ClientAuth::initial) is called, for every attempt
    /// counts against the account.
    Refused {
        /// The scheme of the credentials.
        scheme: Scheme,
    },
    /// The server's challenge cannot be read.
    Header(HeaderError),
    /// The exchange failed; [`Error`] says whose fault that is.
    Exchange(Error),
    /// The server answers `Negotiate` with an NTLM message that is not within SPNEGO.
    BareNtlm,
    /// The server has to prove who it is, and does not or cannot.
    MutualAuthMissing,
    /// Channel bindings are demanded, and this connection has none.
    BindingsImpossible,
    /// Credentials that need a challenge first, of `Digest`: there is no nonce yet.
    ChallengeNeeded {
        /// The scheme.
        scheme: Scheme,
    },
    /// `Digest` proves a request, and [`ClientAuth::for_request`](super::ClientAuth::for_request)
    /// has not said which.
    RequestUnknown,
    /// The server's proof that it knows the password is wrong ([RFC 7616] §3.5).
    WrongServerProof,
    /// What came has no place here.
    OutOfOrder {
        /// What could have come.
        expected: &'static str,
        /// What came.
        received: &'static str,
    },
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoScheme { offered } => write!(
                f,
                "the server offers no scheme that this client may speak, but {}; allow one of them, and give it a password if it needs one",
                Listed(offered)
            ),
            Self::NotConfigured { scheme } => write!(
                f,
                "{scheme} is not configured for this client; allow it, and give it a password if it needs one"
            ),
            Self::Refused { scheme } => write!(
                f,
                "the server refused the credentials sent by {scheme}; check name and password, and the server's log for the reason, before another attempt counts against the account"
            ),
            Self::Header(error) => {
                write!(f, "the server's challenge cannot be read: {error}; report it there")
            }
            Self::Exchange(error) => {
                write!(f, "the logon failed: {error}; look at both sides' security policy")
            }
            Self::BareNtlm => f.write_str(
                "the server answers Negotiate with bare NTLM; allow the NTLM scheme alone",
            ),
            Self::MutualAuthMissing => f.write_str(
                "the server does not prove who it is, and that is demanded; NTLM cannot: use Kerberos, or do not demand it. Of Kerberos the proof is in the answer's WWW-Authenticate: look for a proxy that drops it, and at who answers",
            ),
            Self::BindingsImpossible => f.write_str(
                "channel bindings are demanded, and this connection or scheme has none; connect over TLS to a certificate that has them, or do not demand them",
            ),
            Self::ChallengeNeeded { scheme } => write!(
                f,
                "{scheme} has nothing to answer yet; send the request without credentials first"
            ),
            Self::RequestUnknown => f.write_str(
                "Digest proves a request, and nobody said which; call ClientAuth::for_request before",
            ),
            Self::WrongServerProof => f.write_str(
                "the server does not know the password that it accepted; do not use the answer, and look for somebody in between",
            ),
            Self::OutOfOrder { expected, received } => write!(
                f,
                "{received} came where {expected} was expected; look for a proxy that spreads one connection over several, and begin anew"
            ),
        }
    }
}

/// Names with commas between them.
struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl core::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Header(error) => Some(error),
            Self::Exchange(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for ClientError {
    fn from(error: Error) -> Self {
        match error {
            Error::Header(error) => Self::Header(error),
            error => Self::Exchange(error),
        }
    }
}

impl From<HeaderError> for ClientError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<ApiMisuse> for ClientError {
    fn from(misuse: ApiMisuse) -> Self {
        Self::Exchange(misuse.into())
    }
}
