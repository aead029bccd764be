//! What one client may cost.

use std::time::Duration;

/// What one client may cost, and what all of them together.
///
/// When all [`connections`](Self::connections) are taken, the server makes room for the next
/// client: it ends the oldest connection that has never sent the head of a request, else the
/// one that has been idle for longest without a logon, else the oldest with a request in
/// progress and without a logon. Connections that are logged on end only if there are no others.
/// An idle connection is closed at once; one with a request in progress gets the time of
/// [`drain`](Self::drain) to finish it.
///
/// # What is not limited here
/// The time that an application takes; the time of a body or of an answer that moves, however
/// slowly (a byte now and then holds a place until somebody needs it); and over HTTP/2 the time
/// of an answer that the client gives no room for, because its connection is alive all the same.
/// Connections that the application has taken over by an upgrade keep their place, and cannot
/// be ended to make room.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections served at a time. Default: 10,000.
    pub connections: usize,
    /// Connections from one IPv4 address, or from one /64 of IPv6; more are closed as they
    /// come. Default: `None`, no limit, since everybody behind a proxy or a NAT has the same
    /// address, and a full server makes room anyway.
    pub connections_per_address: Option<usize>,
    /// Time for the TLS handshake. Default: 10 s.
    pub tls_handshake: Duration,
    /// Time for the head of a request, counted from the end of the one before; over HTTP/2,
    /// time without a request. Default: 60 s.
    pub request_head: Duration,
    /// Bytes of a request's head. Default: 128 KiB, room for a token of 64 KiB in base64.
    pub head_bytes: usize,
    /// Time without a byte of the body of a request while the application waits for it; then
    /// reading it fails. Default: 30 s.
    pub body_stall: Duration,
    /// Time without a byte taken by the client while the server has something to send; then
    /// the connection is closed. Default: 30 s.
    pub write_stall: Duration,
    /// Requests in progress at a time on one HTTP/2 connection. Default: 100.
    pub streams: u32,
    /// Time for requests in progress when the server shuts down, or needs their place.
    /// Default: 10 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: None,
            tls_handshake: Duration::from_secs(10),
            request_head: Duration::from_secs(60),
            head_bytes: 128 * 1024,
            body_stall: Duration::from_secs(30),
            write_stall: Duration::from_secs(30),
            streams: 100,
            drain: Duration::from_secs(10),
        }
    }
}
