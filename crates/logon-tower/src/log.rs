//! One line per outcome of an attempt to log on, for people and machines, and the counters. Never
//! a token, never a secret.

use crate::connection::Connection;
use logon::http::{Authentication, Decision, Explanation, Logon, Scheme, SecurityStatus};
use logon::{AccountName, Error};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tracing::field::{Value, display};
use tracing::{debug, error, info, warn};

/// An attempt to log on, from its first request to its outcome.
pub(crate) struct Attempt<'a> {
    pub(crate) connection: &'a Connection,
    /// Where a trusted proxy has the request from.
    pub(crate) client: Option<IpAddr>,
    pub(crate) begun: Instant,
    /// Whom the store was to be asked for.
    pub(crate) claimed: Option<AccountName>,
}

/// What came of an attempt: a line, and a count.
pub(crate) fn outcome(attempt: &Attempt<'_>, decision: &Decision) {
    match decision {
        Decision::Forward(forward) => forwarded(attempt, &forward.authentication),
        Decision::Respond(response) => match &response.reason {
            Some(error) => failure(attempt, response.scheme, error),
            None if response.http_1_1_required => {
                let code = Explanation::HTTP_1_1_REQUIRED.code();
                debug!(code, connection = attempt.connection.id(), "a logon needs HTTP/1.1");
            }
            // Credentials of a scheme that is not ours.
            None => {}
        },
        _ => {}
    }
}

fn forwarded(attempt: &Attempt<'_>, authentication: &Authentication) {
    if let Some(logon) = authentication.logon() {
        success(attempt, logon);
    } else if let Some(error) = authentication.error() {
        failure(attempt, authentication.scheme(), error);
    }
}

/// A name as it is; in quotes, as tracing writes text, where it could be taken for more fields.
fn name(text: &str) -> Box<dyn Value + '_> {
    let breaks_out = |c: char| c.is_whitespace() || matches!(c, '=' | '"');
    if text.contains(breaks_out) { Box::new(text) } else { Box::new(display(text)) }
}

fn success(attempt: &Attempt<'_>, logon: &Logon) {
    let Attempt { connection, client, begun, .. } = attempt;
    let took = begun.elapsed();
    count(Some(logon.scheme()), "success", "none", took);
    let identity = logon.identity();
    let account = identity.to_string();
    // Digest and Basic log on with every request; these are for whoever looks closely.
    if logon.mechanism().is_none() {
        debug!(
            account = name(&account),
            scheme = %logon.scheme(),
            connection = connection.id(),
            peer = connection.peer().map(display::<SocketAddr>),
            client = client.map(display),
            ms = millis(took),
            "logged on"
        );
        return;
    }
    info!(
        account = name(&account),
        scheme = %logon.scheme(),
        mechanism = logon.mechanism().map(display),
        mic = ?identity.mic(),
        bindings = ?identity.bindings(),
        target = Some(identity.target_name()).filter(|name| !name.is_empty()),
        workstation = Some(identity.workstation()).filter(|name| !name.is_empty()),
        connection = connection.id(),
        peer = connection.peer().map(display::<SocketAddr>),
        client = client.map(display),
        ms = millis(took),
        "logged on"
    );
}

pub(crate) fn body_too_long(connection: Option<&Connection>) {
    let peer = connection.and_then(Connection::peer).map(display::<SocketAddr>);
    info!(
        code = Explanation::BODY_TOO_LONG.code(),
        connection = connection.map(Connection::id),
        peer,
        "logon failed: the body that came with the first token is over the limit"
    );
}

/// Levels follow from whose fault it is.
fn failure(attempt: &Attempt<'_>, scheme: Option<Scheme>, error: &Error) {
    let took = attempt.begun.elapsed();
    let connection = attempt.connection.id();
    let peer = attempt.connection.peer().map(display::<SocketAddr>);
    let client = attempt.client.map(display);
    let (stage, status, ms) = (stage(error), SecurityStatus::of_error(error), millis(took));
    let code = Explanation::of_error(error).code();
    let scheme_name = scheme.map(display);
    let claimed = attempt.claimed.as_ref().map(ToString::to_string);
    let account = claimed.as_deref().map(name);
    match error {
        Error::Denied(denial) => {
            count(scheme, "refused", status.name(), took);
            info!(
                account = name(&denial.account().to_string()),
                scheme = scheme_name,
                stage,
                code,
                reason = ?denial.refusal(),
                ticket = denial.ticket(),
                status = status.name(),
                connection,
                peer,
                client,
                ms,
                "logon refused: {error}"
            );
        }
        Error::Header(_) => {
            count(scheme, "malformed", status.name(), took);
            debug!(stage, code, connection, peer, client, "bad request: {error}");
        }
        Error::TokenTooLong { .. } | Error::Decode(_) => {
            count(scheme, "malformed", status.name(), took);
            info!(
                scheme = scheme_name,
                stage, code, connection, peer, client, "logon failed: {error}"
            );
        }
        Error::OutOfSequence { .. } | Error::PeerIncompatible(_) => {
            count(scheme, "failed", status.name(), took);
            warn!(
                scheme = scheme_name,
                stage, code, connection, peer, client, "logon failed: {error}"
            );
        }
        Error::Throttled { .. } => {
            count(scheme, "throttled", status.name(), took);
            warn!(
                account,
                scheme = scheme_name,
                stage,
                code,
                connection,
                peer,
                client,
                "logon refused: {error}"
            );
        }
        error => {
            count(scheme, "unavailable", status.name(), took);
            error!(
                account,
                scheme = scheme_name,
                stage,
                code,
                connection,
                peer,
                client,
                ms,
                "logon impossible: {error}"
            );
        }
    }
}

/// How far an attempt has come.
fn stage(error: &Error) -> &'static str {
    match error {
        Error::Header(_) => "header",
        Error::Store(_) => "lookup",
        Error::Throttled { .. } | Error::TooManyExchanges => "limit",
        Error::Denied(_) => "verify",
        _ => "token",
    }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

/// `logon_attempts_total` by scheme, outcome and status, and `logon_duration_seconds`.
#[cfg(feature = "metrics")]
fn count(scheme: Option<Scheme>, outcome: &'static str, status: &'static str, took: Duration) {
    let scheme = scheme.map_or("none", Scheme::name);
    metrics::counter!(
        "logon_attempts_total", "scheme" => scheme, "outcome" => outcome, "status" => status
    )
    .increment(1);
    metrics::histogram!("logon_duration_seconds", "scheme" => scheme, "outcome" => outcome)
        .record(took);
}

#[cfg(not(feature = "metrics"))]
fn count(_: Option<Scheme>, _: &'static str, _: &'static str, _: Duration) {}
