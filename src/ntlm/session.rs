//! Session security: signing and sealing ([MS-NLMP] §3.4).
//!
//! With extended session security each direction has a signing key, a sealing key and a key
//! stream. Without it there is one key stream for both directions, and a CRC for a signature.

use super::keys::ExportedSessionKey;
use crate::crypto::{HmacMd5, Rc4Handle, Secret, crc32, md5};
use crate::error::{ApiMisuse, Error};
use crate::wire::ntlm::{MessageSignature, NegotiateFlags};
use alloc::boxed::Box;
use core::fmt;
use subtle::ConstantTimeEq;

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
    fn peer(self) -> Self {
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
        let [a, b, c, d, e, f, g, ..] = *key.expose();
        let eight = if !flags.intersects(NegotiateFlags::LM_KEY | NegotiateFlags::DATAGRAM) {
            return Self { key: Secret::new(*key.expose()), length: 16 };
        } else if flags.contains(NegotiateFlags::KEY_56) {
            [a, b, c, d, e, f, g, 0xa0]
        } else {
            [a, b, c, d, e, 0xe5, 0x38, 0xb0]
        };
        let mut twice = [0; 16];
        for (to, from) in twice.iter_mut().zip(eight.iter().cycle()) {
            *to = *from;
        }
        Self { key: Secret::new(twice), length: 8 }
    }

    /// The 16 or 8 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.key.expose().get(..self.length).unwrap_or_default()
    }

    fn start(&self) -> Rc4Handle {
        Rc4Handle::new(self.key.expose())
    }
}

/// What one side keeps for one direction, with extended session security.
struct Direction {
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
    fn new(key: &ExportedSessionKey, flags: NegotiateFlags, sender: Role, seq_num: u32) -> Self {
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
    fn protect(&mut self, prefix: &[u8], message: Message<'_>) -> Result<MessageSignature, Error> {
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
    fn expect(&mut self, prefix: &[u8], message: Message<'_>) -> Result<MessageSignature, Error> {
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
struct Shared {
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
enum Keys {
    Extended { outgoing: Direction, incoming: Direction },
    Shared(Shared),
}

fn next(seq_num: &mut u32) -> Result<u32, Error> {
    let current = *seq_num;
    *seq_num = current.checked_add(1).ok_or(ApiMisuse::SequenceExhausted)?;
    Ok(current)
}

impl Keys {
    fn new(
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
    fn protect(&mut self, prefix: &[u8], message: Message<'_>) -> Result<MessageSignature, Error> {
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
    fn expect(&mut self, prefix: &[u8], message: Message<'_>) -> Result<MessageSignature, Error> {
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

enum Message<'a> {
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

/// The session security of an established exchange ([MS-NLMP] §3.4): what [`crate::Context`]
/// protects messages with. It proves nothing about anybody.
///
/// Keys are derived when first used: most HTTP logons never sign anything.
pub struct Session {
    key: ExportedSessionKey,
    flags: NegotiateFlags,
    role: Role,
    first: FirstNumbers,
    keys: Option<Box<Keys>>,
    poisoned: bool,
}

/// The numbers of the first messages, 1 behind a `mechListMIC`.
#[derive(Clone, Copy, Default)]
struct FirstNumbers {
    outgoing: u32,
    incoming: u32,
}

/// The signature of a session that negotiated `ALWAYS_SIGN` and neither signing nor sealing
/// (§3.4.4.3). It protects nothing.
const DUMMY: [u8; 16] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl Session {
    /// The session of a key and the negotiated flags that are already known.
    #[must_use]
    pub fn new(key: ExportedSessionKey, flags: NegotiateFlags, role: Role) -> Self {
        Self { key, flags, role, first: FirstNumbers::default(), keys: None, poisoned: false }
    }

    pub(crate) fn exported_session_key(&self) -> &ExportedSessionKey {
        &self.key
    }

    /// Whether messages are really signed: `SIGN` or `SEAL` was negotiated.
    #[must_use]
    pub fn has_integrity(&self) -> bool {
        self.flags.intersects(NegotiateFlags::SIGN | NegotiateFlags::SEAL)
    }

    fn has_confidentiality(&self) -> bool {
        self.flags.contains(NegotiateFlags::SEAL)
    }

    fn keys(&mut self) -> Result<&mut Keys, Error> {
        if !self.has_integrity() {
            return Err(ApiMisuse::NoSessionSecurity.into());
        }
        if self.poisoned {
            return Err(ApiMisuse::SessionPoisoned.into());
        }
        let (key, flags, role, first) = (&self.key, self.flags, self.role, self.first);
        Ok(self.keys.get_or_insert_with(|| Box::new(Keys::new(key, flags, role, first))))
    }

    /// `GSS_GetMIC`: a signature of 16 bytes over `message` (§3.4.4). With `ALWAYS_SIGN` alone it
    /// is the dummy of §3.4.4.3, which protects nothing.
    ///
    /// # Errors
    /// [`ApiMisuse`] if the session has no integrity, or no longer.
    pub fn get_mic(&mut self, message: &[u8]) -> Result<[u8; 16], Error> {
        if !self.has_integrity() && self.flags.contains(NegotiateFlags::ALWAYS_SIGN) {
            return Ok(DUMMY);
        }
        Ok(self.keys()?.protect(&[], Message::Signed(message))?.encode())
    }

    /// `GSS_VerifyMIC`: whether `signature` is the peer's over its next message. A dummy
    /// signature is never right: anybody can make it.
    ///
    /// # Errors
    /// [`ApiMisuse`] if the session has no integrity, or no longer: one wrong signature ends it.
    pub fn verify_mic(&mut self, message: &[u8], signature: &[u8]) -> Result<bool, Error> {
        let expected = self.keys()?.expect(&[], Message::Signed(message))?;
        Ok(self.settle(expected, signature))
    }

    /// `GSS_WrapEx`: encrypts `message` in place and signs it behind `prefix`, which stays
    /// readable; gives the signature of 16 bytes.
    ///
    /// # Errors
    /// [`ApiMisuse`] if the session has no confidentiality, or no longer.
    pub fn seal(&mut self, prefix: &[u8], message: &mut [u8]) -> Result<[u8; 16], Error> {
        if !self.has_confidentiality() {
            return Err(ApiMisuse::NoConfidentiality.into());
        }
        Ok(self.keys()?.protect(prefix, Message::Sealed(message))?.encode())
    }

    /// `GSS_UnwrapEx`: decrypts in place. On a wrong signature the message is wiped, `Ok(false)`,
    /// and the session is unusable.
    ///
    /// # Errors
    /// [`ApiMisuse`] if the session has no confidentiality, or no longer.
    pub fn unseal(
        &mut self,
        prefix: &[u8],
        message: &mut [u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        if !self.has_confidentiality() {
            return Err(ApiMisuse::NoConfidentiality.into());
        }
        let expected = self.keys()?.expect(prefix, Message::Sealed(message))?;
        let right = self.settle(expected, signature);
        if !right {
            message.fill(0);
        }
        Ok(right)
    }

    fn settle(&mut self, expected: MessageSignature, received: &[u8]) -> bool {
        let shared = !self.flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY);
        let right = MessageSignature::decode(received).is_ok_and(|mut received| {
            if shared {
                // `RandomPad` is whatever the sender likes.
                let [_, _, _, _, crc @ ..] = received.checksum;
                let [c0, c1, c2, c3] = crc;
                received.checksum = [0, 0, 0, 0, c0, c1, c2, c3];
            }
            received.encode().ct_eq(&expected.encode()).into()
        });
        self.poisoned = !right;
        right
    }

    /// This side's `mechListMIC`: the first signature of its direction. The key stream begins
    /// anew behind it, the sequence number does not ([MS-SPNG] §3.2.5.1, §3.3.5.1); so nothing
    /// but the number has to be kept.
    pub(crate) fn get_mech_list_mic(&mut self, mech_types: &[u8]) -> Result<[u8; 16], Error> {
        let mic = self.first_signature(self.role, mech_types)?;
        self.first.outgoing = 1;
        Ok(mic.encode())
    }

    /// Verifies the peer's `mechListMIC`, with the same rule.
    pub(crate) fn verify_mech_list_mic(
        &mut self,
        mech_types: &[u8],
        mic: &[u8],
    ) -> Result<bool, Error> {
        let expected = self.first_signature(self.role.peer(), mech_types)?;
        self.first.incoming = 1;
        Ok(self.settle(expected, mic))
    }

    /// What `sender` signs first. Keys of its direction alone: a key schedule costs as much as
    /// six blocks of MD5.
    fn first_signature(&self, sender: Role, message: &[u8]) -> Result<MessageSignature, Error> {
        if !self.has_integrity() {
            return Err(ApiMisuse::NoSessionSecurity.into());
        }
        let message = Message::Signed(message);
        if self.flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY) {
            Direction::new(&self.key, self.flags, sender, 0).protect(&[], message)
        } else {
            Keys::new(&self.key, self.flags, sender, FirstNumbers::default()).protect(&[], message)
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("flags", &self.flags).finish_non_exhaustive()
    }
}
