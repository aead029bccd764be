//! Whether a URL is believed to work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The first time that a URL is left out for, and the longest.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

/// Up until a connection or a health check fails. Down for a time that doubles, or until a health
/// check succeeds.
#[derive(Debug)]
pub(super) struct Standing {
    /// Says without a lock that there is nothing to look up.
    up: AtomicBool,
    down: Mutex<Down>,
}

#[derive(Debug, Default)]
struct Down {
    /// Until when it is left out, while it is down.
    until: Option<Instant>,
    /// For how long next time.
    time: Option<Duration>,
}

impl Standing {
    pub(super) fn new() -> Self {
        Self { up: AtomicBool::new(true), down: Mutex::new(Down::default()) }
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed) || self.is_due(Instant::now())
    }

    /// Whether it is time to try it again.
    fn is_due(&self, now: Instant) -> bool {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.until.is_none_or(|until| until <= now)
    }

    /// It works. True if that is news.
    pub(super) fn works(&self) -> bool {
        if self.up.load(Ordering::Relaxed) {
            return false;
        }
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        *down = Down::default();
        !self.up.swap(true, Ordering::Relaxed)
    }

    /// It does not. True if that is news.
    pub(super) fn fails(&self) -> bool {
        self.fails_at(Instant::now())
    }

    fn fails_at(&self, now: Instant) -> bool {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        // Requests that fail together count as one.
        if down.until.is_none_or(|until| until <= now) {
            let time = down.time.unwrap_or(FIRST);
            down.until = now.checked_add(time);
            down.time = Some(time.saturating_mul(2).min(LONGEST));
        }
        self.up.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_out_of_service_doubles_up_to_a_minute() {
        let standing = Standing::new();
        assert!(standing.is_up());
        let mut now = Instant::now();
        for seconds in [5, 10, 20, 40, 60, 60] {
            let news = standing.fails_at(now);
            assert_eq!(news, seconds == 5);
            // Others that failed at the same time.
            assert!(!standing.fails_at(now));
            now += Duration::from_secs(seconds);
            assert!(!standing.is_due(now - Duration::from_millis(1)));
            assert!(standing.is_due(now));
        }
        assert!(standing.works());
        assert!(!standing.works());
        assert!(standing.fails_at(now));
        assert!(standing.is_due(now + FIRST));
    }

    #[test]
    fn a_success_ends_it_at_once() {
        let standing = Standing::new();
        assert!(standing.fails());
        assert!(!standing.is_up());
        assert!(standing.works());
        assert!(standing.is_up());
    }
}
