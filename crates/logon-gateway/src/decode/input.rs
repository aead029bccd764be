//! From what people paste to the bytes of a token.

use super::DecodeFailure;
use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine};
use logon::http::Scheme;
use std::fmt;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// More than any token in any notation.
const LIMIT: u64 = 1024 * 1024;

/// Fields that carry tokens, without the `Proxy-` that may stand before them.
const FIELDS: [&str; 3] = ["authorization", "www-authenticate", "authenticate"];

/// No token could be made of the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InputError {
    /// There is nothing.
    Empty,
    /// It is longer than 1 MiB.
    TooLong,
    /// The file cannot be read.
    File { name: String, cause: String },
    /// A header line without a token.
    NoToken(&'static str),
    /// A header line of a scheme that carries no such token.
    OtherScheme(String),
    /// Hexadecimal digits of an odd number.
    OddHex(usize),
    /// Neither hexadecimal nor base64, because of this character, counted from 1 without blanks.
    BadCharacter(char, usize),
    /// Characters of base64 that do not add up.
    BadBase64,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no token"),
            Self::TooLong => write!(f, "the input is longer than {LIMIT} bytes"),
            Self::File { name, cause } => write!(f, "{name} cannot be read: {cause}"),
            Self::NoToken(scheme) => write!(f, "there is a scheme, {scheme}, but no token"),
            Self::OtherScheme(scheme) => {
                write!(f, "the scheme {scheme:?} is neither NTLM nor Negotiate")
            }
            Self::OddHex(digits) => write!(f, "{digits} hexadecimal digits: one is missing"),
            Self::BadCharacter(c, place) => {
                write!(f, "neither hex nor base64: character {place} is {c:?}")
            }
            Self::BadBase64 => f.write_str("not base64: it is cut short, or ends wrongly"),
        }
    }
}

/// The token of the argument, of the file that it names after an `@`, or of `stdin` if there is
/// none or it is `-`. It may be a keytab, so it is wiped.
pub(super) fn read(
    argument: Option<&str>,
    stdin: &mut dyn Read,
) -> Result<Zeroizing<Vec<u8>>, DecodeFailure> {
    match argument.filter(|argument| *argument != "-") {
        None => read_from(stdin),
        Some(text) => match text.strip_prefix('@') {
            None => Ok(Zeroizing::new(parse(text)?)),
            Some(name) => {
                let fail = |cause| InputError::File { name: name.to_owned(), cause };
                let path = Path::new(name);
                // Opening a pipe waits for somebody to write to it.
                let metadata = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?;
                if !metadata.is_file() {
                    return Err(fail("not a regular file".to_owned()).into());
                }
                let mut file =
                    std::fs::File::open(path).map_err(|error| fail(error.to_string()))?;
                read_from(&mut file)
            }
        },
    }
}

fn read_from(from: &mut dyn Read) -> Result<Zeroizing<Vec<u8>>, DecodeFailure> {
    // Room for all of it: a buffer that grows leaves copies behind.
    let capacity = usize::try_from(LIMIT).unwrap_or_default().saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    from.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LIMIT) {
        return Err(InputError::TooLong.into());
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) if !text.contains(is_binary) => Ok(Zeroizing::new(parse(text)?)),
        // The bytes themselves, from a file.
        _ => Ok(bytes),
    }
}

/// What no text in hexadecimal, base64 or of header lines has.
fn is_binary(c: char) -> bool {
    c.is_control() && !c.is_whitespace()
}

fn parse(text: &str) -> Result<Vec<u8>, InputError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InputError::Empty);
    }
    // Of several header lines, as a copied response has them, the first that carries a token.
    let mut fields = text.lines().filter_map(field_value).map(credentials);
    if let Some(first) = fields.next() {
        return fields.fold(first, Result::or);
    }
    if scheme_of(text).is_some() { credentials(text) } else { decode(text) }
}

/// The value of a header line, also as `curl -v` prints it.
fn field_value(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(['<', '>', ' ']);
    let (name, value) = line.split_once(':')?;
    let name = name.trim().to_ascii_lowercase();
    let name = name.strip_prefix("proxy-").unwrap_or(&name);
    FIELDS.contains(&name).then_some(value.trim())
}

fn scheme_of(value: &str) -> Option<Scheme> {
    let scheme = Scheme::from_name(value.split_whitespace().next()?.as_bytes())?;
    // Digest and Basic carry no token.
    scheme.is_per_connection().then_some(scheme)
}

/// `scheme token`. Within a header it is always base64.
fn credentials(value: &str) -> Result<Vec<u8>, InputError> {
    let (name, token) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    let Some(scheme) = scheme_of(value) else {
        return Err(InputError::OtherScheme(name.into()));
    };
    // Another challenge may follow in the same line.
    let token = token.split(',').next().unwrap_or_default().trim();
    if token.is_empty() { Err(InputError::NoToken(scheme.name())) } else { base64(token) }
}

fn decode(text: &str) -> Result<Vec<u8>, InputError> {
    let words = text.split(|c: char| c.is_ascii_whitespace() || c == ':');
    let digits: String = words.map(|word| word.strip_prefix("0x").unwrap_or(word)).collect();
    if digits.is_empty() {
        return Err(InputError::Empty);
    }
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return base64(text);
    }
    base16ct::mixed::decode_vec(&digits).map_err(|_| InputError::OddHex(digits.len()))
}

/// With or without padding, in as many lines as there are.
fn base64(text: &str) -> Result<Vec<u8>, InputError> {
    let text: String = text.split_whitespace().collect();
    let text = text.trim_end_matches('=');
    let alphabet = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    if let Some((place, c)) = (1..).zip(text.chars()).find(|(_, c)| !alphabet(*c)) {
        return Err(InputError::BadCharacter(c, place));
    }
    BASE64_STANDARD_NO_PAD.decode(text).map_err(|_| InputError::BadBase64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: [u8; 16] = *b"NTLMSSP\0\x01\0\0\0\x07\x02\0\0";

    #[test]
    fn every_notation_gives_the_same_token() {
        for text in [
            "4e544c4d53535000 01000000\n07020000\n",
            "0x4E544C4D535350000100000007020000",
            "4e:54:4c:4d:53:53:50:00:01:00:00:00:07:02:00:00",
            "TlRMTVNTUAABAAAABwIAAA==",
            "TlRMTVNTUAAB\r\nAAAABwIAAA",
            "NTLM TlRMTVNTUAABAAAABwIAAA==",
            "negotiate  TlRMTVNTUAABAAAABwIAAA==",
            "Authorization: NTLM TlRMTVNTUAABAAAABwIAAA==",
            "> Proxy-Authorization: NTLM TlRMTVNTUAABAAAABwIAAA==",
            "< HTTP/1.1 401\n< WWW-Authenticate: Negotiate\n\
             < WWW-Authenticate: NTLM TlRMTVNTUAABAAAABwIAAA==, Basic realm=\"x\"\n",
        ] {
            assert_eq!(parse(text).as_deref(), Ok(TOKEN.as_slice()), "{text}");
            let mut stdin = text.as_bytes();
            assert_eq!(*read(Some("-"), &mut stdin).unwrap(), TOKEN, "{text}");
        }
        assert_eq!(*read(None, &mut TOKEN.as_slice()).unwrap(), TOKEN, "as it is");
    }

    #[test]
    fn a_file_is_read_by_its_name_as_bytes_or_as_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let argument = format!("@{}", path.display());
        for text in [TOKEN.as_slice(), b"Authorization: NTLM TlRMTVNTUAABAAAABwIAAA==\n"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(*read(Some(&argument), &mut std::io::empty()).unwrap(), TOKEN);
        }
        // All of ASCII, and a keytab nevertheless: it holds no key.
        std::fs::write(&path, b"\x05\x02").unwrap();
        assert_eq!(*read(Some(&argument), &mut std::io::empty()).unwrap(), [5, 2]);
        for argument in ["@/nowhere/token", "@/"] {
            let failure = read(Some(argument), &mut std::io::empty()).unwrap_err();
            assert!(failure.to_string().contains(" cannot be read: "), "{failure}");
        }
    }

    #[test]
    fn what_is_no_token_is_named() {
        assert_eq!(parse(" \n"), Err(InputError::Empty));
        assert_eq!(parse("0x :"), Err(InputError::Empty));
        assert_eq!(parse("4e544"), Err(InputError::OddHex(5)));
        assert_eq!(parse("TlRM TVN-"), Err(InputError::BadCharacter('-', 8)));
        assert_eq!(parse("TlRMT"), Err(InputError::BadBase64));
        assert_eq!(parse("WWW-Authenticate: NTLM"), Err(InputError::NoToken("NTLM")));
        let other = Err(InputError::OtherScheme("Basic".into()));
        assert_eq!(parse("Authorization: Basic YWxpY2U6eA=="), other);
    }

    #[test]
    fn endless_input_is_not_read_to_its_end() {
        let failure = read(None, &mut std::io::repeat(b'4')).unwrap_err();
        assert!(matches!(failure, DecodeFailure::Input(InputError::TooLong)));
    }
}
