//! See `logon_fuzz::kdc::kdc_reply`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::kdc::kdc_reply(data));
