//! `kerberos/files.txt`: keytabs and credential caches, whole and cut off.
#![cfg(feature = "kerberos")]

#[path = "support/vectors.rs"]
mod vectors;

use logon::kerberos::{
    ClockOffset, CredentialCache, EncryptionType, Key, Keytab, PrincipalName, ServiceKey,
};
use logon::wire::krb5::{CachedCredential, CredentialCacheFile, KeytabFile, Principal};
use logon::{DecodeErrorKind, FileTime};
use std::fmt::Write;
use std::time::Duration;
use vectors::Case;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn entries(file: &KeytabFile<'_>) -> Vec<String> {
    let line = |entry: &logon::wire::krb5::KeytabEntry<'_>| {
        let (name_type, key) = (entry.principal.name_type, hex(entry.key));
        let (time, kvno, key_type) = (entry.timestamp, entry.kvno, entry.key_type);
        format!("{name_type} {time} {kvno} {key_type} {key} {}", entry.principal)
    };
    file.entries.iter().map(line).collect()
}

fn check_keytab(case: &Case) {
    let bytes = case.hex("File");
    let file = KeytabFile::decode(&bytes).unwrap();
    let expected = case.list_text("Entry");
    assert_eq!(entries(&file), expected, "{}", case.id());
    assert!(case.opt_u64("Hole").is_none_or(|length| length == 8));

    let again = file.encode().unwrap();
    assert_eq!(KeytabFile::decode(&again).unwrap(), file);

    let keytab = Keytab::decode(&bytes).unwrap();
    assert_eq!(keytab.keys().len() + keytab.left_out(), expected.len());
    for key in keytab.keys() {
        let found = expected.iter().any(|line| {
            let middle = format!(
                " {} {} {} {}",
                key.kvno,
                key.key.encryption_type().number(),
                hex(key.key.expose()),
                key.principal
            );
            line.ends_with(&middle)
        });
        assert!(found, "{key:?}");
    }
    // A whole number of records is a keytab as well; anything else is not.
    let whole: Vec<usize> = record_ends(&bytes);
    for length in 0..bytes.len() {
        let decoded = KeytabFile::decode(&bytes[..length]);
        assert_eq!(decoded.is_ok(), whole.contains(&length), "{}: {length}", case.id());
    }
}

fn record_ends(file: &[u8]) -> Vec<usize> {
    let mut ends = vec![2];
    while let Some(size) = file.get(ends[ends.len() - 1]..).and_then(|rest| rest.first_chunk()) {
        let size = i32::from_be_bytes(*size).unsigned_abs() as usize;
        ends.push(ends[ends.len() - 1] + 4 + size);
    }
    ends
}

fn check_malformed(case: &Case) {
    let bytes = case.hex("File");
    let error = KeytabFile::decode(&bytes).unwrap_err();
    assert_eq!((error.structure, error.field), ("keytab", "size"));
    assert_eq!(error.kind, DecodeErrorKind::OutOfBounds);
    assert_eq!(Keytab::decode(&bytes).unwrap_err(), error);
}

fn typed(principal: &Principal<'_>) -> String {
    format!("{} {principal}", principal.name_type)
}

fn credentials(
    file: &CredentialCacheFile<'_>,
    of: impl Fn(&CachedCredential<'_>) -> String,
) -> Vec<String> {
    file.credentials.iter().map(of).collect()
}

fn check_ccache(case: &Case) {
    let bytes = case.hex("File");
    let file = CredentialCacheFile::decode(&bytes).unwrap();
    assert_eq!(u64::from(bytes[1]), case.u64("Version"));
    let offset = file.kdc_offset.map(|(seconds, microseconds)| {
        [seconds.to_be_bytes(), microseconds.to_be_bytes()].concat()
    });
    assert_eq!(offset, case.opt_hex("KdcOffset"), "{}", case.id());
    assert_eq!(typed(&file.default_principal), case.text("DefaultPrincipal"));
    assert_eq!(credentials(&file, |this| typed(&this.client)), case.list_text("Client"));
    assert_eq!(credentials(&file, |this| typed(&this.server)), case.list_text("Server"));
    let key = |this: &CachedCredential<'_>| format!("{} {}", this.key_type, hex(this.key));
    let keys: Vec<String> = case.list_text("SessionKey");
    assert_eq!(credentials(&file, |this| key(this).trim().to_owned()), keys);
    let times = |this: &CachedCredential<'_>| {
        let CachedCredential { auth_time, start_time, end_time, renew_till, .. } = this;
        format!("{auth_time} {start_time} {end_time} {renew_till}")
    };
    assert_eq!(credentials(&file, times), case.list_text("Times"));
    let flags = |this: &CachedCredential<'_>| format!("{:08x}", this.ticket_flags);
    assert_eq!(credentials(&file, flags), case.list_text("TicketFlags"));
    assert_eq!(credentials(&file, |this| hex(this.ticket)), case.list_text("Ticket"));
    for this in &file.credentials {
        assert!(!this.is_skey && this.second_ticket.is_empty());
        assert!(this.addresses.is_empty() && this.auth_data.is_empty());
    }

    let again = file.encode().unwrap();
    assert_eq!(CredentialCacheFile::decode(&again).unwrap(), file);
    if bytes[1] == 4 {
        assert_eq!(again, bytes, "{}", case.id());
    }
    check_tickets(&bytes, &file);
    cut_off(&bytes, &file);
}

/// What the owned form takes over: tickets, but no settings; and a valid one is found.
fn check_tickets(bytes: &[u8], file: &CredentialCacheFile<'_>) {
    let cache = CredentialCache::decode(bytes).unwrap();
    let tickets: Vec<_> = file.credentials.iter().filter(|this| !this.is_configuration()).collect();
    assert_eq!(cache.tickets().len(), tickets.len());
    assert_eq!(*cache.default_principal(), PrincipalName::from(&file.default_principal));
    let (seconds, microseconds) = file.kdc_offset.unwrap_or_default();
    assert_eq!(cache.clock_offset(), ClockOffset::new(seconds, microseconds));
    let at = |seconds: u32| FileTime::from_unix(Duration::from_secs(seconds.into()));
    for this in tickets {
        let server = PrincipalName::from(&this.server);
        let found = cache.ticket_for(&server, at(this.start_time));
        if PrincipalName::from(&this.client) != *cache.default_principal() {
            assert!(found.is_none(), "somebody else's");
            continue;
        }
        let found = found.unwrap();
        assert_eq!(found.ticket, this.ticket);
        assert_eq!(found.session_key.expose(), this.key);
        assert!(cache.ticket_for(&server, at(this.end_time - 1)).is_some());
        assert!(cache.ticket_for(&server, at(this.end_time)).is_none());
        // Clocks may be five minutes apart.
        assert!(cache.ticket_for(&server, at(this.start_time - 300)).is_some());
        assert!(cache.ticket_for(&server, at(this.start_time - 301)).is_none());
    }
}

/// Less than the file is another file only where a credential ends.
fn cut_off(bytes: &[u8], file: &CredentialCacheFile<'_>) {
    for length in 0..bytes.len() {
        match CredentialCacheFile::decode(&bytes[..length]) {
            Err(_) => {}
            Ok(less) => {
                let count = less.credentials.len();
                assert!(count < file.credentials.len(), "{length}");
                assert_eq!(less.credentials, file.credentials[..count]);
            }
        }
    }
}

// R-31, R-32
#[test]
fn files_are_read_as_published_and_nothing_is_read_beyond_their_end() {
    for case in vectors::load("kerberos/files.txt") {
        match case.kind() {
            "keytab" => check_keytab(&case),
            "malformed-keytab" => check_malformed(&case),
            "ccache" => check_ccache(&case),
            other => panic!("{other}"),
        }
    }
}

/// A keytab of version 1 of one entry, `HTTP/web@R` with an empty key of type 18.
fn version_1(big: bool) -> Vec<u8> {
    let u16 = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let u32 = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut entry = u16(3).to_vec();
    for part in ["R", "HTTP", "web"] {
        entry.extend(u16(part.len() as u16));
        entry.extend(part.as_bytes());
    }
    entry.extend(u32(1_600_000_000));
    entry.push(7);
    entry.extend(u16(18));
    entry.extend(u16(0));
    [&[5, 1][..], &u32(entry.len() as u32), &entry].concat()
}

#[test]
fn a_keytab_of_version_1_is_read_in_either_byte_order() {
    for big in [false, true] {
        let bytes = version_1(big);
        let file = KeytabFile::decode(&bytes).unwrap();
        assert_eq!(entries(&file), ["0 1600000000 7 18  HTTP/web@R"]);
        for length in 7..bytes.len() {
            assert!(KeytabFile::decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}

#[test]
fn a_long_kvno_holds_and_one_of_a_byte_does_if_there_is_no_other() {
    let key = Key::new(EncryptionType::Aes256CtsHmacSha1_96, &[9; 32]).unwrap();
    let principal: PrincipalName = "HTTP/web@R".parse().unwrap();
    let keytab: Keytab = [ServiceKey { principal, kvno: 0x1_02_03, key }].into_iter().collect();
    let bytes = keytab.encode().unwrap();
    assert_eq!(Keytab::decode(&bytes).unwrap().keys()[0].kvno, 0x1_02_03);
    // The same entry without its last four bytes.
    let mut short = bytes[..bytes.len() - 4].to_vec();
    short[5] -= 4;
    assert_eq!(Keytab::decode(&short).unwrap().keys()[0].kvno, 3);
}

// R-31
#[test]
fn records_of_impossible_sizes_are_refused() {
    for size in [i32::MIN, i32::MIN + 1, -5, 5, i32::MAX] {
        let file = [&[5, 2][..], &size.to_be_bytes(), &[0; 4]].concat();
        assert!(KeytabFile::decode(&file).is_err(), "{size}");
    }
    // A hole that ends with the file, and the mark of the end with anything behind it.
    for size in [-4, 0] {
        let file = [&[5, 2][..], &i32::to_be_bytes(size), &[0xee; 4]].concat();
        assert_eq!(KeytabFile::decode(&file).unwrap().entries, []);
    }
}

#[test]
fn other_files_are_neither_keytab_nor_credential_cache() {
    for file in [&[][..], &[5], &[5, 0], &[5, 3], &[5, 5], &[4, 2], b"\x7fELF"] {
        assert!(KeytabFile::decode(file).is_err(), "{file:?}");
    }
    for file in [&[][..], &[5], &[5, 0], &[5, 5, 0, 0], &[4, 4], b"\x7fELF"] {
        assert!(CredentialCacheFile::decode(file).is_err(), "{file:?}");
    }
}

#[test]
fn keys_do_not_show_in_debug_output() {
    let key = Key::new(EncryptionType::Aes128CtsHmacSha1_96, &[222; 16]).unwrap();
    let principal: PrincipalName = "HTTP/web@R".parse().unwrap();
    let keytab: Keytab = [ServiceKey { principal, kvno: 1, key }].into_iter().collect();
    let bytes = keytab.encode().unwrap();
    let file = KeytabFile::decode(&bytes).unwrap();
    let cached = CachedCredential { key: &[222; 16], ..CachedCredential::default() };
    let shown = format!("{keytab:?} {file:?} {cached:?}");
    assert!(shown.contains("HTTP") && !shown.contains("222"), "{shown}");
}

#[test]
fn names_are_written_and_read_with_their_separators_marked() {
    for (text, components, realm) in [
        ("alice@R", &["alice"][..], "R"),
        ("HTTP/web01.corp.example@CORP.EXAMPLE", &["HTTP", "web01.corp.example"], "CORP.EXAMPLE"),
        (r"a\/b\@c\\d@R", &[r"a/b@c\d"], "R"),
        ("alice", &["alice"], ""),
        ("a@R/S", &["a"], "R/S"),
    ] {
        let name: PrincipalName = text.parse().unwrap();
        assert_eq!(name.components(), components);
        assert_eq!(name.realm(), realm);
        let again: PrincipalName = name.to_string().parse().unwrap();
        assert_eq!(again, name);
    }
    for text in ["", "@R", "/a@R", "a/@R", "a@R@S", r"a\"] {
        assert!(text.parse::<PrincipalName>().is_err(), "{text}");
    }
    let line = PrincipalName::new(1, ["a\nb"], "R").to_string();
    assert_eq!(line, r"a\nb@R");
    let salt = PrincipalName::new(1, ["raeburn"], "ATHENA.MIT.EDU").default_salt();
    assert_eq!(salt, b"ATHENA.MIT.EDUraeburn");
}
