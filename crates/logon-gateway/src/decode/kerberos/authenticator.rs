//! The authenticator ([RFC 4120] §5.5.1), which the session key of its ticket opens.

use super::ticket::{Inside, print_cipher, print_key, print_name};
use super::words::{ChecksumType, Moment};
use super::{authorization, decoded};
use crate::decode::DecodeFailure;
use crate::decode::tree::{Hex, Tree};
use logon::kerberos::{EncryptionType, Key, KeyUsage};
use logon::wire::krb5::{
    Authenticator, AuthenticatorChecksum, Checksum, EncTicketPart, EncryptedData,
};
use std::io;

pub(super) fn print(
    tree: &mut Tree<'_>,
    data: &EncryptedData<'_>,
    ticket: Option<&Inside>,
    usage: KeyUsage,
) -> Result<(), DecodeFailure> {
    print_cipher(tree, "authenticator", data)?;
    let Some(ticket) = ticket else { return Ok(()) };
    let ticket = ticket.part()?;
    let mut below = tree.below();
    let key = EncryptionType::try_from(ticket.key.key_type);
    let key = match key.and_then(|it| Key::new(it, ticket.key.value)) {
        Ok(key) => key,
        Err(error) => return Ok(below.line(format_args!("not decrypted: session key: {error}"))?),
    };
    let Ok(plain) = key.decrypt(usage, data.cipher) else {
        return Ok(below.line(
            "not decrypted: not made with the session key of this ticket, or altered; a service \
             refuses it",
        )?);
    };
    print_fields(&mut below, &Authenticator::decode(&plain)?, &ticket)
}

fn print_fields(
    tree: &mut Tree<'_>,
    this: &Authenticator<'_>,
    ticket: &EncTicketPart<'_>,
) -> Result<(), DecodeFailure> {
    print_name(tree, "cname", &this.client)?;
    if !this.client.is_same(&ticket.client) {
        tree.below().line("not the client of the ticket: a service refuses it")?;
    }
    let relation = relation(this, ticket);
    tree.line(format_args!(
        "ctime {} and {} µs: {relation}",
        Moment::from(this.ctime),
        this.cusec
    ))?;
    match &this.checksum {
        None => tree.line("cksum (absent)")?,
        Some(checksum) => print_checksum(tree, checksum)?,
    }
    match &this.subkey {
        None => tree.line("subkey (absent)")?,
        Some(key) => print_key(tree, "subkey", key)?,
    }
    match this.seq_number {
        None => tree.line("seq-number (absent)")?,
        Some(number) => tree.line(format_args!("seq-number {number}"))?,
    }
    Ok(authorization::print(tree, &this.authorization_data, None)?)
}

/// What services allow between clocks, unless they say otherwise ([RFC 4120] §3.2.3).
const SKEW: u64 = 300;

fn relation(this: &Authenticator<'_>, ticket: &EncTicketPart<'_>) -> String {
    let made = this.ctime.unix_seconds();
    let start = ticket.start_time.unwrap_or(ticket.auth_time).unix_seconds();
    let end = ticket.end_time.unix_seconds();
    if let before @ 1.. = start.saturating_sub(made.saturating_add(SKEW)) {
        let before = before.saturating_add(SKEW);
        return format!("{before} seconds before the ticket begins, by the client's clock");
    }
    match made.saturating_sub(end) {
        0 => "while the ticket holds".to_owned(),
        after => format!("{after} seconds after the end of the ticket, by the client's clock"),
    }
}

fn print_checksum(tree: &mut Tree<'_>, checksum: &Checksum<'_>) -> io::Result<()> {
    let (kind, length) = (ChecksumType(checksum.checksum_type), checksum.checksum.len());
    tree.line(format_args!("cksum {kind}, {length} bytes"))?;
    if checksum.checksum_type != AuthenticatorChecksum::CHECKSUM_TYPE {
        return Ok(());
    }
    let mut below = tree.below();
    let result = AuthenticatorChecksum::decode(checksum.checksum);
    let Some(this) = decoded(&mut below, result)? else { return Ok(()) };
    match this.bindings {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] => {
            below.line("Bnd (all zero: no channel bindings)")?;
        }
        hash => below.line(format_args!("Bnd {} (MD5 of the channel bindings)", Hex(&hash)))?,
    }
    let names = this.flags.iter_names().map(|(name, _)| format!(" {name}")).collect::<String>();
    below.line(format_args!("Flags 0x{:08x}{names}", this.flags.bits()))?;
    if let Some(delegation) = this.delegation {
        let length = delegation.len();
        below.line(format_args!("Deleg, {length} bytes: a ticket of the client (not shown)"))?;
    }
    match this.extensions {
        [] => Ok(()),
        extensions => below.line(format_args!("Exts, {} bytes", extensions.len())),
    }
}
