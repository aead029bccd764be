//! The formats of a user file: which one it is, and one module for each.

mod ntlm_user_file;
pub(crate) mod own;
mod smbpasswd;

use crate::accounts::Entry;
use crate::error::{LineProblem, UserFileErrorKind as Kind};
use core::fmt;
use logon::NtHash;
use zeroize::Zeroizing;

/// The format of a user file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Our own: `logon-users 1`.
    LogonUsers,
    /// smbpasswd(5).
    Smbpasswd,
    /// `DOMAIN:USER:PASSWORD`.
    NtlmUserFile,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogonUsers => "the format `logon-users 1`",
            Self::Smbpasswd => "the format of smbpasswd",
            Self::NtlmUserFile => "the format `DOMAIN:USER:PASSWORD`",
        })
    }
}

/// The text of a file, understood.
pub(crate) struct Parsed {
    /// `None` if nothing in the file says.
    pub(crate) format: Option<Format>,
    pub(crate) lines: Vec<Line>,
}

/// A line with an account.
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) entry: Entry,
}

pub(crate) fn parse(text: &str) -> Result<Parsed, LineProblem> {
    let mut parsed = Parsed { format: None, lines: Vec::new() };
    for (number, line) in numbered(text) {
        let visible = line.trim_start();
        if visible.is_empty() || visible.starts_with('#') {
            continue;
        }
        let entry = match parsed.format {
            None => {
                let format = recognise(line);
                let format = format.map_err(|kind| LineProblem { line: number, kind })?;
                parsed.format = Some(format);
                if format == Format::LogonUsers { Ok(None) } else { account(format, line) }
            }
            Some(format) => account(format, line),
        };
        let entry = entry.map_err(|kind| LineProblem { line: number, kind })?;
        parsed.lines.extend(entry.map(|entry| Line { number, entry }));
    }
    Ok(parsed)
}

/// The password in a line of the format `DOMAIN:USER:PASSWORD`, if there is not a hash instead.
pub(crate) fn password(text: &str, number: usize) -> Option<Zeroizing<String>> {
    let (_, line) = numbered(text).find(|(line, _)| *line == number)?;
    ntlm_user_file::password(line).map(|password| Zeroizing::new(password.to_owned()))
}

/// Lines, counted from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    // Some editors put a byte order mark there.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines())
}

/// The format of a file by its first line. Of our own, that is the header.
fn recognise(line: &str) -> Result<Format, Kind> {
    if own::is_header(line) {
        Ok(Format::LogonUsers)
    } else if line.starts_with(own::NAME) && !line.contains([':', '\t']) {
        Err(Kind::UnknownVersion)
    } else if line.contains('\t') && !line.contains(':') {
        Err(Kind::MissingHeader)
    } else if smbpasswd::is_like(line) {
        Ok(Format::Smbpasswd)
    } else if ntlm_user_file::is_like(line) {
        Ok(Format::NtlmUserFile)
    } else {
        Err(Kind::UnknownFormat)
    }
}

fn account(format: Format, line: &str) -> Result<Option<Entry>, Kind> {
    let mixed = |line| Err(Kind::MixedFormats { file: format, line });
    if own::is_header(line) && format != Format::LogonUsers {
        return mixed(Format::LogonUsers);
    }
    match format {
        Format::LogonUsers => match own::parse(line) {
            Err(Kind::MissingTab) if smbpasswd::is_like(line) => mixed(Format::Smbpasswd),
            Err(Kind::MissingTab) if ntlm_user_file::is_like(line) => mixed(Format::NtlmUserFile),
            parsed => parsed.map(Some),
        },
        Format::Smbpasswd => match smbpasswd::parse(line) {
            Err(Kind::SmbpasswdFields) if ntlm_user_file::is_triple(line) => {
                mixed(Format::NtlmUserFile)
            }
            parsed => parsed.map(Some),
        },
        Format::NtlmUserFile if smbpasswd::is_like(line) => mixed(Format::Smbpasswd),
        Format::NtlmUserFile => ntlm_user_file::parse(line).map(Some),
    }
}

/// 32 hexadecimal digits of either case.
fn nt_hash(digits: &str) -> Option<NtHash> {
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = Zeroizing::new([0; 16]);
    base16ct::mixed::decode(digits, &mut *bytes).ok()?;
    Some(NtHash::from_bytes(*bytes))
}

fn is_hash(digits: &str) -> bool {
    digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}
