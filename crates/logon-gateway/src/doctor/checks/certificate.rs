//! What a certificate says.

use logon::ChannelBindings;
use std::net::IpAddr;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// What there is to know of an end-entity certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct Facts {
    pub(in crate::doctor) subject: String,
    pub(in crate::doctor) issuer: String,
    /// Names and addresses that it is for.
    pub(in crate::doctor) names: Vec<String>,
    /// Seconds since 1970.
    pub(in crate::doctor) not_before: i64,
    pub(in crate::doctor) not_after: i64,
    pub(in crate::doctor) self_signed: bool,
    /// Whether logons can be bound to it ([RFC 5929] §4.1).
    pub(in crate::doctor) has_bindings: bool,
}

impl Facts {
    /// What the DER of a certificate says; or in words why it cannot be read.
    pub(in crate::doctor) fn of(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) = parse_x509_certificate(der).map_err(|error| error.to_string())?;
        let bindings =
            ChannelBindings::tls_server_end_point(der).map_err(|error| error.to_string())?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|names| &names.value.general_names);
        let validity = certificate.validity();
        Ok(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: names.filter_map(name).collect(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            self_signed: certificate.subject() == certificate.issuer(),
            has_bindings: !bindings.is_none(),
        })
    }

    pub(in crate::doctor) fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| covers(name, host))
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

/// Whether a name of a certificate is for this host: the same, or `*.` for one label ([RFC 9525]
/// §6.3).
pub(in crate::doctor) fn covers(name: &str, host: &str) -> bool {
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(name), Some((label, host))) => !label.is_empty() && name.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, covers};
    use crate::doctor::checks::testing::{DAY, NOW, certificate};

    #[test]
    fn a_wildcard_is_for_one_label() {
        assert!(covers("*.corp.example", "web.corp.example"));
        assert!(covers("Web.corp.example", "web.CORP.example"));
        assert!(!covers("*.corp.example", "a.web.corp.example"));
        assert!(!covers("*.corp.example", "corp.example"));
        assert!(!covers("*.corp.example", ".corp.example"));
        assert!(!covers("web.corp.example", "web"));
    }

    #[test]
    fn facts_are_those_of_the_certificate() {
        let made = certificate(&["web.corp.example", "10.0.0.7"], NOW - DAY, NOW + DAY);
        let facts = Facts::of(&made.der).unwrap();
        assert_eq!(facts.names, ["web.corp.example", "10.0.0.7"]);
        assert_eq!((facts.not_before, facts.not_after), (NOW - DAY, NOW + DAY));
        assert!(facts.self_signed && facts.has_bindings);
        assert!(facts.covers("WEB.corp.example") && !facts.covers("web"));
        assert!(Facts::of(b"no certificate").is_err());
    }
}
