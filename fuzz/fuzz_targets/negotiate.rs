//! See `logon_fuzz::wire::negotiate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::wire::negotiate(data));
