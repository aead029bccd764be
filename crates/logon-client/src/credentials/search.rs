//! All places, one after the other.

use super::environment::{self, Environment, from_environment};
use super::error::{CredentialError, NotFound};
use super::found::{Found, Source};
use super::prompt::prompt;
use super::secret::Credentials;
use super::user_file::from_user_file;
use core::fmt;
use std::ffi::OsString;
use std::path::PathBuf;

/// A search for credentials. Without more said it looks for anybody's, in the environment of this
/// process, and asks nobody.
#[derive(Clone)]
pub struct Search<'a> {
    given: Option<Credentials>,
    name: Option<&'a str>,
    environment: Environment<'a>,
    may_prompt: bool,
}

impl<'a> Search<'a> {
    /// A search in the environment of this process.
    #[must_use]
    pub fn new() -> Self {
        Self { given: None, name: None, environment: &process, may_prompt: false }
    }

    /// Credentials that the program has already; nothing else is looked at then.
    #[must_use]
    pub fn given(mut self, credentials: Credentials) -> Self {
        self.given = Some(credentials);
        self
    }

    /// Whose credentials: `DOMAIN\user`, `user@dns.domain` or `user`.
    #[must_use]
    pub fn name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// Other variables than those of this process.
    #[must_use]
    pub fn environment(mut self, environment: Environment<'a>) -> Self {
        self.environment = environment;
        self
    }

    /// Whether to ask at the terminal, if everything else fails.
    #[must_use]
    pub fn may_prompt(mut self, may_prompt: bool) -> Self {
        self.may_prompt = may_prompt;
        self
    }

    /// Looks everywhere.
    ///
    /// # Errors
    /// [`CredentialError`] if something on the way is there and wrong, or there is nothing; it
    /// says where was looked, and how to give credentials.
    pub fn find(&self) -> Result<Found, CredentialError> {
        if let Some(credentials) = self.given.clone() {
            return Ok(Found { credentials, source: Source::Given });
        }
        let wanted = environment::wanted(self.environment)?;
        let name = self.name.or(wanted.as_deref().map(String::as_str));
        // The ticket cache of Kerberos has its place here.
        let variable = (self.environment)("NTLM_USER_FILE").filter(|path| !path.is_empty());
        let user_file = variable.map(PathBuf::from);
        if let Some(path) = &user_file
            && let Some(found) = from_user_file(path, name)?
        {
            return Ok(found);
        }
        if let Some(found) = from_environment(self.environment, name)? {
            return Ok(found);
        }
        if self.may_prompt {
            return prompt(name);
        }
        let name = name.map(str::to_owned);
        Err(CredentialError::NotFound(NotFound { name, user_file }))
    }

    /// Whether credentials can be had without asking anybody.
    #[must_use]
    pub fn sso_available(&self) -> bool {
        self.without_prompt().is_some()
    }

    /// Who would log on, without asking anybody: `DOMAIN\user`, or what else the name is.
    #[must_use]
    pub fn current_user(&self) -> Option<String> {
        self.without_prompt().map(|found| found.credentials.name().to_owned())
    }

    fn without_prompt(&self) -> Option<Found> {
        self.clone().may_prompt(false).find().ok()
    }
}

impl Default for Search<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search")
            .field("given", &self.given)
            .field("name", &self.name)
            .field("may_prompt", &self.may_prompt)
            .finish_non_exhaustive()
    }
}

fn process(variable: &str) -> Option<OsString> {
    std::env::var_os(variable)
}

/// Whether this process can log on without asking anybody.
#[must_use]
pub fn sso_available() -> bool {
    Search::new().sso_available()
}

/// Who would log on if this process did: `DOMAIN\user`, or what else the name is.
#[must_use]
pub fn current_user() -> Option<String> {
    Search::new().current_user()
}
