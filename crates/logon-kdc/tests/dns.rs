//! What DNS says of realms.
#![cfg(feature = "dns")]

mod support;

use logon_kdc::{KdcClient, Krb5Conf, NoKdc, SendError};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use support::{Kdc, Tcp, Udp, WAIT, krb_error, reply};
use tokio::net::UdpSocket;

const ASK: &[u8] = b"a message of some kind";
const SRV: u16 = 33;
const TXT: u16 = 16;

/// A name server that knows these records, by name and type, and what it was asked.
struct NameServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

type Records = HashMap<(String, u16), Vec<Vec<u8>>>;

impl NameServer {
    async fn start(records: &[(&str, u16, Vec<u8>)]) -> Self {
        let mut known = Records::new();
        for (name, kind, data) in records {
            known.entry(((*name).to_owned(), *kind)).or_default().push(data.clone());
        }
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        tokio::spawn(serve(socket, known, asked.clone()));
        Self { address, asked }
    }

    fn client(&self, libdefaults: &str) -> KdcClient {
        let conf = Krb5Conf::parse(&format!("[libdefaults]\n{libdefaults}\n"));
        KdcClient::new(Arc::new(conf)).wait(WAIT).limit(WAIT * 12).name_server(self.address)
    }
}

async fn serve(socket: UdpSocket, records: Records, asked: Arc<Mutex<Vec<String>>>) {
    let mut query = [0; 512];
    loop {
        let (_, from) = socket.recv_from(&mut query).await.unwrap();
        let (mut name, mut at) = (String::new(), 12);
        while query[at] != 0 {
            let end = at + 1 + usize::from(query[at]);
            name.push_str(std::str::from_utf8(&query[at + 1..end]).unwrap());
            name.push('.');
            at = end;
        }
        let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
        let name = name.to_ascii_lowercase();
        let answers = records.get(&(name.clone(), kind)).cloned().unwrap_or_default();
        asked.lock().unwrap().push(name);
        let code = if answers.is_empty() { 3 } else { 0 };
        let mut response = vec![query[0], query[1], 0x81, 0x80 | code, 0, 1];
        response.extend(u16::try_from(answers.len()).unwrap().to_be_bytes());
        response.extend([0; 4]);
        response.extend(&query[12..at + 5]);
        for data in answers {
            // The name of the question, the class of the Internet, a minute.
            response.extend([0xC0, 12]);
            response.extend(kind.to_be_bytes());
            response.extend([0, 1, 0, 0, 0, 60]);
            response.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            response.extend(data);
        }
        socket.send_to(&response, from).await.unwrap();
    }
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Vec<u8> {
    let mut data = [priority, weight, port].map(u16::to_be_bytes).concat();
    for label in target.split('.').filter(|label| !label.is_empty()) {
        data.push(u8::try_from(label.len()).unwrap());
        data.extend(label.as_bytes());
    }
    data.push(0);
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
    let client = server.client("");
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
    assert_eq!(server.client("").send("CORP.EXAMPLE", ASK).await, Ok(reply(2, 9)));
    assert_eq!(kdc.asked(), (1, 1));
    assert_eq!(server.client("").send("LAB.EXAMPLE", ASK).await, Ok(reply(2, 9)));
    assert_eq!(kdc.asked(), (1, 2));
}

#[tokio::test]
async fn dns_is_asked_only_if_the_file_lets_it_and_names_no_kdc() {
    let kdc = Kdc::start(Udp::Answers(reply(1, 9)), Tcp::Refuses).await;
    let server = NameServer::start(&[]).await;
    let error = server.client("dns_lookup_kdc = false").send("R", ASK).await.unwrap_err();
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
        let error = server.client("").send(realm, ASK).await.unwrap_err();
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
    let client = server.client("dns_lookup_realm = true\n[domain_realm]\n a.example = A");
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
    assert_eq!(server.client("").realm_of("web.corp.example").await, None);
    assert_eq!(server.asked.lock().unwrap().len(), asked);
}
