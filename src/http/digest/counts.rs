//! Which requests have been seen ([RFC 7616] §3.4 `nc`, §5.12).

use crate::env::FileTime;
use core::fmt::Debug;

/// What a server remembers, so that no credentials serve twice. Servers that share a key for
/// nonces have to share this as well, or each of them takes the same credentials once.
pub trait NonceCounts: Debug + Send + Sync {
    /// Whether the count `nc` is used with this nonce for the first time, as far as can be told:
    /// where it cannot, the answer is no, and the client goes on with a new nonce. Asked only
    /// after the password was proven, so nobody without one can fill the memory.
    ///
    /// `nonce` and `issued_at` together name the nonce.
    fn first_use(&self, nonce: [u8; 12], issued_at: FileTime, nc: u32) -> bool;
}

/// The counts of the nonces issued last, in the memory of this process.
///
/// Of each nonce the highest 64 counts are told apart, because a browser's connections overtake
/// each other; lower ones count as used. When there is no more room, the nonce that was issued
/// first is forgotten, and with it everything issued up to then. After the clock was set back,
/// that may be all nonces until it has caught up.
#[cfg(feature = "std")]
pub struct RecentNonces(std::sync::Mutex<Table>);

#[cfg(feature = "std")]
impl RecentNonces {
    /// Remembers this many nonces. The default is 10,000, for about a megabyte.
    #[must_use]
    pub fn with_capacity(nonces: usize) -> Self {
        Self(std::sync::Mutex::new(Table::new(nonces)))
    }
}

#[cfg(feature = "std")]
impl Default for RecentNonces {
    fn default() -> Self {
        Self::with_capacity(10_000)
    }
}

#[cfg(feature = "std")]
impl Debug for RecentNonces {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RecentNonces").finish_non_exhaustive()
    }
}

#[cfg(feature = "std")]
impl NonceCounts for RecentNonces {
    fn first_use(&self, nonce: [u8; 12], issued_at: FileTime, nc: u32) -> bool {
        let mut table = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        table.first_use(nonce, issued_at, nc)
    }
}

#[cfg(feature = "std")]
struct Table {
    capacity: usize,
    /// In the order of issue.
    nonces: alloc::collections::BTreeMap<(FileTime, [u8; 12]), Window>,
    /// The newest time of issue of those that were forgotten.
    forgotten: Option<FileTime>,
}

#[cfg(feature = "std")]
impl Table {
    fn new(capacity: usize) -> Self {
        Self { capacity, nonces: alloc::collections::BTreeMap::new(), forgotten: None }
    }

    fn first_use(&mut self, nonce: [u8; 12], issued_at: FileTime, nc: u32) -> bool {
        if nc == 0 {
            return false;
        }
        if let Some(window) = self.nonces.get_mut(&(issued_at, nonce)) {
            return window.first_use(nc);
        }
        if self.forgotten.is_some_and(|forgotten| issued_at <= forgotten) {
            return false;
        }
        self.nonces.insert((issued_at, nonce), Window::new(nc));
        while self.nonces.len() > self.capacity {
            // Often the one just entered, if the clock was set back: then this was its only use.
            let Some(((issued_at, _), _)) = self.nonces.pop_first() else { break };
            self.forgotten = self.forgotten.max(Some(issued_at));
        }
        true
    }
}

/// The counts of one nonce.
#[cfg(feature = "std")]
struct Window {
    highest: u32,
    /// Bit `n` stands for the count `highest - n`.
    used: u64,
}

#[cfg(feature = "std")]
impl Window {
    fn new(nc: u32) -> Self {
        Self { highest: nc, used: 1 }
    }

    fn first_use(&mut self, nc: u32) -> bool {
        if let Some(ahead) = nc.checked_sub(self.highest).filter(|ahead| *ahead > 0) {
            self.used = self.used.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = nc;
            return true;
        }
        // Below the window nothing is known, so everything counts as used.
        let bit = self.highest.checked_sub(nc).and_then(|behind| 1_u64.checked_shl(behind));
        let first = bit.is_some_and(|bit| self.used & bit == 0);
        self.used |= bit.unwrap_or(0);
        first
    }
}
