//! What a logon costs, beside its floor: the hash calls that cannot be left out, straight on the
//! libraries. `cargo bench`

#[path = "../tests/support/fixed.rs"]
mod fixed;

use divan::{AllocProfiler, Bencher, black_box};
use fixed::{Clock, PASSWORD, Users};
use hmac::{Hmac, KeyInit, Mac};
use logon::wire::ntlm::{Authenticate, Challenge, NtlmV2Response};
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, Account, Answer, ChannelBindings, CredentialStore,
    Initiator, InitiatorStep, LogonRequest, NtHash,
};
use md5::Md5;
use std::sync::Arc;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const ALICE: &str = r"CORP\alice";

fn config() -> Arc<AcceptorConfig> {
    Arc::new(fixed::acceptor_config(&Clock::at(1_800_000_000)))
}

fn answer() -> Answer {
    Users.lookup(Account::new("CORP", "alice")).unwrap()
}

fn first(initiator: Initiator) -> (Initiator, Vec<u8>) {
    let mut token = Vec::new();
    let InitiatorStep::Continue(initiator) = initiator.step(None, &mut token).unwrap() else {
        panic!("one leg is not enough")
    };
    (initiator, token)
}

fn accept(acceptor: Acceptor, token: &[u8], out: &mut Vec<u8>) -> Acceptor {
    match acceptor.step(token, out) {
        Ok(AcceptorStep::Continue(next)) => next,
        other => panic!("{other:?}"),
    }
}

fn pending(acceptor: Acceptor, token: &[u8]) -> LogonRequest {
    match acceptor.step(token, &mut Vec::new()) {
        Ok(AcceptorStep::NeedLogon(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// The three messages of a logon with MIC and key exchange.
struct Messages {
    negotiate: Vec<u8>,
    challenge: Vec<u8>,
    authenticate: Vec<u8>,
}

fn messages(config: &Arc<AcceptorConfig>) -> (Acceptor, Messages) {
    let (initiator, negotiate) = first(fixed::ntlm(ALICE, PASSWORD));
    let acceptor = Acceptor::new(Arc::clone(config), ChannelBindings::none());
    let mut challenge = Vec::new();
    let acceptor = accept(acceptor, &negotiate, &mut challenge);
    let mut authenticate = Vec::new();
    let _ = initiator.step(Some(&challenge), &mut authenticate).unwrap();
    (acceptor, Messages { negotiate, challenge, authenticate })
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// `NTOWFv2` and proof for the domain as sent and for none, base key, MIC, key exchange.
#[divan::bench]
fn floor_verify(bencher: Bencher<'_, '_>) {
    use rc4::{Rc4, StreamCipher};
    let (_, messages) = messages(&config());
    let Messages { negotiate, challenge, authenticate } = &messages;
    let hash = NtHash::of_password(PASSWORD);
    let user: Vec<u8> = "ALICE".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let domain: Vec<u8> = "CORP".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let server_challenge = Challenge::decode(challenge).unwrap().server_challenge;
    let temp = Authenticate::decode(authenticate).unwrap().nt_response[16..].to_vec();
    bencher.bench_local(|| {
        let mut key = [0; 16];
        let mut proof = [0; 16];
        for domain in [&domain[..], &[]] {
            key = hmac(hash.expose(), &[&user, domain]);
            proof = hmac(&key, &[&server_challenge, &temp]);
        }
        let base = hmac(&key, &[&proof]);
        let mut exported = proof;
        Rc4::new_from_slice(&base).unwrap().apply_keystream(&mut exported);
        black_box(hmac(&exported, &[negotiate, challenge, authenticate]))
    });
}

#[divan::bench]
fn verify(bencher: Bencher<'_, '_>) {
    let config = config();
    let input = || {
        let (acceptor, messages) = messages(&config);
        (pending(acceptor, &messages.authenticate), answer())
    };
    bencher.with_inputs(input).bench_local_values(|(request, answer)| {
        request.resolve(Ok(answer), &mut Vec::new()).unwrap()
    });
}

#[divan::bench]
fn decode_authenticate(bencher: Bencher<'_, '_>) {
    let (_, messages) = messages(&config());
    bencher.bench_local(|| {
        let message = Authenticate::decode(black_box(&messages.authenticate)).unwrap();
        NtlmV2Response::decode(message.nt_response).unwrap().timestamp
    });
}

/// The acceptor's share of both legs.
#[divan::bench]
fn server_handshake_ntlm(bencher: Bencher<'_, '_>) {
    let config = config();
    // The challenge is drawn anew for each run; a response to another costs the same.
    let (_, messages) = messages(&config);
    bencher.with_inputs(answer).bench_local_values(|answer| {
        let acceptor = Acceptor::new(Arc::clone(&config), ChannelBindings::none());
        let mut out = Vec::new();
        let acceptor = accept(acceptor, &messages.negotiate, &mut out);
        pending(acceptor, &messages.authenticate).resolve(Ok(answer), &mut out).is_ok()
    });
}

#[divan::bench]
fn server_handshake_spnego(bencher: Bencher<'_, '_>) {
    let config = config();
    let (initiator, init) = first(fixed::negotiate(ALICE, PASSWORD));
    let acceptor = Acceptor::new(Arc::clone(&config), ChannelBindings::none());
    let mut challenge = Vec::new();
    accept(acceptor, &init, &mut challenge);
    let mut resp = Vec::new();
    let _ = initiator.step(Some(&challenge), &mut resp).unwrap();
    bencher.with_inputs(answer).bench_local_values(|answer| {
        let acceptor = Acceptor::new(Arc::clone(&config), ChannelBindings::none());
        let mut out = Vec::new();
        let acceptor = accept(acceptor, &init, &mut out);
        pending(acceptor, &resp).resolve(Ok(answer), &mut out).is_ok()
    });
}

#[divan::bench]
fn client_authenticate(bencher: Bencher<'_, '_>) {
    let (_, messages) = messages(&config());
    let input = || first(fixed::ntlm(ALICE, PASSWORD)).0;
    bencher.with_inputs(input).bench_local_values(|initiator| {
        let mut out = Vec::new();
        let _ = initiator.step(Some(&messages.challenge), &mut out).unwrap();
        out
    });
}
