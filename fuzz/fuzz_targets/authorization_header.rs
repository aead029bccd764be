//! See `logon_fuzz::http::authorization_header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::http::authorization_header(data));
