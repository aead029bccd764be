//! See `logon_fuzz::kerberos::ap_req`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::kerberos::ap_req(data));
