//! The values of `Authorization` and `WWW-Authenticate` ([RFC 9110] §11.2 to §11.4).

use super::Scheme;
use crate::error::{Error, HeaderError};
use alloc::string::String;
use alloc::vec::Vec;
use base64::prelude::{BASE64_STANDARD, Engine};

/// Credentials of any scheme, the token still encoded.
#[derive(Clone, Copy)]
pub(super) struct Credentials<'a> {
    pub(super) scheme: &'a [u8],
    /// A token, or parameters.
    pub(super) rest: &'a [u8],
}

impl<'a> Credentials<'a> {
    /// `credentials = auth-scheme [ 1*SP ( token68 / … ) ]`
    pub(super) fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let value = value.trim_ascii();
        let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, rest) = value.split_at_checked(end).unwrap_or((value, &[]));
        if scheme.is_empty() || !scheme.iter().copied().all(is_tchar) {
            return Err(HeaderError::NoScheme);
        }
        Ok(Self { scheme, rest: rest.trim_ascii_start() })
    }

    /// The token, of at most `limit` bytes; what is longer is not even decoded.
    pub(super) fn decode(self, limit: usize) -> Result<Vec<u8>, Error> {
        if self.rest.is_empty() {
            return Err(HeaderError::NoToken.into());
        }
        // Padding makes the token up to two bytes shorter than this.
        let length = self.rest.len().div_ceil(4).saturating_mul(3).saturating_sub(2);
        if length > limit {
            return Err(Error::TokenTooLong { length, limit });
        }
        Ok(decode_base64(self.rest)?)
    }
}

/// `tchar` of [RFC 9110] §5.6.2.
pub(super) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `text` as a `quoted-string` ([RFC 9110] §5.6.4).
pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// Whether all clients read `text` alike in a field: printable ASCII.
pub(super) fn is_header_text(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// `token`, and what stands behind it.
pub(super) fn token(text: &[u8]) -> Result<(&[u8], &[u8]), HeaderError> {
    let end = text.iter().position(|byte| !is_tchar(*byte)).unwrap_or(text.len());
    match text.split_at_checked(end) {
        Some((token, after)) if !token.is_empty() => Ok((token, after)),
        _ => Err(HeaderError::BadParameters),
    }
}

/// What stands between the quotation marks, the first of which is gone, and behind them.
///
/// A backslash in front of anything but a quotation mark or another backslash stands for itself:
/// clients write `"CORP\alice"`, and hash what they mean by it.
pub(super) fn quoted_string(text: &[u8]) -> Result<(Vec<u8>, &[u8]), HeaderError> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Ok((value, after)),
            [b'\\', escaped @ (b'"' | b'\\'), after @ ..] => {
                value.push(*escaped);
                after
            }
            [byte, after @ ..] if *byte == b'\t' || !byte.is_ascii_control() => {
                value.push(*byte);
                after
            }
            _ => return Err(HeaderError::BadParameters),
        };
    }
}

pub(super) fn trim_start<'a>(text: &'a [u8], bytes: &[u8]) -> &'a [u8] {
    let start = text.iter().position(|byte| !bytes.contains(byte)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

pub(super) fn decode_base64(token68: &[u8]) -> Result<Vec<u8>, HeaderError> {
    BASE64_STANDARD.decode(token68).map_err(|_| HeaderError::BadBase64)
}

/// The value that carries `token`: for `Authorization` as well as for `WWW-Authenticate`
/// ([RFC 9110] §11.4, [RFC 4559] §4).
#[must_use]
pub fn format_token(scheme: Scheme, token: &[u8]) -> String {
    let digits = token.len().div_ceil(3).saturating_mul(4);
    let length = scheme.name().len().saturating_add(1).saturating_add(digits);
    let mut value = String::with_capacity(length);
    value.push_str(scheme.name());
    value.push(' ');
    BASE64_STANDARD.encode_string(token, &mut value);
    value
}

/// The token that one challenge or one set of credentials carries: `None` if it is of another
/// scheme, an empty token if the scheme stands alone ([RFC 9110] §11.3, §11.4).
///
/// # Errors
/// [`HeaderError`] if the value has no scheme, or the token is not base64.
pub fn parse_token(scheme: Scheme, value: &[u8]) -> Result<Option<Vec<u8>>, HeaderError> {
    let credentials = Credentials::parse(value)?;
    if Scheme::from_name(credentials.scheme) != Some(scheme) {
        return Ok(None);
    }
    decode_base64(credentials.rest).map(Some)
}
