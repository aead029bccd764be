//! Channel bindings: what ties a logon to the TLS connection it came over ([RFC 5056]).

use crate::crypto;
use crate::error::DecodeError;
use crate::wire::x509;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sha2::Digest;

/// The channel bindings of a connection, as each side knows them from its own TLS.
/// See [RFC 5056] §2, [RFC 5929] §4.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelBindings {
    /// The hash of each binding that is as good as the others; empty without TLS. Made once for
    /// a certificate, and shared by all connections that it serves.
    accepted: Arc<[ChannelBindingsHash]>,
}

/// The MD5 of a `gss_channel_bindings_struct`, as `MsvAvChannelBindings` carries it
/// ([MS-NLMP] §2.2.2.1, [RFC 4121] §4.1.1.2). All zeros stand for "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelBindingsHash(pub [u8; 16]);

const END_POINT_PREFIX: &[u8] = b"tls-server-end-point:";

impl ChannelBindings {
    /// No TLS, hence nothing to bind to.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Bindings of ready-made application data, such as `tls-server-end-point:` and a hash.
    #[must_use]
    pub fn from_application_data(data: impl AsRef<[u8]>) -> Self {
        Self { accepted: Arc::new([ChannelBindingsHash::of(data.as_ref())]) }
    }

    /// The `tls-server-end-point` binding ([RFC 5929] §4.1) of the server's end-entity
    /// certificate in DER: its hash by the certificate's own signature hash, with MD5 and SHA-1
    /// raised to SHA-256.
    ///
    /// A signature without a single hash (Ed25519, for example) has no such binding defined;
    /// then this is [`ChannelBindings::none`].
    ///
    /// # Errors
    /// [`DecodeError`] if `certificate` is not an X.509 certificate in DER.
    pub fn tls_server_end_point(certificate: &[u8]) -> Result<Self, DecodeError> {
        let mut data = Vec::from(END_POINT_PREFIX);
        match x509::signature_hash(certificate)? {
            Some(x509::SignatureHash::Sha256) => data.extend(sha2::Sha256::digest(certificate)),
            Some(x509::SignatureHash::Sha384) => data.extend(sha2::Sha384::digest(certificate)),
            Some(x509::SignatureHash::Sha512) => data.extend(sha2::Sha512::digest(certificate)),
            None => return Ok(Self::none()),
        }
        Ok(Self::from_application_data(data))
    }

    /// Accepts `other` as well: a certificate being rotated, or that of a TLS-terminating proxy.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { accepted: self.hashes().chain(other.hashes()).collect() }
    }

    /// Whether there is nothing to bind to.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.accepted.is_empty()
    }

    /// The hashes that a client of this connection may send.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = ChannelBindingsHash> {
        self.accepted.iter().copied()
    }

    /// The hash that an initiator sends: of the first binding, or zeros.
    pub(crate) fn first_hash(&self) -> ChannelBindingsHash {
        self.hashes().next().unwrap_or(ChannelBindingsHash::ZERO)
    }
}

impl ChannelBindingsHash {
    /// Sent by clients that know channel bindings but have none.
    pub const ZERO: Self = Self([0; 16]);

    /// The hash of `gss_channel_bindings_struct` with this application data: four empty address
    /// fields of 4 bytes, the length as little-endian `u32`, the data.
    #[must_use]
    pub fn of(application_data: &[u8]) -> Self {
        let length = u32::try_from(application_data.len()).unwrap_or(u32::MAX);
        Self(crypto::md5(&[&[0; 16], &length.to_le_bytes(), application_data]))
    }
}
