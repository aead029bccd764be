//! The client with a mechanism that proves requests and the server, as Kerberos will.

use super::{ClientAuth, ClientConfig, ClientError, ClientStep};
use crate::binding::ChannelBindings;
use crate::config::InitiatorConfig;
use crate::credential::Credential;
use crate::env::{FileTime, SecureRandom, TimeSource};
use crate::error::{Error, RandomFailed};
use crate::http::{Scheme, Side, format_token};
use crate::identity::TargetName;
use crate::session::{ContextAttributes, Initiator, Mechanism};
use alloc::sync::Arc;

#[derive(Debug)]
struct Fixed;

impl SecureRandom for Fixed {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        out.fill(7);
        Ok(())
    }
}

impl TimeSource for Fixed {
    fn now(&self) -> FileTime {
        FileTime::from_ticks(0)
    }
}

/// A client that has sent the first of so many tokens, and whether it was the last.
fn begun(tokens: u8, mutual_auth: bool) -> (ClientAuth, bool) {
    let credential = Credential::password("CORP\\alice", "x");
    let initiator = InitiatorConfig::new(credential, Arc::new(Fixed), Arc::new(Fixed));
    let config = ClientConfig::new(Arc::new(initiator)).with_mutual_auth(mutual_auth);
    let target = TargetName::http("web01");
    let mut auth = ClientAuth::new(Arc::new(config), Side::Origin, target, ChannelBindings::none());
    let first = auth.begin(Scheme::Negotiate, Initiator::per_request(tokens)).unwrap();
    assert_eq!(first.value, format_token(Scheme::Negotiate, b"AP-REQ"));
    assert_eq!(auth.mechanism(), Some(Mechanism::PerRequest));
    (auth, first.last)
}

fn finish(auth: &mut ClientAuth, token: &[u8], field: Option<&[u8]>) -> Result<(), ClientError> {
    let line = format_token(Scheme::Negotiate, token);
    auth.finish([line.as_bytes()], field).map(|step| assert!(matches!(step, ClientStep::Done)))
}

// WS-11: as many legs as the mechanism wants.
#[test]
fn an_exchange_has_any_number_of_legs() {
    let line = format_token(Scheme::Negotiate, b"more");
    for tokens in 1..=20 {
        let (mut auth, mut last) = begun(tokens, true);
        for sent in 1..tokens {
            assert!(!last, "{sent} of {tokens}");
            let Ok(ClientStep::Send(next)) = auth.advance([line.as_bytes()]) else {
                panic!("{sent} of {tokens}")
            };
            last = next.last;
        }
        assert!(last && !auth.is_complete());
        finish(&mut auth, b"AP-REP", None).unwrap();
        assert!(auth.is_complete());
    }
}

// WS-9, WS-10: the token with the answer is the server's proof; nothing is said to it.
#[test]
fn the_servers_proof_comes_with_the_answer_or_there_is_no_logon() {
    for mutual_auth in [false, true] {
        let (mut auth, last) = begun(1, mutual_auth);
        assert!(last);
        finish(&mut auth, b"AP-REP", None).unwrap();
        let attributes = auth.context().unwrap().attributes();
        assert!(attributes.contains(ContextAttributes::MUTUAL_AUTH));

        let (mut auth, _) = begun(1, mutual_auth);
        let error = finish(&mut auth, b"forged", None).unwrap_err();
        assert!(matches!(error, ClientError::Exchange(Error::OutOfSequence { .. })), "{error:?}");
        assert!(!auth.is_complete() && auth.context().is_none());

        let (mut auth, _) = begun(1, mutual_auth);
        let error = auth.finish([], None).unwrap_err();
        assert_eq!(error == ClientError::MutualAuthMissing, mutual_auth, "{error:?}");
        assert!(!auth.is_complete());

        // Neither was anything proven by a server that wanted no logon.
        let (mut auth, _) = begun(2, mutual_auth);
        let result = auth.finish([], None);
        assert_eq!(result.err(), mutual_auth.then_some(ClientError::MutualAuthMissing));
        assert!(!auth.is_complete());
    }
}

// H-10: absent means no; the word of the server counts.
#[test]
fn a_mechanism_that_proves_requests_leaves_nothing_on_the_connection() {
    for (field, expected) in
        [(None, false), (Some(&b"true"[..]), true), (Some(b"false"), false), (Some(b"1"), false)]
    {
        let (mut auth, _) = begun(1, true);
        finish(&mut auth, b"AP-REP", field).unwrap();
        assert!(auth.is_complete());
        assert_eq!(auth.is_persistent(), expected, "{field:?}");
    }
}

// H-06
#[test]
fn a_401_after_the_last_token_is_a_refusal_of_any_mechanism() {
    let (mut auth, _) = begun(1, false);
    let error = auth.advance([b"Negotiate".as_slice()]).unwrap_err();
    assert_eq!(error, ClientError::Refused { scheme: Scheme::Negotiate });
}
