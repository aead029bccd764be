//! Why a ticket is refused.

use core::fmt;

/// Why a logon by Kerberos is refused.
/// See [RFC 4120] §3.2.3, §7.5.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KerberosRefusal {
    /// The ticket is for a service that the keytab has no key of, or that policy leaves out.
    NotUs,
    /// The ticket's encryption type is not allowed, or the keytab has no key of it.
    EncryptionType,
    /// No key of the keytab opens the ticket: the service's password was changed since, or the
    /// ticket was altered.
    WrongKey,
    /// The authenticator was not made with the ticket's session key, or was altered.
    Authenticator,
    /// Authenticator and ticket are of two clients.
    BadMatch,
    /// The client's clock and this one are too far apart.
    ClockSkew,
    /// The ticket has expired.
    Expired,
    /// The ticket does not hold yet, or has to be validated first.
    NotYetValid,
    /// The authenticator was here before, or nobody can say that it was not.
    Replay,
    /// The checksum of the authenticator is wrong, or of a kind that protects nothing.
    Checksum,
    /// The ticket is encrypted in the session key of another ticket, which services do not have.
    UserToUser,
    /// Nobody here trusts the client's realm.
    Realm,
    /// The ticket came through realms that nobody has vouched for.
    Transited,
    /// Ticket or authenticator carry a restriction that is not known here, so nobody can keep to it
    /// ([RFC 4120] §5.2.6).
    Restricted,
    /// Policy demands a PAC, and the ticket has none.
    PacMissing,
    /// The PAC is not of this ticket, or was altered.
    Pac,
}

impl KerberosRefusal {
    /// The error code that goes into a `KRB-ERROR`.
    /// See [RFC 4120] §7.5.9.
    #[must_use]
    pub const fn error_code(self) -> i32 {
        match self {
            Self::NotUs => 35,
            Self::EncryptionType => 45,
            Self::WrongKey => 41,
            Self::Authenticator | Self::Pac => 31,
            Self::BadMatch => 36,
            Self::ClockSkew => 37,
            Self::Expired => 32,
            Self::NotYetValid => 33,
            Self::Replay => 34,
            Self::Checksum => 50,
            Self::UserToUser => 60,
            Self::Realm | Self::Transited | Self::Restricted | Self::PacMissing => 12,
        }
    }
}

impl fmt::Display for KerberosRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUs => "the ticket is for another service",
            Self::EncryptionType => {
                "the ticket's encryption type is not allowed, or the keytab has no key of it"
            }
            Self::WrongKey => "no key of the keytab opens the ticket",
            Self::Authenticator => "the authenticator was not made with the ticket's session key",
            Self::BadMatch => "authenticator and ticket are of two clients",
            Self::ClockSkew => "the clocks of client and server are too far apart",
            Self::Expired => "the ticket has expired",
            Self::NotYetValid => "the ticket is not valid yet",
            Self::Replay => "the authenticator came a second time, or is older than this server",
            Self::Checksum => "the authenticator's checksum is not one of GSS-API",
            Self::UserToUser => "a ticket for user-to-user authentication",
            Self::Realm => "the client's realm is not trusted here",
            Self::Transited => "the realms that the ticket came through were not checked",
            Self::Restricted => "the ticket is restricted in a way that is not known here",
            Self::PacMissing => "policy demands a PAC and the ticket has none",
            Self::Pac => "the PAC is not this ticket's, or was altered",
        })
    }
}
