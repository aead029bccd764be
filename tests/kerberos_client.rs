//! Clients that log on by Kerberos over HTTP, against our own acceptor.
#![cfg(feature = "kerberos")]

#[path = "support/ticket.rs"]
mod ticket;

use logon::http::{ClientAuth, ClientConfig, ClientError, ClientStep, Scheme, Side, format_token};
use logon::http::{Credentials, parse_token};
use logon::kerberos::InitiatorConfig as TicketConfig;
use logon::wire::spnego::{MechType, NegTokenInit, NegTokenResp};
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, AccountName, Answer, ChannelBindings,
    ContextAttributes, Credential, Error, FileTime, InitiatorConfig, KnownAccount, Mechanism,
    NtHash, OsRandom, PeerIncompatible, Policy, TargetName, TimeSource,
};
use std::sync::Arc;
use std::time::Duration;
use ticket::{Clock, Forge, Random, config, service};

/// A clock that is ahead by so many seconds.
#[derive(Debug)]
struct Ahead(u64);

impl TimeSource for Ahead {
    fn now(&self) -> FileTime {
        FileTime::from_unix(Duration::from_secs(ticket::NOW + self.0))
    }
}

fn ticket_at(seconds: u64) -> Arc<TicketConfig> {
    let (random, clock) = (Arc::new(OsRandom), Arc::new(Ahead(seconds)));
    Arc::new(TicketConfig::new(Forge::default().cached(), random, clock))
}

fn ticket() -> Arc<TicketConfig> {
    ticket_at(0)
}

fn ntlm() -> ClientConfig {
    let credential = Credential::password(r"CORP\alice", "S3cret!pw");
    let initiator = InitiatorConfig::new(credential, Arc::new(OsRandom), Arc::new(Clock));
    ClientConfig::new(Arc::new(initiator))
}

fn kerberos() -> ClientConfig {
    ClientConfig::without_ntlm(Arc::new(OsRandom))
}

fn client(config: ClientConfig) -> ClientAuth {
    let target = TargetName::http("web01.corp.example");
    let mut auth = ClientAuth::new(Arc::new(config), Side::Origin, target, ChannelBindings::none());
    auth.use_ticket(Some(ticket()));
    auth
}

fn advance(auth: &mut ClientAuth, challenge: &str) -> Result<Credentials, ClientError> {
    match auth.advance([challenge.as_bytes()])? {
        ClientStep::Send(credentials) => Ok(credentials),
        step => panic!("{step:?}"),
    }
}

fn token(credentials: &Credentials) -> Vec<u8> {
    let token = parse_token(Scheme::Negotiate, credentials.value.as_bytes()).unwrap().unwrap();
    token.to_vec()
}

/// What the server says to a ticket, and whether it is content.
fn answer(config: Arc<AcceptorConfig>, credentials: &Credentials) -> (String, bool) {
    let mut out = Vec::new();
    let acceptor = Acceptor::new(config, ChannelBindings::none());
    let step = acceptor.step(&token(credentials), &mut out);
    let content = matches!(step, Ok(AcceptorStep::Complete(_)));
    (format_token(Scheme::Negotiate, &out), content)
}

fn server() -> Arc<AcceptorConfig> {
    config(service(), Policy::default())
}

fn finish(auth: &mut ClientAuth, line: &str, persistent: Option<&str>) -> Result<(), ClientError> {
    let step = auth.finish([line.as_bytes()], persistent.map(str::as_bytes))?;
    assert!(matches!(step, ClientStep::Done));
    Ok(())
}

// WS-9, HS-25
#[test]
fn a_ticket_is_all_there_is_to_send_and_the_answer_proves_the_server() {
    for config in [ntlm(), kerberos(), kerberos().with_mutual_auth(true)] {
        let mut auth = client(config);
        let sent = advance(&mut auth, "Negotiate").unwrap();
        assert!(sent.last, "the body goes with it");
        assert!(!sent.counts, "there is no password in it");
        let (line, content) = answer(server(), &sent);
        assert!(content);
        finish(&mut auth, &line, None).unwrap();
        assert_eq!(auth.mechanism(), Some(Mechanism::SpnegoKerberos));
        let attributes = auth.context().unwrap().attributes();
        assert!(attributes.contains(ContextAttributes::MUTUAL_AUTH));
        // Nothing of it can be used again.
        let (_, content) = answer(server(), &sent);
        assert!(content, "another server has another memory");
    }
}

// H-10: absent means no; the word of the server counts.
#[test]
fn each_request_needs_a_ticket_unless_the_server_says_otherwise() {
    for (field, expected) in
        [(None, false), (Some("true"), true), (Some("false"), false), (Some("1"), false)]
    {
        let mut auth = client(kerberos());
        let sent = advance(&mut auth, "Negotiate").unwrap();
        finish(&mut auth, &answer(server(), &sent).0, field).unwrap();
        assert_eq!(auth.is_persistent(), expected, "{field:?}");
        // And then it is one step again, without being asked.
        let again = auth.initial(Scheme::Negotiate).unwrap();
        assert_ne!(again.value, sent.value);
        finish(&mut auth, &answer(server(), &again).0, field).unwrap();
        assert!(auth.is_complete());
    }
}

// WS-10, R-17
#[test]
fn a_server_that_asked_for_a_ticket_proves_itself_or_is_not_used() {
    for demanded in [false, true] {
        let config = || kerberos().with_mutual_auth(demanded);
        let mut auth = client(config());
        let _ = advance(&mut auth, "Negotiate").unwrap();
        let error = auth.finish([], None).unwrap_err();
        assert_eq!(error, ClientError::MutualAuthMissing);
        assert!(!auth.is_complete() && auth.context().is_none());

        // The proof of another exchange.
        let mut auth = client(config());
        let _ = advance(&mut auth, "Negotiate").unwrap();
        let mut other = client(config());
        other.use_ticket(Some(ticket_at(1)));
        let other = other.initial(Scheme::Negotiate).unwrap();
        let error = finish(&mut auth, &answer(server(), &other).0, None).unwrap_err();
        assert!(matches!(error, ClientError::Exchange(_)), "{error:?}");
        assert!(!auth.is_complete());

        // Of one that was not asked for, nobody took notice: no logon, and no error unless it is
        // demanded.
        let mut auth = client(config());
        let _ = auth.initial(Scheme::Negotiate).unwrap();
        let result = auth.finish([], None);
        assert_eq!(result.err(), demanded.then_some(ClientError::MutualAuthMissing));
        assert!(!auth.is_complete() && !auth.is_persistent());
    }
}

#[test]
fn every_byte_of_the_proof_counts() {
    let mut auth = client(kerberos());
    let sent = advance(&mut auth, "Negotiate").unwrap();
    let (line, _) = answer(server(), &sent);
    let proof = parse_token(Scheme::Negotiate, line.as_bytes()).unwrap().unwrap().to_vec();
    let resp = NegTokenResp::decode(&proof).unwrap();
    let begin = proof.len() - resp.response_token.unwrap().len();
    for position in begin..proof.len() {
        let mut auth = client(kerberos());
        let sent = advance(&mut auth, "Negotiate").unwrap();
        let (line, _) = answer(server(), &sent);
        let mut proof = parse_token(Scheme::Negotiate, line.as_bytes()).unwrap().unwrap().to_vec();
        proof[position] ^= 1;
        let line = format_token(Scheme::Negotiate, &proof);
        assert!(finish(&mut auth, &line, None).is_err(), "{position}");
        assert!(!auth.is_complete());
    }
}

// H-06
#[test]
fn a_401_after_the_ticket_is_a_refusal_and_says_which() {
    let mut auth = client(ntlm());
    let _ = advance(&mut auth, "Negotiate").unwrap();
    let error = advance(&mut auth, "Negotiate").unwrap_err();
    assert_eq!(error, ClientError::Refused { scheme: Scheme::Negotiate });
    // R-20: with the server's own word, if it has one.
    let mut auth = client(ntlm());
    let late = Forge { end: ticket::NOW - 3600, ..Forge::default() };
    let (random, clock) = (Arc::new(OsRandom), Arc::new(Clock));
    auth.use_ticket(Some(Arc::new(TicketConfig::new(late.cached(), random, clock))));
    let sent = advance(&mut auth, "Negotiate").unwrap();
    let (line, content) = answer(server(), &sent);
    assert!(!content);
    let error = advance(&mut auth, &line).unwrap_err();
    let expired = Error::PeerIncompatible(PeerIncompatible::KerberosError(32));
    assert_eq!(error, ClientError::Exchange(expired));
}

// P-10
#[test]
fn a_server_without_a_key_may_select_ntlm() {
    let mut auth = client(ntlm());
    let sent = advance(&mut auth, "Negotiate, NTLM").unwrap();
    let names = logon::ServerNames::new("WEB01", "CORP");
    let config = AcceptorConfig::new(names, Arc::new(Random::default()), Arc::new(Clock));
    let mut acceptor = Acceptor::new(Arc::new(config), ChannelBindings::none());
    let mut sent = sent;
    let mut legs = Vec::new();
    loop {
        legs.push((sent.last, sent.counts));
        let mut out = Vec::new();
        match acceptor.step(&token(&sent), &mut out).unwrap() {
            AcceptorStep::Continue(next) => acceptor = next,
            AcceptorStep::NeedLogon(request) => {
                let name = AccountName::new("CORP", "alice");
                let known = KnownAccount::new(NtHash::of_password("S3cret!pw"), name);
                let step = request.resolve(Ok(Answer::Known(known)), &mut out).unwrap();
                let AcceptorStep::Complete(context) = step else { panic!("{step:?}") };
                assert_eq!(context.identity().to_string(), r"CORP\alice");
                finish(&mut auth, &format_token(Scheme::Negotiate, &out), None).unwrap();
                break;
            }
            step => panic!("{step:?}"),
        }
        sent = advance(&mut auth, &format_token(Scheme::Negotiate, &out)).unwrap();
    }
    // The ticket, in vain; NEGOTIATE; AUTHENTICATE.
    assert_eq!(legs, [(true, false), (false, false), (true, true)]);
    assert_eq!(auth.mechanism(), Some(Mechanism::SpnegoNtlm));
}

#[test]
fn where_the_server_has_to_prove_itself_ntlm_is_not_offered() {
    let offered = |config| {
        let sent = advance(&mut client(config), "Negotiate").unwrap();
        let token = token(&sent);
        let init = NegTokenInit::decode(&token).unwrap();
        init.mech_types.iter().map(|mech| mech.name().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(offered(ntlm()), ["KRB5", "NTLMSSP"]);
    assert_eq!(offered(ntlm().with_mutual_auth(true)), ["KRB5"]);
    assert_eq!(offered(kerberos()), ["KRB5"]);
    // And without a ticket nothing can be.
    let mut auth = client(ntlm().with_mutual_auth(true));
    auth.use_ticket(None);
    assert_eq!(advance(&mut auth, "Negotiate").unwrap_err(), ClientError::MutualAuthMissing);
}

#[test]
fn a_client_without_ntlm_never_speaks_it() {
    let mut auth = client(kerberos());
    let error = advance(&mut auth, "NTLM").unwrap_err();
    assert_eq!(error, ClientError::NoScheme { offered: vec!["NTLM".to_owned()] });
    for scheme in Scheme::INTEGRATED {
        let mut auth = client(kerberos());
        auth.use_ticket(None);
        assert_eq!(auth.initial(scheme).unwrap_err(), ClientError::NotConfigured { scheme });
        assert!(advance(&mut auth, scheme.name()).is_err());
    }
    // Not even if the server selects it.
    let mut auth = client(kerberos());
    let _ = advance(&mut auth, "Negotiate").unwrap();
    let mut out = Vec::new();
    let selected = NegTokenResp {
        neg_state: Some(logon::wire::spnego::NegState::AcceptIncomplete),
        supported_mech: Some(MechType::NTLMSSP),
        ..NegTokenResp::default()
    };
    selected.encode(&mut out).unwrap();
    let error = advance(&mut auth, &format_token(Scheme::Negotiate, &out)).unwrap_err();
    let not_offered = Error::PeerIncompatible(PeerIncompatible::MechanismNotOffered);
    assert_eq!(error, ClientError::Exchange(not_offered));
}

// P-09
#[test]
fn the_other_number_of_kerberos_is_the_same_mechanism() {
    let mut auth = client(ntlm());
    let sent = advance(&mut auth, "Negotiate").unwrap();
    let (line, _) = answer(server(), &sent);
    let proof = parse_token(Scheme::Negotiate, line.as_bytes()).unwrap().unwrap().to_vec();
    let resp = NegTokenResp::decode(&proof).unwrap();
    assert_eq!(resp.supported_mech, Some(MechType::KRB5));
    let mut out = Vec::new();
    NegTokenResp { supported_mech: Some(MechType::MS_KRB5), ..resp }.encode(&mut out).unwrap();
    finish(&mut auth, &format_token(Scheme::Negotiate, &out), None).unwrap();
    assert!(auth.is_complete());
}

#[test]
fn a_ticket_is_wanted_where_negotiate_is_asked_for() {
    let challenges = |line: &'static str| [line.as_bytes()];
    let mut auth = client(kerberos());
    assert!(auth.wants_ticket(challenges("NTLM, Negotiate")));
    assert!(!auth.wants_ticket(challenges("NTLM, Basic realm=\"x\"")));
    assert!(
        !client(kerberos().with_schemes(&[Scheme::Ntlm])).wants_ticket(challenges("Negotiate"))
    );
    // Not within an exchange.
    let _ = advance(&mut auth, "Negotiate").unwrap();
    assert!(!auth.wants_ticket(challenges("Negotiate")));
}
