//! `WWW-Authenticate` and `Proxy-Authenticate` as servers write them ([RFC 9110] §11.3, §11.6.1).

use super::super::Scheme;
use super::digest::DigestChallenge;
use super::error::ClientError;
use crate::error::{Error, HeaderError};
use crate::http::header::{decode_base64, is_tchar, quoted_string, token, trim_start};
use alloc::string::String;
use alloc::vec::Vec;

/// The challenges of a response.
#[derive(Debug)]
pub(super) struct Challenges<'a> {
    found: Vec<Challenge<'a>>,
    /// Whether there was anything at all.
    any: bool,
}

/// `challenge = auth-scheme [ 1*SP ( token68 / #auth-param ) ]`
#[derive(Debug)]
pub(super) struct Challenge<'a> {
    name: &'a [u8],
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    Bare,
    Token68(&'a [u8]),
    Parameters(Vec<Parameter<'a>>),
    Malformed,
}

/// `auth-param`, its value without quotation marks.
pub(super) type Parameter<'a> = (&'a [u8], Vec<u8>);

/// What is longer is not looked at: several times what servers and HTTP stacks let through.
const MAX_VALUE: usize = 128 * 1024;
/// Elements of the lists of one response.
const MAX_ELEMENTS: usize = 256;
const MAX_CHALLENGES: usize = 32;
/// Longest token in bytes after base64, as [`crate::Policy::max_token`] is by default.
const MAX_TOKEN: usize = 64 * 1024;
/// What is named of a scheme that is not known.
const MAX_NAME: usize = 64;

const OWS: &[u8] = b" \t";

impl<'a> Challenges<'a> {
    /// Reads every value of the field. What is no challenge is passed over, and spoils at most the
    /// challenge that it stands in.
    pub(super) fn parse(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut all = Self { found: Vec::new(), any: false };
        let mut left = MAX_ELEMENTS;
        for value in values {
            all.any |= !value.trim_ascii().is_empty();
            // Parameters belong to a challenge of their own line.
            let first = all.found.len();
            for element in elements(value.get(..MAX_VALUE).unwrap_or(value)).take(left) {
                left = left.saturating_sub(1);
                all.element(first, element);
            }
        }
        all
    }

    fn element(&mut self, first: usize, element: &'a [u8]) {
        let element = element.trim_ascii();
        if element.is_empty() {
            return;
        }
        let open = self.found.get_mut(first..).and_then(<[_]>::last_mut);
        let Ok((name, after)) = token(element) else {
            return open.map_or((), Challenge::spoil);
        };
        if trim_start(after, OWS).starts_with(b"=") {
            return open.map_or((), |challenge| challenge.push(parameter(element)));
        }
        if self.found.len() < MAX_CHALLENGES {
            self.found.push(Challenge { name, content: Content::read(after) });
        }
    }

    /// The challenges of `scheme`.
    fn of(&self, scheme: Scheme) -> impl Iterator<Item = &Challenge<'a>> {
        self.found.iter().filter(move |challenge| challenge.scheme() == Some(scheme))
    }

    /// Whether `scheme` is offered in a form that can be read.
    pub(super) fn offers(&self, scheme: Scheme) -> bool {
        if scheme == Scheme::Digest {
            return self.digest().is_some();
        }
        self.of(scheme).any(|challenge| !matches!(challenge.content, Content::Malformed))
    }

    /// The challenge of `Digest` with the strongest algorithm, of those that can be answered; of
    /// two alike, the first.
    pub(super) fn digest(&self) -> Option<DigestChallenge> {
        let read = |challenge: &Challenge<'_>| match &challenge.content {
            Content::Parameters(parameters) => DigestChallenge::read(parameters),
            _ => None,
        };
        self.of(Scheme::Digest).filter_map(read).min_by_key(DigestChallenge::rank)
    }

    /// Whether `scheme` is there in a form that cannot be read.
    pub(super) fn mangles(&self, scheme: Scheme) -> bool {
        self.of(scheme).any(|challenge| matches!(challenge.content, Content::Malformed))
    }

    /// Whether there is a token of `scheme`.
    pub(super) fn has_token(&self, scheme: Scheme) -> bool {
        self.of(scheme).any(|challenge| matches!(challenge.content, Content::Token68(_)))
    }

    /// The one token of `scheme`; a challenge beside it that has none is passed over.
    pub(super) fn token(&self, scheme: Scheme) -> Result<Option<Vec<u8>>, ClientError> {
        let mut tokens = self.of(scheme).filter_map(|challenge| match challenge.content {
            Content::Token68(token68) => Some(token68),
            _ => None,
        });
        let Some(token68) = tokens.next() else {
            return if self.mangles(scheme) {
                Err(HeaderError::BadBase64.into())
            } else {
                Ok(None)
            };
        };
        if tokens.next().is_some() {
            let (expected, received) = ("one token", "several of the same scheme");
            return Err(ClientError::OutOfOrder { expected, received });
        }
        // Padding makes the token up to two bytes shorter than this.
        let length = token68.len().div_ceil(4).saturating_mul(3).saturating_sub(2);
        if length > MAX_TOKEN {
            return Err(Error::TokenTooLong { length, limit: MAX_TOKEN }.into());
        }
        Ok(Some(decode_base64(token68)?))
    }

    /// The names of all schemes, each once.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for challenge in &self.found {
            let name = challenge.name.get(..MAX_NAME).unwrap_or(challenge.name);
            let name = String::from_utf8_lossy(name);
            if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                names.push(name.into_owned());
            }
        }
        names
    }

    /// Whether there are no challenges because none was sent, rather than because none can be
    /// read.
    pub(super) fn is_empty(&self) -> bool {
        !self.any
    }
}

impl<'a> Challenge<'a> {
    fn scheme(&self) -> Option<Scheme> {
        Scheme::from_name(self.name)
    }

    fn push(&mut self, parameter: Option<Parameter<'a>>) {
        match (&mut self.content, parameter) {
            (Content::Parameters(all), Some(parameter)) => all.push(parameter),
            // `Digest , realm="x"`: empty elements count for nothing.
            (Content::Bare, Some(parameter)) => {
                self.content = Content::Parameters(Vec::from([parameter]));
            }
            _ => self.spoil(),
        }
    }

    /// Something that cannot be read stands behind this challenge. With parameters it may have
    /// been one of them; else it has nothing to do with it.
    fn spoil(&mut self) {
        if matches!(self.content, Content::Parameters(_)) {
            self.content = Content::Malformed;
        }
    }
}

impl<'a> Content<'a> {
    /// What stands behind the name of the scheme, up to the next comma.
    fn read(text: &'a [u8]) -> Self {
        let rest = trim_start(text, OWS);
        if rest.is_empty() {
            Self::Bare
        } else if !text.starts_with(b" ") {
            Self::Malformed
        } else if is_token68(rest) {
            Self::Token68(rest)
        } else {
            match parameter(rest) {
                Some(parameter) => Self::Parameters(Vec::from([parameter])),
                None => Self::Malformed,
            }
        }
    }
}

/// `#auth-param` as it stands in `Authentication-Info` ([RFC 9110] §11.6.3); what cannot be read is
/// passed over.
pub(super) fn parameters(value: &[u8]) -> Vec<Parameter<'_>> {
    let value = value.get(..MAX_VALUE).unwrap_or(value);
    elements(value).take(MAX_ELEMENTS).filter_map(|it| parameter(it.trim_ascii())).collect()
}

/// `token BWS "=" BWS ( token / quoted-string )`, and nothing else.
fn parameter(text: &[u8]) -> Option<Parameter<'_>> {
    let (name, after) = token(text).ok()?;
    let value = trim_start(trim_start(after, OWS).strip_prefix(b"=")?, OWS);
    let (value, after) = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted_string(quoted).ok()?,
        None => token(value).map(|(value, after)| (value.to_vec(), after)).ok()?,
    };
    trim_start(after, OWS).is_empty().then_some((name, value))
}

/// `token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_token68(text: &[u8]) -> bool {
    let digits = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    let (digits, padding) = text.split_at_checked(digits).unwrap_or((text, &[]));
    let is_digit = |byte: &u8| *byte == b'/' || is_tchar(*byte) && !b"!#$%&'*^`|".contains(byte);
    !digits.is_empty() && digits.iter().all(is_digit) && padding.iter().all(|byte| *byte == b'=')
}

/// The elements of a list, which commas stand between that are not within quotation marks. A
/// quotation mark that nothing closes goes to the end.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        *byte == b',' && !quoted
    })
}
