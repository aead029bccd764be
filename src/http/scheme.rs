//! The authentication schemes and the two sides they work on.

use core::fmt;

/// An authentication scheme ([RFC 9110] §11.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// SPNEGO, or bare NTLM from some clients ([RFC 4559] §4).
    Negotiate,
    /// Bare NTLM ([MS-NTHT] §2.2).
    Ntlm,
    /// A hash of the password with a nonce ([RFC 7616]).
    Digest,
    /// The password itself ([RFC 7617]).
    Basic,
}

impl Scheme {
    /// All schemes, the strongest first: the order to offer them in.
    pub const ALL: [Self; 4] = [Self::Negotiate, Self::Ntlm, Self::Digest, Self::Basic];

    /// The schemes of Windows Integrated Authentication, which need no typing of passwords.
    pub const INTEGRATED: [Self; 2] = [Self::Negotiate, Self::Ntlm];

    /// The name as it is written; it is compared without regard to case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negotiate => "Negotiate",
            Self::Ntlm => "NTLM",
            Self::Digest => "Digest",
            Self::Basic => "Basic",
        }
    }

    /// The scheme of this name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether it proves who is at the other end of a connection, in several requests, rather
    /// than who sent one request ([MS-N2HT] §3.2.5).
    #[must_use]
    pub const fn is_per_connection(self) -> bool {
        match self {
            Self::Negotiate | Self::Ntlm => true,
            Self::Digest | Self::Basic => false,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a server answers for itself or as a proxy ([RFC 9110] §11.6, §11.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// 401, `WWW-Authenticate`, `Authorization`.
    #[default]
    Origin,
    /// 407, `Proxy-Authenticate`, `Proxy-Authorization`.
    Proxy,
}

impl Side {
    /// The name of the field that challenges are sent in, lower case.
    #[must_use]
    pub const fn challenge_field(self) -> &'static str {
        match self {
            Self::Origin => "www-authenticate",
            Self::Proxy => "proxy-authenticate",
        }
    }

    /// The name of the field that credentials come in, lower case.
    #[must_use]
    pub const fn credentials_field(self) -> &'static str {
        match self {
            Self::Origin => "authorization",
            Self::Proxy => "proxy-authorization",
        }
    }

    /// The name of the field that says more of a logon that succeeded, lower case
    /// ([RFC 7615]).
    #[must_use]
    pub const fn info_field(self) -> &'static str {
        match self {
            Self::Origin => "authentication-info",
            Self::Proxy => "proxy-authentication-info",
        }
    }
}
