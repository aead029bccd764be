//! Session security as an application sees it: signing and sealing ([MS-NLMP] §3.4).

use super::keys::ExportedSessionKey;
use super::protection::{Direction, FirstNumbers, Keys, Message};
use super::session_keys::Role;
use crate::error::{ApiMisuse, Error};
use crate::wire::ntlm::{MessageSignature, NegotiateFlags};
use alloc::boxed::Box;
use core::fmt;
use subtle::ConstantTimeEq;

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

    pub(crate) fn has_confidentiality(&self) -> bool {
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

#[cfg(test)]
mod tests {
    use super::{FirstNumbers, Role, Session};
    use crate::error::{ApiMisuse, Error};
    use crate::ntlm::ExportedSessionKey;
    use crate::wire::ntlm::NegotiateFlags;

    const BOTH: NegotiateFlags = NegotiateFlags::SIGN.union(NegotiateFlags::SEAL);

    /// One end, its next number being the last.
    fn end(flags: NegotiateFlags, role: Role) -> Session {
        let key = ExportedSessionKey::from_bytes([0x55; 16]);
        let mut session = Session::new(key, flags | BOTH, role);
        session.first = FirstNumbers { outgoing: u32::MAX - 1, incoming: u32::MAX - 1 };
        session
    }

    // K-09, K-11: a number is never used again; where there is none left, messages stay as they
    // are, neither encrypted nor, without a signature that was verified, decrypted.
    #[test]
    fn the_numbers_are_used_up_and_do_not_begin_again() {
        let ess = NegotiateFlags::EXTENDED_SESSIONSECURITY | NegotiateFlags::KEY_EXCH;
        let exhausted = || Error::from(ApiMisuse::SequenceExhausted);
        for flags in [ess, NegotiateFlags::empty()] {
            let (mut client, mut server) =
                (end(flags, Role::Initiator), end(flags, Role::Acceptor));
            let mut message = *b"the last one";
            let signature = client.seal(&[], &mut message).unwrap();
            let sealed = message;
            assert!(server.unseal(&[], &mut message, &signature).unwrap());
            assert_eq!(&message, b"the last one");
            for _ in 0..3 {
                assert_eq!(client.seal(&[], &mut message).unwrap_err(), exhausted());
                assert_eq!(&message, b"the last one", "not encrypted");
                assert_eq!(client.get_mic(&message).unwrap_err(), exhausted());
                let mut again = sealed;
                assert_eq!(server.unseal(&[], &mut again, &signature).unwrap_err(), exhausted());
                assert_eq!(again, sealed, "not decrypted");
                assert_eq!(server.verify_mic(&again, &signature).unwrap_err(), exhausted());
            }
        }
    }
}
