//! An axum application that knows who its users are.
//!
//! ```sh
//! cargo run --bin logon -- users add --file users 'CORP\alice'
//! cargo run -p logon-hyper --example axum
//! curl --ntlm -u 'CORP\alice' http://127.0.0.1:8080/
//! ```

use axum::{Router, routing::get};
use logon::{AcceptorConfig, ServerNames};
use logon_tower::{LoggedOn, LogonLayer};
use logon_users::{Options, WatchedUserFile};

async fn hello(user: LoggedOn) -> String {
    format!("Hello, {}\n", user.identity())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init(); // who logged on, and why somebody could not
    let users = WatchedUserFile::open("users", Options::default().default_domain("CORP"))?;
    let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    let app = Router::new().route("/", get(hello)).layer(LogonLayer::new(config, users));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    logon_hyper::Server::new(app).serve(listener, std::future::pending()).await;
    Ok(())
}
