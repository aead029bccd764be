//! Indented lines, and values as they stand on them.

use super::keys::Keys;
use std::fmt;
use std::io::{self, Write};

/// Writes lines at one depth.
pub(super) struct Tree<'w> {
    out: &'w mut dyn Write,
    depth: usize,
    shows: Shows,
    /// Who reads has these keys; absent if it is not for him to have any.
    keys: Option<&'w Keys>,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// All there is.
    All,
    /// Nothing that a password could be guessed by, and flags in one line: for logs and tickets.
    NoSecrets,
}

impl<'w> Tree<'w> {
    pub(super) fn new(out: &'w mut dyn Write, keys: &'w Keys) -> Self {
        Self { out, depth: 0, shows: Shows::All, keys: Some(keys) }
    }

    /// For a reader who gets no secrets, below what stands at `depth`.
    pub(super) fn without_secrets(out: &'w mut dyn Write, depth: usize) -> Self {
        Self { out, depth, shows: Shows::NoSecrets, keys: None }
    }

    pub(super) fn shows(&self) -> Shows {
        self.shows
    }

    /// What encrypted parts may be opened with.
    pub(super) fn keys(&self) -> Option<&'w Keys> {
        self.keys
    }

    /// Bytes that a password could be guessed by, or that are not known to be otherwise.
    pub(super) fn secret<'a>(&self, bytes: &'a [u8]) -> Secret<'a> {
        Secret { bytes, shows: self.shows }
    }

    pub(super) fn line(&mut self, text: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{:indent$}{text}", "", indent = self.depth.saturating_mul(2))
    }

    /// What belongs to the line last written.
    pub(super) fn below(&mut self) -> Tree<'_> {
        let Self { depth, shows, keys, .. } = *self;
        Tree { out: &mut *self.out, depth: depth.saturating_add(1), shows, keys }
    }

    /// How far in this is.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }
}

/// Bytes in hexadecimal; of many only the first, and how many there are.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

const SHOWN: usize = 64;

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = self;
        let shown = bytes.get(..SHOWN).unwrap_or(bytes);
        f.write_str(&base16ct::lower::encode_string(shown))?;
        if shown.len() < bytes.len() {
            write!(f, "… ({} bytes)", bytes.len())?;
        }
        Ok(())
    }
}

/// Bytes that not everybody is shown.
pub(super) struct Secret<'a> {
    bytes: &'a [u8],
    shows: Shows,
}

impl fmt::Display for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shows {
            Shows::All => Hex(self.bytes).fmt(f),
            // Nothing, and worth knowing.
            Shows::NoSecrets if self.bytes.iter().all(|byte| *byte == 0) => Hex(self.bytes).fmt(f),
            Shows::NoSecrets => write!(f, "({} bytes, not shown)", self.bytes.len()),
        }
    }
}
