//! Values that are checked while they are read, so that an error has its line and column.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::time::Duration;

/// A length of time, as in `"90s"`, `"15m"`, `"8h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = humantime::parse_duration(&text).map_err(|error| {
            Error::custom(format!("{text:?} is no length of time such as \"90s\": {error}"))
        })?;
        if time.is_zero() {
            return Err(Error::custom("a time of zero would stop everything"));
        }
        Ok(Self(time))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(self.0))
    }
}

/// A path of URLs, as in `"/.logon"`: of characters that are never written otherwise, so that there
/// is one way to write it, and fit for a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UrlPath(Cow<'static, str>);

impl UrlPath {
    /// A path that is known to be right.
    pub(crate) const fn from_static(path: &'static str) -> Self {
        Self(Cow::Borrowed(path))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for UrlPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let segment =
            |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
        let right = |rest: &str| rest.split('/').all(segment);
        if !path.strip_prefix('/').is_some_and(right) {
            return Err(Error::custom(format!(
                "{path:?} is no path such as \"/.logon\": it begins with a slash, ends without \
                 one, and has letters, digits, and - . _ ~ in between"
            )));
        }
        Ok(Self(Cow::Owned(path)))
    }
}

impl Serialize for UrlPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
