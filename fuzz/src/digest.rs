//! The credentials of `Digest`.

use crate::exchange::assert_peer_is_to_blame;
use crate::input::Input;
use crate::world;
use logon::http::{ConnectionAuth, ConnectionConfig, Decision, RequestHead, Scheme, Scope, Status};
use logon::{
    Account, AccountName, Answer, CredentialStore, DigestAccount, DigestAlgorithm, DigestAnswer,
    Ha1, StoreError,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

const TARGET: &str = "/a?b=c";
const BODY: &[u8] = b"body";

/// Every account has this password.
#[derive(Debug)]
struct Store(&'static str);

impl CredentialStore for Store {
    fn lookup(&self, _: Account<'_>) -> Result<Answer, StoreError> {
        panic!("not by Digest");
    }

    fn lookup_digest(&self, account: DigestAccount<'_>) -> Result<DigestAnswer, StoreError> {
        let ha1 = Ha1::of_password(account.algorithm, "alice", account.realm, self.0);
        Ok(DigestAnswer::Known { ha1, name: AccountName::new("CORP", "alice") })
    }
}

/// Arbitrary parameters never log anybody on whose password is not known. Those of a client that
/// knows it do, and once only; nor do they twice when they are changed in a way that does not
/// matter.
///
/// The first byte selects the configuration, and which of the two it is: parameters follow, or
/// changes to those of the client.
pub fn digest_credentials(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let mut config = ConnectionConfig::new(world::acceptor(0));
    config.digest = Some(world::digest(choice));
    let mut connection = ConnectionAuth::new(Arc::new(config), world::bindings(0));
    if choice & 0x80 == 0 {
        let value = [b"Digest ", data.get(1..).unwrap_or_default()].concat();
        let decision = request(&mut connection, &[&value], &Store("what nobody knows"));
        assert_refused(&decision);
        return;
    }
    let honest = credentials(&request(&mut connection, &[], &Store("")), choice & 1 == 1);
    let mut value = honest.clone().into_bytes();
    input.tamper(&mut value);
    let mut forwarded = 0;
    for value in [&value[..], honest.as_bytes(), &value, honest.as_bytes()] {
        let decision = request(&mut connection, &[value], &Store("password"));
        match &decision {
            Decision::Forward(forward) => {
                let logon = forward.authentication.logon().expect("nobody passes without a logon");
                assert_eq!(logon.identity().to_string(), "CORP\\alice");
                forwarded += 1;
            }
            decision => assert_refused(decision),
        }
    }
    // The change may not matter, or make it another scheme's credentials.
    assert_eq!(forwarded, 1, "once, whichever of the two was first");
}

fn request(connection: &mut ConnectionAuth, credentials: &[&[u8]], store: &Store) -> Decision {
    let scope = Arc::new(Scope::required(&[Scheme::Digest]));
    let mut head = RequestHead::new("GET", TARGET, &scope);
    head.credentials = credentials;
    head.digest = true;
    head.body = Some(BODY);
    connection.decide(head, store)
}

/// What a client that knows the password answers to the first challenge.
fn credentials(challenged: &Decision, auth_int: bool) -> String {
    let Decision::Respond(response) = challenged else { panic!("{challenged:?}") };
    let (_, rest) = response.challenges[0].split_once("nonce=\"").expect("a nonce");
    let (nonce, _) = rest.split_once('"').expect("a quoted nonce");
    let ha1 = Ha1::of_password(DigestAlgorithm::Sha256, "alice", "logon", "password");
    let (qop, body) = match auth_int {
        true => ("auth-int", format!(":{}", hash(BODY))),
        false => ("auth", String::new()),
    };
    let ha2 = hash(format!("GET:{TARGET}{body}").as_bytes());
    let text = format!("{}:{nonce}:00000001:client:{qop}:{ha2}", ha1.expose());
    let response = hash(text.as_bytes());
    format!(
        "Digest username=\"alice\", realm=\"logon\", nonce=\"{nonce}\", uri=\"{TARGET}\", \
         response=\"{response}\", algorithm=SHA-256, cnonce=\"client\", qop={qop}, nc=00000001"
    )
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn assert_refused(decision: &Decision) {
    let Decision::Respond(response) = decision else { panic!("not refused: {decision:?}") };
    if let Some(error) = &response.reason {
        assert_peer_is_to_blame(error);
    }
    match response.status {
        Status::Challenge(_) => assert!(!response.challenges.is_empty(), "401 without a challenge"),
        Status::BadRequest | Status::HeaderTooLarge => assert!(response.challenges.is_empty()),
        status => panic!("{status:?} for a fault of the client"),
    }
    for challenge in &response.challenges {
        assert!(challenge.starts_with("Digest realm=\"logon\", nonce=\""), "{challenge}");
    }
}
