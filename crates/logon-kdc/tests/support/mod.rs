//! KDCs on loopback that know no Kerberos.
// Each test program uses its part.
#![allow(dead_code)]

use logon::wire::krb5::{KerberosTime, KrbError, Principal};
use logon_kdc::{KdcClient, Krb5Conf};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// In the tests a KDC has a quarter of the time.
pub(crate) const WAIT: Duration = Duration::from_millis(250);

/// What a KDC does with a message over UDP.
#[derive(Debug, Clone)]
pub(crate) enum Udp {
    /// Nothing listens.
    Refuses,
    Silent,
    Answers(Vec<u8>),
    /// Only from the second message on.
    AnswersLate(Vec<u8>),
    /// First something else.
    AnswersAfter(Vec<u8>, Vec<u8>),
    /// From another port than the one that was asked.
    AnswersFromElsewhere(Vec<u8>),
}

/// The same over TCP.
#[derive(Debug, Clone)]
pub(crate) enum Tcp {
    Refuses,
    Silent,
    Answers(Vec<u8>),
    /// These bytes, and the end.
    Sends(Vec<u8>),
}

/// A KDC, and what it got.
pub(crate) struct Kdc {
    pub(crate) address: SocketAddr,
    pub(crate) over_udp: Arc<AtomicUsize>,
    pub(crate) over_tcp: Arc<AtomicUsize>,
    pub(crate) last: Arc<Mutex<Vec<u8>>>,
}

impl Kdc {
    pub(crate) async fn start(udp: Udp, tcp: Tcp) -> Self {
        let (socket, listener) = loop {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
                break (socket, listener);
            }
        };
        Self::on(socket, listener, udp, tcp)
    }

    pub(crate) fn on(socket: UdpSocket, listener: TcpListener, udp: Udp, tcp: Tcp) -> Self {
        let this = Self {
            address: socket.local_addr().unwrap(),
            over_udp: Arc::default(),
            over_tcp: Arc::default(),
            last: Arc::default(),
        };
        if !matches!(udp, Udp::Refuses) {
            tokio::spawn(serve_udp(socket, udp, this.over_udp.clone(), this.last.clone()));
        }
        if !matches!(tcp, Tcp::Refuses) {
            tokio::spawn(serve_tcp(listener, tcp, this.over_tcp.clone(), this.last.clone()));
        }
        this
    }

    /// Messages over UDP and connections.
    pub(crate) fn asked(&self) -> (usize, usize) {
        (self.over_udp.load(Ordering::SeqCst), self.over_tcp.load(Ordering::SeqCst))
    }
}

async fn serve_udp(
    socket: UdpSocket,
    what: Udp,
    count: Arc<AtomicUsize>,
    last: Arc<Mutex<Vec<u8>>>,
) {
    let mut buffer = vec![0; 65_535];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        *last.lock().unwrap() = buffer[..length].to_vec();
        let before = count.fetch_add(1, Ordering::SeqCst);
        match &what {
            Udp::Answers(bytes) => drop(socket.send_to(bytes, from).await),
            Udp::AnswersLate(bytes) if before > 0 => drop(socket.send_to(bytes, from).await),
            Udp::AnswersAfter(first, bytes) => {
                drop(socket.send_to(first, from).await);
                drop(socket.send_to(bytes, from).await);
            }
            Udp::AnswersFromElsewhere(bytes) => {
                let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                drop(other.send_to(bytes, from).await);
            }
            Udp::Silent | Udp::Refuses | Udp::AnswersLate(_) => {}
        }
    }
}

async fn serve_tcp(
    listener: TcpListener,
    what: Tcp,
    count: Arc<AtomicUsize>,
    last: Arc<Mutex<Vec<u8>>>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        count.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve_connection(stream, what.clone(), last.clone()));
    }
}

async fn serve_connection(
    mut stream: TcpStream,
    what: Tcp,
    last: Arc<Mutex<Vec<u8>>>,
) -> std::io::Result<()> {
    let length = stream.read_u32().await?;
    let mut message = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut message).await?;
    *last.lock().unwrap() = message;
    match what {
        Tcp::Answers(bytes) => stream.write_all(&framed(&bytes)).await,
        Tcp::Sends(bytes) => stream.write_all(&bytes).await,
        Tcp::Silent | Tcp::Refuses => {
            std::future::pending::<()>().await;
            Ok(())
        }
    }
}

/// Behind its length.
pub(crate) fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

/// What has the form of an AS-REP, with `length` bytes in it.
pub(crate) fn reply(fill: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![0x6B, 0x82];
    bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
    bytes.resize(4 + length, fill);
    bytes
}

pub(crate) fn krb_error(error_code: i32) -> Vec<u8> {
    let nobody = Principal { realm: "", components: vec![], name_type: 0 };
    let server = vec!["krbtgt", "CORP.EXAMPLE"];
    let error = KrbError {
        ctime: None,
        cusec: None,
        stime: KerberosTime::from_unix(1_700_000_000),
        susec: 0,
        error_code,
        client: nobody,
        server: Principal { realm: "CORP.EXAMPLE", components: server, name_type: 2 },
        e_text: None,
        e_data: None,
    };
    let mut bytes = Vec::new();
    error.encode(&mut bytes).unwrap();
    bytes
}

/// A client of realm `R` with these KDCs.
pub(crate) fn client(kdcs: &[String]) -> KdcClient {
    client_with("", kdcs)
}

pub(crate) fn client_with(libdefaults: &str, kdcs: &[String]) -> KdcClient {
    let kdcs: String = kdcs.iter().map(|kdc| format!("kdc = {kdc}\n")).collect();
    let text = format!("[libdefaults]\n{libdefaults}\n[realms]\nR = {{\n{kdcs}}}\n");
    let conf = Krb5Conf::parse(&text);
    assert_eq!(conf.warnings(), []);
    KdcClient::new(Arc::new(conf)).wait(WAIT).limit(WAIT * 30)
}
