//! The parameters of Digest credentials, as text ([RFC 9110] §11.2, §5.6; [RFC 7616] §3.4).

use crate::error::{HeaderError, ParameterProblem};
use crate::http::header::{is_tchar, quoted_string, token, trim_start};
use alloc::string::String;
use alloc::vec::Vec;

/// The parameters that are known, without quotation marks, in the order they came in.
pub(super) struct Parameters(Vec<(&'static str, Vec<u8>)>);

const KNOWN: [&str; 12] = [
    "username",
    "username*",
    "realm",
    "nonce",
    "uri",
    "response",
    "algorithm",
    "cnonce",
    "opaque",
    "qop",
    "nc",
    "userhash",
];

impl Parameters {
    /// `#auth-param`. Each one that is known stands once; others are passed over.
    pub(super) fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let mut found = Self(Vec::with_capacity(KNOWN.len()));
        let mut rest = trim_start(value, b", \t");
        while !rest.is_empty() {
            let (name, after) = token(rest)?;
            let after = trim_start(after, b" \t").strip_prefix(b"=");
            let after = trim_start(after.ok_or(HeaderError::BadParameters)?, b" \t");
            let (value, after) = match after.strip_prefix(b"\"") {
                Some(quoted) => quoted_string(quoted)?,
                None => token(after).map(|(value, after)| (value.to_vec(), after))?,
            };
            let after = trim_start(after, b" \t");
            if !after.is_empty() && !after.starts_with(b",") {
                return Err(HeaderError::BadParameters);
            }
            rest = trim_start(after, b", \t");
            let known = KNOWN.into_iter().find(|known| name.eq_ignore_ascii_case(known.as_bytes()));
            if let Some(name) = known {
                found.push(name, value)?;
            }
        }
        Ok(found)
    }

    fn push(&mut self, name: &'static str, value: Vec<u8>) -> Result<(), HeaderError> {
        if self.has(name) {
            return Err(HeaderError::Parameter(name, ParameterProblem::Duplicate));
        }
        self.0.push((name, value));
        Ok(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        let place = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.swap_remove(place).1)
    }

    pub(super) fn required(&mut self, name: &'static str) -> Result<Vec<u8>, HeaderError> {
        self.take(name).ok_or(HeaderError::Parameter(name, ParameterProblem::Missing))
    }
}

/// `ext-value` in UTF-8, the one character set that its readers have to know ([RFC 8187] §3.2).
pub(super) fn extended_value(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let charset = parts.next()?;
    let _language = parts.next()?;
    let mut rest = parts.next()?;
    if !charset.eq_ignore_ascii_case(b"UTF-8") {
        return None;
    }
    let mut text = Vec::new();
    loop {
        rest = match rest {
            [] => return String::from_utf8(text).ok(),
            [b'%', high, low, after @ ..] => {
                let mut byte = [0];
                text.extend_from_slice(base16ct::mixed::decode([*high, *low], &mut byte).ok()?);
                after
            }
            [byte, after @ ..] if is_tchar(*byte) && !b"*'%".contains(byte) => {
                text.push(*byte);
                after
            }
            _ => return None,
        };
    }
}
