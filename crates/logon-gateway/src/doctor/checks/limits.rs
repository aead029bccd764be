//! Limits of the configuration against those of the system.

use crate::doctor::report::Findings;
use crate::gateway::config::Config;

const TOPIC: &str = "limits";

pub(super) fn check(config: &Config, out: &mut Findings) {
    if let Some(limit) = open_files() {
        compare(config.limits.connections, limit, out);
    }
}

/// What is open besides connections: listeners, files, the log, the runtime.
const OTHERS: u64 = 64;

/// Each connection of a client may need one to the application.
fn compare(connections: usize, limit: u64, out: &mut Findings) {
    let connections = u64::try_from(connections).unwrap_or(u64::MAX);
    let needed = connections.saturating_mul(2).saturating_add(OTHERS);
    if needed <= limit {
        return out.ok(TOPIC, format_args!("{connections} connections, {limit} open files"));
    }
    out.warn(
        TOPIC,
        format_args!(
            "{connections} connections need {needed} open files, and {limit} are allowed here"
        ),
        format_args!(
            "say LimitNOFILE={needed} in the unit (packaging/logon-gateway.service has 65536) or \
             `ulimit -n {needed}`, or lower `connections` in [limits]"
        ),
    );
}

/// How many files a process may open: the soft limit, which counts.
#[cfg(target_os = "linux")]
fn open_files() -> Option<u64> {
    soft_limit(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

/// Elsewhere the standard library has no way to ask.
#[cfg(not(target_os = "linux"))]
fn open_files() -> Option<u64> {
    None
}

#[cfg(any(target_os = "linux", test))]
fn soft_limit(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::{compare, soft_limit};
    use crate::doctor::report::{Findings, Level};

    #[test]
    fn two_files_a_connection_have_to_be_allowed() {
        let mut out = Findings::default();
        compare(480, 1024, &mut out);
        out.assert(Level::Ok, "480 connections");
        compare(481, 1024, &mut out);
        out.assert(Level::Warn, "LimitNOFILE=1026");
    }

    #[test]
    fn the_soft_limit_counts() {
        let text = "Limit  Soft Limit  Hard Limit  Units\nMax processes  7  7  processes\n\
                    Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit(text), Some(1024));
        assert_eq!(soft_limit("Max open files  unlimited  unlimited  files"), Some(u64::MAX));
        assert_eq!(soft_limit("Max processes  7  7"), None);
    }
}
