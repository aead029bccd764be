//! How far a download is, in one line of a terminal.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Written so often, for people read it.
const PAUSE: Duration = Duration::from_millis(200);

/// A line that is written over and over.
pub(super) struct Progress {
    /// Somebody looks.
    shown: bool,
    total: Option<u64>,
    done: u64,
    begin: Instant,
    last: Option<Instant>,
}

impl Progress {
    pub(super) fn start(wanted: bool, total: Option<u64>) -> Self {
        let shown = wanted && io::stderr().is_terminal();
        Self { shown, total, done: 0, begin: Instant::now(), last: None }
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.done = self.done.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        // What is done at once needs no line.
        let last = self.last.unwrap_or(self.begin);
        if self.shown && last.elapsed() >= PAUSE {
            self.last = Some(Instant::now());
            self.write(' ');
        }
    }

    fn write(&self, end: char) {
        // Erases what a longer line has left; if nobody reads it, so be it.
        let _ = write!(io::stderr(), "\r{}\x1b[K{end}", self.line(self.begin.elapsed()));
    }

    fn line(&self, time: Duration) -> String {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = self.done.saturating_mul(1000).checked_div(millis).unwrap_or_default();
        let done = Size(self.done);
        match self.total {
            Some(total) if total > 0 => {
                let percent = self.done.saturating_mul(100).checked_div(total).unwrap_or_default();
                format!("{percent:3} %  {done} of {}  {}/s", Size(total), Size(rate))
            }
            _ => format!("{done}  {}/s", Size(rate)),
        }
    }
}

/// What comes next begins a line of its own, also if not all came.
impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.is_some() {
            self.write('\n');
        }
    }
}

/// Bytes, with one digit behind the point.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tenths = self.0.saturating_mul(10);
        for unit in ["B", "kB", "MB", "GB"] {
            if tenths < 10_000 || unit == "GB" {
                let (whole, rest) = (tenths / 10, tenths % 10);
                return match unit {
                    "B" => write!(f, "{whole} B"),
                    _ => write!(f, "{whole}.{rest} {unit}"),
                };
            }
            tenths /= 1000;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, Size};
    use std::time::Duration;

    #[test]
    fn sizes_have_the_unit_that_fits() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_550_000, "1.5 MB"),
            (7_200_000_000_000, "7200.0 GB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }

    #[test]
    fn a_line_says_how_much_of_how_much_and_how_fast() {
        let mut progress = Progress::start(false, Some(4_000_000));
        progress.add(1_000_000);
        let line = progress.line(Duration::from_secs(2));
        assert_eq!(line, " 25 %  1.0 MB of 4.0 MB  500.0 kB/s");
        progress.total = None;
        assert_eq!(progress.line(Duration::from_secs(2)), "1.0 MB  500.0 kB/s");
    }
}
