//! What DNS says of realms.
#![cfg(feature = "dns")]

#[path = "support/name_server.rs"]
mod name_server;
mod support;

use logon_kdc::{KdcClient, Krb5Conf, NoKdc, SendError};
use name_server::{A, CNAME, NameServer, SRV, TXT, name};
use std::net::Ipv4Addr;
use std::sync::Arc;
use support::{Kdc, Tcp, Udp, WAIT, krb_error, reply};
use tokio::net::UdpSocket;

const ASK: &[u8] = b"a message of some kind";

fn asking(server: &NameServer, libdefaults: &str) -> KdcClient {
    let conf = Krb5Conf::parse(&format!("[libdefaults]\n{libdefaults}\n"));
    KdcClient::new(Arc::new(conf)).wait(WAIT).limit(WAIT * 12).name_server(server.address)
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Vec<u8> {
    let mut data = [priority, weight, port].map(u16::to_be_bytes).concat();
    data.extend(name(target));
    data
}

fn txt(text: &str) -> Vec<u8> {
    let mut data = vec![u8::try_from(text.len()).unwrap()];
    data.extend(text.as_bytes());
    data
}

#[tokio::test]
async fn the_kdcs_of_a_realm_are_asked_by_their_priority() {
    let good = Kdc::start(Udp::Answers(reply(1, 9)), Tcp::Refuses).await;
    let other = Kdc::start(Udp::Answers(reply(2, 9)), Tcp::Refuses).await;
    let server = NameServer::start(&[
        ("_kerberos._udp.corp.example.", SRV, srv(10, 0, other.address.port(), "localhost.")),
        ("_kerberos._udp.corp.example.", SRV, srv(0, 100, good.address.port(), "localhost.")),
    ])
    .await;
    let client = asking(&server, "");
    assert_eq!(client.send("CORP.EXAMPLE", ASK).await, Ok(reply(1, 9)));
    assert_eq!((good.asked().0, other.asked().0), (1, 0));
    // Kept as long as DNS says.
    let asked = server.asked.lock().unwrap().len();
    assert_eq!(client.send("CORP.EXAMPLE", ASK).await, Ok(reply(1, 9)));
    assert!(server.asked.lock().unwrap().len() <= asked + 1);
}

#[tokio::test]
async fn a_kdc_that_has_records_of_both_protocols_is_asked_over_both() {
    let kdc = Kdc::start(Udp::Answers(krb_error(52)), Tcp::Answers(reply(2, 9))).await;
    let here = srv(0, 0, kdc.address.port(), "localhost.");
    let server = NameServer::start(&[
        ("_kerberos._udp.corp.example.", SRV, here.clone()),
        ("_kerberos._tcp.corp.example.", SRV, here.clone()),
        ("_kerberos._tcp.lab.example.", SRV, here),
    ])
    .await;
    assert_eq!(asking(&server, "").send("CORP.EXAMPLE", ASK).await, Ok(reply(2, 9)));
    assert_eq!(kdc.asked(), (1, 1));
    assert_eq!(asking(&server, "").send("LAB.EXAMPLE", ASK).await, Ok(reply(2, 9)));
    assert_eq!(kdc.asked(), (1, 2));
}

#[tokio::test]
async fn dns_is_asked_only_if_the_file_lets_it_and_names_no_kdc() {
    let kdc = Kdc::start(Udp::Answers(reply(1, 9)), Tcp::Refuses).await;
    let server = NameServer::start(&[]).await;
    let error = asking(&server, "dns_lookup_kdc = false").send("R", ASK).await.unwrap_err();
    assert_eq!(error, SendError::NoKdc { realm: "R".to_owned(), reason: NoKdc::NotConfigured });
    let client = support::client(&[kdc.address.to_string()]).name_server(server.address);
    assert_eq!(client.send("R", ASK).await, Ok(reply(1, 9)));
    assert!(server.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_realm_that_dns_does_not_know_is_an_error_that_says_so() {
    let none = ("_kerberos._tcp.none.example.", SRV, srv(0, 0, 88, "."));
    let server = NameServer::start(&[none]).await;
    for realm in ["NOWHERE.EXAMPLE", "NONE.EXAMPLE", "not a name..", &"x".repeat(300)] {
        let error = asking(&server, "").send(realm, ASK).await.unwrap_err();
        let SendError::NoKdc { reason: NoKdc::NotInDns(_), .. } = &error else { panic!("{error}") };
        assert!(error.to_string().contains("check the name of the realm"), "{error}");
    }
}

#[tokio::test]
async fn a_name_server_that_is_silent_is_an_error_in_time() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let client = KdcClient::new(Arc::new(Krb5Conf::parse("")));
    let client = client.limit(WAIT).name_server(silent.local_addr().unwrap());
    let error = client.send("R.EXAMPLE", ASK).await.unwrap_err();
    assert!(matches!(error, SendError::NoKdc { .. }), "{error}");
}

#[tokio::test]
async fn the_realm_of_a_host_is_looked_up_only_when_asked_for() {
    let server = NameServer::start(&[
        ("_kerberos.corp.example.", TXT, txt("CORP.EXAMPLE.")),
        ("_kerberos.web.lab.example.", TXT, txt("LAB.EXAMPLE")),
    ])
    .await;
    let client = asking(&server, "dns_lookup_realm = true\n[domain_realm]\n a.example = A");
    for (host, realm) in [
        ("web.corp.example", Some("CORP.EXAMPLE")),
        ("a.b.Corp.example.", Some("CORP.EXAMPLE")),
        ("web.lab.example", Some("LAB.EXAMPLE")),
        ("lab.example", None),
        ("a.example", Some("A")),
        ("10.0.0.1", None),
        ("", None),
    ] {
        assert_eq!(client.realm_of(host).await.as_deref(), realm, "{host}");
    }
    let asked = server.asked.lock().unwrap().len();
    assert_eq!(asking(&server, "").realm_of("web.corp.example").await, None);
    assert_eq!(server.asked.lock().unwrap().len(), asked);
}

#[tokio::test]
async fn a_host_is_called_as_what_it_is_an_alias_of() {
    let here = Ipv4Addr::LOCALHOST.octets().to_vec();
    let server = NameServer::start(&[
        ("web.corp.example.", A, here.clone()),
        ("www.corp.example.", CNAME, name("intranet.corp.example.")),
        ("intranet.corp.example.", CNAME, name("Web01.Corp.Example.")),
        ("web01.corp.example.", A, here.clone()),
        ("root.corp.example.", CNAME, name(".")),
        ("", A, here),
        ("gone.corp.example.", CNAME, name("nobody.corp.example.")),
    ])
    .await;
    let client = asking(&server, "");
    for (host, canonical) in [
        ("web.corp.example", Some("web.corp.example")),
        ("www.corp.example", Some("web01.corp.example")),
        ("WWW.corp.example.", Some("web01.corp.example")),
        ("gone.corp.example", None),
        ("root.corp.example", None),
        ("unknown.corp.example", None),
        ("127.0.0.1", None),
        ("www.corp.example:8080", None),
        ("", None),
    ] {
        assert_eq!(client.canonical_name(host).await.as_deref(), canonical, "{host}");
    }
}
