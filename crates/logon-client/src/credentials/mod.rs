//! What to log on with, and where it is found.
//!
//! [`Search`] looks in this order, and takes the first that it finds:
//!
//! 1. what the program was given: [`Search::given`];
//! 2. the user file that the environment variable `NTLM_USER_FILE` names: see [`from_user_file`];
//! 3. the environment variables `LOGON_USER` and `LOGON_PASSWORD`, or `LOGON_NT_HASH`: see
//!    [`from_environment`]; the secret is that of `LOGON_USER`, and of no other name;
//! 4. whoever sits at the terminal, if [`Search::may_prompt`].
//!
//! A name narrows the search down to one account: that of [`Search::name`], else `LOGON_USER`, else
//! `NTLMUSER`, which gss-ntlmssp has for the same purpose. Something that is there and wrong (a
//! malformed file, half a hash) ends the search with an error, rather than have somebody else
//! log on.
//!
//! ```
//! use logon_client::credentials::{Search, Source};
//!
//! let variables = |name: &str| match name {
//!     "LOGON_USER" => Some("CORP\\alice".into()),
//!     "LOGON_PASSWORD" => Some("correct horse".into()),
//!     _ => None,
//! };
//! let found = Search::new().environment(&variables).find()?;
//! assert_eq!(found.credentials.name(), "CORP\\alice");
//! assert_eq!(found.source, Source::Environment);
//! # Ok::<(), logon_client::credentials::CredentialError>(())
//! ```

mod environment;
mod error;
mod found;
mod prompt;
mod search;
mod secret;
mod user_file;

pub use environment::{Environment, from_environment};
pub use error::{CredentialError, NotFound};
pub use found::{Found, Source};
pub use prompt::prompt;
pub use search::{Search, current_user, sso_available};
pub use secret::Credentials;
pub use user_file::from_user_file;
