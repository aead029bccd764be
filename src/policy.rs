//! What an acceptor demands. When the peer leaves something optional out, this decides, not the
//! peer.

use core::time::Duration;

/// Whether AUTHENTICATE must carry a message integrity code ([MS-NLMP] §3.2.5.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MicPolicy {
    /// Verified whenever the client announces one. The default, because curl, Java, Go and
    /// Firefox announce none.
    #[default]
    WhenOffered,
    /// A logon without one is refused.
    Always,
}

/// Whether AUTHENTICATE must be bound to the TLS connection (Extended Protection).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BindingsPolicy {
    /// Whatever the client sends is ignored.
    Never,
    /// What the client sends must match; sending none is allowed, sending zeros over TLS is
    /// not. The default, because curl, Firefox, Java and Go send none.
    #[default]
    WhenOffered,
    /// A logon without matching bindings is refused, also over plain HTTP.
    Always,
}

/// What an acceptor demands and tolerates.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Policy {
    /// Message integrity code. Default: [`MicPolicy::WhenOffered`].
    pub mic: MicPolicy,
    /// Channel bindings. Default: [`BindingsPolicy::WhenOffered`].
    pub bindings: BindingsPolicy,
    /// How long AUTHENTICATE may take after the CHALLENGE. Default: 2 minutes, enough for
    /// somebody to type a password, too short to hoard challenges.
    pub challenge_lifetime: Duration,
    /// Longest token in bytes after base64. Default: 64 KiB, room for a Kerberos ticket with
    /// many groups.
    pub max_token: usize,
    /// Longest user, domain or workstation name in bytes. Default: 1 KiB.
    pub max_name: usize,
    /// Lets a client begin that offers neither extended session security nor Unicode.
    /// Default: off, it could only answer with NTLMv1.
    pub legacy_negotiate: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mic: MicPolicy::default(),
            bindings: BindingsPolicy::default(),
            challenge_lifetime: Duration::from_secs(120),
            max_token: 64 * 1024,
            max_name: 1024,
            legacy_negotiate: false,
        }
    }
}
