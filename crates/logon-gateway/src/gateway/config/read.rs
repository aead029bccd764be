//! The file, and what is wrong with it: each error with its line and column.

use super::check;
use super::schema::Config;
use std::fmt::{self, Write};
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Nobody writes as much.
const MAX_SIZE: u64 = 4 << 20;

/// Columns of a line that are shown with an error. Longer lines are no text of a person's.
const MAX_COLUMNS: usize = 200;

/// Why a configuration file cannot be used.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// It cannot be read.
    Io { path: PathBuf, error: io::Error },
    /// It says something wrong, in one place or several: ready to be printed.
    Wrong(String),
}

/// What is wrong, and where; nowhere in particular if something is missing.
pub(crate) struct Finding {
    pub(crate) span: Option<Range<usize>>,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { span: None, message: message.into() }
    }

    pub(crate) fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into() }
    }
}

/// Reads and checks a file. Of what it names, only the user file is looked at, for its domain.
pub(crate) fn load(path: &Path) -> Result<Config, ConfigError> {
    let text = text(path).map_err(|error| ConfigError::Io { path: path.to_owned(), error })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&path.display().to_string(), &text, folder)
}

fn text(path: &Path) -> io::Result<String> {
    // Before it is opened: opening a pipe waits for somebody to write to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("is not a file"));
    }
    let mut text = String::new();
    File::open(path)?.take(MAX_SIZE.saturating_add(1)).read_to_string(&mut text)?;
    let is_too_long = u64::try_from(text.len()).is_ok_and(|length| length > MAX_SIZE);
    if is_too_long {
        return Err(io::Error::other(format!("is larger than {MAX_SIZE} bytes")));
    }
    Ok(text)
}

/// `name` is what errors call the file.
pub(super) fn parse(name: &str, text: &str, folder: &Path) -> Result<Config, ConfigError> {
    let mut config: Config = toml::from_str(text).map_err(|error| {
        let finding = Finding { span: error.span(), message: error.message().to_owned() };
        ConfigError::Wrong(report(name, text, &[finding]))
    })?;
    config.server.resolve(&folder.join(&config.users));
    let findings = check::findings(&config);
    if findings.is_empty() {
        return Ok(config);
    }
    Err(ConfigError::Wrong(report(name, text, &findings)))
}

fn report(name: &str, text: &str, findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        if !out.is_empty() {
            out.push('\n');
        }
        // A String takes everything.
        let _ = show(&mut out, name, text, finding);
    }
    out
}

fn show(out: &mut String, name: &str, text: &str, finding: &Finding) -> fmt::Result {
    let message = finding.message.trim_end();
    // A table that lacks a key has the span of all of it; the place is where it begins.
    let Some(span) = &finding.span else { return write!(out, "{name}: {message}") };
    let before = text.get(..span.start).unwrap_or(text);
    let number = before.matches('\n').count().saturating_add(1);
    let start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let column = before.get(start..).unwrap_or_default().chars().count();
    let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let marked = text.get(span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
    let margin = number.to_string().len();
    writeln!(out, "{name}:{number}:{}: {message}", column.saturating_add(1))?;
    if column >= MAX_COLUMNS {
        return Ok(());
    }
    let line: String = line.chars().take(MAX_COLUMNS).collect();
    let width = marked.chars().count().clamp(1, MAX_COLUMNS.saturating_sub(column));
    writeln!(out, "{:margin$} |", "")?;
    writeln!(out, "{number} | {line}")?;
    write!(out, "{:margin$} | {:column$}{}", "", "", "^".repeat(width))
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => {
                write!(f, "{}: {error}; logon.example.toml is a file to begin with", path.display())
            }
            Self::Wrong(report) => f.write_str(report),
        }
    }
}

impl std::error::Error for ConfigError {}
