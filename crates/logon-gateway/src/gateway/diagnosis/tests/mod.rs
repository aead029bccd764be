//! A browser without a socket, and what the page says of what it does.

mod bounds;
mod hostile;
mod outcomes;

use super::Diagnosis;
use http::header::{AUTHORIZATION, COOKIE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use http::{Request, Response, Version};
use logon::http::{BasicConfig, ConnectionConfig, DigestConfig, Scheme, format_token, parse_token};
use logon::{
    AcceptorConfig, BindingsPolicy, ChannelBindings, Credential, Initiator, InitiatorConfig,
    InitiatorStep, Policy, Refusal, ServerNames, TargetName,
};
use logon_tower::{Connection, Gate, Immediate, LogonLayer};
use logon_users::MemoryStore;
use std::sync::Arc;

const PASSWORD: &str = "S3cret!pw";

type Page = Diagnosis<Immediate<MemoryStore>>;

fn page(bindings: BindingsPolicy) -> Page {
    page_of(bindings, |acceptor| acceptor)
}

fn page_of(
    bindings: BindingsPolicy,
    change: impl FnOnce(AcceptorConfig) -> AcceptorConfig,
) -> Page {
    page_for(bindings, &Scheme::ALL, change)
}

fn page_for(
    bindings: BindingsPolicy,
    schemes: &[Scheme],
    change: impl FnOnce(AcceptorConfig) -> AcceptorConfig,
) -> Page {
    let mut policy = Policy::default();
    policy.bindings = bindings;
    let acceptor = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    let acceptor = change(acceptor.with_policy(policy));
    let mut config = ConnectionConfig::new(Arc::new(acceptor));
    config.basic = Some(BasicConfig::new("corp").unwrap());
    config.digest = Some(DigestConfig::with_os("corp").unwrap());
    let store = MemoryStore::new()
        .with_password(r"CORP\alice", PASSWORD)
        .with_refusal(r"CORP\locked", Refusal::AccountLocked);
    let gate = Gate::new(config, Immediate(store)).throttle(None);
    Diagnosis::new("/.logon", LogonLayer::of(gate), schemes, true)
}

/// A browser, or whatever its fields say.
struct Client<'a> {
    page: &'a Page,
    connection: Connection,
    cookie: Option<String>,
    version: Version,
    fields: Vec<(&'static str, String)>,
}

impl<'a> Client<'a> {
    fn new(page: &'a Page) -> Self {
        let fields = vec![
            ("host", "web.corp.example".to_owned()),
            ("accept", "text/html,*/*".into()),
            ("user-agent", "Mozilla/5.0 (X11) Test/1".into()),
        ];
        let connection = connect();
        Self { page, connection, cookie: None, version: Version::HTTP_11, fields }
    }

    /// curl says of itself what it is, and keeps no cookies.
    fn curl(page: &'a Page) -> Self {
        let fields = vec![
            ("host", "web.corp.example".to_owned()),
            ("accept", "*/*".into()),
            ("user-agent", "curl/8.9.1".into()),
        ];
        Self { fields, ..Self::new(page) }
    }

    async fn get(&self, path: &str, credentials: Option<&str>) -> Response<String> {
        let mut request = Request::builder().uri(path).version(self.version);
        for (name, value) in &self.fields {
            request = request.header(*name, value.as_bytes());
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, format!("other=1; {cookie}"));
        }
        if let Some(credentials) = credentials {
            request = request.header(AUTHORIZATION, credentials);
        }
        let mut request = request.body(String::new()).unwrap();
        request.extensions_mut().insert(self.connection.clone());
        assert!(self.page.holds(request.uri().path()), "{path}");
        self.page.answer(request).await
    }

    /// Begins a try; gives where it is.
    async fn begin(&mut self, way: &str) -> String {
        let begun = self.get(&format!("/.logon/new/{way}"), None).await;
        assert_eq!(begun.status(), 303);
        let cookie = begun.headers()[SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        begun.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    /// The first two legs.
    async fn challenged(&self, path: &str, logon: Logon<'_>) -> (Initiator, Vec<u8>) {
        let Logon { scheme, user, password, bindings } = logon;
        let config = InitiatorConfig::with_os(Credential::password(user, password));
        let (config, name) = (Arc::new(config), TargetName::http("web.corp.example"));
        let client = match scheme {
            Scheme::Negotiate => Initiator::negotiate(config, name, bindings),
            _ => Initiator::ntlm(config, name, bindings),
        };
        let mut token = Vec::new();
        let InitiatorStep::Continue(client) = client.step(None, &mut token).unwrap() else {
            panic!("complete after one leg")
        };
        let leg = self.get(path, Some(&format_token(scheme, &token))).await;
        assert_eq!(leg.status(), 401);
        let value = leg.headers()[WWW_AUTHENTICATE].as_bytes();
        (client, parse_token(scheme, value).unwrap().unwrap())
    }

    /// A whole logon; gives the last answer.
    async fn log_on(&self, path: &str, logon: Logon<'_>) -> Response<String> {
        let scheme = logon.scheme;
        let _ = self.get(path, None).await;
        let (client, challenge) = self.challenged(path, logon).await;
        let mut token = Vec::new();
        let _ = client.step(Some(&challenge), &mut token).unwrap();
        self.get(path, Some(&format_token(scheme, &token))).await
    }
}

fn connect() -> Connection {
    Connection::new(Some("192.0.2.7:5000".parse().unwrap()), ChannelBindings::none())
}

/// The channel bindings of some certificate.
fn certificate() -> ChannelBindings {
    let made = rcgen::generate_simple_self_signed(["web.corp.example".to_owned()]).unwrap();
    ChannelBindings::tls_server_end_point(made.cert.der()).unwrap()
}

/// Who logs on how.
struct Logon<'a> {
    scheme: Scheme,
    user: &'a str,
    password: &'a str,
    bindings: ChannelBindings,
}

impl Default for Logon<'_> {
    fn default() -> Self {
        Self {
            scheme: Scheme::Negotiate,
            user: r"CORP\alice",
            password: PASSWORD,
            bindings: ChannelBindings::none(),
        }
    }
}

/// The sentence at the top.
fn headline(answer: &Response<String>) -> &str {
    let body = answer.body();
    let start = body.find("<h1>").unwrap_or_else(|| panic!("{body}")) + "<h1>".len();
    &body[start..start + body[start..].find("</h1>").unwrap()]
}
