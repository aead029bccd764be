//! A name server on loopback.
// Each test program uses its part.
#![allow(dead_code)]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;

pub(crate) const A: u16 = 1;
pub(crate) const CNAME: u16 = 5;
pub(crate) const TXT: u16 = 16;
pub(crate) const SRV: u16 = 33;

/// One that knows these records, by name and type, and what it was asked.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

type Records = HashMap<(String, u16), Vec<Vec<u8>>>;

impl NameServer {
    pub(crate) async fn start(records: &[(&str, u16, Vec<u8>)]) -> Self {
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
}

/// The labels of a name, each behind its length.
pub(crate) fn name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// The name that stands at the beginning of these bytes, with a dot at the end.
fn read_name(bytes: &[u8]) -> String {
    let (mut text, mut at) = (String::new(), 0);
    while bytes[at] != 0 {
        let end = at + 1 + usize::from(bytes[at]);
        text.push_str(std::str::from_utf8(&bytes[at + 1..end]).unwrap());
        text.push('.');
        at = end;
    }
    text.to_ascii_lowercase()
}

/// What answers a question, aliases first: names, types, data.
fn answers(records: &Records, asked: &str, kind: u16) -> Vec<(String, u16, Vec<u8>)> {
    let mut answers = Vec::new();
    let mut asked = asked.to_owned();
    while let Some([alias]) = records.get(&(asked.clone(), CNAME)).map(Vec::as_slice) {
        answers.push((asked, CNAME, alias.clone()));
        asked = read_name(alias);
    }
    let last = records.get(&(asked.clone(), kind)).into_iter().flatten();
    answers.extend(last.map(|data| (asked.clone(), kind, data.clone())));
    answers
}

async fn serve(socket: UdpSocket, records: Records, asked: Arc<Mutex<Vec<String>>>) {
    let mut query = [0; 512];
    loop {
        let (_, from) = socket.recv_from(&mut query).await.unwrap();
        let question = read_name(&query[12..]);
        let at = 12 + name(&question).len();
        let kind = u16::from_be_bytes([query[at], query[at + 1]]);
        let answers = answers(&records, &question, kind);
        asked.lock().unwrap().push(question);
        let code = if answers.is_empty() { 3 } else { 0 };
        let mut response = vec![query[0], query[1], 0x81, 0x80 | code, 0, 1];
        response.extend(u16::try_from(answers.len()).unwrap().to_be_bytes());
        response.extend([0; 4]);
        response.extend(&query[12..at + 4]);
        for (owner, kind, data) in answers {
            response.extend(name(&owner));
            response.extend(kind.to_be_bytes());
            // The class of the Internet, a minute.
            response.extend([0, 1, 0, 0, 0, 60]);
            response.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            response.extend(data);
        }
        socket.send_to(&response, from).await.unwrap();
    }
}
