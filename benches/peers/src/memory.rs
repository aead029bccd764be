//! What exchanges keep, and whether they give it back.

use crate::cases::{self, Carrier};
use std::fs;

/// Bytes that a server keeps between its two legs: the object and what it owns.
pub(crate) fn of_pending(carrier: Carrier) -> u64 {
    let mut begin = cases::pending_exchange(carrier);
    drop(begin());
    let mut kept = None;
    let info = allocation_counter::measure(|| kept = Some(begin()));
    info.bytes_current.unsigned_abs() + size_of_val(&kept.unwrap()) as u64
}

/// Resident memory in KiB after one in a hundred of `count` logons, and after all of them.
pub(crate) fn resident(count: u32, progress: impl Fn(u32)) -> [u64; 2] {
    let mut raw = cases::whole_logon(Carrier::Ntlm);
    let mut spnego = cases::whole_logon(Carrier::Spnego);
    let mut first = 0;
    for number in 1..=count {
        if number % 2 == 0 {
            raw()
        } else {
            spnego()
        }
        if number == count / 100 {
            first = resident_now();
        }
        if number % (count / 20).max(1) == 0 {
            progress(number);
        }
    }
    [first, resident_now()]
}

fn resident_now() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc tells the memory on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
