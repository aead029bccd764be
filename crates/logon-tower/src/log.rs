//! One line per outcome of an exchange, for people and machines. Never a token, never a secret.

use crate::connection::Connection;
use logon::Error;
use logon::http::Logon;
use std::net::SocketAddr;
use tracing::{debug, error, info, warn};

pub(crate) fn success(connection: &Connection, logon: &Logon) {
    let identity = logon.identity();
    info!(
        account = %identity,
        scheme = %logon.scheme(),
        mechanism = %logon.mechanism(),
        mic = ?identity.mic(),
        bindings = ?identity.bindings(),
        target = Some(identity.target_name()).filter(|name| !name.is_empty()),
        workstation = Some(identity.workstation()).filter(|name| !name.is_empty()),
        connection = connection.id(),
        peer = connection.peer().map(tracing::field::display::<SocketAddr>),
        "logged on"
    );
}

/// Levels follow from whose fault it is.
pub(crate) fn failure(connection: &Connection, error: &Error) {
    let connection_id = connection.id();
    let peer = connection.peer().map(tracing::field::display::<SocketAddr>);
    match error {
        Error::Denied(denial) => info!(
            account = %denial.account(),
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
