//! What could not be read.

use core::fmt;
use std::path::Path;
use std::sync::Arc;

/// A line that was passed over. The rest of the file holds all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    place: Place,
    problem: String,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Arc<Path>,
    pub(super) line: usize,
}

impl Warning {
    pub(super) fn new(place: &Place, problem: impl Into<String>) -> Self {
        Self { place: place.clone(), problem: problem.into() }
    }

    /// The file; `krb5.conf` for [`Krb5Conf::parse`](super::Krb5Conf::parse).
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.place.file
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file().display(), self.line(), self.problem)
    }
}
