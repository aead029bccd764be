//! Why there is no answer: in words, with what to do, and as an exit code.

use super::who::Who;
use crate::failure::{Exit, Failure};
use http::StatusCode;
use logon::http::{ClientError, Side};
use logon_client::{Error, Logon};

/// What to say of an error, without the proxy's wish for credentials, which is the caller's.
pub(crate) fn failure(error: &Error) -> Failure {
    let (exit, advice) = match error {
        Error::Url(_) => {
            (Exit::Usage, "write http://host/path or https://host/path, and a name as -u NAME")
        }
        Error::Field(_) => (Exit::Usage, "leave it out"),
        Error::Connect { .. } => (Exit::NoConnection, "check name and port, and the proxy"),
        Error::Tls { cause, .. } if cause.contains("PEM file") => {
            (Exit::NoConnection, "that is --cacert FILE")
        }
        Error::Tls { .. } => (Exit::NoConnection, "--trace shows how far it came"),
        Error::Timeout(_) => (Exit::NoConnection, "--timeout waits longer"),
        Error::Tunnel { status, logon, .. } => tunnel(*status, logon),
        Error::LogonWithoutTicket { side, .. } => (Exit::NoCredentials, shown(*side)),
        Error::Logon { cause, side } => (of_logon(cause), of_side(*side, cause)),
        Error::BodySpent => (Exit::Broken, "put it in a file, and use --data @FILE"),
        Error::TooManyRedirects(_) => (Exit::Broken, "--trace shows them"),
        _ => (Exit::Broken, "--trace shows how far it came"),
    };
    Failure::Exit(exit, format!("{error}; {advice}"))
}

/// The same of an answer that there is none of, where it matters who logs on.
pub(crate) fn failure_of(error: &Error, who: &Who) -> Failure {
    let demanded = ClientError::MutualAuthMissing;
    match (error, who.no_kerberos()) {
        (Error::Logon { side: Side::Origin, cause }, Some(why)) if *cause == demanded => {
            let text = format!("--mutual needs Kerberos, and there is none: {why}");
            Failure::Exit(Exit::NoCredentials, text)
        }
        _ => failure(error),
    }
}

fn tunnel(status: StatusCode, logon: &Logon) -> (Exit, &'static str) {
    match (status, logon) {
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Logon::NoLogin) => {
            (Exit::NoCredentials, "log on to it by --proxy-user NAME")
        }
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Logon::NotOffered { .. }) => {
            (Exit::NoCredentials, "see --scheme")
        }
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Logon::NoTicket(missing))
            if !missing.cause.is_about_client() =>
        {
            (Exit::NoCredentials, "or log on to it by --proxy-user NAME")
        }
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Logon::BrokenOff { .. }) => {
            (Exit::Broken, "--trace shows how far it came")
        }
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) => {
            (Exit::Refused, "check name and password; every attempt counts against the account")
        }
        (status, _) if status.is_server_error() => {
            (Exit::NoConnection, "it cannot reach the server; check name and port")
        }
        _ => (Exit::Refused, "its administrator says which hosts it serves"),
    }
}

fn of_logon(cause: &ClientError) -> Exit {
    match cause {
        ClientError::NoScheme { .. }
        | ClientError::NotConfigured { .. }
        | ClientError::BindingsImpossible => Exit::NoCredentials,
        ClientError::Refused { .. } => Exit::Refused,
        _ => Exit::Broken,
    }
}

fn of_side(side: Side, cause: &ClientError) -> &'static str {
    match (cause, side) {
        (ClientError::BindingsImpossible, _) => "or leave out --require-bindings",
        (ClientError::BareNtlm, _) => "that is --scheme ntlm",
        (_, side) => shown(side),
    }
}

fn shown(side: Side) -> &'static str {
    match side {
        Side::Proxy => "--trace shows what the proxy said",
        Side::Origin => "--trace shows what the server said",
    }
}
