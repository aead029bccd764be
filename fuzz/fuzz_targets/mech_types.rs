//! See `logon_fuzz::wire::mech_types`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::wire::mech_types(data));
