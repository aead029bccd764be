//! Who is connected, and who has to go when all places are taken.

use logon_tower::Connection;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// All connections of a server.
pub(crate) struct Crowd {
    places: Arc<Semaphore>,
    per_address: Option<usize>,
    opened: Instant,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    /// In the order in which they came. Nothing is sorted until somebody has to go: requests
    /// are many, and change nothing here.
    seats: BTreeMap<u64, Arc<Seat>>,
    /// Who was to go next when we last looked, the first at the end, none of them spared.
    next_to_go: Vec<(Standing, Arc<Seat>)>,
    looked: Duration,
    by_address: HashMap<IpAddr, usize>,
    next: u64,
    /// When the log last said so.
    warned: Option<Instant>,
}

/// Who has the least goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    /// Goes only if all others are spared too.
    spared: bool,
    rank: Rank,
    since: Duration,
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

/// How many to look for at a time: when a flood comes, not everybody is looked at for each.
const AHEAD: usize = 64;

/// How long to wait for those who were told before more are, and how long what was seen counts.
const PATIENCE: Duration = Duration::from_millis(50);

impl Crowd {
    pub(crate) fn new(places: usize, per_address: Option<usize>) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { places, per_address, opened: Instant::now(), members: Mutex::default() })
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
    pub(crate) fn join(self: &Arc<Self>) -> Member {
        let seat = Arc::new(Seat::new(self.opened));
        let mut members = self.lock();
        let number = members.next;
        members.next = members.next.saturating_add(1);
        members.seats.insert(number, Arc::clone(&seat));
        Member { crowd: Arc::clone(self), number, seat }
    }

    /// Tells all connections to end.
    pub(crate) fn disperse(&self) {
        self.lock().seats.values().for_each(|seat| seat.tell());
    }

    /// Tells one connection to end.
    fn make_room(&self) {
        let mut members = self.lock();
        if members.warned.is_none_or(|warned| warned.elapsed() >= Duration::from_secs(60)) {
            members.warned = Some(Instant::now());
            tracing::warn!("all places are taken: connections are ended to make room");
        }
        if let Some(seat) = members.next_to_go(self.opened.elapsed()) {
            seat.tell();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn next_to_go(&mut self, now: Duration) -> Option<Arc<Seat>> {
        if now.saturating_sub(self.looked) >= PATIENCE {
            self.next_to_go.clear();
        }
        while let Some((standing, seat)) = self.next_to_go.pop() {
            if !seat.is_leaving() && seat.standing(now) == standing {
                return Some(seat);
            }
        }
        self.look(now)
    }

    fn look(&mut self, now: Duration) -> Option<Arc<Seat>> {
        let staying = self.seats.values().filter(|seat| !seat.is_leaving());
        let mut staying: Vec<_> = staying.map(|seat| (seat.standing(now), seat)).collect();
        let some_leave = staying.len() < self.seats.len();
        let (standing, seat) = *staying.iter().min_by_key(|(standing, _)| *standing)?;
        // While others are on their way out, nobody who is logged on has to go.
        let may_go = standing.rank < Rank::IdleLoggedOn || !some_leave;
        let next = may_go.then(|| Arc::clone(seat));

        // Who is spared may have to go now, but not before those who come meanwhile.
        staying.retain(|(standing, _)| !standing.spared);
        if staying.len() > AHEAD {
            staying.select_nth_unstable_by_key(AHEAD, |(standing, _)| *standing);
            staying.truncate(AHEAD);
        }
        staying.sort_unstable_by_key(|(standing, _)| Reverse(*standing));
        let ahead = staying.into_iter().map(|(standing, seat)| (standing, Arc::clone(seat)));
        self.next_to_go = ahead.collect();
        self.looked = now;
        next
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

/// A connection, as long as it is served.
pub(crate) struct Member {
    crowd: Arc<Crowd>,
    number: u64,
    seat: Arc<Seat>,
}

impl Member {
    pub(crate) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.seat.is_leaving.store(true, Relaxed);
        self.crowd.lock().seats.remove(&self.number);
    }
}

/// What a connection does. It is written with every request and read when somebody has to go;
/// each value stands for itself, and one that is late by a moment does no harm.
pub(crate) struct Seat {
    told: Notify,
    /// Was told, or has gone.
    is_leaving: AtomicBool,
    /// From the handshake on.
    connection: OnceLock<Connection>,
    has_asked: AtomicBool,
    requests: AtomicU32,
    opened: Instant,
    /// When a request last came or was done with: nanoseconds since `opened`.
    since: AtomicU64,
}

impl Seat {
    fn new(opened: Instant) -> Self {
        let seat = Self {
            told: Notify::new(),
            is_leaving: AtomicBool::new(false),
            connection: OnceLock::new(),
            has_asked: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            opened,
            since: AtomicU64::new(0),
        };
        seat.touch();
        seat
    }

    /// Whose logon counts here.
    pub(crate) fn take(&self, connection: &Connection) {
        let _ = self.connection.set(connection.clone());
    }

    /// Ready when the connection has to end.
    pub(crate) async fn told(&self) {
        self.told.notified().await;
    }

    /// Ready when there has been no request for `limit`, counted from now at the earliest.
    pub(crate) async fn idle(&self, limit: Duration) {
        let start = self.opened.elapsed();
        loop {
            let left = if self.is_busy() {
                limit
            } else {
                let quiet = self.opened.elapsed().saturating_sub(self.since().max(start));
                limit.saturating_sub(quiet)
            };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    fn is_leaving(&self) -> bool {
        self.is_leaving.load(Relaxed)
    }

    pub(crate) fn is_silent(&self) -> bool {
        !self.has_asked.load(Relaxed)
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.requests.load(Relaxed) > 0
    }

    /// A request has come; it is in progress until the [`Turn`] is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Turn {
        self.has_asked.store(true, Relaxed);
        self.requests.fetch_add(1, Relaxed);
        self.touch();
        Turn(Arc::clone(self))
    }

    fn touch(&self) {
        let since = u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.since.store(since, Relaxed);
    }

    fn since(&self) -> Duration {
        Duration::from_nanos(self.since.load(Relaxed))
    }

    fn tell(&self) {
        self.is_leaving.store(true, Relaxed);
        self.told.notify_one();
    }

    fn standing(&self, now: Duration) -> Standing {
        let is_logged_on = self.connection.get().is_some_and(Connection::is_logged_on);
        let rank = match (is_logged_on, self.is_busy()) {
            _ if self.is_silent() => Rank::Silent,
            (false, false) => Rank::Idle,
            (false, true) => Rank::Busy,
            (true, false) => Rank::IdleLoggedOn,
            (true, true) => Rank::BusyLoggedOn,
        };
        let since = self.since();
        Standing { spared: is_logged_on || now.saturating_sub(since) < GRACE, rank, since }
    }
}

/// A request in progress.
pub(crate) struct Turn(Arc<Seat>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Relaxed);
        self.0.touch();
    }
}
