//! Log lines on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Readable lines, or JSON. `RUST_LOG` overrides the level, which is `info`.
pub(crate) fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start, in a test, keeps the first.
    let _ = if json {
        lines.json().flatten_event(true).try_init().map_err(drop)
    } else {
        use std::io::IsTerminal;
        lines.with_ansi(std::io::stderr().is_terminal()).try_init().map_err(drop)
    };
}
