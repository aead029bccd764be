//! What the exchanges of a client share.

use super::super::Scheme;
use crate::config::InitiatorConfig;
use crate::env::SecureRandom;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// What the exchanges of a client share: who it is, which schemes it may speak, what it demands.
/// See [RFC 9110] §11.4, [MS-NTHT] §3.1.
pub struct ClientConfig {
    /// What NTLM is spoken with, if it is.
    pub(super) initiator: Option<Arc<InitiatorConfig>>,
    pub(super) random: Arc<dyn SecureRandom>,
    pub(super) schemes: Vec<Scheme>,
    pub(super) password: Option<Password>,
    pub(super) mutual_auth: bool,
    pub(super) bindings_required: bool,
}

/// An account as the schemes take it that need the password itself.
pub(super) struct Password {
    pub(super) name: String,
    pub(super) password: Zeroizing<String>,
}

impl ClientConfig {
    /// A client that logs on by [`Scheme::Negotiate`] and [`Scheme::Ntlm`], as `initiator` says.
    #[must_use]
    pub fn new(initiator: Arc<InitiatorConfig>) -> Self {
        let random = Arc::clone(&initiator.random);
        Self { initiator: Some(initiator), ..Self::without_ntlm(random) }
    }

    /// A client that does not speak NTLM: for Kerberos, of which each exchange is given a ticket
    /// ([`ClientAuth::use_ticket`](super::ClientAuth::use_ticket)), and for the schemes that take
    /// the password itself.
    #[must_use]
    pub fn without_ntlm(random: Arc<dyn SecureRandom>) -> Self {
        Self {
            initiator: None,
            random,
            schemes: Scheme::INTEGRATED.to_vec(),
            password: None,
            mutual_auth: false,
            bindings_required: false,
        }
    }

    /// The schemes it may speak. Of those that a server offers, the first in the order of
    /// [`Scheme::ALL`] is taken, in whatever order they stand here or there. Default:
    /// [`Scheme::INTEGRATED`].
    ///
    /// # Security
    /// Whoever lists [`Scheme::Basic`] sends the password to every server that asks for it. That
    /// the connection is over TLS, and to whom, is the embedding program's to see to.
    #[must_use]
    pub fn with_schemes(mut self, schemes: &[Scheme]) -> Self {
        self.schemes = Scheme::ALL.into_iter().filter(|known| schemes.contains(known)).collect();
        self
    }

    /// The account for [`Scheme::Basic`] and [`Scheme::Digest`], which need the password itself:
    /// `name` is sent as it stands. Without, these schemes are not spoken.
    #[must_use]
    pub fn with_password(mut self, name: &str, password: &str) -> Self {
        let password = Zeroizing::new(password.into());
        self.password = Some(Password { name: name.into(), password });
        self
    }

    /// Whether the server has to prove who it is, too. Default: no, for NTLM cannot do it: with
    /// this it is not spoken, bare or within `Negotiate`, and neither is `Basic`. A server that
    /// asked for a ticket of Kerberos proves itself in any case. Of `Digest` the
    /// proof is in [`Side::info_field`](super::super::Side::info_field), see
    /// [`ClientAuth::authentication_info`](super::ClientAuth::authentication_info).
    #[must_use]
    pub fn with_mutual_auth(mut self, required: bool) -> Self {
        self.mutual_auth = required;
        self
    }

    /// Whether a logon has to be bound to its TLS connection. Default: no, bindings are sent
    /// where there are any. With this nothing is sent over a connection that has none, and
    /// `Basic` and `Digest`, which cannot be bound, are not spoken.
    #[must_use]
    pub fn with_bindings_required(mut self, required: bool) -> Self {
        self.bindings_required = required;
        self
    }

    /// The schemes it may speak, the strongest first.
    #[must_use]
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    /// Whether there is what the scheme needs; `ticket` if there is one.
    pub(super) fn has(&self, scheme: Scheme, ticket: bool) -> bool {
        self.schemes.contains(&scheme)
            && match scheme {
                Scheme::Negotiate => ticket || self.initiator.is_some(),
                Scheme::Ntlm => self.initiator.is_some(),
                Scheme::Digest | Scheme::Basic => self.password.is_some(),
            }
    }
}

/// The password does not go into logs.
impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("initiator", &self.initiator)
            .field("schemes", &self.schemes)
            .field("password_of", &self.password.as_ref().map(|password| &password.name))
            .field("mutual_auth", &self.mutual_auth)
            .field("bindings_required", &self.bindings_required)
            .finish()
    }
}
