//! Secrets, and the question to whoever keeps them.

use crate::crypto::{Secret, des, md4_utf16le};
use crate::digest::{DigestAccount, DigestAnswer};
use crate::error::Refusal;
use crate::identity::{Account, AccountName};
use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use zeroize::Zeroizing;

/// `NTOWFv1`, the MD4 of the password in UTF-16LE ([MS-NLMP] §3.3.1): 16 bytes that are as good
/// as the password itself.
///
/// # Security
/// Zeroized on drop, redacted in `Debug`.
#[derive(Clone, Debug)]
pub struct NtHash(Secret);

impl NtHash {
    /// The hash of a password.
    #[must_use]
    pub fn of_password(password: &str) -> Self {
        Self(md4_utf16le(password))
    }

    /// A hash that is already known, in the byte order of the specification's examples.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The 16 bytes, for a store that has to write them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }
}

/// `LMOWFv1` ([MS-NLMP] §3.3.1): 16 bytes that give the password away in minutes. Only of use
/// where policy lets LM responses in.
#[derive(Clone, Debug)]
pub struct LmHash(Secret);

impl LmHash {
    /// The hash of a password of up to 14 ASCII characters; others have none, or one that
    /// depends on a code page.
    #[must_use]
    pub fn of_password(password: &str) -> Option<Self> {
        if !password.is_ascii() || password.len() > 14 {
            return None;
        }
        let mut padded = Zeroizing::new([[0_u8; 7]; 2]);
        for (to, from) in padded.as_flattened_mut().iter_mut().zip(password.bytes()) {
            *to = from.to_ascii_uppercase();
        }
        let halves = Zeroizing::new(padded.map(|half| des(&half, b"KGS!@#$%")));
        let mut hash = [0; 16];
        for (to, from) in hash.iter_mut().zip(halves.as_flattened()) {
            *to = *from;
        }
        Some(Self(Secret::new(hash)))
    }

    /// A hash that is already known.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The 16 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }
}

/// What an initiator logs on with ([MS-NLMP] §3.1.1.1).
pub struct Credential {
    domain: String,
    user: String,
    nt_hash: NtHash,
}

impl Credential {
    /// An account and its password. `name` is `DOMAIN\user`, `user@dns.domain` or `user`; a user
    /// principal name is never split ([MS-NLMP] §3.1.1.1).
    #[must_use]
    pub fn password(name: &str, password: &str) -> Self {
        Self::nt_hash(name, NtHash::of_password(password))
    }

    /// An account and the hash of its password.
    #[must_use]
    pub fn nt_hash(name: &str, nt_hash: NtHash) -> Self {
        let (domain, user) = match name.split_once('\\') {
            Some((domain, user)) => (domain, user),
            None => ("", name),
        };
        Self { domain: domain.into(), user: user.into(), nt_hash }
    }

    /// The domain; empty for a user principal name.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn hash(&self) -> &NtHash {
        &self.nt_hash
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("domain", &self.domain)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// An account that a store knows: its hash, and its name as the store spells it.
/// See [MS-NLMP] §3.2.5.1.2.
#[derive(Clone, Debug)]
pub struct KnownAccount {
    pub(crate) nt_hash: NtHash,
    pub(crate) lm_hash: Option<LmHash>,
    pub(crate) name: AccountName,
}

impl KnownAccount {
    /// The account `name` whose password has the hash `nt_hash`.
    #[must_use]
    pub fn new(nt_hash: NtHash, name: AccountName) -> Self {
        Self { nt_hash, lm_hash: None, name }
    }

    /// Adds the LM hash, for servers whose policy lets LM responses in.
    #[must_use]
    pub fn with_lm_hash(mut self, lm_hash: LmHash) -> Self {
        self.lm_hash = Some(lm_hash);
        self
    }

    /// The name as the store spells it.
    #[must_use]
    pub fn name(&self) -> &AccountName {
        &self.name
    }

    /// The hash of the password.
    #[must_use]
    pub fn nt_hash(&self) -> &NtHash {
        &self.nt_hash
    }
}

/// What a remote authority needs to verify a response ([MS-APDS] §3.1.5.2): the fields of
/// `NETLOGON_NETWORK_INFO`, straight from the exchange.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct NetworkLogon<'a> {
    /// The names as sent, case kept.
    pub account: Account<'a>,
    /// `LmChallenge`: the server challenge; for an NTLM2 session response the half of an MD5
    /// that the response answers.
    pub challenge: [u8; 8],
    /// `NtChallengeResponse`.
    pub nt_response: &'a [u8],
    /// `LmChallengeResponse`, where it is part of the response: the client's challenge of an NTLM2
    /// session response, or an LM response by itself. Beside any other it is left out, because
    /// an authority may fall back to it, and it covers neither AV pairs nor MIC.
    pub lm_response: &'a [u8],
}

/// Responses can be guessed at offline; of them only the lengths are shown.
impl fmt::Debug for NetworkLogon<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkLogon")
            .field("account", &self.account)
            .field("nt_response", &self.nt_response.len())
            .field("lm_response", &self.lm_response.len())
            .finish_non_exhaustive()
    }
}

/// The word of a remote authority, such as a domain controller, that it has verified the
/// response ([MS-APDS] §3.1.5). MIC, channel bindings, echo and age are still checked here; with
/// [`MicPolicy::Always`](crate::MicPolicy) a key that does not belong to the response lets nobody
/// in.
#[derive(Clone, Debug)]
pub struct RemoteLogon {
    pub(crate) session_base_key: Secret,
    pub(crate) name: AccountName,
}

impl RemoteLogon {
    /// A verified logon of the account `name`, with the `SessionBaseKey` that the authority
    /// returned (`UserSessionKey`).
    ///
    /// # Security
    /// Whoever makes one vouches for the response in [`crate::NetworkLogon`].
    #[must_use]
    pub fn new(session_base_key: [u8; 16], name: AccountName) -> Self {
        Self { session_base_key: Secret::new(session_base_key), name }
    }
}

/// What a store says of an account.
/// See [MS-NLMP] §3.2.5.1.2.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The account exists and may log on.
    Known(KnownAccount),
    /// A remote authority has verified the response itself.
    Verified(RemoteLogon),
    /// There is no such account. Costs the peer, and looks to it, like a wrong password.
    Unknown,
    /// The account exists and may not log on.
    Refused(Refusal),
}

/// The store could not answer: not the client's fault, answered with 503 over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(Cow<'static, str>);

impl StoreError {
    /// An error that says what is wrong and what to do about it, for the log.
    #[must_use]
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "credential store: {}", self.0)
    }
}

impl core::error::Error for StoreError {}

/// Whoever keeps the hashes.
/// See [MS-NLMP] §3.2.5.1.2.
///
/// A store that needs IO answers asynchronously in an adapter: the exchange waits in a
/// [`crate::LogonRequest`] for as long as that takes.
pub trait CredentialStore: Send + Sync {
    /// What is known of the claimed `account`.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot tell. An unknown account is no error.
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError>;

    /// Whether any account has a hash for HTTP's Digest scheme in `realm`. Where none has, the
    /// scheme is not offered.
    fn has_digest(&self, realm: &str) -> bool {
        let _ = realm;
        false
    }

    /// What is known of an account that logs on by Digest ([RFC 7616] §3.4.2).
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot tell. An unknown account is no error.
    fn lookup_digest(&self, account: DigestAccount<'_>) -> Result<DigestAnswer, StoreError> {
        let _ = account;
        Ok(DigestAnswer::Unknown)
    }
}

impl<S: CredentialStore + ?Sized> CredentialStore for alloc::sync::Arc<S> {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        (**self).lookup(account)
    }

    fn has_digest(&self, realm: &str) -> bool {
        (**self).has_digest(realm)
    }

    fn lookup_digest(&self, account: DigestAccount<'_>) -> Result<DigestAnswer, StoreError> {
        (**self).lookup_digest(account)
    }
}
