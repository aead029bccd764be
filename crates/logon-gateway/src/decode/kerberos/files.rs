//! Keytabs and credential caches, without their keys.

use super::decoded;
use super::ticket;
use super::words::{Bits, Etype, Moment, TICKET_FLAGS, name_type};
use crate::decode::DecodeFailure;
use crate::decode::tree::Tree;
use logon::kerberos::EncryptionType;
use logon::wire::krb5::{CachedCredential, CredentialCacheFile, KeytabEntry, KeytabFile, Ticket};

/// What a file is. Both kinds begin with 5 and a version, so what is neither is taken for the one
/// that is more usual in that version.
#[derive(Debug)]
pub(in crate::decode) enum File<'a> {
    Keytab(KeytabFile<'a>),
    CredentialCache(CredentialCacheFile<'a>),
}

const MAGIC: u8 = 5;

impl<'a> File<'a> {
    /// `None` if it does not begin as either does.
    pub(in crate::decode) fn of(bytes: &'a [u8]) -> Option<Result<Self, DecodeFailure>> {
        let [MAGIC, version @ 1..=4, ..] = bytes else { return None };
        let keytab = KeytabFile::decode(bytes);
        let cache = CredentialCacheFile::decode(bytes);
        Some(match (keytab, cache) {
            (Ok(keytab), _) => Ok(Self::Keytab(keytab)),
            (_, Ok(cache)) => Ok(Self::CredentialCache(cache)),
            (Err(error), _) if *version <= 2 => Err(error.into()),
            (_, Err(error)) => Err(error.into()),
        })
    }

    pub(in crate::decode) fn print(
        &self,
        tree: &mut Tree<'_>,
        bytes: &[u8],
    ) -> Result<(), DecodeFailure> {
        let version = bytes.get(1).copied().unwrap_or_default();
        let length = bytes.len();
        match self {
            Self::Keytab(file) => {
                let count = file.entries.len();
                tree.line(format_args!(
                    "keytab of version {version}, {length} bytes, {count} keys"
                ))?;
                file.entries.iter().try_for_each(|entry| print_entry(&mut tree.below(), entry))
            }
            Self::CredentialCache(file) => {
                tree.line(format_args!("credential cache of version {version}, {length} bytes"))?;
                print_cache(&mut tree.below(), file)
            }
        }
    }
}

fn print_entry(tree: &mut Tree<'_>, entry: &KeytabEntry<'_>) -> Result<(), DecodeFailure> {
    let KeytabEntry { principal, kvno, timestamp, key_type, key } = entry;
    tree.line(format_args!(
        "{principal} ({}), version {kvno}, {}",
        name_type(principal.name_type),
        Etype(*key_type)
    ))?;
    let mut below = tree.below();
    if *timestamp != 0 {
        below.line(format_args!("written {}", Moment(u64::from(*timestamp))))?;
    }
    let expected = EncryptionType::try_from(*key_type).ok().map(EncryptionType::key_length);
    match expected {
        Some(length) if length != key.len() => below.line(format_args!(
            "a key of {} bytes, where this type has {length}: it cannot be used",
            key.len()
        ))?,
        None => below.line("it cannot be used here")?,
        Some(_) => {}
    }
    Ok(())
}

fn print_cache(tree: &mut Tree<'_>, file: &CredentialCacheFile<'_>) -> Result<(), DecodeFailure> {
    let owner = &file.default_principal;
    tree.line(format_args!("default principal {owner}"))?;
    if let Some((seconds, micros)) = file.kdc_offset {
        tree.line(format_args!("the KDC's clock is ahead by {seconds} s and {micros} µs"))?;
    }
    for credential in &file.credentials {
        match credential.is_configuration() {
            true => print_setting(tree, credential)?,
            false => print_credential(tree, credential)?,
        }
    }
    Ok(())
}

/// Settings may be anything; what they are called is enough.
fn print_setting(
    tree: &mut Tree<'_>,
    credential: &CachedCredential<'_>,
) -> Result<(), DecodeFailure> {
    let name = credential.server.components.get(1..).unwrap_or_default();
    let name = name.iter().map(|part| format!("{part:?}")).collect::<Vec<_>>().join(" ");
    let length = credential.ticket.len();
    Ok(tree.line(format_args!("setting {name}, {length} bytes"))?)
}

fn print_credential(
    tree: &mut Tree<'_>,
    credential: &CachedCredential<'_>,
) -> Result<(), DecodeFailure> {
    tree.line(format_args!("ticket for {}", credential.server))?;
    let mut below = tree.below();
    below.line(format_args!("client {}", credential.client))?;
    below.line(format_args!("session key {}, not shown", Etype(credential.key_type)))?;
    for (field, time) in [
        ("authtime", credential.auth_time),
        ("starttime", credential.start_time),
        ("endtime", credential.end_time),
        ("renew-till", credential.renew_till),
    ] {
        if time != 0 {
            below.line(format_args!("{field} {}", Moment(u64::from(time))))?;
        }
    }
    below.line(format_args!("flags {}", Bits(credential.ticket_flags, TICKET_FLAGS)))?;
    if credential.is_skey {
        below.line("encrypted in another ticket's session key")?;
    }
    for (field, bytes) in
        [("ticket", credential.ticket), ("second ticket", credential.second_ticket)]
    {
        if bytes.is_empty() {
            continue;
        }
        below.line(format_args!("{field}, {} bytes", bytes.len()))?;
        let mut fields = below.below();
        if let Some(this) = decoded(&mut fields, Ticket::decode(bytes))? {
            ticket::print_fields(&mut fields, &this)?;
        }
    }
    Ok(())
}
