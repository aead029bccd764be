//! What the log and the counters say of an attempt to log on.

use logon::http::{
    BasicConfig, ConnectionConfig, Decision, Scheme, Scope, Side, ThrottleConfig, format_token,
    parse_token,
};
use logon::{
    AcceptorConfig, Account, AccountName, Answer, ChannelBindings, Credential, CredentialStore,
    Initiator, InitiatorConfig, InitiatorStep, KnownAccount, NtHash, ServerNames, StoreError,
    TargetName,
};
use logon_tower::{Connection, Facts, Gate, GateRequest, Immediate};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

const PASSWORD: &str = "S3cret!pw";

struct Users;

impl CredentialStore for Users {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        let name = AccountName::new("CORP", "alice");
        match account.user() {
            "alice" => Ok(Answer::Known(KnownAccount::new(NtHash::of_password(PASSWORD), name))),
            "down" => Err(StoreError::new("out of reach")),
            _ => Ok(Answer::Unknown),
        }
    }
}

/// Counts by the labels of `logon_attempts_total`.
#[derive(Debug, Clone, Default)]
struct Counts(Arc<Mutex<BTreeMap<String, u64>>>);

struct Handle(Counts, String);

impl CounterFn for Handle {
    fn increment(&self, value: u64) {
        *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
    }

    fn absolute(&self, _: u64) {}
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<metrics::Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<metrics::Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<metrics::Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        assert_eq!(key.name(), "logon_attempts_total");
        let labels: Vec<_> = key.labels().map(metrics::Label::value).collect();
        Counter::from_arc(Arc::new(Handle(self.clone(), labels.join(" "))))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        assert_eq!(key.name(), "logon_duration_seconds");
        Histogram::noop()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Runs `attempts` on one connection; gives the lines of the log, and the counters.
fn observed(attempts: impl AsyncFnOnce(&Gate<Immediate<Users>>, &Connection)) -> (String, Counts) {
    let (lines, counts) = (Lines::default(), Counts::default());
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    let acceptor = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    let mut config = ConnectionConfig::new(Arc::new(acceptor));
    config.basic = Some(BasicConfig::new("x").unwrap().without_tls());
    let mut limits = ThrottleConfig::default();
    limits.account_failures = 2;
    let gate = Gate::new(config, Immediate(Users)).throttle(Some(limits));
    let peer = "192.0.2.7:5000".parse().unwrap();
    let connection = Connection::new(Some(peer), ChannelBindings::none());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        metrics::with_local_recorder(&counts, || {
            runtime.block_on(attempts(&gate, &connection));
        });
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    (text, counts)
}

async fn send(gate: &Gate<Immediate<Users>>, connection: &Connection, value: &str) -> Decision {
    let fields = [("host", b"x".as_slice()), ("authorization", value.as_bytes())];
    let facts = Facts::gather(Side::Origin, fields.into_iter());
    let arrival = gate.arrival(connection, &facts, false);
    let scope = Arc::new(Scope::required(&[Scheme::Ntlm, Scheme::Basic]));
    let request =
        GateRequest { method: "GET", target: "/", scope: &scope, facts: &facts, body: None };
    gate.decide(connection, &arrival, &request).await
}

async fn log_on(gate: &Gate<Immediate<Users>>, connection: &Connection, user: &str, pass: &str) {
    let config = InitiatorConfig::with_os(Credential::password(user, pass));
    let target = TargetName::http("x");
    let client = Initiator::ntlm(Arc::new(config), target, ChannelBindings::none());
    let mut token = Vec::new();
    let InitiatorStep::Continue(client) = client.step(None, &mut token).unwrap() else {
        panic!("complete after one leg")
    };
    let first = send(gate, connection, &format_token(Scheme::Ntlm, &token)).await;
    let Decision::Respond(response) = first else { panic!("{first:?}") };
    let challenge = parse_token(Scheme::Ntlm, response.challenges[0].as_bytes()).unwrap();
    token.clear();
    let _ = client.step(challenge.as_deref(), &mut token).unwrap();
    let _ = send(gate, connection, &format_token(Scheme::Ntlm, &token)).await;
}

// H-25
#[test]
fn every_outcome_is_one_line_and_one_count() {
    let (log, counts) = observed(async |gate, connection| {
        log_on(gate, connection, r"CORP\alice", PASSWORD).await;
        log_on(gate, connection, r"CORP\alice", "wrong one").await;
        log_on(gate, connection, r"CORP\down", PASSWORD).await;
        let _ = send(gate, connection, "NTLM AAAA").await;
        let _ = send(gate, connection, "NTLM %%%").await;
        let _ = send(gate, connection, "Basic YWxpY2U6UzNjcmV0IXB3").await;
        let _ = send(gate, connection, "Bearer x").await;
    });
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 6, "{log}");
    for (line, parts) in lines.iter().zip([
        &["INFO", "logged on", r"account=CORP\alice", "scheme=NTLM", "mechanism=NTLM"][..],
        &[
            "INFO",
            "logon refused: wrong password",
            r"account=CORP\alice",
            "code=\"LOGON_WRONG_PROOF\"",
        ],
        &[
            "ERROR",
            "logon impossible: credential store: out of reach",
            "code=\"LOGON_STORE_UNAVAILABLE\"",
        ],
        &["INFO", "logon failed", "stage=\"token\"", "code=\"LOGON_TOKEN_MALFORMED\""],
        &["DEBUG", "bad request", "code=\"LOGON_FIELD_NOT_BASE64\""],
        &["DEBUG", "logged on", "scheme=Basic", r"account=CORP\alice"],
    ]) {
        for part in parts.iter().chain(&["peer=192.0.2.7:5000"]) {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
    for secret in [PASSWORD, "wrong one", "TlRMTVNT", "YWxpY2U6"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    let counts = counts.0.lock().unwrap();
    let expected = [
        "Basic success none",
        "NTLM malformed SEC_E_INVALID_TOKEN",
        "NTLM malformed STATUS_INVALID_PARAMETER",
        "NTLM refused STATUS_LOGON_FAILURE",
        "NTLM success none",
        "NTLM unavailable STATUS_NO_LOGON_SERVERS",
    ];
    assert_eq!(counts.keys().collect::<Vec<_>>(), expected);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

#[test]
fn a_lock_out_is_said_loudly() {
    let (log, counts) = observed(async |gate, connection| {
        for password in ["a", "b", PASSWORD] {
            log_on(gate, connection, r"CORP\alice", password).await;
        }
    });
    let last = log.lines().last().unwrap();
    assert!(last.contains("WARN") && last.contains("too many logons have failed"), "{last}");
    assert!(last.contains(r"account=CORP\alice"), "{last}");
    let counts = counts.0.lock().unwrap();
    assert_eq!(counts["NTLM throttled STATUS_INSUFFICIENT_RESOURCES"], 1);
}

#[test]
fn a_name_cannot_write_fields_of_its_own() {
    let (log, _) = observed(async |gate, connection| {
        log_on(gate, connection, "eve reason=none\n INFO logged on account=alice", "x").await;
    });
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains(r#"account="eve reason=none"#), "{log}");
}

#[test]
fn a_scheme_that_is_enabled_and_cannot_be_offered_is_named_in_the_log() {
    let (log, _) = observed(async |gate, connection| {
        let scopes = Scope::required(&[Scheme::Ntlm, Scheme::Digest, Scheme::Basic]);
        gate.check_scopes(&scopes.into());
        let facts = Facts::gather(Side::Origin, std::iter::empty());
        let arrival = gate.arrival(connection, &facts, false);
        let scope = Arc::new(Scope::required(&[Scheme::Digest]));
        let (method, target) = ("GET", "/");
        let request = GateRequest { method, target, scope: &scope, facts: &facts, body: None };
        let decision = gate.decide_at_once(connection, &arrival, &request).unwrap();
        let Decision::Respond(response) = decision else { panic!("{decision:?}") };
        assert_eq!(response.status.code(), 403);
    });
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains("WARN") && lines[0].contains("Digest is enabled"), "{log}");
    assert!(lines[1].contains("ConnectionConfig::digest is not set"), "{log}");
}
