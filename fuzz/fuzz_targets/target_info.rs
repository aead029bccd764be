//! See `logon_fuzz::wire::target_info`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::wire::target_info(data));
