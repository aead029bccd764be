//! Requests to an application, and its answers back.

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct UpstreamConfig {
    pub(crate) urls: Vec<UpstreamUrl>,
}
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct UpstreamUrl(String);
impl std::str::FromStr for UpstreamUrl {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}
