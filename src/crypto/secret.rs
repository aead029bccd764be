//! Sixteen secret bytes.

use core::fmt;
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

    pub(crate) fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
