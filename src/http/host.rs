//! The host that a request names.

use alloc::borrow::Cow;
use core::net::Ipv6Addr;

/// A host without its port ([RFC 9110] §7.2).
#[derive(Debug, Clone, Eq)]
pub(super) enum Host<'a> {
    /// A name or an IPv4 address.
    Name(Cow<'a, str>),
    /// An IPv6 address, however it was abbreviated.
    Ipv6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// The host in a value of `Host`, or in the authority of a target. `None` if it is unreadable:
    /// then nobody knows what those behind take it for.
    pub(super) fn parse(value: &'a [u8]) -> Option<Self> {
        let text = core::str::from_utf8(value).ok()?.trim_ascii();
        if let Some(literal) = text.strip_prefix('[') {
            let (address, port) = literal.split_once(']')?;
            let port = port.strip_prefix(':').unwrap_or(port);
            return is_port(port).then_some(Self::Ipv6(address.parse().ok()?));
        }
        let (name, port) = text.split_once(':').unwrap_or((text, ""));
        let name = name.trim_end_matches('.');
        let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let readable = !name.is_empty() && name.chars().all(usual) && is_port(port);
        readable.then_some(Self::Name(Cow::Borrowed(name)))
    }

    pub(super) fn into_owned(self) -> Host<'static> {
        match self {
            Self::Name(name) => Host::Name(Cow::Owned(name.into_owned())),
            Self::Ipv6(address) => Host::Ipv6(address),
        }
    }
}

/// Names are compared without regard to case.
impl<'b> PartialEq<Host<'b>> for Host<'_> {
    fn eq(&self, other: &Host<'b>) -> bool {
        match (self, other) {
            (Self::Name(one), Host::Name(other)) => one.eq_ignore_ascii_case(other),
            (Self::Ipv6(one), Host::Ipv6(other)) => one == other,
            _ => false,
        }
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
