//! The page that shows, leg by leg, what a browser sent and what was decided.

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct DiagnosisConfig {}
