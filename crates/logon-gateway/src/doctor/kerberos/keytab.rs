//! Keytabs: who may read them, and which keys are in them.

use super::fix::Place;
use super::{is_name, is_service_at};
use crate::doctor::checks::permissions;
use crate::doctor::report::Findings;
use logon::kerberos::{EncryptionType, ServiceKey};
use logon::wire::krb5::KeytabFile;
use logon_kdc::{PlaceError, read_keytab};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

pub(super) const TOPIC: &str = "keytab";

/// Of all files together.
#[derive(Default)]
pub(super) struct Keys {
    keys: Vec<ServiceKey>,
    /// Those that cannot be used here, DES for example: whose, and of which type.
    others: Vec<(String, i32)>,
}

impl Keys {
    pub(super) fn read(files: &[PathBuf], out: &mut Findings) -> Self {
        let mut this = Self::default();
        files.iter().for_each(|file| this.add(file, out));
        this
    }

    fn add(&mut self, path: &Path, out: &mut Findings) {
        let keytab = match read_keytab(path) {
            Ok(keytab) => keytab,
            Err(error) => {
                let todo = match &error {
                    PlaceError::Unreadable(_) => {
                        "the gateway's user has to own it, or be of its group: chown, chmod 640"
                    }
                    PlaceError::Decode { .. } => "export it again, and copy it as binary",
                    _ => "copy it to this machine, or name another one with --keytab",
                };
                return out.fail(TOPIC, error, todo);
            }
        };
        let path_shown = path.display();
        let count = keytab.keys().len();
        out.ok(TOPIC, format_args!("{path_shown} can be read: {count} keys{}", owner(path)));
        permissions::check(TOPIC, "keytab", path, out);
        if count == 0 {
            out.fail(
                TOPIC,
                format_args!("{path_shown} has no key that can be used"),
                "export it again, with AES",
            );
        }
        if keytab.left_out() > 0 {
            self.add_others(path);
        }
        self.keys.extend(keytab.keys().iter().cloned());
    }

    fn add_others(&mut self, path: &Path) {
        let Ok(bytes) = std::fs::read(path).map(Zeroizing::new) else { return };
        let Ok(file) = KeytabFile::decode(&bytes) else { return };
        let others =
            file.entries.iter().filter(|it| EncryptionType::try_from(it.key_type).is_err());
        self.others.extend(others.map(|it| (it.principal.to_string(), it.key_type)));
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &ServiceKey> {
        self.keys.iter()
    }

    /// The keys of `HTTP/host`.
    pub(super) fn of<'k>(&'k self, host: &'k str) -> impl Iterator<Item = &'k ServiceKey> {
        self.keys.iter().filter(move |key| is_service_at(&key.principal, host))
    }

    pub(super) fn has(&self, host: &str) -> bool {
        self.of(host).next().is_some()
    }
}

#[cfg(unix)]
fn owner(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = std::fs::metadata(path) else { return String::new() };
    let (uid, gid, mode) = (metadata.uid(), metadata.gid(), metadata.mode() & 0o777);
    format!(" (user {uid}, group {gid}, mode {mode:03o})")
}

#[cfg(not(unix))]
fn owner(_: &Path) -> String {
    String::new()
}

/// Whether clients that write `host` get tickets that open here.
pub(super) fn check(host: &str, keys: &Keys, rc4: bool, place: &Place<'_>, out: &mut Findings) {
    if !is_name(host) {
        return out.warn(
            TOPIC,
            format_args!(
                "{host} is an address: Windows and browsers ask for no ticket then, and use NTLM"
            ),
            "let clients use a name",
        );
    }
    let newest = keys.of(host).map(|key| key.kvno).max();
    match newest {
        None => missing(host, keys, place, out),
        Some(newest) => {
            present(host, keys, newest, out);
            check_types(host, keys, newest, rc4, place, out);
        }
    }
    if let Some((short, _)) = host.split_once('.')
        && !keys.has(short)
    {
        out.note(
            TOPIC,
            format_args!("no key of HTTP/{short}: who types http://{short}/ may get no ticket"),
            place.register(short),
        );
    }
}

fn missing(host: &str, keys: &Keys, place: &Place<'_>, out: &mut Findings) {
    let mut names: Vec<String> = keys.all().map(|key| key.principal.to_string()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(8);
    let has = match names.as_slice() {
        [] => String::new(),
        names => format!(", but of {}", names.join(", ")),
    };
    out.fail(TOPIC, format_args!("no key of HTTP/{host}{has}"), place.make_key(host));
}

fn present(host: &str, keys: &Keys, newest: u32, out: &mut Findings) {
    let listed = |values: Vec<String>| values.join(", ");
    let mut versions: Vec<u32> = keys.of(host).map(|key| key.kvno).collect();
    versions.sort_unstable();
    versions.dedup();
    let current = || keys.of(host).filter(|key| key.kvno == newest);
    let types = listed(current().map(|key| key.key.encryption_type().to_string()).collect());
    out.ok(TOPIC, format_args!("HTTP/{host}: version {newest}, {types}"));
    if versions.len() > 1 {
        let versions = listed(versions.iter().map(ToString::to_string).collect());
        out.ok(TOPIC, format_args!("HTTP/{host}: versions {versions}, so older tickets open, too"));
    }
    for key in current() {
        let name = &key.principal;
        let realm = name.realm();
        if realm.chars().any(char::is_lowercase) {
            out.warn(
                TOPIC,
                format_args!(
                    "the realm of {name} is in small letters; realms are compared by case"
                ),
                format_args!("is it {} in truth? export the key for that", realm.to_uppercase()),
            );
            break;
        }
        let [service, at] = name.components() else { continue };
        if service != "HTTP" || at.chars().any(char::is_uppercase) {
            out.note(
                TOPIC,
                format_args!("the key is of {name}: fine here and in Active Directory"),
                format_args!(
                    "a KDC of MIT or Heimdal compares by case: HTTP/{} there",
                    host.to_lowercase()
                ),
            );
            break;
        }
    }
}

fn check_types(
    host: &str,
    keys: &Keys,
    newest: u32,
    rc4: bool,
    place: &Place<'_>,
    out: &mut Findings,
) {
    let of_newest = || keys.of(host).filter(|key| key.kvno == newest);
    let types: Vec<EncryptionType> = of_newest().map(|key| key.key.encryption_type()).collect();
    let strong = types.iter().any(|it| !it.is_weak());
    match (strong, types.iter().any(|it| it.is_weak()), rc4) {
        (false, _, false) => out.fail(
            TOPIC,
            format_args!(
                "HTTP/{host} has only a key of rc4-hmac, which is refused unless it is allowed"
            ),
            place.use_aes(host),
        ),
        (false, _, true) => out.warn(
            TOPIC,
            format_args!(
                "HTTP/{host} has only a key of rc4-hmac: its password can be guessed from a ticket"
            ),
            place.use_aes(host),
        ),
        (true, true, _) => out.note(
            TOPIC,
            format_args!("HTTP/{host} has a key of rc4-hmac beside AES; nothing needs it"),
            "let the account have AES only: msDS-SupportedEncryptionTypes 24",
        ),
        (true, false, _) => {}
    }
    let is = |it: EncryptionType| types.contains(&it);
    if is(EncryptionType::Aes128CtsHmacSha1_96) && !is(EncryptionType::Aes256CtsHmacSha1_96) {
        out.note(
            TOPIC,
            format_args!("HTTP/{host} has AES of 128 bits only"),
            "a directory that has a key of 256 bits for the account takes that one: export both",
        );
    }
    let twice = of_newest().enumerate().any(|(number, key)| {
        of_newest().skip(number.saturating_add(1)).any(|other| {
            other.key.encryption_type() == key.key.encryption_type()
                && other.principal == key.principal
                && other.key.expose() != key.key.expose()
        })
    });
    if twice {
        out.warn(
            TOPIC,
            format_args!("HTTP/{host} has two keys of version {newest} and one type"),
            "one of them is not the KDC's: export into a new file",
        );
    }
    let others = keys
        .others
        .iter()
        .filter(|(name, _)| name.parse().is_ok_and(|name| is_service_at(&name, host)));
    let mut others: Vec<i32> = others.map(|(_, etype)| *etype).collect();
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        let others: Vec<_> = others.iter().map(ToString::to_string).collect();
        out.note(
            TOPIC,
            format_args!(
                "HTTP/{host} has keys of types that are not supported: {}",
                others.join(", ")
            ),
            "1 to 3 are DES, 16 is Triple-DES: take them from the account",
        );
    }
}
