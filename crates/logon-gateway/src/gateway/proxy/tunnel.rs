//! What two sides that have changed the protocol say to each other.

use http::header::{HeaderMap, HeaderValue, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::io;
use tokio::io::copy_bidirectional;

/// Whether the application changes to a protocol that the client has offered.
pub(super) fn is_offered(offer: &HeaderValue, answer: &HeaderMap) -> bool {
    let tokens = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').map(|token| token.trim().to_ascii_lowercase()).collect::<Vec<_>>()
    };
    let offered = tokens(offer);
    let mut chosen = answer.get_all(UPGRADE).iter().flat_map(tokens).peekable();
    chosen.peek().is_some() && chosen.all(|token| offered.contains(&token))
}

/// Passes bytes on in both directions, each to its end.
pub(super) fn open(client: OnUpgrade, application: OnUpgrade) {
    tokio::spawn(async move {
        if let Err(error) = run(client, application).await {
            tracing::debug!("a connection that changed its protocol ended: {error}");
        }
    });
}

async fn run(client: OnUpgrade, application: OnUpgrade) -> io::Result<()> {
    // The client is told first: the other side may wait for its first word.
    let (client, application) = tokio::try_join!(client, application).map_err(io::Error::other)?;
    let (mut client, mut application) = (TokioIo::new(client), TokioIo::new(application));
    copy_bidirectional(&mut client, &mut application).await?;
    Ok(())
}
