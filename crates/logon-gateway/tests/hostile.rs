//! Requests that are wrong, or meant to look different to the gateway and to the application.

#![cfg(unix)]

mod support;

use logon::http::Scheme;
use std::time::{Duration, Instant};
use support::{Client, Echo, Gateway, LISTEN, Logon, PASSWORD};

const ALICE: &str = r"CORP\alice";

/// What no request may get through to the application.
const SMUGGLED: &str = "smuggled";

/// A gateway with guests at `/`, users at `/users`, and its application.
struct Site {
    gateway: Gateway,
    application: Echo,
}

impl Site {
    async fn start() -> Self {
        Self::with("").await
    }

    async fn with(rest: &str) -> Self {
        let application = Echo::start();
        let routes = "[logon]\nrequirement = \"off\"\n\
                      [[route]]\npath = \"/users\"\nrequirement = \"required\"\n";
        let config = format!("{}{LISTEN}{routes}{rest}", application.line());
        Self { gateway: Gateway::start(&config).await, application }
    }

    /// The status of the answer to bytes on a connection of their own; `None` if it is closed
    /// without one.
    async fn raw(&self, bytes: &[u8]) -> Option<u16> {
        let mut client = Client::connect(self.gateway.address(0)).await;
        client.write(bytes).await;
        client.read().await.map(|answered| answered.status)
    }

    /// The same on the connection of somebody who has logged on.
    async fn raw_logged_on(&self, bytes: &[u8]) -> Option<u16> {
        let mut client = Client::connect(self.gateway.address(0)).await;
        assert_eq!(client.log_on(Scheme::Ntlm, "/users", ALICE).await.status, 200);
        client.write(bytes).await;
        client.read().await.map(|answered| answered.status)
    }

    /// The same gateway still serves guests and users, and nothing was smuggled past it.
    async fn is_well(&mut self, after: &str) {
        assert!(self.gateway.is_running(), "{after}");
        let mut client = Client::connect(self.gateway.address(0)).await;
        let seen = client.get("/well").await.seen();
        assert_eq!(seen.line, "GET /well HTTP/1.1", "{after}");
        let answered = client.log_on(Scheme::Negotiate, "/users", ALICE).await;
        assert_eq!(answered.user().as_deref(), Some(ALICE), "{after}");
        let text = self.application.text();
        assert!(!text.contains(SMUGGLED), "{after}: {text}");
        let log = self.gateway.log();
        assert!(!log.contains("panicked"), "{after}: {log}");
    }
}

/// A request of HTTP/1.1 whose fields after `Host` are these.
fn request(fields: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: web.corp.example\r\n{fields}\r\n").into_bytes()
}

#[tokio::test]
async fn too_much_head_is_refused_in_every_form() {
    let mut site = Site::start().await;
    let bombs = [
        ("a long field", request(&format!("X: {}\r\n", "x".repeat(300_000)))),
        ("many fields", request(&"X: y\r\n".repeat(5_000))),
        ("a long name", request(&format!("{}: y\r\n", "x".repeat(300_000)))),
        ("a long target", format!("GET /{} HTTP/1.1\r\n", "x".repeat(300_000)).into_bytes()),
        ("no end", format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(300_000)).into_bytes()),
        ("no line", vec![b'G'; 300_000]),
        ("blank lines", b"\r\n".repeat(100_000)),
    ];
    for (what, bytes) in bombs {
        let status = site.raw(&bytes).await;
        assert!(matches!(status, Some(400 | 414 | 431) | None), "{what}: {status:?}");
        site.is_well(what).await;
    }
    assert_eq!(site.raw(&request(&format!("X: {}\r\n", "x".repeat(300_000)))).await, Some(431));
    // What is large and still within the limit gets through.
    assert_eq!(site.raw(&request(&format!("X: {}\r\n", "x".repeat(30_000)))).await, Some(200));
}

#[tokio::test]
async fn tokens_that_are_too_long_or_nonsense_are_refused() {
    let mut site = Site::start().await;
    let address = site.gateway.address(0);
    let status = async |value: &str| {
        let mut client = Client::connect(address).await;
        client.get_with("/users", &[("Authorization", value)]).await.status
    };
    for scheme in ["NTLM", "Negotiate"] {
        // As much as a logon by Kerberos with many groups needs is looked at, and not more.
        for (length, expected) in [(100_000, 431), (64_000, 401)] {
            let value = format!("{scheme} {}", "QUFB".repeat(length / 4));
            assert_eq!(status(&value).await, expected, "{scheme} {length}");
        }
        // A wrong token fails; what is none, or no base64, is no request.
        assert_eq!(status(scheme).await, 400);
        for token in ["TlRM", "AAAA", "TlRMTVNTUAADAAAA", "TlRMTVNTUAABAAAA"] {
            let value = format!("{scheme} {token}");
            assert_eq!(status(&value).await, 401, "{value}");
        }
        for token in ["%%%%", "TlRM TlRM", "TlRMTVNTUAABAAA", "TlRM,TlRM"] {
            let value = format!("{scheme} {token}");
            assert_eq!(status(&value).await, 400, "{value}");
        }
        site.is_well(scheme).await;
    }
    for (value, expected) in [("", 400), ("=====", 400), ("Negotiate,NTLM", 400), ("Bearer x", 401)]
    {
        assert_eq!(status(value).await, expected, "{value:?}");
    }
    site.is_well("nonsense").await;
}

#[tokio::test]
async fn a_length_that_can_be_read_in_two_ways_is_refused() {
    let mut site = Site::start().await;
    let inner = format!("GET /{SMUGGLED} HTTP/1.1\r\nHost: x\r\n\r\n");
    let chunked = format!("0\r\n\r\n{inner}");
    // Both lengths: the chunks count, and the connection ends there (RFC 9112 §6.1).
    let length = format!("Content-Length: {}\r\n", chunked.len());
    let coding = "Transfer-Encoding: chunked\r\n";
    for head in [
        format!("{length}{coding}"),
        format!("{coding}{length}"),
        format!("{length}{coding}{length}"),
    ] {
        let mut client = Client::connect(site.gateway.address(0)).await;
        assert_eq!(client.log_on(Scheme::Ntlm, "/users", ALICE).await.status, 200);
        let request = format!("POST /both HTTP/1.1\r\nHost: x\r\n{head}\r\n{chunked}");
        client.write(request.as_bytes()).await;
        if let Some(answered) = client.read().await.filter(|answered| answered.status != 400) {
            let seen = answered.seen();
            assert_eq!((seen.all("content-length").len(), seen.body), (0, b"0\r\n\r\n".to_vec()));
            assert!(client.is_closed().await, "{head:?}");
        }
        site.is_well(&head).await;
    }
    let heads = [
        "Content-Length: 0\r\nContent-Length: 5\r\n".to_owned(),
        "Content-Length: 0, 5\r\n".to_owned(),
        "Content-Length: +5\r\n".to_owned(),
        "Content-Length: -1\r\n".to_owned(),
        "Content-Length: 0x5\r\n".to_owned(),
        "Content-Length: 99999999999999999999999\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding: identity\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
        "Transfer-Encoding: \x0bchunked\r\n".to_owned(),
        "Content-Length : 5\r\n".to_owned(),
    ];
    for head in heads {
        for logged_on in [false, true] {
            let mut bytes =
                format!("POST / HTTP/1.1\r\nHost: web.corp.example\r\n{head}\r\n").into_bytes();
            bytes.extend_from_slice(chunked.as_bytes());
            let status = match logged_on {
                false => site.raw(&bytes).await,
                true => site.raw_logged_on(&bytes).await,
            };
            assert!(matches!(status, Some(400 | 411 | 501) | None), "{head:?}: {status:?}");
            site.is_well(&head).await;
        }
    }
    // HTTP/1.0 knows no chunks.
    let bytes = format!("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}");
    site.raw(bytes.as_bytes()).await;
    site.is_well("chunks in HTTP/1.0").await;
}

#[tokio::test]
async fn chunks_that_are_wrong_end_the_connection() {
    let mut site = Site::start().await;
    let inner = format!("GET /{SMUGGLED} HTTP/1.1\r\nHost: x\r\n\r\n");
    let bodies = [
        format!("zz\r\n{inner}"),
        format!("ffffffffffffffffff\r\n{inner}"),
        format!("-1\r\n{inner}"),
        format!("1\r\nxx{inner}"),
        format!("1\nx\n0\n\n{inner}"),
        format!("1;{}\r\nx\r\n0\r\n\r\n{inner}", "e".repeat(100_000)),
    ];
    for body in bodies {
        let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let status = site.raw(format!("{head}{body}").as_bytes()).await;
        assert_ne!(status, Some(200), "{body:.40}");
        site.is_well(&format!("{body:.40}")).await;
    }
}

#[tokio::test]
async fn a_request_behind_another_is_a_request_of_its_own() {
    let mut site = Site::start().await;
    // Pipelined, and in the body: the one is asked to log on, the other is a body.
    let mut client = Client::connect(site.gateway.address(0)).await;
    let inner = format!("GET /users/{SMUGGLED} HTTP/1.1\r\nHost: x\r\n\r\n");
    client.write(format!("GET / HTTP/1.1\r\nHost: x\r\n\r\n{inner}").as_bytes()).await;
    assert_eq!(client.read().await.unwrap().status, 200);
    assert_eq!(client.read().await.unwrap().status, 401);
    site.is_well("pipelined").await;

    let inner = "GET /users/inner HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut client = Client::connect(site.gateway.address(0)).await;
    let answered = client.send("POST", "/", &[], inner.as_bytes()).await;
    assert_eq!(answered.seen().body, inner.as_bytes());
    assert_eq!(client.get("/users").await.status, 401);
}

#[tokio::test]
async fn fields_that_are_none_are_refused() {
    let mut site = Site::start().await;
    let fields: [&[u8]; 12] = [
        b"X: a\r\n folded: b\r\n",
        b"X: a\r\n\tX-Remote-User: mallory\r\n",
        b"X: a\rX-Remote-User: mallory\r\n",
        b"X: a\r X-Remote-User: mallory\r\n",
        b"X: a\0b\r\n",
        b"X: a\x01b\r\n",
        b"X: a\x7fb\r\n",
        b"X-Remote-User : mallory\r\n",
        b" X-Remote-User: mallory\r\n",
        b"X-Remote\0-User: mallory\r\n",
        b"no colon\r\n",
        b": no name\r\n",
    ];
    for field in fields {
        let name = String::from_utf8_lossy(field).into_owned();
        let mut bytes = b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec();
        bytes.extend_from_slice(field);
        bytes.extend_from_slice(b"\r\n");
        assert_eq!(site.raw(&bytes).await, Some(400), "{name:?}");
        assert!(!site.application.text().contains("mallory"), "{name:?}");
        site.is_well(&name).await;
    }
    // A line that ends in LF alone is a line for some: it is refused, or it is one here too.
    let bytes = b"GET / HTTP/1.1\r\nHost: x\r\nX: a\nX-Remote-User: mallory\r\n\r\n";
    let status = site.raw(bytes).await;
    assert!(matches!(status, Some(200 | 400)), "{status:?}");
    assert!(!site.application.text().contains("mallory"));
    site.is_well("LF").await;
}

#[tokio::test]
async fn a_host_that_is_not_one_host_is_refused() {
    let mut site = Site::start().await;
    let heads = [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n",
        "GET / HTTP/1.1\r\nHost: a:b\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n",
        "GET http://user:pw@a.example/ HTTP/1.1\r\nHost: a.example\r\n",
    ];
    for head in heads {
        let before = site.application.text().len();
        for fields in ["", "X-Remote-User: mallory\r\n"] {
            let status = site.raw(format!("{head}{fields}\r\n").as_bytes()).await;
            assert_eq!(status, Some(400), "{head:?}");
        }
        assert_eq!(site.application.text().len(), before, "{head:?}");
        site.is_well(head).await;
    }
    // The same host twice, in the target and the field, is one; and it decides.
    let mut client = Client::connect(site.gateway.address(0)).await;
    client.write(b"GET http://a.example/x HTTP/1.1\r\nHost: A.example\r\n\r\n").await;
    let seen = client.read().await.unwrap().seen();
    assert_eq!(seen.line, "GET /x HTTP/1.1");
    assert_eq!(seen.one("host").to_ascii_lowercase(), "a.example");
    client.write(b"GET http://a.example/users HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    assert_eq!(client.read().await.unwrap().status, 401);
}

#[tokio::test]
async fn methods_for_proxies_and_debuggers_are_not_served() {
    let mut site = Site::start().await;
    let mut client = Client::connect(site.gateway.address(0)).await;
    assert_eq!(client.send("TRACE", "/", &[], b"").await.status, 405);
    // It leads anywhere, so strangers are asked who they are; it is not done for anybody.
    let connect = b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n";
    assert_eq!(site.raw(connect).await, Some(401));
    assert_eq!(site.raw_logged_on(connect).await, Some(405));
    let status = site.raw(b"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(matches!(status, Some(400 | 405)), "{status:?}");
    assert!(!site.application.text().contains("TRACE"));
    assert!(!site.application.text().contains("CONNECT"));
    for line in [
        "GET /",
        "GET  / HTTP/1.1",
        "GET / HTTP/3.7",
        "G\0T / HTTP/1.1",
        "GET / /x HTTP/1.1",
        "GET x y HTTP/1.1",
    ] {
        let status = site.raw_logged_on(format!("{line}\r\nHost: x\r\n\r\n").as_bytes()).await;
        assert!(matches!(status, Some(400 | 505) | None), "{line}: {status:?}");
    }
    // The form of CONNECT with another method: it may be anything, and is at most the root.
    let bytes = b"GET x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n";
    assert!(matches!(site.raw(bytes).await, Some(400 | 401)));
    let mut client = Client::connect(site.gateway.address(0)).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "/users", ALICE).await.status, 200);
    client.write(bytes).await;
    let answered = client.read().await.unwrap();
    assert!(answered.status == 400 || answered.seen().line == "GET / HTTP/1.1", "{answered:?}");
    // Another protocol altogether.
    let status = site.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_ne!(status, Some(200));
    site.is_well("methods").await;
}

#[tokio::test]
async fn whoever_is_slow_is_given_up_and_others_are_served() {
    let limits = "[limits]\nrequest_head = \"700ms\"\nbody_stall = \"700ms\"\n";
    let mut site = Site::with(limits).await;
    let address = site.gateway.address(0);
    let begin = Instant::now();
    let mut head = Client::connect(address).await;
    head.write(b"GET / HTTP/1.1\r\nHost: x\r\n").await;
    let mut nothing = Client::connect(address).await;
    let mut body = Client::connect(address).await;
    body.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc").await;
    let mut user = Client::connect(address).await;
    let first = Logon::new(Scheme::Ntlm, ALICE, PASSWORD).first();
    let request = format!(
        "POST /users HTTP/1.1\r\nHost: x\r\nAuthorization: {first}\r\nContent-Length: 100\r\n\r\nabc"
    );
    user.write(request.as_bytes()).await;
    // One byte at a time is slow, too.
    let mut dripping = Client::connect(address).await;
    let dripping = tokio::spawn(async move {
        for byte in b"GET / HTTP/1.1\r\nHost: x\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyy".chunks(1) {
            dripping.write(byte).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        dripping.read().await.map(|answered| answered.status)
    });
    site.is_well("slow ones").await;
    for (what, client) in [("head", &mut head), ("nothing", &mut nothing)] {
        let answered = client.read().await.map(|answered| answered.status);
        assert!(matches!(answered, Some(408) | None), "{what}: {answered:?}");
    }
    let answered = body.read().await.map(|answered| answered.status);
    assert!(matches!(answered, Some(408 | 400 | 502) | None), "body: {answered:?}");
    // The challenge may have been sent before the body was waited for; the connection ends.
    if user.read().await.is_some_and(|answered| answered.status == 401) {
        assert!(user.is_closed().await);
    }
    let answered = dripping.await.unwrap();
    assert!(matches!(answered, Some(408) | None), "dripping: {answered:?}");
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    site.is_well("slow ones that are gone").await;
}

#[tokio::test]
async fn many_connections_from_one_address_are_limited_and_the_rest_is_served() {
    let mut site = Site::with("[limits]\nconnections_per_address = 20\n").await;
    let address = site.gateway.address(0);
    let mut open = Vec::new();
    for _ in 0..20 {
        let mut client = Client::connect(address).await;
        assert_eq!(client.get("/").await.status, 200);
        open.push(client);
    }
    let mut more = Client::connect(address).await;
    assert!(more.try_send("GET", "/", &[], b"").await.is_none_or(|it| it.status == 503));
    let elsewhere = "127.0.0.9".parse().unwrap();
    let mut other = Client::connect_from(elsewhere, address).await;
    assert_eq!(other.get("/").await.status, 200);
    assert_eq!(open[0].get("/").await.status, 200);
    drop(open);
    let begin = Instant::now();
    while Client::connect(address).await.try_send("GET", "/", &[], b"").await.is_none() {
        assert!(begin.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    site.is_well("a crowd").await;
}
