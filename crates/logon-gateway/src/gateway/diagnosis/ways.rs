//! What can be tried.

use logon::http::Scheme;

/// A way to log on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Both,
    Ntlm,
    Negotiate,
    Digest,
    Basic,
}

impl Way {
    const ALL: [Self; 5] = [Self::Both, Self::Ntlm, Self::Negotiate, Self::Digest, Self::Basic];

    /// Those that these schemes make possible.
    pub(super) fn of(schemes: &[Scheme]) -> Vec<Self> {
        let possible = |way: &Self| way.schemes().iter().all(|scheme| schemes.contains(scheme));
        Self::ALL.into_iter().filter(possible).collect()
    }

    pub(super) const fn schemes(self) -> &'static [Scheme] {
        match self {
            Self::Both => &Scheme::INTEGRATED,
            Self::Ntlm => &[Scheme::Ntlm],
            Self::Negotiate => &[Scheme::Negotiate],
            Self::Digest => &[Scheme::Digest],
            Self::Basic => &[Scheme::Basic],
        }
    }

    /// As it stands in a path.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Ntlm => "ntlm",
            Self::Negotiate => "negotiate",
            Self::Digest => "digest",
            Self::Basic => "basic",
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Both => "Negotiate and NTLM",
            Self::Ntlm => "NTLM only",
            Self::Negotiate => "Negotiate only",
            Self::Digest => "Digest only",
            Self::Basic => "Basic only",
        }
    }

    pub(super) const fn remark(self) -> &'static str {
        match self {
            Self::Both => "the browser chooses",
            Self::Ntlm => "asks for a password unless the host is trusted",
            Self::Negotiate => "needs a host that the browser trusts",
            Self::Digest => "always asks for a password",
            Self::Basic => "always asks for a password; over TLS only",
        }
    }

    pub(super) const fn curl(self) -> &'static str {
        match self {
            Self::Both | Self::Ntlm => "--ntlm",
            Self::Negotiate => "--negotiate",
            Self::Digest => "--digest",
            Self::Basic => "--basic",
        }
    }
}
