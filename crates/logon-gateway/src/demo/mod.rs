//! `logon demo`: a server on this machine that real clients log on to.

mod certificate;
mod pages;

use crate::cli::{Demand, DemoOptions};
use crate::failure::Failure;
use crate::signals::interrupted;
use crate::{keytab, logging, password};
use logon::http::{BasicConfig, ConnectionConfig, DigestConfig};
use logon::kerberos::{MemoryReplayCache, Service};
use logon::{AcceptorConfig, Answer, BindingsPolicy, CredentialStore, MicPolicy, Policy};
use logon::{Account, DigestAccount, DigestAnswer, ServerNames, StoreError};
use logon::{SystemClock, TimeSource};
use logon_hyper::Server;
use logon_tower::{Gate, Immediate, LogonLayer};
use logon_users::{MemoryStore, Options, WatchedUserFile};
use pages::About;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

/// Runs until it is interrupted.
pub(crate) fn run(options: DemoOptions) -> Result<(), Failure> {
    logging::start(options.json);
    let users = Users::new(&options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::message(format!("cannot start: {error}")))?;
    let service = options.keytab.as_deref().map(|keytab| service(keytab, &users.domain));
    runtime.block_on(serve(options, users, service.transpose()?))
}

/// What tickets are accepted with.
fn service(keytab: &Path, domain: &str) -> Result<Arc<Service>, Failure> {
    let keytab =
        keytab::read(keytab).map_err(|error| Failure::message(format!("--keytab: {error}")))?;
    let realm = keytab.keys().first().map(|key| key.principal.realm().to_owned());
    let realm = realm.unwrap_or_default();
    // Accounts of two realms are not to become one.
    let only = keytab.keys().iter().all(|key| key.principal.realm() == realm);
    // A demonstration that nobody can use for five minutes shows nothing.
    let memory = MemoryReplayCache::new(SystemClock.now(), Duration::ZERO);
    // Other KDCs than those of Windows and Samba issue no PAC.
    let service = Service::new(keytab, Arc::new(memory)).with_pac_required(false);
    Ok(Arc::new(if only { service.with_realm(realm, domain) } else { service }))
}

async fn serve(
    options: DemoOptions,
    users: Users,
    service: Option<Arc<Service>>,
) -> Result<(), Failure> {
    let http = bind(options.http, "--http").await?;
    let https = bind(options.https, "--https").await?;
    let certificate = certificate::make()?;
    if let Some(path) = &options.cert_out {
        std::fs::write(path, &certificate.pem)
            .map_err(|error| Failure::message(format!("{}: {error}", path.display())))?;
    }
    let known = match &users.source {
        Source::File(path) => format!("the users of {path}; put one of them in the place of USER"),
        Source::Given => format!("{}, with the password that it was started with", users.account),
        Source::MadeUp(_) => format!("{}; the password was printed at the start", users.account),
    };
    let about = About {
        known,
        account: users.account.clone(),
        http: format!("http://{}", local(&http)?),
        https: format!("https://localhost:{}", local(&https)?.port()),
    };
    announce(&users, &about, options.cert_out.as_deref())?;

    tokio::spawn(async {
        interrupted().await;
        interrupted().await;
        // Who asks twice does not want to wait for anybody.
        std::process::exit(130);
    });
    let Users { store, domain, .. } = users;
    let mut config = AcceptorConfig::with_os(names(&domain)).with_policy(policy(&options));
    if let Some(service) = service {
        config = config.with_kerberos(service).with_ntlm(!options.no_ntlm);
    }
    let mut config = ConnectionConfig::new(Arc::new(config));
    let bad_realm = |error| Failure::message(format!("--realm: {error}"));
    let basic = BasicConfig::new(&options.realm).map_err(|misuse| bad_realm(misuse.into()))?;
    config.basic = Some(basic);
    config.digest = Some(DigestConfig::with_os(&options.realm).map_err(bad_realm)?);
    config.persistent = !options.no_persistence;
    let mut gate = Gate::new(config, Immediate(store));
    if options.no_throttle {
        gate = gate.throttle(None);
    }
    let layer = LogonLayer::of(gate);
    let site = pages::site(&layer, about);
    let tls = if options.http2 { certificate.tls.http2() } else { certificate.tls };
    tokio::join!(
        Server::new(site.clone()).serve(http, interrupted()),
        Server::new(site).tls(tls).serve(https, interrupted()),
    );
    writeln!(io::stdout(), "stopped")?;
    Ok(())
}

async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::message(format!("{option} {address}: {error}; port 0 picks a free one"))
    })
}

fn local(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::message(error.to_string()))
}

fn names(domain: &str) -> ServerNames {
    let dns_domain = format!("{}.example", domain.to_lowercase());
    ServerNames::new("LOGON-DEMO", domain).with_dns(format!("logon-demo.{dns_domain}"), dns_domain)
}

fn policy(options: &DemoOptions) -> Policy {
    let mut policy = Policy::default();
    policy.bindings = match options.bindings {
        Demand::WhenOffered => BindingsPolicy::WhenOffered,
        Demand::Always => BindingsPolicy::Always,
    };
    policy.mic = match options.mic {
        Demand::WhenOffered => MicPolicy::WhenOffered,
        Demand::Always => MicPolicy::Always,
    };
    policy
}

/// Who may log on.
struct Users {
    store: Store,
    domain: String,
    /// Whom to try.
    account: String,
    source: Source,
}

/// Where a user's password is known.
enum Source {
    /// In the environment.
    Given,
    /// Here: it was made up, and is to be told.
    MadeUp(Zeroizing<String>),
    /// With the users of a file.
    File(String),
}

enum Store {
    Memory(MemoryStore),
    File(WatchedUserFile),
}

impl CredentialStore for Store {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        match self {
            Self::Memory(store) => store.lookup(account),
            Self::File(store) => store.lookup(account),
        }
    }

    fn has_digest(&self, realm: &str) -> bool {
        match self {
            Self::Memory(store) => store.has_digest(realm),
            Self::File(store) => store.has_digest(realm),
        }
    }

    fn lookup_digest(&self, account: DigestAccount<'_>) -> Result<DigestAnswer, StoreError> {
        match self {
            Self::Memory(store) => store.lookup_digest(account),
            Self::File(store) => store.lookup_digest(account),
        }
    }
}

const DEFAULT_DOMAIN: &str = "CORP";

impl Users {
    fn new(options: &DemoOptions) -> Result<Self, Failure> {
        if let Some(path) = &options.users {
            let file = WatchedUserFile::open(path, store_options(DEFAULT_DOMAIN))
                .map_err(|error| Failure::message(error.to_string()))?;
            return Ok(Self {
                store: Store::File(file),
                domain: DEFAULT_DOMAIN.to_owned(),
                account: format!("{DEFAULT_DOMAIN}\\USER"),
                source: Source::File(path.display().to_string()),
            });
        }
        let (domain, user) =
            options.user.split_once('\\').unwrap_or((DEFAULT_DOMAIN, &options.user));
        if domain.is_empty() || user.is_empty() || user.contains(['\\', '@']) {
            return Err(Failure::message(
                r"--user: expected DOMAIN\USER or USER, such as 'CORP\alice'",
            ));
        }
        let (password, source) = match &options.password_env {
            Some(variable) => (password::from_env(variable)?, Source::Given),
            None => {
                let password = password::make_up()?;
                (password.clone(), Source::MadeUp(password))
            }
        };
        let account = format!("{domain}\\{user}");
        let store =
            MemoryStore::with_options(store_options(domain)).with_password(&account, &password);
        Ok(Self { store: Store::Memory(store), domain: domain.to_owned(), account, source })
    }
}

fn store_options(domain: &str) -> Options {
    Options::default()
        .default_domain(domain)
        .dns_domain(format!("{}.example", domain.to_lowercase()), domain)
}

fn announce(users: &Users, about: &About, certificate: Option<&Path>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", about.http)?;
    writeln!(out, "{}", about.https)?;
    if let Some(path) = certificate {
        writeln!(out, "certificate  {}", path.display())?;
    }
    match &users.source {
        Source::File(path) => writeln!(out, "users        those of {path}")?,
        Source::Given => writeln!(out, "user         {}", users.account)?,
        Source::MadeUp(password) => {
            writeln!(out, "user         {}\npassword     {}", users.account, password.as_str())?;
        }
    }
    writeln!(out, "try          curl --ntlm -u '{}' {}/ntlm/", users.account, about.http)?;
    writeln!(out, "             or open {}/ in a browser; Ctrl-C stops", about.http)?;
    out.flush()
}
