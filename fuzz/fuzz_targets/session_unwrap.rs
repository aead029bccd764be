//! See `logon_fuzz::session::session_unwrap`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::session::session_unwrap(data));
