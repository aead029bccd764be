//! What a client is offered, and what of it would be looked at.

use super::connection::Resource;
use super::{Carrier, ConnectionAuth, Explanation, Response, Scheme, Scope, Status};
use crate::error::Error;
use alloc::string::String;
use alloc::vec::Vec;

/// Whether the client is told that its password was right and its nonce was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stale {
    Yes,
    No,
}

impl ConnectionAuth {
    /// The bare challenge: a line for each scheme that is accepted; `Digest` has one for each of
    /// its algorithms.
    pub(super) fn offer(
        &self,
        resource: Resource<'_>,
        stale: Stale,
        why: &'static Explanation,
    ) -> Response {
        let schemes = resource.scope.schemes();
        let mut challenges = Vec::with_capacity(schemes.len());
        for scheme in schemes.iter().copied() {
            if !self.accepts(scheme, resource) && !self.needs_http_1_1(scheme, resource) {
                continue;
            }
            match self.challenges(scheme, stale) {
                Ok(values) => challenges.extend(values),
                Err(error) => {
                    let explanation = Some(Explanation::of_error(&error));
                    let reason = Some(error);
                    return Response { reason, explanation, ..Response::internal_error() };
                }
            }
        }
        let http_1_1_required = schemes.iter().any(|scheme| self.needs_http_1_1(*scheme, resource));
        let (status, why) = match challenges.as_slice() {
            [] => (Status::Forbidden, Explanation::NO_SCHEME_USABLE),
            _ if http_1_1_required => {
                (Status::Challenge(self.config.side), Explanation::HTTP_1_1_REQUIRED)
            }
            _ => (Status::Challenge(self.config.side), why),
        };
        let explanation = Some(why);
        Response { challenges, http_1_1_required, explanation, ..Response::new(status) }
    }

    fn challenges(&self, scheme: Scheme, stale: Stale) -> Result<Vec<String>, Error> {
        let one = |value| Ok(Vec::from([value]));
        match (scheme, &self.config.digest, &self.config.basic) {
            (Scheme::Digest, Some(digest), _) => {
                let random = &*self.config.acceptor.random;
                digest.challenges(self.now(), random, stale == Stale::Yes)
            }
            (Scheme::Basic, _, Some(basic)) => one(basic.challenge()),
            _ => one(String::from(scheme.name())),
        }
    }

    /// Whether this scheme would do here, if it were not for HTTP/2. `Negotiate` may come to NTLM
    /// wherever that is taken; a ticket alone needs no connection.
    pub(super) fn needs_http_1_1(&self, scheme: Scheme, resource: Resource<'_>) -> bool {
        self.carrier == Carrier::Multiplexed
            && scheme.is_per_connection()
            && self.takes_ntlm(resource.scope)
            && resource.scope.schemes().contains(&scheme)
    }

    /// Whether NTLM is taken, over HTTP/1.1.
    pub(super) fn takes_ntlm(&self, scope: &Scope) -> bool {
        self.config.acceptor.ntlm && scope.ntlm()
    }

    /// Whether credentials of this scheme are looked at.
    pub(super) fn accepts(&self, scheme: Scheme, resource: Resource<'_>) -> bool {
        let usable = match scheme {
            Scheme::Negotiate if self.config.acceptor.has_kerberos() => true,
            Scheme::Negotiate | Scheme::Ntlm => {
                self.carrier != Carrier::Multiplexed && self.takes_ntlm(resource.scope)
            }
            Scheme::Digest => self.config.digest.is_some() && resource.digest,
            Scheme::Basic => {
                let basic = self.config.basic.as_ref();
                basic.is_some_and(|basic| basic.is_usable(resource.secure))
            }
        };
        usable && resource.scope.schemes().contains(&scheme)
    }
}
