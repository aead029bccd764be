//! A request never bears the name of somebody who has not sent it. Many connections at once, over
//! few connections to the applications, each on a path drawn at random: who logs on when, who
//! fails, who leaves in between, who comes back. The application says whom it was told.
//!
//! Interleavings differ from run to run, what each connection does is drawn from a seed:
//! `NO_BLEED_SEED=7 cargo test -p logon-gateway --test no_bleed`.

#![cfg(unix)]

mod support;

use logon::http::Scheme;
use std::net::SocketAddr;
use std::sync::Arc;
use support::{
    Answered, Authority, Client, Client2, Echo, Folder, Gateway, Http2, LISTEN, Logon, PASSWORD,
    Seen, basic,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

const HOST: &str = "web.corp.example";
const USERS: [&str; 2] = [r"CORP\alice", r"CORP\bob"];
/// What the gateway says of who it is.
const NAMES: [&str; 4] = ["LOGON_USER", "REMOTE_USER", "AUTH_USER", "X-Remote-User"];

/// HTTP/1.1 without TLS, HTTP/1.1 with it, and HTTP/2.
const CONNECTIONS: [usize; 3] = [16, 8, 6];
/// What each of them does, besides the requests that a logon takes.
const STEPS: usize = 320;
/// Requests of which an application has to have said whom it was told.
const LEAST: usize = 20_000;

/// Numbers that look random (`SplitMix64`).
struct Random(u64);

impl Random {
    /// Below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// What has been seen.
#[derive(Debug, Default, Clone)]
struct Tally {
    /// By user.
    own: [usize; 2],
    guests: usize,
    refused: usize,
    /// Connections that were left, or closed by the gateway.
    connections: usize,
    over_http_2: usize,
    to_http_2: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.own.iter_mut().zip(other.own).for_each(|(all, its)| *all += its);
        self.guests += other.guests;
        self.refused += other.refused;
        self.connections += other.connections;
        self.over_http_2 += other.over_http_2;
        self.to_http_2 += other.to_http_2;
    }

    fn answered(&self) -> usize {
        self.own.iter().sum::<usize>() + self.guests
    }

    /// Holds an application's answer against who asked, and what.
    fn judge(&mut self, body: &[u8], path: &str, user: Option<&str>) {
        let seen = Seen::of(body);
        assert_eq!(target(&seen.line), path, "the answer to another request");
        for name in NAMES {
            assert_eq!(seen.all(name), Vec::from_iter(user), "{name} of {path}: {seen:#?}");
        }
        assert_eq!(seen.has("AUTH_TYPE"), user.is_some(), "{path}: {seen:#?}");
        assert!(!seen.has("authorization") || user.is_none(), "{path}: {seen:#?}");
        if seen.line.ends_with("HTTP/2.0") {
            self.to_http_2 += 1;
        }
        match user.and_then(|user| USERS.iter().position(|it| *it == user)) {
            Some(index) => self.own[index] += 1,
            None => self.guests += 1,
        }
    }
}

/// The path of a request line, which may have a whole URL.
fn target(line: &str) -> &str {
    let target = line.split(' ').nth(1).unwrap_or_default();
    match target.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/').unwrap_or(rest.len())..],
        None => target,
    }
}

/// Where clients connect to.
#[derive(Clone)]
struct Way {
    address: SocketAddr,
    tls: Option<Arc<logon_hyper::rustls::ClientConfig>>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Way {
    async fn connect(&self) -> Client<Box<dyn Stream>> {
        match &self.tls {
            None => Client::connect(self.address).await.map(|it| Box::new(it) as _),
            Some(tls) => {
                Client::connect_tls(self.address, tls, HOST).await.map(|it| Box::new(it) as _)
            }
        }
    }
}

/// One who goes a way of its own over connections of HTTP/1.1.
struct Walker {
    number: usize,
    way: Way,
    random: Random,
    client: Client<Box<dyn Stream>>,
    /// Who has logged on over the connection that is open.
    user: Option<&'static str>,
    requests: usize,
    tally: Tally,
}

impl Walker {
    async fn begin(number: usize, way: Way, seed: u64) -> Self {
        let random = Random(seed.wrapping_mul(1009).wrapping_add(number as u64));
        let client = way.connect().await;
        let tally = Tally::default();
        Self { number, way, random, client, user: None, requests: 0, tally }
    }

    async fn walk(mut self) -> Tally {
        for _ in 0..STEPS {
            match self.random.below(20) {
                0..=5 => self.ask().await,
                6..=9 => self.ask_ahead().await,
                10..=12 => self.log_on().await,
                13 => self.fail().await,
                14 => self.abandon().await,
                15 => self.bring_a_proof_from_elsewhere().await,
                16 => self.show_other_credentials().await,
                17 => self.say_the_password().await,
                18 => self.upload().await,
                _ => self.leave().await,
            }
        }
        self.tally
    }

    /// A path that nobody else asks for, at one of the applications.
    fn path(&mut self) -> String {
        self.requests += 1;
        let application = self.random.of(&["one", "one", "two"]);
        format!("/{application}/{}/{}", self.number, self.requests)
    }

    /// What a liar would add.
    fn lie(&mut self) -> Vec<(&'static str, &'static str)> {
        let other = USERS[usize::from(self.user == Some(USERS[0]))];
        match self.random.below(4) {
            0 => {
                vec![(self.random.of(&["X-Remote-User", "Remote-User", "http_logon_user"]), other)]
            }
            1 => vec![("Connection", "x-remote-user, logon_user")],
            _ => Vec::new(),
        }
    }

    async fn ask(&mut self) {
        let (path, lie) = (self.path(), self.lie());
        let answered = self.client.get_with(&path, &lie).await;
        self.answered(&answered, &path, self.user).await;
    }

    /// Several requests before the first answer.
    async fn ask_ahead(&mut self) {
        let paths: Vec<String> = (0..2 + self.random.below(6)).map(|_| self.path()).collect();
        let request = |path: &String| format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        let requests: String = paths.iter().map(request).collect();
        self.client.write(requests.as_bytes()).await;
        for path in paths {
            let answered = self.client.read().await.expect("an answer for each");
            self.answered(&answered, &path, self.user).await;
        }
    }

    /// The proof of a user, whose challenge has just been sent over this connection.
    async fn challenged(&mut self, user: &str, password: &str) -> String {
        let scheme = self.random.of(&Scheme::INTEGRATED);
        let mut logon = Logon::new(scheme, user, password).bound(self.client.bindings.clone());
        let (path, first) = (self.path(), logon.first());
        let answered = self.client.get_with(&path, &[("Authorization", &first)]).await;
        assert_eq!(answered.status, 401, "{answered:?}");
        self.tally.refused += 1;
        // Whoever begins anew is nobody until it is proven.
        self.user = None;
        logon.next(&answered)
    }

    async fn log_on(&mut self) {
        let user = self.random.of(&USERS);
        let proof = self.challenged(user, PASSWORD).await;
        let path = self.path();
        if self.random.one_in(2) {
            let answered = self.client.get_with(&path, &[("Authorization", &proof)]).await;
            self.user = Some(user);
            self.answered(&answered, &path, Some(user)).await;
            return;
        }
        // The next requests follow before the answer to the proof.
        let paths = [path, self.path(), self.path()];
        let fields = [format!("Authorization: {proof}\r\n"), String::new(), String::new()];
        let request = |(path, field): (&String, &String)| {
            format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{field}\r\n")
        };
        let requests: String = paths.iter().zip(&fields).map(request).collect();
        self.client.write(requests.as_bytes()).await;
        self.user = Some(user);
        for path in paths {
            let answered = self.client.read().await.expect("an answer for each");
            self.answered(&answered, &path, Some(user)).await;
        }
    }

    /// With a wrong password, the requests behind are nobody's.
    async fn fail(&mut self) {
        let user = self.random.of(&USERS);
        let proof = self.challenged(user, "wrong").await;
        self.refused(&proof).await;
    }

    async fn refused(&mut self, credentials: &str) {
        let path = self.path();
        let answered = self.client.get_with(&path, &[("Authorization", credentials)]).await;
        assert_eq!(answered.status, 401, "{answered:?}");
        self.tally.refused += 1;
        self.user = None;
        if answered.closes() {
            self.leave().await;
        }
        self.ask().await;
    }

    /// A first leg, and nothing behind it.
    async fn abandon(&mut self) {
        let user = self.random.of(&USERS);
        let proof = self.challenged(user, PASSWORD).await;
        self.ask().await;
        if self.random.one_in(2) {
            // Too late: another request came in between.
            self.refused(&proof).await;
        }
    }

    /// The challenge over one connection, the proof over another.
    async fn bring_a_proof_from_elsewhere(&mut self) {
        let user = self.random.of(&USERS);
        let proof = self.challenged(user, PASSWORD).await;
        self.leave().await;
        self.refused(&proof).await;
    }

    /// Of a scheme that is not the gateway's affair: they are the application's, and whoever was
    /// logged on is not the one who sends them.
    async fn show_other_credentials(&mut self) {
        let path = self.path();
        let answered = self.client.get_with(&path, &[("Authorization", "Bearer x")]).await;
        self.user = None;
        self.answered(&answered, &path, None).await;
    }

    /// A password proves its own request, unasked. Without TLS it is not taken.
    async fn say_the_password(&mut self) {
        let (path, user) = (self.path(), self.random.of(&USERS));
        let credentials = basic(user, PASSWORD);
        if self.way.tls.is_none() {
            self.refused_or_guest(&credentials).await;
            return;
        }
        let answered = self.client.get_with(&path, &[("Authorization", &credentials)]).await;
        self.user = None;
        self.answered(&answered, &path, Some(user)).await;
        self.refused(&basic(user, "wrong")).await;
    }

    async fn refused_or_guest(&mut self, credentials: &str) {
        let path = self.path();
        let answered = self.client.get_with(&path, &[("Authorization", credentials)]).await;
        self.user = None;
        match answered.status {
            200 => self.answered(&answered, &path, None).await,
            _ => {
                assert_eq!(answered.status, 401, "{answered:?}");
                self.tally.refused += 1;
                if answered.closes() {
                    self.leave().await;
                }
            }
        }
    }

    async fn upload(&mut self) {
        let path = self.path();
        let body = vec![b'x'; 1 + self.random.below(40_000)];
        let answered = self.client.send("POST", &path, &[], &body).await;
        if !path.starts_with("/two") {
            assert_eq!(answered.seen().body.len(), body.len());
        }
        self.answered(&answered, &path, self.user).await;
    }

    /// On to a new connection, at times in the middle of a request.
    async fn leave(&mut self) {
        if self.random.one_in(4) {
            let half = format!("GET {} HTTP/1.1\r\nHost: {HOST}\r\nX-Remote-User: x", self.path());
            self.client.write(half.as_bytes()).await;
        }
        self.client = self.way.connect().await;
        self.user = None;
        self.tally.connections += 1;
    }

    async fn answered(&mut self, answered: &Answered, path: &str, user: Option<&str>) {
        assert_eq!(answered.status, 200, "{path}: {}", answered.text());
        self.tally.judge(&answered.body, path, user);
        assert!(!answered.closes(), "{path}: {answered:?}");
    }
}

/// Streams of one connection have nothing in common.
async fn over_http_2(number: usize, way: Way, seed: u64) -> Tally {
    let mut random = Random(seed.wrapping_mul(2003).wrapping_add(number as u64));
    let mut tally = Tally::default();
    let tls = way.tls.clone().unwrap();
    let mut requests = 0;
    for _ in 0..STEPS / 16 {
        let client = Client2::connect(way.address, &tls, HOST).await;
        tally.connections += 1;
        let client = Arc::new(client);
        let mut streams = JoinSet::new();
        for _ in 0..64 {
            requests += 1;
            let path = format!("/{}/h2-{number}/{requests}", random.of(&["one", "two"]));
            let user = random.of(&[Some(USERS[0]), Some(USERS[1]), None]);
            let right = !random.one_in(8);
            let lie = random.of(&["x-remote-user", "remote_user", "x-kept"]);
            let client = Arc::clone(&client);
            streams.spawn(async move {
                let password = if right { PASSWORD } else { "wrong" };
                let credentials = user.map(|user| basic(user, password));
                let mut fields = vec![(lie, USERS[0])];
                fields.extend(credentials.iter().map(|it| ("authorization", it.as_str())));
                let answered = client.get(&path, &fields).await;
                (path, user, right || user.is_none(), answered)
            });
        }
        for (path, user, right, answered) in streams.join_all().await {
            if right {
                let answered = answered.unwrap();
                assert_eq!(answered.head.status, 200, "{path}");
                tally.judge(&answered.body, &path, user);
                tally.over_http_2 += 1;
            } else {
                // Where Negotiate is offered, clients are sent back to HTTP/1.1.
                let reason = answered.unwrap_err().reason();
                assert_eq!(reason, Some(h2::Reason::HTTP_1_1_REQUIRED), "{path}");
                tally.refused += 1;
            }
        }
    }
    tally
}

// PG-10, H-08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_never_bears_the_name_of_somebody_else() {
    let seed = std::env::var("NO_BLEED_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("NO_BLEED_SEED={seed}");
    let (first, second, http2) = (Echo::start(), Echo::start(), Http2::start());
    let authority = Authority::new();
    let folder = Folder::new();
    authority.certify(&[HOST]).save(&folder, "tls");
    let tls = "[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"tls.pem\"\n\
               key = \"tls.key\"\nhttp2 = true\n";
    let config = format!(
        "{LISTEN}{tls}\
         [logon]\nrequirement = \"optional\"\nschemes = [\"Negotiate\", \"NTLM\", \"Basic\"]\n\
         max_denials = 5\n\
         [logon.throttle]\nenabled = false\n\
         [upstreams.one]\nurls = [\"{}\", \"{}\"]\nmax_idle = 6\n\
         [upstreams.two]\nurls = [\"{}\"]\nhttp2 = true\n\
         [[route]]\npath = \"/one\"\nupstream = \"one\"\n\
         [[route]]\npath = \"/two\"\nupstream = \"two\"\n",
        first.url(),
        second.url(),
        http2.url()
    );
    let gateway = Gateway::start_in(folder, &config).await;
    let ways = [
        Way { address: gateway.address(0), tls: None },
        Way { address: gateway.address(1), tls: Some(authority.client()) },
        Way { address: gateway.address(1), tls: Some(authority.client2()) },
    ];
    let mut walkers = JoinSet::new();
    for (way, count) in ways.into_iter().zip(CONNECTIONS) {
        for _ in 0..count {
            let (number, way) = (walkers.len(), way.clone());
            if number >= CONNECTIONS[0] + CONNECTIONS[1] {
                walkers.spawn(over_http_2(number, way, seed));
            } else {
                walkers.spawn(async move { Walker::begin(number, way, seed).await.walk().await });
            }
        }
    }
    let mut tally = Tally::default();
    walkers.join_all().await.iter().for_each(|its| tally.add(its));
    println!("{tally:?}");
    assert!(tally.answered() >= LEAST, "{tally:?}");
    // Each kind was there often enough to meet the others.
    let kinds = [tally.own[0], tally.own[1], tally.guests, tally.refused, tally.connections];
    assert!(kinds.iter().all(|count| *count > 500), "{tally:?}");
    assert!(tally.over_http_2 > 2000 && tally.to_http_2 > 2000, "{tally:?}");
    // Connections to the applications are shared, or there is nothing to be seen here.
    let connections = first.received().len() + second.received().len();
    println!("{connections} connections to the applications of HTTP/1.1");
    assert!(connections * 4 < tally.answered() - tally.to_http_2, "{connections}: {tally:?}");
}
