//! `CONNECT`: a tunnel through the proxy, once it is logged on to.

use super::answer::{self, AnswerBody};
use http::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use logon_client::Client;
use logon_hyper::RequestBody;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};

pub(super) async fn open(
    client: &Client,
    mut request: Request<RequestBody>,
) -> Response<AnswerBody> {
    let authority = request.uri().authority();
    let Some((host, port)) = authority.and_then(|to| Some((to.host(), to.port_u16()?))) else {
        return answer::of(StatusCode::BAD_REQUEST, "CONNECT needs host:port");
    };
    match client.connect_tunnel(host, port).await {
        Ok(tunnel) => {
            tracing::debug!("tunnel to {host}:{port}");
            let program = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                if let Err(error) = join(program, tunnel).await {
                    tracing::debug!("a tunnel ended: {error}");
                }
            });
            answer::opened()
        }
        Err(error) => {
            tracing::warn!("no tunnel to {host}:{port}: {error}");
            answer::of_error(&error)
        }
    }
}

/// All that one side says goes to the other.
pub(super) async fn join(
    program: hyper::upgrade::OnUpgrade,
    mut other: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    let program = program.await.map_err(io::Error::other)?;
    copy_bidirectional(&mut TokioIo::new(program), &mut other).await?;
    Ok(())
}
