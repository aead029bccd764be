//! A message as a datagram ([RFC 4120] §7.2.1).

use super::answer;
use super::error::Outcome;
use core::time::Duration;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// More than any datagram has.
const MAX_ANSWER: usize = 65_535;

/// As often the message is sent.
const TIMES: u32 = 3;

/// Sends `message` until there is an answer, and waits twice as long each time.
///
/// # Errors
/// What came of it instead.
pub(super) async fn exchange(
    address: SocketAddr,
    message: &[u8],
    first_wait: Duration,
) -> Result<Vec<u8>, Outcome> {
    let failed = |error: io::Error| Outcome::Io(error.kind());
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await.map_err(failed)?;
    // From then on there is nothing to be heard from anybody else.
    socket.connect(address).await.map_err(failed)?;
    let mut buffer = vec![0; MAX_ANSWER];
    let mut wait = first_wait;
    let mut outcome = Outcome::NoAnswer;
    for _ in 0..TIMES {
        socket.send(message).await.map_err(failed)?;
        match timeout(wait, receive(&socket, &mut buffer, &mut outcome)).await {
            Ok(received) => return received.map_err(failed)?,
            Err(_) => wait = wait.saturating_mul(2),
        }
    }
    Err(outcome)
}

/// The next answer. Datagrams that are none may be forged, and are passed over.
async fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    outcome: &mut Outcome,
) -> io::Result<Result<Vec<u8>, Outcome>> {
    loop {
        let length = socket.recv(buffer).await?;
        let bytes = buffer.get(..length).unwrap_or_default();
        match answer::check(bytes) {
            Ok(()) => return Ok(Ok(bytes.to_vec())),
            Err(Outcome::NotAReply) => *outcome = Outcome::NotAReply,
            Err(other) => return Ok(Err(other)),
        }
    }
}
