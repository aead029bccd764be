//! Tickets at an actix-web application.

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "server/support.rs"]
mod support;
#[path = "../../../tests/support/ticket.rs"]
mod ticket;

use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};
use logon::http::{ConnectionConfig, Scheme, format_token};
use logon::{AcceptorConfig, ChannelBindings, ServerNames};
use logon_actix::{Gate, LoggedOn, Logon, on_connect};
use std::sync::Arc;
use support::{Client, Users};
use ticket::{Clock, Forge, Random, of_windows, relevant};

async fn report(user: Option<LoggedOn>) -> String {
    let Some(user) = user else { return String::new() };
    let identity = user.identity();
    format!("{identity} {}", identity.group_sids().len())
}

// H-11, BX-6: tickets as large as they come, each for its request.
#[tokio::test]
async fn a_ticket_of_sixty_kilobytes_logs_its_request_on_and_the_groups_are_there() {
    let names = ServerNames::new("WEB01", "CORP");
    let acceptor = AcceptorConfig::new(names, Arc::new(Random::default()), Arc::new(Clock))
        .with_kerberos(Arc::new(ticket::service()));
    let logon = Logon::of(Gate::new(ConnectionConfig::new(Arc::new(acceptor)), Users));
    let app = move || App::new().route("/", web::to(report)).wrap(logon.clone());
    let server = HttpServer::new(app).workers(1).disable_signals().on_connect(on_connect);
    let server = server.bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    let stream = TcpStream::connect(address).await.unwrap();
    let mut client = Client::new(stream, ChannelBindings::none());
    let large = vec![relevant(9999, &vec![0x5a; 60 << 10])];
    for (forge, expected) in [
        (Forge { authorization_data: large, ..Forge::default() }, r"CORP\alice 0"),
        (Forge { cusec: 8, ..of_windows() }, r"CORP\testuser1 7"),
    ] {
        let value = format_token(Scheme::Negotiate, &forge.token());
        let answered = client.send("GET", "/", &format!("Authorization: {value}\r\n"), b"").await;
        assert_eq!((answered.status, answered.body.as_str()), (200, expected));
        assert!(answered.challenges[0].starts_with("Negotiate "), "{answered:?}");
        assert!(answered.fields.contains(&("persistent-auth".into(), "false".into())));
        assert_eq!(client.get("/").await.status, 401);
    }
}
