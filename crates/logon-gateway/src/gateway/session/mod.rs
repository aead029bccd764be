//! A sealed cookie that stands for a logon.

use super::identity::User;
use http::{HeaderMap, HeaderValue};

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SessionConfig {}

pub(crate) struct Sessions;
pub(crate) struct Opened {
    pub(crate) user: User,
    pub(crate) renewed: Option<HeaderValue>,
}
impl Sessions {
    pub(crate) fn load(_: &SessionConfig, _: &std::path::Path) -> Result<Self, String> {
        Ok(Self)
    }
    pub(crate) fn open<'a>(
        &self,
        _: impl Iterator<Item = &'a [u8]>,
        _: &str,
        _: std::time::SystemTime,
    ) -> Option<Opened> {
        None
    }
    pub(crate) fn seal(
        &self,
        _: &User,
        _: &str,
        _: std::time::SystemTime,
    ) -> Result<HeaderValue, ()> {
        Err(())
    }
    pub(crate) fn strip(&self, _: &mut HeaderMap) {}
    pub(crate) fn strip_response(&self, _: &mut HeaderMap) {}
}
