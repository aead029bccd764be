//! Who is connected, and who has to go when all places are taken.

use logon_tower::Connection;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// All connections of a server.
pub(crate) struct Crowd {
    places: Arc<Semaphore>,
    per_address: Option<usize>,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    /// Those that can be told to end, in the order in which they would be.
    by_standing: BTreeMap<Standing, Member>,
    by_address: HashMap<IpAddr, usize>,
    /// How many were told and are still there.
    leaving: usize,
    next: u64,
    /// When the log last said so.
    warned: Option<Instant>,
}

/// The rank first, then how long ago it was reached: a number that only grows.
type Standing = (Rank, u64);

struct Member {
    since: Instant,
    told: Arc<Notify>,
}

/// From the first to go to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Has never sent the head of a request.
    Silent,
    Idle,
    Busy,
    IdleLoggedOn,
    BusyLoggedOn,
}

/// Who has just come, or has just been answered and is about to go on, is spared while others
/// are there: else a flood of new connections would push out the new clients of all others.
const GRACE: Duration = Duration::from_secs(1);

/// How long to wait for those who were told before more are.
const PATIENCE: Duration = Duration::from_millis(50);

impl Crowd {
    pub(crate) fn new(places: usize, per_address: Option<usize>) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { places, per_address, members: Mutex::default() })
    }

    /// A share of `address`; `None` if it has all that it may have.
    pub(crate) fn share(self: &Arc<Self>, address: IpAddr) -> Option<Share> {
        let Some(limit) = self.per_address else { return Some(Share(None)) };
        let network = network(address);
        let mut members = self.lock();
        let held = members.by_address.get(&network).copied().unwrap_or_default();
        let more = held.checked_add(1).filter(|more| *more <= limit)?;
        members.by_address.insert(network, more);
        Some(Share(Some((Arc::clone(self), network))))
    }

    /// Waits for a place, and makes room if there is none.
    pub(crate) async fn place(&self, share: Share) -> Option<Place> {
        let mut place = std::pin::pin!(Arc::clone(&self.places).acquire_owned());
        if self.places.available_permits() == 0 {
            self.make_room();
        }
        loop {
            if let Ok(permit) = tokio::time::timeout(PATIENCE, place.as_mut()).await {
                return Some(Place { _permit: permit.ok()?, _share: share });
            }
            // Whoever was told takes its time.
            self.make_room();
        }
    }

    /// A connection that has just been accepted.
    pub(crate) fn seat(self: &Arc<Self>) -> Arc<Seat> {
        let told = Arc::new(Notify::new());
        let since = Instant::now();
        let member = Member { since, told: Arc::clone(&told) };
        let standing = self.lock().insert(Rank::Silent, member);
        let state = SeatState { standing, since, requests: 0 };
        Arc::new(Seat { crowd: Arc::clone(self), told, state: Mutex::new(state) })
    }

    /// Tells one connection to end.
    fn make_room(&self) {
        let mut members = self.lock();
        if members.warned.is_none_or(|warned| warned.elapsed() >= Duration::from_secs(60)) {
            members.warned = Some(Instant::now());
            tracing::warn!("all places are taken: connections are ended to make room");
        }
        if let Some(member) = members.next_to_go().and_then(|it| members.by_standing.remove(&it)) {
            members.leaving = members.leaving.saturating_add(1);
            member.told.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn insert(&mut self, rank: Rank, member: Member) -> Standing {
        let standing = (rank, self.next);
        self.next = self.next.saturating_add(1);
        self.by_standing.insert(standing, member);
        standing
    }

    fn next_to_go(&self) -> Option<Standing> {
        let settled = |rank| {
            let (standing, member) = self.by_standing.range((rank, 0)..=(rank, u64::MAX)).next()?;
            (member.since.elapsed() >= GRACE).then_some(*standing)
        };
        let anyone = || {
            let (rank, number) = *self.by_standing.keys().next()?;
            // While others are on their way out, nobody who is logged on has to go.
            let may_go = rank < Rank::IdleLoggedOn || self.leaving == 0;
            may_go.then_some((rank, number))
        };
        [Rank::Silent, Rank::Idle, Rank::Busy].into_iter().find_map(settled).or_else(anyone)
    }
}

/// The connections of one subscriber: of IPv6, everybody has a /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Counts for an address until it is dropped.
pub(crate) struct Share(Option<(Arc<Crowd>, IpAddr)>);

impl Drop for Share {
    fn drop(&mut self) {
        let Some((crowd, network)) = &self.0 else { return };
        let mut members = crowd.lock();
        if let Some(held) = members.by_address.get_mut(network) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                members.by_address.remove(network);
            }
        }
    }
}

/// Counts as a connection until it is dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Share,
}

/// Where one connection stands among the others.
pub(crate) struct Seat {
    crowd: Arc<Crowd>,
    told: Arc<Notify>,
    state: Mutex<SeatState>,
}

struct SeatState {
    standing: Standing,
    since: Instant,
    requests: u32,
}

impl Seat {
    /// Ready when the connection has to end.
    pub(crate) async fn told(&self) {
        self.told.notified().await;
    }

    /// Ready when there has been no request for `limit`.
    pub(crate) async fn idle(&self, limit: Duration) {
        loop {
            let (requests, since) = {
                let state = self.lock();
                (state.requests, state.since)
            };
            let left = match requests {
                0 => limit.saturating_sub(since.elapsed()),
                _ => limit,
            };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.lock().standing.0 == Rank::Silent
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.lock().requests > 0
    }

    /// A request has come; it is in progress until the [`Turn`] is dropped.
    pub(crate) fn begin(self: &Arc<Self>, connection: &Connection) -> Turn {
        self.change(connection, |requests| requests.saturating_add(1));
        Turn { seat: Arc::clone(self), connection: connection.clone() }
    }

    fn change(&self, connection: &Connection, count: impl FnOnce(u32) -> u32) {
        let mut state = self.lock();
        state.requests = count(state.requests);
        state.since = Instant::now();
        let rank = match (state.requests, connection.is_logged_on()) {
            (0, false) => Rank::Idle,
            (0, true) => Rank::IdleLoggedOn,
            (_, false) => Rank::Busy,
            (_, true) => Rank::BusyLoggedOn,
        };
        let mut members = self.crowd.lock();
        match members.by_standing.remove(&state.standing) {
            Some(member) => {
                let member = Member { since: state.since, ..member };
                state.standing = members.insert(rank, member);
            }
            // Told already; that stands.
            None => state.standing.0 = rank,
        }
    }

    fn lock(&self) -> MutexGuard<'_, SeatState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let standing = self.lock().standing;
        let mut members = self.crowd.lock();
        if members.by_standing.remove(&standing).is_none() {
            members.leaving = members.leaving.saturating_sub(1);
        }
    }
}

/// A request in progress.
pub(crate) struct Turn {
    seat: Arc<Seat>,
    connection: Connection,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.seat.change(&self.connection, |requests| requests.saturating_sub(1));
    }
}
