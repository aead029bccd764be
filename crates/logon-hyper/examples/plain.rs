//! A service without any framework, on hyper.
//!
//! ```sh
//! cargo run --bin logon -- users add --file users 'CORP\alice'
//! cargo run -p logon-hyper --example plain -- 127.0.0.1:8080
//! curl --ntlm -u 'CORP\alice' http://127.0.0.1:8080/
//! ```

use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use logon::http::{Scheme, Scope, ScopeRule, Scopes};
use logon::{AcceptorConfig, ServerNames};
use logon_hyper::{RequestBody, Server};
use logon_tower::{Authentication, LogonLayer};
use logon_users::{Options, WatchedUserFile};
use std::error::Error;
use tower::{Layer, service_fn};

type BoxError = Box<dyn Error + Send + Sync>;

/// The layer lets nobody pass who has not logged on.
async fn hello(request: Request<RequestBody>) -> Result<Response<String>, BoxError> {
    let authentication = request.extensions().get::<Authentication>();
    let identity = authentication.and_then(Authentication::identity);
    let user = identity.map(ToString::to_string).unwrap_or_default();
    let body = Limited::new(request.into_body(), 1024 * 1024).collect().await?.to_bytes();
    Ok(Response::new(format!("user={user}\nbody={} bytes\n", body.len())))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // who could not log on, and why
    let users = WatchedUserFile::open("users", Options::default().default_domain("CORP"))?;
    let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    // Both schemes, and below two paths one of them alone.
    let scopes = Scopes::builder(Scope::required(&Scheme::INTEGRATED))
        .path("/ntlm", ScopeRule::new().schemes(&[Scheme::Ntlm]))
        .path("/nego", ScopeRule::new().schemes(&[Scheme::Negotiate]))
        .build()?;
    let service = LogonLayer::new(config, users).scopes(scopes).layer(service_fn(hello));
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    Server::new(service).serve(listener, std::future::pending()).await;
    Ok(())
}
