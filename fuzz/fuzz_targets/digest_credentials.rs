//! See `logon_fuzz::digest::digest_credentials`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::digest::digest_credentials(data));
