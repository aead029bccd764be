//! What a command fails with: one line that says what to do next.

use std::fmt;
use std::io;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A message for the user.
    Message(String),
    /// The output cannot be written.
    Output(io::Error),
    /// What was to be said is in the output.
    Reported,
    /// A message for the user, and an exit code that says which kind of failure it is.
    Exit(Exit, String),
}

/// Exit codes of commands that are clients. `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command line, or a file that it names, is wrong.
    Usage,
    /// An answer of 400 or above.
    Status,
    /// The credentials were refused.
    Refused,
    /// There are no credentials, or none that may be sent.
    NoCredentials,
    /// No connection.
    NoConnection,
    /// What came is wrong, or broke off.
    Broken,
    /// Somebody does not want to wait.
    Interrupted,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Status => 3,
            Self::Refused => 4,
            Self::NoCredentials => 5,
            Self::NoConnection => 6,
            Self::Broken => 7,
            // As shells say it of SIGINT.
            Self::Interrupted => 130,
        }
    }
}

impl Failure {
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Exit(Exit::Usage, text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(text) | Self::Exit(_, text) => f.write_str(text),
            Self::Output(error) => write!(f, "cannot write the output: {error}"),
            Self::Reported => f.write_str("see the output"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
