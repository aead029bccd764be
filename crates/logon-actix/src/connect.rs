//! What is done with a connection when it is accepted.

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use logon::ChannelBindings;
use logon_tower::Connection;
use std::any::Any;

/// For `HttpServer::on_connect`: gives each connection over plain TCP a [`Connection`] of its own.
///
/// Connections over anything else get none, and requests over them the answer 500.
///
/// # Security
/// A proxy in front that shares its connections among clients has to say so; see
/// [`Gate::trusted_proxies`](logon_tower::Gate::trusted_proxies).
pub fn on_connect(io: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = io.downcast_ref::<TcpStream>() {
        data.insert(Connection::new(stream.peer_addr().ok(), ChannelBindings::none()));
    }
}

/// For `HttpServer::on_connect`, of a server that listens with TLS by rustls: like [`on_connect`],
/// and connections over TLS get the channel `bindings` of the server's certificate.
///
/// They are [`ChannelBindings::tls_server_end_point`] of the end-entity certificate that is
/// served; with several certificates they are not known here.
#[cfg(feature = "rustls-0_23")]
pub fn on_connect_tls(
    bindings: ChannelBindings,
) -> impl Fn(&dyn Any, &mut Extensions) + Clone + Send + Sync + 'static {
    use actix_tls::accept::rustls_0_23::TlsStream;
    move |io, data| match io.downcast_ref::<TlsStream<TcpStream>>() {
        Some(stream) => {
            let (stream, _) = stream.get_ref();
            data.insert(Connection::tls(stream.peer_addr().ok(), bindings.clone()));
        }
        None => on_connect(io, data),
    }
}
