//! The NTLMv1 family, each member off unless policy turns it on ([MS-NLMP] §3.3.1, §3.4.5.1).

use super::keys::KeyExchangeKey;
use crate::credential::{LmHash, NtHash};
use crate::crypto::{Secret, des, desl, hmac_md5, md4, md5};
use crate::wire::ntlm::NegotiateFlags;

/// The NTLMv1 response to a challenge: `DESL(NTOWFv1, challenge)`, 24 bytes ([MS-NLMP] §3.3.1).
///
/// # Security
/// Whoever sees one can compute the [`NtHash`] in a day.
#[must_use]
pub fn ntlm_v1_response(hash: &NtHash, challenge: &[u8; 8]) -> [u8; 24] {
    desl(hash.expose(), challenge)
}

/// The LM response to a challenge: `DESL(LMOWFv1, challenge)`, 24 bytes ([MS-NLMP] §3.3.1).
#[must_use]
pub fn lm_response(hash: &LmHash, challenge: &[u8; 8]) -> [u8; 24] {
    desl(hash.expose(), challenge)
}

/// The challenge that an NTLM2 session response answers: the first half of the MD5 of both
/// sides' challenges. It is also what a domain controller has to be given ([MS-APDS] §3.1.5.2).
#[must_use]
pub fn ntlm2_session_challenge(server: &[u8; 8], client: &[u8; 8]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = md5(&[server, client]);
    [a, b, c, d, e, f, g, h]
}

/// `SessionBaseKey` of an NTLMv1 response: MD4 of the [`NtHash`].
pub(super) fn session_base_key(hash: &NtHash) -> Secret {
    Secret::new(md4(hash.expose()))
}

/// `SessionBaseKey` of an LM response: half of the [`LmHash`] and zeros.
pub(super) fn lm_session_base_key(hash: &LmHash) -> Secret {
    let [a, b, c, d, e, f, g, h, ..] = *hash.expose();
    Secret::new([a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// `KXKEY` of the NTLMv1 family (§3.4.5.1). `lm_response` has at least 8 bytes. Without an
/// [`LmHash`] the variants that need one cannot be made.
#[must_use]
pub fn v1_key_exchange_key(
    session_base_key: &[u8; 16],
    flags: NegotiateFlags,
    lm_hash: Option<&LmHash>,
    lm_response: &[u8],
    server_challenge: &[u8; 8],
) -> Option<KeyExchangeKey> {
    let first = lm_response.first_chunk::<8>();
    let key = if flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY) {
        Secret::new(hmac_md5(session_base_key, &[server_challenge, first?]))
    } else if flags.contains(NegotiateFlags::LM_KEY) {
        lm_key(lm_hash?, first?)
    } else if flags.contains(NegotiateFlags::REQUEST_NON_NT_SESSION_KEY) {
        lm_session_base_key(lm_hash?)
    } else {
        Secret::new(*session_base_key)
    };
    Some(KeyExchangeKey::new(key))
}

/// Two DES encryptions of the response's first half, under the first seven bytes of the hash,
/// and under the eighth and filling.
fn lm_key(hash: &LmHash, response: &[u8; 8]) -> Secret {
    let [a, b, c, d, e, f, g, h, ..] = *hash.expose();
    let parts = [
        des(&[a, b, c, d, e, f, g], response),
        des(&[h, 0xbd, 0xbd, 0xbd, 0xbd, 0xbd, 0xbd], response),
    ];
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(parts.as_flattened()) {
        *to = *from;
    }
    Secret::new(key)
}
