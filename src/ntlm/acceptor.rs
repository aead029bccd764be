//! The server's side up to AUTHENTICATE ([MS-NLMP] §3.2.5.1).

use super::pending::{ClaimedNames, Part, PendingLogon, negotiated_flags, target_name};
use super::response::{Response, Unusable};
use crate::binding::ChannelBindings;
use crate::config::AcceptorConfig;
use crate::env::FileTime;
use crate::error::{Denial, Error, PeerIncompatible, Refusal};
use crate::wire::Text;
use crate::wire::ntlm::{
    Authenticate, Challenge, MessageType, Negotiate, NegotiateFlags, TargetInfo, Version,
};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// An exchange in progress on the server's side.
#[derive(Debug)]
pub(crate) enum Acceptor {
    Negotiate(ExpectNegotiate),
    Authenticate(ExpectAuthenticate),
}

/// What a message led to.
#[derive(Debug)]
pub(crate) enum Step {
    Continue(Acceptor),
    Pending(PendingLogon),
}

/// Nothing has come yet.
#[derive(Debug)]
pub(crate) struct ExpectNegotiate {
    pub(crate) config: Arc<AcceptorConfig>,
    pub(crate) bindings: ChannelBindings,
}

/// A challenge is out. It serves one AUTHENTICATE.
pub(crate) struct ExpectAuthenticate {
    pub(crate) config: Arc<AcceptorConfig>,
    pub(crate) bindings: ChannelBindings,
    /// NEGOTIATE as received.
    pub(crate) negotiate: Vec<u8>,
    /// CHALLENGE as sent.
    pub(crate) challenge: Vec<u8>,
    pub(crate) issued_at: FileTime,
}

impl fmt::Debug for ExpectAuthenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpectAuthenticate")
            .field("issued_at", &self.issued_at)
            .finish_non_exhaustive()
    }
}

/// Before the two names that a NEGOTIATE may carry.
const NEGOTIATE_HEADER: usize = 40;

/// What is echoed if the client asks for it (§3.2.5.1.1); everything else is left out.
const ECHOED: NegotiateFlags = NegotiateFlags::EXTENDED_SESSIONSECURITY
    .union(NegotiateFlags::SIGN)
    .union(NegotiateFlags::SEAL)
    .union(NegotiateFlags::KEY_EXCH)
    .union(NegotiateFlags::VERSION);

/// Echoed to a client that wants to sign or seal.
const STRENGTHS: NegotiateFlags = NegotiateFlags::KEY_128.union(NegotiateFlags::KEY_56);

/// Belongs to NTLMv1 without extended session security, and excludes it.
const LEGACY: NegotiateFlags =
    NegotiateFlags::LM_KEY.union(NegotiateFlags::REQUEST_NON_NT_SESSION_KEY);

const ALWAYS: NegotiateFlags = NegotiateFlags::REQUEST_TARGET
    .union(NegotiateFlags::NTLM)
    .union(NegotiateFlags::ALWAYS_SIGN)
    .union(NegotiateFlags::TARGET_INFO);

impl Acceptor {
    pub(crate) fn new(config: Arc<AcceptorConfig>, bindings: ChannelBindings) -> Self {
        Self::Negotiate(ExpectNegotiate { config, bindings })
    }

    /// Takes a message; what has to be sent is appended to `out`.
    pub(crate) fn step(self, message: &[u8], out: &mut Vec<u8>) -> Result<Step, Error> {
        match self {
            Self::Negotiate(state) => state.handle(message, out),
            Self::Authenticate(state) => state.handle(message),
        }
    }
}

fn out_of_sequence(expected: MessageType, received: &[u8]) -> Option<Error> {
    let received = MessageType::of(received).filter(|received| *received != expected)?;
    Some(Error::OutOfSequence { expected: expected.name(), received: received.name() })
}

impl ExpectNegotiate {
    fn handle(self, message: &[u8], out: &mut Vec<u8>) -> Result<Step, Error> {
        if let Some(error) = out_of_sequence(MessageType::Negotiate, message) {
            return Err(error);
        }
        let Self { config, bindings } = self;
        // It is kept until AUTHENTICATE comes; whoever stops here must not cost much.
        let limit = config.policy.max_name.saturating_mul(2).saturating_add(NEGOTIATE_HEADER);
        if message.len() > limit {
            return Err(Error::TokenTooLong { length: message.len(), limit });
        }
        let flags = challenge_flags(&config, Negotiate::decode(message)?.flags)?;
        let mut server_challenge = [0; 8];
        config.random.fill(&mut server_challenge)?;
        let issued_at = config.clock.now();

        let names = &config.encoded;
        let target_info = names.target_info(issued_at)?;
        let sent = Challenge {
            target_name: names.target_name(flags.contains(NegotiateFlags::UNICODE)),
            flags,
            server_challenge,
            target_info: Some(TargetInfo::decode(&target_info)?),
            version: flags.contains(NegotiateFlags::VERSION).then_some(Version::CURRENT),
        };
        let start = out.len();
        sent.encode(out)?;
        let challenge = Vec::from(out.get(start..).unwrap_or_default());
        let negotiate = message.to_vec();
        let next = ExpectAuthenticate { config, bindings, negotiate, challenge, issued_at };
        Ok(Step::Continue(Acceptor::Authenticate(next)))
    }
}

/// What server and client have in common (§2.2.2.5, §3.2.5.1.1).
fn challenge_flags(
    config: &AcceptorConfig,
    asked: NegotiateFlags,
) -> Result<NegotiateFlags, PeerIncompatible> {
    let policy = &config.policy;
    if !policy.ntlm {
        return Err(PeerIncompatible::NtlmDisabled);
    }
    if asked.contains(NegotiateFlags::DATAGRAM) {
        return Err(PeerIncompatible::Datagram);
    }
    let charset = if asked.contains(NegotiateFlags::UNICODE) {
        NegotiateFlags::UNICODE
    } else if asked.contains(NegotiateFlags::OEM) {
        NegotiateFlags::OEM
    } else {
        return Err(PeerIncompatible::NoCharacterSet);
    };
    let modern = NegotiateFlags::EXTENDED_SESSIONSECURITY | NegotiateFlags::UNICODE;
    if !asked.intersects(modern) && !policy.is_legacy() {
        return Err(PeerIncompatible::LegacyOnly);
    }
    let target_type = if config.names.standalone {
        NegotiateFlags::TARGET_TYPE_SERVER
    } else {
        NegotiateFlags::TARGET_TYPE_DOMAIN
    };
    let mut echoed = ECHOED;
    if asked.intersects(NegotiateFlags::SIGN | NegotiateFlags::SEAL) {
        echoed |= STRENGTHS;
    }
    if policy.is_legacy() && !asked.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY) {
        echoed |= LEGACY;
    }
    let flags = asked.intersection(echoed) | ALWAYS | charset | target_type;
    if !policy.min_key_strength.is_met_by(flags) {
        return Err(PeerIncompatible::WeakKeys);
    }
    Ok(flags)
}

impl ExpectAuthenticate {
    fn handle(self, message: &[u8]) -> Result<Step, Error> {
        if let Some(error) = out_of_sequence(MessageType::Authenticate, message) {
            return Err(error);
        }
        // Also an exchange that was begun elsewhere and goes on here (§3.2.5.1.2).
        if !self.config.policy.ntlm {
            return Err(PeerIncompatible::NtlmDisabled.into());
        }
        let received = Authenticate::decode(message)?;
        let flags = Challenge::decode(&self.challenge)?.flags;
        let names = self.claimed_names(&received, flags)?;
        let limit = self.config.policy.max_name;
        if [received.domain, received.user, received.workstation]
            .iter()
            .any(|name| name.len() > limit)
        {
            return Err(Denial::new(Refusal::NameTooLong, names.account()).into());
        }
        // What will be refused whatever the store says does not trouble the store.
        match Response::of(&received, negotiated_flags(flags, &received), &self.config.policy) {
            Ok(response) => {
                let target = target_name(&response)?;
                Ok(Step::Pending(PendingLogon::new(self, message.to_vec(), names, target)))
            }
            Err(Unusable::Refused(refusal)) => Err(Denial::new(refusal, names.account()).into()),
            Err(Unusable::Malformed(error)) => Err(error.into()),
        }
    }

    /// The names in the character set of the CHALLENGE: some clients set UNICODE in
    /// AUTHENTICATE over OEM strings.
    fn claimed_names(
        &self,
        received: &Authenticate<'_>,
        flags: NegotiateFlags,
    ) -> Result<ClaimedNames, Error> {
        let unicode = flags.contains(NegotiateFlags::UNICODE);
        let limit = self.config.policy.max_name;
        let mut names = ClaimedNames::default();
        for (field, bytes, part) in [
            ("DomainName", received.domain, Part::Domain),
            ("UserName", received.user, Part::User),
            ("Workstation", received.workstation, Part::Workstation),
        ] {
            let text = Text::decode(MessageType::Authenticate.name(), field, unicode, bytes)?;
            // Names over the limit are refused; they are not copied to say so.
            if bytes.len() > limit {
                names.push(part, "(too long)".chars());
            } else {
                names.push(part, text.chars());
            }
        }
        Ok(names)
    }
}
