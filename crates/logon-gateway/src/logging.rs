//! Log lines on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Readable lines, or JSON, from level `info` on.
pub(crate) fn start(json: bool) {
    start_at(json, "info");
}

/// The same from another level on. `RUST_LOG` overrides it.
pub(crate) fn start_at(json: bool, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start, in a test, keeps the first.
    let _ = if json {
        lines.json().flatten_event(true).try_init().map_err(drop)
    } else {
        use std::io::IsTerminal;
        lines.with_ansi(std::io::stderr().is_terminal()).try_init().map_err(drop)
    };
}
