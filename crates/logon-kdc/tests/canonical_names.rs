//! Hosts whose service is called as what they are an alias of.
#![cfg(feature = "dns")]

#[path = "../../../tests/support/kdc.rs"]
mod kdc;
#[path = "support/name_server.rs"]
mod name_server;

use kdc::{Kdc, Served};
use logon::TargetName;
use logon_kdc::{KdcClient, Krb5Conf, Tickets, TicketsError};
use name_server::{A, CNAME, NameServer, name};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

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

fn tickets(served: &Served, dns: &NameServer, libdefaults: &str) -> Tickets {
    let kdc = served.address;
    let conf = Krb5Conf::parse(&format!(
        "[libdefaults]\n default_realm = CORP.EXAMPLE\n {libdefaults}\n\
         [realms]\n CORP.EXAMPLE = {{\n kdc = udp/{kdc}\n }}\n"
    ));
    let client = KdcClient::new(Arc::new(conf)).wait(Duration::from_secs(10));
    let client = client.name_server(dns.address);
    Tickets::of_password(client, "alice@CORP.EXAMPLE".parse().unwrap(), "S3cret!pw".to_owned())
}

async fn ask(tickets: &Tickets, host: &str) -> Result<String, TicketsError> {
    let found = tickets.ticket_for(&TargetName::http(host)).await?;
    Ok(found.ticket().server.to_string())
}

#[tokio::test]
async fn nobody_asks_dns_unless_the_file_says_so() {
    let (served, dns) = (Kdc::new("CORP.EXAMPLE", 0).serve(), name_server().await);
    for libdefaults in ["", "dns_canonicalize_hostname = false", "rdns = true"] {
        let tickets = tickets(&served, &dns, libdefaults);
        let error = ask(&tickets, "www.corp.example").await.unwrap_err();
        assert!(error.to_string().contains("does not know the service"), "{error}");
    }
    assert_eq!(dns.asked.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn an_alias_is_asked_for_by_its_canonical_name() {
    let (served, dns) = (Kdc::new("CORP.EXAMPLE", 0).serve(), name_server().await);
    let tickets = tickets(&served, &dns, "dns_canonicalize_hostname = true");
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
    let tickets = tickets(&served, &dns, "dns_canonicalize_hostname = fallback");
    assert_eq!(ask(&tickets, "web01.corp.example").await.unwrap(), SERVICE);
    assert_eq!(dns.asked.lock().unwrap().len(), 0);
    assert_eq!(ask(&tickets, "www.corp.example").await.unwrap(), SERVICE);
    // It is called as it is: the first answer was right.
    let error = ask(&tickets, "other.corp.example").await.unwrap_err();
    assert!(error.to_string().contains("does not know the service"), "{error}");
}
