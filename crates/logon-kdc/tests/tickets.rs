//! The tickets of a client, from a KDC of these tests' own.

#[path = "../../../tests/support/kdc.rs"]
mod kdc;
#[path = "support/relay.rs"]
mod relay;

use kdc::{Kdc, Served, Way};
use logon::TargetName;
use logon::kerberos::{Keytab, PrincipalName, ServiceKey, TicketError};
use logon::wire::krb5::{CachedCredential, CredentialCacheFile};
use logon_kdc::{KdcClient, Krb5Conf, Tickets, TicketsError, principal_of};
use relay::Relay;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const WEB01: &str = "web01.corp.example";

fn conf(realms: &[(&str, &Served)]) -> Krb5Conf {
    let section = |(realm, served): &(&str, &Served)| {
        format!(" {realm} = {{\n  kdc = udp/{}\n }}\n", served.address)
    };
    let realms: String = realms.iter().map(section).collect();
    Krb5Conf::parse(&format!("[libdefaults]\n default_realm = CORP.EXAMPLE\n[realms]\n{realms}"))
}

fn client(served: &Served) -> KdcClient {
    KdcClient::new(Arc::new(conf(&[("CORP.EXAMPLE", served)]))).wait(Duration::from_secs(10))
}

fn corp() -> Kdc {
    Kdc::new("CORP.EXAMPLE", 0)
}

fn alice() -> PrincipalName {
    "alice@CORP.EXAMPLE".parse().unwrap()
}

fn with_password(served: &Served, password: &str) -> Tickets {
    Tickets::of_password(client(served), alice(), password.to_owned())
}

async fn ask(tickets: &Tickets, host: &str) -> Result<PrincipalName, TicketsError> {
    let found = tickets.ticket_for(&TargetName::http(host)).await?;
    Ok(found.ticket().server.clone())
}

#[tokio::test]
async fn a_password_is_shown_once_for_any_number_of_services() {
    let both = Kdc { services: &["HTTP/web01.corp.example", "HTTP/web02.corp.example"], ..corp() };
    let served = both.serve();
    let tickets = Arc::new(with_password(&served, "S3cret!pw"));
    assert_eq!(tickets.client().unwrap(), alice());
    let all = (0..10).map(|_| {
        let tickets = Arc::clone(&tickets);
        tokio::spawn(async move { ask(&tickets, WEB01).await })
    });
    for each in all.collect::<Vec<_>>() {
        let server = each.await.unwrap().unwrap();
        assert_eq!(server.to_string(), "HTTP/web01.corp.example@CORP.EXAMPLE");
    }
    assert_eq!(served.take(), ["AS", "AS+", "TGS"]);
    ask(&tickets, "web02.corp.example").await.unwrap();
    assert_eq!(served.take(), ["TGS"]);
    tickets.reset();
    ask(&tickets, WEB01).await.unwrap();
    assert_eq!(served.take(), ["AS", "AS+", "TGS"]);
}

#[tokio::test]
async fn a_wrong_password_is_shown_once_and_no_more() {
    let served = corp().serve();
    let tickets = with_password(&served, "geheim");
    for _ in 0..3 {
        let error = ask(&tickets, WEB01).await.unwrap_err();
        assert!(error.is_about_client(), "{error}");
        let other = ask(&tickets, "web02.corp.example").await.unwrap_err();
        assert!(other.is_about_client(), "{other}");
    }
    assert_eq!(served.take(), ["AS", "AS+"]);
    tickets.reset();
    assert!(ask(&tickets, WEB01).await.is_err());
    assert_eq!(served.take(), ["AS", "AS+"]);
}

#[tokio::test]
async fn an_answer_that_is_no_verdict_is_not_for_ever() {
    let served = corp().serve();
    let tickets = with_password(&served, "S3cret!pw");
    served.kdc.lock().unwrap().way = Way::AnotherKey;
    assert!(ask(&tickets, WEB01).await.unwrap_err().is_about_client());
    assert!(tickets.refused().is_some(), "for a while");
    served.kdc.lock().unwrap().way = Way::Right;
    tickets.reset();
    ask(&tickets, WEB01).await.unwrap();
    // Tickets that are there serve on, whatever becomes of the account.
    served.kdc.lock().unwrap().password = "changed";
    assert!(ask(&tickets, WEB01).await.is_ok());
}

#[tokio::test]
async fn a_proof_that_nobody_waited_for_is_not_sent_again_at_once() {
    let served = corp().serve();
    let tickets = with_password(&served, "S3cret!pw");
    served.kdc.lock().unwrap().way = Way::SilentAfterProof;
    let given_up = tokio::time::timeout(Duration::from_secs(3), ask(&tickets, WEB01)).await;
    assert!(given_up.is_err());
    assert_eq!(ask(&tickets, WEB01).await, Err(TicketsError::Unjudged));
    assert!(served.take().iter().filter(|what| **what == "AS+").count() <= 2);
}

#[test]
fn a_verdict_that_nobody_waited_for_is_not_asked_for_again_at_once() {
    let served = corp().serve();
    // Passwords are hashed one after the other.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (free, occupied) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        let relay = Relay::start(served.address).await;
        let tickets = with_password(&served.behind(relay.address), "geheim");
        let given_up = async {
            relay.give(relay.next().await).await;
            let verdict = relay.next().await;
            // Somebody else's is hashed now, for long.
            tokio::task::spawn_blocking(move || occupied.recv());
            relay.give(verdict).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        };
        tokio::select! {
            got = ask(&tickets, WEB01) => panic!("{got:?}"),
            () = given_up => {}
        }
        drop(free);
        assert_eq!(ask(&tickets, WEB01).await, Err(TicketsError::Unjudged));
        assert_eq!(ask(&tickets, "web02.corp.example").await, Err(TicketsError::Unjudged));
    });
    assert_eq!(served.take(), ["AS", "AS+"]);
}

#[test]
fn nobody_who_hashes_no_password_waits_for_those_who_do() {
    let served = corp().serve();
    let key =
        ServiceKey { principal: alice(), kvno: 1, key: served.kdc.lock().unwrap().user_key() };
    let keytab: Keytab = [key].into_iter().collect();
    let keys = Tickets::of_keytab(client(&served), alice(), keytab);
    let password = with_password(&served, "S3cret!pw");
    let (free, occupied) = std::sync::mpsc::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        ask(&password, WEB01).await.unwrap();
        password.forget(&TargetName::http(WEB01));
        tokio::task::spawn_blocking(move || occupied.recv());
        let limit = Duration::from_secs(10);
        let with_keys = tokio::time::timeout(limit, ask(&keys, WEB01)).await;
        let at_hand = tokio::time::timeout(limit, ask(&password, WEB01)).await;
        drop(free);
        assert!(with_keys.unwrap().is_ok());
        assert!(at_hand.unwrap().is_ok());
    });
}

#[tokio::test]
async fn a_proof_that_is_not_answered_is_not_sent_for_another_service_at_once() {
    let served = Kdc { way: Way::SilentAfterProof, ..corp() }.serve();
    let kdc = client(&served).limit(Duration::from_secs(3));
    let tickets = Tickets::of_password(kdc, alice(), "S3cret!pw".to_owned());
    let first = ask(&tickets, WEB01).await.unwrap_err();
    assert!(matches!(first, TicketsError::Send(_)), "{first}");
    assert_eq!(ask(&tickets, "web02.corp.example").await, Err(first));
    assert_eq!(served.take(), ["AS", "AS+"]);
    assert_eq!(tickets.refused(), None, "nobody has refused it");
}

#[tokio::test]
async fn who_has_no_ticket_for_us_is_not_asked_again_at_once() {
    let served = corp().serve();
    let tickets = with_password(&served, "S3cret!pw");
    for _ in 0..3 {
        let error = ask(&tickets, "nowhere").await.unwrap_err();
        assert!(!error.is_about_client());
        assert!(error.to_string().contains("setspn"), "{error}");
    }
    assert_eq!(served.take(), ["AS", "AS+", "TGS"]);
    assert!(ask(&tickets, WEB01).await.is_ok(), "others are");
    assert_eq!(served.take(), ["TGS"], "and without the password");
}

#[tokio::test]
async fn a_kdc_that_is_not_there_is_told_and_is_no_matter_of_the_password() {
    let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!("[realms]\n CORP.EXAMPLE = {{\n kdc = {gone}\n }}\n");
    let kdc = KdcClient::new(Arc::new(Krb5Conf::parse(&text)))
        .wait(Duration::from_millis(20))
        .limit(Duration::from_millis(500));
    let tickets = Tickets::of_password(kdc, alice(), "S3cret!pw".to_owned());
    let error = ask(&tickets, WEB01).await.unwrap_err();
    assert!(matches!(error, TicketsError::Send(_)) && !error.is_about_client(), "{error}");
}

#[tokio::test]
async fn a_ticket_that_a_service_refuses_is_replaced_but_not_for_ever() {
    let served = corp().serve();
    let tickets = with_password(&served, "S3cret!pw");
    ask(&tickets, WEB01).await.unwrap();
    served.take();
    let target = TargetName::http(WEB01);
    for expected in [&["TGS"][..], &[], &[]] {
        tickets.forget(&target);
        ask(&tickets, WEB01).await.unwrap();
        assert_eq!(served.take(), expected);
    }
}

#[tokio::test]
async fn keys_do_as_a_password_does() {
    let served = corp().serve();
    let key =
        ServiceKey { principal: alice(), kvno: 1, key: served.kdc.lock().unwrap().user_key() };
    let keytab: Keytab = [key].into_iter().collect();
    let tickets = Tickets::of_keytab(client(&served), alice(), keytab);
    ask(&tickets, WEB01).await.unwrap();
    assert_eq!(served.take(), ["AS", "AS+", "TGS"]);
}

#[tokio::test]
async fn a_realm_that_is_called_as_the_domain_is_found_without_being_told() {
    let sub = Kdc { services: &["HTTP/web09.sub.corp.example"], ..Kdc::new("SUB.CORP.EXAMPLE", 0) };
    let sub = sub.serve();
    // The client's KDC knows of the trust, but not where the host belongs.
    let corp = Kdc { trusts: &[], services: &[], ..corp() }.serve();
    corp.kdc.lock().unwrap().trusts = &["SUB.CORP.EXAMPLE"];
    let conf = conf(&[("CORP.EXAMPLE", &corp), ("SUB.CORP.EXAMPLE", &sub)]);
    let kdc = KdcClient::new(Arc::new(conf)).wait(Duration::from_secs(10));
    let tickets = Tickets::of_password(kdc, alice(), "S3cret!pw".to_owned());
    let server = ask(&tickets, "web09.sub.corp.example").await.unwrap();
    assert_eq!(server.realm(), "SUB.CORP.EXAMPLE");
    assert_eq!(sub.take(), ["TGS"]);
}

#[tokio::test]
async fn a_realm_that_is_guessed_in_vain_costs_no_second_logon() {
    let served = corp().serve();
    let tickets = with_password(&served, "S3cret!pw");
    let error = ask(&tickets, "web09.sub.corp.example").await.unwrap_err();
    assert!(error.to_string().contains("setspn"), "{error}");
    assert_eq!(served.take(), ["AS", "AS+", "TGS", "TGS"]);
}

/// What kinit leaves: a ticket-granting ticket.
fn kinit(served: &Served, path: &Path, client: &str) {
    let kdc = served.kdc.lock().unwrap().clone();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let kdc = Kdc { now, user: "alice", ..kdc };
    let principal: PrincipalName = client.parse().unwrap();
    let cache = logon::kerberos::CredentialCache::new(principal.clone());
    let config = Arc::new(logon::kerberos::TicketConfig::with_os());
    let tgt = PrincipalName::ticket_granting(kdc.realm, kdc.realm);
    let secret = logon::kerberos::ClientSecret::password(kdc.password.to_owned());
    let mut request = logon::kerberos::TicketRequest::new(config, &cache, tgt).with_secret(secret);
    let mut answer = None::<Vec<u8>>;
    let ticket = loop {
        match request.step(answer.as_deref()).unwrap() {
            logon::kerberos::TicketStep::SendToKdc(next) => {
                answer = Some(kdc.answer(&next.message));
                request = next.request;
            }
            logon::kerberos::TicketStep::Complete(found) => break found.ticket,
        }
    };
    let seconds = |time: logon::FileTime| time.to_unix().unwrap().as_secs() as u32;
    let file = CredentialCacheFile {
        default_principal: principal.as_wire(),
        kdc_offset: None,
        credentials: vec![CachedCredential {
            client: ticket.client.as_wire(),
            server: ticket.server.as_wire(),
            key_type: ticket.session_key.encryption_type().number(),
            key: ticket.session_key.expose(),
            auth_time: seconds(ticket.start_time),
            start_time: seconds(ticket.start_time),
            end_time: seconds(ticket.end_time),
            renew_till: 0,
            is_skey: false,
            ticket_flags: ticket.flags,
            addresses: Vec::new(),
            auth_data: Vec::new(),
            ticket: &ticket.ticket,
            second_ticket: &[],
        }],
    };
    std::fs::write(path, file.encode().unwrap()).unwrap();
}

#[tokio::test]
async fn a_credential_cache_is_followed_as_kinit_and_kdestroy_change_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("krb5cc");
    let served = corp().serve();
    let tickets = Tickets::of_cache(client(&served), &path);
    let error = ask(&tickets, WEB01).await.unwrap_err();
    assert!(error.to_string().contains("kinit"), "{error}");
    kinit(&served, &path, "alice@CORP.EXAMPLE");
    assert_eq!(tickets.client().unwrap(), alice());
    ask(&tickets, WEB01).await.unwrap();
    ask(&tickets, WEB01).await.unwrap();
    assert_eq!(served.take(), ["TGS"]);
    // Somebody else.
    std::fs::remove_file(&path).unwrap();
    assert!(ask(&tickets, WEB01).await.is_err(), "and nothing is left of the first");
    kinit(&served, &path, "alice@CORP.EXAMPLE");
    ask(&tickets, WEB01).await.unwrap();
    assert_eq!(served.take(), ["TGS"]);
    std::fs::write(&path, b"\x05\x04").unwrap();
    assert!(matches!(ask(&tickets, WEB01).await, Err(TicketsError::Place(_))));
}

#[tokio::test]
async fn a_clock_that_is_wrong_does_not_matter() {
    let served = Kdc { now: 7200, ..corp() }.serve();
    let tickets = with_password(&served, "S3cret!pw");
    ask(&tickets, WEB01).await.unwrap();
    assert_eq!(served.take(), ["AS", "AS+", "AS+", "TGS"]);
    ask(&tickets, WEB01).await.unwrap();
    assert!(served.take().is_empty());
}

#[tokio::test]
async fn a_kdc_that_lies_gives_no_ticket() {
    for (way, expected) in [
        (Way::AnotherKey, TicketError::NotProven),
        (Way::AnotherNonce, TicketError::Mismatch("another request's nonce")),
        (Way::AnotherClient, TicketError::Mismatch("a ticket of another client")),
    ] {
        let served = Kdc { way, ..corp() }.serve();
        let error = ask(&with_password(&served, "S3cret!pw"), WEB01).await.unwrap_err();
        let TicketsError::Ticket { cause, of_client: true } = error else { panic!("{error}") };
        assert_eq!(cause, expected, "{way:?}");
    }
    let served = Kdc { way: Way::Garbage, ..corp() }.serve();
    let error = ask(&with_password(&served, "S3cret!pw"), WEB01).await.unwrap_err();
    let TicketsError::Ticket { cause: TicketError::Decode(_), .. } = error else {
        panic!("{error}")
    };
}

#[test]
fn accounts_have_their_principals() {
    let conf = Krb5Conf::parse(
        "[libdefaults]\n default_realm = CORP.EXAMPLE\n[realms]\n CORP.EXAMPLE = {\n kdc = a\n }\n \
         OTHER.TEST = {\n kdc = b\n }\n TWO.A = {\n kdc = c\n }\n TWO.B = {\n kdc = d\n }\n",
    );
    for (account, expected) in [
        ("alice", Some("alice@CORP.EXAMPLE")),
        (r"CORP\alice", Some("alice@CORP.EXAMPLE")),
        (r"corp\alice", Some("alice@CORP.EXAMPLE")),
        (r"corp.example\alice", Some("alice@CORP.EXAMPLE")),
        (r"OTHER\bob", Some("bob@OTHER.TEST")),
        (r"NOWHERE\alice", None),
        (r"TWO\alice", None),
        (r"\alice", None),
        ("alice@corp.example", Some("alice@CORP.EXAMPLE")),
        ("bob@OTHER.TEST", Some("bob@OTHER.TEST")),
        ("alice@mail.example", Some(r"alice\@mail.example@CORP.EXAMPLE")),
        ("@corp.example", None),
        (r"CORP\", None),
        ("", None),
    ] {
        let found = principal_of(account, &conf).map(|name| name.to_string());
        assert_eq!(found.as_deref(), expected, "{account}");
    }
    assert_eq!(principal_of("alice", &Krb5Conf::default()), None);
    let upn = principal_of("alice@mail.example", &conf).unwrap();
    assert!(upn.is_enterprise());
}

#[test]
fn nobody_sees_the_password() {
    let served = corp().serve();
    let shown = format!("{:?}", with_password(&served, "S3cret!pw"));
    assert!(!shown.contains("S3cret"), "{shown}");
}
