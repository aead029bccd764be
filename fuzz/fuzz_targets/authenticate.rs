//! See `logon_fuzz::wire::authenticate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::wire::authenticate(data));
