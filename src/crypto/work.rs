//! Counts what is hashed and encrypted under keys, so that a test can hold refusals to equal work without a clock.

use core::cell::Cell;

std::thread_local!(static BYTES: Cell<usize> = const { Cell::new(0) });

/// Two blocks of key and one of the inner digest.
pub(crate) const PER_MAC: usize = 3 * 64;

pub(crate) fn add(bytes: usize) {
    BYTES.set(BYTES.get() + bytes);
}

/// Bytes that `run` hashes with HMAC or encrypts with DES.
pub(crate) fn of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = BYTES.get();
    let result = run();
    (result, BYTES.get() - before)
}
