//! An identity never appears on a request that did not earn it.
//!
//! Two users and whoever pretends to be one of them send requests over a few connections, in an
//! order drawn at random; a model that knows nothing of tokens says who may be reported on each.
//!
//! `NO_BLEED_SEED=n` runs the interleaving of one seed and prints it. `NO_BLEED_COUNT=n` runs
//! so many, from `NO_BLEED_FROM` on.

#[path = "support/bleed_clients.rs"]
mod bleed_clients;
#[path = "support/bleed_model.rs"]
mod bleed_model;
#[path = "support/bleed_steps.rs"]
mod bleed_steps;
#[path = "support/digest.rs"]
mod digest;
#[path = "support/fixed.rs"]
mod fixed;

use bleed_clients::{Clients, account, basic};
use bleed_model::{Asked, Claim, Expected, Model, Nonce, Reported, Serial, State, Used};
use bleed_steps::{
    Action, CONNECTIONS, Challenged, Credentials, Demand, Dice, Form, Interleaving, Request,
    SCHEMES, StoreAnswer, Who,
};
use logon::http::{
    BasicConfig, Carrier, ConnectionAuth, ConnectionConfig, Decision, DigestConfig, Question,
    RecentNonces, RequestHead, Requirement, Scheme, Scope, format_token, parse_token,
};
use logon::{
    Acceptor, AcceptorConfig, AccountName, Answer, ChannelBindings, DigestAlgorithm, DigestAnswer,
    DigestUsername, FileTime, Ha1, Identity, KnownAccount, NtHash, RandomFailed, Refusal,
    SecureRandom, StoreError, TimeSource,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const INTERLEAVINGS: u64 = 100_000;

// H-08
#[test]
fn no_request_carries_an_identity_that_it_did_not_earn() {
    if let Some(seed) = variable("NO_BLEED_SEED") {
        let interleaving = Dice::new(seed).interleaving();
        println!("{interleaving:#?}");
        Rig::new().run(&interleaving).unwrap();
        return;
    }
    let from = variable("NO_BLEED_FROM").unwrap_or(0);
    let count = variable("NO_BLEED_COUNT").unwrap_or(INTERLEAVINGS);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let reached = std::thread::scope(|scope| {
        let seeds = |worker| (from..from + count).skip(worker).step_by(workers);
        let work = |worker| scope.spawn(move || check(seeds(worker)));
        let workers: Vec<_> = (0..workers).map(work).collect();
        let mut reached = Reached::default();
        for worker in workers {
            match worker.join() {
                Ok(part) => reached.add(&part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        reached
    });
    println!("{count} interleavings: {reached:?}");
    let least = count / 100;
    let Reached { proven, kept, strangers, shared, relogged, while_asking, replayed } = reached;
    for (what, times) in [
        ("logons", proven),
        ("requests that follow on a logon", kept),
        ("right proofs for a challenge of another connection", strangers),
        ("logons forgotten on a connection that became shared", shared),
        ("logons on a connection where the other user was logged on", relogged),
        ("requests while the store was asked", while_asking),
        ("credentials of Digest that were used before", replayed),
    ] {
        assert!(times >= least, "{what}: only {times} in {count} interleavings");
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

fn check(seeds: impl Iterator<Item = u64>) -> Reached {
    let mut rig = Rig::new();
    for seed in seeds {
        let interleaving = Dice::new(seed).interleaving();
        if let Err(failure) = attempt(&mut rig, &interleaving) {
            let (least, failure) = shrink(&mut rig, interleaving, failure);
            panic!("NO_BLEED_SEED={seed}: {failure}\n{:#?}\n{:#?}", least.setting, least.steps);
        }
    }
    rig.reached
}

fn attempt(rig: &mut Rig, interleaving: &Interleaving) -> Result<(), String> {
    let ran = catch_unwind(AssertUnwindSafe(|| rig.run(interleaving)));
    ran.unwrap_or_else(|_| Err("a panic".to_owned()))
}

/// Leaves out one step after the other, as long as it still fails.
fn shrink(rig: &mut Rig, mut failing: Interleaving, mut failure: String) -> (Interleaving, String) {
    let mut at = 0;
    while at < failing.steps.len() {
        let mut shorter = failing.clone();
        shorter.steps.remove(at);
        match attempt(rig, &shorter) {
            Ok(()) => at += 1,
            Err(still) => (failing, failure, at) = (shorter, still, 0),
        }
    }
    (failing, failure)
}

/// How often what matters has come about.
#[derive(Debug, Default)]
struct Reached {
    proven: u64,
    kept: u64,
    strangers: u64,
    shared: u64,
    relogged: u64,
    while_asking: u64,
    replayed: u64,
}

impl Reached {
    fn add(&mut self, other: &Self) {
        self.proven += other.proven;
        self.kept += other.kept;
        self.strangers += other.strangers;
        self.shared += other.shared;
        self.relogged += other.relogged;
        self.while_asking += other.while_asking;
        self.replayed += other.replayed;
    }
}

/// What serves all interleavings of a worker, set back before each.
struct Rig {
    clock: Arc<Seconds>,
    random: Arc<Numbers>,
    acceptor: Arc<AcceptorConfig>,
    clients: Clients,
    hashes: [NtHash; 2],
    digest_hashes: [Ha1; 2],
    /// A challenge of another server.
    elsewhere: Issued,
    reached: Reached,
}

/// A connection of the server's, what the model says of it, and what was earned on it.
struct Connection {
    auth: ConnectionAuth,
    model: Model,
    /// Whoever sent the right proof last, if no other credentials have come since.
    earned: Option<Who>,
    /// The challenge that was sent last, if no other request has come since.
    open: Option<Serial>,
    /// Who was logged on last.
    last: Option<Who>,
}

/// A challenge that was sent.
struct Issued {
    connection: usize,
    scheme: Scheme,
    form: Form,
    challenge: Vec<u8>,
}

/// One interleaving under way.
struct World<'a> {
    rig: &'a mut Rig,
    interleaving: &'a Interleaving,
    config: Arc<ConnectionConfig>,
    connections: Vec<Connection>,
    issued: Vec<Issued>,
    /// Challenges of Digest, with the time at which they were sent.
    nonces: Vec<(String, u64)>,
    used: Used,
}

const REALM: &str = "no bleed";
/// What another server sends.
const FOREIGN_NONCE: &str = "Digest realm=\"no bleed\", nonce=\"elsewhere\"";
const START: u64 = 1_800_000_000;

impl Rig {
    fn new() -> Self {
        let (clock, random) = (Arc::new(Seconds::default()), Arc::new(Numbers::default()));
        let (numbers, time) = (Arc::clone(&random) as _, Arc::clone(&clock) as _);
        let acceptor = Arc::new(AcceptorConfig::new(fixed::names(), numbers, time));
        let digest_hashes = [(Who::Alice, fixed::PASSWORD), (Who::Bob, fixed::BOBS_PASSWORD)];
        let digest_hashes = digest_hashes.map(|(who, password)| {
            Ha1::of_password(DigestAlgorithm::Sha256, account(who), REALM, password)
        });
        let hashes = [fixed::PASSWORD, fixed::BOBS_PASSWORD].map(NtHash::of_password);
        let mut clients = Clients::default();
        let elsewhere = elsewhere(&acceptor, &mut clients);
        let reached = Reached::default();
        Self { clock, random, acceptor, clients, hashes, digest_hashes, elsewhere, reached }
    }

    fn run(&mut self, interleaving: &Interleaving) -> Result<(), String> {
        self.clock.0.store(START, Ordering::Relaxed);
        self.random.challenges.store(0, Ordering::Relaxed);
        self.random.others.store(0, Ordering::Relaxed);
        let setting = &interleaving.setting;
        let mut config = ConnectionConfig::new(Arc::clone(&self.acceptor));
        config.basic = Some(BasicConfig::new(REALM).unwrap());
        let counts = Arc::new(RecentNonces::with_capacity(100));
        config.digest = Some(DigestConfig::new(REALM, &*self.random, counts).unwrap());
        config.persistent = setting.persistent;
        config.identity_lifetime = setting.identity_lifetime.map(Duration::from_secs);
        config.max_exchanges = setting.max_exchanges;
        let config = Arc::new(config);
        let connections = (0..CONNECTIONS).map(|_| Connection::new(&config)).collect();
        let mut world = World {
            rig: self,
            interleaving,
            config,
            connections,
            issued: Vec::new(),
            nonces: Vec::new(),
            used: Used::default(),
        };
        for (number, step) in interleaving.steps.iter().enumerate() {
            world
                .step(step.connection, step.action)
                .and_then(|()| world.check_states())
                .map_err(|failure| format!("step {number}: {failure}"))?;
        }
        Ok(())
    }

    fn answer(&self, answer: StoreAnswer, user: &str) -> Result<Answer, StoreError> {
        let bob = usize::from(user == "bob");
        let name = AccountName::new("CORP", ["alice", "bob"][bob]);
        match answer {
            StoreAnswer::Right => {
                Ok(Answer::Known(KnownAccount::new(self.hashes[bob].clone(), name)))
            }
            StoreAnswer::Unknown => Ok(Answer::Unknown),
            StoreAnswer::Refused => Ok(Answer::Refused(Refusal::AccountDisabled)),
            StoreAnswer::OutOfReach => Err(StoreError::new("out of reach")),
        }
    }

    fn digest_answer(
        &self,
        answer: StoreAnswer,
        username: DigestUsername<'_>,
    ) -> Result<DigestAnswer, StoreError> {
        let bob = usize::from(asked_for(username) == Who::Bob);
        let name = AccountName::new("CORP", ["alice", "bob"][bob]);
        match answer {
            StoreAnswer::Right => {
                Ok(DigestAnswer::Known { ha1: self.digest_hashes[bob].clone(), name })
            }
            StoreAnswer::Unknown => Ok(DigestAnswer::Unknown),
            StoreAnswer::Refused => Ok(DigestAnswer::Refused(Refusal::AccountDisabled)),
            StoreAnswer::OutOfReach => Err(StoreError::new("out of reach")),
        }
    }

    fn now(&self) -> u64 {
        self.clock.0.load(Ordering::Relaxed)
    }
}

impl World<'_> {
    fn step(&mut self, at: usize, action: Action) -> Result<(), String> {
        let now = self.rig.now();
        let connection = &mut self.connections[at];
        match action {
            Action::Request(request) => return self.request(at, &request),
            Action::Answer(answer) => return self.answer(at, answer),
            Action::Throttle => {
                let expected = connection.model.throttled();
                let seen = seen(&connection.auth.throttle(1), &connection.auth);
                compare(expected.unwrap_or(Expected::Refuses(500)), seen)?;
            }
            Action::Release => {
                connection.auth.release();
                connection.model.forget();
                connection.earned = None;
            }
            Action::AppChallenge(demand) => {
                let scope = scope(demand);
                let response = connection.auth.challenge(RequestHead::new("GET", "/", &scope));
                assert!(!response.continues);
                // Where nothing is looked at, it is nobody's business who is logged on.
                if demand.requirement == Requirement::Off {
                    assert!(response.challenges.is_empty());
                } else {
                    connection.model.forget();
                    connection.earned = None;
                }
            }
            Action::Advance(by) => self.rig.clock.0.store(now + by, Ordering::Relaxed),
            Action::SetBack(by) => self.rig.clock.0.store(now - by, Ordering::Relaxed),
            Action::Reconnect => *connection = Connection::new(&self.config),
        }
        Ok(())
    }

    fn request(&mut self, at: usize, request: &Request) -> Result<(), String> {
        let (claim, lines) = self.credentials(at, request.credentials);
        let others = self.connections.iter().enumerate();
        let others = others.filter(|(other, there)| *other != at && there.model.in_exchange());
        let room = others.count() < self.interleaving.setting.max_exchanges;
        let Request { demand, carrier, secure, preflight, .. } = *request;
        let now = self.rig.now();
        let asked = Asked { claim, demand, carrier, secure, preflight, now, room };

        let connection = &mut self.connections[at];
        let before = connection.model.clone();
        let expected = connection.model.request(&asked, &self.interleaving.setting);
        if matches!(before.state, State::Waiting(_)) {
            self.rig.reached.while_asking += 1;
        }
        if connection.model.logged_on().is_none() && before.logged_on().is_some() {
            self.rig.reached.shared += u64::from(carrier > Carrier::Exclusive);
        }
        let unseen =
            demand.requirement == Requirement::Off || (preflight && demand.preflight_passes);
        if !unseen {
            connection.earn(claim);
        }

        let scope = scope(demand);
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let mut head = RequestHead::new("GET", "/", &scope);
        head.credentials = &lines;
        (head.carrier, head.secure, head.preflight) = (carrier, secure, preflight);
        head.digest = true;
        let standing = connection.auth.standing(&scope, carrier);
        let standing = standing.filter(|_| head.credentials.is_empty() && !preflight);
        let decision = connection.auth.request(head);
        if let Some(standing) = standing {
            let Decision::Forward(forward) = &decision else {
                return Err("somebody stands there who is not let in".into());
            };
            if forward.authentication.identity() != standing.identity() {
                return Err("somebody else stands there".into());
            }
        }
        let seen = seen(&decision, &connection.auth);
        compare(expected, seen)?;
        if let Decision::Respond(response) = &decision {
            let nonce = response.challenges.iter().find(|value| value.contains("SHA-256"));
            self.nonces.extend(nonce.map(|value| (value.clone(), now)));
        }
        match (seen, claim) {
            (Expected::Challenges, Claim::First { scheme, form, serial }) => {
                let Decision::Respond(response) = &decision else { return Ok(()) };
                let value = response.challenges[0].as_bytes();
                let challenge = parse_token(scheme, value).unwrap().unwrap();
                connection.open = Some(serial);
                self.issued.push(Issued { connection: at, scheme, form, challenge });
            }
            (Expected::Asks(_), _) if !request.late => {
                return self.answer(at, StoreAnswer::Right);
            }
            _ => {}
        }
        self.check_earned(at, seen)
    }

    fn answer(&mut self, at: usize, answer: StoreAnswer) -> Result<(), String> {
        let now = self.rig.now();
        let connection = &mut self.connections[at];
        let was = connection.last;
        let setting = &self.interleaving.setting;
        let expected = connection.model.answered(answer, now, setting, &mut self.used);
        let decision = match connection.auth.pending() {
            Some(Question::Digest(asked)) => {
                let given = self.rig.digest_answer(answer, asked.username);
                connection.auth.resume_digest(given)
            }
            Some(Question::Account(asked)) => {
                let given = self.rig.answer(answer, asked.user());
                connection.auth.resume(given)
            }
            _ => connection.auth.resume(Ok(Answer::Unknown)),
        };
        let seen = seen(&decision, &connection.auth);
        compare(expected.unwrap_or(Expected::Refuses(500)), seen)?;
        if let Some(now) = connection.model.logged_on().filter(|_| expected.is_some()) {
            self.rig.reached.relogged += u64::from(was.is_some_and(|was| was != now));
            connection.last = Some(now);
        }
        if !matches!(seen, Expected::Passes(Some(_))) && expected.is_some() {
            connection.earned = None;
        }
        self.check_earned(at, seen)
    }

    /// Who is reported has proven it here, and nothing has ended that since.
    fn check_earned(&mut self, at: usize, seen: Expected) -> Result<(), String> {
        let Expected::Passes(Some(Reported { who, fresh, persistent })) = seen else {
            return Ok(());
        };
        let connection = &mut self.connections[at];
        if connection.earned != Some(who) {
            return Err(format!("{who:?} is reported, earned was {:?}", connection.earned));
        }
        if !persistent {
            connection.earned = None;
        }
        if fresh {
            self.rig.reached.proven += 1;
        } else {
            self.rig.reached.kept += 1;
        }
        Ok(())
    }

    /// What is kept is what the model says is kept, on this connection and on all others.
    fn check_states(&self) -> Result<(), String> {
        for (at, connection) in self.connections.iter().enumerate() {
            let kept = connection.auth.logon().map(|logon| named(logon.identity()));
            let expected = connection.model.logged_on();
            if kept != expected {
                return Err(format!("connection {at} keeps {kept:?}, expected {expected:?}"));
            }
        }
        let under_way = self.connections.iter().filter(|c| c.model.in_exchange()).count();
        if self.config.exchanges() != under_way {
            let counted = self.config.exchanges();
            return Err(format!("{counted} exchanges under way, expected {under_way}"));
        }
        Ok(())
    }

    /// What is sent, and what that is worth.
    fn credentials(&mut self, at: usize, credentials: Credentials) -> (Claim, Vec<String>) {
        let clients = &mut self.rig.clients;
        let one = |line: String| vec![line];
        match credentials {
            Credentials::None => (Claim::None, Vec::new()),
            Credentials::First { scheme, form } => {
                let serial = self.issued.len();
                let line = format_token(scheme, clients.first(form));
                (Claim::First { scheme, form, serial }, one(line))
            }
            Credentials::Second { of, other_scheme, client } => {
                let serial = pick(&self.issued, at, of);
                let issued = serial.map_or(&self.rig.elsewhere, |serial| &self.issued[serial]);
                let Issued { connection, scheme, form, challenge } = issued;
                let scheme = match (other_scheme, *scheme) {
                    (false, scheme) => scheme,
                    (true, Scheme::Ntlm) => Scheme::Negotiate,
                    (true, _) => Scheme::Ntlm,
                };
                if client.right && *connection != at {
                    self.rig.reached.strangers += 1;
                }
                let line = format_token(scheme, clients.second(*form, client, challenge));
                (Claim::Second { scheme, form: *form, serial, client }, one(line))
            }
            Credentials::Garbage(scheme) => (Claim::Garbage(scheme), one(format!("{scheme} TlRM"))),
            Credentials::Malformed(scheme) => {
                (Claim::Malformed(scheme), one(format!("{scheme} %%%")))
            }
            Credentials::NoScheme => (Claim::Unreadable, one("=".to_owned())),
            Credentials::Repeated => {
                let line = format_token(Scheme::Ntlm, clients.first(Form::Ntlm));
                (Claim::Unreadable, vec![line.clone(), line])
            }
            Credentials::Bearer => (Claim::Foreign, one("Bearer abc".to_owned())),
            Credentials::Basic(client) => (Claim::Basic(client), one(basic(client))),
            Credentials::Digest { client, nonce, count } => {
                let number = self.nonces.len().checked_sub(nonce + 1);
                let nonce = number.map(|number| Nonce { number, count, at: self.nonces[number].1 });
                let replayed = number.is_some_and(|number| self.used.contains(&(number, count)));
                self.rig.reached.replayed += u64::from(replayed && client.right);
                let challenge = number.map_or(FOREIGN_NONCE, |number| &self.nonces[number].0);
                (Claim::Digest(client, nonce), one(clients.digest(client, challenge, count)))
            }
        }
    }
}

impl Connection {
    fn new(config: &Arc<ConnectionConfig>) -> Self {
        let auth = ConnectionAuth::new(Arc::clone(config), ChannelBindings::none());
        Self { auth, model: Model::new(), earned: None, open: None, last: None }
    }

    /// What credentials are worth to whoever sends them: without a look at what the state was.
    fn earn(&mut self, claim: Claim) {
        let open = self.open.take();
        match claim {
            Claim::None => {}
            Claim::Basic(client) => self.earned = client.right.then_some(client.who),
            Claim::Digest(client, nonce) => {
                self.earned = (client.right && nonce.is_some()).then_some(client.who);
            }
            Claim::Second { serial, client, .. } => {
                let right = client.right && serial.is_some() && serial == open;
                self.earned = right.then_some(client.who);
            }
            _ => self.earned = None,
        }
    }
}

/// What another server, of the same name, sends.
fn elsewhere(acceptor: &Arc<AcceptorConfig>, clients: &mut Clients) -> Issued {
    let mut challenge = Vec::new();
    let acceptor = Acceptor::new(Arc::clone(acceptor), ChannelBindings::none());
    let _ = acceptor.step(clients.first(Form::Ntlm), &mut challenge).unwrap();
    Issued { connection: CONNECTIONS, scheme: Scheme::Ntlm, form: Form::Ntlm, challenge }
}

/// The challenge that somebody answers, by its number; `None` if there was none yet.
fn pick(issued: &[Issued], at: usize, of: Challenged) -> Option<Serial> {
    let here = || issued.iter().rposition(|issued| issued.connection == at);
    match of {
        Challenged::LastHere => here().or(issued.len().checked_sub(1)),
        Challenged::Any(number) => number.checked_rem(issued.len()),
    }
}

fn scope(demand: Demand) -> Arc<Scope> {
    let schemes = SCHEMES[demand.schemes];
    let scope = match demand.requirement {
        Requirement::Off => Scope::off(),
        Requirement::AppChallenges => Scope::app_challenges(schemes),
        Requirement::Optional => Scope::optional(schemes),
        Requirement::Required => Scope::required(schemes),
    };
    let passing: &[&str] = if demand.bearer_passes { &["Bearer"] } else { &[] };
    Arc::new(scope.with_pass_schemes(passing).with_cors_preflight(demand.preflight_passes))
}

fn seen(decision: &Decision, auth: &ConnectionAuth) -> Expected {
    match decision {
        Decision::Forward(forward) => {
            let authentication = &forward.authentication;
            let (fresh, persistent) = (authentication.is_fresh(), authentication.is_persistent());
            let reported =
                |identity: &Identity| Reported { who: named(identity), fresh, persistent };
            Expected::Passes(authentication.identity().map(reported))
        }
        Decision::NeedLogon => match auth.pending() {
            Some(Question::Account(account)) => {
                Expected::Asks(if account.user() == "bob" { Who::Bob } else { Who::Alice })
            }
            Some(Question::Digest(account)) => Expected::Asks(asked_for(account.username)),
            other => panic!("{other:?}"),
        },
        Decision::Respond(response) if response.continues => {
            assert_eq!(response.status.code(), 401);
            Expected::Challenges
        }
        Decision::Respond(response) => Expected::Refuses(response.status.code()),
        other => panic!("{other:?}"),
    }
}

fn asked_for(username: DigestUsername<'_>) -> Who {
    let DigestUsername::Plain(name) = username else { panic!("nobody hashes a name here") };
    [Who::Alice, Who::Bob].into_iter().find(|who| account(*who) == name).unwrap()
}

fn named(identity: &Identity) -> Who {
    let name = identity.to_string();
    [Who::Alice, Who::Bob].into_iter().find(|who| account(*who) == name).unwrap()
}

fn compare(expected: Expected, seen: Expected) -> Result<(), String> {
    if expected == seen { Ok(()) } else { Err(format!("expected {expected:?}, saw {seen:?}")) }
}

/// Seconds since 1970, set by hand.
#[derive(Debug, Default)]
struct Seconds(AtomicU64);

impl TimeSource for Seconds {
    fn now(&self) -> FileTime {
        FileTime::from_unix(Duration::from_secs(self.0.load(Ordering::Relaxed)))
    }
}

/// Numbers counted up: never the same challenge twice, and the same challenges every time. Those
/// of NTLM, which are 8 bytes, are counted by themselves, so that answers to them are computed
/// once for all interleavings.
#[derive(Debug, Default)]
struct Numbers {
    challenges: AtomicU64,
    others: AtomicU64,
}

impl SecureRandom for Numbers {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        let counter = if out.len() == 8 { &self.challenges } else { &self.others };
        for part in out.chunks_mut(8) {
            let number = counter.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            part.copy_from_slice(&number[..part.len()]);
        }
        Ok(())
    }
}
