//! One line per outcome of an exchange, for people and machines. Never a token, never a secret.

use crate::connection::Connection;
use logon::Error;
use logon::http::Logon;
use std::net::SocketAddr;
use tracing::field::{Value, display};
use tracing::{debug, error, info, warn};

/// A name as it is; in quotes, as tracing writes text, where it could be taken for more fields.
fn name(text: &str) -> Box<dyn Value + '_> {
    let breaks_out = |c: char| c.is_whitespace() || matches!(c, '=' | '"');
    if text.contains(breaks_out) { Box::new(text) } else { Box::new(display(text)) }
}

pub(crate) fn success(connection: &Connection, logon: &Logon) {
    let identity = logon.identity();
    info!(
        account = name(&identity.to_string()),
        scheme = %logon.scheme(),
        mechanism = %logon.mechanism(),
        mic = ?identity.mic(),
        bindings = ?identity.bindings(),
        target = Some(identity.target_name()).filter(|name| !name.is_empty()),
        workstation = Some(identity.workstation()).filter(|name| !name.is_empty()),
        connection = connection.id(),
        peer = connection.peer().map(display::<SocketAddr>),
        "logged on"
    );
}

pub(crate) fn body_too_long(connection: &Connection) {
    let peer = connection.peer().map(display::<SocketAddr>);
    info!(
        connection = connection.id(),
        peer, "logon failed: the body that came with the first token is over the limit"
    );
}

/// Levels follow from whose fault it is.
pub(crate) fn failure(connection: &Connection, error: &Error) {
    let connection_id = connection.id();
    let peer = connection.peer().map(display::<SocketAddr>);
    match error {
        Error::Denied(denial) => info!(
            account = name(&denial.account().to_string()),
            reason = ?denial.refusal(),
            connection = connection_id,
            peer,
            "logon refused: {error}"
        ),
        Error::Header(_) => {
            debug!(connection = connection_id, peer, "bad request: {error}");
        }
        Error::TokenTooLong { .. } | Error::Decode(_) => {
            info!(connection = connection_id, peer, "logon failed: {error}");
        }
        Error::OutOfSequence { .. } | Error::PeerIncompatible(_) => {
            warn!(connection = connection_id, peer, "logon failed: {error}");
        }
        error => error!(connection = connection_id, peer, "logon impossible: {error}"),
    }
}
