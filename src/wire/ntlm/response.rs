//! `NTLMv2_RESPONSE` ([MS-NLMP] §2.2.2.8) and the `NTLMv2_CLIENT_CHALLENGE` in it (§2.2.2.7).

use super::TargetInfo;
use crate::error::DecodeError;
use crate::wire::cursor::Cursor;
use core::fmt;

/// `NTLMv2_RESPONSE`: the proof, and the client challenge it was made over.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 16 | `Response`, called `NTProofStr` |
/// | 16 | 1 | `RespType` = 1 |
/// | 17 | 1 | `HiRespType` = 1 |
/// | 18 | 2 + 4 | reserved, ignored |
/// | 24 | 8 | `TimeStamp`, FILETIME |
/// | 32 | 8 | `ChallengeFromClient` |
/// | 40 | 4 | reserved, ignored |
/// | 44 | … | `AvPairs` |
///
/// Everything from offset 16 on is `temp` (§3.3.2), the input of the proof, and is kept as
/// received.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NtlmV2Response<'a> {
    /// `NTProofStr`.
    pub nt_proof_str: [u8; 16],
    /// `temp`: all bytes behind the proof.
    pub temp: &'a [u8],
    /// `TimeStamp`, in 100 ns ticks since 1601: the client's clock, or the server's if it sent
    /// one and the client cares.
    pub timestamp: u64,
    /// `ChallengeFromClient`.
    pub client_challenge: [u8; 8],
    /// `AvPairs`.
    pub target_info: TargetInfo<'a>,
}

/// Proof and client challenge can be guessed at offline; they are not shown.
impl fmt::Debug for NtlmV2Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NtlmV2Response")
            .field("timestamp", &self.timestamp)
            .field("target_info", &self.target_info)
            .finish_non_exhaustive()
    }
}

impl<'a> NtlmV2Response<'a> {
    /// Decodes an `NtChallengeResponse` of the NTLMv2 kind, which is longer than 24 bytes.
    ///
    /// # Errors
    /// [`DecodeError`] if it is truncated, of another response type, or its AV pairs are no
    /// list.
    pub fn decode(nt_response: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("NTLMv2_RESPONSE", nt_response);
        let nt_proof_str = cursor.array("Response")?;
        let temp = cursor.rest();
        cursor.expect("RespType", &[1])?;
        cursor.expect("HiRespType", &[1])?;
        cursor.take("Reserved", 6)?;
        let timestamp = cursor.u64_le("TimeStamp")?;
        let client_challenge = cursor.array("ChallengeFromClient")?;
        cursor.take("Reserved3", 4)?;
        let target_info = TargetInfo::decode(cursor.rest())?;
        Ok(Self { nt_proof_str, temp, timestamp, client_challenge, target_info })
    }
}
