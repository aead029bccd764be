//! RC4 as NTLM uses it: a handle whose key stream lives as long as the session.

use core::fmt;
use rc4::{KeyInit, Rc4, StreamCipher};
use zeroize::Zeroize;

/// A running RC4 key stream ([MS-NLMP] §6: `RC4(Handle, Data)`).
pub(crate) struct Rc4Handle(Rc4);

impl Rc4Handle {
    /// `RC4INIT` with a key of 16 bytes. The key schedule cycles through the key, so the key
    /// written twice, which has the length that the cipher takes without a check, is the same.
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        let mut twice = rc4::cipher::Key::<Rc4>::default();
        for (to, from) in twice.iter_mut().zip(key.iter().cycle()) {
            *to = *from;
        }
        let handle = Self(Rc4::new(&twice));
        twice.as_mut_slice().zeroize();
        handle
    }

    /// Encrypts or decrypts in place and moves the key stream on.
    pub(crate) fn apply(&mut self, data: &mut [u8]) {
        self.0.apply_keystream(data);
    }
}

impl fmt::Debug for Rc4Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rc4Handle(..)")
    }
}
