//! What a KDC answers, and whether that is an answer to what was asked ([RFC 4120] §3.1.5, §3.3.4).

use super::error::TicketError;
use super::request::Shared;
use crate::env::FileTime;
use crate::kerberos::{CachedTicket, EncryptionType, Key, PrincipalName};
use crate::wire::krb5::{EncKdcRepPart, KdcRep, KdcReqKind, KerberosTime, KrbError, Ticket};
use alloc::string::String;
use core::time::Duration;

/// An answer.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    Reply(KdcRep<'a>),
    Error(KrbError<'a>),
}

impl<'a> Answer<'a> {
    pub(super) fn decode(der: &'a [u8]) -> Result<Self, TicketError> {
        Ok(match der.first() {
            // [APPLICATION 11], [APPLICATION 30]
            Some(0x6b) => Self::Reply(KdcRep::decode(KdcReqKind::As, der)?),
            Some(0x7e) => Self::Error(KrbError::decode(der)?),
            _ => Self::Reply(KdcRep::decode(KdcReqKind::Tgs, der)?),
        })
    }
}

/// An error as it is told, with the realm that was asked.
pub(super) fn refused(realm: &str, error: &KrbError<'_>) -> TicketError {
    let text = error.e_text.unwrap_or_default().chars().filter(|c| !c.is_control());
    let text: String = text.take(200).collect();
    TicketError::Kdc { realm: realm.into(), code: error.error_code, text }
}

/// What is within an answer, decrypted.
pub(super) struct Granted<'a> {
    pub(super) rep: &'a KdcRep<'a>,
    pub(super) part: EncKdcRepPart<'a>,
    pub(super) nonce: u32,
}

impl Granted<'_> {
    /// The ticket for `client`, if all is as it has to be; `server` is what it is for.
    pub(super) fn ticket(
        self,
        shared: &Shared,
        client: PrincipalName,
        server: PrincipalName,
    ) -> Result<CachedTicket, TicketError> {
        let Self { rep, part, nonce } = self;
        if part.nonce != nonce {
            return Err(TicketError::Mismatch("another request's nonce"));
        }
        // The name in the clear, which whoever is asked next goes by.
        if !part.server.is_same(&rep.ticket.server) {
            return Err(TicketError::Mismatch("a ticket of another service"));
        }
        let encryption_type = EncryptionType::try_from(part.key.key_type)?;
        if !shared.config.encryption_types.contains(&encryption_type) {
            return Err(TicketError::Mismatch("a session key of an encryption type not allowed"));
        }
        let start_time = time(part.start_time.unwrap_or(part.auth_time));
        let ticket = CachedTicket {
            client,
            server,
            session_key: Key::new(encryption_type, part.key.value)?,
            start_time,
            end_time: time(part.end_time),
            renew_till: part.renew_till.map(time).unwrap_or_default(),
            flags: part.flags.bits(),
            ticket: rep.ticket.as_der().into(),
        };
        let now = shared.now();
        if start_time.since(now).is_some_and(|early| early > shared.config.clock_skew) {
            return Err(TicketError::Mismatch("a ticket that does not hold yet"));
        }
        if ticket.end_time <= now {
            return Err(TicketError::Mismatch("a ticket that holds no more"));
        }
        Ok(ticket)
    }
}

pub(super) fn time(time: KerberosTime) -> FileTime {
    FileTime::from_unix(Duration::from_secs(time.unix_seconds()))
}

/// A ticket of a cache, to be sent on.
pub(super) fn ticket(cached: &CachedTicket) -> Result<Ticket<'_>, TicketError> {
    Ok(Ticket::decode(&cached.ticket)?)
}
