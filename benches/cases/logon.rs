//! Logons with MIC, channel bindings and key exchange, with the randomness and the clock of the
//! operating system.

use super::{ACCOUNT, BINDINGS, DOMAIN, HOST, PASSWORD, USER};
use logon::http::{Scheme, format_token, parse_token};
use logon::wire::ntlm::{Authenticate, NtlmV2Response};
use logon::wire::spnego::NegTokenResp;
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, AccountName, Answer, ChannelBindings, Credential,
    Initiator, InitiatorConfig, InitiatorStep, KnownAccount, LogonRequest, NtHash, RandomFailed,
    SecureRandom, ServerNames, SystemClock, TargetName,
};
use std::hint::black_box;
use std::sync::Arc;

/// For comparison with those who leave randomness to their caller.
#[derive(Debug)]
struct NotRandom;

impl SecureRandom for NotRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        out.fill(0x11);
        Ok(())
    }
}

/// How the messages of an exchange travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// As they are.
    Ntlm,
    /// Within SPNEGO, with a `mechListMIC` from either side, as Windows sends it.
    Spnego,
    /// Within SPNEGO, without.
    SpnegoUnsigned,
}

/// Both sides of exchanges.
pub(crate) struct Sides {
    carrier: Carrier,
    server: Arc<AcceptorConfig>,
    client: Arc<InitiatorConfig>,
    target: TargetName,
    bindings: ChannelBindings,
    hash: NtHash,
}

impl Sides {
    fn new(carrier: Carrier) -> Self {
        Self::of(ACCOUNT, carrier)
    }

    fn of(account: &str, carrier: Carrier) -> Self {
        let names =
            ServerNames::new("WEB01", DOMAIN).with_dns("web01.corp.example", "corp.example");
        let credential = Credential::password(account, PASSWORD);
        Self {
            carrier,
            server: Arc::new(AcceptorConfig::with_os(names)),
            client: Arc::new(InitiatorConfig::with_os(credential).with_workstation("PC1")),
            target: TargetName::http(HOST),
            bindings: ChannelBindings::from_application_data(BINDINGS),
            hash: NtHash::of_password(PASSWORD),
        }
    }

    fn acceptor(&self) -> Acceptor {
        Acceptor::new(Arc::clone(&self.server), self.bindings.clone())
    }

    fn answer(&self) -> Answer {
        Answer::Known(KnownAccount::new(self.hash.clone(), AccountName::new(DOMAIN, USER)))
    }

    /// The client's first token, and the client that waits for the server's.
    fn first(&self) -> (Initiator, Vec<u8>) {
        let (config, target) = (Arc::clone(&self.client), self.target.clone());
        let initiator = if self.carrier == Carrier::Ntlm {
            Initiator::ntlm(config, target, self.bindings.clone())
        } else {
            Initiator::negotiate(config, target, self.bindings.clone())
        };
        let mut token = Vec::new();
        match initiator.step(None, &mut token).unwrap() {
            InitiatorStep::Continue(next) => (next, token),
            step => panic!("{step:?}"),
        }
    }

    /// The acceptor behind its first leg, and the client's answer.
    fn second(&self) -> (Acceptor, Vec<u8>) {
        let (initiator, first) = self.first();
        let mut challenge = Vec::new();
        let acceptor = accept(self.acceptor(), &first, &mut challenge);
        let mut token = Vec::new();
        let _ = initiator.step(Some(&challenge), &mut token).unwrap();
        if self.carrier == Carrier::SpnegoUnsigned {
            let signed = std::mem::take(&mut token);
            let resp = NegTokenResp::decode(&signed).unwrap();
            NegTokenResp { mech_list_mic: None, ..resp }.encode(&mut token).unwrap();
        }
        (acceptor, token)
    }
}

fn accept(acceptor: Acceptor, token: &[u8], out: &mut Vec<u8>) -> Acceptor {
    match acceptor.step(token, out) {
        Ok(AcceptorStep::Continue(next)) => next,
        step => panic!("{step:?}"),
    }
}

fn ask(acceptor: Acceptor, token: &[u8], out: &mut Vec<u8>) -> LogonRequest {
    match acceptor.step(token, out) {
        Ok(AcceptorStep::NeedLogon(request)) => request,
        step => panic!("{step:?}"),
    }
}

fn complete(request: LogonRequest, answer: Answer, out: &mut Vec<u8>) {
    match request.resolve(Ok(answer), out) {
        Ok(AcceptorStep::Complete(context)) => drop(black_box(context)),
        step => panic!("{step:?}"),
    }
}

/// The three messages of a logon.
pub(crate) struct Messages {
    pub(crate) negotiate: Vec<u8>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) authenticate: Vec<u8>,
}

impl Messages {
    pub(crate) fn raw() -> Self {
        let sides = Sides::new(Carrier::Ntlm);
        let (initiator, negotiate) = sides.first();
        let (mut challenge, mut authenticate) = (Vec::new(), Vec::new());
        accept(sides.acceptor(), &negotiate, &mut challenge);
        let _ = initiator.step(Some(&challenge), &mut authenticate).unwrap();
        Self { negotiate, challenge, authenticate }
    }
}

/// Decodes an AUTHENTICATE and the NTLMv2 response in it.
pub(crate) fn decode_authenticate() -> (impl FnMut(), impl FnMut(())) {
    let messages = Messages::raw();
    let run = move |()| {
        let message = Authenticate::decode(black_box(&messages.authenticate)).unwrap();
        black_box(NtlmV2Response::decode(message.nt_response).unwrap());
    };
    (|| (), run)
}

/// The question to the store, and its answer.
type Asked = (LogonRequest, Answer);

/// An acceptor behind its first leg, the token that comes next, and what the store will answer.
type Second = (Acceptor, Vec<u8>, Answer);

/// From the decoded AUTHENTICATE and the store's answer to the identity: proof, keys, MIC, echo,
/// bindings, policy.
pub(crate) fn verify() -> (impl FnMut() -> Asked, impl FnMut(Asked)) {
    let sides = Sides::new(Carrier::Ntlm);
    let prepare = move || {
        let (acceptor, token) = sides.second();
        (ask(acceptor, &token, &mut Vec::new()), sides.answer())
    };
    (prepare, |(request, answer)| complete(request, answer, &mut Vec::new()))
}

/// The server's first leg.
pub(crate) fn server_challenge(carrier: Carrier) -> (impl FnMut() -> Vec<u8>, impl FnMut(Vec<u8>)) {
    let sides = Arc::new(Sides::new(carrier));
    let clients = Arc::clone(&sides);
    let run = move |token: Vec<u8>| {
        let mut out = Vec::new();
        drop(black_box(accept(sides.acceptor(), &token, &mut out)));
        black_box(out);
    };
    (move || clients.first().1, run)
}

/// The server's second leg: the token decoded, the store's answer verified.
pub(crate) fn server_verdict(
    account: &'static str,
    carrier: Carrier,
) -> (impl FnMut() -> Second, impl FnMut(Second)) {
    let sides = Sides::of(account, carrier);
    let prepare = move || {
        let (acceptor, token) = sides.second();
        (acceptor, token, sides.answer())
    };
    let run = |(acceptor, token, answer): Second| {
        let mut out = Vec::new();
        complete(ask(acceptor, &token, &mut out), answer, &mut out);
        black_box(out);
    };
    (prepare, run)
}

/// What a server keeps of an exchange between its two legs.
pub(crate) fn pending_exchange(carrier: Carrier) -> impl FnMut() -> Acceptor {
    let sides = Sides::new(carrier);
    let (_, token) = sides.first();
    move || accept(sides.acceptor(), &token, &mut Vec::new())
}

/// A logon from the first token to the identity, both sides.
pub(crate) fn whole_logon(carrier: Carrier) -> impl FnMut() {
    let sides = Sides::new(carrier);
    move || {
        let (acceptor, token) = sides.second();
        let mut out = Vec::new();
        complete(ask(acceptor, &token, &mut out), sides.answer(), &mut out);
    }
}

/// The client's second leg: CHALLENGE in, AUTHENTICATE with MIC and bindings out.
pub(crate) fn client_authenticate() -> (impl FnMut() -> Initiator, impl FnMut(Initiator)) {
    let sides = Sides::new(Carrier::Ntlm);
    let (_, negotiate) = sides.first();
    let mut challenge = Vec::new();
    accept(sides.acceptor(), &negotiate, &mut challenge);
    let run = move |initiator: Initiator| {
        let mut out = Vec::new();
        let _ = initiator.step(Some(&challenge), &mut out).unwrap();
        black_box(out);
    };
    (move || sides.first().0, run)
}

/// The same from the value of `WWW-Authenticate` to the value of `Authorization`, with randomness
/// that costs nothing.
pub(crate) fn client_header() -> (impl FnMut() -> Initiator, impl FnMut(Initiator)) {
    let challenge = format_token(Scheme::Ntlm, &Messages::raw().challenge);
    let mut sides = Sides::new(Carrier::Ntlm);
    let credential = Credential::password(ACCOUNT, PASSWORD);
    let config = InitiatorConfig::new(credential, Arc::new(NotRandom), Arc::new(SystemClock));
    sides.client = Arc::new(config.with_workstation("PC1"));
    let run = move |initiator: Initiator| {
        let token = parse_token(Scheme::Ntlm, challenge.as_bytes()).unwrap().unwrap();
        let mut out = Vec::new();
        let _ = initiator.step(Some(&token), &mut out).unwrap();
        black_box(format_token(Scheme::Ntlm, &out));
    };
    (move || sides.first().0, run)
}
