//! See `logon_fuzz::wire::ntlmv2_response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::wire::ntlmv2_response(data));
