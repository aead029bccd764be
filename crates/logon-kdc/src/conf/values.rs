//! What single values mean.

use core::time::Duration;
use logon::kerberos::EncryptionType;

/// `true`, `yes`, `on`, `1` and their opposites, in any case.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "t" | "1" | "on" => Some(true),
        "n" | "no" | "false" | "nil" | "f" | "0" | "off" => Some(false),
        _ => None,
    }
}

/// A duration in any of its forms: `36000`, `10h`, `1d 2h 30m`, `8:00`, `8:00:00`, `7 days`.
pub(super) fn duration(value: &str) -> Option<Duration> {
    let seconds = if value.contains(':') { by_clock(value) } else { by_units(value) }?;
    Some(Duration::from_secs(seconds))
}

fn by_clock(value: &str) -> Option<u64> {
    let mut parts = value.split(':').map(|part| part.trim().parse::<u32>().ok().map(u64::from));
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = match parts.next() {
        Some(seconds) => seconds?,
        None => 0,
    };
    if parts.next().is_some() {
        return None;
    }
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    minutes.checked_mul(60)?.checked_add(seconds)
}

fn by_units(value: &str) -> Option<u64> {
    let mut total = 0u64;
    let mut rest = value.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(digits)?;
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters)?;
        let seconds = match unit.to_ascii_lowercase().as_str() {
            "" | "s" | "sec" | "secs" | "second" | "seconds" => 1,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hr" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => return None,
        };
        let number = u64::from(number.parse::<u32>().ok()?);
        total = total.checked_add(number.checked_mul(seconds)?)?;
        rest = after.trim_start();
    }
    Some(total)
}

/// A list of encryption types, and what in it is no name of one. Those that exist and are not
/// supported here (DES, Camellia) are passed over.
pub(super) fn encryption_types(value: &str) -> (Vec<EncryptionType>, Vec<&str>) {
    let (mut types, mut unknown) = (Vec::new(), Vec::new());
    for word in value.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        let (remove, name) = match word.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, word.strip_prefix('+').unwrap_or(word)),
        };
        let Some(named) = types_named(&name.to_ascii_lowercase()) else {
            unknown.push(word);
            continue;
        };
        if remove {
            types.retain(|kind| !named.contains(kind));
        } else {
            for kind in named {
                if !types.contains(kind) {
                    types.push(*kind);
                }
            }
        }
    }
    (types, unknown)
}

fn types_named(name: &str) -> Option<&'static [EncryptionType]> {
    use EncryptionType::{
        Aes128CtsHmacSha1_96, Aes128CtsHmacSha256_128, Aes256CtsHmacSha1_96,
        Aes256CtsHmacSha384_192, Rc4Hmac,
    };
    Some(match name {
        "default" => &EncryptionType::DEFAULT,
        "aes" => &[
            Aes256CtsHmacSha1_96,
            Aes128CtsHmacSha1_96,
            Aes256CtsHmacSha384_192,
            Aes128CtsHmacSha256_128,
        ],
        "aes256-cts-hmac-sha1-96" | "aes256-cts" | "aes256-sha1" | "18" => &[Aes256CtsHmacSha1_96],
        "aes128-cts-hmac-sha1-96" | "aes128-cts" | "aes128-sha1" | "17" => &[Aes128CtsHmacSha1_96],
        "aes256-cts-hmac-sha384-192" | "aes256-sha2" | "20" => &[Aes256CtsHmacSha384_192],
        "aes128-cts-hmac-sha256-128" | "aes128-sha2" | "19" => &[Aes128CtsHmacSha256_128],
        "rc4" | "rc4-hmac" | "arcfour-hmac" | "arcfour-hmac-md5" | "23" => &[Rc4Hmac],
        _ => {
            let others = ["des", "camellia", "rc4-hmac-exp", "arcfour-hmac-exp"];
            return others.iter().any(|other| name.starts_with(other)).then_some(&[]);
        }
    })
}
