//! The client's side ([MS-NLMP] §3.1.5.1).

use super::keys::{ExportedSessionKey, SessionBaseKey, nt_proof_str};
use super::mic::mic;
use super::session::Session;
use super::session_keys::Role;
use crate::binding::ChannelBindings;
use crate::config::{InitiatorConfig, NtlmUse};
use crate::crypto::hmac_md5;
use crate::error::{ApiMisuse, Error, PeerIncompatible};
use crate::identity::TargetName;
use crate::wire::ntlm::{
    Authenticate, AvFlags, AvId, Challenge, MIC_RANGE, MessageType, Negotiate, NegotiateFlags,
    TargetInfo, TargetInfoBuilder, Version,
};
use alloc::sync::Arc;
use alloc::vec::Vec;
use zeroize::Zeroizing;

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

/// Longest CHALLENGE that is answered. The answer repeats its AV pairs in a field of 65,535 bytes.
const MAX_CHALLENGE: usize = 32 * 1024;

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
        let config = &common.config;
        if config.user.is_empty() {
            return Err(ApiMisuse::NoUser.into());
        }
        if let NtlmUse::Only(exceptions) = &config.ntlm
            && !exceptions.iter().any(|allowed| allowed.matches(common.target.as_str()))
        {
            return Err(PeerIncompatible::NtlmDisabled.into());
        }
        let mut flags = OFFERED;
        flags.set(NegotiateFlags::KEY_EXCH, config.key_exchange);
        flags.set(NegotiateFlags::SEAL, config.confidentiality);
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
        if message.len() > MAX_CHALLENGE {
            return Err(Error::TokenTooLong { length: message.len(), limit: MAX_CHALLENGE });
        }
        let challenge = Challenge::decode(message)?;
        let sent = Negotiate::decode(&negotiate)?.flags;
        // Bits that were not asked for are not taken (§3.1.5.1.2).
        let flags = challenge.flags.intersection(sent | NegotiateFlags::TARGET_INFO);
        // Without it there is no NTLMv2 as it is spoken here.
        if !flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY) {
            return Err(PeerIncompatible::NtlmV1Wanted.into());
        }
        let mut required = NegotiateFlags::UNICODE;
        required.set(NegotiateFlags::SIGN, config.integrity);
        required.set(NegotiateFlags::SEAL, config.confidentiality);
        if !flags.contains(required) {
            return Err(PeerIncompatible::FlagsDowngraded.into());
        }
        if !config.min_key_strength.is_met_by(flags) {
            return Err(PeerIncompatible::WeakKeys.into());
        }
        if config.integrity || config.confidentiality {
            let info = challenge.target_info.as_ref();
            let named = |id| info.is_some_and(|info| info.get(id).is_some());
            if !named(AvId::NB_COMPUTER_NAME) || !named(AvId::NB_DOMAIN_NAME) {
                return Err(PeerIncompatible::NoServerNames.into());
            }
        }
        if let Some(guard) = &config.reflection {
            guard.answering(challenge.server_challenge);
        }

        // The client challenge, and behind it the session key: one draw, because draws cost.
        let mut random = Zeroizing::new([0; 24]);
        config.random.fill(random.as_mut_slice())?;
        let [c0, c1, c2, c3, c4, c5, c6, c7, session_key @ ..] = &*random;
        let client_challenge = [*c0, *c1, *c2, *c3, *c4, *c5, *c6, *c7];
        let server_time = challenge.target_info.as_ref().and_then(TargetInfo::timestamp);
        let time = server_time.unwrap_or_else(|| config.clock.now().ticks());
        let target_info = response_target_info(challenge.target_info.as_ref(), &common)?;

        let key = &config.response_key;
        let temp = temp(time, client_challenge, &target_info);
        let proof = nt_proof_str(key, &challenge.server_challenge, &temp);
        let nt_response = [&proof[..], &temp].concat();
        let exchange_key = SessionBaseKey::new(key, &proof).into_key_exchange_key();
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
            let exported = ExportedSessionKey::from_bytes(*session_key);
            let encrypted = exchange_key.encrypt(&exported);
            (exported, Some(encrypted))
        } else {
            (exchange_key.into_exported(), None)
        };

        let answer = Authenticate {
            lm_response: &lm_response,
            nt_response: &nt_response,
            domain: &config.domain,
            user: &config.user,
            workstation: &config.workstation,
            encrypted_random_session_key: encrypted.as_ref().map_or(&[], |key| key.as_slice()),
            flags: Some(flags),
            version: flags.contains(NegotiateFlags::VERSION).then_some(Version::CURRENT),
            mic: Some([0; 16]),
        };
        let start = out.len();
        answer.encode(out)?;
        let authenticate = out.get_mut(start..).unwrap_or_default();
        let mic = mic(&exported, &negotiate, message, authenticate);
        if let Some(field) = authenticate.get_mut(MIC_RANGE) {
            field.copy_from_slice(&mic);
        }
        Ok(InitiatorOutput::Complete(Session::new(exported, flags, Role::Initiator)))
    }
}

/// `temp` of §3.3.2, which the proof is made over, with the four zero bytes at its end.
fn temp(time: u64, client_challenge: [u8; 8], target_info: &[u8]) -> Vec<u8> {
    let mut temp = Vec::with_capacity(target_info.len().saturating_add(32));
    temp.extend([1, 1, 0, 0, 0, 0, 0, 0]);
    temp.extend(time.to_le_bytes());
    temp.extend(client_challenge);
    temp.extend([0; 4]);
    temp.extend(target_info);
    temp.extend([0; 4]);
    temp
}

/// The acceptor's pairs as they are and in order, `MsvAvFlags` with the MIC's bit added, then
/// ours.
fn response_target_info(
    received: Option<&TargetInfo<'_>>,
    common: &Common,
) -> Result<Vec<u8>, Error> {
    let mut list = TargetInfoBuilder::new();
    let mut flags = received.map_or(AvFlags::empty(), TargetInfo::flags) | AvFlags::MIC_PRESENT;
    if common.target.is_untrusted() {
        flags |= AvFlags::UNTRUSTED_SPN;
    }
    let mut flagged = false;
    if received.is_some_and(|list| list.duplicate().is_some()) {
        return Err(PeerIncompatible::ForbiddenAvPair.into());
    }
    for pair in received.iter().flat_map(|list| list.iter()) {
        match pair.id {
            AvId::FLAGS => {
                list.push(pair.id, &flags.bits().to_le_bytes())?;
                flagged = true;
            }
            // Only a client says these.
            AvId::TARGET_NAME | AvId::CHANNEL_BINDINGS | AvId::SINGLE_HOST => {
                return Err(PeerIncompatible::ForbiddenAvPair.into());
            }
            _ => list.push(pair.id, pair.value)?,
        }
    }
    if !flagged {
        list.push(AvId::FLAGS, &flags.bits().to_le_bytes())?;
    }
    if let Some(machine_id) = common.config.machine_id {
        list.push(AvId::SINGLE_HOST, &single_host(machine_id))?;
    }
    list.push(AvId::CHANNEL_BINDINGS, &common.bindings.first_hash().0)?;
    list.push_text(AvId::TARGET_NAME, common.target.as_str())?;
    Ok(list.finish())
}

/// `Single_Host_Data` ([MS-NLMP] §2.2.2.2): size, four zeros, eight bytes of `CustomData` which
/// mean nothing to others, `MachineID`.
fn single_host(machine_id: [u8; 32]) -> Vec<u8> {
    let mut data = Vec::from([48, 0, 0, 0, 0, 0, 0, 0]);
    data.extend([0; 8]);
    data.extend(machine_id);
    data
}
