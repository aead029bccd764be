//! Connections for protocols that are the caller's.

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection to a server over which nothing was said: direct, or through a proxy that was logged
/// on to. See [`Client::connect_tunnel`](crate::Client::connect_tunnel).
pub struct Tunnel(Way);

enum Way {
    Direct(TcpStream),
    Through(TokioIo<Upgraded>),
}

impl Tunnel {
    pub(crate) fn direct(tcp: TcpStream) -> Self {
        Self(Way::Direct(tcp))
    }

    pub(crate) fn through(upgraded: Upgraded) -> Self {
        Self(Way::Through(TokioIo::new(upgraded)))
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Way::Direct(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Way::Through(io) => Pin::new(io).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Way::Direct(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Way::Through(io) => Pin::new(io).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Way::Direct(tcp) => Pin::new(tcp).poll_flush(context),
            Way::Through(io) => Pin::new(io).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Way::Direct(tcp) => Pin::new(tcp).poll_shutdown(context),
            Way::Through(io) => Pin::new(io).poll_shutdown(context),
        }
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Way::Direct(_) => "Tunnel::direct",
            Way::Through(_) => "Tunnel::through",
        })
    }
}
