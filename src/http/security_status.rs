//! Why a logon failed, in the codes of Windows.

use crate::error::{Error, Refusal};
use crate::kerberos::KerberosRefusal;
use core::fmt;

/// A status of SSPI or an `NTSTATUS`, as HTTP.SYS gives it to applications in `SecStatus`
/// ([MS-ERREF] §2.1, §2.3). For the application and the log, never for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecurityStatus(u32);

/// The codes in use, each with its name.
const NAMES: [(SecurityStatus, &str); 18] = [
    (SecurityStatus::OK, "SEC_E_OK"),
    (SecurityStatus::UNSUPPORTED_FUNCTION, "SEC_E_UNSUPPORTED_FUNCTION"),
    (SecurityStatus::INTERNAL_ERROR, "SEC_E_INTERNAL_ERROR"),
    (SecurityStatus::INVALID_TOKEN, "SEC_E_INVALID_TOKEN"),
    (SecurityStatus::MESSAGE_ALTERED, "SEC_E_MESSAGE_ALTERED"),
    (SecurityStatus::OUT_OF_SEQUENCE, "SEC_E_OUT_OF_SEQUENCE"),
    (SecurityStatus::BAD_BINDINGS, "SEC_E_BAD_BINDINGS"),
    (SecurityStatus::LOGON_FAILURE, "STATUS_LOGON_FAILURE"),
    (SecurityStatus::ACCOUNT_RESTRICTION, "STATUS_ACCOUNT_RESTRICTION"),
    (SecurityStatus::ACCOUNT_DISABLED, "STATUS_ACCOUNT_DISABLED"),
    (SecurityStatus::NO_LOGON_SERVERS, "STATUS_NO_LOGON_SERVERS"),
    (SecurityStatus::ACCOUNT_EXPIRED, "STATUS_ACCOUNT_EXPIRED"),
    (SecurityStatus::ACCOUNT_LOCKED_OUT, "STATUS_ACCOUNT_LOCKED_OUT"),
    (SecurityStatus::NTLM_BLOCKED, "STATUS_NTLM_BLOCKED"),
    (SecurityStatus::INVALID_PARAMETER, "STATUS_INVALID_PARAMETER"),
    (SecurityStatus::INSUFFICIENT_RESOURCES, "STATUS_INSUFFICIENT_RESOURCES"),
    (SecurityStatus::WRONG_PRINCIPAL, "SEC_E_WRONG_PRINCIPAL"),
    (SecurityStatus::TIME_SKEW, "SEC_E_TIME_SKEW"),
];

impl SecurityStatus {
    /// Nothing went wrong.
    pub const OK: Self = Self(0);
    /// The client offers nothing that is allowed here: NTLM where it is off, for example.
    pub const UNSUPPORTED_FUNCTION: Self = Self(0x8009_0302);
    /// A defect on this side.
    pub const INTERNAL_ERROR: Self = Self(0x8009_0304);
    /// The token is malformed.
    pub const INVALID_TOKEN: Self = Self(0x8009_0308);
    /// A message was changed under way.
    pub const MESSAGE_ALTERED: Self = Self(0x8009_030F);
    /// A message came where it does not belong.
    pub const OUT_OF_SEQUENCE: Self = Self(0x8009_0310);
    /// The client meant to reach another service.
    pub const WRONG_PRINCIPAL: Self = Self(0x8009_0322);
    /// The clocks of client and server are too far apart.
    pub const TIME_SKEW: Self = Self(0x8009_0324);
    /// Channel bindings are wrong or missing.
    pub const BAD_BINDINGS: Self = Self(0x8009_0346);
    /// A field of the request cannot be read.
    pub const INVALID_PARAMETER: Self = Self(0xC000_000D);
    /// No room: too many logons are under way, or too many have failed.
    pub const INSUFFICIENT_RESOURCES: Self = Self(0xC000_009A);
    /// No such account, or a wrong password.
    pub const LOGON_FAILURE: Self = Self(0xC000_006D);
    /// The account must not log on like this.
    pub const ACCOUNT_RESTRICTION: Self = Self(0xC000_006E);
    /// The account is disabled.
    pub const ACCOUNT_DISABLED: Self = Self(0xC000_0072);
    /// The credential store cannot answer.
    pub const NO_LOGON_SERVERS: Self = Self(0xC000_005E);
    /// The account has expired.
    pub const ACCOUNT_EXPIRED: Self = Self(0xC000_0193);
    /// The account is locked out.
    pub const ACCOUNT_LOCKED_OUT: Self = Self(0xC000_0234);
    /// NTLM is blocked.
    pub const NTLM_BLOCKED: Self = Self(0xC000_0418);

    /// The status of an error.
    #[must_use]
    pub fn of_error(error: &Error) -> Self {
        match error {
            Error::Header(_) => Self::INVALID_PARAMETER,
            Error::Decode(_) | Error::TokenTooLong { .. } => Self::INVALID_TOKEN,
            Error::OutOfSequence { .. } => Self::OUT_OF_SEQUENCE,
            Error::PeerIncompatible(_) => Self::UNSUPPORTED_FUNCTION,
            Error::Denied(denial) => Self::of_refusal(denial.refusal()),
            Error::Store(_) => Self::NO_LOGON_SERVERS,
            Error::TooManyExchanges | Error::Throttled { .. } => Self::INSUFFICIENT_RESOURCES,
            Error::RandomFailed | Error::ApiMisuse(_) => Self::INTERNAL_ERROR,
        }
    }

    /// The status of a refused logon.
    #[must_use]
    pub const fn of_refusal(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownAccount
            | Refusal::RefusedByAuthority
            | Refusal::WrongProof
            | Refusal::Anonymous
            | Refusal::EmptyResponse
            | Refusal::ChallengeExpired
            | Refusal::NameTooLong => Self::LOGON_FAILURE,
            Refusal::EmptyPassword => Self::ACCOUNT_RESTRICTION,
            Refusal::AccountDisabled => Self::ACCOUNT_DISABLED,
            Refusal::AccountLocked => Self::ACCOUNT_LOCKED_OUT,
            Refusal::AccountExpired => Self::ACCOUNT_EXPIRED,
            Refusal::NtlmBlocked => Self::NTLM_BLOCKED,
            Refusal::NtlmV1
            | Refusal::LmOnly
            | Refusal::WeakKeys
            | Refusal::NoSessionKey
            | Refusal::MicRequired => Self::UNSUPPORTED_FUNCTION,
            Refusal::WrongMic
            | Refusal::MicStripped
            | Refusal::AvPairChanged(_)
            | Refusal::AvPairDuplicated(_)
            | Refusal::FlagsChanged
            | Refusal::SessionKeyLength
            | Refusal::WrongMechListMic
            | Refusal::MechListMicMissing
            | Refusal::Reflected => Self::MESSAGE_ALTERED,
            Refusal::WrongChannelBindings
            | Refusal::ZeroChannelBindings
            | Refusal::ChannelBindingsRequired => Self::BAD_BINDINGS,
            Refusal::WrongTargetName | Refusal::TargetNameRequired => Self::WRONG_PRINCIPAL,
            Refusal::Kerberos(refusal) => Self::of_kerberos(refusal),
        }
    }

    const fn of_kerberos(refusal: KerberosRefusal) -> Self {
        match refusal {
            KerberosRefusal::NotUs | KerberosRefusal::WrongKey => Self::WRONG_PRINCIPAL,
            KerberosRefusal::EncryptionType | KerberosRefusal::UserToUser => {
                Self::UNSUPPORTED_FUNCTION
            }
            KerberosRefusal::ClockSkew => Self::TIME_SKEW,
            KerberosRefusal::Authenticator
            | KerberosRefusal::BadMatch
            | KerberosRefusal::Replay
            | KerberosRefusal::Checksum
            | KerberosRefusal::Pac => Self::MESSAGE_ALTERED,
            KerberosRefusal::Expired
            | KerberosRefusal::NotYetValid
            | KerberosRefusal::Realm
            | KerberosRefusal::Transited
            | KerberosRefusal::Restricted
            | KerberosRefusal::PacMissing => Self::LOGON_FAILURE,
        }
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u32 {
        self.0
    }

    /// The name that Windows has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        let known = NAMES.iter().find(|(status, _)| *status == self);
        known.map_or("", |(_, name)| name)
    }
}

/// Name and number: `STATUS_LOGON_FAILURE (0xC000006D)`.
impl fmt::Display for SecurityStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:08X})", self.name(), self.0)
    }
}
