//! Errors, grouped by whose fault they are.

use crate::credential::StoreError;
use crate::identity::{Account, AccountName};
use crate::kerberos::KerberosRefusal;
use alloc::string::String;
use core::fmt;

/// Why a step of an exchange failed, grouped by whose fault it is.
///
/// [`crate::http::Status::of_error`] maps each group to an HTTP status. The text is for logs and
/// for the application; it is never sent to the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The HTTP field that carries the token cannot be read.
    Header(HeaderError),
    /// The peer sent bytes that are not the structure they claim to be.
    Decode(DecodeError),
    /// The token is longer than [`crate::Policy::max_token`] bytes; of an initiator, a CHALLENGE
    /// that is too long to be answered.
    TokenTooLong {
        /// Length of the token in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A message came where the exchange cannot take it. On a server the usual cause is that
    /// something between client and server spreads one connection over several.
    OutOfSequence {
        /// What the exchange was waiting for.
        expected: &'static str,
        /// What came.
        received: &'static str,
    },
    /// The peer keeps to the protocol but offers nothing that both sides accept.
    PeerIncompatible(PeerIncompatible),
    /// The logon is refused. Every reason looks the same to the peer.
    Denied(Denial),
    /// The credential store could not answer.
    Store(StoreError),
    /// As many exchanges are under way as [`crate::http::ConnectionConfig::max_exchanges`] allows.
    TooManyExchanges,
    /// Too many logons have failed: of this account from this address, or from this address.
    Throttled {
        /// Seconds until the next attempt is looked at.
        retry_after: u32,
    },
    /// The random number generator failed.
    RandomFailed,
    /// The embedding program used the library wrongly.
    ApiMisuse(ApiMisuse),
}

/// A field value that cannot be read: a defect of the client, answered with 400.
/// See [RFC 9110] §11.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// There is no scheme name.
    NoScheme,
    /// There is a scheme but no token.
    NoToken,
    /// The token is not padded base64 in one piece.
    BadBase64,
    /// The field stands more than once.
    Repeated,
    /// `Basic` credentials without a colon between user and password ([RFC 7617] §2).
    NoColon,
    /// `Basic` credentials with a control character ([RFC 7617] §2).
    ControlCharacter,
    /// What stands behind the scheme is no list of parameters ([RFC 9110] §11.2).
    BadParameters,
    /// A parameter of the credentials cannot be taken ([RFC 7616] §3.4).
    Parameter(&'static str, ParameterProblem),
}

/// What is wrong with a parameter.
/// See [RFC 7616] §3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterProblem {
    /// It is absent.
    Missing,
    /// It stands twice, or in two forms.
    Duplicate,
    /// The value is not one the specification allows here.
    BadValue,
    /// The value is longer than the limit allows.
    TooLong,
    /// The credentials were made for another request than the one they came with.
    OtherRequest,
}

/// Where and how a structure is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// The structure, as the specification names it.
    pub structure: &'static str,
    /// The field within it.
    pub field: &'static str,
    /// Offset in bytes from the start of the structure.
    pub offset: usize,
    /// What is wrong there.
    pub kind: DecodeErrorKind,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends before the field does.
    Truncated,
    /// The field points outside the message.
    OutOfBounds,
    /// The value is not one the specification allows here.
    BadValue,
    /// UTF-16 of an odd number of bytes.
    OddLength,
    /// Bytes are left over after the structure.
    TrailingData,
    /// The list has no terminating `MsvAvEOL`.
    MissingTerminator,
    /// More elements than the limit allows.
    TooMany,
    /// The field must not appear twice.
    Duplicate,
    /// A required field is absent.
    Missing,
    /// The bytes are not DER.
    BadDer,
}

/// What the peer lacks.
/// See [MS-NLMP] §3.2.5.1.1, [RFC 4178] §4.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerIncompatible {
    /// Neither `NTLMSSP_NEGOTIATE_UNICODE` nor `NTLM_NEGOTIATE_OEM` ([MS-NLMP] §2.2.2.5).
    NoCharacterSet,
    /// `NTLMSSP_NEGOTIATE_DATAGRAM`: connectionless NTLM is not supported.
    Datagram,
    /// Neither extended session security nor Unicode: only NTLMv1 or LM could follow.
    LegacyOnly,
    /// NTLM is switched off by policy ([MS-NLMP] §3.1.4, §3.2.5.1.1), on this side.
    NtlmDisabled,
    /// Weaker session keys than policy demands.
    WeakKeys,
    /// The CHALLENGE has an AV pair that only a client may send, or one twice.
    ForbiddenAvPair,
    /// The CHALLENGE lacks the names of the server, without which its integrity cannot be had.
    NoServerNames,
    /// None of the mechanisms in the `MechTypeList` is supported here ([RFC 4178] §4.2.2).
    NoCommonMechanism,
    /// The acceptor answered with `negState = reject`.
    Rejected,
    /// The acceptor selected a mechanism that was not offered.
    MechanismNotOffered,
    /// The acceptor's flags leave out what this side needs.
    FlagsDowngraded,
    /// The CHALLENGE leaves out extended session security: the acceptor wants NTLMv1, which this
    /// side does not have.
    NtlmV1Wanted,
    /// The server's `AP-REP` was not made with the ticket's session key, or answers another
    /// request ([RFC 4120] §3.2.5).
    ServerNotProven,
    /// The server answered with a `KRB-ERROR` of this code ([RFC 4120] §7.5.9).
    KerberosError(i32),
    /// Digest credentials that answer a challenge which this server does not make: this
    /// parameter is another ([RFC 7616] §3.4).
    DigestNotOffered(&'static str),
}

/// A refused logon: why, and of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    refusal: Refusal,
    account: AccountName,
    ticket: Option<String>,
}

impl Denial {
    pub(crate) fn new(refusal: Refusal, account: Account<'_>) -> Self {
        let account = AccountName::new(account.domain(), account.user());
        Self { refusal, account, ticket: None }
    }

    /// Adds what ticket it was.
    #[cfg(feature = "kerberos")]
    pub(crate) fn with_ticket(mut self, ticket: String) -> Self {
        self.ticket = Some(ticket);
        self
    }

    /// Why.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// Who the client claimed to be.
    #[must_use]
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// Of a ticket that could not be opened, the service that it names, its key version and
    /// encryption type; nobody has signed these.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        self.ticket.as_deref()
    }
}

/// Why a logon is refused. For the log and the application, never for the peer.
/// See [MS-NLMP] §3.2.5.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The store does not know the account.
    UnknownAccount,
    /// The account is disabled.
    AccountDisabled,
    /// The account is locked out.
    AccountLocked,
    /// The password or the account has expired.
    AccountExpired,
    /// The store or the remote authority refuses for a reason of its own.
    RefusedByAuthority,
    /// `NTProofStr` is not what the password gives: wrong password, or an altered response.
    WrongProof,
    /// An anonymous AUTHENTICATE (NULL session).
    Anonymous,
    /// A user name with empty responses.
    EmptyResponse,
    /// An NTLMv1 or NTLM2 session response; only NTLMv2 is accepted.
    NtlmV1,
    /// An LM response without an NT response.
    LmOnly,
    /// The MIC does not match the three messages: something changed them under way.
    WrongMic,
    /// The AV pairs announce a MIC but the message has none: it was stripped.
    MicStripped,
    /// Policy demands a MIC and the client announces none.
    MicRequired,
    /// The channel bindings are those of another TLS connection: the mark of a relay.
    WrongChannelBindings,
    /// All-zero channel bindings over TLS: the client knows bindings but was given none.
    ZeroChannelBindings,
    /// Policy demands channel bindings and the client sends none.
    ChannelBindingsRequired,
    /// An AV pair of our CHALLENGE did not come back unchanged: the mark of a relay.
    AvPairChanged(&'static str),
    /// An AV pair stands twice in the response.
    AvPairDuplicated(&'static str),
    /// The client meant to reach another service.
    WrongTargetName,
    /// Policy demands the name of the service and the client sent none.
    TargetNameRequired,
    /// The response was made by this very machine or program: a reflection.
    Reflected,
    /// Session keys weaker than policy demands.
    WeakKeys,
    /// The remote authority has NTLM switched off (`STATUS_NTLM_BLOCKED`).
    NtlmBlocked,
    /// The response cannot give the session key that was negotiated: it needs an LM hash.
    NoSessionKey,
    /// AUTHENTICATE came later than [`crate::Policy::challenge_lifetime`] after the CHALLENGE.
    ChallengeExpired,
    /// AUTHENTICATE sets security flags that the CHALLENGE did not offer, or drops extended
    /// session security.
    FlagsChanged,
    /// The account has an empty password.
    EmptyPassword,
    /// `EncryptedRandomSessionKey` is not 16 bytes although key exchange was negotiated.
    SessionKeyLength,
    /// The SPNEGO `mechListMIC` is wrong: the list of mechanisms was changed under way.
    WrongMechListMic,
    /// The SPNEGO `mechListMIC` is required and absent.
    MechListMicMissing,
    /// A name in AUTHENTICATE is longer than [`crate::Policy::max_name`] bytes.
    NameTooLong,
    /// A ticket of Kerberos cannot be accepted.
    Kerberos(KerberosRefusal),
}

/// How the embedding program misused the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// A field to be encoded is longer than its length field can say.
    FieldTooLong(&'static str),
    /// The session keys have no integrity or confidentiality to offer.
    NoSessionSecurity,
    /// Confidentiality was not negotiated.
    NoConfidentiality,
    /// 2³² messages were signed with one key.
    SequenceExhausted,
    /// A message of this session failed verification earlier; the keys are out of step.
    SessionPoisoned,
    /// An [`crate::Exchange`] whose messages cannot be read.
    UnreadableExchange,
    /// No answer was awaited.
    NothingPending,
    /// The credential names no user; there is no anonymous logon.
    NoUser,
    /// A text that is to be sent in a field of HTTP has characters that do not belong there.
    NotHeaderText(&'static str),
}

/// The random number generator failed; nothing was written that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomFailed;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(error) => error.fmt(f),
            Self::Decode(error) => error.fmt(f),
            Self::TokenTooLong { length, limit } => {
                write!(f, "token of {length} bytes is over the limit of {limit}")
            }
            Self::OutOfSequence { expected, received } => {
                write!(
                    f,
                    "{received} came where {expected} was expected (is the connection pinned to one client?)"
                )
            }
            Self::PeerIncompatible(what) => what.fmt(f),
            Self::Denied(denial) => denial.refusal.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::TooManyExchanges => f.write_str("too many logons are under way"),
            Self::Throttled { retry_after } => {
                write!(f, "too many logons have failed; the next is looked at in {retry_after} s")
            }
            Self::RandomFailed => RandomFailed.fmt(f),
            Self::ApiMisuse(misuse) => misuse.fmt(f),
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadParameters => "what stands behind the scheme is no list of parameters",
            Self::Parameter(name, problem) => return write!(f, "parameter {name}: {problem}"),
            Self::NoScheme => "the authorization field has no scheme name",
            Self::NoToken => "the authorization field has no token",
            Self::BadBase64 => "the token is not base64",
            Self::Repeated => "the authorization field stands more than once",
            Self::NoColon => "there is no colon between user and password",
            Self::ControlCharacter => "there is a control character in user or password",
        })
    }
}

impl fmt::Display for ParameterProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "it is absent",
            Self::Duplicate => "it stands twice",
            Self::BadValue => "the value is not allowed here",
            Self::TooLong => "the value is too long",
            Self::OtherRequest => "it is not that of the request",
        })
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { structure, field, offset, kind } = self;
        write!(f, "{structure}: {field} at offset {offset}: {kind}")
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the input ends too early",
            Self::OutOfBounds => "it points outside the message",
            Self::BadValue => "the value is not allowed here",
            Self::OddLength => "UTF-16 of an odd number of bytes",
            Self::TrailingData => "bytes are left over",
            Self::MissingTerminator => "the list has no end mark",
            Self::TooMany => "too many elements",
            Self::Duplicate => "it appears twice",
            Self::Missing => "it is absent",
            Self::BadDer => "not valid DER",
        })
    }
}

impl fmt::Display for PeerIncompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCharacterSet => "the peer offers neither Unicode nor OEM strings",
            Self::Datagram => "the peer wants connectionless NTLM",
            Self::LegacyOnly => "the client offers neither extended session security nor Unicode: it could only answer with NTLMv1, which is off",
            Self::NtlmDisabled => "NTLM is switched off by policy",
            Self::WeakKeys => "the peer offers weaker session keys than policy demands",
            Self::ForbiddenAvPair => "the CHALLENGE has an AV pair that must not be in it",
            Self::NoServerNames => "the CHALLENGE lacks the server's names",
            Self::NoCommonMechanism => "no mechanism in common with the peer",
            Self::Rejected => "the server rejected the negotiation",
            Self::MechanismNotOffered => "the server selected a mechanism that was not offered",
            Self::DigestNotOffered(name) => {
                return write!(f, "the credentials answer a challenge that is not made here: {name} is another");
            }
            Self::FlagsDowngraded => "the server's flags leave out what this side needs",
            Self::ServerNotProven => "the server does not prove that it is the one the ticket is for",
            Self::KerberosError(code) => {
                return write!(f, "the server answered with Kerberos error {code} (RFC 4120 7.5.9)");
            }
            Self::NtlmV1Wanted => "the server wants NTLMv1, which this side does not have",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownAccount => "unknown account",
            Self::AccountDisabled => "the account is disabled",
            Self::AccountLocked => "the account is locked out",
            Self::AccountExpired => "the account or its password has expired",
            Self::RefusedByAuthority => "refused by the authority",
            Self::WrongProof => "wrong password, or the response was altered",
            Self::Anonymous => "anonymous logon",
            Self::EmptyResponse => "a user name without a response",
            Self::NtlmV1 => "NTLMv1 response; only NTLMv2 is accepted",
            Self::LmOnly => "LM response only; only NTLMv2 is accepted",
            Self::WrongMic => "wrong MIC: the messages were altered under way",
            Self::MicStripped => "a MIC is announced but absent: it was stripped under way",
            Self::MicRequired => "policy demands a MIC and the client sent none",
            Self::WrongChannelBindings => "channel bindings of another TLS connection (a relay, or a TLS-terminating proxy whose certificate is not configured)",
            Self::ZeroChannelBindings => "all-zero channel bindings over TLS",
            Self::ChannelBindingsRequired => "policy demands channel bindings and the client sent none",
            Self::AvPairChanged(id) => return write!(f, "{id} of the CHALLENGE did not come back unchanged"),
            Self::AvPairDuplicated(id) => return write!(f, "{id} stands twice in the response"),
            Self::WrongTargetName => "the client meant to reach another service",
            Self::TargetNameRequired => "policy demands the name of the service and the client sent none",
            Self::Reflected => "our own response came back: a reflection",
            Self::WeakKeys => "session keys are weaker than policy demands",
            Self::NtlmBlocked => "the authority has NTLM switched off",
            Self::NoSessionKey => "the session key needs an LM hash that the account does not have",
            Self::ChallengeExpired => "the challenge had expired",
            Self::FlagsChanged => "AUTHENTICATE changes the flags that were negotiated",
            Self::EmptyPassword => "the account has an empty password",
            Self::SessionKeyLength => "EncryptedRandomSessionKey is not 16 bytes",
            Self::WrongMechListMic => "wrong mechListMIC: the list of mechanisms was altered under way",
            Self::MechListMicMissing => "mechListMIC is required and absent",
            Self::NameTooLong => "a name is too long",
            Self::Kerberos(refusal) => return refusal.fmt(f),
        })
    }
}

impl fmt::Display for ApiMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldTooLong(field) => write!(f, "{field} is too long to be encoded"),
            Self::NoSessionSecurity => f.write_str("no session security was negotiated"),
            Self::NoConfidentiality => f.write_str("no confidentiality was negotiated"),
            Self::SequenceExhausted => f.write_str("sequence numbers are used up"),
            Self::SessionPoisoned => f.write_str("an earlier message failed verification"),
            Self::UnreadableExchange => f.write_str("the exchange to be resumed cannot be read"),
            Self::NothingPending => f.write_str("no answer is awaited"),
            Self::NoUser => f.write_str("the credential names no user"),
            Self::NotHeaderText(what) => {
                write!(f, "{what} has characters that do not belong in a field of HTTP")
            }
        }
    }
}

impl fmt::Display for RandomFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the random number generator failed")
    }
}

impl core::error::Error for Error {}
impl core::error::Error for HeaderError {}
impl core::error::Error for ApiMisuse {}
impl core::error::Error for DecodeError {}
impl core::error::Error for RandomFailed {}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<PeerIncompatible> for Error {
    fn from(what: PeerIncompatible) -> Self {
        Self::PeerIncompatible(what)
    }
}

impl From<ApiMisuse> for Error {
    fn from(misuse: ApiMisuse) -> Self {
        Self::ApiMisuse(misuse)
    }
}

impl From<RandomFailed> for Error {
    fn from(_: RandomFailed) -> Self {
        Self::RandomFailed
    }
}
