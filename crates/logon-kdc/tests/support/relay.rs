//! What stands before a server on loopback, so that a test can do something before its answer is there.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::UdpSocket;

pub(crate) struct Relay {
    client: UdpSocket,
    server: UdpSocket,
    pub(crate) address: SocketAddr,
}

/// An answer that the client has not got yet.
pub(crate) struct Held {
    answer: Vec<u8>,
    to: SocketAddr,
}

impl Relay {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = client.local_addr().unwrap();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        socket.connect(server).await.unwrap();
        Self { client, server: socket, address }
    }

    /// The next question goes on to the server.
    pub(crate) async fn next(&self) -> Held {
        let mut buffer = vec![0; 65_535];
        let (length, to) = self.client.recv_from(&mut buffer).await.unwrap();
        self.server.send(&buffer[..length]).await.unwrap();
        let length = self.server.recv(&mut buffer).await.unwrap();
        Held { answer: buffer[..length].to_vec(), to }
    }

    pub(crate) async fn give(&self, held: Held) {
        self.client.send_to(&held.answer, held.to).await.unwrap();
    }
}
