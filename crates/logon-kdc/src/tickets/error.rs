//! Why there is no ticket.

use crate::conf::ConfError;
use crate::place_error::PlaceError;
use crate::transport::SendError;
use core::fmt;
use logon::kerberos::TicketError;
use std::path::PathBuf;

/// Why a client has no ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TicketsError {
    /// `krb5.conf` cannot be read.
    Conf(ConfError),
    /// Credential cache or keytab cannot be used.
    Place(PlaceError),
    /// There is neither a credential cache nor a client keytab.
    Nothing {
        /// Where the cache would be.
        cache: PathBuf,
        /// Where the keytab would be.
        keytab: PathBuf,
    },
    /// The client keytab has no key that can be used.
    EmptyKeytab(PathBuf),
    /// No KDC answers.
    Send(SendError),
    /// A KDC does not grant it, or its answer is wrong.
    Ticket {
        /// Why.
        cause: TicketError,
        /// It was asked about the client, not about the service.
        of_client: bool,
    },
    /// The credential cache went away meanwhile.
    Gone,
    /// It takes too long.
    Slow,
    /// The password was shown to a KDC, and nobody waited for the answer.
    Unjudged,
    /// The runtime of tokio is being shut down.
    Ending,
}

impl TicketsError {
    /// Whether the client's password or key is wrong, or its account may not log on, so that showing
    /// it again, there or elsewhere, may count against the account.
    #[must_use]
    pub fn is_about_client(&self) -> bool {
        let cause = match self {
            Self::Ticket { cause, of_client: true } => cause,
            other => return *other == Self::Unjudged,
        };
        match cause {
            // CLIENT_REVOKED, KEY_EXPIRED, PREAUTH_FAILED, and BAD_INTEGRITY, as others call that
            TicketError::Kdc { code, .. } => matches!(code, 18 | 23 | 24 | 31),
            TicketError::NotProven => true,
            _ => false,
        }
    }

    /// Whether that is so until there is another password: `PREAUTH_FAILED`. Other answers may be
    /// others later, or somebody else's.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Ticket { cause: TicketError::Kdc { code: 24, .. }, of_client: true })
    }

    /// Of two attempts: this one is what the first has to say, unless the second is about the client.
    pub(super) fn or_about_client(self, second: Self) -> Self {
        if second.is_about_client() { second } else { self }
    }

    /// Whether the KDC does not know the service.
    pub(super) fn is_unknown_service(&self) -> bool {
        let cause = match self {
            Self::Ticket { cause, of_client: false } => cause,
            _ => return false,
        };
        matches!(cause, TicketError::Kdc { code: 7, .. })
    }
}

impl fmt::Display for TicketsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conf(error) => error.fmt(f),
            Self::Place(error) => error.fmt(f),
            Self::Nothing { cache, keytab } => write!(
                f,
                "no tickets: neither {} nor the client keytab {} is there; log on with kinit",
                cache.display(),
                keytab.display()
            ),
            Self::EmptyKeytab(path) => {
                write!(f, "the keytab {} has no key that can be used", path.display())
            }
            Self::Send(error) => error.fmt(f),
            Self::Ticket { cause, .. } => cause.fmt(f),
            Self::Slow => f.write_str("KDCs take too long to answer; look at the network"),
            Self::Unjudged => f.write_str(
                "the password was shown to a KDC whose answer nobody waited for; try again in a minute",
            ),
            Self::Ending => f.write_str("the program ends before there is a ticket"),
            Self::Gone => f.write_str("the credential cache went away; log on with kinit"),
        }
    }
}

impl core::error::Error for TicketsError {}

impl From<ConfError> for TicketsError {
    fn from(error: ConfError) -> Self {
        Self::Conf(error)
    }
}

impl From<PlaceError> for TicketsError {
    fn from(error: PlaceError) -> Self {
        Self::Place(error)
    }
}

impl From<SendError> for TicketsError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}
