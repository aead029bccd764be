//! The tickets of a client.

use super::{ClockOffset, EncryptionType, Key, PrincipalName, ServiceTicket};
use crate::env::FileTime;
use crate::error::DecodeError;
use crate::wire::krb5::{CachedCredential, CredentialCacheFile, TicketFlags};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// How far clocks may be apart.
const SKEW: Duration = Duration::from_secs(300);

/// The tickets of a client, from a credential cache (MIT krb5, `ccache_file_format`).
///
/// What is only a setting, and tickets whose session key is of an encryption type that is not
/// supported here, are left out.
#[derive(Debug, Clone)]
pub struct CredentialCache {
    default_principal: PrincipalName,
    tickets: Vec<CachedTicket>,
    clock_offset: ClockOffset,
}

/// A ticket with its session key ([RFC 4120] §1.4, "credentials").
#[derive(Clone)]
pub struct CachedTicket {
    /// Whose it is.
    pub client: PrincipalName,
    /// The service that it is for.
    pub server: PrincipalName,
    /// The session key.
    pub session_key: Key,
    /// When it begins to be valid.
    pub start_time: FileTime,
    /// When it ends.
    pub end_time: FileTime,
    /// Until when it can be renewed; 1601 if it cannot.
    pub renew_till: FileTime,
    /// Its flags, the first in the highest bit ([RFC 4120] §5.3).
    pub flags: u32,
    /// The ticket in DER.
    pub ticket: Vec<u8>,
}

/// A ciphertext may be worth guessing at; only its length is shown.
impl fmt::Debug for CachedTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedTicket")
            .field("client", &self.client)
            .field("server", &self.server)
            .field("end_time", &self.end_time)
            .field("ticket", &self.ticket.len())
            .finish_non_exhaustive()
    }
}

impl CredentialCache {
    /// An empty one.
    #[must_use]
    pub fn new(default_principal: PrincipalName) -> Self {
        let clock_offset = ClockOffset::default();
        Self { default_principal, tickets: Vec::new(), clock_offset }
    }

    /// Decodes a file.
    ///
    /// # Errors
    /// [`DecodeError`] if it is no credential cache.
    pub fn decode(file: &[u8]) -> Result<Self, DecodeError> {
        let file = CredentialCacheFile::decode(file)?;
        let tickets = file.credentials.iter();
        Ok(Self {
            default_principal: PrincipalName::from(&file.default_principal),
            tickets: tickets.filter_map(CachedTicket::of).collect(),
            clock_offset: file
                .kdc_offset
                .map(|(seconds, microseconds)| ClockOffset::new(seconds, microseconds))
                .unwrap_or_default(),
        })
    }

    /// Whose cache it is.
    #[must_use]
    pub fn default_principal(&self) -> &PrincipalName {
        &self.default_principal
    }

    /// The tickets, in the order of the file.
    #[must_use]
    pub fn tickets(&self) -> &[CachedTicket] {
        &self.tickets
    }

    /// How far the KDC's clock is ahead of this machine's.
    #[must_use]
    pub fn clock_offset(&self) -> ClockOffset {
        self.clock_offset
    }

    /// Remembers what a [`TicketRequest`](super::TicketRequest) led to, in the place of what it had
    /// of the same services.
    pub fn insert(&mut self, found: ServiceTicket) {
        let ServiceTicket { ticket, gained, clock_offset } = found;
        // A user principal name has become the name of an account.
        if self.default_principal.is_enterprise() {
            self.default_principal = ticket.client.clone();
        }
        for ticket in gained.into_iter().chain([ticket]) {
            self.tickets
                .retain(|this| this.server != ticket.server || this.client != ticket.client);
            self.tickets.push(ticket);
        }
        self.clock_offset = clock_offset;
    }

    /// Forgets the tickets of a service.
    pub fn remove(&mut self, server: &PrincipalName) {
        self.tickets.retain(|this| this.server != *server);
    }

    /// The ticket of this service that whose cache it is can use `now`, by the KDC's clock: of
    /// several the one that ends last. Where the realm of `server` is empty, any will do.
    #[must_use]
    pub fn ticket_for(&self, server: &PrincipalName, now: FileTime) -> Option<&CachedTicket> {
        let same = |this: &PrincipalName| {
            this.components() == server.components()
                && (server.realm().is_empty() || this.realm() == server.realm())
        };
        let valid = |this: &&CachedTicket| {
            let begins = this.start_time.since(now).is_none_or(|later| later <= SKEW);
            let own = this.client == self.default_principal;
            own && same(&this.server) && begins && now < this.end_time
        };
        self.tickets.iter().filter(valid).max_by_key(|this| this.end_time)
    }
}

impl CachedTicket {
    fn of(cached: &CachedCredential<'_>) -> Option<Self> {
        // One for user-to-user authentication is of no use to services, nor is one that has to be
        // validated first.
        let flags = TicketFlags::from_bits_retain(cached.ticket_flags);
        if cached.is_configuration() || cached.is_skey || flags.contains(TicketFlags::INVALID) {
            return None;
        }
        let encryption_type = EncryptionType::try_from(cached.key_type).ok()?;
        let time = |seconds: u32| FileTime::from_unix(Duration::from_secs(seconds.into()));
        let start_time = if cached.start_time == 0 { cached.auth_time } else { cached.start_time };
        Some(Self {
            client: PrincipalName::from(&cached.client),
            server: PrincipalName::from(&cached.server),
            session_key: Key::new(encryption_type, cached.key).ok()?,
            start_time: time(start_time),
            end_time: time(cached.end_time),
            renew_till: if cached.renew_till == 0 {
                FileTime::default()
            } else {
                time(cached.renew_till)
            },
            flags: cached.ticket_flags,
            ticket: cached.ticket.into(),
        })
    }
}
