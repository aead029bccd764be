//! See `logon_fuzz::client::client_challenges`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::client::client_challenges(data));
