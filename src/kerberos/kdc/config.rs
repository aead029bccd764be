//! What requests to a KDC have in common.

use crate::env::{FileTime, SecureRandom, TimeSource};
use crate::kerberos::EncryptionType;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// How a client asks for tickets ([RFC 4120] §3.1, §3.3).
#[derive(Debug, Clone)]
pub struct TicketConfig {
    pub(super) encryption_types: Vec<EncryptionType>,
    pub(super) lifetime: Duration,
    pub(super) renewable: Option<Duration>,
    pub(super) forwardable: bool,
    pub(super) clock_skew: Duration,
    pub(super) random: Arc<dyn SecureRandom>,
    pub(super) clock: Arc<dyn TimeSource>,
}

impl TicketConfig {
    /// A configuration with randomness and clock from outside.
    #[must_use]
    pub fn new(random: Arc<dyn SecureRandom>, clock: Arc<dyn TimeSource>) -> Self {
        Self {
            encryption_types: EncryptionType::DEFAULT.to_vec(),
            lifetime: Duration::from_secs(10 * 3600),
            renewable: None,
            forwardable: false,
            clock_skew: Duration::from_secs(300),
            random,
            clock,
        }
    }

    /// A configuration with randomness and clock of the operating system.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn with_os() -> Self {
        Self::new(Arc::new(crate::env::OsRandom), Arc::new(crate::env::SystemClock))
    }

    /// Which encryption types are asked for and taken, the most wanted first. Default:
    /// [`EncryptionType::DEFAULT`], which leaves RC4 out.
    ///
    /// # Security
    /// Who lists [`EncryptionType::Rc4Hmac`] shows everybody on the way what a password can be
    /// guessed from in no time.
    #[must_use]
    pub fn with_encryption_types(mut self, types: &[EncryptionType]) -> Self {
        self.encryption_types = types.to_vec();
        self
    }

    /// How long a ticket-granting ticket should hold. Default: 10 hours. The KDC may give less.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long a ticket-granting ticket can be renewed. Default: not at all.
    #[must_use]
    pub fn with_renewable(mut self, lifetime: Option<Duration>) -> Self {
        self.renewable = lifetime;
        self
    }

    /// Whether tickets may be handed on to other machines. Default: no; nothing here does that.
    #[must_use]
    pub fn with_forwardable(mut self, forwardable: bool) -> Self {
        self.forwardable = forwardable;
        self
    }

    /// How far the KDC's clock and this one may be apart. Default: 5 minutes.
    #[must_use]
    pub fn with_clock_skew(mut self, skew: Duration) -> Self {
        self.clock_skew = skew;
        self
    }

    /// The time by the clock of this configuration.
    #[must_use]
    pub fn now(&self) -> FileTime {
        self.clock.now()
    }
}

/// A clock that goes as another one does, but is set as a KDC's is.
#[derive(Debug, Clone)]
pub struct KdcClock {
    clock: Arc<dyn TimeSource>,
    offset: ClockOffset,
}

impl KdcClock {
    /// The clock of a KDC that is ahead of `clock` by `offset`.
    #[must_use]
    pub fn new(clock: Arc<dyn TimeSource>, offset: ClockOffset) -> Self {
        Self { clock, offset }
    }
}

impl TimeSource for KdcClock {
    fn now(&self) -> FileTime {
        self.offset.applied_to(self.clock.now())
    }
}

/// How far a KDC's clock is ahead of this machine's; negative if it is behind. Tickets are worth
/// nothing to a service, which goes by the KDC's time, if the client goes by another.
/// See [RFC 4120] §3.1.3, MIT krb5 `ccache_file_format` (`DeltaTime`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ClockOffset {
    ticks: i64,
}

impl ClockOffset {
    /// The offset as credential caches have it: seconds and microseconds.
    #[must_use]
    pub fn new(seconds: i32, microseconds: i32) -> Self {
        let seconds = i64::from(seconds).saturating_mul(10_000_000);
        Self { ticks: seconds.saturating_add(i64::from(microseconds).saturating_mul(10)) }
    }

    /// Whole seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.ticks.div_euclid(10_000_000)
    }

    /// The offset between two clocks that are looked at in the same moment.
    pub(super) fn between(here: FileTime, kdc: FileTime) -> Self {
        let ticks = |time: FileTime| i64::try_from(time.ticks()).unwrap_or(i64::MAX);
        Self { ticks: ticks(kdc).saturating_sub(ticks(here)) }
    }

    pub(super) fn exceeds(self, limit: Duration) -> bool {
        Duration::from_nanos(self.ticks.unsigned_abs().saturating_mul(100)) > limit
    }

    pub(super) fn applied_to(self, time: FileTime) -> FileTime {
        FileTime::from_ticks(time.ticks().saturating_add_signed(self.ticks))
    }
}
