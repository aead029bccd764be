//! AV pairs and times, as CHALLENGE and the NTLMv2 response have them.

use super::tree::{Hex, Tree};
use logon::FileTime;
use logon::wire::Utf16Le;
use logon::wire::ntlm::{AvFlags, AvId, AvPair, TargetInfo};
use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

pub(super) fn print(tree: &mut Tree<'_>, name: &str, list: &TargetInfo<'_>) -> io::Result<()> {
    tree.line(format_args!("{name}, {} bytes", list.as_bytes().len()))?;
    let mut pairs = tree.below();
    for pair in list.iter() {
        print_pair(&mut pairs, pair)?;
    }
    // A pair has 4 bytes before its value, and so has the end mark.
    let read = list.iter().map(|pair| pair.value.len().saturating_add(4));
    let read = read.fold(4, usize::saturating_add);
    match list.as_bytes().get(read..) {
        Some(behind) if !behind.is_empty() => {
            let bytes = pairs.secret(behind);
            pairs.line(format_args!("{} bytes behind MsvAvEOL: {bytes}", behind.len()))
        }
        _ => Ok(()),
    }
}

fn print_pair(tree: &mut Tree<'_>, pair: AvPair<'_>) -> io::Result<()> {
    let AvPair { id, value } = pair;
    match id {
        AvId::FLAGS => {
            let bits = value.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            tree.line(format_args!("{id} 0x{bits:08x}"))?;
            print_av_flags(&mut tree.below(), bits)
        }
        AvId::TIMESTAMP => {
            let ticks = value.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            tree.line(format_args!("{id} {}", Time(ticks)))
        }
        AvId::CHANNEL_BINDINGS => {
            let zero = value.iter().all(|byte| *byte == 0);
            let remark =
                if zero { " (all zero: the client knows bindings but has none)" } else { "" };
            tree.line(format_args!("{id} {}{remark}", Hex(value)))
        }
        AvId::SINGLE_HOST => print_single_host(tree, value),
        AvId::NB_COMPUTER_NAME
        | AvId::NB_DOMAIN_NAME
        | AvId::DNS_COMPUTER_NAME
        | AvId::DNS_DOMAIN_NAME
        | AvId::DNS_TREE_NAME
        | AvId::TARGET_NAME => match Utf16Le::new(value) {
            Some(text) => tree.line(format_args!("{id} {:?}", text.to_string())),
            None => tree.line(format_args!("{id} {} (odd length: not UTF-16)", Hex(value))),
        },
        _ => {
            let value = tree.secret(value);
            tree.line(format_args!("{id} {value}"))
        }
    }
}

fn print_av_flags(tree: &mut Tree<'_>, bits: u32) -> io::Result<()> {
    let flags = AvFlags::from_bits_retain(bits);
    for (name, _) in flags.iter_names() {
        tree.line(name)?;
    }
    let named = AvFlags::all().iter_names().fold(0, |sum, (_, flag)| sum | flag.bits());
    match bits & !named {
        0 => Ok(()),
        unknown => tree.line(format_args!("(unknown) 0x{unknown:08x}")),
    }
}

/// `Single_Host_Data` ([MS-NLMP] §2.2.2.2): `Size` 4, zero 4, `CustomData` 8, `MachineID` 32.
fn print_single_host(tree: &mut Tree<'_>, value: &[u8]) -> io::Result<()> {
    let fields = || Some((value.get(8..16)?, value.get(16..48)?));
    let Some((custom, machine)) = fields() else {
        let value = tree.secret(value);
        return tree.line(format_args!("{} {value}", AvId::SINGLE_HOST));
    };
    tree.line(AvId::SINGLE_HOST)?;
    let mut below = tree.below();
    below.line(format_args!("CustomData {}", Hex(custom)))?;
    below.line(format_args!("MachineID {}", Hex(machine)))
}

/// A FILETIME as RFC 3339 has it, and as it stands there.
pub(super) struct Time(pub(super) u64);

/// The first second that has no year of four digits.
const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ticks) = *self;
        let since = FileTime::from_ticks(ticks).to_unix().filter(|since| *since < YEAR_10000);
        match since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)) {
            Some(time) => write!(f, "{} ({ticks})", humantime::format_rfc3339_micros(time)),
            None => write!(f, "(not between 1970 and 9999) ({ticks})"),
        }
    }
}
