//! Protecting messages, direction by direction ([MS-NLMP] §3.4.3, §3.4.4).
//!
//! With extended session security each direction has a signing key, a sealing key and a key
//! stream. Without it there is one key stream for both directions, and a CRC for a signature.

use super::keys::ExportedSessionKey;
use super::session_keys::{Role, SealKey, SignKey};
use crate::crypto::{HmacMd5, Rc4Handle, crc32};
use crate::error::{ApiMisuse, Error};
use crate::wire::ntlm::{MessageSignature, NegotiateFlags};

/// The numbers of the first messages, 1 behind a `mechListMIC`.
#[derive(Clone, Copy, Default)]
pub(super) struct FirstNumbers {
    pub(super) outgoing: u32,
    pub(super) incoming: u32,
}

/// What one side keeps for one direction, with extended session security.
pub(super) struct Direction {
    /// Keyed with the [`SignKey`]: two of the four or more hash blocks of a short message's
    /// checksum are the same for each message.
    keyed: HmacMd5,
    cipher: Rc4Handle,
    seq_num: u32,
    key_exchange: bool,
}

/// A block of MD5. MAC and cipher take turns at it: neither needs the other's result, and so the
/// processor works on both at once, as far as it looks ahead.
const TURN: usize = 64;

impl Direction {
    pub(super) fn new(
        key: &ExportedSessionKey,
        flags: NegotiateFlags,
        sender: Role,
        seq_num: u32,
    ) -> Self {
        Self {
            keyed: HmacMd5::new(SignKey::new(key, sender).expose()),
            cipher: SealKey::new(key, flags, sender).start(),
            seq_num,
            key_exchange: flags.contains(NegotiateFlags::KEY_EXCH),
        }
    }

    /// `HMAC_MD5(SignKey, SeqNum | prefix | message)`, the message still to come (§3.4.4.2), and
    /// its number. Without a number nothing is touched.
    fn start(&mut self, prefix: &[u8]) -> Result<(HmacMd5, u32), Error> {
        let seq_num = next(&mut self.seq_num)?;
        let mut mac = self.keyed.clone();
        mac.update(&seq_num.to_le_bytes());
        mac.update(prefix);
        Ok((mac, seq_num))
    }

    /// What the sender does. The plaintext is signed, the message encrypted before the checksum
    /// is (§3.4.3).
    pub(super) fn protect(
        &mut self,
        prefix: &[u8],
        message: Message<'_>,
    ) -> Result<MessageSignature, Error> {
        let (mut mac, seq_num) = self.start(prefix)?;
        match message {
            Message::Signed(message) => mac.update(message),
            Message::Sealed(message) => {
                for block in message.chunks_mut(TURN) {
                    mac.update(block);
                    self.cipher.apply(block);
                }
            }
        }
        Ok(self.signature(mac, seq_num))
    }

    /// What the receiver does: the same, decrypting first.
    pub(super) fn expect(
        &mut self,
        prefix: &[u8],
        message: Message<'_>,
    ) -> Result<MessageSignature, Error> {
        let (mut mac, seq_num) = self.start(prefix)?;
        match message {
            Message::Signed(message) => mac.update(message),
            Message::Sealed(message) => {
                for block in message.chunks_mut(TURN) {
                    self.cipher.apply(block);
                    mac.update(block);
                }
            }
        }
        Ok(self.signature(mac, seq_num))
    }

    fn signature(&mut self, mac: HmacMd5, seq_num: u32) -> MessageSignature {
        let [c0, c1, c2, c3, c4, c5, c6, c7, ..] = mac.finalize();
        let mut checksum = [c0, c1, c2, c3, c4, c5, c6, c7];
        if self.key_exchange {
            self.cipher.apply(&mut checksum);
        }
        MessageSignature { checksum, seq_num }
    }
}

/// What one side keeps for both directions, without extended session security.
pub(super) struct Shared {
    cipher: Rc4Handle,
    outgoing: u32,
    incoming: u32,
}

impl Shared {
    /// `RandomPad`, CRC-32 and `SeqNum` go through the key stream in this order; on the wire the
    /// pad is zero and `SeqNum` is the key stream of zeros with the number (§3.4.4.1).
    fn signature(&mut self, crc: [u8; 4], seq_num: u32) -> MessageSignature {
        let [c0, c1, c2, c3] = crc;
        let mut fields = [0, 0, 0, 0, c0, c1, c2, c3, 0, 0, 0, 0];
        self.cipher.apply(&mut fields);
        let [_, _, _, _, c0, c1, c2, c3, s0, s1, s2, s3] = fields;
        let seq_num = u32::from_le_bytes([s0, s1, s2, s3]) ^ seq_num;
        MessageSignature { checksum: [0, 0, 0, 0, c0, c1, c2, c3], seq_num }
    }
}

#[expect(clippy::large_enum_variant, reason = "the large one is the usual one")]
pub(super) enum Keys {
    Extended { outgoing: Direction, incoming: Direction },
    Shared(Shared),
}

fn next(seq_num: &mut u32) -> Result<u32, Error> {
    let current = *seq_num;
    *seq_num = current.checked_add(1).ok_or(ApiMisuse::SequenceExhausted)?;
    Ok(current)
}

impl Keys {
    pub(super) fn new(
        key: &ExportedSessionKey,
        flags: NegotiateFlags,
        role: Role,
        first: FirstNumbers,
    ) -> Self {
        let FirstNumbers { outgoing, incoming } = first;
        if !flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY) {
            let seal_key = SealKey::new(key, flags, role);
            return Self::Shared(Shared { cipher: seal_key.start(), outgoing, incoming });
        }
        Self::Extended {
            outgoing: Direction::new(key, flags, role, outgoing),
            incoming: Direction::new(key, flags, role.peer(), incoming),
        }
    }

    /// Signs `prefix` and `message`, and encrypts `message` if it is to be sealed.
    pub(super) fn protect(
        &mut self,
        prefix: &[u8],
        message: Message<'_>,
    ) -> Result<MessageSignature, Error> {
        match self {
            Self::Extended { outgoing, .. } => outgoing.protect(prefix, message),
            // Without extended session security only what is sealed or signed by itself counts;
            // a prefix is part of the message that is signed.
            Self::Shared(shared) => {
                let seq_num = next(&mut shared.outgoing)?;
                let crc = crc32([prefix, message.plaintext()]);
                if let Message::Sealed(message) = message {
                    shared.cipher.apply(message);
                }
                Ok(shared.signature(crc, seq_num))
            }
        }
    }

    /// The signature that the peer has to have made; decrypts `message` if it is sealed.
    pub(super) fn expect(
        &mut self,
        prefix: &[u8],
        message: Message<'_>,
    ) -> Result<MessageSignature, Error> {
        match self {
            Self::Extended { incoming, .. } => incoming.expect(prefix, message),
            Self::Shared(shared) => {
                let seq_num = next(&mut shared.incoming)?;
                let plaintext = match message {
                    Message::Signed(message) => message,
                    Message::Sealed(message) => {
                        shared.cipher.apply(message);
                        message
                    }
                };
                let crc = crc32([prefix, plaintext]);
                Ok(shared.signature(crc, seq_num))
            }
        }
    }
}

/// What is signed, and encrypted if it is to be sealed.
pub(super) enum Message<'a> {
    Signed(&'a [u8]),
    Sealed(&'a mut [u8]),
}

impl Message<'_> {
    fn plaintext(&self) -> &[u8] {
        match self {
            Self::Signed(message) => message,
            Self::Sealed(message) => message,
        }
    }
}
