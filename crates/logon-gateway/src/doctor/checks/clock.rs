//! Time. NTLMv2 carries it, Kerberos and certificates depend on it.

use super::Subject;
use crate::doctor::report::Findings;
use std::time::{SystemTime, UNIX_EPOCH};

const TOPIC: &str = "clock";

/// What this machine takes for now, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(in crate::doctor) struct Clock(pub(in crate::doctor) i64);

impl Clock {
    pub(in crate::doctor) fn now() -> Self {
        Self(seconds(SystemTime::now()))
    }
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A file cannot have been written after now.
pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let path = subject.path(&subject.config.users);
    let written = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
    if let Ok(written) = written
        && seconds(written) > subject.clock.0.saturating_add(ALLOWED)
    {
        out.warn(
            TOPIC,
            format_args!("{} was written in the future", path.display()),
            "the clock of this machine was set back, or is wrong: `timedatectl` says",
        );
    }
}

/// More than this, and clients with strict clocks begin to have trouble; Kerberos ends at five
/// minutes ([MS-KILE] §3.1.5.5).
const ALLOWED: i64 = 120;

/// Compares with the `Date` of an answer.
pub(in crate::doctor) fn skew(clock: Clock, whose: &str, date: &str, out: &mut Findings) {
    let Ok(date) = httpdate::parse_http_date(date) else {
        return out.note(TOPIC, format_args!("{whose}: its Date {date:?} is none"), "nothing");
    };
    difference(clock, whose, seconds(date), out);
}

pub(in crate::doctor) fn difference(clock: Clock, whose: &str, its: i64, out: &mut Findings) {
    let ahead = its.saturating_sub(clock.0);
    if ahead.abs() <= ALLOWED {
        return out.ok(TOPIC, format_args!("agrees with {whose}"));
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let ahead = ahead.abs();
    out.warn(
        TOPIC,
        format_args!("{whose} is {ahead} seconds {direction} this machine"),
        "set both by NTP: NTLMv2 carries the time, and Kerberos ends at 5 minutes",
    );
}

#[cfg(test)]
mod tests {
    use super::{Clock, check, skew};
    use crate::doctor::checks::testing::{config, subject};
    use crate::doctor::report::{Findings, Level};

    // 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 §5.6.7.
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const SECONDS: i64 = 784_111_777;

    #[test]
    fn two_minutes_are_allowed_either_way() {
        for (clock, level) in [
            (SECONDS, Level::Ok),
            (SECONDS + 120, Level::Ok),
            (SECONDS - 120, Level::Ok),
            (SECONDS + 121, Level::Warn),
            (SECONDS - 121, Level::Warn),
        ] {
            let mut out = Findings::default();
            skew(Clock(clock), "the application", DATE, &mut out);
            out.assert(level, "the application");
        }
        let mut out = Findings::default();
        skew(Clock(SECONDS), "the application", "yesterday", &mut out);
        out.assert(Level::Note, "yesterday");
    }

    #[test]
    fn a_file_of_the_future_shows_a_wrong_clock() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("users"), "").unwrap();
        let config = config("");
        let mut subject = subject(&config, folder.path());
        subject.clock = Clock::now();
        let mut out = Findings::default();
        check(&subject, &mut out);
        out.assert_none_above(Level::Ok);
        subject.clock = Clock(SECONDS);
        check(&subject, &mut out);
        out.assert(Level::Warn, "in the future");
    }
}
