//! The verdict on AUTHENTICATE, once the store has answered ([MS-NLMP] §3.2.5.1.2).

use super::acceptor::ExpectAuthenticate;
use super::keys::{ExportedSessionKey, NtOwfV2, OpenNtOwfV2, SessionBaseKey, nt_proof_str};
use super::mic::mic;
use super::session::{Role, Session};
use crate::binding::ChannelBindingsHash;
use crate::credential::{Answer, NtHash};
use crate::error::{Denial, Error, Refusal};
use crate::evidence::{BindingsChecked, MicChecked, ProofVerified};
use crate::identity::{Account, AccountName, ClientClaims, Identity};
use crate::wire::ntlm::{
    Authenticate, AvFlags, AvId, Challenge, MessageType, NegotiateFlags, NtlmV2Response, TargetInfo,
};
use crate::wire::{Text, Utf16Le, simple_uppercase};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use subtle::ConstantTimeEq;

/// AUTHENTICATE has come; who it is from has to be looked up.
#[derive(Debug)]
pub(crate) struct PendingLogon {
    exchange: ExpectAuthenticate,
    /// AUTHENTICATE as received.
    authenticate: Vec<u8>,
    names: ClaimedNames,
    target_name: String,
}

/// The names of AUTHENTICATE as text.
#[derive(Debug)]
pub(crate) struct ClaimedNames {
    pub(super) domain: String,
    pub(super) user: String,
    pub(super) workstation: String,
}

impl ClaimedNames {
    pub(super) fn account(&self) -> Account<'_> {
        Account::new(&self.domain, &self.user).with_workstation(&self.workstation)
    }
}

/// A completed exchange on the server's side.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) identity: Identity,
    pub(crate) session: Session,
}

/// What stands in for the hash of an account that may not log on, so that refusing it costs
/// the same. Nothing can match it: the refusal is decided before the proof is looked at.
const NOBODY: [u8; 16] = [0; 16];

/// MD4 of nothing.
const EMPTY_PASSWORD: [u8; 16] = [
    0x31, 0xd6, 0xcf, 0xe0, 0xd1, 0x6a, 0xe9, 0x31, 0xb7, 0x3c, 0x59, 0xd7, 0xe0, 0xc0, 0x89, 0xc0,
];

/// Flags of AUTHENTICATE that must have been offered.
const SECURITY_FLAGS: NegotiateFlags = NegotiateFlags::EXTENDED_SESSIONSECURITY
    .union(NegotiateFlags::SIGN)
    .union(NegotiateFlags::SEAL)
    .union(NegotiateFlags::KEY_EXCH)
    .union(NegotiateFlags::LM_KEY)
    .union(NegotiateFlags::DATAGRAM)
    .union(NegotiateFlags::REQUEST_NON_NT_SESSION_KEY);

impl PendingLogon {
    pub(super) fn new(
        exchange: ExpectAuthenticate,
        authenticate: Vec<u8>,
        names: ClaimedNames,
    ) -> Self {
        let target_name = target_name(&authenticate);
        Self { exchange, authenticate, names, target_name }
    }

    pub(crate) fn account(&self) -> Account<'_> {
        self.names.account()
    }

    /// Makes every check, whatever the first of them says, and reports the first that failed.
    pub(crate) fn resolve(self, answer: Answer) -> Result<Established, Error> {
        match self.verdict(answer) {
            Ok((name, proof, mic, bindings, session)) => {
                let claims = ClientClaims {
                    workstation: self.names.workstation,
                    target_name: self.target_name,
                };
                let identity = Identity::proven(&proof, &mic, &bindings, name, claims);
                Ok(Established { identity, session })
            }
            Err(Verdict::Refused(refusal)) => {
                Err(Denial::new(refusal, self.names.account()).into())
            }
            Err(Verdict::Failed(error)) => Err(error),
        }
    }

    fn verdict(
        &self,
        answer: Answer,
    ) -> Result<(AccountName, ProofVerified, MicChecked, BindingsChecked, Session), Verdict> {
        let ExpectAuthenticate { config, bindings, negotiate, challenge, issued_at } =
            &self.exchange;
        let sent = Challenge::decode(challenge).map_err(Error::from)?;
        let received = Authenticate::decode(&self.authenticate).map_err(Error::from)?;
        let response = NtlmV2Response::decode(received.nt_response).map_err(Error::from)?;

        let (account, hash) = match answer {
            Answer::Known(known) => (Ok(known.name), known.nt_hash),
            Answer::Unknown => (Err(Refusal::UnknownAccount), NtHash::from_bytes(NOBODY)),
            Answer::Refused(refusal) => (Err(refusal), NtHash::from_bytes(NOBODY)),
        };
        let password =
            refuse_if(hash.expose().ct_eq(&EMPTY_PASSWORD).into(), Refusal::EmptyPassword);
        let (proof, key) = prove(&hash, &sent, &received, &response)?;

        let flags = negotiated_flags(&sent, &received);
        let base_key = SessionBaseKey::new(&key, &response.nt_proof_str);
        let exported = exported_session_key(base_key, flags, &received);
        let (session_key, exported) = match exported {
            Ok(exported) => (Ok(()), exported),
            Err(refusal) => (Err(refusal), ExportedSessionKey::from_bytes(NOBODY)),
        };
        let announced = response.target_info.flags().contains(AvFlags::MIC_PRESENT);
        let expected_mic = if announced {
            mic(&exported, negotiate, challenge, &self.authenticate)
        } else {
            NOBODY
        };
        let mic =
            MicChecked::check(config.policy.mic, announced, received.mic.as_ref(), &expected_mic);
        let bindings = BindingsChecked::check(
            config.policy.bindings,
            bindings,
            channel_bindings(&response.target_info),
        );
        let age = config.clock.now().since(*issued_at);
        let expired = age.is_none_or(|age| age > config.policy.challenge_lifetime);

        let name = account?;
        password?;
        let proof = proof?;
        flags_unchanged(&sent, &received)?;
        session_key?;
        let mic = mic?;
        echo_complete(&sent, &response)?;
        let bindings = bindings?;
        refuse_if(expired, Refusal::ChallengeExpired)?;
        Ok((name, proof, mic, bindings, Session::new(exported, flags, Role::Acceptor)))
    }
}

/// Why there is no identity.
enum Verdict {
    Refused(Refusal),
    Failed(Error),
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Verdict {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn refuse_if(condition: bool, refusal: Refusal) -> Result<(), Refusal> {
    if condition { Err(refusal) } else { Ok(()) }
}

/// Compares `NTProofStr` with what the hash gives for the domain as sent, in upper case (what
/// Firefox hashes) and empty (§3.2.5.1.2). Spellings that coincide are tried once.
fn prove(
    hash: &NtHash,
    sent: &Challenge<'_>,
    received: &Authenticate<'_>,
    response: &NtlmV2Response<'_>,
) -> Result<(Result<ProofVerified, Refusal>, NtOwfV2), Error> {
    let structure = MessageType::Authenticate.name();
    let unicode = sent.flags.contains(NegotiateFlags::UNICODE);
    let user = Text::decode(structure, "UserName", unicode, received.user)?;
    let domain = Text::decode(structure, "DomainName", unicode, received.domain)?;

    let open = OpenNtOwfV2::new(hash, user);
    let as_sent = || domain.hash_units();
    let upper = || domain.hash_units().map(simple_uppercase);
    let spellings = [
        Some(open.with_domain(as_sent())),
        (!as_sent().eq(upper())).then(|| open.with_domain(upper())),
        (!domain.is_empty()).then(|| open.with_domain(core::iter::empty())),
    ];
    let candidates = spellings.into_iter().flatten().map(|key| {
        let proof = nt_proof_str(&key, &sent.server_challenge, response.temp);
        (*key.expose(), proof)
    });
    let (proof, key) = ProofVerified::check(candidates, &response.nt_proof_str);
    Ok((proof, NtOwfV2::from_secret(key)))
}

/// Old clients leave the flags out; then those of the CHALLENGE hold.
fn negotiated_flags(sent: &Challenge<'_>, received: &Authenticate<'_>) -> NegotiateFlags {
    received.flags.map_or(sent.flags, |flags| flags.intersection(sent.flags))
}

fn flags_unchanged(sent: &Challenge<'_>, received: &Authenticate<'_>) -> Result<(), Refusal> {
    let Some(flags) = received.flags else { return Ok(()) };
    let added = flags.intersection(SECURITY_FLAGS).difference(sent.flags);
    let dropped = sent.flags.difference(flags);
    let changed = !added.is_empty() || dropped.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY);
    refuse_if(changed, Refusal::FlagsChanged)
}

/// With a key exchange the client's random key, else the base key (§3.2.5.1.2). The exchange
/// belongs to signing or sealing; clients that do it without either are understood as well.
fn exported_session_key(
    base_key: SessionBaseKey,
    flags: NegotiateFlags,
    received: &Authenticate<'_>,
) -> Result<ExportedSessionKey, Refusal> {
    let exchanged = flags.contains(NegotiateFlags::KEY_EXCH);
    let needed = flags.intersects(NegotiateFlags::SIGN | NegotiateFlags::SEAL);
    let encrypted = received.encrypted_random_session_key;
    if !exchanged || (!needed && encrypted.is_empty()) {
        return Ok(base_key.into_exported());
    }
    let encrypted = <&[u8; 16]>::try_from(encrypted).map_err(|_| Refusal::SessionKeyLength)?;
    Ok(ExportedSessionKey::from_bytes(base_key.exchange(encrypted)))
}

/// Every AV pair of the CHALLENGE has to come back, in any order; none may stand twice. A pair
/// that is missing or changed is the mark of a relay from another server.
fn echo_complete(sent: &Challenge<'_>, response: &NtlmV2Response<'_>) -> Result<(), Refusal> {
    let name = |id: AvId| id.name().unwrap_or("AV pair");
    if let Some(id) = response.target_info.duplicate() {
        return Err(Refusal::AvPairDuplicated(name(id)));
    }
    for pair in sent.target_info.iter().flat_map(TargetInfo::iter) {
        if response.target_info.get(pair.id) != Some(pair.value) {
            return Err(Refusal::AvPairChanged(name(pair.id)));
        }
    }
    Ok(())
}

fn channel_bindings(target_info: &TargetInfo<'_>) -> Option<ChannelBindingsHash> {
    let value = target_info.get(AvId::CHANNEL_BINDINGS)?;
    value.first_chunk::<16>().copied().map(ChannelBindingsHash)
}

/// The SPN that the client names, unless it says itself that the name is not to be trusted.
fn target_name(authenticate: &[u8]) -> String {
    let name = || {
        let received = Authenticate::decode(authenticate).ok()?;
        let target_info = NtlmV2Response::decode(received.nt_response).ok()?.target_info;
        if target_info.flags().contains(AvFlags::UNTRUSTED_SPN) {
            return None;
        }
        Utf16Le::new(target_info.get(AvId::TARGET_NAME)?).map(|name| name.to_string())
    };
    name().unwrap_or_default()
}
