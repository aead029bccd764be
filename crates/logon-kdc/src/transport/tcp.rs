//! A message over a connection ([RFC 4120] §7.2.2): four bytes of length, the highest bit zero.

use super::answer;
use super::error::Outcome;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A ticket has up to 64 KiB, and an answer one.
const MAX_ANSWER: u32 = 1 << 20;

/// The longest message there is.
pub(super) const MAX_MESSAGE: usize = 1 << 20;

/// Sends `message` over a new connection.
///
/// # Errors
/// What came of it instead.
pub(super) async fn exchange(address: SocketAddr, message: &[u8]) -> Result<Vec<u8>, Outcome> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => Outcome::Closed,
        kind => Outcome::Io(kind),
    };
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.write_all(&[&length, message].concat()).await.map_err(failed)?;
    let length = stream.read_u32().await.map_err(failed)?;
    // The highest bit is reserved for extensions, and none of them was asked for.
    if length > MAX_ANSWER {
        return Err(Outcome::TooLarge(length));
    }
    // Grows with what comes, not with what is announced.
    let mut bytes = Vec::new();
    let read = stream.take(length.into()).read_to_end(&mut bytes).await.map_err(failed)?;
    if u32::try_from(read) != Ok(length) {
        return Err(Outcome::Closed);
    }
    answer::check(&bytes)?;
    Ok(bytes)
}
