//! See `logon_fuzz::conf::krb5_conf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::conf::krb5_conf(data));
