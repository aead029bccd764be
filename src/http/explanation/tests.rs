use super::Explanation;
use crate::credential::StoreError;
use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind, Denial, Error, HeaderError};
use crate::error::{ParameterProblem, PeerIncompatible, Refusal};
use crate::http::{SecurityStatus, Side, Status};
use crate::identity::Account;
use crate::kerberos::KerberosRefusal;
use alloc::vec::Vec;

/// At least one error for each explanation that an error has.
fn errors() -> Vec<Error> {
    let decode = DecodeError {
        structure: "NEGOTIATE_MESSAGE",
        field: "MessageType",
        offset: 8,
        kind: DecodeErrorKind::BadValue,
    };
    let mut errors = alloc::vec![
        Error::Decode(decode),
        Error::TokenTooLong { length: 2, limit: 1 },
        Error::OutOfSequence { expected: "NEGOTIATE", received: "AUTHENTICATE" },
        Error::Store(StoreError::new("out of reach")),
        Error::TooManyExchanges,
        Error::Throttled { retry_after: 1 },
        Error::RandomFailed,
        Error::ApiMisuse(ApiMisuse::NothingPending),
    ];
    let problems = [
        ParameterProblem::Missing,
        ParameterProblem::Duplicate,
        ParameterProblem::BadValue,
        ParameterProblem::TooLong,
        ParameterProblem::OtherRequest,
    ];
    let fields = [
        HeaderError::NoScheme,
        HeaderError::NoToken,
        HeaderError::BadBase64,
        HeaderError::Repeated,
        HeaderError::NoColon,
        HeaderError::ControlCharacter,
        HeaderError::BadParameters,
    ];
    let parameters = problems.map(|problem| HeaderError::Parameter("uri", problem));
    errors.extend(fields.into_iter().chain(parameters).map(Error::Header));
    let lacks = [
        PeerIncompatible::NoCharacterSet,
        PeerIncompatible::Datagram,
        PeerIncompatible::LegacyOnly,
        PeerIncompatible::NtlmDisabled,
        PeerIncompatible::WeakKeys,
        PeerIncompatible::ForbiddenAvPair,
        PeerIncompatible::NoServerNames,
        PeerIncompatible::NoCommonMechanism,
        PeerIncompatible::Rejected,
        PeerIncompatible::MechanismNotOffered,
        PeerIncompatible::FlagsDowngraded,
        PeerIncompatible::NtlmV1Wanted,
        PeerIncompatible::ServerNotProven,
        PeerIncompatible::KerberosError(37),
        PeerIncompatible::DigestNotOffered("realm"),
    ];
    errors.extend(lacks.map(Error::PeerIncompatible));
    let refusals = [
        Refusal::UnknownAccount,
        Refusal::AccountDisabled,
        Refusal::AccountLocked,
        Refusal::AccountExpired,
        Refusal::RefusedByAuthority,
        Refusal::WrongProof,
        Refusal::Anonymous,
        Refusal::EmptyResponse,
        Refusal::NtlmV1,
        Refusal::LmOnly,
        Refusal::WrongMic,
        Refusal::MicStripped,
        Refusal::MicRequired,
        Refusal::WrongChannelBindings,
        Refusal::ZeroChannelBindings,
        Refusal::ChannelBindingsRequired,
        Refusal::AvPairChanged("MsvAvTimestamp"),
        Refusal::AvPairDuplicated("MsvAvFlags"),
        Refusal::WrongTargetName,
        Refusal::TargetNameRequired,
        Refusal::Reflected,
        Refusal::WeakKeys,
        Refusal::NtlmBlocked,
        Refusal::NoSessionKey,
        Refusal::ChallengeExpired,
        Refusal::FlagsChanged,
        Refusal::EmptyPassword,
        Refusal::SessionKeyLength,
        Refusal::WrongMechListMic,
        Refusal::MechListMicMissing,
        Refusal::NameTooLong,
        Refusal::Kerberos(KerberosRefusal::NotUs),
        Refusal::Kerberos(KerberosRefusal::EncryptionType),
        Refusal::Kerberos(KerberosRefusal::WrongKey),
        Refusal::Kerberos(KerberosRefusal::Authenticator),
        Refusal::Kerberos(KerberosRefusal::BadMatch),
        Refusal::Kerberos(KerberosRefusal::ClockSkew),
        Refusal::Kerberos(KerberosRefusal::Expired),
        Refusal::Kerberos(KerberosRefusal::NotYetValid),
        Refusal::Kerberos(KerberosRefusal::Replay),
        Refusal::Kerberos(KerberosRefusal::Checksum),
        Refusal::Kerberos(KerberosRefusal::UserToUser),
        Refusal::Kerberos(KerberosRefusal::Realm),
        Refusal::Kerberos(KerberosRefusal::Transited),
        Refusal::Kerberos(KerberosRefusal::Restricted),
        Refusal::Kerberos(KerberosRefusal::PacMissing),
        Refusal::Kerberos(KerberosRefusal::Pac),
    ];
    let denied = |refusal| Error::Denied(Denial::new(refusal, Account::new("CORP", "alice")));
    errors.extend(refusals.map(denied));
    errors
}

/// Those that no error has.
const WITHOUT_ERROR: [&Explanation; 8] = [
    Explanation::NO_CREDENTIALS,
    Explanation::OTHER_SCHEME,
    Explanation::NONCE_STALE,
    Explanation::APPLICATION_ASKS,
    Explanation::HTTP_1_1_REQUIRED,
    Explanation::NO_SCHEME_USABLE,
    Explanation::BODY_TOO_LONG,
    Explanation::BAD_REQUEST,
];

#[test]
fn every_explanation_is_that_of_something() {
    let errors = errors();
    let mut used: Vec<_> = errors.iter().map(Explanation::of_error).collect();
    used.extend(WITHOUT_ERROR);
    used.extend(errors.iter().map(Explanation::for_peer));
    for explanation in Explanation::all() {
        assert!(used.contains(explanation), "{} explains nothing", explanation.code());
    }
    used.sort_by_key(|explanation| explanation.code());
    used.dedup();
    assert_eq!(used.len(), Explanation::all().len());
}

#[test]
fn two_errors_are_told_apart_by_their_codes() {
    let errors = errors();
    let mut codes: Vec<_> = errors.iter().map(|it| Explanation::of_error(it).code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), errors.len());
}

// What a page may say to somebody who guesses names.
#[test]
fn a_peer_cannot_tell_an_unknown_account_from_any_that_is_known() {
    let denied = |refusal| Error::Denied(Denial::new(refusal, Account::new("CORP", "alice")));
    let unknown = Explanation::for_peer(&denied(Refusal::UnknownAccount));
    for refusal in [
        Refusal::WrongProof,
        Refusal::AccountDisabled,
        Refusal::AccountLocked,
        Refusal::AccountExpired,
        Refusal::RefusedByAuthority,
        Refusal::EmptyPassword,
    ] {
        assert_eq!(Explanation::for_peer(&denied(refusal)), unknown, "{refusal}");
    }
    let bindings = denied(Refusal::ChannelBindingsRequired);
    assert_eq!(Explanation::for_peer(&bindings), Explanation::of_error(&bindings));
}

#[test]
fn an_explanation_says_the_status_that_is_sent() {
    for error in errors() {
        let explanation = Explanation::of_error(&error);
        let code = explanation.code();
        if let Some(status) = explanation.status() {
            assert_eq!(status, Status::of_error(&error, Side::Origin), "{code}");
        }
        let security_status = SecurityStatus::of_error(&error);
        assert_eq!(explanation.security_status(), Some(security_status), "{code}");
    }
}

#[test]
fn an_explanation_is_a_word_and_two_sentences() {
    for explanation in Explanation::all() {
        let code = explanation.code();
        let is_word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(code.starts_with("LOGON_") && code.bytes().all(is_word), "{code}");
        assert!(code.len() <= 32, "{code}");
        for text in [explanation.cause(), explanation.remedy()] {
            assert!(text.ends_with('.') && !text.contains("  "), "{code}: {text}");
            assert!(text.len() <= 300, "{code}: {} characters", text.len());
        }
    }
}
