//! To whom credentials may be given.

use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The hosts that may have credentials. An answer of any other host stays a 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// What the caller names in requests.
    requested: bool,
    listed: Vec<Pattern>,
}

impl Default for Hosts {
    fn default() -> Self {
        Self::requested()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Any,
    /// Names without a dot, and this machine.
    Local,
    Exact(String),
    /// Everything below a domain; with the dot in front.
    Below(String),
    /// Addresses, not names that lead to them.
    Network(IpNet),
}

/// A pattern that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostsError(String);

impl fmt::Display for HostsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} names no hosts: write a host (\"intranet.corp.example\"), all below a domain \
             (\"*.corp.example\"), a network (\"10.0.0.0/8\"), \"<local>\" for names without a \
             dot, or \"*\"",
            self.0
        )
    }
}

impl std::error::Error for HostsError {}

impl Hosts {
    /// The host of each request as the caller writes it, none that a redirect leads to: right for
    /// credentials that the caller chose for this purpose. The default.
    #[must_use]
    pub fn requested() -> Self {
        Self { requested: true, listed: Vec::new() }
    }

    /// Names without a dot, and this machine: what Windows takes for the intranet.
    #[must_use]
    pub fn local() -> Self {
        Self { requested: false, listed: vec![Pattern::Local] }
    }

    /// These hosts, wherever a request to them comes from: `web.corp.example`, `*.corp.example`
    /// for all below, `10.0.0.0/8` for addresses, `<local>` as [`Self::local`], `*` for all.
    ///
    /// # Errors
    /// [`HostsError`] if a pattern is none of those.
    pub fn only<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, HostsError> {
        let read = |pattern: P| Pattern::read(pattern.as_ref());
        let listed = patterns.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { requested: false, listed })
    }

    /// Adds `other`'s: `Hosts::requested().or(listed)` are the hosts that the caller names, and
    /// those listed, also where a redirect leads to them.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.requested |= other.requested;
        self.listed.extend(other.listed);
        self
    }

    /// Whether `host`, as URLs write it, is one of them. [`Self::requested`] lists none.
    #[must_use]
    pub fn contains(&self, host: &str) -> bool {
        self.allow(&host.to_ascii_lowercase(), false)
    }

    /// Whether `host`, in lower case, may have them; `requested` if the caller named it.
    pub(crate) fn allow(&self, host: &str, requested: bool) -> bool {
        (requested && self.requested) || self.listed.iter().any(|pattern| pattern.matches(host))
    }
}

impl Pattern {
    fn read(text: &str) -> Result<Self, HostsError> {
        let bad = || HostsError(text.to_owned());
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "*" => return Ok(Self::Any),
            "<local>" => return Ok(Self::Local),
            _ => {}
        }
        let text = text.trim_end_matches('.');
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network));
        }
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok(Self::Exact(format!("[{address}]")));
        }
        let (below, name) = match text.strip_prefix('*') {
            Some(rest) => (true, rest.strip_prefix('.').ok_or_else(bad)?),
            None => (false, text),
        };
        // As URLs write it: an IPv6 address in brackets, names in Punycode.
        let host = url::Host::parse(name).map_err(|_| bad())?.to_string();
        if below && (host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok()) {
            return Err(bad());
        }
        Ok(if below { Self::Below(format!(".{host}")) } else { Self::Exact(host) })
    }

    fn matches(&self, host: &str) -> bool {
        let name = host.trim_end_matches('.');
        match self {
            Self::Any => true,
            // With a dot at its end a name is one of the whole world.
            Self::Local => is_local(host),
            Self::Exact(exact) => name == exact,
            Self::Below(suffix) => name.ends_with(suffix.as_str()) && name.len() > suffix.len(),
            Self::Network(network) => {
                address(host).is_some_and(|address| network.contains(&address))
            }
        }
    }
}

fn is_local(host: &str) -> bool {
    match address(host) {
        Some(address) => address.is_loopback(),
        None => !host.is_empty() && !host.contains(['.', '[']),
    }
}

/// A host that is an address; an IPv4 address as such in every notation.
fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(literal) => Some(literal.parse::<Ipv6Addr>().ok()?.to_canonical()),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    fn only(pattern: &str) -> Hosts {
        Hosts::only([pattern]).unwrap()
    }

    // C-22: an allow list
    #[test]
    fn a_host_matches_a_pattern_as_a_whole() {
        for (pattern, host, allowed) in [
            ("web.corp.example", "web.corp.example", true),
            ("Web.Corp.Example.", "web.corp.example", true),
            ("web.corp.example", "web.corp.example.", true),
            ("web.corp.example", "web.corp.example.evil.example", false),
            ("web.corp.example", "aweb.corp.example", false),
            ("*.corp.example", "a.b.corp.example", true),
            ("*.corp.example", "corp.example", false),
            ("*.corp.example", "evilcorp.example", false),
            ("<local>", "intranet", true),
            ("<local>", "127.0.0.1", true),
            ("<local>", "[::1]", true),
            ("<local>", "[::ffff:127.0.0.1]", true),
            ("<local>", "10.0.0.1", false),
            ("<local>", "[2001:db8::1]", false),
            ("<local>", "evil.example", false),
            ("<local>", "ai.", false),
            ("[::1]", "[::1]", true),
            ("::1", "[::1]", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.0/8", "10.example", false),
            ("fd00::/8", "[fd00::1]", true),
            ("10.0.0.0/8", "[::ffff:10.0.0.1]", true),
            ("*", "evil.example", true),
        ] {
            assert_eq!(only(pattern).allow(host, false), allowed, "{pattern} {host}");
        }
    }

    #[test]
    fn what_names_no_hosts_is_refused() {
        for pattern in
            ["", "*corp", "*.", "a b", "*.1.2.3.4", "http://a", "a/b", "a:80", "10.0.0.0/33"]
        {
            assert!(Hosts::only([pattern]).is_err(), "{pattern:?}");
        }
    }

    #[test]
    fn by_default_a_host_that_only_a_redirect_names_gets_nothing() {
        assert!(Hosts::default().allow("a.example", true));
        assert!(!Hosts::default().allow("a.example", false));
    }
}
