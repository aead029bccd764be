//! The MIC over the three messages ([MS-NLMP] §3.1.5.1.2).

use super::keys::ExportedSessionKey;
use crate::crypto::hmac_md5;
use crate::wire::ntlm::MIC_RANGE;

/// HMAC-MD5 under the exported session key of the three messages as they went over the wire,
/// with the MIC field of AUTHENTICATE as zeros.
pub(super) fn mic(
    key: &ExportedSessionKey,
    negotiate: &[u8],
    challenge: &[u8],
    authenticate: &[u8],
) -> [u8; 16] {
    let before = authenticate.get(..MIC_RANGE.start).unwrap_or(authenticate);
    let after = authenticate.get(MIC_RANGE.end..).unwrap_or_default();
    hmac_md5(key.expose(), &[negotiate, challenge, before, &[0; 16], after])
}
