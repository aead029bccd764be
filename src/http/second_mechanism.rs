//! The layer with a mechanism that proves requests and the server, as Kerberos will: what is left
//! of an exchange, taken for one of that kind.

use super::{Authentication, Carrier, ConnectionAuth, ConnectionConfig, Decision, Forward};
use super::{RequestHead, Scheme, Scope};
use crate::binding::ChannelBindings;
use crate::config::{AcceptorConfig, InitiatorConfig, ServerNames};
use crate::credential::{Answer, Credential, KnownAccount, NtHash};
use crate::env::{FileTime, SecureRandom, TimeSource};
use crate::error::RandomFailed;
use crate::identity::{AccountName, TargetName};
use crate::session::{Acceptor, AcceptorStep, Context, ContextAttributes, Initiator};
use crate::session::{InitiatorStep, Mechanism};
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

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

fn acceptor() -> Arc<AcceptorConfig> {
    let names = ServerNames::new("WEB01", "CORP");
    Arc::new(AcceptorConfig::new(names, Arc::new(Fixed), Arc::new(Fixed)))
}

/// A completed exchange of the second mechanism, by alice.
fn context() -> Context {
    let credential = Credential::password("CORP\\alice", "x");
    let initiator = InitiatorConfig::new(credential, Arc::new(Fixed), Arc::new(Fixed));
    let (target, none) = (TargetName::http("web01"), ChannelBindings::none());
    let initiator = Initiator::ntlm(Arc::new(initiator), target, none.clone());
    let (mut negotiate, mut challenge, mut authenticate) = (Vec::new(), Vec::new(), Vec::new());
    let InitiatorStep::Continue(initiator) = initiator.step(None, &mut negotiate).unwrap() else {
        panic!("complete after one leg")
    };
    let acceptor = Acceptor::new(acceptor(), none);
    let AcceptorStep::Continue(acceptor) = acceptor.step(&negotiate, &mut challenge).unwrap()
    else {
        panic!("no challenge")
    };
    let _ = initiator.step(Some(&challenge), &mut authenticate).unwrap();
    let mut out = Vec::new();
    let AcceptorStep::NeedLogon(request) = acceptor.step(&authenticate, &mut out).unwrap() else {
        panic!("no question")
    };
    let name = AccountName::new("CORP", "alice");
    let answer = Answer::Known(KnownAccount::new(NtHash::of_password("x"), name));
    match request.resolve(Ok(answer), &mut out).unwrap() {
        AcceptorStep::Complete(context) => context.of_mechanism(Mechanism::PerRequest),
        other => panic!("{other:?}"),
    }
}

fn connection(receive_mutual_auth: bool) -> ConnectionAuth {
    let mut config = ConnectionConfig::new(acceptor());
    config.receive_mutual_auth = receive_mutual_auth;
    ConnectionAuth::new(Arc::new(config), ChannelBindings::none())
}

fn forward(decision: Decision) -> Forward {
    match decision {
        Decision::Forward(forward) => forward,
        other => panic!("{other:?}"),
    }
}

fn plain(auth: &mut ConnectionAuth) -> Decision {
    let scope = Arc::new(Scope::required(&Scheme::INTEGRATED));
    auth.request(RequestHead::new("GET", "/", &scope))
}

// H-11, HS-26: the next request has to prove itself.
#[test]
fn a_mechanism_that_proves_requests_leaves_no_logon_on_the_connection() {
    let mut auth = connection(false);
    let done = forward(auth.complete(context(), Scheme::Negotiate, b"AP-REP"));
    assert!(!done.authentication.is_persistent());
    assert!(auth.logon().is_none());
    assert!(matches!(plain(&mut auth), Decision::Respond(_)));
    let fields: Vec<_> = done.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let token = "Negotiate QVAtUkVQ";
    assert_eq!(fields, [("www-authenticate", token), ("persistent-auth", "false")]);
}

// HS-25, HS-26: the server's proof goes with the response where there is one, and with no other.
#[test]
fn the_servers_proof_is_sent_where_the_client_wants_it() {
    let done = forward(connection(false).complete(context(), Scheme::Negotiate, b""));
    assert!(done.fields.iter().all(|(name, _)| *name != "www-authenticate"));
    let logon = done.authentication.logon().unwrap();
    assert!(logon.context_attributes().contains(ContextAttributes::MUTUAL_AUTH));
    assert_eq!(logon.package_name(), "per request");
    assert_eq!(logon.mechanism().unwrap().to_string(), "per request");
}

// HS-27
#[test]
fn the_servers_proof_goes_to_an_application_that_wants_to_send_it() {
    let done = forward(connection(true).complete(context(), Scheme::Negotiate, b"AP-REP"));
    assert!(done.fields.iter().all(|(name, _)| *name != "www-authenticate"));
    let authentication: Authentication = done.authentication;
    assert_eq!(authentication.mutual_auth_data(), Some("Negotiate QVAtUkVQ"));
}

// HS-28: one configuration, connections to whatever host.
#[test]
fn one_configuration_proves_the_server_on_every_connection() {
    let config = Arc::new(ConnectionConfig::new(acceptor()));
    for carrier in [Carrier::Exclusive, Carrier::Shared] {
        let mut auth = ConnectionAuth::new(Arc::clone(&config), ChannelBindings::none());
        let scope = Arc::new(Scope::optional(&Scheme::INTEGRATED));
        let mut head = RequestHead::new("GET", "/", &scope);
        head.carrier = carrier;
        let _ = auth.request(head);
        let done = forward(auth.complete(context(), Scheme::Negotiate, b"AP-REP"));
        assert_eq!(done.authentication.identity().unwrap().to_string(), "CORP\\alice");
        assert!(done.fields.iter().any(|(name, _)| *name == "www-authenticate"));
    }
}
