//! Why there is no ticket.

use crate::error::{ApiMisuse, DecodeError, RandomFailed};
use crate::kerberos::KeyError;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Why a client gets no ticket.
/// See [RFC 4120] §3.1, §3.3.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TicketError {
    /// There is no ticket-granting ticket that holds, and neither password nor keytab to get one
    /// with.
    NoCredentials,
    /// The KDC refuses. Nothing of this is signed.
    Kdc {
        /// The realm of the KDC.
        realm: String,
        /// `error-code` ([RFC 4120] §7.5.9).
        code: i32,
        /// `e-text`, without its control characters.
        text: String,
    },
    /// The KDC takes keys of these encryption types, and none of them is allowed and at hand.
    NoKey {
        /// Their numbers.
        offered: Vec<i32>,
    },
    /// A key cannot be made of the password as the KDC says.
    Key(KeyError),
    /// The KDC wants a proof that is not supported here: anything but `PA-ENC-TIMESTAMP`
    /// ([RFC 4120] §5.2.7.2).
    PreAuthentication {
        /// The numbers of what it would take.
        offered: Vec<i32>,
    },
    /// The answer was not made with the key that both sides have: the password is wrong, or
    /// somebody answers for the KDC.
    NotProven,
    /// The answer is no answer to the request.
    Mismatch(&'static str),
    /// The answer cannot be read.
    Decode(DecodeError),
    /// A realm refers to the next without an end.
    Referrals,
    /// There is no randomness.
    RandomFailed,
    /// A name is too long for a message.
    Misuse(ApiMisuse),
    /// `step` was called with an answer where there was no request, or without one.
    OutOfOrder,
}

/// What an error code says, and what to do ([RFC 4120] §7.5.9).
fn explanation(code: i32) -> &'static str {
    match code {
        1 | 2 => "the name or the service's entry has expired",
        6 => "it does not know the client; check name and realm",
        7 => {
            "it does not know the service; give an account this service principal name (setspn -S)"
        }
        12 => "its policy forbids it",
        14 => "it has no encryption type in common with this client",
        18 => "the account is disabled, locked, or may not log on now",
        20 => "the ticket-granting ticket was revoked; log on again",
        23 => "the password has expired; change it",
        24 => "the password or key is wrong",
        25 => "it wants another proof before",
        29 => "it is not available; try again later",
        31 | 41 => "the ticket-granting ticket was not made with its key; log on again",
        32 => "the ticket-granting ticket has expired; log on again",
        37 => "its clock and this one are too far apart; set them",
        60 => "it has failed",
        68 => "it is not the realm of this client",
        _ => "see RFC 4120 7.5.9",
    }
}

impl fmt::Display for TicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials => f.write_str(
                "no ticket-granting ticket that holds; log on with kinit, or give a password or a client keytab",
            ),
            Self::Kdc { realm, code, text } => {
                write!(f, "the KDC of {realm} answers: {} (error {code}", explanation(*code))?;
                if !text.is_empty() {
                    write!(f, ", \"{text}\"")?;
                }
                f.write_str(")")
            }
            Self::NoKey { offered } => {
                f.write_str("no key that the KDC takes; it takes encryption types ")?;
                listed(f, offered)?;
                f.write_str(": look for them in the keytab, or allow one of them")
            }
            Self::Key(error) => write!(f, "the KDC's word on how to make the key: {error}"),
            Self::PreAuthentication { offered } => {
                f.write_str("the KDC does not take a password's proof (PA-ENC-TIMESTAMP), but ")?;
                listed(f, offered)?;
                f.write_str("; log on with kinit, and use its ticket cache")
            }
            Self::NotProven => f.write_str(
                "the KDC's answer was made with another key; check the password, and who answers",
            ),
            Self::Mismatch(what) => {
                write!(f, "the KDC's answer does not fit the request: {what}; look who answers")
            }
            Self::Decode(error) => write!(f, "the KDC's answer cannot be read: {error}"),
            Self::Referrals => {
                f.write_str("realms refer to each other without an end; check their trusts")
            }
            Self::RandomFailed => f.write_str("there is no randomness"),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::OutOfOrder => f.write_str("an answer without a request, or none to one"),
        }
    }
}

fn listed(f: &mut fmt::Formatter<'_>, numbers: &[i32]) -> fmt::Result {
    if numbers.is_empty() {
        return f.write_str("none that it names");
    }
    for (index, number) in numbers.iter().enumerate() {
        write!(f, "{}{number}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

impl core::error::Error for TicketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Key(error) => Some(error),
            Self::Decode(error) => Some(error),
            Self::Misuse(error) => Some(error),
            _ => None,
        }
    }
}

impl From<KeyError> for TicketError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<DecodeError> for TicketError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<ApiMisuse> for TicketError {
    fn from(misuse: ApiMisuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<RandomFailed> for TicketError {
    fn from(_: RandomFailed) -> Self {
        Self::RandomFailed
    }
}
