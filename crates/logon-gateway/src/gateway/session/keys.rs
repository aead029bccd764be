//! The keys of session cookies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use logon::{OsRandom, SecureRandom};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// The first byte of a cookie.
const VERSION: u8 = 1;

/// What every cookie is bound to, so that nothing else that is ever sealed with these keys is one.
const LABEL: &[u8] = b"logon session cookie\0";

const ID: usize = 4;
const NONCE: usize = 24;

/// Keys of a file, the first one first.
pub(super) struct Keys(Vec<Key>);

struct Key {
    id: [u8; ID],
    /// Zeroized on drop.
    cipher: XChaCha20Poly1305,
}

/// What is wrong with a file of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeysError {
    /// Nothing but comments and blank lines.
    Empty,
    /// This line is no base64 of 32 bytes.
    Line(usize),
    /// The key in this line is there already.
    Twice(usize),
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no key in it"),
            Self::Line(line) => write!(f, "line {line} is no key: 32 bytes in base64"),
            Self::Twice(line) => write!(f, "the key in line {line} is there twice"),
        }
    }
}

impl Keys {
    /// The keys of a text: one a line, what follows a `#` is a comment.
    pub(super) fn parse(text: &str) -> Result<Self, KeysError> {
        let mut keys: Vec<(usize, Zeroizing<[u8; 32]>)> = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let Some(encoded) = key_of_line(content) else { continue };
            let key = decode(encoded).ok_or(KeysError::Line(line))?;
            // Our own keys against each other: their times tell nobody anything.
            if keys.iter().any(|(_, other)| **other == *key) {
                return Err(KeysError::Twice(line));
            }
            keys.push((line, key));
        }
        if keys.is_empty() {
            return Err(KeysError::Empty);
        }
        Ok(Self(keys.iter().map(|(_, key)| Key::new(key)).collect()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Names of the keys that are no secret, for logs.
    pub(super) fn ids(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|key| base16ct::lower::encode_string(&key.id))
    }

    /// Seals with the first key. `None` if the system has no randomness.
    pub(super) fn seal(&self, plain: &[u8], host: &[u8]) -> Option<Vec<u8>> {
        let key = self.0.first()?;
        let mut nonce = [0_u8; NONCE];
        OsRandom.fill(&mut nonce).ok()?;
        let head = key.head();
        let bound = bound(&head, host);
        let payload = Payload { msg: plain, aad: &bound };
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some([&head[..], &nonce, &sealed].concat())
    }

    /// Opens with whichever key it was sealed with, and says whether that is the first one.
    pub(super) fn open(&self, sealed: &[u8], host: &[u8]) -> Option<(Vec<u8>, bool)> {
        let (head, rest) = sealed.split_first_chunk::<{ 1 + ID }>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let bound = bound(head, host);
        self.0.iter().enumerate().find_map(|(position, key)| {
            if key.head() != *head {
                return None;
            }
            let payload = Payload { msg: sealed, aad: &bound };
            let plain = key.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
            Some((plain, position == 0))
        })
    }
}

impl Key {
    fn new(key: &[u8; 32]) -> Self {
        let mut id = [0_u8; ID];
        let hash = Sha256::new().chain_update(LABEL).chain_update(key).finalize();
        id.iter_mut().zip(hash).for_each(|(id, byte)| *id = byte);
        Self { id, cipher: XChaCha20Poly1305::new(key.into()) }
    }

    fn head(&self) -> [u8; 1 + ID] {
        let [a, b, c, d] = self.id;
        [VERSION, a, b, c, d]
    }
}

fn bound(head: &[u8], host: &[u8]) -> Vec<u8> {
    [LABEL, head, host].concat()
}

/// The part of a line that is a key, if there is one.
pub(super) fn key_of_line(line: &str) -> Option<&str> {
    let content = line.split_once('#').map_or(line, |(content, _)| content).trim();
    (!content.is_empty()).then_some(content)
}

fn decode(encoded: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

/// A new key as a line has it.
pub(super) fn make() -> Option<Zeroizing<String>> {
    let mut key = Zeroizing::new([0_u8; 32]);
    OsRandom.fill(key.as_mut_slice()).ok()?;
    Some(Zeroizing::new(STANDARD.encode(key.as_slice())))
}

#[cfg(test)]
mod tests {
    use super::{Keys, KeysError, make};

    #[test]
    fn a_file_has_keys_blank_lines_and_comments() {
        let (one, two) = (make().unwrap(), make().unwrap());
        let text = format!("# comment\n\n{} # made today\r\n  {}\n", *one, *two);
        let keys = Keys::parse(&text).unwrap();
        assert_eq!(keys.len(), 2);
        let ids: Vec<_> = keys.ids().collect();
        assert!(ids.iter().all(|id| id.len() == 8) && ids[0] != ids[1], "{ids:?}");
        let sealed = keys.seal(b"plain", b"host").unwrap();
        assert_eq!(keys.open(&sealed, b"host"), Some((b"plain".to_vec(), true)));
    }

    #[test]
    fn what_is_no_key_is_refused_by_its_line() {
        let key = make().unwrap();
        let parse = |text: &str| Keys::parse(text).map(|_| ()).unwrap_err();
        assert_eq!(parse(""), KeysError::Empty);
        assert_eq!(parse("# one\n\n"), KeysError::Empty);
        assert_eq!(parse(&format!("{}\n{}=\n", *key, *key)), KeysError::Line(2));
        assert_eq!(parse(&format!("# \n{}", &key[..40])), KeysError::Line(2));
        assert_eq!(parse("secret"), KeysError::Line(1));
        assert_eq!(parse(&format!("{}\n\n{}", *key, *key)), KeysError::Twice(3));
    }
}
