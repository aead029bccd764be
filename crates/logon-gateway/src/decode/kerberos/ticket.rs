//! A ticket, and what is in it ([RFC 4120] §5.3).

use super::words::{Bits, Etype, Moment, TICKET_FLAGS, name_type};
use super::{authorization, pac};
use crate::decode::DecodeFailure;
use crate::decode::keys::{Keys, Locked, Opened};
use crate::decode::tree::{Hex, Tree};
use logon::DecodeError;
use logon::kerberos::{Key, KeyUsage};
use logon::wire::krb5::{
    EncTicketPart, EncryptedData, EncryptionKey, KerberosTime, Principal, Ticket,
};
use std::io;
use zeroize::Zeroizing;

/// What a ticket has inside, decrypted.
pub(super) struct Inside(Zeroizing<Vec<u8>>);

impl Inside {
    pub(super) fn part(&self) -> Result<EncTicketPart<'_>, DecodeError> {
        EncTicketPart::decode(&self.0)
    }
}

/// The fields of a ticket, and those inside if there is a key for it.
pub(super) fn print_fields(
    tree: &mut Tree<'_>,
    ticket: &Ticket<'_>,
) -> Result<Option<Inside>, DecodeFailure> {
    print_name(tree, "sname", &ticket.server)?;
    let found =
        print_encrypted(tree, "enc-part", &ticket.server, KeyUsage::TICKET, &ticket.enc_part)?;
    let (Some(Opened { plain, key, .. }), Some(keys)) = (found, tree.keys()) else {
        return Ok(None);
    };
    let inside = Inside(plain);
    print_inside(&mut tree.below(), &inside.part()?, &key.key, keys)?;
    Ok(Some(inside))
}

pub(super) fn print_name(tree: &mut Tree<'_>, field: &str, name: &Principal<'_>) -> io::Result<()> {
    tree.line(format_args!("{field} {name} ({})", name_type(name.name_type)))
}

/// The outside of something encrypted in a key of `owner`, and by which key it was opened or why
/// it was not.
pub(super) fn print_encrypted<'k>(
    tree: &mut Tree<'k>,
    field: &str,
    owner: &Principal<'_>,
    usage: KeyUsage,
    data: &EncryptedData<'_>,
) -> io::Result<Option<Opened<'k>>> {
    print_cipher(tree, field, data)?;
    // Who reads a trace is not asked for keytabs.
    let Some(keys) = tree.keys() else { return Ok(None) };
    let mut below = tree.below();
    match keys.open(owner, usage, data) {
        Ok(opened) => {
            below.line(&opened)?;
            Ok(Some(opened))
        }
        Err(locked) => {
            print_locked(&mut below, &locked, owner, data)?;
            Ok(None)
        }
    }
}

fn print_locked(
    tree: &mut Tree<'_>,
    locked: &Locked,
    owner: &Principal<'_>,
    data: &EncryptedData<'_>,
) -> io::Result<()> {
    tree.line(locked.reason(owner, data))?;
    tree.line(format_args!("-> {}", locked.todo(owner)))
}

/// Type, version and length of something encrypted.
pub(super) fn print_cipher(
    tree: &mut Tree<'_>,
    field: &str,
    data: &EncryptedData<'_>,
) -> io::Result<()> {
    let version = match data.kvno {
        // Written as -1 where nobody knows it.
        Some(u32::MAX) => ", key version -1".to_owned(),
        Some(kvno) => format!(", key version {kvno}"),
        None => String::new(),
    };
    let (etype, length) = (Etype(data.etype), data.cipher.len());
    tree.line(format_args!("{field} {etype}{version}, {length} bytes"))
}

/// A key, of which only the type is shown.
pub(super) fn print_key(
    tree: &mut Tree<'_>,
    field: &str,
    key: &EncryptionKey<'_>,
) -> io::Result<()> {
    tree.line(format_args!("{field} {}, not shown", Etype(key.key_type)))
}

/// When a ticket was granted, when it begins, ends, and can be renewed no more.
pub(super) fn print_times(tree: &mut Tree<'_>, times: [Option<KerberosTime>; 4]) -> io::Result<()> {
    let fields = ["authtime", "starttime", "endtime", "renew-till"];
    for (field, time) in fields.into_iter().zip(times) {
        if let Some(time) = time {
            tree.line(format_args!("{field} {}", Moment::from(time)))?;
        }
    }
    Ok(())
}

fn print_inside(
    tree: &mut Tree<'_>,
    part: &EncTicketPart<'_>,
    service_key: &Key,
    keys: &Keys,
) -> Result<(), DecodeFailure> {
    tree.line(format_args!("flags {}", Bits(part.flags.bits(), TICKET_FLAGS)))?;
    print_key(tree, "key", &part.key)?;
    print_name(tree, "cname", &part.client)?;
    match part.transited.contents {
        [] => tree.line("transited (none: the realm itself, or its neighbour)")?,
        realms => {
            let realms = String::from_utf8_lossy(realms);
            tree.line(format_args!("transited {realms:?}, type {}", part.transited.kind))?;
        }
    }
    let [begin, end] = [part.auth_time, part.end_time].map(Some);
    print_times(tree, [begin, part.start_time, end, part.renew_till])?;
    for address in &part.addresses {
        tree.line(format_args!("caddr, type {}: {}", address.kind, Hex(address.data)))?;
    }
    let subject = pac::Subject { ticket: part, service_key, keys };
    Ok(authorization::print(tree, &part.authorization_data, Some(&subject))?)
}
