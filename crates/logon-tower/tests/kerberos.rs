//! What a handler learns of a logon by Kerberos.

mod support;
#[path = "../../../tests/support/ticket.rs"]
mod ticket;

use axum_core::extract::FromRequestParts;
use http::Response;
use logon::http::{ConnectionConfig, Scheme, format_token};
use logon::{AcceptorConfig, ServerNames};
use logon_tower::{Gate, Immediate, LoggedOn, LogonLayer};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use support::{App, Users, connection, get};
use ticket::{Clock, Forge, Random, of_windows};
use tower_layer::Layer;

/// Answers with what the extractor gives.
fn reports() -> App {
    App(|parts, _| {
        let mut parts = parts.clone();
        let extracted = pin!(LoggedOn::from_request_parts(&mut parts, &()));
        let Poll::Ready(Ok(logon)) = extracted.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("no logon")
        };
        let identity = logon.identity();
        let sids = identity.user_sid().into_iter().chain(identity.group_sids());
        let rids: Vec<_> = sids.map(|sid| *sid.sub_authorities().last().unwrap()).collect();
        Response::new(format!("{identity} {} {rids:?}", logon.package_name()))
    })
}

// BX-6
#[tokio::test]
async fn a_handler_learns_the_identifiers_of_user_and_groups() {
    let names = ServerNames::new("WEB01", "CORP");
    let acceptor = AcceptorConfig::new(names, Arc::new(Random::default()), Arc::new(Clock))
        .with_kerberos(Arc::new(ticket::service()));
    let config = ConnectionConfig::new(Arc::new(acceptor));
    let service = LogonLayer::of(Gate::new(config, Immediate(Users))).layer(reports());
    for (forge, expected) in [
        (of_windows(), r"CORP\testuser1 Kerberos [1105, 513, 1108, 1109, 1111, 1114, 1115, 1116]"),
        (Forge { cusec: 8, ..Forge::default() }, r"CORP\alice Kerberos []"),
    ] {
        let value = format_token(Scheme::Negotiate, &forge.token());
        let fields = [("authorization", value.as_str())];
        let answered = get(&service, &connection(), "/", &fields).await;
        assert_eq!(answered.body(), expected);
    }
}
