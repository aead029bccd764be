//! The client's side ([MS-NLMP] §3.1.5.1).

use super::keys::{ExportedSessionKey, NtOwfV2, SessionBaseKey, nt_proof_str};
use super::mic::mic;
use super::session::{Role, Session};
use crate::binding::ChannelBindings;
use crate::config::InitiatorConfig;
use crate::crypto::hmac_md5;
use crate::error::{Error, PeerIncompatible};
use crate::identity::TargetName;
use crate::wire::ntlm::{
    Authenticate, AvFlags, AvId, Challenge, MIC_RANGE, MessageType, Negotiate, NegotiateFlags,
    TargetInfo, TargetInfoBuilder, Version,
};
use crate::wire::{Text, push_utf16le};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// An exchange in progress on the client's side.
#[derive(Debug)]
pub(crate) enum Initiator {
    Start(ExpectStart),
    Challenge(ExpectChallenge),
}

/// What a step led to.
#[derive(Debug)]
pub(crate) enum InitiatorOutput {
    Continue(Initiator),
    Complete(Session),
}

/// Nothing was sent yet.
#[derive(Debug)]
pub(crate) struct ExpectStart(Common);

/// NEGOTIATE is out.
#[derive(Debug)]
pub(crate) struct ExpectChallenge {
    common: Common,
    /// NEGOTIATE as sent.
    negotiate: Vec<u8>,
}

#[derive(Debug)]
struct Common {
    config: Arc<InitiatorConfig>,
    target: TargetName,
    bindings: ChannelBindings,
}

const OFFERED: NegotiateFlags = NegotiateFlags::UNICODE
    .union(NegotiateFlags::REQUEST_TARGET)
    .union(NegotiateFlags::SIGN)
    .union(NegotiateFlags::NTLM)
    .union(NegotiateFlags::ALWAYS_SIGN)
    .union(NegotiateFlags::EXTENDED_SESSIONSECURITY)
    .union(NegotiateFlags::VERSION)
    .union(NegotiateFlags::KEY_128)
    .union(NegotiateFlags::KEY_56);

/// Without these there is no NTLMv2 as it is spoken here.
const REQUIRED: NegotiateFlags =
    NegotiateFlags::UNICODE.union(NegotiateFlags::EXTENDED_SESSIONSECURITY);

impl Initiator {
    pub(crate) fn new(
        config: Arc<InitiatorConfig>,
        target: TargetName,
        bindings: ChannelBindings,
    ) -> Self {
        Self::Start(ExpectStart(Common { config, target, bindings }))
    }

    /// Takes the acceptor's message, `None` at the start; what has to be sent is appended to
    /// `out`.
    pub(crate) fn step(
        self,
        message: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<InitiatorOutput, Error> {
        match (self, message) {
            (Self::Start(state), None) => state.start(out),
            (Self::Challenge(state), Some(message)) => state.handle(message, out),
            (Self::Start(_), Some(_)) => {
                Err(Error::OutOfSequence { expected: "the start", received: "a message" })
            }
            (Self::Challenge(_), None) => Err(Error::OutOfSequence {
                expected: MessageType::Challenge.name(),
                received: "nothing",
            }),
        }
    }
}

impl ExpectStart {
    fn start(self, out: &mut Vec<u8>) -> Result<InitiatorOutput, Error> {
        let Self(common) = self;
        let mut flags = OFFERED;
        flags.set(NegotiateFlags::KEY_EXCH, common.config.key_exchange);
        let message =
            Negotiate { flags, domain: &[], workstation: &[], version: Some(Version::CURRENT) };
        let mut negotiate = Vec::new();
        message.encode(&mut negotiate)?;
        out.extend(&negotiate);
        Ok(InitiatorOutput::Continue(Initiator::Challenge(ExpectChallenge { common, negotiate })))
    }
}

impl ExpectChallenge {
    fn handle(self, message: &[u8], out: &mut Vec<u8>) -> Result<InitiatorOutput, Error> {
        let Self { common, negotiate } = self;
        let config = &common.config;
        let challenge = Challenge::decode(message)?;
        let sent = Negotiate::decode(&negotiate)?.flags;
        // Bits that were not asked for are not taken (§3.1.5.1.2).
        let flags = challenge.flags.intersection(sent | NegotiateFlags::TARGET_INFO);
        if !flags.contains(REQUIRED) {
            return Err(PeerIncompatible::FlagsDowngraded.into());
        }

        let mut client_challenge = [0; 8];
        config.random.fill(&mut client_challenge)?;
        let server_time = challenge.target_info.as_ref().and_then(TargetInfo::timestamp);
        let time = server_time.unwrap_or_else(|| config.clock.now().ticks());
        let target_info =
            response_target_info(challenge.target_info.as_ref(), &common.target, &common.bindings)?;
        let temp = temp(time, client_challenge, &target_info);

        let credential = &config.credential;
        let (user, domain) = (utf16le(credential.user()), utf16le(credential.domain()));
        let structure = MessageType::Authenticate.name();
        let key = NtOwfV2::new(
            credential.hash(),
            Text::decode(structure, "UserName", true, &user)?,
            Text::decode(structure, "DomainName", true, &domain)?,
        );
        let proof = nt_proof_str(&key, &challenge.server_challenge, &temp);
        let base_key = SessionBaseKey::new(&key, &proof);
        let mut nt_response = Vec::from(proof);
        nt_response.extend(&temp);
        // A server that sends its time takes no LMv2 response, and 24 zeros tell an
        // eavesdropper nothing (§3.1.5.1.2).
        let mut lm_response = [0; 24];
        if server_time.is_none() {
            let challenges: [&[u8]; 2] = [&challenge.server_challenge, &client_challenge];
            let proof = hmac_md5(key.expose(), &challenges);
            for (to, from) in lm_response.iter_mut().zip(proof.iter().chain(&client_challenge)) {
                *to = *from;
            }
        }

        let exchanged = flags.contains(NegotiateFlags::KEY_EXCH)
            && flags.intersects(NegotiateFlags::SIGN | NegotiateFlags::SEAL);
        let (exported, encrypted) = if exchanged {
            let mut random = zeroize::Zeroizing::new([0; 16]);
            config.random.fill(random.as_mut_slice())?;
            let encrypted = Vec::from(base_key.exchange(&random));
            (ExportedSessionKey::from_bytes(*random), encrypted)
        } else {
            (base_key.into_exported(), Vec::new())
        };

        let workstation = utf16le(&config.workstation);
        let answer = Authenticate {
            lm_response: &lm_response,
            nt_response: &nt_response,
            domain: &domain,
            user: &user,
            workstation: &workstation,
            encrypted_random_session_key: &encrypted,
            flags: Some(flags),
            version: flags.contains(NegotiateFlags::VERSION).then_some(Version::CURRENT),
            mic: Some([0; 16]),
        };
        let mut authenticate = Vec::new();
        answer.encode(&mut authenticate)?;
        let mic = mic(&exported, &negotiate, message, &authenticate);
        if let Some(field) = authenticate.get_mut(MIC_RANGE) {
            field.copy_from_slice(&mic);
        }
        out.extend(&authenticate);
        Ok(InitiatorOutput::Complete(Session::new(exported, flags, Role::Initiator)))
    }
}

/// `temp` of §3.3.2, with the four zero bytes at its end.
fn temp(time: u64, client_challenge: [u8; 8], target_info: &[u8]) -> Vec<u8> {
    let mut temp = Vec::from([1, 1, 0, 0, 0, 0, 0, 0]);
    temp.extend(time.to_le_bytes());
    temp.extend(client_challenge);
    temp.extend([0; 4]);
    temp.extend(target_info);
    temp.extend([0; 4]);
    temp
}

/// The acceptor's pairs as they are and in order, then ours. What only a client may say is not
/// taken from the acceptor.
fn response_target_info(
    received: Option<&TargetInfo<'_>>,
    target: &TargetName,
    bindings: &ChannelBindings,
) -> Result<Vec<u8>, Error> {
    let mut list = TargetInfoBuilder::new();
    let mut flags = AvFlags::MIC_PRESENT;
    for pair in received.iter().flat_map(|list| list.iter()) {
        match pair.id {
            AvId::FLAGS => flags |= received.map_or(AvFlags::empty(), TargetInfo::flags),
            AvId::TARGET_NAME | AvId::CHANNEL_BINDINGS => {}
            _ => list.push(pair.id, pair.value)?,
        }
    }
    list.push(AvId::FLAGS, &flags.bits().to_le_bytes())?;
    list.push(AvId::CHANNEL_BINDINGS, &bindings.first_hash().0)?;
    list.push_text(AvId::TARGET_NAME, target.as_str())?;
    Ok(list.finish())
}

fn utf16le(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_utf16le(&mut bytes, text);
    bytes
}
