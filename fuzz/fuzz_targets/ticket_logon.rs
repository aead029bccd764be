//! See `logon_fuzz::ticket::ticket_logon`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logon_fuzz::ticket::ticket_logon(data));
