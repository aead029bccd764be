//! `[kerberos]` in the configuration file.

use crate::gateway::config::values::Span;
use logon::wire::Sid;
use serde::de::{Deserialize, Deserializer, Error};
use serde::{Deserialize as De, Serialize, Serializer};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use toml::Spanned;

/// How tickets are accepted.
#[derive(Debug, Clone, PartialEq, Serialize, De)]
#[serde(deny_unknown_fields)]
pub(crate) struct KerberosConfig {
    /// Files with the keys of this service. They are read again when they change.
    pub(crate) keytabs: Spanned<Vec<PathBuf>>,
    /// Realms whose accounts are let in, each with the NetBIOS name of its domain. The realms of
    /// the keys are trusted in any case.
    #[serde(default = "no_realms")]
    pub(crate) realms: Spanned<BTreeMap<String, String>>,
    /// How far a client's clock may be off.
    #[serde(default = "five_minutes")]
    pub(crate) clock_skew: Span,
    /// Whether a ticket has to say who the account is for Windows.
    #[serde(default = "yes")]
    pub(crate) require_pac: bool,
    /// Whether tickets and session keys of RC4 are taken.
    #[serde(default)]
    pub(crate) rc4: bool,
    /// Whether clients are told what is wrong with their tickets.
    #[serde(default)]
    pub(crate) tell_errors: bool,
    /// The identifier of this machine's own accounts and groups, which no domain may put somebody
    /// into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine_sid: Option<SidText>,
    /// The file that remembers authenticators over restarts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replay_cache: Option<PathBuf>,
    /// How far clients' clocks may have been ahead when a memory begins empty: for so long nobody
    /// is let in then. Default: `clock_skew`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clocks_ahead: Option<Span>,
}

fn no_realms() -> Spanned<BTreeMap<String, String>> {
    Spanned::new(0..0, BTreeMap::new())
}

fn five_minutes() -> Span {
    Span::seconds(300)
}

fn yes() -> bool {
    true
}

impl KerberosConfig {
    /// What cannot be meant, and where it stands.
    pub(crate) fn findings(&self) -> Vec<(Range<usize>, String)> {
        let mut findings = Vec::new();
        if self.keytabs.get_ref().is_empty() {
            let what = "without a keytab no ticket can be opened: name one, as in \
                        `keytabs = [\"web.keytab\"]`, or leave [kerberos] out";
            findings.push((self.keytabs.span(), what.to_owned()));
        }
        let realms = self.realms.get_ref();
        let mut add = |what| findings.push((self.realms.span(), what));
        for (realm, domain) in realms {
            let is_wrong = |name: &str| {
                name.is_empty()
                    || name.trim() != name
                    || name.contains(|c: char| c.is_control() || matches!(c, '\\' | '@' | '/'))
            };
            if is_wrong(realm) || is_wrong(domain) {
                add(format!(
                    "{realm:?} = {domain:?}: a realm and its domain are names such as \
                     \"CORP.EXAMPLE\" = \"CORP\""
                ));
            }
            // Realms are compared to the letter ([RFC 4120] §6.1), and those of domains are upper
            // case.
            let same = |(other, of_other): &(&String, &String)| {
                *other < realm && of_other.eq_ignore_ascii_case(domain)
            };
            if let Some((other, _)) = realms.iter().find(same) {
                add(format!(
                    "{other} and {realm} have the same domain {domain}: accounts of one name would \
                     be one account"
                ));
            }
        }
        findings
    }
}

/// A security identifier as text: `S-1-5-21-…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SidText(pub(crate) Sid);

impl<'de> Deserialize<'de> for SidText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let sid = text.parse().map_err(|_| {
            Error::custom(format!("{text:?} is no identifier such as \"S-1-5-21-1-2-3\""))
        })?;
        Ok(Self(sid))
    }
}

impl Serialize for SidText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
