//! Servers to log on to, and what they saw.
// Each test program uses its part.
#![allow(dead_code)]

pub(crate) mod forward;
pub(crate) mod script;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use http_body_util::BodyExt;
use logon::http::{
    Authentication, BasicConfig, ConnectionConfig, DigestConfig, Scheme, Scope, ThrottleConfig,
    parse_token,
};
use logon::kerberos::{Keytab, MemoryReplayCache, Service};
use logon::{AcceptorConfig, BindingsPolicy, FileTime, MicPolicy, Policy, ServerNames};
use logon_client::credentials::Credentials;
use logon_client::{Client, ClientBuilder, Login, Outcome, ResponseBody, Trust};
use logon_hyper::rustls::pki_types::PrivatePkcs8KeyDer;
use logon_hyper::{Server, Tls};
use logon_tower::{Connection, Gate, Immediate, LogonLayer};
use logon_users::MemoryStore;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

pub(crate) const PASSWORD: &str = "S3cret!pw";

/// alice, bob and carol, with one password.
pub(crate) fn users() -> MemoryStore {
    ["alice", "bob", "carol"].into_iter().fold(MemoryStore::new(), |store, user| {
        store.with_password(&format!("CORP\\{user}"), PASSWORD)
    })
}

pub(crate) fn credentials(user: &str, password: &str) -> Credentials {
    Credentials::password(format!("CORP\\{user}"), password.to_owned())
}

pub(crate) fn login(user: &str) -> Login {
    Login::new(credentials(user, PASSWORD))
}

/// Trusts nobody unless told.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder().trust(Trust::nobody()).response_timeout(Duration::from_secs(20))
}

/// One request as the server got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) connection: u64,
    pub(crate) method: String,
    pub(crate) path: String,
    /// `-`, `Basic`, or the scheme and the length of the token's message type: `NTLM 1`.
    pub(crate) credentials: String,
    pub(crate) expects: bool,
}

/// What a server is made of.
pub(crate) struct Spec {
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) scope: Option<Scope>,
    pub(crate) bindings: BindingsPolicy,
    pub(crate) mic: MicPolicy,
    pub(crate) tls: Option<Certificate>,
    /// Within TLS, HTTP/2 as well.
    pub(crate) http2: bool,
    pub(crate) persistent: bool,
    /// For Kerberos.
    pub(crate) keytab: Option<Keytab>,
    pub(crate) ntlm: bool,
}

impl Default for Spec {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            schemes: Scheme::INTEGRATED.to_vec(),
            scope: None,
            bindings: policy.bindings,
            mic: policy.mic,
            tls: None,
            http2: false,
            persistent: true,
            keytab: None,
            ntlm: true,
        }
    }
}

/// A server that answers `user|connection|bytes of the body`.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) tls: bool,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Site {
    pub(crate) async fn start(spec: Spec) -> Self {
        Self::with(spec, Router::new()).await
    }

    /// With routes of its own.
    pub(crate) async fn with(spec: Spec, app: Router) -> Self {
        let mut policy = Policy::default();
        (policy.bindings, policy.mic) = (spec.bindings, spec.mic);
        let acceptor =
            AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP")).with_policy(policy);
        let acceptor = match spec.keytab {
            Some(keytab) => {
                let memory = MemoryReplayCache::new(FileTime::default(), Duration::ZERO);
                let service = Service::new(keytab, Arc::new(memory)).with_pac_required(false);
                acceptor.with_kerberos(Arc::new(service.with_realm("CORP.EXAMPLE", "CORP")))
            }
            None => acceptor,
        };
        let acceptor = acceptor.with_ntlm(spec.ntlm);
        let mut config = ConnectionConfig::new(Arc::new(acceptor));
        config.basic = Some(BasicConfig::new("test").unwrap().without_tls());
        config.digest = Some(DigestConfig::with_os("test").unwrap());
        config.persistent = spec.persistent;
        config.kerberos_errors = true;
        let gate = Gate::new(config, Immediate(users())).throttle(None::<ThrottleConfig>);
        let scope = spec.scope.unwrap_or_else(|| Scope::required(&spec.schemes));
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let app = app
            .fallback(report)
            .layer(LogonLayer::of(gate).scope(scope))
            .layer(middleware::from_fn_with_state(Arc::clone(&seen), look));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server::new(app);
        let tls = spec.tls.is_some();
        if let Some(certificate) = spec.tls {
            let tls = certificate.tls();
            server = server.tls(if spec.http2 { tls.http2() } else { tls });
        }
        tokio::spawn(server.serve(listener, std::future::pending()));
        Self { address, tls, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", self.address.port())
    }

    /// What came since the last look.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Credentials of all requests since the last look.
    pub(crate) fn legs(&self) -> Vec<String> {
        self.take().into_iter().map(|seen| seen.credentials).collect()
    }
}

async fn look(State(seen): State<Arc<Mutex<Vec<Seen>>>>, request: Request, next: Next) -> Response {
    let credentials =
        request.headers().get("authorization").map(|value| describe(value.as_bytes()));
    let connection = request.extensions().get::<Connection>().unwrap().id();
    seen.lock().unwrap().push(Seen {
        connection,
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        credentials: credentials.unwrap_or_else(|| "-".to_owned()),
        expects: request.headers().contains_key("expect"),
    });
    next.run(request).await
}

/// A CHALLENGE that any client takes.
pub(crate) fn challenge() -> Vec<u8> {
    let config = Arc::new(AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP")));
    let (mut negotiate, mut challenge) = (Vec::new(), Vec::new());
    let credential = logon::Credential::password("x", "x");
    let initiator = logon::Initiator::ntlm(
        Arc::new(logon::InitiatorConfig::with_os(credential)),
        logon::TargetName::default(),
        logon::ChannelBindings::none(),
    );
    let _ = initiator.step(None, &mut negotiate).unwrap();
    let acceptor = logon::Acceptor::new(config, logon::ChannelBindings::none());
    let _ = acceptor.step(&negotiate, &mut challenge).unwrap();
    challenge
}

/// The scheme, and which message of NTLM is within.
pub(crate) fn describe(value: &[u8]) -> String {
    for scheme in Scheme::INTEGRATED {
        if let Ok(Some(token)) = parse_token(scheme, value) {
            let at = token.windows(8).position(|bytes| bytes == b"NTLMSSP\0");
            let kind = at.and_then(|at| token.get(at + 8)).copied().unwrap_or(0);
            return format!("{scheme} {kind}");
        }
    }
    String::from_utf8_lossy(value).split(' ').next().unwrap_or_default().to_owned()
}

async fn report(Extension(seen): Extension<Authentication>, request: Request) -> String {
    let (parts, body) = request.into_parts();
    let connection = parts.extensions.get::<Connection>().unwrap().id();
    let bytes = body.collect().await.map(|body| body.to_bytes().len()).unwrap_or(usize::MAX);
    let user = seen.identity().map(ToString::to_string).unwrap_or_default();
    format!("{user}|{connection}|{bytes}")
}

/// A certificate for `localhost`, and the file that makes clients trust it.
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) key: Vec<u8>,
    file: tempfile::NamedTempFile,
}

impl Certificate {
    pub(crate) fn make() -> (Self, Trust) {
        Self::of_kind(rcgen::IsCa::NoCa)
    }

    /// As `openssl req -x509` makes it.
    pub(crate) fn of_authority() -> (Self, Trust) {
        Self::of_kind(rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained))
    }

    fn of_kind(kind: rcgen::IsCa) -> (Self, Trust) {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.is_ca = kind;
        let certificate = params.self_signed(&key).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), certificate.pem()).unwrap();
        let trust = Trust::pem_file(file.path()).unwrap();
        (Self { der: certificate.der().to_vec(), key: key.serialize_der(), file }, trust)
    }

    pub(crate) fn tls(&self) -> Tls {
        let key = PrivatePkcs8KeyDer::from(self.key.clone()).into();
        Tls::new(vec![self.der.clone().into()], key).unwrap()
    }
}

/// The text of an answer, its status, and what became of the logon.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) outcome: Outcome,
}

impl Told {
    pub(crate) fn user(&self) -> &str {
        self.text.split('|').next().unwrap_or_default()
    }
}

pub(crate) async fn tell(response: axum::http::Response<ResponseBody>) -> Told {
    let outcome = response.extensions().get::<Outcome>().cloned().unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Told { status, text: String::from_utf8(bytes.to_vec()).unwrap(), outcome }
}

pub(crate) async fn get(client: &Client, url: &str) -> Told {
    tell(client.get(url).await.unwrap()).await
}
