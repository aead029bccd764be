//! The client's side of HTTP, before a server that says anything.

use crate::exchange::assert_peer_is_to_blame;
use crate::input::Input;
use crate::world::{self, OF_SERVERS};
use logon::TargetName;
use logon::http::{
    ClientAuth, ClientConfig, ClientError, ClientStep, Credentials, Scheme, Side, format_token,
    parse_token,
};
use std::sync::Arc;

/// Longer than any exchange.
const MOST_RESPONSES: usize = 12;

/// Field values, arbitrary or with a token that a server sent: credentials are of a scheme that is
/// configured, and tokens of NTLMv2; after the last of them nothing is sent unasked; what fails leaves
/// nothing behind.
///
/// The first byte selects the configuration, the second the schemes. Then come responses: a byte,
/// odd for one that is no 401, and the values, with a line feed between two of them; behind each
/// value, if bit 1 of the byte is set, one with a token.
pub fn client_challenges(data: &[u8]) {
    let mut input = Input::new(data);
    let (choice, schemes) = (input.byte(), input.byte());
    let allowed: Vec<Scheme> = Scheme::ALL
        .into_iter()
        .enumerate()
        .filter(|(place, _)| schemes >> place & 1 == 1)
        .map(|(_, scheme)| scheme)
        .collect();
    let config = ClientConfig::new(world::initiator(choice))
        .with_password(r"CORP\alice", "a password")
        .with_schemes(&allowed)
        .with_mutual_auth(schemes & 0x40 != 0)
        .with_bindings_required(schemes & 0x80 != 0);
    let config = Arc::new(config);
    let target = TargetName::http("web01.corp.example");
    let mut client =
        ClientAuth::new(Arc::clone(&config), Side::Origin, target, world::bindings(choice));
    client.for_request("GET", "/");
    if choice & 2 == 2
        && let Some(scheme) = allowed.first()
        && let Ok(credentials) = client.initial(*scheme)
    {
        assert_credentials(&client, &config, &credentials);
    }
    let mut was_last = false;
    for _ in 0..MOST_RESPONSES {
        if input.is_empty() {
            return;
        }
        let kind = input.byte();
        let mut values: Vec<Vec<u8>> =
            input.bytes().split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        if kind & 2 == 2 {
            let token = input.token(&OF_SERVERS);
            let scheme = if kind & 4 == 4 { Scheme::Ntlm } else { Scheme::Negotiate };
            values.push(format_token(scheme, &token).into_bytes());
        }
        if kind & 8 == 8 && client.authentication_info(&values.concat()).is_err() {
            assert!(client.scheme().is_none());
        }
        let lines = values.iter().map(Vec::as_slice);
        let step = match kind & 1 {
            0 => client.advance(lines),
            _ => client.finish(lines, values.first().map(Vec::as_slice)),
        };
        match step {
            Ok(ClientStep::Send(credentials)) => {
                assert!(kind & 1 == 0, "credentials behind a success");
                assert!(!was_last || credentials.value.starts_with("Digest "), "a new attempt");
                assert_credentials(&client, &config, &credentials);
                was_last = credentials.last;
            }
            Ok(_) => was_last = false,
            Err(error) => {
                assert!(client.scheme().is_none() && client.context().is_none(), "{error:?}");
                assert!(!client.is_complete() && !client.is_persistent());
                if let ClientError::Exchange(error) = &error {
                    assert_peer_is_to_blame(error);
                }
            }
        }
    }
}

fn assert_credentials(client: &ClientAuth, config: &ClientConfig, credentials: &Credentials) {
    let scheme = client.scheme().expect("what was sent is of a scheme");
    assert!(config.schemes().contains(&scheme), "{scheme} is not configured");
    let token = parse_token(scheme, credentials.value.as_bytes());
    if scheme.is_per_connection() {
        let token = token.expect("base64").expect("of this scheme");
        assert!(!token.is_empty());
        world::assert_initiator_output(&token);
    } else {
        assert!(credentials.last);
    }
}
