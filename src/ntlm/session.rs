//! Session security: signing and sealing with extended session security ([MS-NLMP] §3.4).

use super::keys::ExportedSessionKey;
use crate::crypto::{HmacMd5, Rc4Handle, Secret, md5};
use crate::error::{ApiMisuse, Error};
use crate::wire::ntlm::{MessageSignature, NegotiateFlags};
use alloc::boxed::Box;
use core::fmt;
use subtle::ConstantTimeEq;

/// Which side of an exchange somebody is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The client.
    Initiator,
    /// The server.
    Acceptor,
}

/// `SignKey` of one direction ([MS-NLMP] §3.4.5.2).
#[derive(Debug, Clone)]
pub struct SignKey(Secret);

/// `SealKey` of one direction ([MS-NLMP] §3.4.5.3).
#[derive(Debug, Clone)]
pub struct SealKey(Secret);

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
    /// The key for what `sender` sends: MD5 of as much of the session key as was negotiated
    /// (16, 7 or 5 bytes) and a magic constant, its NUL included.
    #[must_use]
    pub fn new(key: &ExportedSessionKey, flags: NegotiateFlags, sender: Role) -> Self {
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
        Self(Secret::new(md5(&[part, magic])))
    }

    /// The 16 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }
}

/// What one side keeps for one direction.
struct Direction {
    sign_key: SignKey,
    seal_key: SealKey,
    cipher: Rc4Handle,
    seq_num: u32,
    key_exchange: bool,
}

impl Direction {
    fn new(key: &ExportedSessionKey, flags: NegotiateFlags, sender: Role) -> Self {
        let seal_key = SealKey::new(key, flags, sender);
        Self {
            sign_key: SignKey::new(key, sender),
            cipher: Rc4Handle::new(seal_key.expose()),
            seal_key,
            seq_num: 0,
            key_exchange: flags.contains(NegotiateFlags::KEY_EXCH),
        }
    }

    /// `HMAC_MD5(SignKey, SeqNum | message)[0..8]` (§3.4.4.2).
    fn checksum(&self, message: &[u8]) -> [u8; 8] {
        let mut mac = HmacMd5::new(self.sign_key.expose());
        mac.update(&self.seq_num.to_le_bytes());
        mac.update(message);
        let [c0, c1, c2, c3, c4, c5, c6, c7, ..] = mac.finalize();
        [c0, c1, c2, c3, c4, c5, c6, c7]
    }

    /// Completes a signature, and the sequence number moves on. The key stream has to stand
    /// behind the data when they are sealed.
    fn signature(&mut self, mut checksum: [u8; 8]) -> Result<MessageSignature, Error> {
        let seq_num = self.seq_num;
        self.seq_num = seq_num.checked_add(1).ok_or(ApiMisuse::SequenceExhausted)?;
        if self.key_exchange {
            self.cipher.apply(&mut checksum);
        }
        Ok(MessageSignature { checksum, seq_num })
    }

    fn sign(&mut self, message: &[u8]) -> Result<MessageSignature, Error> {
        let checksum = self.checksum(message);
        self.signature(checksum)
    }

    /// Signs the plaintext, encrypts it in place, then encrypts the checksum (§3.4.3).
    fn seal(&mut self, message: &mut [u8]) -> Result<MessageSignature, Error> {
        let checksum = self.checksum(message);
        self.cipher.apply(message);
        self.signature(checksum)
    }

    /// Begins the key stream anew; the sequence number stays ([MS-SPNG] §3.2.5.1).
    fn restart_cipher(&mut self) {
        self.cipher = Rc4Handle::new(self.seal_key.expose());
    }
}

struct Directions {
    outgoing: Direction,
    incoming: Direction,
}

/// The session security of an established exchange. Keys are derived when first used: most
/// HTTP logons never sign anything.
pub(crate) struct Session {
    key: ExportedSessionKey,
    flags: NegotiateFlags,
    role: Role,
    directions: Option<Box<Directions>>,
    poisoned: bool,
}

impl Session {
    pub(crate) fn new(key: ExportedSessionKey, flags: NegotiateFlags, role: Role) -> Self {
        Self { key, flags, role, directions: None, poisoned: false }
    }

    pub(crate) fn exported_session_key(&self) -> &ExportedSessionKey {
        &self.key
    }

    /// Whether signatures can be made at all.
    pub(crate) fn can_sign(&self) -> bool {
        self.flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY)
            && self.flags.intersects(NegotiateFlags::SIGN | NegotiateFlags::SEAL)
    }

    fn directions(&mut self) -> Result<&mut Directions, Error> {
        if !self.can_sign() {
            return Err(ApiMisuse::NoSessionSecurity.into());
        }
        if self.poisoned {
            return Err(ApiMisuse::SessionPoisoned.into());
        }
        let (ours, theirs) = match self.role {
            Role::Initiator => (Role::Initiator, Role::Acceptor),
            Role::Acceptor => (Role::Acceptor, Role::Initiator),
        };
        Ok(self.directions.get_or_insert_with(|| {
            Box::new(Directions {
                outgoing: Direction::new(&self.key, self.flags, ours),
                incoming: Direction::new(&self.key, self.flags, theirs),
            })
        }))
    }

    /// `GSS_GetMIC`.
    pub(crate) fn get_mic(&mut self, message: &[u8]) -> Result<[u8; 16], Error> {
        Ok(self.directions()?.outgoing.sign(message)?.encode())
    }

    /// `GSS_VerifyMIC`. `Ok(false)` and every error leave the session unusable.
    pub(crate) fn verify_mic(&mut self, message: &[u8], signature: &[u8]) -> Result<bool, Error> {
        let expected = self.directions()?.incoming.sign(message)?;
        Ok(self.settle(expected, signature))
    }

    /// `GSS_Wrap` with confidentiality: encrypts in place.
    pub(crate) fn seal(&mut self, message: &mut [u8]) -> Result<[u8; 16], Error> {
        Ok(self.directions()?.outgoing.seal(message)?.encode())
    }

    /// `GSS_Unwrap`: decrypts in place. On a wrong signature the message is wiped, `Ok(false)`,
    /// and the session is unusable.
    pub(crate) fn unseal(&mut self, message: &mut [u8], signature: &[u8]) -> Result<bool, Error> {
        let incoming = &mut self.directions()?.incoming;
        incoming.cipher.apply(message);
        let expected = incoming.sign(message)?;
        let right = self.settle(expected, signature);
        if !right {
            message.fill(0);
        }
        Ok(right)
    }

    fn settle(&mut self, expected: MessageSignature, received: &[u8]) -> bool {
        let right = MessageSignature::decode(received)
            .is_ok_and(|received| received.encode().ct_eq(&expected.encode()).into());
        self.poisoned = !right;
        right
    }

    /// The acceptor's or initiator's own `mechListMIC`: a signature after which the key stream
    /// begins anew ([MS-SPNG] §3.2.5.1, §3.3.5.1).
    pub(crate) fn get_mech_list_mic(&mut self, mech_types: &[u8]) -> Result<[u8; 16], Error> {
        let mic = self.get_mic(mech_types)?;
        self.directions()?.outgoing.restart_cipher();
        Ok(mic)
    }

    /// Verifies the peer's `mechListMIC`, with the same rule.
    pub(crate) fn verify_mech_list_mic(
        &mut self,
        mech_types: &[u8],
        mic: &[u8],
    ) -> Result<bool, Error> {
        let right = self.verify_mic(mech_types, mic)?;
        if right {
            self.directions()?.incoming.restart_cipher();
        }
        Ok(right)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("flags", &self.flags).finish_non_exhaustive()
    }
}
