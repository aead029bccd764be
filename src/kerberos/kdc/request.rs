//! The way to a service's ticket.

use super::as_exchange::AsExchange;
use super::config::{ClockOffset, TicketConfig};
use super::error::TicketError;
use super::reply::{Answer, time};
use super::secret::ClientSecret;
use super::tgs_exchange::TgsExchange;
use crate::env::FileTime;
use crate::kerberos::{CachedTicket, CredentialCache, PrincipalName};
use crate::wire::krb5::{KdcOptions, KdcReqBody, KerberosTime, Principal, TicketFlags};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use zeroize::Zeroizing;

/// More than the longest way through realms takes, with everything that can go wrong on it.
const MOST_REQUESTS: u8 = 20;

/// Clocks that are less apart are left alone.
const SMALL: Duration = Duration::from_secs(30);

/// A ticket-granting ticket that ends sooner is renewed, if it can be.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// The way to a ticket of a service: from the cache, or from KDCs.
/// See [RFC 4120] §3.1, §3.3, [RFC 6806] §7, §8.
///
/// ```
/// use logon::kerberos::{CredentialCache, TicketConfig, TicketError, TicketRequest, TicketStep};
/// use logon::kerberos::{ClientSecret, PrincipalName, ServiceTicket};
/// use std::sync::Arc;
///
/// /// `send` gives a message to a KDC of a realm and returns its answer.
/// fn ticket(
///     mut send: impl FnMut(&str, &[u8]) -> std::io::Result<Vec<u8>>,
/// ) -> Result<ServiceTicket, Box<dyn std::error::Error>> {
///     let client: PrincipalName = "alice@CORP.EXAMPLE".parse()?;
///     let service = "HTTP/web01.corp.example@CORP.EXAMPLE".parse()?;
///     let cache = CredentialCache::new(client);
///     let mut request = TicketRequest::new(Arc::new(TicketConfig::with_os()), &cache, service)
///         .with_secret(ClientSecret::password("S3cret!pw".to_owned()));
///     let mut answer = None;
///     loop {
///         match request.step(answer.as_deref())? {
///             TicketStep::SendToKdc(next) => {
///                 answer = Some(send(&next.realm, &next.message)?);
///                 request = next.request;
///             }
///             TicketStep::Complete(ticket) => return Ok(ticket),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct TicketRequest(Box<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Shared,
    state: State,
}

/// What a step led to.
/// See [RFC 4120] §3.1.
#[derive(Debug)]
#[must_use = "the message has to be sent"]
pub enum TicketStep {
    /// Send the message, then step with the answer.
    SendToKdc(SendToKdc),
    /// There is a ticket.
    Complete(ServiceTicket),
}

/// A message to a KDC.
/// See [RFC 4120] §7.2.
pub struct SendToKdc {
    /// The realm: any of its KDCs will do.
    pub realm: String,
    /// The message, without the length that stands before it over TCP.
    pub message: Vec<u8>,
    /// Whether the client's key is proven by it: a password that is wrong counts against the
    /// account.
    pub counts: bool,
    /// What takes the answer.
    pub request: TicketRequest,
}

/// What proves a password is what it can be guessed from; only the length is shown.
impl fmt::Debug for SendToKdc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendToKdc")
            .field("realm", &self.realm)
            .field("message", &self.message.len())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// A service's ticket, and what else was learned on the way to it.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServiceTicket {
    /// The ticket. Its `server` has the components that were asked for, and the realm that the
    /// service was found in.
    pub ticket: CachedTicket,
    /// What is worth keeping beside it: tickets of ticket-granting services. With the ticket itself
    /// they belong into the [`CredentialCache`].
    pub gained: Vec<CachedTicket>,
    /// How far the KDC's clock is ahead; see [`KdcClock`](super::KdcClock).
    pub clock_offset: ClockOffset,
}

#[derive(Debug)]
enum State {
    Start { cached: Option<CachedTicket>, tgt: Option<CachedTicket> },
    As(AsExchange),
    Tgs(TgsExchange),
}

/// What all exchanges on the way share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: Arc<TicketConfig>,
    pub(super) client: PrincipalName,
    pub(super) secret: Option<ClientSecret>,
    service: PrincipalName,
    gained: Vec<CachedTicket>,
    /// What `offset` was with the last of them: what an error says of it later, nobody has signed.
    gained_offset: ClockOffset,
    pub(super) offset: ClockOffset,
    /// Where a ticket was asked for.
    realms: Vec<String>,
    requests: u8,
}

/// What an exchange does next.
pub(super) enum Next<E> {
    Send { realm: String, message: Vec<u8>, counts: bool, exchange: E },
    Done(CachedTicket),
}

impl TicketRequest {
    /// A request for a ticket of `service` by the owner of `cache`, with what is in there.
    ///
    /// Where the realm of `service` is empty, the KDC of the client's realm knows it, or the realm
    /// to ask next ([RFC 6806] §8).
    #[must_use]
    pub fn new(config: Arc<TicketConfig>, cache: &CredentialCache, service: PrincipalName) -> Self {
        let offset = cache.clock_offset();
        let now = offset.applied_to(config.now());
        let allowed = |ticket: &&CachedTicket| {
            config.encryption_types.contains(&ticket.session_key.encryption_type())
        };
        let cached = cache.ticket_for(&service, now).filter(allowed).cloned();
        let client = cache.default_principal().clone();
        let granting = |realm| PrincipalName::ticket_granting(realm, client.realm());
        // The one of the service's realm is at hand if it was asked before.
        let tgt = [service.realm(), client.realm()]
            .into_iter()
            .filter(|realm| !realm.is_empty())
            .find_map(|realm| {
                // That of another realm is not renewed, but asked for anew.
                let lasts = |ticket: &&CachedTicket| {
                    let left = ticket.end_time.since(now).unwrap_or_default();
                    realm == client.realm() || left >= RENEW_BEFORE
                };
                cache.ticket_for(&granting(realm), now).filter(allowed).filter(lasts).cloned()
            });
        let shared = Shared {
            config,
            client,
            secret: None,
            service,
            gained: Vec::new(),
            gained_offset: offset,
            offset,
            realms: Vec::new(),
            requests: 0,
        };
        Self(Box::new(Inner { shared, state: State::Start { cached, tgt } }))
    }

    /// What a ticket-granting ticket is to be had with, if there is none.
    #[must_use]
    pub fn with_secret(mut self, secret: ClientSecret) -> Self {
        self.0.shared.secret = Some(secret);
        self
    }

    /// The last ticket that was granted on the way so far, and those before it. They are worth
    /// keeping whatever becomes of the request: if the service is unknown, that of the
    /// ticket-granting service saves the next request from proving the client's key again.
    #[must_use]
    pub fn gained(&self) -> Option<ServiceTicket> {
        let shared = &self.0.shared;
        let (last, before) = shared.gained.split_last()?;
        let (ticket, gained, clock_offset) = (last.clone(), before.to_vec(), shared.gained_offset);
        Some(ServiceTicket { ticket, gained, clock_offset })
    }

    /// Takes the KDC's answer: `None` at the start.
    ///
    /// # Errors
    /// [`TicketError`] if there will be no ticket.
    pub fn step(self, answer: Option<&[u8]>) -> Result<TicketStep, TicketError> {
        let Inner { mut shared, state } = *self.0;
        match (state, answer) {
            (State::Start { cached: Some(ticket), .. }, None) => Ok(shared.complete(ticket)),
            (State::Start { cached: None, tgt: Some(tgt) }, None) => shared.use_cached(tgt),
            (State::Start { .. }, None) => shared.log_on(),
            (State::As(exchange), Some(answer)) => {
                let next = exchange.handle(&mut shared, &Answer::decode(answer)?)?;
                shared.granted(next, State::As)
            }
            (State::Tgs(exchange), Some(answer)) => {
                let answer = Answer::decode(answer)?;
                if exchange.is_worth_a_logon(&answer) && shared.secret.is_some() {
                    return shared.log_on();
                }
                if let (Some(tgt), Answer::Error(_)) = (exchange.renewing(), &answer) {
                    // It holds for a while yet.
                    return shared.ask(tgt.clone(), true);
                }
                let next = exchange.handle(&mut shared, &answer)?;
                shared.granted(next, State::Tgs)
            }
            _ => Err(TicketError::OutOfOrder),
        }
    }
}

impl Shared {
    /// With a ticket-granting ticket of the cache.
    fn use_cached(mut self, tgt: CachedTicket) -> Result<TicketStep, TicketError> {
        let left = tgt.end_time.since(self.now()).unwrap_or_default();
        let renewable = TicketFlags::from_bits_retain(tgt.flags).contains(TicketFlags::RENEWABLE);
        if left >= RENEW_BEFORE {
            return self.ask(tgt, true);
        }
        if self.secret.is_some() {
            return self.log_on();
        }
        if renewable && tgt.renew_till > tgt.end_time {
            let next = TgsExchange::renew(&mut self, tgt)?;
            return self.granted(next, State::Tgs);
        }
        self.ask(tgt, true)
    }

    fn log_on(mut self) -> Result<TicketStep, TicketError> {
        self.realms.clear();
        let realm = self.client.realm().into();
        let next = AsExchange::begin(&mut self, realm)?;
        self.granted(next, State::As)
    }

    /// Asks for the service's ticket where this ticket is taken, or for the way there.
    fn ask(mut self, tgt: CachedTicket, cached: bool) -> Result<TicketStep, TicketError> {
        let Some(realm) = tgt.server.grants_in().map(String::from) else {
            return Err(TicketError::Mismatch("not a ticket of a ticket-granting service"));
        };
        if self.realms.contains(&realm) {
            return Err(TicketError::Referrals);
        }
        let wanted = self.service.realm();
        let server = if wanted.is_empty() || wanted == realm || self.service.grants_in().is_some() {
            self.service.in_realm(&realm)
        } else {
            PrincipalName::ticket_granting(wanted, &realm)
        };
        self.realms.push(realm);
        let next = TgsExchange::begin(&mut self, tgt, server, cached)?;
        self.granted(next, State::Tgs)
    }

    /// Sends, or goes on with the ticket that was granted.
    fn granted<E>(
        mut self,
        next: Next<E>,
        state: impl FnOnce(E) -> State,
    ) -> Result<TicketStep, TicketError> {
        match next {
            Next::Send { realm, message, counts, exchange } => {
                self.requests = self.requests.saturating_add(1);
                if self.requests > MOST_REQUESTS {
                    return Err(TicketError::Referrals);
                }
                let inner = Inner { shared: self, state: state(exchange) };
                let request = TicketRequest(Box::new(inner));
                Ok(TicketStep::SendToKdc(SendToKdc { realm, message, counts, request }))
            }
            Next::Done(ticket) => {
                let wanted = ticket.server.components() == self.service.components();
                if wanted || ticket.server.grants_in().is_none() {
                    return Ok(self.complete(ticket));
                }
                self.gained.push(ticket.clone());
                self.gained_offset = self.offset;
                self.ask(ticket, false)
            }
        }
    }

    fn complete(self, ticket: CachedTicket) -> TicketStep {
        let Self { gained, offset: clock_offset, .. } = self;
        TicketStep::Complete(ServiceTicket { ticket, gained, clock_offset })
    }

    /// The KDC's time, as far as it is known.
    pub(super) fn now(&self) -> FileTime {
        self.offset.applied_to(self.config.now())
    }

    /// The same as authenticators have it.
    pub(super) fn time(&self) -> (KerberosTime, u32) {
        let now = self.now().to_unix().unwrap_or_default();
        (KerberosTime::from_unix(now.as_secs()), now.subsec_micros())
    }

    /// From now on goes by the KDC's clock, if that is another time than this one's.
    pub(super) fn set_clock(&mut self, kdc: KerberosTime) {
        let offset = ClockOffset::between(self.config.now(), time(kdc));
        self.offset = if offset.exceeds(SMALL) { offset } else { ClockOffset::default() };
    }

    /// A number that the answer has to repeat; positive, because not all agree how it is signed.
    pub(super) fn nonce(&self) -> Result<u32, TicketError> {
        let mut bytes = [0; 4];
        self.config.random.fill(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes) & 0x7fff_ffff)
    }

    pub(super) fn confounder(&self) -> Result<Zeroizing<[u8; 16]>, TicketError> {
        let mut bytes = Zeroizing::new([0; 16]);
        self.config.random.fill(&mut *bytes)?;
        Ok(bytes)
    }

    /// What all requests have; the first one adds how long its ticket could be renewed.
    pub(super) fn body<'a>(
        &self,
        kdc_options: KdcOptions,
        server: Principal<'a>,
        till: KerberosTime,
        nonce: u32,
    ) -> KdcReqBody<'a> {
        KdcReqBody {
            kdc_options,
            client: None,
            server,
            from: None,
            till,
            rtime: None,
            nonce,
            etypes: self.etypes(),
            addresses: Vec::new(),
            enc_authorization_data: None,
            additional_tickets: Vec::new(),
        }
    }

    pub(super) fn etypes(&self) -> Vec<i32> {
        self.config.encryption_types.iter().map(|it| it.number()).collect()
    }
}
