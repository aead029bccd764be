//! Bodies of requests: what is sent when, and what is sent again.

mod support;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{Full, StreamBody};
use logon::http::{Scheme, Scope};
use logon_client::{Body, Client, Error, Logon};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::script::{self, Peer, cut, field};
use support::{Site, Spec, Told, builder, login, tell};

/// More than fits into any buffer on the way.
const LARGE: usize = 4 * 1024 * 1024;

fn ntlm() -> Spec {
    Spec { schemes: vec![Scheme::Ntlm], ..Spec::default() }
}

async fn post(client: &Client, url: &str, body: Body) -> Result<Told, Error> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.parse().unwrap();
    Ok(tell(client.send(request).await?).await)
}

/// A body that can be sent once, of unknown length.
fn once(length: usize) -> Body {
    let frames = (0..length / 65_536)
        .map(|_| Ok::<_, Infallible>(http_body::Frame::data(Bytes::from_static(&[b'x'; 65_536]))));
    Body::once(StreamBody::new(Frames(frames)))
}

struct Frames<I>(I);

impl<I: Iterator + Unpin> futures_core::Stream for Frames<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

// H-12: no body with the first legs, the whole body with the last
#[tokio::test]
async fn a_body_goes_with_the_last_leg() {
    for (body, length) in [
        (Body::from(vec![b'x'; LARGE]), LARGE),
        (once(LARGE), LARGE),
        (Body::from("abc"), 3),
        (Body::again(|| Full::new(Bytes::from(vec![b'x'; LARGE]))), LARGE),
    ] {
        let site = Site::start(ntlm()).await;
        let client = builder().login(login("alice")).build();
        let told = post(&client, &site.url("/"), body).await.unwrap();
        assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
        assert_eq!(told.text.rsplit('|').next().unwrap(), length.to_string());
        let seen = site.take();
        let legs: Vec<_> =
            seen.iter().map(|seen| (seen.credentials.as_str(), seen.expects)).collect();
        assert_eq!(legs[0], ("-", true), "held back until the server wants it");
        assert_eq!(legs[1], ("NTLM 1", false));
        assert_eq!(legs[2].0, "NTLM 3");
        assert_eq!(seen[1].connection, seen[2].connection);
    }
}

#[tokio::test]
async fn a_body_over_a_connection_that_is_logged_on_is_sent_at_once() {
    let site = Site::start(ntlm()).await;
    let client = builder().login(login("alice")).build();
    support::get(&client, &site.url("/")).await;
    site.take();
    let told = post(&client, &site.url("/"), Body::from("abc")).await.unwrap();
    assert!(told.text.ends_with("|3") && told.user() == r"CORP\alice", "{}", told.text);
    let seen = site.take();
    assert_eq!(seen.len(), 1);
    assert!(!seen[0].expects);
}

#[tokio::test]
async fn an_open_site_gets_the_body_once() {
    let scope = Some(Scope::optional(&Scheme::INTEGRATED));
    let site = Site::start(Spec { scope, ..ntlm() }).await;
    let client = builder().login(login("alice")).build();
    for body in [Body::from("abc"), Body::once(Full::new(Bytes::from_static(b"abc")))] {
        let told = post(&client, &site.url("/"), body).await.unwrap();
        assert!(told.text.ends_with("|3"), "{}", told.text);
        assert_eq!(site.legs(), ["-"], "no empty request that the server would act on");
    }
}

// H-12: a server that says nothing of 100
#[tokio::test]
async fn a_server_that_never_says_100_gets_the_body_after_a_while() {
    let address = script::serve(|mut peer: Peer| async move {
        let head = peer.head().await;
        assert_eq!(field(&head, "expect"), Some("100-continue"));
        let mut body = [0; 3];
        tokio::io::AsyncReadExt::read_exact(&mut peer.stream, &mut body).await.unwrap();
        peer.say("HTTP/1.1 200 yes\r\nContent-Length: 3\r\n\r\nabc").await;
    })
    .await;
    let client = builder().login(login("alice")).build();
    let url = format!("http://localhost:{}/", address.port());
    assert_eq!(post(&client, &url, Body::from("abc")).await.unwrap().text, "abc");
}

/// Passes on what expects nothing.
async fn without_expect(site: &Site) -> String {
    let to = site.address;
    let way = script::serve(move |mut peer: Peer| async move {
        let head = peer.head().await;
        if field(&head, "expect").is_some() {
            return peer.say("HTTP/1.1 417 no\r\nContent-Length: 0\r\n\r\n").await;
        }
        let mut on = tokio::net::TcpStream::connect(to).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut on, head.as_bytes()).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut peer.stream, &mut on).await;
    })
    .await;
    format!("http://localhost:{}/", way.port())
}

// RFC 9110 §10.1.1
#[tokio::test]
async fn a_server_that_refuses_expect_gets_the_request_without() {
    let again = || Body::again(|| Full::new(Bytes::from_static(b"abc")));
    let once = || Body::once(Full::new(Bytes::from_static(b"abc")));
    let mine = || builder().login(login("alice")).build();
    let open = || Spec { scope: Some(Scope::off()), ..ntlm() };
    for (spec, body, client) in [
        (ntlm(), Body::from("abc"), mine()),
        (ntlm(), again(), mine()),
        (open(), Body::from("abc"), mine()),
        (open(), once(), mine()),
        (open(), once(), builder().build()),
    ] {
        let site = Site::start(spec).await;
        let told = post(&client, &without_expect(&site).await, body).await.unwrap();
        assert!(told.text.ends_with("|3"), "{}", told.text);
        assert!(site.take().iter().all(|seen| !seen.expects));
    }
    // The server asks for credentials when it has the only body that there is.
    let site = Site::start(ntlm()).await;
    let sent = post(&mine(), &without_expect(&site).await, once()).await.map(|told| told.text);
    assert!(matches!(sent, Err(Error::BodySpent)), "{sent:?}");
}

#[tokio::test]
async fn without_a_login_a_body_is_sent_at_once() {
    let scope = Some(Scope::off());
    let site = Site::start(Spec { scope, ..ntlm() }).await;
    post(&builder().build(), &site.url("/"), Body::from("abc")).await.unwrap();
    assert!(!site.take()[0].expects);
}

// H-13: begun again, with the whole body
#[tokio::test]
async fn a_body_is_replayed_when_the_connection_ends_in_mid_exchange() {
    let site = Site::start(ntlm()).await;
    // The first connection has the request without credentials, the second one the first leg.
    let way = cut(site.address, |number, requests| number == 1 && requests == 2).await;
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let body = Body::again(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Full::new(Bytes::from(vec![b'x'; LARGE]))
    });
    let client = builder().login(login("alice")).build();
    let url = format!("http://localhost:{}/", way.port());
    let mut request = Request::new(body);
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = url.parse().unwrap();
    let told = tell(client.send(request).await.unwrap()).await;
    assert!(told.text.ends_with(&format!("|{LARGE}")), "{}", told.text);
    assert!(opened.load(Ordering::Relaxed) >= 2);
}

// H-13: what may have been acted on is not done twice
#[tokio::test]
async fn a_post_that_was_lost_with_its_answer_is_not_sent_again() {
    let address = script::serve(|mut peer: Peer| async move {
        peer.head().await;
        peer.say("HTTP/1.1 100 Continue\r\n\r\n").await;
        let mut body = [0; 3];
        tokio::io::AsyncReadExt::read_exact(&mut peer.stream, &mut body).await.unwrap();
        assert_eq!(peer.number, 0, "sent twice");
    })
    .await;
    let client = builder().login(login("alice")).build();
    let url = format!("http://localhost:{}/", address.port());
    let sent = post(&client, &url, Body::from("abc")).await.map(|told| told.text);
    assert!(matches!(sent, Err(Error::Closed(_))), "{sent:?}");
}

#[tokio::test]
async fn a_server_that_takes_the_empty_leg_for_the_request_is_an_error() {
    let address = script::serve(|mut peer: Peer| async move {
        loop {
            let head = peer.head().await;
            let answer = match field(&head, "authorization") {
                _ if head.is_empty() => return,
                None => "401 no\r\nWWW-Authenticate: NTLM",
                Some(_) => "200 fine",
            };
            peer.say(&format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n")).await;
        }
    })
    .await;
    let client = builder().login(login("alice")).build();
    let url = format!("http://localhost:{}/", address.port());
    let sent = post(&client, &url, Body::from("abc")).await.map(|told| told.text);
    assert!(matches!(sent, Err(Error::AnsweredTooEarly(_))), "{sent:?}");
}

// H-13: interim bodies are read to their end
#[tokio::test]
async fn the_body_of_a_challenge_is_read_to_its_end() {
    for (length, connections) in [(500_000, 1), (3_000_000, 2)] {
        let most = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&most);
        let address = script::serve(move |mut peer: Peer| {
            count.fetch_max(peer.number + 1, Ordering::Relaxed);
            async move {
                loop {
                    let head = peer.head().await;
                    match field(&head, "authorization") {
                        _ if head.is_empty() => return,
                        None => {
                            let body = "x".repeat(length);
                            peer.say(&format!(
                                "HTTP/1.1 401 no\r\nWWW-Authenticate: NTLM\r\n\
                                 Content-Length: {length}\r\n\r\n"
                            ))
                            .await;
                            let body = body.as_bytes();
                            let _ =
                                tokio::io::AsyncWriteExt::write_all(&mut peer.stream, body).await;
                        }
                        // Goes on with nothing.
                        Some(_) => {
                            peer.say(
                                "HTTP/1.1 401 no\r\nWWW-Authenticate: NTLM\r\n\
                                 Content-Length: 0\r\n\r\n",
                            )
                            .await;
                        }
                    }
                }
            }
        })
        .await;
        let client = builder().login(login("alice")).build();
        let told = support::get(&client, &format!("http://localhost:{}/", address.port())).await;
        assert_eq!(told.outcome.origin, Logon::BrokenOff { scheme: Scheme::Ntlm });
        assert_eq!(most.load(Ordering::Relaxed), connections, "{length}");
    }
}

// The nonce of a challenge serves on the connection that comes after it.
#[tokio::test]
async fn a_body_goes_with_digest_although_the_challenge_closed_the_connection() {
    let site = Site::start(Spec { schemes: vec![Scheme::Digest], ..Spec::default() }).await;
    let login = login("alice").with_schemes(&[Scheme::Digest]);
    let client = builder().login(login).build();
    for body in [Body::from("abc"), once(LARGE)] {
        let told = post(&client, &site.url("/"), body).await.unwrap();
        assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
    }
}
