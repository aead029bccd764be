//! What can be wrong with a user file, in words that say what to do about it.

use crate::digest::DigestProblem;
use crate::format::Format;
use crate::name::NameProblem;
use core::fmt;
use logon::Refusal;
use std::io;
use std::path::{Path, PathBuf};

/// Why a user file cannot be used or changed. Never has a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFileError {
    path: PathBuf,
    line: Option<usize>,
    kind: UserFileErrorKind,
}

impl UserFileError {
    pub(crate) fn new(path: &Path, kind: UserFileErrorKind) -> Self {
        Self { path: path.to_owned(), line: None, kind }
    }

    pub(crate) fn at(path: &Path, problem: LineProblem) -> Self {
        Self::on(path, problem.line, problem.kind)
    }

    pub(crate) fn on(path: &Path, line: usize, kind: UserFileErrorKind) -> Self {
        Self { path: path.to_owned(), line: Some(line), kind }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line that is wrong, counted from 1; `None` if it is not about a line.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &UserFileErrorKind {
        &self.kind
    }
}

impl fmt::Display for UserFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.line {
            Some(line) => write!(f, "user file {path}, line {line}: ")?,
            None => write!(f, "user file {path}: ")?,
        }
        match &self.kind {
            // This one has the command to run, so it needs the name once more.
            UserFileErrorKind::OpenToOthers { .. } => {
                write!(f, "{}: run `chmod 600 {path}`", self.kind)
            }
            kind => kind.fmt(f),
        }
    }
}

impl core::error::Error for UserFileError {}

/// A line and what is wrong with it.
#[derive(Debug)]
pub(crate) struct LineProblem {
    pub(crate) line: usize,
    pub(crate) kind: UserFileErrorKind,
}

/// What is wrong with a user file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserFileErrorKind {
    /// There is no such file.
    Missing,
    /// The file cannot be read.
    Unreadable(io::ErrorKind),
    /// A directory, a pipe, a device.
    NotAFile,
    /// Users who are neither the owner nor in the group of the file may touch it.
    OpenToOthers {
        /// The permission bits of the file.
        mode: u32,
    },
    /// More than 16 MiB.
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// There is no account in the file.
    Empty,

    /// The line has none of the formats.
    UnknownFormat,
    /// Lines of our own format without its header.
    MissingHeader,
    /// The header is not that of version 1 of our own format.
    UnknownVersion,
    /// The line has another format than the lines before it.
    MixedFormats {
        /// The format of the file, as far as it was read.
        file: Format,
        /// The format of the line.
        line: Format,
    },
    /// The account is in the file already.
    Duplicate {
        /// The line where it is.
        first: usize,
    },
    /// The account name is wrong.
    Name(NameProblem),
    /// No TAB ends the account name.
    MissingTab,
    /// A field that this version does not know.
    UnknownField {
        /// Which one, counted from 1 after the account name.
        field: usize,
    },
    /// A field that stands twice.
    RepeatedField {
        /// Which one, counted from 1 after the account name.
        field: usize,
    },
    /// No NT hash.
    MissingNtHash,
    /// An NT hash that is not 32 hexadecimal digits.
    NtHash,
    /// The value of `upn=` is no user principal name.
    Upn,
    /// The value of `ha1=` is wrong.
    Ha1 {
        /// Which field, counted from 1 after the account name.
        field: usize,
        /// What is wrong with it.
        problem: DigestProblem,
    },
    /// Too few fields of smbpasswd.
    SmbpasswdFields,
    /// The UID of smbpasswd is no number.
    Uid,
    /// The LM hash of smbpasswd is neither a hash nor crossed out.
    LmHash,
    /// The flags of smbpasswd are not letters in brackets, or have a letter nobody knows.
    Flags,
    /// The last change of smbpasswd is not `LCT-` and a hexadecimal number.
    LastChange,
    /// The password is empty.
    EmptyPassword,

    /// The account that a client is to log on with may not, by what the file says.
    MayNotLogOn(Refusal),

    /// The account cannot log on by HTTP's Digest scheme.
    Digest(DigestProblem),
    /// Another format than our own: it can be read but not edited.
    NotEditable(Format),
    /// The account to be added is there.
    AccountExists,
    /// The account to be removed is not there.
    NoSuchAccount,
    /// The account to be removed is the only one.
    LastAccount,
    /// Somebody else edits the file at this moment.
    EditRunning {
        /// The file that says so.
        lock: PathBuf,
    },
    /// The file cannot be written.
    Unwritable(io::ErrorKind),
    /// The file belongs to somebody else, and the new one would not.
    KeepOwner(io::ErrorKind),
}

impl fmt::Display for UserFileErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => {
                "there is no such file: check the path, or add an account to create it"
            }
            Self::Unreadable(error) => {
                return write!(f, "cannot be read ({error}): give the user who runs this program access to it");
            }
            Self::NotAFile => "is not a regular file: name the file itself",
            Self::OpenToOthers { mode } => {
                return write!(f, "is open to every user of this machine (mode {mode:04o})");
            }
            Self::TooLarge => "is larger than 16 MiB: is this the right file?",
            Self::NotUtf8 => "is not UTF-8 text: save the file as UTF-8",
            Self::Empty => "has no account in it: add one",
            Self::UnknownFormat => {
                "is neither `logon-users 1`, nor a line of smbpasswd, nor `DOMAIN:USER:PASSWORD`"
            }
            Self::MissingHeader => {
                "has TABs like our own format: write `logon-users 1` on the line before"
            }
            Self::UnknownVersion => {
                "only version 1 of the format is known: write `logon-users 1`, or use a newer \
                 program"
            }
            Self::MixedFormats { file, line } => {
                return write!(f, "is {line}, the lines before are {file}: use one per file");
            }
            Self::Duplicate { first } => {
                return write!(f, "is the same account as line {first}: remove one of the two");
            }
            Self::Name(problem) => return problem.fmt(f),
            Self::MissingTab => {
                "no TAB after the account name: put one TAB, not blanks, between the fields"
            }
            Self::UnknownField { field } => {
                return write!(
                    f,
                    "field {field} after the account name is unknown: there are `nt=`, `upn=`, \
                     `ha1=` and `disabled`, and one TAB before each"
                );
            }
            Self::RepeatedField { field } => {
                return write!(
                    f,
                    "field {field} after the account name stands there already: remove one of \
                     the two"
                );
            }
            Self::MissingNtHash => "no NT hash: write `nt=` and 32 hexadecimal digits",
            Self::NtHash => "the NT hash is wrong: it has exactly 32 hexadecimal digits",
            Self::Upn => "no user principal name after `upn=`: write `user@dns.domain`",
            Self::Ha1 { field, problem } => {
                return write!(f, "field {field} after the account name is wrong: {problem}");
            }
            Self::SmbpasswdFields => {
                "fields are missing: smbpasswd has `NAME:UID:LM:NT:[FLAGS]:LCT-TIME:`"
            }
            Self::Uid => "the second field is no number: smbpasswd has the UID there",
            Self::LmHash => {
                "the LM hash is wrong: it has exactly 32 hexadecimal digits, or 32 times `X`"
            }
            Self::Flags => {
                "the flags are wrong: they are letters of `UNDHTMWSILX` in brackets, as in `[U ]`"
            }
            Self::LastChange => {
                "the time of the last change is wrong: it is `LCT-` and hexadecimal digits"
            }
            Self::EmptyPassword => "the password is empty: write one, or remove the line",
            Self::MayNotLogOn(refusal) => {
                return write!(f, "this account may not log on: {refusal}");
            }
            Self::Digest(problem) => return problem.fmt(f),
            Self::NotEditable(format) => {
                return write!(f, "is {format}: edit it with the program that wrote it");
            }
            Self::AccountExists => {
                "the account exists already; to change its password, or to let it use Digest in one \
                 more realm, add it with `--replace`"
            }
            Self::NoSuchAccount => "there is no such account: check domain and user",
            Self::LastAccount => {
                "is the only account, and a server goes on with the last good file rather than \
                 with none: write `disabled` after it, or stop the server and delete the file"
            }
            Self::EditRunning { lock } => {
                let lock = lock.display();
                return write!(f, "somebody else edits the file; if nobody does, delete {lock}");
            }
            Self::Unwritable(error) => {
                return write!(f, "cannot be written ({error}): check that the directory is there, and who may write to it");
            }
            Self::KeepOwner(error) => {
                return write!(f, "belongs to somebody else ({error}): edit it as its owner");
            }
        })
    }
}
