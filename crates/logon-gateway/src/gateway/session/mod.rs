//! A sealed cookie that stands for a logon.

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SessionConfig {}
