//! See `logon_fuzz::kerberos::pac`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::kerberos::pac(data));
