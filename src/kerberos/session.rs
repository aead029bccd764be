//! Protection of messages ([RFC 4121] §4.2).

use super::{Key, KeyUsage};
use crate::env::SecureRandom;
use crate::error::{ApiMisuse, Error};
use crate::wire::krb5::{MicToken, PerMessageFlags, WrapToken};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The session security of an established exchange. Messages are taken in their order.
pub(crate) struct Session {
    key: Key,
    /// Whether the key is the acceptor's subkey.
    acceptor_subkey: bool,
    role: Role,
    mutual: bool,
    sent: u64,
    received: u64,
    random: Arc<dyn SecureRandom>,
    poisoned: bool,
}

/// Which side this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Acceptor,
    Initiator,
}

/// The first sequence numbers of both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) sent: u32,
    pub(super) received: u32,
}

impl Session {
    pub(super) fn new(
        key: Key,
        acceptor_subkey: bool,
        role: Role,
        mutual: bool,
        numbers: Numbers,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let (sent, received) = (numbers.sent.into(), numbers.received.into());
        Self { key, acceptor_subkey, role, mutual, sent, received, random, poisoned: false }
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.key.expose()
    }

    /// Whether the acceptor has proven itself.
    pub(crate) fn is_mutual(&self) -> bool {
        self.mutual
    }

    /// Tokens of RC4 are others ([RFC 4757]), and not made here.
    pub(crate) fn has_integrity(&self) -> bool {
        !self.key.encryption_type().is_weak()
    }

    fn check(&self, prefix: &[u8]) -> Result<(), Error> {
        if !self.has_integrity() || !prefix.is_empty() {
            return Err(ApiMisuse::NoSessionSecurity.into());
        }
        if self.poisoned {
            return Err(ApiMisuse::SessionPoisoned.into());
        }
        Ok(())
    }

    fn our_flags(&self) -> PerMessageFlags {
        let mut flags = PerMessageFlags::empty();
        flags.set(PerMessageFlags::SENT_BY_ACCEPTOR, self.role == Role::Acceptor);
        flags.set(PerMessageFlags::ACCEPTOR_SUBKEY, self.acceptor_subkey);
        flags
    }

    fn peers_flags(&self) -> PerMessageFlags {
        self.our_flags() ^ PerMessageFlags::SENT_BY_ACCEPTOR
    }

    fn usages(&self, ours: bool) -> (KeyUsage, KeyUsage) {
        match (self.role, ours) {
            (Role::Acceptor, true) | (Role::Initiator, false) => {
                (KeyUsage::ACCEPTOR_SIGN, KeyUsage::ACCEPTOR_SEAL)
            }
            (Role::Initiator, true) | (Role::Acceptor, false) => {
                (KeyUsage::INITIATOR_SIGN, KeyUsage::INITIATOR_SEAL)
            }
        }
    }

    fn next_number(&mut self) -> Result<u64, Error> {
        let number = self.sent;
        self.sent = number.checked_add(1).ok_or(ApiMisuse::SequenceExhausted)?;
        Ok(number)
    }

    /// `GSS_GetMIC` ([RFC 4121] §4.2.6.1).
    pub(crate) fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.check(&[])?;
        let sequence_number = self.next_number()?;
        let mut token = MicToken { flags: self.our_flags(), sequence_number, checksum: &[] };
        let checksum = self.key.checksum(self.usages(true).0, &[message, &token.header()]);
        token.checksum = checksum.as_bytes();
        let mut out = Vec::new();
        token.encode(&mut out);
        Ok(out)
    }

    /// `GSS_VerifyMIC`: whether `token` is the peer's over its next message.
    pub(crate) fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<bool, Error> {
        self.check(&[])?;
        let right = MicToken::decode(token).is_ok_and(|token| {
            let usage = self.usages(false).0;
            token.flags == self.peers_flags()
                && token.sequence_number == self.received
                && self
                    .key
                    .verify_checksum(usage, &[message, &token.header()], token.checksum)
                    .is_ok()
        });
        self.settle(right);
        Ok(right)
    }

    fn settle(&mut self, right: bool) {
        match self.received.checked_add(1).filter(|_| right) {
            Some(next) => self.received = next,
            None => self.poisoned = true,
        }
    }

    /// `GSS_Wrap` with confidentiality ([RFC 4121] §4.2.4): encrypts in place, and gives what
    /// stands in front of it: header, and the end of the ciphertext, which rotation brings there.
    ///
    /// A prefix that is signed only is for `DCE_STYLE`, which is not here.
    pub(crate) fn seal(&mut self, prefix: &[u8], message: &mut [u8]) -> Result<Vec<u8>, Error> {
        self.check(prefix)?;
        let mut confounder = [0; 16];
        self.random.fill(&mut confounder)?;
        let flags = self.our_flags() | PerMessageFlags::SEALED;
        let sequence_number = self.next_number()?;
        let mut token = WrapToken {
            flags,
            extra_count: 0,
            right_rotation_count: 0,
            sequence_number,
            data: &[],
        };
        let mut plaintext =
            zeroize::Zeroizing::new(Vec::with_capacity(message.len().saturating_add(16)));
        plaintext.extend_from_slice(message);
        plaintext.extend_from_slice(&token.header());
        let mut ciphertext = Vec::new();
        self.key.encrypt(self.usages(true).1, &confounder, &plaintext, &mut ciphertext);
        // In front of the message its confounder stands, behind it the header and the checksum.
        let too_long = || Error::from(ApiMisuse::FieldTooLong("Wrap token"));
        let behind = 16_usize.saturating_add(self.key.encryption_type().checksum_length());
        let split = ciphertext.len().checked_sub(behind).ok_or_else(too_long)?;
        let (front, behind) = ciphertext.split_at_checked(split).ok_or_else(too_long)?;
        let (confounder, data) = front.split_at_checked(16).ok_or_else(too_long)?;
        token.right_rotation_count = u16::try_from(behind.len()).map_err(|_| too_long())?;
        message.iter_mut().zip(data).for_each(|(to, from)| *to = *from);
        Ok([&token.header(), behind, confounder].concat())
    }

    /// `GSS_Unwrap`: the reverse. `false` and zeros if it is not the peer's next message.
    pub(crate) fn unseal(
        &mut self,
        prefix: &[u8],
        message: &mut [u8],
        front: &[u8],
    ) -> Result<bool, Error> {
        self.check(prefix)?;
        let whole = [front, &*message].concat();
        let plaintext = self.open(&whole);
        let right = plaintext.as_ref().is_some_and(|it| it.len() == message.len());
        match plaintext.filter(|_| right) {
            Some(plaintext) => {
                message.iter_mut().zip(plaintext.iter()).for_each(|(to, from)| *to = *from);
            }
            None => message.fill(0),
        }
        self.settle(right);
        Ok(right)
    }

    fn open(&self, whole: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let token = WrapToken::decode(whole).ok()?;
        let sealed = self.peers_flags() | PerMessageFlags::SEALED;
        if token.flags != sealed || token.sequence_number != self.received {
            return None;
        }
        let ciphertext = token.unrotated().concat();
        let mut plaintext = self.key.decrypt(self.usages(false).1, &ciphertext).ok()?;
        // The header stands behind the message and its filler, as it was before rotation.
        let rotated_back = WrapToken { right_rotation_count: 0, ..token };
        let header = plaintext.len().checked_sub(16)?;
        if *plaintext.get(header..)? != rotated_back.header() {
            return None;
        }
        let length = header.checked_sub(token.extra_count.into())?;
        plaintext.truncate(length);
        Some(plaintext)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("role", &self.role)
            .field("mutual", &self.mutual)
            .finish_non_exhaustive()
    }
}
