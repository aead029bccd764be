//! See `logon_fuzz::wire::challenge`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::wire::challenge(data));
