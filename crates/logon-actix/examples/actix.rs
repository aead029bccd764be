//! An actix-web application that knows who its users are.
//!
//! ```sh
//! cargo run --bin logon -- users add --file users 'CORP\alice'
//! cargo run -p logon-actix --example actix -- 127.0.0.1:8080
//! curl --ntlm -u 'CORP\alice' http://127.0.0.1:8080/
//! ```

use actix_web::{App, HttpServer, web};
use logon::http::{Scheme, Scope, ScopeRule, Scopes};
use logon::{AcceptorConfig, ServerNames};
use logon_actix::{LoggedOn, Logon, on_connect};
use logon_users::{Options, WatchedUserFile};

async fn hello(user: LoggedOn, body: web::Bytes) -> String {
    format!("user={}\nbody={} bytes\n", user.identity(), body.len())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // who could not log on, and why
    let users = WatchedUserFile::open("users", Options::default().default_domain("CORP"))?;
    let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    // Both schemes, and below two paths one of them alone.
    let scopes = Scopes::builder(Scope::required(&Scheme::INTEGRATED))
        .path("/ntlm", ScopeRule::new().schemes(&[Scheme::Ntlm]))
        .path("/nego", ScopeRule::new().schemes(&[Scheme::Negotiate]))
        .build()?;
    let logon = Logon::new(config, users).scopes(scopes);
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::PayloadConfig::new(1024 * 1024))
            .default_service(web::to(hello))
            .wrap(logon.clone())
    });
    let server = server.on_connect(on_connect).bind(address)?;
    for address in server.addrs() {
        println!("http://{address}");
    }
    server.run().await?;
    Ok(())
}
