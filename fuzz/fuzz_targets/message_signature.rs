//! See `logon_fuzz::wire::message_signature`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::wire::message_signature(data));
