//! The client's side.

use super::context::{InitiatorContext, Mechanism};
use crate::binding::ChannelBindings;
use crate::config::InitiatorConfig;
use crate::error::Error;
use crate::identity::TargetName;
use crate::ntlm;
use crate::spnego;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One exchange, client side.
/// See [MS-NLMP] §3.1.5, [RFC 4178] §3.
///
/// ```text
/// new ─▶ step(None) ─▶ Continue ─▶ step(Some(token)) ─▶ … ─▶ Complete(InitiatorContext)
/// ```
#[derive(Debug)]
pub struct Initiator(State);

#[derive(Debug)]
enum State {
    Ntlm(ntlm::Initiator),
    Spnego(spnego::Initiator<ntlm::Initiator>),
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
        Self(State::Ntlm(ntlm::Initiator::new(config, target, bindings)))
    }

    /// An exchange of SPNEGO tokens with NTLM within: HTTP's `Negotiate` scheme.
    #[must_use]
    pub fn negotiate(
        config: Arc<InitiatorConfig>,
        target: TargetName,
        bindings: ChannelBindings,
    ) -> Self {
        let ntlm = ntlm::Initiator::new(config, target, bindings);
        Self(State::Spnego(spnego::Initiator::new(ntlm)))
    }

    /// Takes the server's token: `None` at the start, and at the end when the server reports
    /// success without a token. What has to be sent is appended to `out`.
    ///
    /// # Errors
    /// Whatever is wrong with the token; see [`Error`] for whose fault that is.
    pub fn step(self, token: Option<&[u8]>, out: &mut Vec<u8>) -> Result<InitiatorStep, Error> {
        let next = match self.0 {
            State::Ntlm(ntlm) => match ntlm.step(token, out)? {
                ntlm::InitiatorOutput::Continue(next) => State::Ntlm(next),
                ntlm::InitiatorOutput::Complete(session) => {
                    let context = InitiatorContext::new(Mechanism::Ntlm, session);
                    return Ok(InitiatorStep::Complete(context));
                }
            },
            State::Spnego(spnego) => match spnego.step(token, out)? {
                spnego::Output::Continue(next) => State::Spnego(next),
                spnego::Output::Complete(session) => {
                    let context = InitiatorContext::new(Mechanism::SpnegoNtlm, session);
                    return Ok(InitiatorStep::Complete(context));
                }
            },
        };
        Ok(InitiatorStep::Continue(Self(next)))
    }
}
