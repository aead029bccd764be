//! Sequences of tokens, into both sides. Whatever comes: no logon without the password.

use crate::input::Input;
use crate::world::{self, OF_CLIENTS, OF_SERVERS};
use logon::http::{
    ConnectionAuth, ConnectionConfig, Decision, RequestHead, Scheme, Scope, format_token,
};
use logon::wire::spnego::{NegState, NegTokenResp};
use logon::{Acceptor, AcceptorStep, Error, Initiator, InitiatorStep, TargetName};
use std::sync::Arc;

/// More tokens than any exchange has.
const MOST_TOKENS: usize = 8;

/// Arbitrary and recorded tokens into an [`Acceptor`] and a [`ConnectionAuth`] whose store knows
/// every account, under a password that no token was made with. It never completes; what it sends
/// is nothing or a token; our own side is never to blame.
///
/// The first byte selects the configuration, tokens follow.
pub fn acceptor_tokens(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let mut tokens = Vec::new();
    while !input.is_empty() && tokens.len() < MOST_TOKENS {
        tokens.push(input.token(&OF_CLIENTS));
    }
    into_acceptor(choice, &tokens);
    into_connection(choice, &tokens);
}

fn into_acceptor(choice: u8, tokens: &[Vec<u8>]) {
    let mut acceptor = Acceptor::new(world::acceptor(choice), world::bindings(choice));
    for token in tokens {
        let mut out = Vec::new();
        let step = acceptor.step(token, &mut out);
        world::assert_acceptor_output(&out);
        match step {
            Ok(AcceptorStep::Continue(next)) => {
                assert!(!out.is_empty(), "nothing to send, and yet it goes on");
                acceptor = next;
            }
            Ok(AcceptorStep::NeedLogon(request)) => {
                let step = request.resolve(Ok(world::known()), &mut out);
                world::assert_acceptor_output(&out);
                let error = step.expect_err("nobody logs on without the password");
                return assert_peer_is_to_blame(&error);
            }
            Ok(_) => panic!("complete without asking the store"),
            Err(error) => return assert_peer_is_to_blame(&error),
        }
    }
}

fn into_connection(choice: u8, tokens: &[Vec<u8>]) {
    let config = ConnectionConfig::new(world::acceptor(choice));
    let config = if choice & 0x80 == 0 { config } else { config.as_proxy() };
    let mut connection = ConnectionAuth::new(Arc::new(config), world::bindings(choice));
    let scope = Arc::new(Scope::required(&Scheme::INTEGRATED));
    for token in tokens {
        // As clients do: the scheme follows from the token, except when it is a bare one.
        let bare = token.starts_with(b"NTLMSSP") && choice & 0x40 == 0;
        let scheme = if bare { Scheme::Ntlm } else { Scheme::Negotiate };
        let value = format_token(scheme, token);
        let credentials: &[&[u8]] = &[value.as_bytes()];
        let mut head = RequestHead::new("GET", "/", &scope);
        head.credentials = credentials;
        let decision = match connection.request(head) {
            Decision::NeedLogon => {
                assert!(connection.pending().is_some());
                connection.resume(Ok(world::known()))
            }
            decision => decision,
        };
        crate::http::assert_answer(&decision, scope.schemes());
        assert!(connection.logon().is_none(), "nobody logs on without the password");
    }
}

pub(crate) fn assert_peer_is_to_blame(error: &Error) {
    let ours = matches!(error, Error::Store(_) | Error::RandomFailed | Error::ApiMisuse(_));
    assert!(!ours, "the peer makes us fail: {error:?}");
}

/// Arbitrary and recorded tokens into an [`Initiator`]. What it sends is nothing or a token with
/// an NTLMv2 response, never the hash; and SPNEGO ends only with the server's consent.
///
/// The first byte selects the configuration, tokens follow; before each of them stands a byte, 1
/// for no token at all.
pub fn initiator_tokens(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let (config, bindings) = (world::initiator(choice), world::bindings(choice));
    let target = TargetName::http("web01.corp.example");
    let spnego = choice & 1 == 1;
    let mut initiator = if spnego {
        Initiator::negotiate(config, target, bindings)
    } else {
        Initiator::ntlm(config, target, bindings)
    };
    // The start has to be called with nothing; once in a while it is not.
    let mut token = (choice & 2 == 2).then(|| input.token(&OF_SERVERS));
    let mut had_challenge = false;
    for _ in 0..MOST_TOKENS {
        let mut out = Vec::new();
        let step = initiator.step(token.as_deref(), &mut out);
        world::assert_initiator_output(&out);
        match step {
            Ok(InitiatorStep::Continue(next)) => {
                assert!(!out.is_empty(), "nothing to send, and yet it goes on");
                initiator = next;
            }
            Ok(InitiatorStep::Complete(_)) => {
                assert!(had_challenge, "complete without a challenge");
                assert!(!spnego || consents(token.as_deref()), "the server has not agreed");
                return;
            }
            Ok(_) => panic!("a step that nobody knows"),
            Err(error) => return assert_peer_is_to_blame(&error),
        }
        if input.is_empty() {
            return;
        }
        token = (input.byte() != 1).then(|| input.token(&OF_SERVERS));
        had_challenge |= token.is_some();
    }
}

/// Success is said by the HTTP status alone, or by a `NegTokenResp` that is no refusal.
fn consents(token: Option<&[u8]>) -> bool {
    let Some(token) = token else { return true };
    let resp = NegTokenResp::decode(token).expect("the exchange completed on it");
    match resp.neg_state {
        Some(state) => state == NegState::AcceptCompleted,
        None => resp.mech_list_mic.is_some(),
    }
}

/// A client that knows the password, with somebody in the middle who changes bits of the three
/// messages: without a change it completes, with any change it does not, for the MIC covers every
/// bit of them.
///
/// The first byte selects the configuration; changes to NEGOTIATE, CHALLENGE and AUTHENTICATE
/// follow.
pub fn tampered_logon(data: &[u8]) {
    let mut input = Input::new(data);
    // Some choices demand what this client does not send (bindings without TLS).
    let choice = input.byte() & !0x0c;
    let target = TargetName::http("web01.corp.example");
    let client = Initiator::ntlm(world::initiator(choice), target, world::bindings(choice));
    let server = Acceptor::new(world::acceptor(choice), world::bindings(choice));
    let mut tampered = false;

    let mut negotiate = Vec::new();
    let step = client.step(None, &mut negotiate);
    let Ok(InitiatorStep::Continue(client)) = step else { panic!("the start failed: {step:?}") };
    tampered |= change(&mut input, &mut negotiate);

    let mut challenge = Vec::new();
    let Ok(AcceptorStep::Continue(server)) = server.step(&negotiate, &mut challenge) else {
        return assert!(tampered, "an honest NEGOTIATE was refused");
    };
    tampered |= change(&mut input, &mut challenge);

    let mut authenticate = Vec::new();
    let Ok(InitiatorStep::Complete(_)) = client.step(Some(&challenge), &mut authenticate) else {
        return assert!(tampered, "an honest CHALLENGE was refused");
    };
    world::assert_initiator_output(&authenticate);
    tampered |= change(&mut input, &mut authenticate);

    let mut out = Vec::new();
    let step = match server.step(&authenticate, &mut out) {
        Ok(AcceptorStep::NeedLogon(request)) => request.resolve(Ok(world::known()), &mut out),
        step => step,
    };
    match step {
        Ok(AcceptorStep::Complete(_)) => assert!(!tampered, "a changed message was accepted"),
        Ok(_) => panic!("the exchange does not end"),
        Err(error) => {
            assert!(tampered, "an honest logon was refused: {error}");
            assert_peer_is_to_blame(&error);
        }
    }
}

fn change(input: &mut Input<'_>, message: &mut [u8]) -> bool {
    let before = message.to_vec();
    input.tamper(message);
    before != message
}
