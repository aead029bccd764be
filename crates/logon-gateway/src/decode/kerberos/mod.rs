//! Kerberos as trees: tokens, messages of the KDC's protocol, keytabs and credential caches.
//!
//! Keys are never printed, and what is encrypted only by its length: for rc4-hmac a ciphertext is
//! what a password can be guessed by.

mod ap;
mod authenticator;
mod authorization;
mod codes;
mod error;
mod files;
mod kdc;
mod pac;
mod padata;
#[cfg(test)]
mod tests;
mod ticket;
mod words;

pub(super) use files::File;
pub(super) use words::Etype;

use super::DecodeFailure;
use super::token::gss_mechanism;
use super::tree::Tree;
use logon::DecodeError;
use logon::kerberos::KeyUsage;
use logon::wire::krb5::{GssToken, KdcReqKind, Ticket, TokenId};
use logon::wire::spnego::MechType;
use std::io;

/// What a token is, by its first bytes ([RFC 4120] §5.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In the framing of GSS-API.
    Gss,
    Ticket,
    Request(KdcReqKind),
    Reply(KdcReqKind),
    ApReq,
    ApRep,
    Error,
}

impl Kind {
    pub(super) fn of(token: &[u8]) -> Option<Self> {
        Some(match token.first()? {
            0x60 => {
                let ours = [MechType::KRB5, MechType::MS_KRB5].map(Some);
                ours.contains(&gss_mechanism(token)).then_some(Self::Gss)?
            }
            0x61 => Self::Ticket,
            0x6a => Self::Request(KdcReqKind::As),
            0x6b => Self::Reply(KdcReqKind::As),
            0x6c => Self::Request(KdcReqKind::Tgs),
            0x6d => Self::Reply(KdcReqKind::Tgs),
            0x6e => Self::ApReq,
            0x6f => Self::ApRep,
            0x7e => Self::Error,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gss => "token",
            Self::Ticket => "Ticket",
            Self::Request(KdcReqKind::As) => "AS-REQ",
            Self::Request(KdcReqKind::Tgs) => "TGS-REQ",
            Self::Reply(KdcReqKind::As) => "AS-REP",
            Self::Reply(KdcReqKind::Tgs) => "TGS-REP",
            Self::ApReq => "AP-REQ",
            Self::ApRep => "AP-REP",
            Self::Error => "KRB-ERROR",
        }
    }

    pub(super) fn print(self, tree: &mut Tree<'_>, token: &[u8]) -> Result<(), DecodeFailure> {
        if self != Self::Gss {
            tree.line(format_args!("Kerberos {}, {} bytes", self.name(), token.len()))?;
            return self.print_fields(&mut tree.below(), token);
        }
        let GssToken { mech, id, message } = GssToken::decode(token)?;
        let kind = match id {
            TokenId::ApReq => Self::ApReq,
            TokenId::ApRep => Self::ApRep,
            TokenId::Error => Self::Error,
        };
        let framing = mech.map(|mech| format!(" of {} {mech}", mech.name().unwrap_or_default()));
        tree.line(format_args!(
            "Kerberos {}, {} bytes, in a GSS-API token{}",
            kind.name(),
            message.len(),
            framing.unwrap_or_default()
        ))?;
        kind.print_fields(&mut tree.below(), message)
    }

    fn print_fields(self, tree: &mut Tree<'_>, message: &[u8]) -> Result<(), DecodeFailure> {
        match self {
            Self::Gss => Ok(()),
            Self::Ticket => ticket::print_fields(tree, &Ticket::decode(message)?).map(drop),
            Self::Request(kind) => kdc::print_request(tree, kind, message),
            Self::Reply(kind) => kdc::print_reply(tree, kind, message),
            Self::ApReq => ap::print_request(tree, message, KeyUsage::AP_REQ_AUTHENTICATOR),
            Self::ApRep => ap::print_reply(tree, message),
            Self::Error => error::print(tree, message),
        }
    }
}

/// A message as it is over TCP, without the four bytes of length before it ([RFC 4120] §7.2.2).
pub(super) fn without_tcp_length(bytes: &[u8]) -> Option<&[u8]> {
    let (length, message) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let is_one = length == message.len() && Kind::of(message).is_some();
    is_one.then_some(message)
}

/// What was decoded, or a line on why it could not be: the rest can be read all the same.
fn decoded<T>(tree: &mut Tree<'_>, result: Result<T, DecodeError>) -> Result<Option<T>, io::Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            tree.line(format_args!("malformed: {error}"))?;
            Ok(None)
        }
    }
}
