//! `Digest` with `qop=auth-int`: bodies that are read before the layer looks at credentials.

mod support;

use http::Response;
use http::header::WWW_AUTHENTICATE;
use logon::http::{DigestConfig, Scheme, Scope};
use logon::{DigestAlgorithm, Ha1, digest_user_hash};
use logon_tower::{Authentication, Gate, Immediate, LogonLayer, SignedBodyLayer};
use support::{App, PASSWORD, Users, config, connection, get, send};
use tower_layer::Layer;

const BODY: &str = "colour:blue";
const LIMIT: usize = 64;

fn layer() -> LogonLayer<Immediate<Users>> {
    let mut config = config();
    config.digest = Some(DigestConfig::with_os("x").unwrap().with_auth_int(true));
    let scope = Scope::optional(&[Scheme::Digest]);
    LogonLayer::of(Gate::new(config, Immediate(Users))).scope(scope)
}

fn reports() -> App {
    App(|parts, body| {
        let seen = parts.extensions.get::<Authentication>().unwrap();
        let user = seen.identity().map(ToString::to_string).unwrap_or_default();
        Response::new(format!("{user}|{}", std::str::from_utf8(body).unwrap()))
    })
}

/// The hash of a text with a colon in it.
fn hash(text: &str) -> String {
    let (left, right) = text.split_once(':').unwrap();
    digest_user_hash(DigestAlgorithm::Sha256, left, right)
}

/// Credentials of alice for `POST /` with this body.
fn credentials(challenge: &str, body: &str) -> String {
    let nonce = challenge.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    let ha1 = Ha1::of_password(DigestAlgorithm::Sha256, "alice", "x", PASSWORD);
    let ha2 = hash(&format!("POST:/:{}", hash(body)));
    let response = hash(&format!("{}:{nonce}:00000001:c:auth-int:{ha2}", ha1.expose()));
    format!(
        "Digest username=\"alice\", realm=\"x\", nonce=\"{nonce}\", uri=\"/\", \
         algorithm=SHA-256, qop=auth-int, nc=00000001, cnonce=\"c\", response=\"{response}\""
    )
}

/// A challenge, which an optional logon gives to who tries and fails.
async fn challenge(layer: &LogonLayer<Immediate<Users>>) -> String {
    let service = layer.layer(reports());
    let wrong = (
        "authorization",
        "Digest realm=\"y\", username=\"\", nonce=\"\", uri=\"/\", \
                  response=\"\", qop=auth, nc=00000001, cnonce=\"\"",
    );
    let refused = get(&service, &connection(), "/", &[wrong]).await;
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned();
    assert!(challenge.contains("qop=\"auth, auth-int\""), "{challenge}");
    challenge
}

#[tokio::test]
async fn a_body_that_is_signed_proves_who_it_is_from_and_reaches_the_application_whole() {
    let layer = layer();
    let service = SignedBodyLayer::new(LIMIT).layer(layer.layer(reports()));
    let signed = credentials(&challenge(&layer).await, BODY);
    let fields = [("authorization", signed.as_str())];
    let done = send(&service, &connection(), ("POST", "/"), &fields, BODY).await;
    assert_eq!((done.status().as_u16(), done.body().as_str()), (200, r"CORP\alice|colour:blue"));
}

#[tokio::test]
async fn another_body_than_the_signed_one_is_a_wrong_password() {
    let layer = layer();
    let service = SignedBodyLayer::new(LIMIT).layer(layer.layer(reports()));
    for body in ["colour:red", ""] {
        let signed = credentials(&challenge(&layer).await, BODY);
        let fields = [("authorization", signed.as_str())];
        let refused = send(&service, &connection(), ("POST", "/"), &fields, body).await;
        assert_eq!(refused.status(), 401, "{body}");
    }
}

#[tokio::test]
async fn a_signature_over_a_body_that_nobody_has_read_is_not_taken() {
    let layer = layer();
    let service = layer.layer(reports());
    let signed = credentials(&challenge(&layer).await, BODY);
    let fields = [("authorization", signed.as_str())];
    let refused = send(&service, &connection(), ("POST", "/"), &fields, BODY).await;
    assert_eq!(refused.status(), 401);
}

#[tokio::test]
async fn only_signed_bodies_are_read_and_only_up_to_the_limit() {
    let layer = layer();
    let service = SignedBodyLayer::new(LIMIT).layer(layer.layer(reports()));
    for (length, status) in [(LIMIT, 200), (LIMIT + 1, 413)] {
        let body = format!("a:{}", "b".repeat(length - 2));
        let signed = credentials(&challenge(&layer).await, &body);
        let fields = [("authorization", signed.as_str())];
        let answered = send(&service, &connection(), ("POST", "/"), &fields, &body).await;
        assert_eq!(answered.status(), status, "{length}");
        assert_eq!(answered.headers().contains_key("connection"), status == 413);

        let unsigned = send(&service, &connection(), ("POST", "/"), &[], &body).await;
        assert_eq!(*unsigned.body(), format!("|{body}"));
    }
}
