//! Why reqwest cannot log on by connection, and what its users do instead: `docs/reqwest.md`.

mod support;

use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use logon::http::{ClientAuth, ClientConfig, ClientStep, Credentials, Scheme, Scope, Side};
use logon::{ChannelBindings, Credential, InitiatorConfig, TargetName};
use logon_client::Body;
use std::sync::Arc;
use std::time::Duration;
use support::{PASSWORD, Site, Spec, builder, login};
use tower::ServiceExt;

/// Names whoever has logged on; `/slow` takes its time. Nobody has to.
async fn start() -> Site {
    let slow = axum::routing::get(|| async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        "slow"
    });
    let scope = Some(Scope::optional(&[Scheme::Ntlm]));
    Site::with(Spec { scope, ..Spec::default() }, axum::Router::new().route("/slow", slow)).await
}

async fn send(
    client: &reqwest::Client,
    url: &str,
    credentials: Option<Credentials>,
) -> reqwest::Response {
    let mut request = client.get(url);
    if let Some(credentials) = credentials {
        request = request.header(AUTHORIZATION, credentials.value.as_str());
    }
    request.send().await.unwrap()
}

/// Alice's logon, a field at a time.
struct Handmade(ClientAuth);

impl Handmade {
    fn begin() -> (Self, Credentials) {
        let credential = Credential::password(r"CORP\alice", PASSWORD);
        let config = ClientConfig::new(Arc::new(InitiatorConfig::with_os(credential)));
        let target = TargetName::http("localhost");
        let none = ChannelBindings::none();
        let mut auth = ClientAuth::new(Arc::new(config), Side::Origin, target, none);
        let first = auth.initial(Scheme::Ntlm).unwrap();
        (Self(auth), first)
    }

    fn prove(&mut self, response: &reqwest::Response) -> Credentials {
        let challenges = response.headers().get_all(WWW_AUTHENTICATE);
        match self.0.advance(challenges.iter().map(HeaderValue::as_bytes)).unwrap() {
            ClientStep::Send(credentials) => credentials,
            step => panic!("{step:?}"),
        }
    }
}

// H-13
#[tokio::test]
async fn the_legs_of_a_logon_go_over_whichever_connection_is_free() {
    let site = start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut alice, first) = Handmade::begin();
    let challenge = send(&client, &site.url("/"), Some(first)).await;
    let proof = alice.prove(&challenge);
    challenge.bytes().await.unwrap();
    // Somebody else is quicker.
    let (other, url) = (client.clone(), site.url("/slow"));
    let other = tokio::spawn(async move { send(&other, &url, None).await });
    while site.seen.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = send(&client, &site.url("/"), Some(proof)).await;
    assert_eq!(answer.status().as_u16(), 401);
    other.await.unwrap();
    let seen = site.take();
    assert_eq!(seen[1].connection, seen[0].connection, "the other request, between the legs");
    assert_ne!(seen[2].connection, seen[0].connection, "the second leg, without its challenge");
}

// H-14
#[tokio::test]
async fn a_connection_that_somebody_has_logged_on_goes_back_to_all() {
    let site = start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut alice, first) = Handmade::begin();
    let challenge = send(&client, &site.url("/"), Some(first)).await;
    let proof = alice.prove(&challenge);
    challenge.bytes().await.unwrap();
    let own = send(&client, &site.url("/"), Some(proof)).await.text().await.unwrap();
    assert!(own.starts_with(r"CORP\alice|"), "{own}");
    // Of a user who has no credentials.
    let other = send(&client, &site.url("/"), None).await.text().await.unwrap();
    assert!(other.starts_with(r"CORP\alice|"), "{other}");
}

#[tokio::test]
async fn a_request_of_reqwest_goes_through_the_client_as_it_is() {
    let site = Site::start(Spec::default()).await;
    let client = builder().login(login("alice")).build();
    let request = reqwest::Client::new().post(site.url("/")).body("four").build().unwrap();
    let request = http::Request::<reqwest::Body>::try_from(request).unwrap().map(|body| {
        // Bytes can be sent again; a stream waits until somebody is logged on.
        let bytes = body.as_bytes().map(<[u8]>::to_vec);
        bytes.map_or_else(|| Body::once(body), Body::from)
    });
    let response = client.oneshot(request).await.unwrap();
    let response = reqwest::Response::from(response.map(reqwest::Body::wrap));
    let text = response.text().await.unwrap();
    assert!(text.starts_with(r"CORP\alice|") && text.ends_with("|4"), "{text}");
}
