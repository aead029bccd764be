//! What a resource asks for.

use super::Scheme;
use alloc::sync::Arc;

/// What happens to a request without a logon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing is looked at, everything passes.
    Off,
    /// Everything passes, failed logons too; the application answers 401 itself.
    AppChallenges,
    /// Passes without an identity; failed logons are answered with 401.
    Optional,
    /// Answered with 401.
    Required,
}

/// What a resource asks for.
#[derive(Debug, Clone)]
pub struct Scope {
    schemes: Arc<[Scheme]>,
    requirement: Requirement,
}

impl Scope {
    /// A logon is required.
    #[must_use]
    pub fn required(schemes: &[Scheme]) -> Self {
        Self { schemes: Arc::from(schemes), requirement: Requirement::Required }
    }
    /// A logon is optional.
    #[must_use]
    pub fn optional(schemes: &[Scheme]) -> Self {
        Self { schemes: Arc::from(schemes), requirement: Requirement::Optional }
    }
    /// The application challenges.
    #[must_use]
    pub fn app_challenges(schemes: &[Scheme]) -> Self {
        Self { schemes: Arc::from(schemes), requirement: Requirement::AppChallenges }
    }
    /// Off.
    #[must_use]
    pub fn off() -> Self {
        Self { schemes: Arc::from([]), requirement: Requirement::Off }
    }
    /// The schemes.
    #[must_use]
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }
    /// The requirement.
    #[must_use]
    pub fn requirement(&self) -> Requirement {
        self.requirement
    }
    /// Preflight.
    #[must_use]
    pub fn cors_preflight(&self) -> bool {
        false
    }
    /// Foreign.
    #[must_use]
    pub fn passes(&self, _scheme: &[u8]) -> bool {
        false
    }
}
