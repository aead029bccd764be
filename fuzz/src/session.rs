//! Messages of a session whose key nobody has.

use crate::input::Input;
use logon::ntlm::{ExportedSessionKey, Role, Session};
use logon::wire::ntlm::NegotiateFlags;

/// A key that no input was made with.
const KEY: [u8; 16] = *b"\x8c\x1f\x5e\xa2\x93\x44\xd0\x7b\x21\x66\xfa\x09\xbe\x35\x90\xc7";

/// A sequence of messages, some signed and some sealed: none is accepted, and the first ends the
/// session.
pub fn session_unwrap(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = u32::from(input.u16()) << 16 | u32::from(input.u16());
    let flags = NegotiateFlags::from_bits_retain(flags);
    let role = if input.byte() & 1 == 0 { Role::Acceptor } else { Role::Initiator };
    let mut session = Session::new(ExportedSessionKey::from_bytes(KEY), flags, role);
    let mut ended = false;
    while !input.is_empty() {
        let sealed = input.byte() & 1 == 0;
        let prefix = input.bytes();
        let mut message = input.bytes().to_vec();
        let signature = input.bytes();
        let verdict = if sealed {
            session.unseal(prefix, &mut message, signature)
        } else {
            session.verify_mic(&message, signature)
        };
        match verdict {
            Ok(accepted) => {
                assert!(!accepted, "a message of nobody");
                assert!(!ended, "a session that had ended");
                assert!(!sealed || message.iter().all(|byte| *byte == 0), "not wiped");
                ended = true;
            }
            Err(_) => assert!(ended || !session.has_integrity() || sealed),
        }
    }
}
