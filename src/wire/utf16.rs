//! Strings as NTLM carries them: UTF-16LE, or an OEM code page.

use crate::error::{DecodeError, DecodeErrorKind};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// Borrowed UTF-16LE of an even number of bytes. Lone surrogates are kept: hashes run over the
/// code units as received ([MS-NLMP] §2.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Utf16Le<'a>(&'a [u8]);

impl<'a> Utf16Le<'a> {
    /// Takes `bytes` as UTF-16LE; `None` if their number is odd.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        bytes.len().is_multiple_of(2).then_some(Self(bytes))
    }

    /// The code units.
    pub fn units(self) -> impl Iterator<Item = u16> + Clone + 'a {
        self.0.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit))
    }

    /// The characters; U+FFFD stands for a lone surrogate.
    pub fn chars(self) -> impl Iterator<Item = char> + 'a {
        char::decode_utf16(self.units()).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

impl fmt::Display for Utf16Le<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| f.write_char(c))
    }
}

/// A name in one of the two character sets, as negotiated ([MS-NLMP] §2.2.2.5 bits A and B).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// UTF-16LE.
    Unicode(Utf16Le<'a>),
    /// Bytes of the client's OEM code page, which the protocol does not name.
    Oem(&'a [u8]),
}

impl<'a> Text<'a> {
    /// Reads `bytes` as the negotiated character set has it.
    ///
    /// # Errors
    /// [`DecodeErrorKind::OddLength`] for Unicode of an odd number of bytes.
    pub(crate) fn decode(
        structure: &'static str,
        field: &'static str,
        unicode: bool,
        bytes: &'a [u8],
    ) -> Result<Self, DecodeError> {
        if !unicode {
            return Ok(Self::Oem(bytes));
        }
        let error = DecodeError { structure, field, offset: 0, kind: DecodeErrorKind::OddLength };
        Utf16Le::new(bytes).map(Self::Unicode).ok_or(error)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self {
            Self::Unicode(Utf16Le(bytes)) | Self::Oem(bytes) => bytes.is_empty(),
        }
    }

    /// Whether every character is in ASCII.
    pub(crate) fn is_ascii(self) -> bool {
        match self {
            Self::Unicode(text) => text.units().all(|unit| unit < 0x80),
            Self::Oem(bytes) => bytes.is_ascii(),
        }
    }

    /// The characters, for people and for looking names up; U+FFFD stands for a lone
    /// surrogate. OEM bytes are read as UTF-8 if they are, which is what clients on systems of
    /// today send, else as Latin-1.
    pub fn chars(self) -> impl Iterator<Item = char> + 'a {
        char::decode_utf16(self.decoded_units())
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The characters in a string.
    #[must_use]
    pub fn to_text(self) -> String {
        self.chars().collect()
    }

    /// The UTF-16 code units as received, or the OEM bytes widened to 16 bits each, which is
    /// what curl hashes.
    pub(crate) fn units(self) -> Units<'a> {
        match self {
            Self::Unicode(Utf16Le(bytes)) => Units::Wide(bytes),
            Self::Oem(bytes) => Units::Narrow(bytes),
        }
    }

    /// OEM bytes that are UTF-8, converted, which is what a client hashes that knows what it
    /// sends; else as [`Text::units`].
    pub(crate) fn decoded_units(self) -> Units<'a> {
        match self {
            Self::Oem(bytes) => match core::str::from_utf8(bytes) {
                Ok(text) => Units::Text(text.encode_utf16()),
                Err(_) => Units::Narrow(bytes),
            },
            Self::Unicode(_) => self.units(),
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// The code units of a [`Text`].
#[derive(Debug, Clone)]
pub(crate) enum Units<'a> {
    Wide(&'a [u8]),
    Narrow(&'a [u8]),
    Text(core::str::EncodeUtf16<'a>),
}

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        match self {
            Self::Wide(bytes) => {
                let (unit, rest) = bytes.split_first_chunk::<2>()?;
                *bytes = rest;
                Some(u16::from_le_bytes(*unit))
            }
            Self::Narrow(bytes) => {
                let (byte, rest) = bytes.split_first()?;
                *bytes = rest;
                Some(u16::from(*byte))
            }
            Self::Text(units) => units.next(),
        }
    }
}

/// Upper case of ASCII letters alone, which is all that some clients do.
pub(crate) fn ascii_uppercase(unit: u16) -> u16 {
    u8::try_from(unit).map_or(unit, |byte| u16::from(byte.to_ascii_uppercase()))
}

/// Upper case, one unit for one unit and without a locale: what would change the length (`ß`, `ŉ`,
/// `ﬁ`) or leave the basic plane stays as it is.
pub(crate) fn unicode_uppercase(unit: u16) -> u16 {
    if unit < 0x80 {
        return ascii_uppercase(unit);
    }
    let Some(c) = char::from_u32(u32::from(unit)) else { return unit };
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) => u16::try_from(u32::from(only)).unwrap_or(unit),
        _ => unit,
    }
}

/// The same as `RtlUpcaseUnicodeString` has it, which keeps to the alphabet: `ı`, `ſ` and `µ`
/// stay, and Georgian, whose capitals are younger than its table, has none.
pub(crate) fn simple_uppercase(unit: u16) -> u16 {
    const MICRO: u16 = 0xb5;
    let upper = unicode_uppercase(unit);
    let leaves_its_alphabet = upper < 0x80 || unit == MICRO || (0x10d0..=0x10ff).contains(&unit);
    if unit >= 0x80 && leaves_its_alphabet { unit } else { upper }
}

/// Appends `text` in UTF-16LE.
pub(crate) fn push_utf16le(out: &mut Vec<u8>, text: &str) {
    // No character has more UTF-16 units than UTF-8 bytes.
    out.reserve(text.len().saturating_mul(2));
    for unit in text.encode_utf16() {
        out.extend(unit.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::simple_uppercase;

    #[test]
    fn upper_case_keeps_one_unit_for_one_unit() {
        let upper = |c: char| simple_uppercase(u16::try_from(u32::from(c)).unwrap());
        assert_eq!(upper('a'), u16::from(b'A'));
        assert_eq!(upper('ü'), 0xdc);
        assert_eq!(upper('ß'), 0xdf, "no SS");
        assert_eq!(upper('ŉ'), 0x149);
        assert_eq!(upper('ﬁ'), 0xfb01);
        assert_eq!(upper('i'), u16::from(b'I'), "no Turkish");
        assert_eq!(simple_uppercase(0xd800), 0xd800, "lone surrogates stay");
    }
}
