//! See `logon_fuzz::exchange::tampered_logon`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::exchange::tampered_logon(data));
