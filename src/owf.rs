//! `NTOWFv2`: the key that an account's responses are made with ([MS-NLMP] §3.3.2). A server makes
//! it for each response, of the names in it; a client once.

use crate::credential::{Credential, NtHash};
use crate::crypto::{HmacMd5, Secret};
use crate::wire::{Text, simple_uppercase};

/// `NTOWFv2`: HMAC-MD5 under the [`NtHash`] of the upper-cased user and the domain in UTF-16LE.
/// See [MS-NLMP] §3.3.2.
#[derive(Debug)]
pub struct NtOwfV2(Secret);

/// `NTOWFv2` with the user hashed and the domain still open.
pub(crate) struct OpenNtOwfV2(HmacMd5);

impl OpenNtOwfV2 {
    /// `upper_user` is the user in upper case, as whoever made the key upper-cases.
    pub(crate) fn new(hash: &NtHash, upper_user: impl Iterator<Item = u16>) -> Self {
        let mut mac = HmacMd5::new(hash.expose());
        update_units(&mut mac, upper_user);
        Self(mac)
    }

    pub(crate) fn with_domain(&self, domain: impl Iterator<Item = u16>) -> NtOwfV2 {
        let mut mac = self.0.clone();
        update_units(&mut mac, domain);
        NtOwfV2(Secret::new(mac.finalize()))
    }
}

/// Feeds the units in little-endian, a handful at a time.
fn update_units(mac: &mut HmacMd5, units: impl Iterator<Item = u16>) {
    let mut buffer = [[0_u8; 2]; 32];
    let mut units = units.fuse().peekable();
    while units.peek().is_some() {
        let mut filled = 0_usize;
        for (slot, unit) in buffer.iter_mut().zip(&mut units) {
            *slot = unit.to_le_bytes();
            filled = filled.saturating_add(1);
        }
        mac.update(buffer.as_flattened().get(..filled.saturating_mul(2)).unwrap_or_default());
    }
}

impl NtOwfV2 {
    /// The key of an account as the client wrote it: the user is upper-cased, unit by unit and
    /// without a locale; the domain is taken as it is.
    #[must_use]
    pub fn new(hash: &NtHash, user: Text<'_>, domain: Text<'_>) -> Self {
        OpenNtOwfV2::new(hash, user.units().map(simple_uppercase)).with_domain(domain.units())
    }

    /// The key of a client's own credential.
    pub(crate) fn of(credential: &Credential) -> Self {
        let upper_user = credential.user().encode_utf16().map(simple_uppercase);
        OpenNtOwfV2::new(credential.hash(), upper_user)
            .with_domain(credential.domain().encode_utf16())
    }

    /// The 16 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }

    pub(crate) fn from_secret(secret: Secret) -> Self {
        Self(secret)
    }

    pub(crate) fn into_secret(self) -> Secret {
        self.0
    }
}
