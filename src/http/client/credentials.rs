//! What is to be sent.

use super::super::Scheme;
use super::config::Password;
use super::error::ClientError;
use crate::error::ApiMisuse;
use crate::http::format_token;
use alloc::string::String;
use core::fmt;
use zeroize::{Zeroize, Zeroizing};

/// What a challenge, or an answer, led to.
/// See [RFC 9110] §11.4.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "credentials have to be sent"]
pub enum ClientStep {
    /// Send the request again, over the same connection, with these credentials.
    Send(Credentials),
    /// There is nothing more to send: the response is the one to use.
    Done,
}

/// The value of `Authorization`, or of `Proxy-Authorization` ([RFC 9110] §11.6.2, §11.7.2).
///
/// # Security
/// `Basic` has the password in it, the others what it can be guessed from: redacted in `Debug`, and
/// wiped when it is dropped; mark it as sensitive where it goes.
#[non_exhaustive]
pub struct Credentials {
    /// The whole value, scheme and all.
    pub value: String,
    /// Whether this is all that the client has to say, so that the request's body may go with
    /// it. If not, another leg is sure to follow: send no body, or an empty one ([RFC 4559] §6).
    /// With a ticket of Kerberos one may follow all the same, if the server has another mechanism.
    pub last: bool,
    /// Whether a password that is wrong counts against the account with this: of NTLM only the
    /// last message, of Kerberos none.
    pub counts: bool,
}

impl Credentials {
    pub(super) fn of_token(scheme: Scheme, token: &[u8], last: bool, counts: bool) -> Self {
        Self { value: format_token(scheme, token), last, counts }
    }

    /// `user-pass` in UTF-8, whatever `charset` the challenge asks for ([RFC 7617] §2, §2.1).
    pub(super) fn basic(account: &Password) -> Result<Self, ClientError> {
        let Password { name, password } = account;
        if name.contains(':') || name.chars().chain(password.chars()).any(char::is_control) {
            return Err(ApiMisuse::NotHeaderText("name or password").into());
        }
        // Allocated once: a string that grows leaves copies behind.
        let length = name.len().saturating_add(password.len()).saturating_add(1);
        let mut pair = Zeroizing::new(String::with_capacity(length));
        pair.push_str(name);
        pair.push(':');
        pair.push_str(password);
        Ok(Self::of_token(Scheme::Basic, pair.as_bytes(), true, true))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.value.split(' ').next().unwrap_or_default();
        f.debug_struct("Credentials")
            .field("scheme", &scheme)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}
