//! What a path may mean to whoever routes behind this server.
//!
//! Servers differ in how often they decode a path, whether they merge slashes, take `\` for `/`,
//! cut parameters behind `;`, resolve dots or look at case, and in which order. A *reading* is
//! what one of them makes of a path. Two things are known of all readings at once:
//!
//! - the leading segments with nothing unusual in them are the same in every reading, but for
//!   case;
//! - the *lenient* reading, which does everything that any server does, begins with every prefix
//!   that any other reading begins with, as long as nothing climbs (`..`).
//!
//! A path that climbs, or that cannot be read for sure, may lead anywhere.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// All readings of one path.
#[derive(Debug)]
pub(super) struct Readings<'a> {
    /// The leading segments that are the same in every reading: empty, or with a slash in front.
    certain: Cow<'a, str>,
    /// The lenient reading, in lower case unless it is `certain` itself. `None`: anywhere.
    lenient: Option<Cow<'a, str>>,
}

/// The path of a rule: empty for the root, or with a slash in front and none at the end. Shorter
/// ones come first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prefix {
    depth: usize,
    exact: String,
    folded: String,
}

impl<'a> Readings<'a> {
    /// The readings of a path as it was sent, without the query.
    pub(super) fn of(path: &'a str) -> Self {
        let Some(segments) = path.strip_prefix('/') else { return Self::anywhere() };
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let usual = |segments: &str| segments.split('/').all(is_usual);
        if trimmed.is_empty() || (path.is_ascii() && trimmed.strip_prefix('/').is_some_and(usual)) {
            return Self { certain: Cow::Borrowed(trimmed), lenient: Some(Cow::Borrowed(trimmed)) };
        }
        let Some(lenient) = lenient(segments) else { return Self::anywhere() };
        Self { certain: Cow::Owned(certain(segments)), lenient: Some(Cow::Owned(lenient)) }
    }

    fn anywhere() -> Self {
        Self { certain: Cow::Borrowed(""), lenient: None }
    }

    /// Whether this path lies below `prefix` in every reading.
    pub(super) fn are_below(&self, prefix: &Prefix) -> bool {
        begins_with(&self.certain, &prefix.exact, str::eq)
    }

    /// Whether it does in some reading.
    pub(super) fn may_be_below(&self, prefix: &Prefix) -> bool {
        // ASCII is all that is left to fold: what is beyond is folded already.
        let begins = |path| begins_with(path, &prefix.folded, str::eq_ignore_ascii_case);
        self.lenient.as_deref().is_none_or(begins)
    }
}

impl Prefix {
    pub(super) const ROOT: Self = Self { depth: 0, exact: String::new(), folded: String::new() };

    /// The prefix that a rule names: not encoded, whole segments, nothing unusual in them.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let segments = path.strip_prefix('/')?;
        let trimmed = segments.strip_suffix('/').unwrap_or(segments);
        if trimmed.is_empty() {
            return segments.is_empty().then_some(Self::ROOT);
        }
        if !trimmed.split('/').all(is_usual) {
            return None;
        }
        let mut prefix = Self::ROOT;
        for segment in trimmed.split('/') {
            prefix.exact.push('/');
            prefix.exact.push_str(segment);
            prefix.folded.push('/');
            prefix.folded.extend(fold(segment));
            prefix.depth = prefix.depth.saturating_add(1);
        }
        Some(prefix)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.exact
    }

    /// How many segments it has.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether this is `other` or lies below it.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        begins_with(&self.exact, &other.exact, str::eq)
    }
}

const SEPARATORS: [char; 2] = ['/', '\\'];

/// Whether `path` begins with the whole segments of `prefix`.
fn begins_with(path: &str, prefix: &str, same: impl Fn(&str, &str) -> bool) -> bool {
    path.split_at_checked(prefix.len()).is_some_and(|(head, rest)| {
        same(head, prefix) && (rest.is_empty() || rest.starts_with('/'))
    })
}

/// Whether every server takes a decoded segment for what it is. Some drop dots and blanks at the
/// end, as Windows does with file names; that finds `.` and `..` too.
fn is_usual(segment: &str) -> bool {
    let unusual = |c: char| matches!(c, '/' | '\\' | ';' | '%' | '?' | '#') || c.is_control();
    !segment.is_empty() && !segment.contains(unusual) && !segment.ends_with(['.', ' '])
}

/// The leading segments with nothing unusual in them, decoded.
fn certain(segments: &str) -> String {
    let mut certain = String::new();
    for raw in segments.split('/') {
        // What cannot stand in a path unencoded has no other spelling (RFC 3986 §3.3).
        let Some(decoded) = decode(raw.as_bytes(), is_always_encoded) else { break };
        let Some(segment) = core::str::from_utf8(&decoded).ok().filter(|text| is_usual(text))
        else {
            break;
        };
        certain.push('/');
        certain.push_str(segment);
    }
    certain
}

fn is_always_encoded(byte: u8) -> bool {
    !byte.is_ascii() || b" \"<>[]^`{|}".contains(&byte)
}

/// The reading of a server that does all that any does; `None` if the path may lead anywhere.
fn lenient(segments: &str) -> Option<String> {
    let mut path = String::new();
    let mut dropped = false;
    for raw in segments.split('/') {
        let decoded = decode_fully(raw)?;
        // Cut before it is decoded, or decoded before it is cut: two paths.
        let parameters = decoded.split_once(';').map_or("", |(_, parameters)| parameters);
        if parameters.contains(SEPARATORS) {
            return None;
        }
        for part in decoded.split(SEPARATORS) {
            let name = part.split([';', '?', '#']).next().unwrap_or_default();
            let segment = name.trim_end_matches(['.', ' ']);
            if segment.is_empty() {
                dropped = true;
                if name.bytes().filter(|byte| *byte == b'.').count() > 1 {
                    return None;
                }
                continue;
            }
            // Behind two slashes at the front, some look for a host.
            if dropped && path.is_empty() {
                return None;
            }
            path.push('/');
            path.extend(fold(segment));
        }
    }
    Some(path)
}

/// A segment with its escapes decoded twice. `None` if even then some are left, if an escape is
/// broken, or if what comes out is not text.
fn decode_fully(raw: &str) -> Option<String> {
    let once = decode(raw.as_bytes(), |_| true)?;
    // A percent sign that was encoded may stand for itself.
    let twice = decode(&once, |_| true).unwrap_or(once);
    let text = String::from_utf8(twice).ok()?;
    let left = text.match_indices('%').any(|(at, _)| {
        let escape = text.as_bytes().get(at..).and_then(split_escape);
        escape.is_some()
    });
    (!left && !text.contains(char::is_control)).then_some(text)
}

/// `text` with its escapes decoded ([RFC 3986] §2.1). `None` if one is broken, or stands for a
/// byte that is not `allowed`.
fn decode(text: &[u8], allowed: impl Fn(u8) -> bool) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        if byte == b'%' {
            let (escaped, behind) = split_escape(rest).filter(|(byte, _)| allowed(*byte))?;
            decoded.push(escaped);
            rest = behind;
        } else {
            decoded.push(byte);
            rest = behind;
        }
    }
    Some(decoded)
}

/// The byte that the escape at the front of `text` stands for, and what follows it.
fn split_escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let ([b'%', high, low], behind) = text.split_first_chunk()? else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| digit.try_into().ok());
    let (high, low): (u8, u8) = (digit(*high)?, digit(*low)?);
    Some(((high << 4) | low, behind))
}

/// Without regard to case and to locale: upper case first, so that `ſ` is `s`; the Kelvin sign is
/// `k` either way.
fn fold(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}
