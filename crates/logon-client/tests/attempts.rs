//! What is tried with a password that may be wrong: accounts are locked after a few attempts.

mod support;

use logon::http::{Scheme, Scope, format_token};
use logon_client::{Client, Error, Login, Logon, Proxy};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::forward::Forward;
use support::script::{self, Peer, field};
use support::{Certificate, Site, Spec, builder, credentials, get, login};
use tokio::task::JoinSet;

const TOGETHER: usize = 12;

fn spec(schemes: &[Scheme]) -> Spec {
    Spec { schemes: schemes.to_vec(), ..Spec::default() }
}

fn wrong() -> Login {
    Login::new(credentials("alice", "wrong")).with_schemes(&Scheme::ALL)
}

/// What became of requests that are sent together: to the server and to the proxy.
async fn together(client: &Client, url: &str) -> Vec<Result<(Logon, Logon), Error>> {
    let mut all = JoinSet::new();
    for number in 0..TOGETHER {
        let (client, url) = (client.clone(), format!("{url}{number}"));
        all.spawn(async move {
            let answer = client.get(&url).await?;
            let outcome = support::tell(answer).await.outcome;
            Ok((outcome.origin, outcome.proxy))
        });
    }
    tokio::time::timeout(Duration::from_secs(60), all.join_all()).await.expect("they wait for ever")
}

/// Legs that the password can be tried by.
fn attempts(legs: &[String]) -> usize {
    let tries = |leg: &&String| {
        ["NTLM 3", "Negotiate 3", "Digest", "Basic"].iter().any(|it| leg.ends_with(it))
    };
    legs.iter().filter(tries).count()
}

fn count(became: &[Logon], logon: &Logon) -> usize {
    became.iter().filter(|it| *it == logon).count()
}

// H-06: one attempt, however many requests ask for it
#[tokio::test]
async fn requests_that_come_together_try_a_wrong_password_once() {
    for http2 in [false, true] {
        for scheme in Scheme::ALL {
            let (certificate, trust) = Certificate::make();
            let tls = Some(certificate);
            let site = Site::start(Spec { tls, http2, ..spec(&[scheme]) }).await;
            let client = builder().trust(trust).http2(http2).login(wrong()).build();
            let became = together(&client, &site.url("/")).await;
            let became: Vec<_> = became.into_iter().map(|it| it.unwrap().0).collect();
            assert_eq!(count(&became, &Logon::Refused { scheme }), 1, "{scheme} {became:?}");
            assert_eq!(count(&became, &Logon::RefusedBefore), TOGETHER - 1, "{became:?}");
            assert_eq!(attempts(&site.legs()), 1, "{scheme}");
        }
    }
}

#[tokio::test]
async fn requests_that_come_together_try_a_wrong_password_once_at_a_proxy() {
    for scheme in Scheme::INTEGRATED {
        let forward = Forward::start(&[scheme], false).await;
        let proxy = || Proxy::new(&forward.url()).unwrap().with_login(wrong());
        let site = Site::start(Spec { scope: Some(Scope::off()), ..Spec::default() }).await;
        let became = together(&builder().proxy(proxy()).build(), &site.url("/")).await;
        let became: Vec<_> = became.into_iter().map(|it| it.unwrap().1).collect();
        assert_eq!(count(&became, &Logon::Refused { scheme }), 1, "{became:?}");
        assert_eq!(count(&became, &Logon::RefusedBefore), TOGETHER - 1, "{became:?}");
        assert_eq!(attempts(&forward.take()), 1);

        // Tunnels, too.
        let became = together(&builder().proxy(proxy()).build(), "https://localhost:9/").await;
        let became = became.into_iter().map(|it| match it {
            Err(Error::Tunnel { logon, .. }) => logon,
            other => panic!("{other:?}"),
        });
        assert_eq!(count(&became.collect::<Vec<_>>(), &Logon::Refused { scheme }), 1);
        assert_eq!(attempts(&forward.take()), 1);
    }
}

#[tokio::test]
async fn requests_that_come_together_with_the_right_passwords_are_all_answered() {
    let site = Site::start(Spec::default()).await;
    let forward = Forward::start(&[Scheme::Ntlm], true).await;
    let proxy = Proxy::new(&forward.url()).unwrap().with_login(login("bob"));
    for client in [
        builder().login(login("alice")).build(),
        builder().login(login("alice")).proxy(proxy).build(),
    ] {
        for _ in 0..3 {
            for became in together(&client, &site.url("/")).await {
                let (origin, _) = became.unwrap();
                assert!(matches!(origin, Logon::LoggedOn { .. }), "{origin:?}");
            }
        }
    }
}

#[tokio::test]
async fn once_a_password_has_proven_right_nobody_waits_for_others() {
    let barrier = Arc::new(tokio::sync::Barrier::new(TOGETHER));
    let all_at_once = axum::routing::get(move || {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
        }
    });
    let app = (0..TOGETHER).fold(axum::Router::new(), |app, number| {
        app.route(&format!("/together{number}"), all_at_once.clone())
    });
    let site = Site::with(spec(&[Scheme::Ntlm]), app).await;
    let client = builder().login(login("alice")).idle(Duration::ZERO, 0).build();
    get(&client, &site.url("/")).await;
    for became in together(&client, &site.url("/together")).await {
        assert!(matches!(became.unwrap().0, Logon::LoggedOn { .. }));
    }
}

/// A server that takes no decision about `/slow` and `/close`, and wants no credentials for `/open`;
/// it counts the requests with an AUTHENTICATE.
async fn undecided() -> (SocketAddr, Arc<AtomicUsize>) {
    let tried = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tried);
    let address = script::serve(move |mut peer: Peer| {
        let count = Arc::clone(&count);
        async move {
            let challenge = format_token(Scheme::Ntlm, &support::challenge());
            loop {
                let head = peer.head().await;
                let leg = field(&head, "authorization").map(|it| support::describe(it.as_bytes()));
                let answer = match leg.as_deref() {
                    _ if head.is_empty() => return,
                    _ if head.starts_with("GET /open") => "200 fine\r\n".to_owned(),
                    None => "401 no\r\nWWW-Authenticate: NTLM\r\n".to_owned(),
                    Some("NTLM 1") => format!("401 no\r\nWWW-Authenticate: {challenge}\r\n"),
                    Some(_) => {
                        count.fetch_add(1, Ordering::Relaxed);
                        if head.starts_with("GET /slow") {
                            std::future::pending::<()>().await;
                        }
                        if head.starts_with("GET /close") {
                            return;
                        }
                        "200 fine\r\n".to_owned()
                    }
                };
                peer.say(&format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n")).await;
            }
        }
    })
    .await;
    (address, tried)
}

/// Begins a request whose credentials nobody judges.
async fn begin(client: &Client, url: &str, tried: &AtomicUsize) -> tokio::task::JoinHandle<()> {
    let before = tried.load(Ordering::Relaxed);
    let (client, url) = (client.clone(), format!("{url}slow"));
    let task = tokio::spawn(async move {
        let _ = client.get(&url).await;
    });
    while tried.load(Ordering::Relaxed) == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    task
}

#[tokio::test]
async fn a_logon_that_takes_long_keeps_nobody_waiting_who_needs_none() {
    let (address, tried) = undecided().await;
    let url = format!("http://localhost:{}/", address.port());
    let client = builder().login(login("alice")).build();
    let slow = begin(&client, &url, &tried).await;
    let open = format!("{url}open");
    let told = tokio::time::timeout(Duration::from_secs(10), get(&client, &open)).await.unwrap();
    assert_eq!(told.outcome.origin, Logon::NotAsked);
    slow.abort();
}

#[tokio::test]
async fn when_a_logon_is_given_up_the_next_one_goes_on() {
    for timeout in [false, true] {
        let (address, tried) = undecided().await;
        let url = format!("http://localhost:{}/", address.port());
        let limit = Duration::from_secs(if timeout { 1 } else { 60 });
        let client = builder().login(login("alice")).response_timeout(limit).build();
        let slow = begin(&client, &url, &tried).await;
        let (second, other) = (client.clone(), url.clone());
        let second = tokio::spawn(async move { get(&second, &other).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(tried.load(Ordering::Relaxed), 1, "it waits");
        if !timeout {
            slow.abort();
        }
        let told = tokio::time::timeout(Duration::from_secs(10), second).await.unwrap().unwrap();
        assert!(matches!(told.outcome.origin, Logon::LoggedOn { .. }), "{:?}", told.outcome);
    }
}

#[tokio::test]
async fn a_reset_lets_an_attempt_begin_although_another_one_hangs() {
    let (address, tried) = undecided().await;
    let url = format!("http://localhost:{}/", address.port());
    let client = builder().login(login("alice")).build();
    let slow = begin(&client, &url, &tried).await;
    client.reset();
    let told = tokio::time::timeout(Duration::from_secs(10), get(&client, &url)).await.unwrap();
    assert!(matches!(told.outcome.origin, Logon::LoggedOn { .. }), "{:?}", told.outcome);
    slow.abort();
}

#[tokio::test]
async fn credentials_that_nobody_judges_are_tried_twice_and_not_again() {
    for way in ["closed", "timeout", "given up"] {
        let (address, tried) = undecided().await;
        let url = format!("http://localhost:{}/", address.port());
        let limit = Duration::from_millis(if way == "timeout" { 800 } else { 60_000 });
        let client = builder().login(login("alice")).response_timeout(limit).build();
        for _ in 0..4 {
            match way {
                "closed" => drop(client.get(&format!("{url}close")).await),
                "timeout" => drop(client.get(&format!("{url}slow")).await),
                _ => {
                    let slow = format!("{url}slow");
                    let slow = tokio::time::timeout(Duration::from_millis(800), client.get(&slow));
                    drop(slow.await);
                }
            }
        }
        assert_eq!(tried.load(Ordering::Relaxed), 2, "{way}");
        assert_eq!(get(&client, &url).await.outcome.origin, Logon::RefusedBefore, "{way}");
        client.reset();
        let told = get(&client, &url).await;
        assert!(matches!(told.outcome.origin, Logon::LoggedOn { .. }), "{way} {:?}", told.outcome);
    }
}

#[tokio::test]
async fn requests_that_are_given_up_do_not_count_against_credentials_that_were_right() {
    let (address, tried) = undecided().await;
    let url = format!("http://localhost:{}/", address.port());
    let client = builder().login(login("alice")).idle(Duration::ZERO, 0).build();
    get(&client, &url).await;
    for _ in 0..2 {
        let mut all = JoinSet::new();
        for _ in 0..TOGETHER {
            let (client, url) = (client.clone(), format!("{url}slow"));
            all.spawn(async move { client.get(&url).await.map(|_| ()) });
        }
        while tried.load(Ordering::Relaxed) < TOGETHER {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        all.shutdown().await;
        let told = get(&client, &url).await;
        assert!(matches!(told.outcome.origin, Logon::LoggedOn { .. }), "{:?}", told.outcome);
    }
    // But not for ever.
    tried.store(0, Ordering::Relaxed);
    for _ in 0..6 {
        let _ = client.get(&format!("{url}close")).await;
    }
    assert_eq!(tried.load(Ordering::Relaxed), 4);
    assert_eq!(get(&client, &url).await.outcome.origin, Logon::RefusedBefore);
}
