//! Counts what is hashed, so that a test can hold refusals to equal work without a clock.

use core::cell::Cell;

std::thread_local!(static BYTES: Cell<usize> = const { Cell::new(0) });

/// Two blocks of key and one of the inner digest.
pub(crate) const PER_MAC: usize = 3 * 64;

pub(crate) fn add(bytes: usize) {
    BYTES.set(BYTES.get() + bytes);
}

/// Bytes hashed under a key by `run`.
pub(crate) fn of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = BYTES.get();
    let result = run();
    (result, BYTES.get() - before)
}
