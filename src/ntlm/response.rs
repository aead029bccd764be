//! Which kind of response AUTHENTICATE carries, and whether it is right ([MS-NLMP] §3.2.5.1.2).

use super::keys::{KeyExchangeKey, SessionBaseKey, nt_proof_str};
use super::v1::{
    lm_response, lm_session_base_key, ntlm_v1_response, ntlm2_session_challenge, session_base_key,
    v1_key_exchange_key,
};
use crate::credential::{LmHash, NtHash, RemoteLogon};
use crate::crypto::Secret;
use crate::error::{DecodeError, Refusal};
use crate::evidence::ProofVerified;
use crate::owf::{NtOwfV2, OpenNtOwfV2};
use crate::policy::Policy;
use crate::wire::ntlm::{
    Authenticate, Challenge, MessageType, NegotiateFlags, NtlmV2Response, TargetInfo,
};
use crate::wire::{Text, Units, ascii_uppercase, simple_uppercase, unicode_uppercase};

/// The response that counts. There is one: a message with an NTLMv2 response is never accepted
/// for its LM response.
pub(super) enum Response<'a> {
    V2(NtlmV2Response<'a>),
    V1([u8; 24]),
    /// The LM field begins with the client's challenge.
    Ntlm2Session {
        response: [u8; 24],
        client_challenge: [u8; 8],
    },
    Lm([u8; 24]),
}

/// Why there is no response to verify.
pub(super) enum Unusable {
    Refused(Refusal),
    Malformed(DecodeError),
}

impl From<Refusal> for Unusable {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<DecodeError> for Unusable {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

/// What stands for the secrets of an account.
pub(super) enum Secrets {
    Hashes { nt: NtHash, lm: Option<LmHash> },
    Authority(RemoteLogon),
}

/// What came of a response.
pub(super) struct Proved {
    pub(super) proof: Result<ProofVerified, Refusal>,
    /// `None` if the message lacks what the key is made of.
    pub(super) key: Option<KeyExchangeKey>,
    /// Whether `key` is the key, and not one that stands in for want of an LM hash.
    pub(super) is_key_real: bool,
}

impl<'a> Response<'a> {
    /// Classifies by the length of the NT response, and holds it against policy.
    pub(super) fn of(
        received: &Authenticate<'a>,
        flags: NegotiateFlags,
        policy: &Policy,
    ) -> Result<Self, Unusable> {
        if received.user.is_empty() {
            return Err(Refusal::Anonymous.into());
        }
        let lm = <[u8; 24]>::try_from(received.lm_response).ok();
        match (received.nt_response.len(), lm) {
            (0, Some(response)) if policy.lm => Ok(Self::Lm(response)),
            (0, None) if received.lm_response.len() <= 1 => Err(Refusal::EmptyResponse.into()),
            (0, _) => Err(Refusal::LmOnly.into()),
            (24, lm) => Self::v1(received.nt_response, lm, flags, policy),
            _ => Ok(Self::V2(NtlmV2Response::decode(received.nt_response)?)),
        }
    }

    fn v1(
        nt_response: &[u8],
        lm: Option<[u8; 24]>,
        flags: NegotiateFlags,
        policy: &Policy,
    ) -> Result<Self, Unusable> {
        let response = <[u8; 24]>::try_from(nt_response).map_err(|_| Refusal::NtlmV1)?;
        if !flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY) {
            return if policy.ntlm_v1 {
                Ok(Self::V1(response))
            } else {
                Err(Refusal::NtlmV1.into())
            };
        }
        let client_challenge = lm.and_then(|lm| lm.first_chunk().copied());
        match client_challenge {
            Some(client_challenge) if policy.ntlm2_session => {
                Ok(Self::Ntlm2Session { response, client_challenge })
            }
            _ => Err(Refusal::NtlmV1.into()),
        }
    }

    /// The AV pairs that the client put under the proof; only NTLMv2 has any.
    pub(super) fn target_info(&self) -> Option<&TargetInfo<'a>> {
        match self {
            Self::V2(response) => Some(&response.target_info),
            Self::V1(_) | Self::Ntlm2Session { .. } | Self::Lm(_) => None,
        }
    }

    /// The challenge that the response answers, as a domain controller has to be given it.
    pub(super) fn effective_challenge(&self, server_challenge: [u8; 8]) -> [u8; 8] {
        match self {
            Self::Ntlm2Session { client_challenge, .. } => {
                ntlm2_session_challenge(&server_challenge, client_challenge)
            }
            Self::V2(_) | Self::V1(_) | Self::Lm(_) => server_challenge,
        }
    }

    /// The LM field as far as it is part of the response that counts. An authority that finds
    /// the NT response wrong may fall back to an LM response beside it, which covers neither AV
    /// pairs nor MIC.
    pub(super) fn lm_part<'m>(&self, received: &Authenticate<'m>) -> &'m [u8] {
        match self {
            Self::V2(_) | Self::V1(_) => &[],
            Self::Ntlm2Session { .. } | Self::Lm(_) => received.lm_response,
        }
    }

    /// Verifies the response, and derives the key, right or wrong, so that a refusal can go on
    /// to cost the same.
    pub(super) fn prove(
        &self,
        secrets: &Secrets,
        sent: &Challenge<'_>,
        received: &Authenticate<'_>,
        flags: NegotiateFlags,
    ) -> Result<Proved, DecodeError> {
        let challenge = self.effective_challenge(sent.server_challenge);
        // Whoever has no LM hash gets this one, so that it costs the same; it never counts.
        let no_lm_hash = LmHash::from_bytes([0; 16]);
        let (nt, lm_hash) = match secrets {
            Secrets::Hashes { nt, lm } => (nt, lm.as_ref()),
            Secrets::Authority(remote) => {
                let base = remote.session_base_key.expose();
                let key = self.key(base, flags, &no_lm_hash, received, sent);
                let proof = Ok(ProofVerified::vouched(remote));
                return Ok(Proved { proof, key, is_key_real: !self.needs_lm_hash(flags) });
            }
        };
        let is_key_real = lm_hash.is_some() || !self.needs_lm_hash(flags);
        let has_lm_hash = lm_hash.is_some();
        let lm_hash = lm_hash.unwrap_or(&no_lm_hash);
        let (proof, base) = match self {
            Self::V2(response) => prove_v2(nt, sent, received, response)?,
            Self::V1(response) | Self::Ntlm2Session { response, .. } => {
                let expected = ntlm_v1_response(nt, &challenge);
                ProofVerified::check([(session_base_key(nt), expected)].into_iter(), response)
            }
            Self::Lm(response) => {
                let candidate = (lm_session_base_key(lm_hash), lm_response(lm_hash, &challenge));
                let (proof, base) = ProofVerified::check([candidate].into_iter(), response);
                (if has_lm_hash { proof } else { Err(Refusal::WrongProof) }, base)
            }
        };
        let key = self.key(base.expose(), flags, lm_hash, received, sent);
        Ok(Proved { proof, key, is_key_real })
    }

    fn needs_lm_hash(&self, flags: NegotiateFlags) -> bool {
        !matches!(self, Self::V2(_)) && flags.make_keys_of_lm_hash()
    }

    fn key(
        &self,
        base: &[u8; 16],
        flags: NegotiateFlags,
        lm_hash: &LmHash,
        received: &Authenticate<'_>,
        sent: &Challenge<'_>,
    ) -> Option<KeyExchangeKey> {
        match self {
            Self::V2(_) => Some(KeyExchangeKey::new(Secret::new(*base))),
            Self::V1(_) | Self::Ntlm2Session { .. } | Self::Lm(_) => v1_key_exchange_key(
                base,
                flags,
                Some(lm_hash),
                received.lm_response,
                &sent.server_challenge,
            ),
        }
    }
}

/// How clients write a name before they hash it: as sent, or decoded from OEM; upper-cased as
/// Windows does, as the libraries of programming languages do, or ASCII letters only.
struct Spelling {
    units: fn(Text<'_>) -> Units<'_>,
    upper: fn(u16) -> u16,
}

const SPELLINGS: [Spelling; 4] = [
    Spelling { units: |text| text.units(), upper: simple_uppercase },
    Spelling { units: |text| text.units(), upper: unicode_uppercase },
    Spelling { units: |text| text.units(), upper: ascii_uppercase },
    Spelling { units: |text| text.decoded_units(), upper: simple_uppercase },
];

impl Spelling {
    fn upper<'t>(&self, text: Text<'t>) -> impl Iterator<Item = u16> + use<'t> {
        (self.units)(text).map(self.upper)
    }

    /// Whether both give the same keys.
    fn is_same(&self, other: &Self, user: Text<'_>, domain: Text<'_>) -> bool {
        self.upper(user).eq(other.upper(user))
            && (self.units)(domain).eq((other.units)(domain))
            && self.upper(domain).eq(other.upper(domain))
    }

    /// With the domain as sent, in upper case (what Firefox hashes) and empty.
    fn keys(
        &self,
        hash: &NtHash,
        user: Text<'_>,
        domain: Text<'_>,
    ) -> impl Iterator<Item = NtOwfV2> + use<> {
        let open = OpenNtOwfV2::new(hash, self.upper(user));
        let as_sent = || (self.units)(domain);
        let upper_differs = !as_sent().eq(self.upper(domain));
        let keys = [
            Some(open.with_domain(as_sent())),
            upper_differs.then(|| open.with_domain(self.upper(domain))),
            (!domain.is_empty()).then(|| open.with_domain(core::iter::empty())),
        ];
        keys.into_iter().flatten()
    }
}

/// Compares `NTProofStr` with what the hash gives for every spelling of the names, twelve at
/// most; names in ASCII have two or three. Spellings that coincide are tried once.
fn prove_v2(
    hash: &NtHash,
    sent: &Challenge<'_>,
    received: &Authenticate<'_>,
    response: &NtlmV2Response<'_>,
) -> Result<(Result<ProofVerified, Refusal>, Secret), DecodeError> {
    let structure = MessageType::Authenticate.name();
    let unicode = sent.flags.contains(NegotiateFlags::UNICODE);
    let user = Text::decode(structure, "UserName", unicode, received.user)?;
    let domain = Text::decode(structure, "DomainName", unicode, received.domain)?;

    // In ASCII there is one spelling.
    let count = if user.is_ascii() && domain.is_ascii() { 1 } else { SPELLINGS.len() };
    let distinct = SPELLINGS.iter().take(count).enumerate().filter(|(place, spelling)| {
        let mut before = SPELLINGS.iter().take(*place);
        !before.any(|other| other.is_same(spelling, user, domain))
    });
    let candidates =
        distinct.flat_map(|(_, spelling)| spelling.keys(hash, user, domain)).map(|key| {
            let proof = nt_proof_str(&key, &sent.server_challenge, response.temp);
            (key.into_secret(), proof)
        });
    let (verdict, key) = ProofVerified::check(candidates, &response.nt_proof_str);
    let base = SessionBaseKey::new(&NtOwfV2::from_secret(key), &response.nt_proof_str);
    Ok((verdict, base.into_secret()))
}
