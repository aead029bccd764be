//! Hosts whose service is called as what they are an alias of.
#![cfg(feature = "dns")]

#[path = "../../../tests/support/kdc.rs"]
mod kdc;
#[path = "support/name_server.rs"]
mod name_server;
#[path = "support/relay.rs"]
mod relay;

use kdc::{Kdc, Served};
use logon::TargetName;
use logon_kdc::{KdcClient, Krb5Conf, Tickets, TicketsError};
use name_server::{A, CNAME, NameServer, name};
use relay::Relay;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;

const SERVICE: &str = "HTTP/web01.corp.example@CORP.EXAMPLE";

async fn name_server() -> NameServer {
    let here = Ipv4Addr::LOCALHOST.octets().to_vec();
    let records = [
        ("www.corp.example.", CNAME, name("web01.corp.example.")),
        ("web01.corp.example.", A, here.clone()),
        ("other.corp.example.", A, here),
    ];
    NameServer::start(&records).await
}

fn tickets(served: &Served, dns: SocketAddr, libdefaults: &str) -> Tickets {
    tickets_within(Duration::from_secs(15), served, dns, libdefaults)
}

fn tickets_within(limit: Duration, served: &Served, dns: SocketAddr, libdefaults: &str) -> Tickets {
    let kdc = served.address;
    let conf = Krb5Conf::parse(&format!(
        "[libdefaults]\n default_realm = CORP.EXAMPLE\n {libdefaults}\n\
         [realms]\n CORP.EXAMPLE = {{\n kdc = udp/{kdc}\n }}\n"
    ));
    let client = KdcClient::new(Arc::new(conf)).wait(Duration::from_secs(10)).limit(limit);
    let client = client.name_server(dns);
    Tickets::of_password(client, "alice@CORP.EXAMPLE".parse().unwrap(), "S3cret!pw".to_owned())
}

async fn ask(tickets: &Tickets, host: &str) -> Result<String, TicketsError> {
    let found = tickets.ticket_for_host(&TargetName::http(host)).await?;
    Ok(found.ticket().server.to_string())
}

#[tokio::test]
async fn nobody_asks_dns_unless_the_file_says_so() {
    let (served, dns) = (Kdc::new("CORP.EXAMPLE", 0).serve(), name_server().await);
    for libdefaults in ["", "dns_canonicalize_hostname = false", "rdns = true"] {
        let tickets = tickets(&served, dns.address, libdefaults);
        let error = ask(&tickets, "www.corp.example").await.unwrap_err();
        assert!(error.to_string().contains("does not know the service"), "{error}");
    }
    assert_eq!(dns.asked.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn an_alias_is_asked_for_by_its_canonical_name() {
    let (served, dns) = (Kdc::new("CORP.EXAMPLE", 0).serve(), name_server().await);
    let tickets = tickets(&served, dns.address, "dns_canonicalize_hostname = true");
    assert_eq!(ask(&tickets, "www.corp.example").await.unwrap(), SERVICE);
    assert_eq!(served.take(), ["AS", "AS+", "TGS"]);
    assert_eq!(ask(&tickets, "web01.corp.example").await.unwrap(), SERVICE);
    // DNS does not know it: it stays as it is, and the KDC says what it has to say of it.
    let error = ask(&tickets, "nowhere.corp.example").await.unwrap_err();
    assert!(error.to_string().contains("does not know the service"), "{error}");
}

#[tokio::test]
async fn a_fallback_asks_dns_only_after_the_kdc() {
    let (served, dns) = (Kdc::new("CORP.EXAMPLE", 0).serve(), name_server().await);
    let tickets = tickets(&served, dns.address, "dns_canonicalize_hostname = fallback");
    assert_eq!(ask(&tickets, "web01.corp.example").await.unwrap(), SERVICE);
    assert_eq!(dns.asked.lock().unwrap().len(), 0);
    assert_eq!(ask(&tickets, "www.corp.example").await.unwrap(), SERVICE);
    // It is called as it is: the first answer was right.
    let error = ask(&tickets, "other.corp.example").await.unwrap_err();
    assert!(error.to_string().contains("does not know the service"), "{error}");
}

#[tokio::test]
async fn the_password_is_shown_once_for_an_alias() {
    let (served, dns) = (Kdc::new("CORP.EXAMPLE", 0).serve(), name_server().await);
    let tickets = tickets(&served, dns.address, "dns_canonicalize_hostname = fallback");
    assert_eq!(ask(&tickets, "www.corp.example").await.unwrap(), SERVICE);
    assert_eq!(served.take(), ["AS", "AS+", "TGS", "TGS"]);
    // Nor for names that nobody knows.
    assert!(ask(&tickets, "other.corp.example").await.is_err());
    assert_eq!(served.take(), ["TGS"]);
}

#[tokio::test]
async fn a_refusal_of_the_password_is_not_taken_for_an_unknown_service() {
    // Its tickets are not worth keeping, so that the second attempt is a logon as well.
    let served = Kdc { lifetime: 100, ..Kdc::new("CORP.EXAMPLE", 0) }.serve();
    let dns = name_server().await;
    let relay = Relay::start(dns.address).await;
    let tickets = tickets(&served, relay.address, "dns_canonicalize_hostname = fallback");
    let changing = async {
        loop {
            let held = relay.next().await;
            served.kdc.lock().unwrap().password = "changed";
            relay.give(held).await;
        }
    };
    let error = tokio::select! {
        got = ask(&tickets, "www.corp.example") => got.unwrap_err(),
        () = changing => unreachable!(),
    };
    assert!(error.is_about_client(), "{error}");
    assert_eq!(served.take(), ["AS", "AS+", "TGS", "AS", "AS+"]);
    assert_eq!(ask(&tickets, "other.corp.example").await, Err(error));
    assert!(served.take().is_empty());
}

#[tokio::test]
async fn a_name_server_that_is_silent_keeps_no_host_waiting_for_another() {
    let served = Kdc::new("CORP.EXAMPLE", 0).serve();
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let dns = silent.local_addr().unwrap();
    let limit = Duration::from_secs(3);
    let tickets = Arc::new(tickets_within(limit, &served, dns, "dns_canonicalize_hostname = true"));
    let begin = Instant::now();
    let hosts = ["web01.corp.example", "a.corp.example", "b.corp.example", "c.corp.example"];
    let all = hosts.map(|host| {
        let tickets = Arc::clone(&tickets);
        tokio::spawn(async move { ask(&tickets, host).await })
    });
    let mut all = all.into_iter();
    assert_eq!(all.next().unwrap().await.unwrap().unwrap(), SERVICE);
    for other in all {
        assert!(other.await.unwrap().is_err());
    }
    let took = begin.elapsed();
    assert!(limit <= took && took < limit * 3, "{took:?}");
}

#[tokio::test]
async fn a_fallback_has_little_time_while_others_wait() {
    let served = Kdc::new("CORP.EXAMPLE", 0).serve();
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let dns = silent.local_addr().unwrap();
    let tickets = tickets(&served, dns, "dns_canonicalize_hostname = fallback");
    let begin = Instant::now();
    let error = ask(&tickets, "www.corp.example").await.unwrap_err();
    assert!(error.to_string().contains("does not know the service"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_service_that_was_named_is_no_matter_of_dns() {
    let (served, dns) = (Kdc::new("CORP.EXAMPLE", 0).serve(), name_server().await);
    for libdefaults in ["dns_canonicalize_hostname = true", "dns_canonicalize_hostname = fallback"]
    {
        let tickets = tickets(&served, dns.address, libdefaults);
        let named = || async { tickets.ticket_for(&TargetName::http("www.corp.example")).await };
        assert!(named().await.is_err());
        assert_eq!(dns.asked.lock().unwrap().len(), 0);
        // Neither is it one that was found for the host.
        assert_eq!(ask(&tickets, "www.corp.example").await.unwrap(), SERVICE);
        assert!(named().await.is_err());
        dns.asked.lock().unwrap().clear();
    }
}
