//! Indented lines, and values as they stand on them.

use std::fmt;
use std::io::{self, Write};

/// Writes lines at one depth.
pub(super) struct Tree<'w> {
    out: &'w mut dyn Write,
    depth: usize,
}

impl<'w> Tree<'w> {
    pub(super) fn new(out: &'w mut dyn Write) -> Self {
        Self { out, depth: 0 }
    }

    pub(super) fn line(&mut self, text: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{:indent$}{text}", "", indent = self.depth.saturating_mul(2))
    }

    /// What belongs to the line last written.
    pub(super) fn below(&mut self) -> Tree<'_> {
        Tree { out: &mut *self.out, depth: self.depth.saturating_add(1) }
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
