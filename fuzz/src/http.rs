//! The value of `Authorization`, as a client may write it.

use crate::exchange::assert_peer_is_to_blame;
use crate::world;
use logon::http::{
    ConnectionAuth, ConnectionConfig, Decision, RequestHead, Scheme, Scope, Status, format_token,
    parse_token,
};
use std::sync::Arc;

/// Arbitrary field values: what parses can be formatted and parses to the same; and in a request
/// they never log anybody on, are never answered with 500 or 503, and never open what needs a
/// logon.
///
/// The first byte selects the configuration; then come requests, with 0xff between two of them,
/// and a line per field value.
pub fn authorization_header(data: &[u8]) {
    let Some((choice, fields)) = data.split_first() else { return };
    for value in fields.split(|byte| *byte == b'\n') {
        check_value(value);
    }
    let config = ConnectionConfig::new(world::acceptor(*choice));
    let mut connection = ConnectionAuth::new(Arc::new(config), world::bindings(*choice));
    let scope = Arc::new(match choice >> 6 {
        0 => Scope::required(&[Scheme::Ntlm]),
        1 => Scope::required(&[Scheme::Negotiate]),
        _ => Scope::required(&Scheme::INTEGRATED),
    });
    for request in fields.split(|byte| *byte == 0xff).take(8) {
        let lines = request.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let credentials: Vec<&[u8]> = lines.collect();
        let mut head = RequestHead::new("GET", "/", &scope);
        head.credentials = &credentials;
        let decision = match connection.request(head) {
            Decision::NeedLogon => connection.resume(Ok(world::known())),
            decision => decision,
        };
        assert_answer(&decision, scope.schemes());
        assert!(connection.logon().is_none(), "nobody logs on without the password");
    }
}

fn check_value(value: &[u8]) {
    let parsed = Scheme::ALL.map(|scheme| (scheme, parse_token(scheme, value)));
    let ours = parsed.iter().filter(|(_, parsed)| matches!(parsed, Ok(Some(_)))).count();
    assert!(ours <= 1, "a value of two schemes");
    for (scheme, parsed) in parsed {
        if let Ok(Some(token)) = parsed {
            let again = parse_token(scheme, format_token(scheme, &token).as_bytes());
            assert_eq!(again, Ok(Some(token)));
        }
    }
}

/// An answer to a client that has not logged on, for a resource that needs it.
pub(crate) fn assert_answer(decision: &Decision, offer: &[Scheme]) {
    let Decision::Respond(response) = decision else {
        panic!("not refused: {decision:?}");
    };
    if let Some(error) = &response.reason {
        assert_peer_is_to_blame(error);
    }
    assert!(response.retry_after.is_none());
    match response.status {
        Status::Challenge(_) => assert!(!response.challenges.is_empty(), "401 without a challenge"),
        Status::BadRequest | Status::HeaderTooLarge => {
            assert!(response.challenges.is_empty());
            assert!(response.close);
        }
        status => panic!("{status:?} for a fault of the client"),
    }
    for challenge in &response.challenges {
        let token = offer.iter().find_map(|scheme| {
            parse_token(*scheme, challenge.as_bytes()).expect("our own challenge")
        });
        world::assert_acceptor_output(&token.expect("a scheme that was offered"));
    }
}
