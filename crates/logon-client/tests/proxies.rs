//! Logons to proxies, and through them.

mod support;

use http::{Method, Request};
use logon::http::Scheme;
use logon_client::{Body, Error, Hosts, Login, Logon, Proxy};
use std::sync::{Arc, Mutex};
use support::forward::Forward;
use support::script::{self, Peer, field};
use support::{Certificate, Site, Spec, builder, credentials, get, login, tell};

fn through(forward: &Forward, user: &str) -> Proxy {
    Proxy::new(&forward.url()).unwrap().with_login(login(user))
}

fn open() -> Spec {
    Spec { scope: Some(logon::http::Scope::off()), ..Spec::default() }
}

// H-18: 407 and Proxy-Authorization, for this hop only
#[tokio::test]
async fn it_logs_on_to_a_proxy() {
    for scheme in Scheme::INTEGRATED {
        let site = Site::start(open()).await;
        let forward = Forward::start(&[scheme], false).await;
        let client = builder().proxy(through(&forward, "alice")).build();
        let told = get(&client, &site.url("/x")).await;
        assert_eq!(told.status, 200);
        assert!(matches!(told.outcome.proxy, Logon::LoggedOn { scheme: by, .. } if by == scheme));
        let legs = ["GET -".to_owned(), format!("GET {scheme} 1"), format!("GET {scheme} 3")];
        assert_eq!(forward.take(), legs);
        assert_eq!(site.take().len(), 1);
        get(&client, &site.url("/y")).await;
        assert_eq!(forward.take(), ["GET -"], "the connection is logged on");
    }
}

// H-18: a tunnel is logged on to with CONNECT, the server within the tunnel
#[tokio::test]
async fn it_logs_on_to_a_proxy_for_a_tunnel_and_to_the_server_within() {
    let (certificate, trust) = Certificate::make();
    let site = Site::start(Spec {
        tls: Some(certificate),
        bindings: logon::BindingsPolicy::Always,
        ..Spec::default()
    })
    .await;
    let forward = Forward::start(&[Scheme::Ntlm], false).await;
    let client =
        builder().trust(trust).proxy(through(&forward, "bob")).login(login("alice")).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
    assert_eq!(forward.take(), ["CONNECT -", "CONNECT NTLM 1", "CONNECT NTLM 3"]);
    get(&client, &site.url("/")).await;
    assert!(forward.take().is_empty(), "the tunnel is used again");
}

// H-06
#[tokio::test]
async fn a_proxy_that_refuses_is_not_asked_again_and_again() {
    let wrong = || Login::new(credentials("alice", "wrong"));
    let forward = Forward::start(&[Scheme::Ntlm], false).await;
    let site = Site::start(open()).await;
    let proxy = Proxy::new(&forward.url()).unwrap().with_login(wrong());
    let client = builder().proxy(proxy).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.status, told.outcome.proxy), (407, Logon::Refused { scheme: Scheme::Ntlm }));
    forward.take();
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.status, told.outcome.proxy), (407, Logon::RefusedBefore));
    assert_eq!(forward.take(), ["GET -"]);

    let (certificate, trust) = Certificate::make();
    let site = Site::start(Spec { tls: Some(certificate), ..open() }).await;
    let proxy = Proxy::new(&forward.url()).unwrap().with_login(wrong());
    let client = builder().trust(trust).proxy(proxy).build();
    for (logon, legs) in [(Logon::Refused { scheme: Scheme::Ntlm }, 3), (Logon::RefusedBefore, 1)] {
        let sent = client.get(&site.url("/")).await;
        let Err(Error::Tunnel { status, logon: became, .. }) = sent else { panic!("{sent:?}") };
        assert_eq!((status.as_u16(), became), (407, logon));
        assert_eq!(forward.take().len(), legs);
    }
}

// H-17: only through a proxy that says that it keeps connections apart
#[tokio::test]
async fn through_a_proxy_it_logs_on_to_a_server_only_if_the_proxy_says_it_may() {
    for (announced, proxy_schemes) in
        [(true, &[][..]), (true, &[Scheme::Ntlm]), (false, &[]), (false, &[Scheme::Ntlm])]
    {
        let site = Site::start(Spec::default()).await;
        let forward = Forward::start(proxy_schemes, announced).await;
        let client = builder().proxy(through(&forward, "bob")).login(login("alice")).build();
        let told = get(&client, &site.url("/")).await;
        if announced {
            assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
        } else {
            assert_eq!((told.status, told.outcome.origin), (401, Logon::ProxyInBetween));
            assert_eq!(site.legs(), ["-"], "no credentials");
        }
    }
}

// H-17 is about schemes that log on by connection
#[tokio::test]
async fn digest_goes_through_a_proxy_that_says_nothing_of_connections() {
    let all = || login("alice").with_schemes(&Scheme::ALL);
    for schemes in [&[Scheme::Digest][..], &[Scheme::Negotiate, Scheme::Ntlm, Scheme::Digest]] {
        let site = Site::start(Spec { schemes: schemes.to_vec(), ..Spec::default() }).await;
        let forward = Forward::start(&[Scheme::Ntlm], false).await;
        let client = builder().proxy(through(&forward, "bob")).login(all()).build();
        for legs in [&["-", "Digest"][..], &["Digest"]] {
            let told = get(&client, &site.url("/a?b=c")).await;
            assert_eq!((told.status, told.user()), (200, r"CORP\alice"), "{:?}", told.outcome);
            assert_eq!(site.legs(), legs);
        }
    }
    // What is no more than a matter of what is enabled is called so.
    let forward = Forward::start(&[], false).await;
    for (schemes, basic) in [(vec![Scheme::Basic], true), (vec![Scheme::Ntlm], false)] {
        let site = Site::start(Spec { schemes, ..Spec::default() }).await;
        let proxy = Proxy::new(&forward.url()).unwrap();
        let told = get(&builder().proxy(proxy).login(all()).build(), &site.url("/")).await;
        let expected = match basic {
            true => Logon::NotOffered { offered: vec!["Basic".to_owned()] },
            false => Logon::ProxyInBetween,
        };
        assert_eq!(told.outcome.origin, expected);
    }
}

// The nonce of a challenge serves on the connection that comes after it.
#[tokio::test]
async fn a_tunnel_is_made_by_digest_although_the_challenge_closed_the_connection() {
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&heads);
    let proxy = script::serve(move |mut peer: Peer| {
        let seen = Arc::clone(&seen);
        async move {
            let head = peer.head().await;
            let answered = field(&head, "proxy-authorization").is_some();
            seen.lock().unwrap().push(head);
            if answered {
                peer.say("HTTP/1.1 200 go on\r\n\r\nhello").await;
            } else {
                peer.say(
                    "HTTP/1.1 407 no\r\nProxy-Authenticate: Digest realm=\"proxy\", nonce=\"abc\", \
                     qop=\"auth\"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                )
                .await;
            }
        }
    })
    .await;
    let proxy = Proxy::new(&format!("http://localhost:{}", proxy.port())).unwrap();
    let proxy = proxy.with_login(login("alice").with_schemes(&Scheme::ALL));
    let client = builder().proxy(proxy).build();
    let mut tunnel = client.connect_tunnel("web.example", 443).await.unwrap();
    let mut text = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut tunnel, &mut text).await.unwrap();
    let heads = heads.lock().unwrap();
    assert_eq!((text.as_str(), heads.len()), ("hello", 2));
    let credentials = field(&heads[1], "proxy-authorization").unwrap();
    assert!(credentials.contains("nonce=\"abc\"") && credentials.contains("web.example:443"));
}

// H-12: to the proxy as to a server
#[tokio::test]
async fn a_body_waits_for_the_logon_to_the_proxy() {
    let site = Site::start(open()).await;
    let forward = Forward::start(&[Scheme::Ntlm], false).await;
    let client = builder().proxy(through(&forward, "alice")).build();
    let mut request = Request::new(Body::from(vec![b'x'; 4 * 1024 * 1024]));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = site.url("/").parse().unwrap();
    let told = tell(client.send(request).await.unwrap()).await;
    assert!(told.text.ends_with("|4194304"), "{}", told.text);
    assert_eq!(site.take().len(), 1);
}

#[tokio::test]
async fn a_proxy_is_left_out_for_hosts_that_need_none() {
    let site = Site::start(open()).await;
    let nobody = Proxy::new("http://127.0.0.1:9").unwrap().except(Hosts::local());
    assert_eq!(get(&builder().proxy(nobody).build(), &site.url("/")).await.status, 200);
}

#[test]
fn what_is_no_proxy_is_refused_without_its_password_in_the_message() {
    for url in ["", "proxy:8080", "https://proxy:8080", "http://u:secret@proxy", "http://p/x"] {
        let error = Proxy::new(url).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn nobody_s_proxy_password_goes_to_the_server() {
    let site = Site::start(open()).await;
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = site.url("/").parse().unwrap();
    let basic = "Basic YWxpY2U6UzNjcmV0IXB3".parse().unwrap();
    request.headers_mut().insert("proxy-authorization", basic);
    let sent = builder().build().send(request).await;
    assert!(matches!(sent, Err(Error::Field(_))), "{sent:?}");
    assert!(site.take().is_empty());
}

#[tokio::test]
async fn a_tunnel_is_a_connection_for_any_protocol() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let echo = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = echo.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = echo.accept().await {
            let (mut from, mut to) = stream.split();
            let _ = tokio::io::copy(&mut from, &mut to).await;
        }
    });
    let forward = Forward::start(&[Scheme::Ntlm], false).await;
    for (client, legs) in [
        (builder().build(), &[][..]),
        (
            builder().proxy(through(&forward, "alice")).build(),
            &["CONNECT -", "CONNECT NTLM 1", "CONNECT NTLM 3"],
        ),
    ] {
        let mut tunnel = client.connect_tunnel("localhost", port).await.unwrap();
        tunnel.write_all(b"neither HTTP nor TLS").await.unwrap();
        tunnel.shutdown().await.unwrap();
        let mut text = String::new();
        tunnel.read_to_string(&mut text).await.unwrap();
        assert_eq!(
            (text.as_str(), forward.take()),
            ("neither HTTP nor TLS", legs.iter().map(ToString::to_string).collect())
        );
    }
    let wrong =
        Proxy::new(&forward.url()).unwrap().with_login(Login::new(credentials("alice", "")));
    let tunnel = builder().proxy(wrong).build().connect_tunnel("localhost", port).await;
    assert!(matches!(&tunnel, Err(Error::Tunnel { .. })), "{tunnel:?}");
    let tunnel = builder().build().connect_tunnel("a b", port).await;
    assert!(matches!(&tunnel, Err(Error::Url(_))), "{tunnel:?}");
}
