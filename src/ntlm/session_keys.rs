//! The keys of session security: `SIGNKEY` and `SEALKEY` ([MS-NLMP] §3.4.5.2, §3.4.5.3).

use super::keys::ExportedSessionKey;
use crate::crypto::{Rc4Handle, Secret, md5};
use crate::wire::ntlm::NegotiateFlags;
use zeroize::Zeroizing;

/// Which side of an exchange somebody is on.
/// See [MS-NLMP] §3.4.5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The client.
    Initiator,
    /// The server.
    Acceptor,
}

impl Role {
    pub(super) fn peer(self) -> Self {
        match self {
            Self::Initiator => Self::Acceptor,
            Self::Acceptor => Self::Initiator,
        }
    }
}

/// `SignKey` of one direction ([MS-NLMP] §3.4.5.2).
#[derive(Debug)]
pub struct SignKey(Secret);

/// `SealKey` of one direction, or without extended session security of both ([MS-NLMP]
/// §3.4.5.3).
#[derive(Debug)]
pub struct SealKey {
    key: Secret,
    length: usize,
}

impl SignKey {
    /// The key for what `sender` sends: MD5 of the session key and a magic constant, its NUL
    /// included.
    #[must_use]
    pub fn new(key: &ExportedSessionKey, sender: Role) -> Self {
        let magic: &[u8] = match sender {
            Role::Initiator => b"session key to client-to-server signing key magic constant\0",
            Role::Acceptor => b"session key to server-to-client signing key magic constant\0",
        };
        Self(Secret::new(md5(&[key.expose(), magic])))
    }

    /// The 16 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }
}

impl SealKey {
    /// The key for what `sender` sends. With extended session security: MD5 of as much of the
    /// session key as was negotiated (16, 7 or 5 bytes) and a magic constant, its NUL included.
    /// Without it, with `LM_KEY` or `DATAGRAM`: 7 or 5 bytes, filled up to 8; else the session
    /// key itself.
    #[must_use]
    pub fn new(key: &ExportedSessionKey, flags: NegotiateFlags, sender: Role) -> Self {
        if !flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY) {
            return Self::without_ess(key, flags);
        }
        let magic: &[u8] = match sender {
            Role::Initiator => b"session key to client-to-server sealing key magic constant\0",
            Role::Acceptor => b"session key to server-to-client sealing key magic constant\0",
        };
        let strength = if flags.contains(NegotiateFlags::KEY_128) {
            16
        } else if flags.contains(NegotiateFlags::KEY_56) {
            7
        } else {
            5
        };
        let part = key.expose().get(..strength).unwrap_or_default();
        Self { key: Secret::new(md5(&[part, magic])), length: 16 }
    }

    /// A key of 8 bytes is written twice: for RC4 that is the same key.
    fn without_ess(key: &ExportedSessionKey, flags: NegotiateFlags) -> Self {
        let (length, filling): (usize, &[u8]) =
            if !flags.intersects(NegotiateFlags::LM_KEY | NegotiateFlags::DATAGRAM) {
                return Self { key: Secret::new(*key.expose()), length: 16 };
            } else if flags.contains(NegotiateFlags::KEY_56) {
                (7, &[0xa0])
            } else {
                (5, &[0xe5, 0x38, 0xb0])
            };
        let mut twice = Zeroizing::new([0; 16]);
        let eight = key.expose().iter().take(length).chain(filling);
        for (to, from) in twice.iter_mut().zip(eight.cycle()) {
            *to = *from;
        }
        Self { key: Secret::new(*twice), length: 8 }
    }

    /// The 16 or 8 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.key.expose().get(..self.length).unwrap_or_default()
    }

    pub(super) fn start(&self) -> Rc4Handle {
        Rc4Handle::new(self.key.expose())
    }
}
