//! What a KDC may answer. Whether it is true is for others to say.

use super::error::Outcome;
use logon::wire::krb5::KrbError;

/// AS-REP, TGS-REP and KRB-ERROR: `[APPLICATION n]`, constructed ([RFC 4120] §5.10).
const TAGS: [u8; 3] = [0x6B, 0x6D, KRB_ERROR];
const KRB_ERROR: u8 = 0x7E;

/// [RFC 4120] §7.5.9.
const KDC_ERR_SVC_UNAVAILABLE: i32 = 29;
const KRB_ERR_RESPONSE_TOO_BIG: i32 = 52;

/// Lets pass what is an answer for the caller.
///
/// # Errors
/// What else it is: nothing of Kerberos, or something that is for the transport.
pub(super) fn check(bytes: &[u8]) -> Result<(), Outcome> {
    if !is_reply(bytes) {
        return Err(Outcome::NotAReply);
    }
    if bytes.first() != Some(&KRB_ERROR) {
        return Ok(());
    }
    match KrbError::decode(bytes).map(|error| error.error_code) {
        Ok(KDC_ERR_SVC_UNAVAILABLE) => Err(Outcome::Unavailable),
        Ok(KRB_ERR_RESPONSE_TOO_BIG) => Err(Outcome::TooBigForUdp),
        Ok(_) => Ok(()),
        Err(_) => Err(Outcome::NotAReply),
    }
}

/// One of the three tags, and the length of all that follows.
fn is_reply(bytes: &[u8]) -> bool {
    let [tag, first, rest @ ..] = bytes else { return false };
    let length = match first {
        0..=0x7F => Some((usize::from(*first), rest)),
        0x81..=0x84 => {
            let octets = usize::from(first & 0x7F);
            rest.split_at_checked(octets).map(|(octets, rest)| {
                let add = |sum: usize, octet: &u8| (sum << 8) | usize::from(*octet);
                (octets.iter().fold(0, add), rest)
            })
        }
        _ => None,
    };
    TAGS.contains(tag) && length.is_some_and(|(length, rest)| rest.len() == length)
}
