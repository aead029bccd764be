//! Where a KDC is.

use core::fmt;
use std::net::Ipv6Addr;

/// [RFC 4120] §7.2.3: UDP and TCP alike.
const PORT: u16 = 88;

/// A KDC: host, port, and how it may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KdcAddress {
    /// A name or an address, an IPv6 address without its brackets.
    pub host: String,
    /// The port, 88 unless there is another one.
    pub port: u16,
    /// How it may be asked.
    pub transports: Transports,
}

/// Over what a KDC may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transports {
    /// UDP and TCP.
    Both,
    /// UDP only: `udp/host`.
    Udp,
    /// TCP only: `tcp/host`.
    Tcp,
}

impl KdcAddress {
    /// Reads `host`, `host:port`, `[v6]:port`, each also behind `udp/` or `tcp/`.
    pub(super) fn read(value: &str) -> Result<Self, String> {
        // MIT krb5 takes the first word; what follows is most often meant as a comment.
        let word = value.split_whitespace().next().unwrap_or_default();
        let lower = word.to_ascii_lowercase();
        if ["http://", "https://", "http/", "https/"].iter().any(|scheme| lower.starts_with(scheme))
        {
            let problem = "is a proxy for KDCs ([MS-KKDCP]), which is not supported: name the KDC";
            return Err(format!("{word} {problem} as `host:port`"));
        }
        if word.starts_with('/') {
            return Err(format!("{word} is a socket of UNIX, which is not supported"));
        }
        let (transports, rest) = match word.split_once('/') {
            None => (Transports::Both, word),
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("udp") => (Transports::Udp, rest),
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("tcp") => (Transports::Tcp, rest),
            Some((prefix, _)) => {
                return Err(format!("`{prefix}/` is neither `udp/` nor `tcp/`"));
            }
        };
        let (host, port) = host_and_port(rest).ok_or_else(|| {
            format!("{word:?} is no KDC: write `host`, `host:port` or `[v6]:port`")
        })?;
        Ok(Self { host: host.to_owned(), port, transports })
    }
}

fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let port = |port: &str| port.parse().ok().filter(|port| *port != 0);
    let is_name = |name: &str| {
        let plain = |c: char| c.is_alphanumeric() || "-._".contains(c);
        !name.is_empty() && name.chars().all(plain)
    };
    let is_v6 = |host: &str| {
        // With a zone, as in `fe80::1%eth0`.
        let (address, zone) = host.split_once('%').unwrap_or((host, "0"));
        address.parse::<Ipv6Addr>().is_ok() && is_name(zone)
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            Some(text) => port(text)?,
            None if rest.is_empty() => PORT,
            None => return None,
        };
        return is_v6(host).then_some((host, port));
    }
    if is_v6(text) {
        return Some((text, PORT));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, text)) => (host, port(text)?),
        None => (text, PORT),
    };
    is_name(host).then_some((host, port))
}

impl fmt::Display for KdcAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transports {
            Transports::Both => {}
            Transports::Udp => f.write_str("udp/")?,
            Transports::Tcp => f.write_str("tcp/")?,
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}
