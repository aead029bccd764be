//! Sealing and unsealing in place, with extended session security, 128 bit and key exchange.

use logon::ntlm::{ExportedSessionKey, Role, Session};
use logon::wire::ntlm::NegotiateFlags;
use std::hint::black_box;

fn session(role: Role) -> Session {
    let flags = NegotiateFlags::EXTENDED_SESSIONSECURITY
        | NegotiateFlags::SIGN
        | NegotiateFlags::SEAL
        | NegotiateFlags::KEY_EXCH
        | NegotiateFlags::KEY_128;
    Session::new(ExportedSessionKey::from_bytes([0x11; 16]), flags, role)
}

pub(crate) fn seal(size: usize) -> (impl FnMut(), impl FnMut(())) {
    let mut session = session(Role::Initiator);
    let mut message = vec![0x33; size];
    let run = move |()| {
        black_box(session.seal(&[], black_box(&mut message)).unwrap());
    };
    (|| (), run)
}

/// A message and its signature.
type Sealed = (Vec<u8>, [u8; 16]);

/// The peer seals while it is not timed; one message each.
pub(crate) fn unseal(size: usize) -> (impl FnMut() -> Sealed, impl FnMut(Sealed)) {
    let mut sender = session(Role::Initiator);
    let mut receiver = session(Role::Acceptor);
    let prepare = move || {
        let mut message = vec![0x33; size];
        let signature = sender.seal(&[], &mut message).unwrap();
        (message, signature)
    };
    let run = move |(mut message, signature): Sealed| {
        assert!(receiver.unseal(&[], black_box(&mut message), &signature).unwrap());
    };
    (prepare, run)
}
