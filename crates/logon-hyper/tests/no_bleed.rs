//! An identity never appears on a request that did not earn it: real connections, one after the
//! other, pipelined, shared by a proxy, and over HTTP/2. `tests/no_bleed.rs` of the core draws
//! its interleavings at random; here are the ways by which they reach it.

mod common;

use axum::Router;
use axum::routing::any;
use common::tls::{Certificate, config, connect};
use common::{Answered, Client, PASSWORD, Users, first_token};
use logon::http::{BasicConfig, ConnectionConfig, Scheme, Scope, format_token, parse_token};
use logon::{
    AcceptorConfig, ChannelBindings, Credential, Initiator, InitiatorConfig, InitiatorStep,
    ServerNames, TargetName,
};
use logon_hyper::rustls::version::TLS13;
use logon_hyper::{Server, Tls};
use logon_tower::{Gate, Immediate, LoggedOn, LogonLayer};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// A server whose application says who a request is from: `-` for nobody.
async fn serve(persistent: bool, tls: Option<Tls>) -> SocketAddr {
    let acceptor = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    let mut config = ConnectionConfig::new(Arc::new(acceptor));
    config.basic = Some(BasicConfig::new("no bleed").unwrap());
    config.persistent = persistent;
    // Failures are many here, and on purpose.
    let gate = Gate::new(config, Immediate(Users)).throttle(None);
    let layer = LogonLayer::of(gate);
    let whoami = |user: Option<LoggedOn>| async move {
        user.map_or_else(|| "-".to_owned(), |user| user.identity().to_string())
    };
    let all = [Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic];
    let app = Router::new()
        .route("/", any(whoami).layer(layer.clone().scope(Scope::required(&all))))
        .route("/optional", any(whoami).layer(layer.scope(Scope::optional(&all))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = Server::new(app);
    if let Some(tls) = tls {
        server = server.tls(tls);
    }
    tokio::spawn(server.serve(listener, std::future::pending()));
    address
}

/// A client's half of a handshake.
struct Handshake {
    scheme: Scheme,
    initiator: Initiator,
}

impl Handshake {
    /// With the credentials of the first leg.
    fn begin(scheme: Scheme, user: &str, password: &str) -> (Self, String) {
        let credential = Credential::password(&format!(r"CORP\{user}"), password);
        let config = Arc::new(InitiatorConfig::with_os(credential));
        let (target, bindings) = (TargetName::http("x"), ChannelBindings::none());
        let initiator = match scheme {
            Scheme::Ntlm => Initiator::ntlm(config, target, bindings),
            _ => Initiator::negotiate(config, target, bindings),
        };
        let mut token = Vec::new();
        let InitiatorStep::Continue(initiator) = initiator.step(None, &mut token).unwrap() else {
            panic!("complete after one leg")
        };
        (Self { scheme, initiator }, format_token(scheme, &token))
    }

    /// The credentials of the second leg, if the answer to the first has a challenge.
    fn prove(self, answered: &Answered) -> Option<String> {
        let mut tokens = answered.challenges.iter().filter_map(|value| {
            parse_token(self.scheme, value.as_bytes()).unwrap().filter(|token| !token.is_empty())
        });
        let challenge = tokens.next()?;
        let mut token = Vec::new();
        let _ = self.initiator.step(Some(&challenge), &mut token).unwrap();
        Some(format_token(self.scheme, &token))
    }
}

/// A request for `/`; no credentials if they are empty.
fn request(credentials: &str) -> String {
    let field = match credentials {
        "" => String::new(),
        value => format!("Authorization: {value}\r\n"),
    };
    format!("GET / HTTP/1.1\r\nHost: x\r\n{field}\r\n")
}

/// Sends all of them in one piece; the user or the status of each.
async fn pipeline(client: &mut Client, credentials: &[&str]) -> Vec<String> {
    let requests: String = credentials.iter().map(|value| request(value)).collect();
    client.0.write_all(requests.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    for _ in credentials {
        let answered = client.read().await;
        seen.push(match answered.status {
            200 => answered.body,
            status => status.to_string(),
        });
    }
    seen
}

/// The proof of a user, whose challenge has just been sent to `client`.
async fn challenged(client: &mut Client, scheme: Scheme, user: &str, password: &str) -> String {
    let (handshake, first) = Handshake::begin(scheme, user, password);
    let answered = client.get(&format!("Authorization: {first}\r\n")).await;
    handshake.prove(&answered).unwrap()
}

const ALICE: &str = r"CORP\alice";
const BOB: &str = r"CORP\bob";

// H-08
#[tokio::test]
async fn pipelined_requests_are_from_whom_the_connection_has_last_heard() {
    for scheme in Scheme::INTEGRATED {
        let first = format_token(Scheme::Ntlm, &first_token());
        let address = serve(true, None).await;
        let client = &mut Client::connect(address).await;
        let alice = challenged(client, scheme, "alice", PASSWORD).await;
        let seen = pipeline(client, &[&alice, "", "", "Bearer x", ""]).await;
        assert_eq!(seen, [ALICE, ALICE, ALICE, "401", "401"]);

        // A proof that was used up proves nothing, and ends what it once began.
        let client = &mut Client::connect(address).await;
        let alice = challenged(client, scheme, "alice", PASSWORD).await;
        assert_eq!(pipeline(client, &[&alice, "", &alice, ""]).await, [ALICE, ALICE, "401", "401"]);

        // Whoever begins anew is nobody, until it is proven; another's proof is used up.
        let bob = challenged(client, scheme, "bob", PASSWORD).await;
        let seen = pipeline(client, &[&bob, "", &first, "", &bob, &alice, ""]).await;
        assert_eq!(seen, [BOB, BOB, "401", "401", "401", "401", "401"]);

        // A request in between ends the handshake that it does not belong to.
        let alice = challenged(client, scheme, "alice", PASSWORD).await;
        assert_eq!(pipeline(client, &["", &alice, ""]).await, ["401"; 3]);
        let bob = challenged(client, scheme, "bob", "wrong").await;
        assert_eq!(pipeline(client, &[&bob, "", ""]).await, ["401"; 3]);
    }
}

#[tokio::test]
async fn a_password_proves_one_request() {
    let address = serve_over_tls(false).await;
    let mut client = connect(address, &Arc::new(config(&[&TLS13])), "web.example").await;
    for (credentials, name) in [(BASIC_ALICE, ALICE), (BASIC_BOB, BOB)] {
        let answered = client.get(&format!("Authorization: {credentials}\r\n")).await;
        assert_eq!((answered.status, answered.body.as_str()), (200, name));
        assert_eq!(client.get("").await.status, 401);
    }
}

/// `CORP\alice:S3cret!pw`
const BASIC_ALICE: &str = "Basic Q09SUFxhbGljZTpTM2NyZXQhcHc=";
/// `CORP\bob:S3cret!pw`
const BASIC_BOB: &str = "Basic Q09SUFxib2I6UzNjcmV0IXB3";

async fn serve_over_tls(http2: bool) -> SocketAddr {
    let certificate = Certificate::make();
    let tls = Tls::new(certificate.chain(), certificate.key()).unwrap();
    serve(true, Some(if http2 { tls.http2() } else { tls })).await
}

#[tokio::test]
async fn a_failed_logon_leaves_nobody_behind() {
    let address = serve(true, None).await;
    for scheme in Scheme::INTEGRATED {
        let client = &mut Client::connect(address).await;
        for user in ["alice", "bob"] {
            let alice = challenged(client, scheme, "alice", PASSWORD).await;
            assert_eq!(pipeline(client, &[&alice, ""]).await, [ALICE, ALICE]);
            let wrong = challenged(client, scheme, user, "wrong").await;
            assert_eq!(pipeline(client, &[&wrong, "", ""]).await, ["401"; 3]);
        }
        let out_of_reach = challenged(client, scheme, "down", PASSWORD).await;
        assert_eq!(pipeline(client, &[&out_of_reach]).await, ["503"]);
    }
}

// H-08: what a table by address and port would get wrong.
#[tokio::test]
async fn who_comes_from_the_same_port_is_somebody_new() {
    let address = serve(true, None).await;
    let mut port = 0;
    for round in 0..20 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        // Closed with a reset, the port is free again at once.
        socket.set_zero_linger().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
        port = socket.local_addr().unwrap().port();
        let client = &mut Client::over(socket.connect(address).await.unwrap());
        assert_eq!(pipeline(client, &["", ""]).await, ["401", "401"]);
        let (user, name) = [("alice", ALICE), ("bob", BOB)][round % 2];
        // Every third leaves in the middle of a handshake.
        let proof = challenged(client, Scheme::Ntlm, user, PASSWORD).await;
        if round % 3 != 0 {
            assert_eq!(pipeline(client, &[&proof, ""]).await, [name, name]);
        }
    }
}

/// A proxy that sends the requests of all its clients over whichever connection is free.
struct PoolingProxy {
    server: SocketAddr,
    /// What it adds to each request.
    field: &'static str,
    idle: Mutex<Vec<Client>>,
}

impl PoolingProxy {
    async fn new(server: SocketAddr, field: &'static str) -> Arc<Self> {
        let mut idle = Vec::new();
        for _ in 0..3 {
            idle.push(Client::connect(server).await);
        }
        Arc::new(Self { server, field, idle: Mutex::new(idle) })
    }

    async fn get(&self, credentials: &str) -> Answered {
        let free = self.idle.lock().await.pop();
        let mut connection = match free {
            Some(connection) => connection,
            None => Client::connect(self.server).await,
        };
        let credentials = match credentials {
            "" => String::new(),
            value => format!("Authorization: {value}\r\n"),
        };
        let headers = format!("{}{credentials}", self.field);
        let answered = connection.send("GET", "/optional", &headers, b"").await;
        let mut idle = self.idle.lock().await;
        if !answered.closes && idle.len() < 3 {
            // The one that was used longest ago comes next.
            idle.insert(0, connection);
        }
        answered
    }
}

/// What two users and nobody saw through a proxy.
#[derive(Debug, Default)]
struct Seen {
    /// Requests that were said to be from whom they had proven to be from.
    own: usize,
    anonymous: usize,
    refused: usize,
    /// Requests that were said to be from somebody without a proof, or from another.
    crossed: usize,
}

/// Twelve clients of a proxy, each with thirty turns.
async fn behind(proxy: &Arc<PoolingProxy>) -> Seen {
    let mut clients = JoinSet::new();
    for number in 0..12_usize {
        let proxy = Arc::clone(proxy);
        clients.spawn(async move {
            let mut seen = Seen::default();
            let user = [Some(("alice", ALICE)), Some(("bob", BOB)), None][number % 3];
            for turn in 0..30 {
                let scheme = Scheme::INTEGRATED[(number + turn) % 2];
                let Some((user, name)) = user.filter(|_| turn % 3 != 2) else {
                    seen.judge(&proxy.get("").await, None);
                    continue;
                };
                let right = turn % 5 != 4;
                let password = if right { PASSWORD } else { "wrong" };
                let (handshake, first) = Handshake::begin(scheme, user, password);
                let answered = proxy.get(&first).await;
                seen.judge(&answered, None);
                let Some(proof) = handshake.prove(&answered) else { continue };
                seen.judge(&proxy.get(&proof).await, right.then_some(name));
            }
            seen
        });
    }
    let mut all = Seen::default();
    for seen in clients.join_all().await {
        all.own += seen.own;
        all.anonymous += seen.anonymous;
        all.refused += seen.refused;
        all.crossed += seen.crossed;
    }
    all
}

impl Seen {
    /// `proven`: whom this very request proves, if nobody comes in between.
    fn judge(&mut self, answered: &Answered, proven: Option<&str>) {
        match (answered.status, answered.body.as_str()) {
            (200, "-") => self.anonymous += 1,
            (200, name) if Some(name) == proven => self.own += 1,
            (200, _) => self.crossed += 1,
            (401, _) => self.refused += 1,
            (status, _) => panic!("{status}"),
        }
    }
}

/// Logons one at a time, so that both legs meet on one connection.
async fn alone(proxy: &PoolingProxy, user: &str) -> Answered {
    let only = proxy.idle.lock().await.pop();
    *proxy.idle.lock().await = only.into_iter().collect();
    let (handshake, first) = Handshake::begin(Scheme::Ntlm, user, PASSWORD);
    let answered = proxy.get(&first).await;
    proxy.get(&handshake.prove(&answered).unwrap()).await
}

// H-08
#[tokio::test]
async fn clients_of_a_pooling_proxy_that_names_itself_are_never_mixed_up() {
    for field in ["Via: 1.1 proxy\r\n", "X-Forwarded-For: 192.0.2.1\r\n"] {
        let proxy = PoolingProxy::new(serve(true, None).await, field).await;
        let seen = behind(&proxy).await;
        assert_eq!(seen.crossed, 0, "{seen:?}");
        assert!(seen.anonymous > 0 && seen.refused > 0, "{seen:?}");
        // A logon whose legs meet counts, for its own request.
        assert_eq!(alone(&proxy, "bob").await.body, BOB);
        assert_eq!(proxy.get("").await.body, "-");
    }
}

// H-08
#[tokio::test]
async fn a_logon_ends_when_its_connection_turns_out_to_be_shared() {
    let client = &mut Client::connect(serve(true, None).await).await;
    let alice = challenged(client, Scheme::Ntlm, "alice", PASSWORD).await;
    assert_eq!(pipeline(client, &[&alice, ""]).await, [ALICE, ALICE]);
    assert_eq!(client.get("Via: 1.1 proxy\r\n").await.status, 401);
    assert_eq!(client.get("").await.status, 401);
}

// H-08, HS-10
#[tokio::test]
async fn clients_of_a_pooling_proxy_that_hides_are_never_mixed_up_if_no_logon_lasts() {
    let address = serve(false, None).await;
    let client = &mut Client::connect(address).await;
    let alice = challenged(client, Scheme::Negotiate, "alice", PASSWORD).await;
    assert_eq!(pipeline(client, &[&alice, ""]).await, [ALICE, "401"]);

    let proxy = PoolingProxy::new(address, "").await;
    let seen = behind(&proxy).await;
    assert_eq!(seen.crossed, 0, "{seen:?}");
    assert!(seen.anonymous > 0 && seen.refused > 0, "{seen:?}");
    assert_eq!(alone(&proxy, "alice").await.body, ALICE);
    assert_eq!(proxy.get("").await.body, "-");
}

// What the documentation warns of, and what shows that the tests above would notice.
#[tokio::test]
async fn a_pooling_proxy_that_hides_from_a_server_that_is_not_told_mixes_its_clients_up() {
    let proxy = PoolingProxy::new(serve(true, None).await, "").await;
    assert_eq!(alone(&proxy, "alice").await.body, ALICE);
    assert_eq!(proxy.get("").await.body, ALICE, "whoever asks next");
}

// H-08: streams of one connection have nothing in common.
#[tokio::test]
async fn streams_of_one_http_2_connection_are_each_from_whom_they_say() {
    let address = serve_over_tls(true).await;
    let mut config = config(&[&TLS13]);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut alice = connect(address, &Arc::new(config.clone()), "web.example").await;
    let bindings = alice.bindings();
    let logged_on = alice.log_on_bound(Scheme::Ntlm, "alice", PASSWORD, bindings).await;
    assert_eq!(logged_on.status, 200, "{logged_on:?}");

    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = connect(address, &Arc::new(config), "web.example").await.0.into_inner();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let first = format_token(Scheme::Ntlm, &first_token());
    let mut streams = JoinSet::new();
    for number in 0..60 {
        let mut client = client.clone().ready().await.unwrap();
        let (credentials, expected) =
            [(BASIC_ALICE, Some(ALICE)), (BASIC_BOB, Some(BOB)), ("", Some("-")), (&first, None)]
                [number % 4];
        let mut request = axum::http::Request::get("https://web.example/optional");
        if !credentials.is_empty() {
            request = request.header("authorization", credentials);
        }
        let sent = client.send_request(request.body(()).unwrap(), true).unwrap().0;
        streams.spawn(async move {
            let Some(expected) = expected else {
                let reset = sent.await.unwrap_err();
                assert_eq!(reset.reason(), Some(h2::Reason::HTTP_1_1_REQUIRED));
                return;
            };
            let mut body = sent.await.unwrap().into_body();
            let mut text = Vec::new();
            while let Some(bytes) = body.data().await {
                text.extend_from_slice(&bytes.unwrap());
            }
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        });
    }
    streams.join_all().await;
    assert_eq!(alice.get("").await.body, ALICE);
}
