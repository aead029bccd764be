//! Why a request was not let in, for people: a code, its cause, its remedy.
//!
//! A code is one word, such as `LOGON_WRONG_PROOF`: a search engine and `grep -w` take it whole, a
//! double click marks it whole, and whoever reads it in a log learns something by itself. Codes
//! have no numbers, which would be taken for those of HTTP. Published codes keep their names and
//! their meaning; `docs/refusals.md` lists them.

mod table;

use super::{SecurityStatus, Status};
use crate::error::{ApiMisuse, DecodeError, Error, HeaderError, ParameterProblem};
use crate::error::{PeerIncompatible, Refusal};
use crate::kerberos::KerberosRefusal;

/// Why a request was not let in, and what can be done about it. For the administrator and the
/// application; a peer may be shown [`Explanation::for_peer`] at most.
/// See [RFC 9110] §15.5, §15.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    code: &'static str,
    cause: &'static str,
    remedy: &'static str,
    status: Option<Status>,
    security_status: Option<SecurityStatus>,
}

impl Explanation {
    /// The request has no credentials: how every logon begins, and all that comes of a client that
    /// does not try.
    pub const NO_CREDENTIALS: &'static Self = &table::NO_CREDENTIALS;
    /// The request has credentials of a scheme that is not offered.
    pub const OTHER_SCHEME: &'static Self = &table::OTHER_SCHEME;
    /// A nonce of `Digest` is used up or too old; the password was right.
    pub const NONCE_STALE: &'static Self = &table::NONCE_STALE;
    /// The application wants somebody, or somebody else.
    pub const APPLICATION_ASKS: &'static Self = &table::APPLICATION_ASKS;
    /// A logon needs HTTP/1.1.
    pub const HTTP_1_1_REQUIRED: &'static Self = &table::HTTP_1_1_REQUIRED;
    /// There is no scheme that could be offered.
    pub const NO_SCHEME_USABLE: &'static Self = &table::NO_SCHEME_USABLE;
    /// The body that came with a first token is too long to be thrown away.
    pub const BODY_TOO_LONG: &'static Self = &table::BODY_TOO_LONG;
    /// The request cannot be read.
    pub const BAD_REQUEST: &'static Self = &table::BAD_REQUEST;
    /// A defect on this side.
    pub const INTERNAL: &'static Self = &table::INTERNAL;

    /// Every explanation there is, in the order of an exchange.
    #[must_use]
    pub const fn all() -> &'static [&'static Self] {
        table::ALL
    }

    /// The explanation of an error.
    #[must_use]
    pub fn of_error(error: &Error) -> &'static Self {
        match error {
            Error::Header(error) => Self::of_header(*error),
            Error::Decode(DecodeError { .. }) => &table::TOKEN_MALFORMED,
            Error::TokenTooLong { .. } => &table::TOKEN_TOO_LONG,
            Error::OutOfSequence { .. } => &table::OUT_OF_SEQUENCE,
            Error::PeerIncompatible(what) => Self::of_incompatible(*what),
            Error::Denied(denial) => Self::of_refusal(denial.refusal()),
            Error::Store(_) => &table::STORE_UNAVAILABLE,
            Error::TooManyExchanges => &table::TOO_MANY_EXCHANGES,
            Error::Throttled { .. } => &table::THROTTLED,
            Error::RandomFailed => &table::RANDOM_FAILED,
            Error::ApiMisuse(misuse) => Self::of_misuse(*misuse),
        }
    }

    /// The explanation of an error as somebody may read it who has not logged on: it says nothing
    /// of an account, not even whether there is one.
    #[must_use]
    pub fn for_peer(error: &Error) -> &'static Self {
        let Error::Denied(denial) = error else { return Self::of_error(error) };
        match denial.refusal() {
            // Decided by the account and its password, before anything else is.
            Refusal::UnknownAccount
            | Refusal::AccountDisabled
            | Refusal::AccountLocked
            | Refusal::AccountExpired
            | Refusal::RefusedByAuthority
            | Refusal::WrongProof
            | Refusal::NtlmBlocked
            | Refusal::EmptyPassword => &table::ACCOUNT_OR_PASSWORD,
            // Decided by the message alone, or after the password was found right.
            refusal @ (Refusal::Anonymous
            | Refusal::EmptyResponse
            | Refusal::NtlmV1
            | Refusal::LmOnly
            | Refusal::WrongMic
            | Refusal::MicStripped
            | Refusal::MicRequired
            | Refusal::WrongChannelBindings
            | Refusal::ZeroChannelBindings
            | Refusal::ChannelBindingsRequired
            | Refusal::AvPairChanged(_)
            | Refusal::AvPairDuplicated(_)
            | Refusal::WrongTargetName
            | Refusal::TargetNameRequired
            | Refusal::Reflected
            | Refusal::WeakKeys
            | Refusal::NoSessionKey
            | Refusal::ChallengeExpired
            | Refusal::FlagsChanged
            | Refusal::SessionKeyLength
            | Refusal::WrongMechListMic
            | Refusal::MechListMicMissing
            | Refusal::NameTooLong
            | Refusal::Kerberos(_)) => Self::of_refusal(refusal),
        }
    }

    /// The explanation of a refused logon.
    #[must_use]
    pub const fn of_refusal(refusal: Refusal) -> &'static Self {
        match refusal {
            Refusal::UnknownAccount => &table::UNKNOWN_ACCOUNT,
            Refusal::AccountDisabled => &table::ACCOUNT_DISABLED,
            Refusal::AccountLocked => &table::ACCOUNT_LOCKED,
            Refusal::AccountExpired => &table::ACCOUNT_EXPIRED,
            Refusal::RefusedByAuthority => &table::REFUSED_BY_AUTHORITY,
            Refusal::WrongProof => &table::WRONG_PROOF,
            Refusal::Anonymous => &table::ANONYMOUS,
            Refusal::EmptyResponse => &table::EMPTY_RESPONSE,
            Refusal::NtlmV1 => &table::NTLM_V1,
            Refusal::LmOnly => &table::LM_ONLY,
            Refusal::WrongMic => &table::WRONG_MIC,
            Refusal::MicStripped => &table::MIC_STRIPPED,
            Refusal::MicRequired => &table::MIC_REQUIRED,
            Refusal::WrongChannelBindings => &table::WRONG_BINDINGS,
            Refusal::ZeroChannelBindings => &table::ZERO_BINDINGS,
            Refusal::ChannelBindingsRequired => &table::BINDINGS_REQUIRED,
            Refusal::AvPairChanged(_) => &table::AV_PAIR_CHANGED,
            Refusal::AvPairDuplicated(_) => &table::AV_PAIR_DUPLICATED,
            Refusal::WrongTargetName => &table::WRONG_TARGET_NAME,
            Refusal::TargetNameRequired => &table::TARGET_NAME_REQUIRED,
            Refusal::Reflected => &table::REFLECTED,
            Refusal::WeakKeys => &table::WEAK_KEYS,
            Refusal::NtlmBlocked => &table::NTLM_BLOCKED,
            Refusal::NoSessionKey => &table::NO_SESSION_KEY,
            Refusal::ChallengeExpired => &table::CHALLENGE_EXPIRED,
            Refusal::FlagsChanged => &table::FLAGS_CHANGED,
            Refusal::EmptyPassword => &table::EMPTY_PASSWORD,
            Refusal::SessionKeyLength => &table::SESSION_KEY_LENGTH,
            Refusal::WrongMechListMic => &table::WRONG_MECH_LIST_MIC,
            Refusal::MechListMicMissing => &table::MECH_LIST_MIC_MISSING,
            Refusal::NameTooLong => &table::NAME_TOO_LONG,
            Refusal::Kerberos(refusal) => Self::of_kerberos(refusal),
        }
    }

    const fn of_kerberos(refusal: KerberosRefusal) -> &'static Self {
        match refusal {
            KerberosRefusal::NotUs => &table::KERBEROS_NOT_US,
            KerberosRefusal::EncryptionType => &table::KERBEROS_ENCRYPTION_TYPE,
            KerberosRefusal::WrongKey => &table::KERBEROS_WRONG_KEY,
            KerberosRefusal::Authenticator => &table::KERBEROS_AUTHENTICATOR,
            KerberosRefusal::BadMatch => &table::KERBEROS_BAD_MATCH,
            KerberosRefusal::ClockSkew => &table::KERBEROS_CLOCK_SKEW,
            KerberosRefusal::Expired => &table::KERBEROS_EXPIRED,
            KerberosRefusal::NotYetValid => &table::KERBEROS_NOT_YET_VALID,
            KerberosRefusal::Replay => &table::KERBEROS_REPLAY,
            KerberosRefusal::Checksum => &table::KERBEROS_CHECKSUM,
            KerberosRefusal::UserToUser => &table::KERBEROS_USER_TO_USER,
            KerberosRefusal::Realm => &table::KERBEROS_REALM,
            KerberosRefusal::Transited => &table::KERBEROS_TRANSITED,
            KerberosRefusal::Restricted => &table::KERBEROS_RESTRICTED,
            KerberosRefusal::PacMissing => &table::KERBEROS_PAC_MISSING,
            KerberosRefusal::Pac => &table::KERBEROS_PAC,
        }
    }

    const fn of_header(error: HeaderError) -> &'static Self {
        match error {
            HeaderError::NoScheme => &table::FIELD_NO_SCHEME,
            HeaderError::NoToken => &table::FIELD_NO_TOKEN,
            HeaderError::BadBase64 => &table::FIELD_NOT_BASE64,
            HeaderError::Repeated => &table::FIELD_REPEATED,
            HeaderError::NoColon => &table::BASIC_NO_COLON,
            HeaderError::ControlCharacter => &table::BASIC_CONTROL_CHARACTER,
            HeaderError::BadParameters => &table::DIGEST_MALFORMED,
            HeaderError::Parameter(_, problem) => match problem {
                ParameterProblem::Missing => &table::DIGEST_MISSING,
                ParameterProblem::Duplicate => &table::DIGEST_DUPLICATE,
                ParameterProblem::BadValue => &table::DIGEST_BAD_VALUE,
                ParameterProblem::TooLong => &table::DIGEST_TOO_LONG,
                ParameterProblem::OtherRequest => &table::DIGEST_OTHER_REQUEST,
            },
        }
    }

    const fn of_incompatible(what: PeerIncompatible) -> &'static Self {
        match what {
            PeerIncompatible::NoCharacterSet => &table::NO_CHARACTER_SET,
            PeerIncompatible::Datagram => &table::DATAGRAM,
            PeerIncompatible::LegacyOnly => &table::LEGACY_CLIENT,
            PeerIncompatible::NtlmDisabled => &table::NTLM_OFF,
            PeerIncompatible::WeakKeys => &table::WEAK_KEYS_OFFERED,
            PeerIncompatible::ForbiddenAvPair => &table::FORBIDDEN_AV_PAIR,
            PeerIncompatible::NoServerNames => &table::NO_SERVER_NAMES,
            PeerIncompatible::NoCommonMechanism => &table::NO_COMMON_MECHANISM,
            PeerIncompatible::Rejected => &table::REJECTED_BY_PEER,
            PeerIncompatible::MechanismNotOffered => &table::MECHANISM_NOT_OFFERED,
            PeerIncompatible::FlagsDowngraded => &table::FLAGS_DOWNGRADED,
            PeerIncompatible::NtlmV1Wanted => &table::NTLM_V1_WANTED,
            PeerIncompatible::ServerNotProven => &table::SERVER_NOT_PROVEN,
            PeerIncompatible::KerberosError(_) => &table::KERBEROS_ERROR,
            PeerIncompatible::DigestNotOffered(_) => &table::DIGEST_NOT_OFFERED,
        }
    }

    const fn of_misuse(misuse: ApiMisuse) -> &'static Self {
        match misuse {
            ApiMisuse::FieldTooLong(_)
            | ApiMisuse::NoSessionSecurity
            | ApiMisuse::NoConfidentiality
            | ApiMisuse::SequenceExhausted
            | ApiMisuse::SessionPoisoned
            | ApiMisuse::UnreadableExchange
            | ApiMisuse::NothingPending
            | ApiMisuse::NoUser
            | ApiMisuse::NotHeaderText(_) => &table::INTERNAL,
        }
    }

    /// The code: one word, which stays what it is.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Why it is so.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        self.cause
    }

    /// What can be done about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        self.remedy
    }

    /// The status that is sent; `None` of what only a client finds out.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        self.status
    }

    /// What Windows calls it, if it does.
    #[must_use]
    pub const fn security_status(&self) -> Option<SecurityStatus> {
        self.security_status
    }
}

#[cfg(test)]
mod tests;
