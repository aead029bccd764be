//! What a service around the layer learns of requests that were not let in.

mod support;

use http::{Extensions, Response};
use logon::http::{BasicConfig, Explanation, Scheme, Scope, Side, ThrottleConfig};
use logon::{Error, Refusal};
use logon_tower::{Gate, Immediate, LogonLayer, Refused};
use support::{App, PASSWORD, Users, config, connection, get, log_on};
use tower_layer::Layer;

/// Answers with the status that the path names.
fn answers() -> App {
    App(|parts, _| {
        let status = parts.uri.path().trim_start_matches('/').parse::<u16>().unwrap_or(200);
        Response::builder().status(status).body(String::new()).unwrap()
    })
}

fn gate() -> Gate<Immediate<Users>> {
    let mut config = config();
    config.basic = Some(BasicConfig::new("x").unwrap());
    Gate::new(config, Immediate(Users))
}

fn code(extensions: &Extensions) -> Option<&'static str> {
    extensions.get::<Refused>()?.explanation.map(Explanation::code)
}

// BX-5
#[tokio::test]
async fn an_answer_says_to_the_service_around_why_it_is_a_refusal() {
    let service = LogonLayer::of(gate()).layer(answers());
    let connection = connection();
    for (credentials, status, expected) in [
        (None, 401, "LOGON_NO_CREDENTIALS"),
        (Some("Bearer x"), 401, "LOGON_OTHER_SCHEME"),
        (Some("NTLM AAAA"), 401, "LOGON_TOKEN_MALFORMED"),
        (Some("NTLM %%"), 400, "LOGON_FIELD_NOT_BASE64"),
    ] {
        let fields = credentials.map(|value| ("authorization", value));
        let answer = get(&service, &connection, "/", fields.as_slice()).await;
        assert_eq!((answer.status().as_u16(), code(answer.extensions())), (status, Some(expected)));
    }
    let answer = log_on(&service, &connection, Side::Origin, "/", "wrong").await;
    let refused = answer.extensions().get::<Refused>().unwrap();
    assert_eq!((refused.scheme, refused.continues), (Some(Scheme::Negotiate), false));
    let Some(Error::Denied(denial)) = refused.error.as_deref() else { panic!("{refused:?}") };
    assert_eq!(denial.refusal(), Refusal::WrongProof);
    assert_eq!(denial.account().to_string(), r"CORP\alice");
    // It is for this side alone.
    let sent = format!("{:?} {}", answer.headers(), answer.body());
    assert!(!sent.to_lowercase().contains("proof") && !sent.contains("alice"), "{sent}");
}

#[tokio::test]
async fn a_leg_in_the_middle_says_that_the_exchange_goes_on() {
    let service = LogonLayer::of(gate()).layer(answers());
    let negotiate = "NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw==";
    let leg = get(&service, &connection(), "/", &[("authorization", negotiate)]).await;
    let refused = leg.extensions().get::<Refused>().unwrap();
    assert!(refused.continues && refused.error.is_none() && refused.explanation.is_none());
    assert_eq!(refused.scheme, Some(Scheme::Ntlm));
}

#[tokio::test]
async fn who_is_let_in_is_not_refused() {
    let service = LogonLayer::of(gate()).layer(answers());
    let connection = connection();
    let done = log_on(&service, &connection, Side::Origin, "/200", PASSWORD).await;
    assert_eq!(done.status(), 200);
    for path in ["/200", "/500"] {
        let next = get(&service, &connection, path, &[]).await;
        assert!(next.extensions().is_empty() && done.extensions().get::<Refused>().is_none());
    }
    // Nor is an application that nobody logs on to.
    let open = LogonLayer::of(gate()).scope(Scope::off()).layer(answers());
    for fields in [&[][..], &[("via", "1.1 proxy")]] {
        let answer = get(&open, &connection, "/401", fields).await;
        assert_eq!((answer.status().as_u16(), answer.extensions().len()), (401, 0));
    }
}

#[tokio::test]
async fn a_challenge_of_the_application_says_so_unless_a_logon_failed() {
    let scope = Scope::app_challenges(&Scheme::INTEGRATED);
    let service = LogonLayer::of(gate()).scope(scope).layer(answers());
    let answer = get(&service, &connection(), "/401", &[]).await;
    assert_eq!(code(answer.extensions()), Some("LOGON_APPLICATION_ASKS"));
    for path in ["/401", "/200"] {
        let answer = log_on(&service, &connection(), Side::Origin, path, "wrong").await;
        assert_eq!(code(answer.extensions()), Some("LOGON_WRONG_PROOF"), "{path}");
    }
}

#[tokio::test]
async fn guessing_and_schemes_that_cannot_be_offered_are_told_apart() {
    let mut limits = ThrottleConfig::default();
    limits.account_failures = 1;
    let service = LogonLayer::of(gate().throttle(Some(limits))).layer(answers());
    let _ = log_on(&service, &connection(), Side::Origin, "/", "wrong").await;
    let slowed = log_on(&service, &connection(), Side::Origin, "/", PASSWORD).await;
    let expected = (429, Some("LOGON_THROTTLED"));
    assert_eq!((slowed.status().as_u16(), code(slowed.extensions())), expected);
    let basic = LogonLayer::of(gate()).scope(Scope::required(&[Scheme::Basic])).layer(answers());
    let answer = get(&basic, &connection(), "/", &[]).await;
    let expected = (403, Some("LOGON_NO_SCHEME_USABLE"));
    assert_eq!((answer.status().as_u16(), code(answer.extensions())), expected);
}
