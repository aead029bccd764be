//! The client's side.

use super::context::{ContextAttributes, InitiatorContext, Mechanism};
use super::mechanisms;
use crate::binding::ChannelBindings;
use crate::config::InitiatorConfig;
use crate::error::Error;
use crate::identity::TargetName;
#[cfg(feature = "kerberos")]
use crate::kerberos;
use crate::ntlm;
use crate::spnego;
use crate::spnego::mechanism::{InitiatorMechanism, InitiatorMechanismStep};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One exchange, client side.
/// See [MS-NLMP] §3.1.5, [RFC 4178] §3.
///
/// ```text
/// new ─▶ step(None) ─▶ Continue ─▶ step(Some(token)) ─▶ … ─▶ Complete(InitiatorContext)
/// ```
///
/// For HTTP, [`ClientAuth`](crate::http::ClientAuth) does the rest. Protocols that carry the tokens
/// in a way of their own take this; what differs is where the tokens go, and the service's name:
///
/// | protocol | constructor | token | [`TargetName::new`] |
/// |---|---|---|---|
/// | LDAP | [`negotiate`](Self::negotiate) | `credentials` of a SASL bind `GSS-SPNEGO`, `serverSaslCreds` of the answer | `ldap/dc01.corp.example` |
/// | SMTP, IMAP | [`ntlm`](Self::ntlm) | base64 in the lines of `AUTH NTLM` ([MS-SMTPNTLM] §2.2) | `SMTPSVC/mail.corp.example` |
/// | TDS | [`negotiate`](Self::negotiate) | `ibSSPI` of LOGIN7, then SSPI messages ([MS-TDS] §2.2.6) | `MSSQLSvc/sql01.corp.example:1433` |
///
/// Where messages are signed or encrypted afterwards, as over LDAP without TLS, ask for it
/// ([`InitiatorConfig::with_integrity`], [`InitiatorConfig::with_confidentiality`]) and give them
/// to [`InitiatorContext::wrap`]; the lengths that stand between messages are the protocol's.
///
/// ```
/// use logon::{ChannelBindings, Credential, Initiator, InitiatorConfig, InitiatorStep, TargetName};
/// use std::sync::Arc;
///
/// /// `bind` sends a token and gives the server's, empty with its consent.
/// fn log_on(
///     mut bind: impl FnMut(&[u8]) -> std::io::Result<Vec<u8>>,
/// ) -> Result<logon::InitiatorContext, Box<dyn std::error::Error>> {
///     let credential = Credential::password(r"CORP\alice", "S3cret!pw");
///     let config = InitiatorConfig::with_os(credential).with_confidentiality(true);
///     let target = TargetName::new("ldap/dc01.corp.example");
///     let mut initiator = Initiator::negotiate(Arc::new(config), target, ChannelBindings::none());
///     let mut received = None;
///     loop {
///         let mut token = Vec::new();
///         match initiator.step(received.as_deref(), &mut token)? {
///             InitiatorStep::Continue(next) => initiator = next,
///             InitiatorStep::Complete(context) => {
///                 if !token.is_empty() {
///                     bind(&token)?;
///                 }
///                 return Ok(context);
///             }
///             _ => return Err("a step of a later version".into()),
///         }
///         received = Some(bind(&token)?).filter(|token| !token.is_empty());
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Initiator(State);

#[derive(Debug)]
enum State {
    Bare(mechanisms::Initiator),
    Spnego(spnego::Initiator<mechanisms::Initiator>),
}

/// What a token led to.
/// See [RFC 4178] §3.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "`out` has to be sent"]
pub enum InitiatorStep {
    /// Send `out`, then step again with the answer.
    Continue(Initiator),
    /// Send `out` if it is not empty; the exchange needs nothing more from the server.
    Complete(InitiatorContext),
}

impl Initiator {
    /// An exchange of bare NTLM messages: HTTP's `NTLM` scheme.
    #[must_use]
    pub fn ntlm(
        config: Arc<InitiatorConfig>,
        target: TargetName,
        bindings: ChannelBindings,
    ) -> Self {
        let ntlm = ntlm::Initiator::new(config, target, bindings);
        Self(State::Bare(mechanisms::Initiator::Ntlm(ntlm)))
    }

    /// An exchange of SPNEGO tokens with NTLM within: HTTP's `Negotiate` scheme.
    #[must_use]
    pub fn negotiate(
        config: Arc<InitiatorConfig>,
        target: TargetName,
        bindings: ChannelBindings,
    ) -> Self {
        let ntlm = ntlm::Initiator::new(config, target, bindings);
        let mechanisms = Vec::from([mechanisms::Initiator::Ntlm(ntlm)]);
        Self(State::Spnego(spnego::Initiator::new(mechanisms)))
    }

    /// An exchange of SPNEGO tokens with Kerberos within, by a ticket of the service, and with NTLM
    /// where there are credentials for it and the server wants that.
    #[cfg(feature = "kerberos")]
    #[must_use]
    pub fn negotiate_kerberos(
        ticket: Arc<kerberos::InitiatorConfig>,
        ntlm: Option<(Arc<InitiatorConfig>, TargetName)>,
        bindings: ChannelBindings,
    ) -> Self {
        let kerberos = kerberos::Initiator::new(ticket, bindings.clone());
        let mut mechanisms = Vec::from([mechanisms::Initiator::Kerberos(kerberos)]);
        mechanisms.extend(ntlm.map(|(config, target)| {
            mechanisms::Initiator::Ntlm(ntlm::Initiator::new(config, target, bindings))
        }));
        Self(State::Spnego(spnego::Initiator::new(mechanisms)))
    }

    /// An exchange of bare Kerberos tokens, by a ticket of the service ([RFC 4121]).
    #[cfg(feature = "kerberos")]
    #[must_use]
    pub fn kerberos(ticket: Arc<kerberos::InitiatorConfig>, bindings: ChannelBindings) -> Self {
        let kerberos = kerberos::Initiator::new(ticket, bindings);
        Self(State::Bare(mechanisms::Initiator::Kerberos(kerberos)))
    }

    /// Takes the server's token: `None` at the start, and at the end when the server reports
    /// success without a token. What has to be sent is appended to `out`.
    ///
    /// # Errors
    /// Whatever is wrong with the token; see [`Error`] for whose fault that is.
    pub fn step(self, token: Option<&[u8]>, out: &mut Vec<u8>) -> Result<InitiatorStep, Error> {
        let next = match self.0 {
            State::Bare(mechanism) => match mechanism.step(token, out)? {
                InitiatorMechanismStep::Continue(next) => State::Bare(next),
                InitiatorMechanismStep::Complete(session) => {
                    let context = InitiatorContext::new(session.mechanism(false), session);
                    return Ok(InitiatorStep::Complete(context));
                }
            },
            State::Spnego(spnego) => match spnego.step(token, out)? {
                spnego::Output::Continue(next) => State::Spnego(next),
                spnego::Output::Complete(session) => {
                    let context = InitiatorContext::new(session.mechanism(true), session);
                    return Ok(InitiatorStep::Complete(context));
                }
            },
        };
        Ok(InitiatorStep::Continue(Self(next)))
    }

    /// What will have authenticated this side, once that is known: a negotiation does not know
    /// before the server has selected.
    #[must_use]
    pub fn mechanism(&self) -> Option<Mechanism> {
        match &self.0 {
            State::Bare(mechanisms::Initiator::Ntlm(_)) => Some(Mechanism::Ntlm),
            #[cfg(feature = "kerberos")]
            State::Bare(mechanisms::Initiator::Kerberos(_)) => Some(Mechanism::Kerberos),
            State::Spnego(spnego) => spnego.established().map(|session| session.mechanism(true)),
        }
    }

    /// Whether this side has sent all that it has to send, and only the server's consent is
    /// awaited. Where Kerberos was begun with, the server may want more all the same: it may have
    /// no key and select another mechanism.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match &self.0 {
            State::Bare(mechanism) => mechanism.is_final(),
            State::Spnego(spnego) => spnego.is_final(),
        }
    }
}

impl InitiatorConfig {
    /// Asks for attributes as callers of `InitializeSecurityContext` do with `ISC_REQ_*`
    /// ([MS-NLMP] §3.1.1.2), all of them at once: what is absent is no longer demanded.
    ///
    /// | attribute | what it means here |
    /// |---|---|
    /// | `INTEGRITY` | [`with_integrity`](Self::with_integrity): a server that cannot is refused |
    /// | `CONFIDENTIALITY` | [`with_confidentiality`](Self::with_confidentiality), the same |
    /// | `REPLAY_DETECT`, `SEQUENCE_DETECT` | `NTLMSSP_NEGOTIATE_SIGN`, which is asked for in any case; [`InitiatorContext::attributes`] says whether the server agreed |
    /// | `MUTUAL_AUTH` | nothing: NTLM does not prove the server. [`with_mutual_auth`](crate::http::ClientConfig::with_mutual_auth) refuses to log on without |
    ///
    /// By default nothing is demanded, which is what Windows asks of `NTLM`. For `Negotiate` it
    /// asks for `MUTUAL_AUTH | SEQUENCE_DETECT`; where that ends in NTLM it gets the second and
    /// goes on without the first, as this does.
    #[must_use]
    pub fn with_attributes(self, attributes: ContextAttributes) -> Self {
        self.with_integrity(attributes.contains(ContextAttributes::INTEGRITY))
            .with_confidentiality(attributes.contains(ContextAttributes::CONFIDENTIALITY))
    }
}
