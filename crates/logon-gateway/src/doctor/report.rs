//! What was found: a line each, and what to do about it.

use serde::Serialize;
use std::fmt::Display;
use std::io::{self, Write};

/// How bad it is, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    /// Good to know.
    Note,
    /// Works, but not for everybody, not for long, or not safely.
    Warn,
    /// Does not work.
    Fail,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }

    /// Of the terminal: green, cyan, yellow, red and bold.
    fn color(self) -> &'static str {
        match self {
            Self::Ok => "\x1b[32m",
            Self::Note => "\x1b[36m",
            Self::Warn => "\x1b[33m",
            Self::Fail => "\x1b[1;31m",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// What it is about: one word.
    pub(super) topic: &'static str,
    pub(super) found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) todo: Option<String>,
}

/// All of it, in the order in which it was looked at.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, topic: &'static str, found: impl Display) {
        self.push(Level::Ok, topic, &found, None);
    }

    pub(super) fn note(&mut self, topic: &'static str, found: impl Display, todo: impl Display) {
        self.push(Level::Note, topic, &found, Some(&todo));
    }

    pub(super) fn warn(&mut self, topic: &'static str, found: impl Display, todo: impl Display) {
        self.push(Level::Warn, topic, &found, Some(&todo));
    }

    pub(super) fn fail(&mut self, topic: &'static str, found: impl Display, todo: impl Display) {
        self.push(Level::Fail, topic, &found, Some(&todo));
    }

    fn push(
        &mut self,
        level: Level,
        topic: &'static str,
        found: &dyn Display,
        todo: Option<&dyn Display>,
    ) {
        let (found, todo) = (found.to_string(), todo.map(ToString::to_string));
        self.0.push(Finding { level, topic, found, todo });
    }

    /// Whether something is broken, and not of this topic.
    pub(super) fn fails_but(&self, topic: &str) -> bool {
        self.0.iter().any(|finding| finding.level == Level::Fail && finding.topic != topic)
    }

    pub(super) fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    /// For people: 80 columns, in colour if `color`.
    pub(super) fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let mut topic = "";
        for finding in &self.0 {
            let shown = if finding.topic == topic { "" } else { finding.topic };
            topic = finding.topic;
            let name = finding.level.name();
            let (on, off) = if color { (finding.level.color(), "\x1b[0m") } else { ("", "") };
            let mut lines = wrap(&finding.found, TEXT);
            write!(out, "{on}{name:LEVEL$}{off}{shown:TOPIC$}")?;
            writeln!(out, "{}", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(out, "{:MARGIN$}{line}", "")?;
            }
            for (number, line) in
                finding.todo.iter().flat_map(|todo| wrap(todo, TEXT - 3)).enumerate()
            {
                let arrow = if number == 0 { "->" } else { "" };
                writeln!(out, "{:MARGIN$}{arrow:3}{line}", "")?;
            }
        }
        let count = |level| self.count(level);
        writeln!(
            out,
            "\n{} ok, {} to note, {} to look after, {} broken",
            count(Level::Ok),
            count(Level::Note),
            count(Level::Warn),
            count(Level::Fail)
        )
    }
}

const LEVEL: usize = 6;
const TOPIC: usize = 10;
const MARGIN: usize = LEVEL + TOPIC;
const TEXT: usize = 80 - MARGIN;

/// Lines of at most `width` characters, broken at spaces. A longer word has a line of its own; what
/// is indented, a command, stays whole.
fn wrap(text: &str, width: usize) -> impl Iterator<Item = String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let indented = line.len() > line.trim_start().len();
        if line.chars().count() <= width || indented || is_quoted(line) {
            lines.push(line.to_owned());
            continue;
        }
        let mut current = String::new();
        for word in line.split(' ') {
            let length = current.chars().count().saturating_add(word.chars().count());
            if !current.is_empty() && length >= width {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines.into_iter()
}

/// `12 | text`, as a parser shows a line of a file.
fn is_quoted(line: &str) -> bool {
    let number = line.split_once(" |").map(|(number, _)| number);
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{Findings, wrap};

    #[test]
    fn every_line_fits_a_terminal_and_words_stay_whole() {
        let mut findings = Findings::default();
        findings.ok("users", "one line");
        let text = "many words that together are longer than a line of a terminal is, so that \
                    they have to go on in the next one and in the one after it";
        findings.fail("TLS", text, text);
        let mut out = Vec::new();
        findings.print(&mut out, false).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
        let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words.matches(text).count(), 2, "{out}");
        assert!(out.ends_with("1 ok, 0 to note, 0 to look after, 1 broken\n"), "{out}");
        assert!(!out.contains('\x1b'), "{out}");
    }

    #[test]
    fn what_comes_in_lines_keeps_them() {
        let long = "x ".repeat(60);
        let text = format!("first\n  | {long}\n12 | {long}");
        assert_eq!(wrap(&text, 40).count(), 3);
        let text = format!("{long}end:\n  {long}");
        assert!(wrap(&text, 40).all(|line| line.len() <= 40 || line.starts_with("  ")));
        assert_eq!(wrap("a bb ccc", 5).collect::<Vec<_>>(), ["a bb", "ccc"]);
    }

    #[test]
    fn colours_are_for_terminals() {
        let mut findings = Findings::default();
        findings.warn("users", "found", "do");
        let mut out = Vec::new();
        findings.print(&mut out, true).unwrap();
        assert!(out.starts_with(b"\x1b[33mwarn  \x1b[0musers"));
    }
}
