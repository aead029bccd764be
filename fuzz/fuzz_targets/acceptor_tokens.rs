//! See `logon_fuzz::exchange::acceptor_tokens`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::exchange::acceptor_tokens(data));
