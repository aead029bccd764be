//! See `logon_fuzz::kerberos::ccache`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::kerberos::ccache(data));
