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
}

impl Scheme {
    /// All schemes, the strongest first: the order to offer them in.
    pub const ALL: [Self; 2] = [Self::Negotiate, Self::Ntlm];

    /// The name as it is written; it is compared without regard to case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negotiate => "Negotiate",
            Self::Ntlm => "NTLM",
        }
    }

    /// The scheme of this name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name().as_bytes().eq_ignore_ascii_case(name))
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
}
