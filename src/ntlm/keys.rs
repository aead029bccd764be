//! The keys of NTLMv2, each made of the one before ([MS-NLMP] §3.3.2, §3.4.5.1).

use crate::crypto::{Rc4Handle, Secret, hmac_md5};
use crate::owf::NtOwfV2;

/// `SessionBaseKey`: HMAC-MD5 under [`NtOwfV2`] of `NTProofStr` ([MS-NLMP] §3.3.2).
#[derive(Debug)]
pub struct SessionBaseKey(Secret);

/// `KeyExchangeKey`: in NTLMv2 the [`SessionBaseKey`], in the NTLMv1 family made of it
/// ([MS-NLMP] §3.4.5.1).
#[derive(Debug)]
pub struct KeyExchangeKey(Secret);

/// `ExportedSessionKey`: what session security and the MIC run on.
/// See [MS-NLMP] §3.1.5.1.2.
#[derive(Debug)]
pub struct ExportedSessionKey(Secret);

/// `NTProofStr`: HMAC-MD5 under [`NtOwfV2`] of the server challenge and `temp`, which is taken
/// as received and never re-written ([MS-NLMP] §3.3.2).
#[must_use]
pub fn nt_proof_str(key: &NtOwfV2, server_challenge: &[u8; 8], temp: &[u8]) -> [u8; 16] {
    hmac_md5(key.expose(), &[server_challenge, temp])
}

impl SessionBaseKey {
    /// The key that belongs to a proof.
    #[must_use]
    pub fn new(key: &NtOwfV2, nt_proof_str: &[u8; 16]) -> Self {
        Self(Secret::new(hmac_md5(key.expose(), &[nt_proof_str])))
    }

    /// The 16 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }

    pub(super) fn into_secret(self) -> Secret {
        self.0
    }

    /// `KXKEY` of NTLMv2: the same key.
    #[must_use]
    pub fn into_key_exchange_key(self) -> KeyExchangeKey {
        KeyExchangeKey(self.0)
    }
}

impl KeyExchangeKey {
    pub(super) fn new(key: Secret) -> Self {
        Self(key)
    }

    /// The 16 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }

    /// `RC4K(KeyExchangeKey, ExportedSessionKey)`: what AUTHENTICATE carries as
    /// `EncryptedRandomSessionKey` ([MS-NLMP] §3.1.5.1.2).
    #[must_use]
    pub fn encrypt(&self, key: &ExportedSessionKey) -> [u8; 16] {
        self.rc4k(*key.expose())
    }

    /// The exported session key that AUTHENTICATE carries ([MS-NLMP] §3.2.5.1.2).
    #[must_use]
    pub fn decrypt(&self, encrypted_random_session_key: &[u8; 16]) -> ExportedSessionKey {
        ExportedSessionKey::from_bytes(self.rc4k(*encrypted_random_session_key))
    }

    fn rc4k(&self, mut data: [u8; 16]) -> [u8; 16] {
        Rc4Handle::new(self.expose()).apply(&mut data);
        data
    }

    /// Without a key exchange the exported key is this one.
    #[must_use]
    pub fn into_exported(self) -> ExportedSessionKey {
        ExportedSessionKey(self.0)
    }
}

impl ExportedSessionKey {
    /// A key that is already known: chosen at random, or decrypted from AUTHENTICATE.
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
