//! Keytabs that encrypted parts are opened with, and why one stays shut.

use super::kerberos::Etype;
use logon::kerberos::{KeyUsage, Keytab, PrincipalName, ServiceKey};
use logon::wire::krb5::{EncryptedData, Principal};
use logon_kdc::{PlaceError, read_keytab};
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The keys of these files.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    files: Vec<(PathBuf, Keytab)>,
}

/// What was encrypted, and which key opened it.
pub(super) struct Opened<'k> {
    pub(super) plain: Zeroizing<Vec<u8>>,
    pub(super) key: &'k ServiceKey,
    pub(super) file: &'k Path,
    /// Whether the key is one of the name that was asked for.
    pub(super) named: bool,
}

/// Why it could not be opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Locked {
    /// Nobody gave a keytab.
    NoKeytab,
    /// The keytabs have other names only: these.
    NoPrincipal(Vec<String>),
    /// There are keys of that name, but of other encryption types: these.
    NoType(Vec<i32>),
    /// There are keys of that name and type, but of other versions: these.
    OtherVersion(Vec<u32>),
    /// There is a key of that name, type and version, and it is another one.
    WrongKey,
}

impl Keys {
    pub(crate) fn read(files: &[PathBuf]) -> Result<Self, PlaceError> {
        let read = |path: &PathBuf| Ok((path.clone(), read_keytab(path)?));
        Ok(Self { files: files.iter().map(read).collect::<Result<_, _>>()? })
    }

    fn all(&self) -> impl Iterator<Item = (&Path, &ServiceKey)> {
        self.files
            .iter()
            .flat_map(|(path, keytab)| keytab.keys().iter().map(|key| (path.as_path(), key)))
    }

    /// Keys of any name that is `krbtgt`: they make the second signature of a PAC.
    pub(super) fn ticket_granting(&self) -> impl Iterator<Item = &ServiceKey> {
        let grants =
            |name: &PrincipalName| name.components().first().is_some_and(|it| it == "krbtgt");
        self.all().map(|(_, key)| key).filter(move |key| grants(&key.principal))
    }

    /// Opens `data` with a key of `owner`, or else with any: aliases of an account have one key.
    pub(super) fn open(
        &self,
        owner: &Principal<'_>,
        usage: KeyUsage,
        data: &EncryptedData<'_>,
    ) -> Result<Opened<'_>, Locked> {
        if self.files.is_empty() {
            return Err(Locked::NoKeytab);
        }
        let is_named = |key: &ServiceKey| is_alike(&key.principal, owner);
        for named in [true, false] {
            for (file, key) in self.all().filter(|(_, key)| is_named(key) == named) {
                if key.key.encryption_type().number() == data.etype
                    && let Ok(plain) = key.key.decrypt(usage, data.cipher)
                {
                    return Ok(Opened { plain, key, file, named });
                }
            }
        }
        let named: Vec<&ServiceKey> =
            self.all().map(|(_, key)| key).filter(|key| is_named(key)).collect();
        Err(self.why(&named, data))
    }

    fn why(&self, named: &[&ServiceKey], data: &EncryptedData<'_>) -> Locked {
        if named.is_empty() {
            let mut names: Vec<_> = self.all().map(|(_, key)| key.principal.to_string()).collect();
            names.sort_unstable();
            names.dedup();
            return Locked::NoPrincipal(names);
        }
        let number = |key: &&ServiceKey| key.key.encryption_type().number();
        let (of_type, others): (Vec<&ServiceKey>, Vec<_>) =
            named.iter().partition(|key| number(key) == data.etype);
        if of_type.is_empty() {
            return Locked::NoType(in_order(others.iter().map(number)));
        }
        match data.kvno {
            Some(kvno) if of_type.iter().all(|key| key.kvno != kvno) => {
                Locked::OtherVersion(in_order(of_type.iter().map(|key| key.kvno)))
            }
            _ => Locked::WrongKey,
        }
    }
}

fn in_order<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// As an acceptor compares: the realm to the letter, the rest without regard to case.
fn is_alike(one: &PrincipalName, other: &Principal<'_>) -> bool {
    let components = one.components();
    one.realm() == other.realm
        && components.len() == other.components.len()
        && components
            .iter()
            .zip(&other.components)
            .all(|(one, other)| one.eq_ignore_ascii_case(other))
}

impl Locked {
    /// Why, in words; `owner` is whose key it would take.
    pub(super) fn reason(&self, owner: &Principal<'_>, data: &EncryptedData<'_>) -> String {
        let etype = Etype(data.etype);
        match self {
            Self::NoKeytab => format!("encrypted in a key of {owner}"),
            Self::NoPrincipal(there) if there.is_empty() => {
                format!("not decrypted: the keytab has no key that can be used, so none of {owner}")
            }
            Self::NoPrincipal(there) => {
                format!("not decrypted: no key of {owner}; the keytab has {}", some(there))
            }
            Self::NoType(there) => {
                let there = there.iter().map(|etype| Etype(*etype).to_string()).collect::<Vec<_>>();
                format!(
                    "not decrypted: no key of {owner} is of type {etype}, but of {}",
                    some(&there)
                )
            }
            Self::OtherVersion(there) => {
                let kvno = data.kvno.unwrap_or_default();
                let there = there.iter().map(ToString::to_string).collect::<Vec<_>>();
                format!(
                    "not decrypted: it is of key version {kvno}; the keytab has version {}, which \
                     does not open it",
                    some(&there)
                )
            }
            Self::WrongKey => format!(
                "not decrypted: the keytab has a key of {owner}, type {etype} and this version, \
                 and it does not open it"
            ),
        }
    }

    /// What to do about it.
    pub(super) fn todo(&self, owner: &Principal<'_>) -> String {
        let name = Principal { realm: "", ..owner.clone() }.to_string();
        let name = name.trim_end_matches('@');
        match self {
            _ if owner.components.first() == Some(&"krbtgt") => {
                "only the KDC has that key".to_owned()
            }
            Self::NoKeytab => "give its keytab with --keytab FILE to see what is inside".to_owned(),
            Self::NoPrincipal(_) => format!(
                "look which account has the name (setspn -Q {name}) and put its key into the \
                 keytab: ktpass /princ {owner} /mapuser ACCOUNT /crypto AES256-SHA1 …, \
                 samba-tool domain exportkeytab FILE --principal={name}, or kadmin: ktadd {name}"
            ),
            Self::NoType(_) => {
                "export the key again with this type; or, if that is RC4 or DES, let \
                                the account have AES: msDS-SupportedEncryptionTypes 24, and then a \
                                new password"
                    .to_owned()
            }
            Self::OtherVersion(_) => "the password was changed since one of them was made: export \
                                      the keytab again, and on the client get a new ticket (klist \
                                      purge, or kdestroy and kinit)"
                .to_owned(),
            Self::WrongKey => "the password was changed without a new version, the key was made \
                               with another salt (ktpass: name the account as the directory \
                               spells it), or the ticket was altered"
                .to_owned(),
        }
    }
}

/// Names beyond these are only counted.
const SHOWN: usize = 8;

fn some(names: &[String]) -> String {
    let shown = names.get(..SHOWN).unwrap_or(names);
    let more = names.len().saturating_sub(shown.len());
    let list = shown.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

impl fmt::Display for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, file, .. } = self;
        write!(f, "decrypted with the key of {}, version {}", key.principal, key.kvno)?;
        write!(f, " ({})", file.display())?;
        match self.named {
            true => Ok(()),
            false => f.write_str(": another name, so a service with this keytab would refuse it"),
        }
    }
}
