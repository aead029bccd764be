//! The NTLM messages and structures ([MS-NLMP] §2.2).

mod authenticate;
mod av_pair;
mod challenge;
mod fields;
mod flags;
mod negotiate;
mod response;
mod signature;
mod version;

pub use authenticate::Authenticate;
pub use av_pair::{AvFlags, AvId, AvPair, TargetInfo, TargetInfoBuilder};
pub use challenge::Challenge;
pub use fields::Fields;
pub use flags::NegotiateFlags;
pub use negotiate::Negotiate;
pub use response::NtlmV2Response;
pub use signature::MessageSignature;
pub use version::Version;

pub(crate) use authenticate::MIC_RANGE;

use crate::error::DecodeError;
use crate::wire::cursor::Cursor;

/// `Signature`, the first 8 bytes of every message ([MS-NLMP] §2.2.1).
pub const SIGNATURE: [u8; 8] = *b"NTLMSSP\0";

/// `MessageType` ([MS-NLMP] §2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageType {
    /// 1
    Negotiate,
    /// 2
    Challenge,
    /// 3
    Authenticate,
}

impl MessageType {
    const fn code(self) -> [u8; 4] {
        match self {
            Self::Negotiate => [1, 0, 0, 0],
            Self::Challenge => [2, 0, 0, 0],
            Self::Authenticate => [3, 0, 0, 0],
        }
    }

    /// The type of the message that `token` begins, if it is one of the three.
    #[must_use]
    pub fn of(token: &[u8]) -> Option<Self> {
        let code = token.strip_prefix(&SIGNATURE)?.first_chunk::<4>()?;
        [Self::Negotiate, Self::Challenge, Self::Authenticate]
            .into_iter()
            .find(|message| message.code() == *code)
    }

    /// The specification's name of the message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negotiate => "NEGOTIATE_MESSAGE",
            Self::Challenge => "CHALLENGE_MESSAGE",
            Self::Authenticate => "AUTHENTICATE_MESSAGE",
        }
    }

    /// Reads `Signature` and `MessageType`.
    fn open(self, message: &[u8]) -> Result<Cursor<'_>, DecodeError> {
        let mut cursor = Cursor::new(self.name(), message);
        cursor.expect("Signature", &SIGNATURE)?;
        cursor.expect("MessageType", &self.code())?;
        Ok(cursor)
    }
}
