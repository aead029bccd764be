//! See `logon_fuzz::wire::neg_token_init`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::wire::neg_token_init(data));
