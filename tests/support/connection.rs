//! One HTTP connection, and what a client on it sees.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

use crate::fixed::{self, Clock, PASSWORD, Users};
use logon::http::{
    ConnectionAuth, ConnectionConfig, Decision, Forward, Question, RequestHead, Response, Scheme,
    Scope, format_token, parse_token,
};
use logon::{AcceptorConfig, Account, ChannelBindings, Error, Initiator, InitiatorStep, Refusal};
use std::sync::Arc;

pub(crate) const ALICE: &str = r"CORP\alice";

/// A connection, and what a client on it sees.
pub(crate) struct Connection {
    pub(crate) auth: ConnectionAuth,
    pub(crate) scope: Arc<Scope>,
    pub(crate) clock: Arc<Clock>,
}

impl Connection {
    pub(crate) fn new() -> Self {
        Self::with_config(ConnectionConfig::new)
    }

    pub(crate) fn with_config(
        config: impl FnOnce(Arc<AcceptorConfig>) -> ConnectionConfig,
    ) -> Self {
        let clock = Clock::at(1_800_000_000);
        let config = config(Arc::new(fixed::acceptor_config(&clock)));
        let auth = ConnectionAuth::new(Arc::new(config), ChannelBindings::none());
        Self { auth, scope: Arc::new(Scope::required(&Scheme::INTEGRATED)), clock }
    }

    pub(crate) fn offering(mut self, offer: &[Scheme]) -> Self {
        self.scope = Arc::new(Scope::required(offer));
        self
    }

    pub(crate) fn lines(&mut self, credentials: &[&[u8]]) -> Decision {
        let head = head(&self.scope, credentials);
        let standing = self.auth.standing(&self.scope, head.carrier);
        let standing = standing
            .filter(|_| head.credentials.is_empty())
            .map(|seen| seen.identity().unwrap().to_string());
        let decision = self.auth.decide(head, &Users);
        if standing.is_some() {
            let Decision::Forward(forward) = &decision else { panic!("{decision:?}") };
            assert_eq!(forward.authentication.identity().map(ToString::to_string), standing);
            assert!(!forward.authentication.is_fresh() && forward.fields.is_empty());
        }
        decision
    }

    pub(crate) fn send(&mut self, credentials: &str) -> Decision {
        self.lines(&[credentials.as_bytes()])
    }

    pub(crate) fn plain(&mut self) -> Decision {
        self.lines(&[])
    }

    /// Sends the legs of a handshake and gives the answer to the last.
    pub(crate) fn log_on(&mut self, scheme: Scheme, initiator: Initiator) -> Decision {
        let (initiator, token) = first(initiator);
        let challenge = challenge(self.send(&format_token(scheme, &token)), scheme);
        let mut token = Vec::new();
        let _ = initiator.step(Some(&challenge), &mut token).unwrap();
        self.send(&format_token(scheme, &token))
    }

    /// A logon by `Negotiate` as a proxy asks for it.
    pub(crate) fn log_on_again(&mut self) -> Forward {
        let (initiator, token) = first(fixed::negotiate(ALICE, PASSWORD));
        let response = respond(self.send(&format_token(Scheme::Negotiate, &token)));
        let sent = parse_token(Scheme::Negotiate, response.challenges[0].as_bytes());
        let token = second(initiator, &sent.unwrap().unwrap());
        forward(self.send(&format_token(Scheme::Negotiate, &token)))
    }

    pub(crate) fn log_on_as_alice(&mut self) {
        let decision = self.log_on(Scheme::Ntlm, fixed::ntlm(ALICE, PASSWORD));
        assert_eq!(user(decision).unwrap(), ALICE);
    }
}

pub(crate) fn first(initiator: Initiator) -> (Initiator, Vec<u8>) {
    let mut token = Vec::new();
    match initiator.step(None, &mut token).unwrap() {
        InitiatorStep::Continue(next) => (next, token),
        _ => panic!("complete after one leg"),
    }
}

pub(crate) fn second(initiator: Initiator, challenge: &[u8]) -> Vec<u8> {
    let mut token = Vec::new();
    let _ = initiator.step(Some(challenge), &mut token).unwrap();
    token
}

pub(crate) fn respond(decision: Decision) -> Response {
    match decision {
        Decision::Respond(response) => response,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn forward(decision: Decision) -> Forward {
    match decision {
        Decision::Forward(forward) => forward,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn user(decision: Decision) -> Option<String> {
    forward(decision).authentication.identity().map(ToString::to_string)
}

pub(crate) fn challenge(decision: Decision, scheme: Scheme) -> Vec<u8> {
    let response = respond(decision);
    assert_eq!(response.status.code(), 401);
    assert!(!response.close, "a connection that is closed here breaks NTLM");
    let [value] = response.challenges.as_slice() else { panic!("{:?}", response.challenges) };
    parse_token(scheme, value.as_bytes()).unwrap().unwrap()
}

pub(crate) fn refusal(response: &Response) -> Option<Refusal> {
    match &response.reason {
        Some(Error::Denied(denial)) => Some(denial.refusal()),
        _ => None,
    }
}

pub(crate) fn assert_bare_challenges(response: &Response) {
    assert_eq!(response.status.code(), 401);
    assert_eq!(response.challenges, ["Negotiate", "NTLM"]);
}

/// A plain `GET /` with these credentials.
pub(crate) fn head<'a>(scope: &'a Arc<Scope>, credentials: &'a [&'a [u8]]) -> RequestHead<'a> {
    let mut head = RequestHead::new("GET", "/", scope);
    head.credentials = credentials;
    head
}

/// The account that the store is to be asked for.
pub(crate) fn pending_account(auth: &ConnectionAuth) -> Account<'_> {
    match auth.pending() {
        Some(Question::Account(account)) => account,
        other => panic!("{other:?}"),
    }
}

/// A field for the application's response.
pub(crate) fn field<'a>(forward: &'a Forward, name: &str) -> Option<&'a str> {
    let found = forward.fields.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.as_str())
}
