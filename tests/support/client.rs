//! A client on one end of a connection in memory, and what servers say to it.

#![allow(dead_code, reason = "each test binary uses a part")]

use crate::connection::{Connection, forward, respond};
use crate::fixed::{self, PASSWORD};
use logon::http::{
    ClientAuth, ClientConfig, ClientError, ClientStep, Credentials, Decision, Scheme, Side,
    format_token, parse_token,
};
use logon::wire::ntlm::{Authenticate, AvId, NtlmV2Response};
use logon::wire::spnego::NegTokenResp;
use logon::{ChannelBindings, TargetName};
use std::sync::Arc;

pub(crate) const HOST: &str = "web01.corp.example";

pub(crate) fn alice() -> ClientConfig {
    ClientConfig::new(fixed::initiator_config(r"CORP\alice", PASSWORD))
}

pub(crate) fn bob() -> ClientConfig {
    ClientConfig::new(fixed::initiator_config(r"CORP\bob", PASSWORD))
}

pub(crate) fn client(config: ClientConfig) -> ClientAuth {
    bound(config, ChannelBindings::none())
}

pub(crate) fn only(scheme: Scheme) -> ClientAuth {
    client(alice().with_schemes(&[scheme]))
}

pub(crate) fn bound(config: ClientConfig, bindings: ChannelBindings) -> ClientAuth {
    ClientAuth::new(Arc::new(config), Side::Origin, TargetName::http(HOST), bindings)
}

/// A 401 with these lines.
pub(crate) fn advance<T: AsRef<[u8]>>(
    client: &mut ClientAuth,
    lines: &[T],
) -> Result<ClientStep, ClientError> {
    client.advance(lines.iter().map(AsRef::as_ref))
}

/// A 200 with these lines and `Persistent-Auth`.
pub(crate) fn finish<T: AsRef<[u8]>>(
    client: &mut ClientAuth,
    lines: &[T],
    persistent_auth: Option<&str>,
) -> Result<(), ClientError> {
    let step =
        client.finish(lines.iter().map(AsRef::as_ref), persistent_auth.map(str::as_bytes))?;
    assert!(matches!(step, ClientStep::Done));
    Ok(())
}

pub(crate) const NOTHING: [&str; 0] = [];

pub(crate) fn sent(step: Result<ClientStep, ClientError>) -> Credentials {
    match step {
        Ok(ClientStep::Send(credentials)) => credentials,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn token(scheme: Scheme, credentials: &Credentials) -> Vec<u8> {
    parse_token(scheme, credentials.value.as_bytes()).unwrap().unwrap()
}

/// What of the way to a 200 is seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// For each of the credentials, whether they were the last.
    pub(crate) last: Vec<bool>,
    /// The fields of the last response: challenges, and `Persistent-Auth`.
    pub(crate) challenges: Vec<String>,
    pub(crate) persistent_auth: Option<String>,
    pub(crate) user: Option<String>,
}

/// One request to its end: sent without credentials, then with what the client makes of the
/// answers.
pub(crate) fn request(
    client: &mut ClientAuth,
    server: &mut Connection,
) -> Result<Seen, ClientError> {
    let mut seen = Seen::default();
    let mut decision = server.plain();
    loop {
        let response = match decision {
            Decision::Forward(_) => break,
            other => respond(other),
        };
        assert_eq!(response.status.code(), 401);
        match advance(client, &response.challenges)? {
            ClientStep::Send(credentials) => {
                seen.last.push(credentials.last);
                decision = server.send(&credentials.value);
            }
            other => panic!("{other:?}"),
        }
    }
    let forward = forward(decision);
    seen.user = forward.authentication.identity().map(ToString::to_string);
    for (name, value) in forward.fields {
        match name {
            "www-authenticate" => seen.challenges.push(value),
            "persistent-auth" => seen.persistent_auth = Some(value),
            other => panic!("{other}"),
        }
    }
    finish(client, &seen.challenges, seen.persistent_auth.as_deref())?;
    Ok(seen)
}

/// The client behind its first token, and the server's answer to that.
pub(crate) fn challenged(scheme: Scheme) -> (ClientAuth, Connection, Vec<u8>) {
    let (mut client, mut server) = (only(scheme), Connection::new());
    let first = sent(advance(&mut client, &["Negotiate", "NTLM"]));
    assert!(!first.last);
    let challenge = crate::connection::challenge(server.send(&first.value), scheme);
    (client, server, challenge)
}

/// The client behind its last token, and the decision of the server about that.
pub(crate) fn answered(scheme: Scheme) -> (ClientAuth, Decision) {
    let (mut client, mut server, challenge) = challenged(scheme);
    let last = sent(advance(&mut client, &[format_token(scheme, &challenge)]));
    assert!(last.last);
    (client, server.send(&last.value))
}

/// The AV pair of an AUTHENTICATE, bare or within SPNEGO.
pub(crate) fn av_pair(token: &[u8], id: AvId) -> Option<Vec<u8>> {
    let inner = match NegTokenResp::decode(token) {
        Ok(resp) => resp.response_token.unwrap().to_vec(),
        Err(_) => token.to_vec(),
    };
    let message = Authenticate::decode(&inner).unwrap();
    let response = NtlmV2Response::decode(message.nt_response).unwrap();
    response.target_info.get(id).map(<[u8]>::to_vec)
}
