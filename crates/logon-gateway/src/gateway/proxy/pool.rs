//! Connections to one URL that wait for their next request.

use super::connect::Http1;
use super::outgoing::Outgoing;
use hyper::client::conn::http2;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Requests at a time over one HTTP/2 connection: the least that RFC 9113 §6.5.2 recommends
/// servers to allow. For more there are more connections.
const STREAMS: usize = 100;

/// The last one in is the first one out, so that those nobody needs grow old.
pub(super) struct Pool {
    idle: Mutex<Vec<Idle>>,
    shared: Mutex<Vec<Shared>>,
    time: Duration,
    max: usize,
}

struct Idle {
    connection: Http1,
    since: Instant,
}

/// HTTP/2.
struct Shared {
    sender: http2::SendRequest<Outgoing>,
    streams: Arc<AtomicUsize>,
    since: Instant,
}

/// A request in progress over an HTTP/2 connection.
#[derive(Debug)]
pub(super) struct Stream(Arc<AtomicUsize>);

impl Stream {
    fn of(streams: &Arc<AtomicUsize>) -> Self {
        streams.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(streams))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(super) fn new(time: Duration, max: usize) -> Self {
        Self { idle: Mutex::default(), shared: Mutex::default(), time, max }
    }

    /// The last that was put back and is still open.
    pub(super) fn take(&self) -> Option<Http1> {
        let mut idle = self.idle();
        let mut at = idle.len();
        while let Some(next) = at.checked_sub(1) {
            at = next;
            let candidate = idle.get(at)?;
            let sender = &candidate.connection.sender;
            if sender.is_closed() {
                idle.remove(at);
            } else if candidate.since.elapsed() > self.time {
                // As all below it.
                idle.drain(..=at);
                return None;
            } else if sender.is_ready() {
                return Some(idle.remove(at).connection);
            }
            // Else its task has not yet seen that the last answer is over.
        }
        None
    }

    pub(super) fn put(&self, connection: Http1) {
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = self.idle();
        if idle.len() >= self.max {
            idle.retain(|idle| !idle.connection.sender.is_closed());
        }
        if idle.len() < self.max {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    /// A place on an HTTP/2 connection that is open.
    pub(super) fn share(&self) -> Option<(http2::SendRequest<Outgoing>, Stream)> {
        let mut shared = self.shared();
        shared.retain(|shared| !shared.sender.is_closed());
        let free =
            shared.iter_mut().find(|shared| shared.streams.load(Ordering::Relaxed) < STREAMS)?;
        free.since = Instant::now();
        Some((free.sender.clone(), Stream::of(&free.streams)))
    }

    /// Makes a new HTTP/2 connection known, and takes the first place on it.
    pub(super) fn add(&self, sender: &http2::SendRequest<Outgoing>) -> Stream {
        let streams = Arc::new(AtomicUsize::new(0));
        let stream = Stream::of(&streams);
        self.shared().push(Shared { sender: sender.clone(), streams, since: Instant::now() });
        stream
    }

    /// Gives no more requests to an HTTP/2 connection that has lost one.
    pub(super) fn discard(&self, stream: &Stream) {
        self.shared().retain(|shared| !Arc::ptr_eq(&shared.streams, &stream.0));
    }

    /// Closes what nobody has needed for a while.
    pub(super) fn sweep(&self) {
        let old = |since: Instant| since.elapsed() > self.time;
        self.idle().retain(|idle| !idle.connection.sender.is_closed() && !old(idle.since));
        self.shared().retain(|shared| {
            !shared.sender.is_closed()
                && (shared.streams.load(Ordering::Relaxed) != 0 || !old(shared.since))
        });
    }

    /// How many HTTP/1.1 connections wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.idle().len()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shared(&self) -> MutexGuard<'_, Vec<Shared>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
