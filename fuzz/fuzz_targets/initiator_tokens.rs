//! See `logon_fuzz::exchange::initiator_tokens`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::exchange::initiator_tokens(data));
