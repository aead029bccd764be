//! A client's tickets: those that it has, and those that KDCs give for them.

mod account;
mod error;
mod proof;
mod service;
mod source;

pub use account::principal_of;
pub use error::TicketsError;

use crate::Environment;
use crate::conf::Krb5Conf;
use crate::place::{client_keytab, credential_cache, read_keytab};
use crate::transport::KdcClient;
use core::fmt;
use logon::kerberos::{
    ClientSecret, CredentialCache, EncryptionType, InitiatorConfig, KdcClock, Keytab,
    PrincipalName, ServiceTicket, TicketConfig, TicketRequest, TicketStep,
};
use logon::{FileTime, OsRandom, SystemClock, TargetName, TimeSource};
use proof::Proof;
use service::{Service, Wanted};
use source::{Loaded, Source};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long before its end a ticket is not used any more: it has to get there, too.
const MARGIN: Duration = Duration::from_secs(10);

/// For so long nobody is asked again who gave no ticket.
const REST: Duration = Duration::from_secs(60);

/// For all that it takes to get a ticket, and for those to be done who were there before.
const LIMIT: Duration = Duration::from_secs(40);

/// Services at a time of which something is kept.
const MAX: usize = 1000;

/// The tickets of one client, from a credential cache, a keytab or a password. What KDCs grant stays
/// in memory, for all clones of the `Arc` that this belongs into.
///
/// # Security
/// A password or key that a KDC refuses is not shown to it again: accounts are locked after a few.
///
/// ```no_run
/// use logon::TargetName;
/// use logon_kdc::Tickets;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// // As kinit has left them, with /etc/krb5.conf.
/// let tickets = Tickets::of_environment(&|name| std::env::var_os(name))?;
/// let ticket = tickets.ticket_for(&TargetName::http("web01.corp.example")).await?;
/// # Ok(())
/// # }
/// ```
pub struct Tickets {
    kdc: KdcClient,
    config: Arc<TicketConfig>,
    source: Source,
    state: Mutex<State>,
    /// One at a time asks KDCs: those who wait find what the first one got.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    loaded: Option<Loaded>,
    /// Counts what was loaded: what was asked for before is not of this one.
    generation: u64,
    ready: HashMap<Wanted, Arc<InitiatorConfig>>,
    failed: HashMap<Wanted, (Instant, TicketsError)>,
    /// Refused by the service, when there was a new one the last time.
    forgotten: HashMap<Wanted, Instant>,
    /// The password or key is wrong, or its account may not log on; and when that was, if it may be
    /// another answer later.
    refused: Option<(Option<Instant>, TicketsError)>,
    /// Where nobody answered to a proof of the password, which may have been wrong.
    unanswered: Option<(Instant, TicketsError)>,
}

impl Tickets {
    /// Tickets of a credential cache, which is read again when it has changed.
    #[must_use]
    pub fn of_cache(kdc: KdcClient, path: impl Into<PathBuf>) -> Self {
        Self::new(kdc, Source::Cache(path.into()))
    }

    /// Tickets for a password.
    #[must_use]
    pub fn of_password(
        kdc: KdcClient,
        client: PrincipalName,
        password: impl Into<zeroize::Zeroizing<String>>,
    ) -> Self {
        Self::new(kdc, Source::Password(client, ClientSecret::password(password)))
    }

    /// Tickets for the keys of a client.
    #[must_use]
    pub fn of_keytab(kdc: KdcClient, client: PrincipalName, keytab: Keytab) -> Self {
        Self::new(kdc, Source::Keys(client, ClientSecret::keytab(keytab)))
    }

    /// Tickets of whoever runs this program, without asking anybody: by the credential cache if it
    /// is there, else by the client keytab, for the first name in it.
    ///
    /// # Errors
    /// [`TicketsError`] if there is neither, or something is there and wrong.
    pub fn of_environment(environment: Environment<'_>) -> Result<Self, TicketsError> {
        let conf = Arc::new(Krb5Conf::load(environment)?);
        let cache = credential_cache(&conf, environment)?;
        let kdc = KdcClient::new(Arc::clone(&conf));
        if cache.exists() {
            return Ok(Self::of_cache(kdc, cache));
        }
        let path = client_keytab(&conf, environment)?;
        if !path.exists() {
            return Err(TicketsError::Nothing { cache, keytab: path });
        }
        let keytab = read_keytab(&path)?;
        let first = keytab.keys().first().map(|key| key.principal.clone());
        let client = first.ok_or(TicketsError::EmptyKeytab(path))?;
        Ok(Self::of_keytab(kdc, client, keytab))
    }

    fn new(kdc: KdcClient, source: Source) -> Self {
        let config = Arc::new(config(kdc.conf()));
        let (state, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { kdc, config, source, state, turn }
    }

    /// Who the client is.
    ///
    /// # Errors
    /// [`TicketsError`] if its credential cache cannot be read.
    pub fn client(&self) -> Result<PrincipalName, TicketsError> {
        self.with_cache(|cache| cache.default_principal().clone())
    }

    /// What logs on to a service of this very name: `HTTP/` and a host, for example.
    ///
    /// # Errors
    /// [`TicketsError`] if there is no ticket of it. For a minute after that nobody is asked again.
    pub async fn ticket_for(
        &self,
        service: &TargetName,
    ) -> Result<Arc<InitiatorConfig>, TicketsError> {
        self.wanted(Wanted { name: service.as_str().to_owned(), exactly: true }).await
    }

    /// The same where it is called by a host that somebody wants to talk to: if `krb5.conf` says so
    /// ([`CanonicalizeHostname`](crate::CanonicalizeHostname)), what DNS calls the host instead.
    ///
    /// # Errors
    /// As of [`ticket_for`](Self::ticket_for).
    pub async fn ticket_for_host(
        &self,
        service: &TargetName,
    ) -> Result<Arc<InitiatorConfig>, TicketsError> {
        self.wanted(Wanted { name: service.as_str().to_owned(), exactly: false }).await
    }

    async fn wanted(&self, wanted: Wanted) -> Result<Arc<InitiatorConfig>, TicketsError> {
        if let Some(known) = self.known(&wanted) {
            return known;
        }
        let service = Service::new(&self.kdc, &wanted);
        let asking = async {
            // Nobody else has to wait for what DNS says of this host.
            let principal = service.name().await;
            let _turn = self.turn.lock().await;
            match self.known(&wanted) {
                Some(known) => known,
                None => self.ask(&wanted, service, principal).await,
            }
        };
        match tokio::time::timeout(LIMIT, asking).await {
            Ok(asked) => asked,
            Err(_) => Err(TicketsError::Slow),
        }
    }

    async fn ask(
        &self,
        wanted: &Wanted,
        service: Service<'_>,
        principal: PrincipalName,
    ) -> Result<Arc<InitiatorConfig>, TicketsError> {
        let generation = self.state().generation;
        let got = self.get(service, principal).await;
        let mut state = self.state();
        if state.generation != generation {
            return got;
        }
        if state.ready.len() >= MAX {
            state.ready.clear();
        }
        if state.failed.len() >= MAX {
            state.failed.clear();
        }
        match &got {
            Ok(ticket) => {
                state.ready.insert(wanted.clone(), Arc::clone(ticket));
            }
            Err(error) if error.is_about_client() => {
                let when = (!error.is_final()).then(Instant::now);
                state.refused = Some((when, error.clone()));
            }
            Err(error) => {
                state.failed.insert(wanted.clone(), (Instant::now(), error.clone()));
            }
        }
        got
    }

    /// Forgets the ticket of a service, which refuses it: it may have got a new key. The next one is
    /// a new one; but that does not go on for ever, so for a minute after that nothing is forgotten.
    pub fn forget(&self, service: &TargetName) {
        let mut state = self.state();
        for exactly in [true, false] {
            state.forget(Wanted { name: service.as_str().to_owned(), exactly });
        }
    }

    /// Forgets what was granted and what was refused.
    pub fn reset(&self) {
        let mut state = self.state();
        let generation = state.generation.saturating_add(1);
        *state = State { generation, ..State::default() };
    }

    /// What is to be said without asking anybody.
    fn known(&self, wanted: &Wanted) -> Option<Result<Arc<InitiatorConfig>, TicketsError>> {
        // What the cache had, and has no more, is gone here, too.
        if let Err(error) = self.with_cache(|_| ()) {
            return Some(Err(error));
        }
        let state = self.state();
        let offset = state.loaded.as_ref().map(|it| it.cache.clock_offset()).unwrap_or_default();
        let clock = KdcClock::new(Arc::new(SystemClock), offset);
        if let Some(ready) = state.ready.get(wanted)
            && lasts(ready.ticket().end_time, clock.now())
        {
            return Some(Ok(Arc::clone(ready)));
        }
        if let Some(refused) = state.refused() {
            return Some(Err(refused.clone()));
        }
        let failed = state.unanswered.iter().chain(state.failed.get(wanted));
        let mut failed = failed.filter(|(when, _)| when.elapsed() < REST);
        failed.next().map(|(_, error)| Err(error.clone()))
    }

    /// Why the password or key is not to be shown to anybody, if a KDC has refused it.
    #[must_use]
    pub fn refused(&self) -> Option<TicketsError> {
        self.state().refused().cloned()
    }

    async fn get(
        &self,
        service: Service<'_>,
        principal: PrincipalName,
    ) -> Result<Arc<InitiatorConfig>, TicketsError> {
        match self.get_as_called(principal).await {
            Err(error) if error.is_unknown_service() => {
                let Some(other) = service.fallback().await else { return Err(error) };
                let second = self.get_as_called(other).await;
                second.map_err(|second| error.or_about_client(second))
            }
            result => result,
        }
    }

    async fn get_as_called(
        &self,
        service: PrincipalName,
    ) -> Result<Arc<InitiatorConfig>, TicketsError> {
        match self.request(service.clone()).await {
            // Nobody said which realm it is in: the one that is called as its domain is.
            Err(error) if error.is_unknown_service() && service.realm().is_empty() => {
                let client = self.client()?;
                let domain = service::realm_by_domain(&service);
                let Some(domain) = domain.filter(|it| it != client.realm()) else {
                    return Err(error);
                };
                let second = self.request(service.in_realm(&domain)).await;
                second.map_err(|second| error.or_about_client(second))
            }
            result => result,
        }
    }

    async fn request(&self, service: PrincipalName) -> Result<Arc<InitiatorConfig>, TicketsError> {
        let mut request =
            self.with_cache(|cache| TicketRequest::new(Arc::clone(&self.config), cache, service))?;
        let generation = self.state().generation;
        if let Some(secret) = self.source.secret() {
            request = request.with_secret(secret.clone());
        }
        let mut proof = Proof::new(&self.state);
        let (mut answer, mut of_client) = (None::<Vec<u8>>, true);
        let found = loop {
            let hashes = of_client && answer.is_some() && self.source.is_password();
            let step = move || request.step(answer.as_deref());
            // A password is hashed as often as somebody says who has proven nothing.
            let step = if hashes { proof::in_background(step).await? } else { step() };
            // Nobody waits from here to where the verdict is written down, so none is lost.
            proof.is_judged();
            match step.map_err(|cause| TicketsError::Ticket { cause, of_client })? {
                TicketStep::SendToKdc(next) => {
                    if let Some(gained) = next.request.gained() {
                        self.keep(gained, generation);
                    }
                    // An AS-REQ is about the client, the others about the service.
                    of_client = next.message.first() == Some(&0x6a);
                    proof.goes_out(next.counts);
                    let sent = self.kdc.send(&next.realm, &next.message).await;
                    answer = Some(sent.map_err(|error| proof.is_unanswered(error))?);
                    request = next.request;
                }
                TicketStep::Complete(found) => break found,
            }
        };
        let clock = KdcClock::new(Arc::new(SystemClock), found.clock_offset);
        let (random, clock) = (Arc::new(OsRandom), Arc::new(clock));
        let ready = Arc::new(InitiatorConfig::new(found.ticket.clone(), random, clock));
        self.keep(found, generation);
        Ok(ready)
    }

    /// Keeps what was granted, unless what was asked with is not there any more.
    fn keep(&self, found: ServiceTicket, generation: u64) {
        let mut state = self.state();
        if state.generation == generation
            && let Some(loaded) = &mut state.loaded
        {
            loaded.cache.insert(found);
        }
    }

    /// Looks at the cache as it is now.
    fn with_cache<T>(&self, look: impl FnOnce(&CredentialCache) -> T) -> Result<T, TicketsError> {
        let mut state = self.state();
        let stamp = self.source.stamp();
        let same = |loaded: &Loaded| loaded.stamp.is_some() && loaded.stamp == stamp;
        if !state.loaded.as_ref().is_some_and(same) {
            let cache = self.source.read();
            let generation = state.generation.saturating_add(1);
            *state = State { generation, ..State::default() };
            state.loaded = Some(Loaded { cache: cache?, stamp });
        }
        match &state.loaded {
            Some(loaded) => Ok(look(&loaded.cache)),
            None => Err(TicketsError::Gone),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn forget(&mut self, wanted: Wanted) {
        if self.forgotten.get(&wanted).is_some_and(|when| when.elapsed() < REST) {
            return;
        }
        let Some(ready) = self.ready.remove(&wanted) else { return };
        if self.forgotten.len() >= MAX {
            self.forgotten.clear();
        }
        self.forgotten.insert(wanted, Instant::now());
        if let Some(loaded) = &mut self.loaded {
            loaded.cache.remove(&ready.ticket().server);
        }
    }

    fn refused(&self) -> Option<&TicketsError> {
        let lasts = |when: Option<Instant>| when.is_none_or(|when| when.elapsed() < REST);
        self.refused.as_ref().filter(|(when, _)| lasts(*when)).map(|(_, error)| error)
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").field("source", &self.source).finish_non_exhaustive()
    }
}

fn lasts(end: FileTime, now: FileTime) -> bool {
    end.since(now).is_some_and(|left| left > MARGIN)
}

/// What `krb5.conf` has to say of requests.
fn config(conf: &Krb5Conf) -> TicketConfig {
    let said = conf.libdefaults();
    let types = said.default_tkt_enctypes.as_ref().or(said.permitted_enctypes.as_ref());
    let allowed = |it: &&EncryptionType| {
        let permitted = said.permitted_enctypes.as_ref();
        (!it.is_weak() || said.allow_weak_crypto)
            && permitted.is_none_or(|permitted| permitted.contains(it))
    };
    let mut config = TicketConfig::with_os()
        .with_renewable(said.renew_lifetime)
        .with_forwardable(said.forwardable)
        .with_clock_skew(said.clockskew);
    if let Some(lifetime) = said.ticket_lifetime {
        config = config.with_lifetime(lifetime);
    }
    if let Some(types) = types {
        let types: Vec<_> = types.iter().filter(allowed).copied().collect();
        config = config.with_encryption_types(&types);
    }
    config
}
