//! The outside world as arguments: randomness and time. With both fixed, an exchange replays.

use crate::error::RandomFailed;
use core::fmt::Debug;
use core::time::Duration;

/// A time as Windows writes it: 100-nanosecond ticks since 1601-01-01 UTC ([MS-DTYP] §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FileTime(u64);

/// Seconds from 1601-01-01 to 1970-01-01.
const EPOCH_DIFFERENCE: u64 = 11_644_473_600;
const TICKS_PER_SECOND: u64 = 10_000_000;

impl FileTime {
    /// A time of `ticks` of 100 ns.
    #[must_use]
    pub const fn from_ticks(ticks: u64) -> Self {
        Self(ticks)
    }

    /// The ticks of 100 ns.
    #[must_use]
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// A time that lies `since_epoch` after 1970-01-01 UTC; the last one representable if that
    /// is too far away.
    #[must_use]
    pub fn from_unix(since_epoch: Duration) -> Self {
        let ticks = since_epoch
            .as_secs()
            .saturating_add(EPOCH_DIFFERENCE)
            .saturating_mul(TICKS_PER_SECOND)
            .saturating_add(u64::from(since_epoch.subsec_nanos().div_euclid(100)));
        Self(ticks)
    }

    /// The time from `earlier` to `self`; `None` if `self` is the earlier one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let ticks = self.0.checked_sub(earlier.0)?;
        let seconds = ticks.div_euclid(TICKS_PER_SECOND);
        let nanos = ticks.rem_euclid(TICKS_PER_SECOND).saturating_mul(100);
        Some(Duration::new(seconds, u32::try_from(nanos).unwrap_or(0)))
    }

    /// The time since 1970-01-01 UTC; `None` before that.
    #[must_use]
    pub fn to_unix(self) -> Option<Duration> {
        self.since(Self(EPOCH_DIFFERENCE.saturating_mul(TICKS_PER_SECOND)))
    }
}

/// A cryptographically secure source of random bytes.
pub trait SecureRandom: Debug + Send + Sync {
    /// Fills `out`.
    ///
    /// # Errors
    /// [`RandomFailed`] if it cannot; the exchange then stops.
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed>;
}

/// A clock.
pub trait TimeSource: Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> FileTime;
}

/// The operating system's random number generator.
#[cfg(feature = "std")]
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

#[cfg(feature = "std")]
impl SecureRandom for OsRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        getrandom::fill(out).map_err(|_| RandomFailed)
    }
}

/// The operating system's clock.
#[cfg(feature = "std")]
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[cfg(feature = "std")]
impl TimeSource for SystemClock {
    fn now(&self) -> FileTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        FileTime::from_unix(since.unwrap_or_default())
    }
}
