//! What an acceptor demands. When the peer leaves something optional out, this decides, not the
//! peer.

use crate::identity::TargetName;
use crate::wire::ntlm::NegotiateFlags;
use alloc::vec::Vec;
use core::time::Duration;

/// Whether AUTHENTICATE must carry a message integrity code ([MS-NLMP] §3.2.5.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MicPolicy {
    /// Not looked at. For servers whose clients' messages are altered on purpose; never needed
    /// otherwise.
    Never,
    /// Verified whenever the client announces one. The default, because curl, Java, Go and
    /// Firefox announce none.
    #[default]
    WhenOffered,
    /// A logon without one is refused.
    Always,
}

/// Whether AUTHENTICATE must be bound to the TLS connection (Extended Protection).
/// See [MS-NLMP] §3.2.5.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BindingsPolicy {
    /// Whatever the client sends is ignored.
    Never,
    /// What the client sends must match; sending none is allowed, sending zeros over TLS is
    /// not. The default, because curl, Firefox, Java and Go send none.
    #[default]
    WhenOffered,
    /// A logon without matching bindings is refused. Over plain HTTP a service principal name
    /// of this server stands in for them, if [`TargetNamePolicy::Require`] lists it.
    Always,
}

/// Which service principal names a client may have meant to reach ([MS-NLMP] §3.2.5.1.2).
///
/// Names are compared without regard to case, and to a port behind the host. A name that the
/// client itself calls untrusted counts as none. An internationalised host is compared as it is
/// written: list its A-label (`xn--…`), and the other form too if clients send that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TargetNamePolicy {
    /// Any; the application can look at it. The default, because most clients send none.
    #[default]
    Report,
    /// None, or one of these.
    WhenOffered(Vec<TargetName>),
    /// One of these.
    Require(Vec<TargetName>),
}

/// How strong session keys have to be ([MS-NLMP] §2.2.2.5 bits U and W).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum KeyStrength {
    /// However strong. The default, because over HTTP nothing is encrypted with them, and curl
    /// and browsers negotiate none.
    #[default]
    Any,
    /// 56 bits or more.
    Bits56,
    /// 128 bits.
    Bits128,
}

impl KeyStrength {
    /// Whether `flags` are strong enough.
    #[must_use]
    pub(crate) fn is_met_by(self, flags: NegotiateFlags) -> bool {
        // A key that is made of an LM hash has 56 bits or 40, whatever `KEY_128` says (§3.4.5.3).
        let long = flags.contains(NegotiateFlags::KEY_128) && !flags.make_keys_of_lm_hash();
        match self {
            Self::Any => true,
            Self::Bits56 => long || flags.contains(NegotiateFlags::KEY_56),
            Self::Bits128 => long,
        }
    }
}

impl TargetNamePolicy {
    /// Whether a client may have meant to reach `name`, which is empty if it named nothing.
    pub(crate) fn allows(&self, name: &str) -> bool {
        match self {
            Self::Report => true,
            Self::WhenOffered(own) => name.is_empty() || is_one_of(own, name),
            Self::Require(own) => is_one_of(own, name),
        }
    }

    /// Whether `name` is a name of this server that policy demands.
    pub(crate) fn is_required_and_met_by(&self, name: &str) -> bool {
        matches!(self, Self::Require(own) if is_one_of(own, name))
    }
}

fn is_one_of(own: &[TargetName], name: &str) -> bool {
    own.iter().any(|own| own.matches(name))
}

/// What an acceptor demands and tolerates.
/// See [MS-NLMP] §3.2.1.1.
///
/// ```
/// let mut policy = logon::Policy::default();
/// policy.mic = logon::MicPolicy::Always;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Policy {
    /// Whether NTLM is accepted at all. Default: yes.
    pub ntlm: bool,
    /// Accepts NTLMv1 responses. Default: off, they give the password's hash away.
    pub ntlm_v1: bool,
    /// Accepts NTLM2 session responses, NTLMv1 with a client challenge. Default: off, the same.
    pub ntlm2_session: bool,
    /// Accepts LM responses. Default: off, they give the password away.
    pub lm: bool,
    /// Message integrity code. Default: [`MicPolicy::WhenOffered`].
    pub mic: MicPolicy,
    /// Channel bindings. Default: [`BindingsPolicy::WhenOffered`].
    pub bindings: BindingsPolicy,
    /// Service principal name. Default: [`TargetNamePolicy::Report`].
    pub target_name: TargetNamePolicy,
    /// Whether every AV pair of the CHALLENGE has to come back unchanged. Default: yes; a
    /// changed one is the mark of a relay, and all clients keep them.
    pub av_pair_echo: bool,
    /// Session keys. Default: [`KeyStrength::Any`].
    pub min_key_strength: KeyStrength,
    /// How long AUTHENTICATE may take after the CHALLENGE. Default: 2 minutes, enough for
    /// somebody to type a password, too short to hoard challenges.
    pub challenge_lifetime: Duration,
    /// Longest token in bytes after base64. Default: 64 KiB, room for a Kerberos ticket with
    /// many groups.
    pub max_token: usize,
    /// Longest user, domain or workstation name in bytes. Default: 1 KiB.
    pub max_name: usize,
}

impl Policy {
    /// Whether any response but NTLMv2 is accepted.
    pub(crate) fn is_legacy(&self) -> bool {
        self.ntlm_v1 || self.ntlm2_session || self.lm
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            ntlm: true,
            ntlm_v1: false,
            ntlm2_session: false,
            lm: false,
            mic: MicPolicy::default(),
            bindings: BindingsPolicy::default(),
            target_name: TargetNamePolicy::default(),
            av_pair_echo: true,
            min_key_strength: KeyStrength::default(),
            challenge_lifetime: Duration::from_secs(120),
            max_token: 64 * 1024,
            max_name: 1024,
        }
    }
}
