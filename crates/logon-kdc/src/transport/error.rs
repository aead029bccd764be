//! Why there is no answer.

use crate::conf::KdcAddress;
use core::fmt;
use std::io;
use std::net::SocketAddr;

/// Why a message has no answer, and what was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// It is not known where a KDC of the realm is.
    NoKdc {
        /// The realm.
        realm: String,
        /// Why not.
        reason: NoKdc,
    },
    /// None of the KDCs gave an answer.
    NoAnswer {
        /// The realm.
        realm: String,
        /// Each one that was asked, in order.
        tries: Vec<Try>,
    },
    /// The message is longer than what any KDC takes: 1 MiB over TCP, 32,700 bytes over UDP.
    TooLong(usize),
}

/// Why no KDC is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoKdc {
    /// The configuration names none, and `dns_lookup_kdc` is false.
    NotConfigured,
    /// The configuration names none, and this program does not ask DNS: the feature `dns` is off.
    WithoutDns,
    /// The configuration names none, and neither does DNS.
    NotInDns(String),
}

/// UDP or TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// One datagram each way.
    Udp,
    /// Four bytes of length before each message.
    Tcp,
}

/// A KDC that was asked in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Try {
    /// The KDC.
    pub kdc: KdcAddress,
    /// Its address, if it has one.
    pub address: Option<SocketAddr>,
    /// Over what.
    pub protocol: Protocol,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of asking a KDC.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing, in the time there was.
    NoAnswer,
    /// Its name has no address.
    NoAddress(String),
    /// Nothing listens there, or no way leads there.
    Io(io::ErrorKind),
    /// It closed the connection before the answer was there.
    Closed,
    /// It answered what is no message of a KDC.
    NotAReply,
    /// It announced more bytes than an answer may have.
    TooLarge(u32),
    /// Its answer is too long for UDP (`KRB_ERR_RESPONSE_TOO_BIG`).
    TooBigForUdp,
    /// It says that it cannot serve at the moment (`KDC_ERR_SVC_UNAVAILABLE`).
    Unavailable,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKdc { realm, reason } => {
                write!(f, "no KDC of realm {realm} is known: {reason}")
            }
            Self::NoAnswer { realm, tries } => {
                write!(f, "no KDC of realm {realm} answered:")?;
                for each in tries {
                    write!(f, " {each};")?;
                }
                write!(
                    f,
                    " check that these hosts are the KDCs of the realm (`kdc` in [realms] of \
                     krb5.conf), and that no firewall keeps UDP and TCP from their ports"
                )
            }
            Self::TooLong(length) => write!(f, "no KDC takes a message of {length} bytes"),
        }
    }
}

impl core::error::Error for SendError {}

impl fmt::Display for NoKdc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConfigured => f.write_str(
                "krb5.conf has no `kdc` for it in [realms], and `dns_lookup_kdc` is false: write \
                 one of them",
            ),
            Self::WithoutDns => f.write_str(
                "krb5.conf has no `kdc` for it in [realms], and this program does not look into \
                 DNS: write it there",
            ),
            Self::NotInDns(cause) => write!(
                f,
                "krb5.conf has no `kdc` for it in [realms], and DNS does not help ({cause}): check \
                 the name of the realm, or write the KDC there"
            ),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        })
    }
}

impl fmt::Display for Try {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kdc)?;
        match self.address {
            Some(address) => write!(f, " ({address}, {}): {}", self.protocol, self.outcome),
            None => write!(f, " ({}): {}", self.protocol, self.outcome),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => f.write_str("no answer"),
            Self::NoAddress(cause) => write!(f, "no address ({cause})"),
            Self::Io(kind) => kind.fmt(f),
            Self::Closed => f.write_str("closed the connection without an answer"),
            Self::NotAReply => f.write_str("answered, but nothing that a KDC does"),
            Self::TooLarge(length) => write!(f, "announced an answer of {length} bytes"),
            Self::TooBigForUdp => f.write_str("the answer is too long for UDP"),
            Self::Unavailable => f.write_str("cannot serve at the moment"),
        }
    }
}
