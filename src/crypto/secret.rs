//! Sixteen secret bytes.

use core::fmt;
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A key or hash of 16 bytes: wiped on drop, redacted in `Debug`, without `PartialEq`.
#[derive(Clone)]
pub(crate) struct Secret([u8; 16]);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl Secret {
    pub(crate) fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Takes over `other` if `choice` says so, in constant time.
    pub(crate) fn assign_if(&mut self, other: &Self, choice: Choice) {
        self.0.conditional_assign(&other.0, choice);
    }

    pub(crate) fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
