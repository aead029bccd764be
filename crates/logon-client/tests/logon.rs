//! Logons to servers, and whose a connection is afterwards.

mod support;

use logon::Mechanism;
use logon::http::{ClientError, Scheme, Scope};
use logon_client::{Body, Error, Hosts, Login, Logon, Redirects};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::script::{self, Peer, cut, field};
use support::{Site, Spec, builder, credentials, get, login, tell};

fn spec(schemes: &[Scheme]) -> Spec {
    Spec { schemes: schemes.to_vec(), ..Spec::default() }
}

// WS-1, WS-12, H-26: both packages; the strongest of what is offered, and which it became
#[tokio::test]
async fn it_logs_on_by_what_is_offered() {
    for (schemes, scheme, mechanism) in [
        (&[Scheme::Ntlm][..], Scheme::Ntlm, Mechanism::Ntlm),
        (&[Scheme::Negotiate], Scheme::Negotiate, Mechanism::SpnegoNtlm),
        (
            &[Scheme::Basic, Scheme::Ntlm, Scheme::Negotiate],
            Scheme::Negotiate,
            Mechanism::SpnegoNtlm,
        ),
    ] {
        let site = Site::start(spec(schemes)).await;
        let client = builder().login(login("alice")).build();
        let told = get(&client, &site.url("/")).await;
        assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
        let logon = Logon::LoggedOn { scheme, mechanism: Some(mechanism) };
        assert_eq!(told.outcome.origin, logon);
        let name = scheme.name();
        assert_eq!(site.legs(), ["-".to_owned(), format!("{name} 1"), format!("{name} 3")]);
    }
}

// H-07: the connection is logged on; H-14: and stays with the login that it is of
#[tokio::test]
async fn a_connection_that_is_logged_on_needs_no_credentials_again() {
    let site = Site::start(Spec::default()).await;
    let client = builder().login(login("alice")).build();
    let first = get(&client, &site.url("/")).await;
    site.take();
    let second = get(&client, &site.url("/other")).await;
    assert_eq!(second.text, first.text, "the same user, connection and length");
    assert_eq!(site.legs(), ["-"]);
}

#[tokio::test]
async fn a_server_that_was_logged_on_to_before_is_asked_for_no_challenge() {
    let site = Site::start(spec(&[Scheme::Ntlm])).await;
    let client = builder().login(login("alice")).idle(std::time::Duration::ZERO, 0).build();
    get(&client, &site.url("/")).await;
    site.take();
    assert_eq!(get(&client, &site.url("/")).await.user(), r"CORP\alice");
    assert_eq!(site.legs(), ["NTLM 1", "NTLM 3"]);
}

#[tokio::test]
async fn a_server_that_wants_another_scheme_than_before_is_listened_to() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let count = std::sync::Arc::new(count);
    let (one, other) = (
        Site::start(spec(&[Scheme::Ntlm])).await.address,
        Site::start(spec(&[Scheme::Negotiate])).await.address,
    );
    let way = script::serve(move |mut peer: Peer| {
        let count = std::sync::Arc::clone(&count);
        async move {
            let first = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            let to = if first { one } else { other };
            let mut on = tokio::net::TcpStream::connect(to).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut peer.stream, &mut on).await;
        }
    })
    .await;
    let client = builder().login(login("alice")).idle(std::time::Duration::ZERO, 0).build();
    let url = format!("http://localhost:{}/", way.port());
    for scheme in [Scheme::Ntlm, Scheme::Negotiate] {
        let told = get(&client, &url).await;
        assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
        assert!(matches!(told.outcome.origin, Logon::LoggedOn { scheme: by, .. } if by == scheme));
    }
}

// H-06: one refusal, and no more attempts that would lock the account
#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let site = Site::start(spec(&[Scheme::Ntlm])).await;
    let client = builder().login(Login::new(credentials("alice", "wrong"))).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.status, told.outcome.origin), (401, Logon::Refused { scheme: Scheme::Ntlm }));
    assert_eq!(site.legs(), ["-", "NTLM 1", "NTLM 3"]);
    for _ in 0..3 {
        let told = get(&client, &site.url("/x")).await;
        assert_eq!((told.status, told.outcome.origin), (401, Logon::RefusedBefore));
    }
    assert_eq!(site.legs(), ["-", "-", "-"]);
    client.reset();
    assert_eq!(
        get(&client, &site.url("/")).await.outcome.origin,
        Logon::Refused { scheme: Scheme::Ntlm }
    );
}

#[tokio::test]
async fn credentials_that_were_right_once_are_not_given_up_for_one_refusal() {
    let refusing = axum::Router::new().route(
        "/secret",
        axum::routing::get(|| async { (axum::http::StatusCode::UNAUTHORIZED, "not you") }),
    );
    let site = Site::with(Spec::default(), refusing).await;
    let client = builder().login(login("alice")).build();
    assert_eq!(get(&client, &site.url("/")).await.status, 200);
    assert_eq!(get(&client, &site.url("/secret")).await.status, 401);
    assert_eq!(get(&client, &site.url("/")).await.user(), r"CORP\alice");
}

// H-26: no silent fall to Basic
#[tokio::test]
async fn the_password_itself_is_sent_only_where_that_is_wanted() {
    let site = Site::start(spec(&[Scheme::Basic])).await;
    let client = builder().login(login("alice")).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!(told.status, 401);
    let offered = vec!["Basic".to_owned()];
    assert_eq!(told.outcome.origin, Logon::NotOffered { offered: offered.clone() });
    // Wanted, but readable for everybody on the way.
    let client = builder().login(login("alice").with_schemes(&[Scheme::Basic])).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!(told.outcome.origin, Logon::NotOffered { offered });
    assert_eq!(site.legs(), ["-", "-"]);

    let (certificate, trust) = support::Certificate::make();
    let site = Site::start(Spec { tls: Some(certificate), ..spec(&[Scheme::Basic]) }).await;
    let login = login("alice").with_schemes(&[Scheme::Basic]);
    let client = builder().trust(trust).login(login).build();
    for legs in [&["-", "Basic"][..], &["Basic"]] {
        let told = get(&client, &site.url("/")).await;
        assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
        assert_eq!(site.legs(), legs, "each request by itself");
    }
}

// WS-1: and Digest where it is wanted, each request by itself, without another question
#[tokio::test]
async fn digest_answers_one_challenge_for_many_requests() {
    let site = Site::start(spec(&[Scheme::Digest])).await;
    let client = builder().login(login("alice").with_schemes(&Scheme::ALL)).build();
    for (path, legs) in [("/a?b=c", &["-", "Digest"][..]), ("/b", &["Digest"]), ("/c", &["Digest"])]
    {
        let told = get(&client, &site.url(path)).await;
        assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
        assert_eq!(
            told.outcome.origin,
            Logon::LoggedOn { scheme: Scheme::Digest, mechanism: None }
        );
        assert_eq!(site.legs(), legs);
    }
    let wrong = Login::new(credentials("alice", "wrong")).with_schemes(&Scheme::ALL);
    let told = get(&builder().login(wrong).build(), &site.url("/")).await;
    assert_eq!(told.outcome.origin, Logon::Refused { scheme: Scheme::Digest });
}

// WS-10: the answer counts whatever its status is
#[tokio::test]
async fn a_site_that_nobody_has_to_log_on_to_is_not_logged_on_to() {
    let scope = Some(Scope::optional(&Scheme::INTEGRATED));
    let site = Site::start(Spec { scope, ..Spec::default() }).await;
    let client = builder().login(login("alice")).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.status, told.user()), (200, ""));
    assert_eq!(told.outcome.origin, Logon::NotAsked);
    assert_eq!(site.legs(), ["-"]);
}

// H-06: passwords change
#[tokio::test]
async fn a_password_that_is_right_no_more_is_tried_twice_and_not_again() {
    let (right, wrong) = (Site::start(spec(&[Scheme::Ntlm])).await, Site::start(spec(&[])).await);
    let changed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (now, to) = (std::sync::Arc::clone(&changed), right.address);
    // Afterwards a server that refuses whatever comes.
    let refused = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let proofs = std::sync::Arc::clone(&refused);
    let way = script::serve(move |mut peer: Peer| {
        let (now, proofs) = (std::sync::Arc::clone(&now), std::sync::Arc::clone(&proofs));
        async move {
            let mut on = tokio::net::TcpStream::connect(to).await.unwrap();
            if !now.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = tokio::io::copy_bidirectional(&mut peer.stream, &mut on).await;
                return;
            }
            let challenge = logon::http::format_token(Scheme::Ntlm, &support::challenge());
            loop {
                let head = peer.head().await;
                let value = match field(&head, "authorization")
                    .map(|it| support::describe(it.as_bytes()))
                {
                    _ if head.is_empty() => return,
                    Some(leg) if leg == "NTLM 1" => challenge.as_str(),
                    Some(_) => {
                        proofs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        "NTLM"
                    }
                    None => "NTLM",
                };
                peer.say(&format!(
                    "HTTP/1.1 401 no\r\nWWW-Authenticate: {value}\r\nContent-Length: 0\r\n\r\n"
                ))
                .await;
            }
        }
    })
    .await;
    let url = format!("http://localhost:{}/", way.port());
    let client = builder().login(login("alice")).idle(std::time::Duration::ZERO, 0).build();
    assert_eq!(get(&client, &url).await.status, 200);
    changed.store(true, std::sync::atomic::Ordering::Relaxed);
    for _ in 0..5 {
        assert_eq!(get(&client, &url).await.status, 401);
    }
    assert_eq!(refused.load(std::sync::atomic::Ordering::Relaxed), 2);
    drop(wrong);
}

// H-14: somebody else may be logged on by what the caller wrote
#[tokio::test]
async fn a_connection_that_carried_the_callers_own_credentials_carries_nothing_else() {
    let site = Site::start(Spec { scope: Some(Scope::off()), ..Spec::default() }).await;
    let client = builder().build();
    let mut request = axum::http::Request::new(Body::empty());
    *request.uri_mut() = site.url("/").parse().unwrap();
    request.headers_mut().insert("authorization", "Negotiate YWJj".parse().unwrap());
    tell(client.send(request).await.unwrap()).await;
    get(&client, &site.url("/")).await;
    let seen = site.take();
    assert_ne!(seen[0].connection, seen[1].connection);
}

#[tokio::test]
async fn without_a_login_the_401_is_the_answer() {
    let site = Site::start(Spec::default()).await;
    let told = get(&builder().build(), &site.url("/")).await;
    assert_eq!((told.status, told.outcome.origin), (401, Logon::NoLogin));
}

#[tokio::test]
async fn a_connection_that_nobody_needs_is_closed_in_time() {
    for http2 in [false, true] {
        let (certificate, trust) = support::Certificate::make();
        let (tls, scope) = (Some(certificate), Some(Scope::off()));
        let site = Site::start(Spec { tls, http2, scope, ..Spec::default() }).await;
        let open = Arc::new(AtomicUsize::new(0));
        let (to, count) = (site.address, Arc::clone(&open));
        let way = script::serve(move |mut peer: Peer| {
            let count = Arc::clone(&count);
            async move {
                count.fetch_add(1, Ordering::Relaxed);
                let mut on = tokio::net::TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut peer.stream, &mut on).await;
                count.fetch_sub(1, Ordering::Relaxed);
            }
        })
        .await;
        let url = format!("https://localhost:{}/", way.port());
        let idle = Duration::from_millis(300);
        let client = builder().trust(trust).http2(http2).idle(idle, 16).build();
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        for _ in 0..2 {
            get(&client, &url).await;
            assert_eq!(open.load(Ordering::Relaxed), 1);
            let begun = Instant::now();
            while open.load(Ordering::Relaxed) > 0 {
                assert!(begun.elapsed() < Duration::from_secs(10), "it stays open");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
        }
        // And nothing is left of a client that is gone.
        let before = tasks();
        drop(client);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(tasks() < before, "{before}");
    }
}

// H-14: never shared, also not with those who have no login
#[tokio::test]
async fn each_login_has_connections_of_its_own() {
    let scope = Some(Scope::required(&[Scheme::Ntlm]));
    let site = Site::start(Spec { scope, ..Spec::default() }).await;
    let at = |host: &str| format!("http://{host}:{}/", site.address.port());
    let only = |host| Hosts::only([host]).unwrap();
    let client = builder()
        .login(login("alice").with_hosts(only("localhost")))
        .login(login("bob").with_hosts(only("127.0.0.1")))
        .build();
    for _ in 0..3 {
        assert_eq!(get(&client, &at("localhost")).await.user(), r"CORP\alice");
        assert_eq!(get(&client, &at("127.0.0.1")).await.user(), r"CORP\bob");
        let mut request = axum::http::Request::new(Body::empty());
        *request.uri_mut() = at("localhost").parse().unwrap();
        request.headers_mut().insert("authorization", "Bearer a.b.c".parse().unwrap());
        let told = tell(client.send(request).await.unwrap()).await;
        assert_eq!(told.status, 401, "somebody else's request");
    }
}

// C-22, H-20: no credentials where they do not belong
#[tokio::test]
async fn a_redirect_to_another_origin_gets_no_credentials() {
    let other = Site::start(Spec::default()).await;
    let to = format!("http://127.0.0.1:{}/", other.address.port());
    let redirecting = axum::Router::new().route(
        "/go",
        axum::routing::get(move || {
            let to = to.clone();
            async move { (axum::http::StatusCode::FOUND, [("location", to)]) }
        }),
    );
    let site = Site::with(Spec::default(), redirecting).await;
    let client = builder().login(login("alice")).build();
    let told = get(&client, &site.url("/go")).await;
    assert_eq!((told.status, told.outcome.origin), (401, Logon::NoLogin));
    assert_eq!(other.legs(), ["-"]);
    let everywhere = Hosts::only(["localhost", "127.0.0.1"]).unwrap();
    let client = builder().login(login("alice").with_hosts(everywhere)).build();
    assert_eq!(get(&client, &site.url("/go")).await.user(), r"CORP\alice");
    let named_or_listed = Hosts::requested().or(Hosts::only(["127.0.0.1"]).unwrap());
    let client = builder().login(login("alice").with_hosts(named_or_listed)).build();
    assert_eq!(get(&client, &site.url("/")).await.user(), r"CORP\alice");
    assert_eq!(get(&client, &site.url("/go")).await.user(), r"CORP\alice");
    let client = builder().login(login("alice")).redirects(Redirects::NONE).build();
    assert_eq!(get(&client, &site.url("/go")).await.status, 302);
}

// H-20: https to http
#[tokio::test]
async fn a_redirect_out_of_tls_gets_no_credentials_even_where_the_host_may_have_them() {
    let other = Site::start(Spec::default()).await;
    let to = other.url("/");
    let redirecting = axum::Router::new().route(
        "/go",
        axum::routing::get(move || {
            let to = to.clone();
            async move { (axum::http::StatusCode::FOUND, [("location", to)]) }
        }),
    );
    let (certificate, trust) = support::Certificate::make();
    let site = Site::with(Spec { tls: Some(certificate), ..Spec::default() }, redirecting).await;
    let login = login("alice").with_hosts(Hosts::only(["localhost"]).unwrap());
    let client = builder().trust(trust).login(login).build();
    assert_eq!(get(&client, &site.url("/go")).await.outcome.origin, Logon::NoLogin);
    assert_eq!(other.legs(), ["-"]);
}

// H-13: all legs on one connection, begun again on a new one
#[tokio::test]
async fn a_connection_that_ends_in_mid_exchange_begins_the_exchange_again() {
    for lost in 1..=3 {
        let site = Site::start(spec(&[Scheme::Ntlm])).await;
        let way = cut(site.address, move |number, requests| number == 0 && requests == lost).await;
        let client = builder().login(login("alice")).build();
        let url = format!("http://localhost:{}/", way.port());
        let sent = client.get(&url).await;
        if lost == 1 {
            // Nothing says that this request was not acted on.
            assert!(matches!(sent, Err(Error::Closed(_))), "{sent:?}");
            continue;
        }
        // Of GET, all is as before: it may be sent again.
        let told = tell(sent.unwrap()).await;
        assert_eq!(told.user(), r"CORP\alice", "{lost}");
    }
}

#[tokio::test]
async fn a_server_that_always_closes_is_given_up() {
    let site = Site::start(spec(&[Scheme::Ntlm])).await;
    let way = cut(site.address, |_, requests| requests == 2).await;
    let client = builder().login(login("alice")).build();
    let sent = client.get(&format!("http://localhost:{}/", way.port())).await;
    assert!(matches!(sent, Err(Error::Closed(_))), "{sent:?}");
    assert!(site.take().len() <= 8);
}

// H-13: a 401 that closes
#[tokio::test]
async fn a_challenge_that_closes_the_connection_is_answered_on_another() {
    let site = Site::start(spec(&[Scheme::Ntlm])).await;
    let to = site.address;
    let way = script::serve(move |mut peer: Peer| async move {
        if peer.number == 0 {
            peer.head().await;
            peer.say(
                "HTTP/1.1 401 no\r\nWWW-Authenticate: NTLM\r\nConnection: close\r\n\
                      Content-Length: 4\r\n\r\nbody",
            )
            .await;
            return;
        }
        let mut on = tokio::net::TcpStream::connect(to).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut peer.stream, &mut on).await;
    })
    .await;
    let client = builder().login(login("alice")).build();
    let told = get(&client, &format!("http://localhost:{}/", way.port())).await;
    assert_eq!(told.user(), r"CORP\alice");
    assert_eq!(site.legs(), ["NTLM 1", "NTLM 3"]);
}

#[tokio::test]
async fn a_path_that_needs_no_logon_leaves_the_connection_for_others() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let address = script::serve(move |mut peer: Peer| {
        count.fetch_max(peer.number + 1, Ordering::Relaxed);
        async move {
            let challenge = logon::http::format_token(Scheme::Ntlm, &support::challenge());
            loop {
                let head = peer.head().await;
                let leg = field(&head, "authorization").map(|it| support::describe(it.as_bytes()));
                let answer = match leg.as_deref() {
                    _ if head.is_empty() => return,
                    _ if head.starts_with("GET /open") => "200 fine\r\n".to_owned(),
                    None => "401 no\r\nWWW-Authenticate: NTLM\r\n".to_owned(),
                    Some("NTLM 1") => format!("401 no\r\nWWW-Authenticate: {challenge}\r\n"),
                    Some(_) => "200 fine\r\nConnection: close\r\n".to_owned(),
                };
                peer.say(&format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n")).await;
            }
        }
    })
    .await;
    let url = format!("http://localhost:{}/", address.port());
    let client = builder().login(login("alice")).build();
    let logged_on = |told: &support::Told| matches!(told.outcome.origin, Logon::LoggedOn { .. });
    assert!(logged_on(&get(&client, &url).await));
    for _ in 0..5 {
        assert_eq!(get(&client, &format!("{url}open")).await.outcome.origin, Logon::NotAsked);
    }
    assert!(logged_on(&get(&client, &url).await));
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}

// H-10: what the server says of the connection
#[tokio::test]
async fn a_server_that_keeps_no_logon_is_logged_on_to_for_each_request() {
    let site = Site::start(Spec { persistent: false, ..spec(&[Scheme::Ntlm]) }).await;
    let client = builder().login(login("alice")).build();
    for _ in 0..2 {
        let told = get(&client, &site.url("/")).await;
        assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
    }
}

// WS-19, C-18: the server has nothing but NTLMv1
#[tokio::test]
async fn a_server_that_wants_ntlm_v1_gets_an_error_and_no_response() {
    // CHALLENGE without extended session security: flags OEM | NTLM, 8 bytes of challenge.
    let mut challenge = b"NTLMSSP\0\x02\0\0\0".to_vec();
    challenge.extend([0, 0, 0, 0, 0x38, 0, 0, 0]);
    challenge.extend(0x0000_0202_u32.to_le_bytes());
    challenge.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    challenge.extend([0; 8 + 8]);
    let token = logon::http::format_token(Scheme::Ntlm, &challenge);
    let address = script::serve(move |mut peer: Peer| {
        let token = token.clone();
        async move {
            loop {
                let head = peer.head().await;
                if head.is_empty() {
                    return;
                }
                let value = if field(&head, "authorization").is_some() { &token } else { "NTLM" };
                peer.say(&format!(
                    "HTTP/1.1 401 no\r\nWWW-Authenticate: {value}\r\nContent-Length: 0\r\n\r\n"
                ))
                .await;
            }
        }
    })
    .await;
    let client = builder().login(login("alice")).build();
    let sent = client.get(&format!("http://localhost:{}/", address.port())).await;
    assert!(matches!(&sent, Err(Error::Logon { cause: ClientError::Exchange(_), .. })), "{sent:?}");
}

#[tokio::test]
async fn mutual_authentication_that_ntlm_cannot_give_is_an_error() {
    let site = Site::start(Spec::default()).await;
    let client = builder().login(login("alice").with_mutual_auth(true)).build();
    let sent = client.get(&site.url("/")).await;
    assert!(
        matches!(&sent, Err(Error::Logon { cause: ClientError::MutualAuthMissing, .. })),
        "{sent:?}"
    );
}

#[test]
fn secrets_are_not_shown() {
    let client = builder().login(login("alice")).build();
    let shown = format!("{client:?} {:?}", login("alice"));
    assert!(shown.contains("alice") && !shown.contains(support::PASSWORD), "{shown}");
}

#[derive(Debug, Default)]
struct Log(std::sync::Mutex<String>);

impl logon_client::Observer for Log {
    fn event(&self, event: logon_client::Event<'_>) {
        *self.0.lock().unwrap() += &format!("{event:?}\n");
    }
}

#[tokio::test]
async fn who_writes_down_what_happens_writes_down_no_password() {
    let (certificate, trust) = support::Certificate::make();
    let site = Site::start(Spec { tls: Some(certificate), ..spec(&[Scheme::Basic]) }).await;
    let log = Arc::<Log>::default();
    let login = login("alice").with_schemes(&[Scheme::Basic]);
    let client = builder().trust(trust).login(login).observer(Arc::clone(&log) as _).build();
    assert_eq!(get(&client, &site.url("/")).await.status, 200);
    let log = log.0.lock().unwrap();
    assert!(log.contains("authorization") && !log.contains("Basic Q09SUFxhbGljZ"), "{log}");
}
