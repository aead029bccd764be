//! The verdict on AUTHENTICATE, once the store has answered ([MS-NLMP] §3.2.5.1.2).

use super::acceptor::ExpectAuthenticate;
use super::keys::{ExportedSessionKey, KeyExchangeKey};
use super::mic::mic;
use super::response::{Proved, Response, Secrets, Unusable};
use super::session::Session;
use super::session_keys::Role;
use crate::binding::ChannelBindingsHash;
use crate::credential::{Answer, NetworkLogon, NtHash};
use crate::error::{DecodeError, Denial, Error, Refusal};
use crate::evidence::{BindingsChecked, MicChecked, ProofVerified};
use crate::identity::{Account, AccountName, ClientClaims, Identity};
use crate::wire::Text;
use crate::wire::ntlm::{
    Authenticate, AvFlags, AvId, Challenge, NegotiateFlags, NtlmV2Response, TargetInfo,
};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use subtle::ConstantTimeEq;

/// AUTHENTICATE has come; who it is from has to be looked up.
pub(crate) struct PendingLogon {
    exchange: ExpectAuthenticate,
    /// AUTHENTICATE as received.
    authenticate: Vec<u8>,
    names: ClaimedNames,
    /// Empty if the client names none, or says itself that the name is not to be trusted.
    target_name: String,
}

/// The service principal name that the client says it means to reach. Half a code unit is no
/// name, and must not pass for none.
pub(super) fn target_name(response: &Response<'_>) -> Result<String, DecodeError> {
    let value = response
        .target_info()
        .filter(|list| !list.flags().contains(AvFlags::UNTRUSTED_SPN))
        .and_then(|list| list.get(AvId::TARGET_NAME))
        .unwrap_or_default();
    let text = Text::decode("AV_PAIR list", "MsvAvTargetName", true, value)?;
    let mut name = String::with_capacity(value.len());
    name.extend(text.chars());
    Ok(name)
}

/// The names of AUTHENTICATE as text, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct ClaimedNames {
    text: String,
    domain: Range<usize>,
    user: Range<usize>,
    workstation: Range<usize>,
}

/// Which of the names.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Domain,
    User,
    Workstation,
}

impl ClaimedNames {
    pub(super) fn push(&mut self, part: Part, name: impl Iterator<Item = char>) {
        if self.text.is_empty() {
            // What names usually need: one allocation.
            self.text.reserve(64);
        }
        let start = self.text.len();
        self.text.extend(name);
        let range = start..self.text.len();
        match part {
            Part::Domain => self.domain = range,
            Part::User => self.user = range,
            Part::Workstation => self.workstation = range,
        }
    }

    fn get(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    pub(super) fn account(&self) -> Account<'_> {
        Account::new(self.get(&self.domain), self.get(&self.user))
            .with_workstation(self.get(&self.workstation))
    }

    /// The workstation alone, in the same allocation.
    fn into_workstation(mut self) -> String {
        let Range { start, end } = self.workstation;
        self.text.truncate(end);
        self.text.drain(..start.min(end));
        self.text
    }
}

/// The response can be guessed at offline; it does not go into logs.
impl fmt::Debug for PendingLogon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogon").field("names", &self.names).finish_non_exhaustive()
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

/// The LM hash of nothing, which stores also write where there is no LM hash.
const EMPTY_LM_PASSWORD: [u8; 16] = [
    0xaa, 0xd3, 0xb4, 0x35, 0xb5, 0x14, 0x04, 0xee, 0xaa, 0xd3, 0xb4, 0x35, 0xb5, 0x14, 0x04, 0xee,
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
        target_name: String,
    ) -> Self {
        Self { exchange, authenticate, names, target_name }
    }

    pub(crate) fn account(&self) -> Account<'_> {
        self.names.account()
    }

    /// What a remote authority needs to verify the response.
    pub(crate) fn challenge_response(&self) -> Option<NetworkLogon<'_>> {
        let sent = Challenge::decode(&self.exchange.challenge).ok()?;
        let received = Authenticate::decode(&self.authenticate).ok()?;
        let flags = negotiated_flags(sent.flags, &received);
        let response = Response::of(&received, flags, &self.exchange.config.policy).ok()?;
        Some(NetworkLogon {
            account: self.names.account(),
            challenge: response.effective_challenge(sent.server_challenge),
            nt_response: received.nt_response,
            lm_response: response.lm_part(&received),
        })
    }

    /// Makes every check, whatever the first of them says, and reports the first that failed.
    pub(crate) fn resolve(self, answer: Answer) -> Result<Established, Error> {
        match self.verdict(answer) {
            Ok(Verdict { name, proof, mic, bindings, session }) => {
                let claims = ClientClaims {
                    workstation: self.names.into_workstation(),
                    target_name: self.target_name,
                };
                let identity = Identity::proven(&proof, &mic, &bindings, name, claims);
                Ok(Established { identity, session })
            }
            Err(Unusable::Refused(refusal)) => {
                Err(Denial::new(refusal, self.names.account()).into())
            }
            Err(Unusable::Malformed(error)) => Err(error.into()),
        }
    }

    fn verdict(&self, answer: Answer) -> Result<Verdict, Unusable> {
        let ExpectAuthenticate { config, bindings, negotiate, challenge, issued_at } =
            &self.exchange;
        let policy = &config.policy;
        let sent = Challenge::decode(challenge)?;
        let received = Authenticate::decode(&self.authenticate)?;
        let flags = negotiated_flags(sent.flags, &received);
        let response = Response::of(&received, flags, policy)?;
        let claims = Claims::of(&response);

        let nobody = || Secrets::Hashes { nt: NtHash::from_bytes(NOBODY), lm: None };
        let (name, secrets) = match answer {
            Answer::Known(known) => {
                (Ok(known.name), Secrets::Hashes { nt: known.nt_hash, lm: known.lm_hash })
            }
            Answer::Verified(mut remote) => {
                (Ok(core::mem::take(&mut remote.name)), Secrets::Authority(remote))
            }
            Answer::Unknown => (Err(Refusal::UnknownAccount), nobody()),
            Answer::Refused(refusal) => (Err(refusal), nobody()),
        };
        let Proved { proof, key, is_key_real } =
            response.prove(&secrets, &sent, &received, flags)?;
        let exported = exported_session_key(key, flags, &received);
        let no_key = ExportedSessionKey::from_bytes(NOBODY);
        let expected_mic = if claims.flags.contains(AvFlags::MIC_PRESENT) {
            let key = exported.as_ref().unwrap_or(&no_key);
            mic(key, negotiate, challenge, &self.authenticate)
        } else {
            NOBODY
        };

        // Everything is computed; from here on the first defect decides.
        let name = name?;
        has_password(&secrets, &response)?;
        let proof = proof?;
        flags_unchanged(sent.flags, &received)?;
        refuse_unless(policy.min_key_strength.is_met_by(flags), Refusal::WeakKeys)?;
        let exported = exported?;
        refuse_unless(is_key_real, Refusal::NoSessionKey)?;
        let announced = claims.flags.contains(AvFlags::MIC_PRESENT);
        let mic = MicChecked::check(policy.mic, announced, received.mic.as_ref(), &expected_mic)?;
        if let Response::V2(response) = &response {
            if let Some(id) = response.target_info.duplicate() {
                return Err(Refusal::AvPairDuplicated(name_of(id)).into());
            }
            if policy.av_pair_echo {
                echo_complete(&sent, response)?;
            }
        }
        let target = self.target_name.as_str();
        refuse_unless(policy.target_name.allows(target), wrong_target(target))?;
        let service_named = policy.target_name.is_required_and_met_by(target);
        let bindings =
            BindingsChecked::check(policy.bindings, bindings, claims.bindings, service_named)?;
        let own = config.machine_id.is_some() && claims.machine_id == config.machine_id;
        let guard = config.reflection.as_ref();
        let answered = guard.is_some_and(|guard| guard.has_answered(sent.server_challenge));
        refuse_unless(!own && !answered, Refusal::Reflected)?;
        let age = config.clock.now().since(*issued_at);
        // A clock that was set back in between is no fault of the client.
        let fresh = age.is_none_or(|age| age <= policy.challenge_lifetime);
        refuse_unless(fresh, Refusal::ChallengeExpired)?;

        let session = Session::new(exported, flags, Role::Acceptor);
        Ok(Verdict { name, proof, mic, bindings, session })
    }
}

/// All that an identity is made of.
struct Verdict {
    name: AccountName,
    proof: ProofVerified,
    mic: MicChecked,
    bindings: BindingsChecked,
    session: Session,
}

/// What the client says under its proof.
#[derive(Default)]
struct Claims {
    flags: AvFlags,
    bindings: Option<ChannelBindingsHash>,
    machine_id: Option<[u8; 32]>,
}

impl Claims {
    fn of(response: &Response<'_>) -> Self {
        let Some(target_info) = response.target_info() else { return Self::default() };
        let flags = target_info.flags();
        let bindings = target_info.get(AvId::CHANNEL_BINDINGS);
        let bindings = bindings.and_then(|value| value.first_chunk::<16>().copied());
        let single_host = target_info.get(AvId::SINGLE_HOST);
        let machine_id = single_host.and_then(|value| value.last_chunk::<32>().copied());
        Self { flags, bindings: bindings.map(ChannelBindingsHash), machine_id }
    }
}

fn refuse_unless(condition: bool, refusal: Refusal) -> Result<(), Refusal> {
    if condition { Ok(()) } else { Err(refusal) }
}

fn wrong_target(name: &str) -> Refusal {
    if name.is_empty() { Refusal::TargetNameRequired } else { Refusal::WrongTargetName }
}

/// An account without a password lets everybody in who tries none.
fn has_password(secrets: &Secrets, response: &Response<'_>) -> Result<(), Refusal> {
    let empty = match secrets {
        Secrets::Hashes { lm: Some(lm), .. }
            if matches!(response, Response::Lm(_))
                && lm.expose().ct_eq(&EMPTY_LM_PASSWORD).into() =>
        {
            true
        }
        Secrets::Hashes { nt, .. } => nt.expose().ct_eq(&EMPTY_PASSWORD).into(),
        Secrets::Authority(_) => false,
    };
    refuse_unless(!empty, Refusal::EmptyPassword)
}

/// Old clients leave the flags out; then those of the CHALLENGE hold.
pub(super) fn negotiated_flags(
    offered: NegotiateFlags,
    received: &Authenticate<'_>,
) -> NegotiateFlags {
    received.flags.map_or(offered, |flags| flags.intersection(offered))
}

fn flags_unchanged(offered: NegotiateFlags, received: &Authenticate<'_>) -> Result<(), Refusal> {
    let Some(flags) = received.flags else { return Ok(()) };
    let added = flags.intersection(SECURITY_FLAGS).difference(offered);
    let dropped = offered.difference(flags);
    let unchanged = added.is_empty() && !dropped.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY);
    refuse_unless(unchanged, Refusal::FlagsChanged)
}

/// With a key exchange the client's random key, else the key itself (§3.2.5.1.2). The exchange
/// belongs to signing or sealing; clients that do it without either are understood as well.
fn exported_session_key(
    key: Option<KeyExchangeKey>,
    flags: NegotiateFlags,
    received: &Authenticate<'_>,
) -> Result<ExportedSessionKey, Refusal> {
    let key = key.ok_or(Refusal::NoSessionKey)?;
    let exchanged = flags.contains(NegotiateFlags::KEY_EXCH);
    let needed = flags.intersects(NegotiateFlags::SIGN | NegotiateFlags::SEAL);
    let encrypted = received.encrypted_random_session_key;
    if !exchanged || (!needed && encrypted.is_empty()) {
        return Ok(key.into_exported());
    }
    let encrypted = <&[u8; 16]>::try_from(encrypted).map_err(|_| Refusal::SessionKeyLength)?;
    Ok(key.decrypt(encrypted))
}

/// Every AV pair of the CHALLENGE has to come back, in any order. A pair that is missing
/// or changed is the mark of a relay from another server.
fn echo_complete(sent: &Challenge<'_>, response: &NtlmV2Response<'_>) -> Result<(), Refusal> {
    // Clients keep the order, as a rule; then the pair is where it is looked for first. That is
    // the pair that `get` would find, because none stands in the list twice.
    let mut echoed = response.target_info.iter();
    for pair in sent.target_info.iter().flat_map(TargetInfo::iter) {
        let in_order = echoed.next() == Some(pair);
        if !in_order && response.target_info.get(pair.id) != Some(pair.value) {
            return Err(Refusal::AvPairChanged(name_of(pair.id)));
        }
    }
    Ok(())
}

fn name_of(id: AvId) -> &'static str {
    id.name().unwrap_or("AV pair")
}
