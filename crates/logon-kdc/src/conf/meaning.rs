//! What the sections mean.

use super::address::KdcAddress;
use super::profile::{Profile, Relation};
use super::values;
use super::warning::Warning;
use core::time::Duration;
use logon::kerberos::EncryptionType;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// The configuration of a Kerberos client: `krb5.conf` of MIT krb5, tolerantly read.
///
/// Of values that may stand once only the first one holds, in the order of the files. What is not
/// about clients is passed over; what cannot be read is in [`warnings`](Self::warnings).
#[derive(Debug, Clone, Default)]
pub struct Krb5Conf {
    libdefaults: LibDefaults,
    realms: HashMap<String, Realm>,
    /// Hosts and, with a dot in front, domains, in lower case.
    domain_realm: HashMap<String, String>,
    warnings: Vec<Warning>,
}

#[derive(Debug, Clone, Default)]
struct Realm {
    kdcs: Vec<KdcAddress>,
    primary: Vec<KdcAddress>,
}

/// `[libdefaults]`. What the file does not say is as in MIT krb5, unless it says otherwise here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LibDefaults {
    /// `default_realm`.
    pub default_realm: Option<String>,
    /// `dns_lookup_kdc`: SRV records, for realms without a KDC in the file. True by default.
    pub dns_lookup_kdc: bool,
    /// `dns_lookup_realm`: TXT records, for hosts without a realm in the file. False by default.
    pub dns_lookup_realm: bool,
    /// `dns_canonicalize_hostname`. Only for who asks for it: [`CanonicalizeHostname::No`] by
    /// default, where MIT krb5 says yes.
    pub dns_canonicalize_hostname: CanonicalizeHostname,
    /// `default_ccache_name` as it stands there; see [`credential_cache`](crate::credential_cache).
    pub default_ccache_name: Option<String>,
    /// `default_client_keytab_name` as it stands there.
    pub default_client_keytab_name: Option<String>,
    /// `default_keytab_name` as it stands there.
    pub default_keytab_name: Option<String>,
    /// `clockskew`, five minutes by default.
    pub clockskew: Duration,
    /// `udp_preference_limit`: longer messages go over TCP first. 1465 bytes by default.
    pub udp_preference_limit: usize,
    /// `default_tkt_enctypes`: what to ask the KDC for.
    pub default_tkt_enctypes: Option<Vec<EncryptionType>>,
    /// `permitted_enctypes`: what may be used at all.
    pub permitted_enctypes: Option<Vec<EncryptionType>>,
    /// `allow_weak_crypto`, false by default.
    pub allow_weak_crypto: bool,
    /// `ticket_lifetime`.
    pub ticket_lifetime: Option<Duration>,
    /// `renew_lifetime`.
    pub renew_lifetime: Option<Duration>,
    /// `forwardable`, false by default.
    pub forwardable: bool,
}

/// `dns_canonicalize_hostname`: whether DNS may change the name of a host before it becomes part
/// of a service principal name. By the alias and the domain only: addresses are never looked up in
/// reverse (`rdns`).
///
/// Whoever can forge an answer of DNS chooses the service then that is logged on to, and that
/// proves itself: one that he has the key of. `fallback` is no safer than `true`: nobody signs that
/// the KDC does not know a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CanonicalizeHostname {
    /// `true`.
    Yes,
    /// `false`.
    #[default]
    No,
    /// `fallback`: only after the KDC did not know the name as it is.
    Fallback,
}

impl Default for LibDefaults {
    fn default() -> Self {
        Self {
            default_realm: None,
            dns_lookup_kdc: true,
            dns_lookup_realm: false,
            dns_canonicalize_hostname: CanonicalizeHostname::No,
            default_ccache_name: None,
            default_client_keytab_name: None,
            default_keytab_name: None,
            clockskew: Duration::from_secs(300),
            udp_preference_limit: 1465,
            default_tkt_enctypes: None,
            permitted_enctypes: None,
            allow_weak_crypto: false,
            ticket_lifetime: None,
            renew_lifetime: None,
            forwardable: false,
        }
    }
}

impl Krb5Conf {
    /// Reads a text. What it includes is not read, but a warning.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut profile = Profile::default();
        let file: Arc<Path> = Path::new("krb5.conf").into();
        profile.add(text, &file, &mut |profile, _, place| {
            profile.warn(place, "no other file is read from here");
        });
        Self::from_profile(profile)
    }

    pub(super) fn from_profile(profile: Profile) -> Self {
        let mut conf = Self { warnings: profile.warnings, ..Self::default() };
        // Tags of `[libdefaults]` that have their value.
        let mut seen = HashSet::new();
        for relation in &profile.relations {
            let path: Vec<&str> = relation.path.iter().map(String::as_str).collect();
            let read = match path.as_slice() {
                ["libdefaults", tag] if seen.insert(*tag) => {
                    conf.libdefaults.set(tag, &relation.value)
                }
                ["realms", realm, tag] => conf.set_realm(realm, tag, &relation.value),
                ["domain_realm", host] => {
                    let host = host.to_ascii_lowercase();
                    conf.domain_realm.entry(host).or_insert_with(|| relation.value.clone());
                    Ok(())
                }
                _ => Ok(()),
            };
            if let Err(problem) = read {
                conf.warn(relation, problem);
            }
        }
        conf
    }

    fn warn(&mut self, relation: &Relation, problem: String) {
        self.warnings.push(Warning::new(&relation.place, problem));
    }

    fn set_realm(&mut self, realm: &str, tag: &str, value: &str) -> Result<(), String> {
        if !["kdc", "primary_kdc", "master_kdc"].contains(&tag) {
            return Ok(());
        }
        let address = KdcAddress::read(value)?;
        let realm = self.realms.entry(realm.to_owned()).or_default();
        let list = if tag == "kdc" { &mut realm.kdcs } else { &mut realm.primary };
        if !list.contains(&address) {
            list.push(address);
        }
        Ok(())
    }

    /// `[libdefaults]`.
    #[must_use]
    pub fn libdefaults(&self) -> &LibDefaults {
        &self.libdefaults
    }

    /// The KDCs of a realm, in the order of the file; the primary one if no other is named.
    #[must_use]
    pub fn kdcs_of(&self, realm: &str) -> &[KdcAddress] {
        match self.realms.get(realm) {
            Some(realm) if realm.kdcs.is_empty() => &realm.primary,
            Some(realm) => &realm.kdcs,
            None => &[],
        }
    }

    /// The realm of a host by `[domain_realm]`: the host itself, else the closest domain above it.
    ///
    /// `None` if the file does not say: then the KDC of the client's own realm is asked, which
    /// refers to another one if it has to ([RFC 6806] §8).
    #[must_use]
    pub fn realm_of(&self, host: &str) -> Option<&str> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let mut name = host.as_str();
        loop {
            if let Some(realm) = self.domain_realm.get(name) {
                return Some(realm);
            }
            // An address has no domains above it.
            if host.parse::<std::net::IpAddr>().is_ok() {
                return None;
            }
            // `web.corp.example`, `.corp.example`, `corp.example`, `.example`, `example`.
            name = match name.strip_prefix('.') {
                Some(name) => name,
                None => name.find('.').and_then(|dot| name.get(dot..))?,
            };
        }
    }

    /// The realms that have a section of their own.
    pub fn realms(&self) -> impl Iterator<Item = &str> {
        self.realms.keys().map(String::as_str)
    }

    /// What could not be read, in the order of the files.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl LibDefaults {
    fn set(&mut self, tag: &str, value: &str) -> Result<(), String> {
        let boolean = || {
            values::boolean(value)
                .ok_or_else(|| format!("`{tag}` is `true` or `false`, not {value:?}"))
        };
        let duration = || {
            let problem = || format!("`{tag}` is a time as `10h` or `36000`, not {value:?}");
            values::duration(value).ok_or_else(problem)
        };
        let text = || Some(value.to_owned());
        match tag {
            "default_realm" => self.default_realm = text(),
            "dns_lookup_kdc" => self.dns_lookup_kdc = boolean()?,
            "dns_lookup_realm" => self.dns_lookup_realm = boolean()?,
            "dns_canonicalize_hostname" => {
                self.dns_canonicalize_hostname = match value {
                    "fallback" => CanonicalizeHostname::Fallback,
                    _ if boolean()? => CanonicalizeHostname::Yes,
                    _ => CanonicalizeHostname::No,
                };
            }
            "default_ccache_name" => self.default_ccache_name = text(),
            // Heimdal's word for it.
            "default_cc_name" if self.default_ccache_name.is_none() => {
                self.default_ccache_name = text();
            }
            "default_client_keytab_name" => self.default_client_keytab_name = text(),
            "default_keytab_name" => self.default_keytab_name = text(),
            "clockskew" => self.clockskew = duration()?,
            "udp_preference_limit" => {
                let problem = |_| format!("`{tag}` is a number of bytes, not {value:?}");
                self.udp_preference_limit = value.parse().map_err(problem)?;
            }
            "default_tkt_enctypes" => {
                return set_types(&mut self.default_tkt_enctypes, tag, value);
            }
            "permitted_enctypes" => return set_types(&mut self.permitted_enctypes, tag, value),
            "allow_weak_crypto" => self.allow_weak_crypto = boolean()?,
            "ticket_lifetime" => self.ticket_lifetime = Some(duration()?),
            "renew_lifetime" => self.renew_lifetime = Some(duration()?),
            "forwardable" => self.forwardable = boolean()?,
            _ => {}
        }
        Ok(())
    }
}

/// Sets what is known of a list; the rest is a problem.
fn set_types(
    field: &mut Option<Vec<EncryptionType>>,
    tag: &str,
    value: &str,
) -> Result<(), String> {
    let (types, unknown) = values::encryption_types(value);
    let none = types.is_empty();
    *field = Some(types);
    match unknown.as_slice() {
        [] if none => Err(format!("`{tag}` has no encryption type that is supported here")),
        [] => Ok(()),
        unknown => Err(format!("`{tag}` has what is no encryption type: {}", unknown.join(", "))),
    }
}
