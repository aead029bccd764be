//! Logons by Kerberos, with a KDC and servers of these tests' own.

mod support;

#[path = "../../../tests/support/kdc.rs"]
mod kdc;

use kdc::{Kdc, Served, service_key};
use logon::http::{Scheme, Side};
use logon::kerberos::{Keytab, PrincipalName, ServiceKey};
use logon::{Mechanism, TargetName};
use logon_client::logon_kdc::{KdcClient, Krb5Conf, Tickets, TicketsError};
use logon_client::{Body, Client, Error, Login, Logon};
use std::sync::Arc;
use std::time::Duration;
use support::{Certificate, PASSWORD, Site, Spec, builder, get, login};

const REALM: &str = "CORP.EXAMPLE";
const KERBEROS: Logon =
    Logon::LoggedOn { scheme: Scheme::Negotiate, mechanism: Some(Mechanism::SpnegoKerberos) };
const NTLM: Logon =
    Logon::LoggedOn { scheme: Scheme::Negotiate, mechanism: Some(Mechanism::SpnegoNtlm) };

/// The realm of the tests; `HTTP/localhost` is a service of it.
fn realm() -> Served {
    Kdc { services: &["HTTP/localhost"], ..Kdc::new(REALM, 0) }.serve()
}

fn tickets(kdc: &Served, password: &str) -> Arc<Tickets> {
    let text = format!("[realms]\n {REALM} = {{\n kdc = udp/{}\n }}\n", kdc.address);
    let client = KdcClient::new(Arc::new(Krb5Conf::parse(&text))).wait(Duration::from_secs(10));
    let alice: PrincipalName = "alice@CORP.EXAMPLE".parse().unwrap();
    Arc::new(Tickets::of_password(client, alice, password.to_owned()))
}

fn keytab(name: &str) -> Keytab {
    let principal = "HTTP/localhost@CORP.EXAMPLE".parse().unwrap();
    [ServiceKey { principal, kvno: 1, key: service_key(name) }].into_iter().collect()
}

/// A server with the key of its account.
fn spec() -> Spec {
    Spec { keytab: Some(keytab("HTTP/localhost")), ..Spec::default() }
}

fn by_tickets(kdc: &Served) -> Client {
    builder().login(Login::by_tickets(tickets(kdc, PASSWORD))).build()
}

// HS-25, R-33, R-34
#[tokio::test]
async fn a_client_with_a_ticket_logs_on_and_the_server_proves_itself() {
    let (kdc, site) = (realm(), Site::start(spec()).await);
    let client = by_tickets(&kdc);
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
    assert_eq!(told.outcome.origin, KERBEROS);
    assert_eq!(site.legs().len(), 2, "a challenge and a ticket");
    // Each request has a new authenticator of the same ticket, without being asked.
    for _ in 0..3 {
        let told = get(&client, &site.url("/")).await;
        assert_eq!((told.status, told.outcome.origin), (200, KERBEROS));
    }
    assert_eq!(site.legs().len(), 3);
    assert_eq!(kdc.take(), ["AS", "AS+", "TGS"]);
}

// E-06: bound to TLS, and with a body
#[tokio::test]
async fn a_body_goes_with_the_ticket_and_tls_binds_it() {
    let (certificate, trust) = Certificate::make();
    let spec = Spec {
        tls: Some(certificate),
        bindings: logon::BindingsPolicy::Always,
        ntlm: false,
        ..spec()
    };
    let (kdc, site) = (realm(), Site::start(spec).await);
    let client = builder().trust(trust).login(Login::by_tickets(tickets(&kdc, PASSWORD))).build();
    for _ in 0..2 {
        let mut request = http::Request::new(Body::from("thirteen byte"));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = site.url("/").parse().unwrap();
        let told = support::tell(client.send(request).await.unwrap()).await;
        assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
        assert!(told.text.ends_with("|13"), "{}", told.text);
    }
    // Without bindings it is refused there, and that is no error of the account's.
    let login = Login::by_tickets(tickets(&kdc, PASSWORD)).without_bindings();
    let client = builder().trust(Certificate::make().1).login(login).build();
    assert!(client.get(&site.url("/")).await.is_err(), "nor is another authority's server");
}

#[tokio::test]
async fn ntlm_is_next_where_there_is_no_ticket_or_no_key() {
    let kdc = Kdc { services: &[], ..Kdc::new(REALM, 0) }.serve();
    let with_both =
        |kdc: &Served| builder().login(login("alice").with_tickets(tickets(kdc, PASSWORD))).build();
    // The KDC does not know the service.
    let site = Site::start(spec()).await;
    let client = with_both(&kdc);
    assert_eq!(get(&client, &site.url("/")).await.outcome.origin, NTLM);
    // The server has no key: it selects NTLM.
    let site = Site::start(Spec::default()).await;
    let client = with_both(&realm());
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.status, told.outcome.origin), (200, NTLM));
    // Where both have what they need, it is Kerberos.
    let site = Site::start(spec()).await;
    assert_eq!(get(&with_both(&realm()), &site.url("/")).await.outcome.origin, KERBEROS);
}

#[tokio::test]
async fn a_password_that_the_kdc_refuses_is_not_tried_elsewhere() {
    let (kdc, site) = (realm(), Site::start(spec()).await);
    let wrong = support::credentials("alice", "geheim");
    let login = Login::new(wrong).with_tickets(tickets(&kdc, "geheim"));
    let client = builder().login(login).build();
    for _ in 0..3 {
        let told = get(&client, &site.url("/")).await;
        assert_eq!(told.status, 401);
        let Logon::NoTicket(missing) = told.outcome.origin else { panic!("{:?}", told.status) };
        assert!(missing.cause.is_about_client());
    }
    assert_eq!(kdc.take(), ["AS", "AS+"], "once");
    assert!(site.legs().iter().all(|leg| leg == "-"), "and never here");
}

#[tokio::test]
async fn who_has_only_tickets_and_gets_none_says_why() {
    let kdc = Kdc { services: &[], ..Kdc::new(REALM, 0) }.serve();
    let site = Site::start(spec()).await;
    let told = get(&by_tickets(&kdc), &site.url("/")).await;
    assert_eq!(told.status, 401);
    let Logon::NoTicket(missing) = told.outcome.origin else { panic!("{:?}", told.status) };
    assert!(matches!(missing.cause, TicketsError::Ticket { of_client: false, .. }));
    let said = missing.to_string();
    assert!(said.starts_with("no ticket for HTTP/localhost: the KDC of CORP.EXAMPLE "), "{said}");
    assert!(said.contains("setspn -S"), "{said}");
    // An address is no name that somebody should give to an account.
    for host in ["127.0.0.1", "[::1]", "127.0.0.1:8443"] {
        let login = Login::by_tickets(tickets(&kdc, PASSWORD));
        let login = login.with_service(TargetName::http(host));
        let told = get(&builder().login(login).build(), &site.url("/")).await;
        let said = told.outcome.origin.to_string();
        assert!(said.contains(&format!("HTTP/{host}:")), "{said}");
        assert!(said.contains("use the server's name") && !said.contains("setspn"), "{said}");
    }
    // A server that takes no tickets.
    let site = Site::start(Spec { schemes: vec![Scheme::Ntlm], ..Spec::default() }).await;
    let told = get(&by_tickets(&realm()), &site.url("/")).await;
    assert_eq!(told.outcome.origin, Logon::NotOffered { offered: vec!["NTLM".to_owned()] });
}

// R-20
#[tokio::test]
async fn a_server_with_another_key_says_so_and_the_next_request_has_a_new_ticket() {
    let other = Spec { keytab: Some(keytab("HTTP/another")), ..Spec::default() };
    let (kdc, site) = (realm(), Site::start(other).await);
    let client = by_tickets(&kdc);
    for _ in 0..2 {
        let told = get(&client, &site.url("/")).await;
        assert_eq!(told.status, 401);
        assert_eq!(told.outcome.origin, Logon::TicketRefused { code: Some(41) });
    }
    // Nor is it for ever asked for another one.
    get(&client, &site.url("/")).await;
    assert_eq!(kdc.take(), ["AS", "AS+", "TGS", "TGS"]);
    // To a password nothing was done: NTLM elsewhere goes on.
    let login = login("alice").with_tickets(tickets(&kdc, PASSWORD));
    let client = builder().login(login).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!(told.outcome.origin, Logon::TicketRefused { code: Some(41) });
    let told = get(&client, &site.url("/")).await;
    assert_eq!(
        told.outcome.origin,
        Logon::TicketRefused { code: Some(41) },
        "not remembered as refused"
    );
}

// R-17
#[tokio::test]
async fn a_server_that_cannot_open_the_ticket_and_says_yes_is_not_believed() {
    use support::script::{self, Peer};
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        // accept-completed, without a proof
        "HTTP/1.1 200 OK\r\nWWW-Authenticate: Negotiate oQcwBaADCgEA\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        let address = script::serve(move |mut peer: Peer| async move {
            let _ = peer.head().await;
            peer.say("HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n")
                .await;
            let _ = peer.head().await;
            peer.say(answer).await;
        })
        .await;
        let client = by_tickets(&realm());
        let error = client.get(&format!("http://localhost:{}/", address.port())).await.unwrap_err();
        assert!(matches!(error, Error::Logon { side: Side::Origin, .. }), "{error}");
    }
}

// R-33
#[tokio::test]
async fn a_service_may_have_another_name_than_its_host() {
    let name = "HTTP/web01.corp.example:8443";
    let kdc = Kdc { services: &["HTTP/web01.corp.example:8443"], ..Kdc::new(REALM, 0) }.serve();
    let principal = format!("{name}@{REALM}").parse().unwrap();
    let key = ServiceKey { principal, kvno: 1, key: service_key(name) };
    let site =
        Site::start(Spec { keytab: Some([key].into_iter().collect()), ..Spec::default() }).await;
    let login = || Login::by_tickets(tickets(&kdc, PASSWORD));
    let client = builder().login(login().with_service(TargetName::new(name))).build();
    assert_eq!(get(&client, &site.url("/")).await.outcome.origin, KERBEROS);
    // By itself it is the host as it was written, and DNS has no say in it.
    let told = get(&builder().login(login()).build(), &site.url("/")).await;
    assert!(matches!(told.outcome.origin, Logon::NoTicket(_)));
}

#[tokio::test]
async fn mutual_authentication_leaves_ntlm_out() {
    let login = || login("alice").with_mutual_auth(true).with_tickets(tickets(&realm(), PASSWORD));
    let site = Site::start(spec()).await;
    let client = builder().login(login()).build();
    assert_eq!(get(&client, &site.url("/")).await.outcome.origin, KERBEROS);
    let site = Site::start(Spec::default()).await;
    let client = builder().login(login()).build();
    let refused = get(&client, &site.url("/")).await;
    assert_eq!(
        (refused.status, refused.outcome.origin),
        (401, Logon::TicketRefused { code: None })
    );
    assert!(!site.legs().iter().any(|leg| leg.ends_with(" 3")));
}

/// A KDC that is not there.
fn nowhere(password: &str) -> Arc<Tickets> {
    let conf = Krb5Conf::parse("[realms]\n CORP.EXAMPLE = {\n kdc = tcp/127.0.0.1:1\n }\n");
    let client = KdcClient::new(Arc::new(conf)).wait(Duration::from_secs(2));
    let alice: PrincipalName = "alice@CORP.EXAMPLE".parse().unwrap();
    Arc::new(Tickets::of_password(client, alice, password.to_owned()))
}

fn of_somebody(kdc: &Served) -> Arc<Tickets> {
    let text = format!("[realms]\n {REALM} = {{\n kdc = udp/{}\n }}\n", kdc.address);
    let client = KdcClient::new(Arc::new(Krb5Conf::parse(&text))).wait(Duration::from_secs(10));
    let nobody: PrincipalName = "nobody@CORP.EXAMPLE".parse().unwrap();
    Arc::new(Tickets::of_password(client, nobody, PASSWORD.to_owned()))
}

#[tokio::test]
async fn where_the_server_has_to_prove_itself_the_outcome_is_why_there_is_no_ticket() {
    let (kdc, site) = (realm(), Site::start(spec()).await);
    let unknown = TargetName::http("another");
    for (tickets, service, words) in [
        (nowhere(PASSWORD), None, "no KDC of realm CORP.EXAMPLE answered"),
        (of_somebody(&kdc), None, "error 6"),
        (tickets(&kdc, PASSWORD), Some(unknown), "for HTTP/another: the KDC"),
    ] {
        let login = login("alice").with_mutual_auth(true).with_tickets(tickets);
        let login = service.into_iter().fold(login, Login::with_service);
        let client = builder().login(login).build();
        for _ in 0..2 {
            let told = get(&client, &site.url("/")).await;
            assert!(matches!(told.outcome.origin, Logon::NoTicket(_)), "{:?}", told.outcome);
            let said = told.outcome.origin.to_string();
            assert!(said.contains(words), "{said}");
            assert_eq!(told.outcome.no_ticket, None, "that is said already");
        }
        assert!(site.legs().iter().all(|leg| leg == "-"), "NTLM is left out");
    }
    // What proves a server without a ticket is used.
    let schemes = [Scheme::Negotiate, Scheme::Digest];
    let site = Site::start(Spec { schemes: schemes.to_vec(), ..spec() }).await;
    let login = login("alice").with_mutual_auth(true).with_tickets(nowhere(PASSWORD));
    let client = builder().login(login.with_schemes(&schemes)).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
}

#[tokio::test]
async fn where_ntlm_instead_of_a_ticket_fails_it_is_told_why_there_was_no_ticket() {
    let nobody = support::credentials("nobody", PASSWORD);
    let strict = || Spec { ntlm: false, ..spec() };
    for (spec, credentials) in [
        (spec(), nobody.clone()),
        (strict(), nobody),
        (strict(), support::credentials("alice", PASSWORD)),
    ] {
        let site = Site::start(spec).await;
        let login = Login::new(credentials).with_tickets(nowhere(PASSWORD));
        let told = get(&builder().login(login).build(), &site.url("/")).await;
        assert_eq!(told.status, 401);
        let failed = matches!(told.outcome.origin, Logon::Refused { .. } | Logon::BrokenOff { .. });
        assert!(failed, "{:?}", told.outcome);
        let missing = told.outcome.no_ticket.unwrap().to_string();
        assert!(missing.starts_with("no ticket for HTTP/localhost: no KDC"), "{missing}");
    }
    // Where it succeeds, and where there was a ticket, there is nothing to tell.
    let site = Site::start(spec()).await;
    let client = builder().login(login("alice").with_tickets(nowhere(PASSWORD))).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.outcome.origin, told.outcome.no_ticket), (NTLM, None));
    let site = Site::start(Spec { keytab: Some(keytab("HTTP/another")), ..strict() }).await;
    let told = get(&by_tickets(&realm()), &site.url("/")).await;
    assert_eq!(told.outcome.no_ticket, None);
}

#[tokio::test]
async fn a_server_that_rejects_ntlm_within_negotiate_does_not_hide_why_there_was_no_ticket() {
    use support::script::{self, Peer};
    let address = script::serve(move |mut peer: Peer| async move {
        for token in ["", " oQcwBaADCgEC"] {
            let _ = peer.head().await;
            let head = format!("HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate{token}\r\n");
            peer.say(&format!("{head}Content-Length: 0\r\n\r\n")).await;
        }
    })
    .await;
    let client = builder().login(login("alice").with_tickets(nowhere(PASSWORD))).build();
    let error = client.get(&format!("http://localhost:{}/", address.port())).await.unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::LogonWithoutTicket { side: Side::Origin, .. }), "{said}");
    assert!(said.contains("nor by Kerberos: no ticket for HTTP/localhost: no KDC"), "{said}");
}

#[tokio::test]
async fn over_http2_the_way_back_to_http1_costs_no_attempt() {
    let (certificate, trust) = Certificate::make();
    let site = Site::start(Spec { tls: Some(certificate), http2: true, ..spec() }).await;
    let kdc = realm();
    let client = builder()
        .trust(trust)
        .http2(true)
        .login(login("alice").with_tickets(tickets(&kdc, PASSWORD)))
        .build();
    for _ in 0..3 {
        let told = get(&client, &site.url("/")).await;
        assert_eq!((told.status, told.outcome.origin), (200, KERBEROS));
    }
}
