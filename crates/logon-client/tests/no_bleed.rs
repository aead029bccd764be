//! Whoever is meant by a request is who the server takes it for, or nobody; and no credentials go
//! where they do not belong. Clients with several logins send requests at the same time, over
//! sockets, through proxies, to servers that fail; what each step does is drawn from a seed, and a
//! model that knows nothing of connections says who is meant at each server.
//!
//! `NO_BLEED_SEED=7` runs the world of one seed and shows its steps.

#[path = "support/bleed_log.rs"]
mod bleed_log;
#[path = "support/bleed_servers.rs"]
mod bleed_servers;
#[path = "support/bleed_steps.rs"]
mod bleed_steps;
mod support;

use bleed_log::{Log, Tally};
use bleed_servers::{Kind, Running, proxy, site};
use bleed_steps::{ClientOf, Dice, Fate, Hop, Step, clients};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use logon::http::Scheme;
use logon_client::{Body, Client, Error, Hosts, Login, Logon, Outcome, Proxy, ResponseBody};
use logon_client::{Trust, credentials::Credentials};
use std::sync::Arc;
use std::time::Duration;
use support::{Certificate, PASSWORD};
use tokio::task::JoinSet;

const WORLDS: u64 = 40;
const STEPS: usize = 2500;

struct World {
    log: Arc<Log>,
    sites: Vec<(Kind, Running)>,
    proxies: Vec<Running>,
    clients: Vec<(ClientOf, Client)>,
}

fn kinds() -> Vec<Kind> {
    let kind = |schemes: &[Scheme], secure| Kind {
        schemes: schemes.to_vec(),
        required: true,
        persistent: true,
        secure,
    };
    let all = [Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic];
    vec![
        kind(&[Scheme::Ntlm], false),
        kind(&[Scheme::Negotiate], false),
        kind(&all, false),
        Kind { required: false, ..kind(&Scheme::INTEGRATED, false) },
        Kind { persistent: false, ..kind(&Scheme::INTEGRATED, false) },
        kind(&[Scheme::Ntlm], true),
        kind(&[Scheme::Basic], true),
        kind(&all, true),
    ]
}

impl World {
    async fn make(certificate: &Certificate, trust: &Trust) -> Self {
        let log = Arc::<Log>::default();
        let mut sites = Vec::new();
        for kind in kinds() {
            let running = site(&kind, certificate, Arc::clone(&log)).await;
            sites.push((kind, running));
        }
        let proxies = vec![
            proxy(&Scheme::INTEGRATED, Arc::clone(&log)).await,
            proxy(&[], Arc::clone(&log)).await,
        ];
        let make = |client: ClientOf| (client.clone(), build(&client, &proxies, trust.clone()));
        let clients = clients().into_iter().map(make).collect();
        Self { log, sites, proxies, clients }
    }

    fn request(&self, number: usize, step: &Step) -> Request<Body> {
        // Each hop has all that follow in its query.
        let url = step.hops.iter().rev().fold(String::new(), |next, hop| {
            let Hop { origin, meant, action } = hop;
            let scheme = if origin.secure { "https" } else { "http" };
            let port = self.sites[origin.site].1.address.port();
            let base = format!("{scheme}://{}:{port}/{number}/{}/{action}", origin.host, meant.0);
            if next.is_empty() { base } else { format!("{base}?{next}") }
        });
        let (method, body) = match step.body {
            None => (Method::GET, Body::empty()),
            Some((length, false)) => (Method::POST, Body::from(vec![b'x'; length])),
            Some((length, true)) => {
                (Method::POST, Body::once(Full::new(Bytes::from(vec![b'x'; length]))))
            }
        };
        let to_proxy = match self.clients[step.client].0.proxy {
            Some((_, Some(user))) => format!("{}{user}", step.client),
            _ => format!("{}-", step.client),
        };
        let mut request = Request::builder().method(method).uri(url).header("x-proxy", to_proxy);
        if let Some(token) = &step.token {
            request = request.header("authorization", token);
        }
        request.body(body).unwrap()
    }
}

fn build(client: &ClientOf, proxies: &[Running], trust: Trust) -> Client {
    // A machine that stands still for a while is no failure.
    let patience = Duration::from_secs(300);
    let mut builder =
        support::builder().trust(trust).response_timeout(patience).http2(client.http2);
    for login in &client.logins {
        let password = if login.right { PASSWORD } else { "wrong" };
        let name = format!(r"CORP\{}", login.user);
        let mut made = Login::new(Credentials::password(name, password.to_owned()));
        if login.basic {
            made = made.with_schemes(&[Scheme::Basic, Scheme::Ntlm]);
        }
        if let Some(hosts) = login.hosts {
            made = made.with_hosts(Hosts::only(hosts).unwrap());
        }
        builder = builder.login(made);
    }
    if let Some((number, user)) = client.proxy {
        let url = format!("http://127.0.0.1:{}", proxies[number].address.port());
        let mut proxy = Proxy::new(&url).unwrap();
        if let Some(user) = user {
            proxy = proxy.with_login(support::login(user));
        }
        if let Some(host) = client.direct {
            proxy = proxy.except(Hosts::only([host]).unwrap());
        }
        builder = builder.proxy(proxy);
    }
    builder.build()
}

/// What of a step's answer is the caller's to keep.
struct Kept(Option<ResponseBody>);

async fn perform(
    client: Client,
    request: Request<Body>,
    step: Step,
    number: usize,
) -> Result<(Kept, Tally), String> {
    let mut tally = Tally::default();
    let sent = match step.fate {
        Fate::Cancel(after) => {
            let sending = client.send(request);
            match tokio::time::timeout(Duration::from_micros(after), sending).await {
                Ok(sent) => sent,
                Err(_) => {
                    tally.add("requests cancelled", 1);
                    return Ok((Kept(None), tally));
                }
            }
        }
        _ => client.send(request).await,
    };
    let response = match sent {
        Ok(response) => response,
        Err(Error::Closed(_) | Error::BodySpent) => {
            tally.add("connections closed by servers", 1);
            return Ok((Kept(None), tally));
        }
        Err(error) => return Err(format!("{error}: {error:?}")),
    };
    judge(&response, &step, number, &mut tally)?;
    let mut body = response.into_body();
    match step.fate {
        Fate::Drop => return Ok((Kept(None), tally)),
        Fate::Keep(frames) => {
            for _ in 0..frames {
                let _ = body.frame().await;
            }
            tally.add("answers read late", 1);
            return Ok((Kept(Some(body)), tally));
        }
        Fate::Read | Fate::Cancel(_) => {}
    }
    let (read, action) = (body.collect().await, step.hops.last().unwrap().action);
    match (read, action) {
        (Ok(_), _) | (Err(_), "broken") => Ok((Kept(None), tally)),
        // A refusal that did not wait for the body, and was reset with its connection.
        (Err(_), _) if step.body.is_some() => Ok((Kept(None), tally)),
        (Err(error), _) => Err(format!("body: {error}")),
    }
}

/// Holds an answer against whom the request means.
fn judge(
    response: &Response<ResponseBody>,
    step: &Step,
    number: usize,
    tally: &mut Tally,
) -> Result<(), String> {
    let field = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
    let outcome = response.extensions().get::<Outcome>().ok_or("no outcome")?;
    let Some(user) = field("x-user") else {
        let refused = matches!(
            response.status(),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        );
        tally.add("requests refused", 1);
        return if refused { Ok(()) } else { Err(format!("{response:?}")) };
    };
    let path = field("x-path").unwrap_or_default();
    let answers = |hop: &&Hop| path == format!("/{number}/{}/{}", hop.meant.0, hop.action);
    let hop = step.hops.iter().find(answers).ok_or(format!("the answer to {path}"))?;
    match user {
        "-" => tally.add("answers to nobody", 1),
        user if hop.meant.provable() == Some(user) => {
            tally.add("answers to who is meant", 1);
            if !matches!(outcome.origin, Logon::LoggedOn { .. })
                && response.status() != StatusCode::UNAUTHORIZED
            {
                return Err(format!("{user} is logged on, and {:?} is told", outcome.origin));
            }
            if step.hops.len() > 1 {
                tally.add("logons behind a redirect", 1);
            }
            if !outcome.proxy.eq(&Logon::NotAsked) {
                tally.add("logons through a proxy that is logged on to", 1);
            }
        }
        user => return Err(format!("{user} is answered, and {:?} is meant", hop.meant)),
    }
    Ok(())
}

async fn run(seed: u64, certificate: Arc<Certificate>, trust: Trust, show: bool) -> Tally {
    let mut dice = Dice::new(seed);
    let world = World::make(&certificate, &trust).await;
    let sites: Vec<_> = world.sites.iter().map(|(kind, _)| (kind.required, kind.secure)).collect();
    let models: Vec<_> = world.clients.iter().map(|(model, _)| model.clone()).collect();
    let (mut number, mut kept, mut tally) = (0, Vec::new(), Tally::default());
    while number < STEPS {
        let mut together = JoinSet::new();
        let mut steps = Vec::new();
        for _ in 0..dice.of(&[1, 1, 2, 3, 4]) {
            let step = Step::draw(&mut dice, &models, &sites);
            if show {
                println!("{number}: {step:?}");
            }
            let request = world.request(number, &step);
            let client = world.clients[step.client].1.clone();
            together.spawn(perform(client, request, step.clone(), number));
            steps.push(step);
            number += 1;
        }
        for done in together.join_all().await {
            match done {
                Ok((Kept(body), part)) => {
                    kept.extend(body);
                    part.0.iter().for_each(|(what, times)| tally.add(what, *times));
                }
                Err(wrong) => panic!("seed {seed}, one of {steps:#?}: {wrong}"),
            }
        }
        let violations = std::mem::take(&mut world.log.state().violations);
        assert!(violations.is_empty(), "seed {seed}, one of {steps:#?}: {violations:#?}");
        while kept.len() > dice.below(8) {
            let body = kept.swap_remove(dice.below(kept.len()));
            if dice.chance(700) {
                // A body that broke off says so; the connection is gone with it.
                let _ = body.collect().await;
            }
        }
        if dice.chance(3) {
            world.clients[dice.below(models.len())].1.reset();
        }
    }
    world.log.state().tally.0.iter().for_each(|(what, times)| tally.add(what, *times));
    tally.add("steps", number);
    drop(world.proxies);
    tally
}

// H-14, H-08, H-20, C-22
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_meant_is_who_was_proven_or_nobody() {
    let (certificate, trust) = Certificate::make();
    let certificate = Arc::new(certificate);
    if let Ok(seed) = std::env::var("NO_BLEED_SEED") {
        let tally = run(seed.parse().unwrap(), certificate, trust, true).await;
        println!("{tally:#?}");
        return;
    }
    let mut tally = Tally::default();
    let mut worlds = JoinSet::new();
    for seed in 0..WORLDS {
        if worlds.len() == 2 {
            add(&mut tally, worlds.join_next().await.unwrap());
        }
        worlds.spawn(run(seed, Arc::clone(&certificate), trust.clone(), false));
    }
    while let Some(done) = worlds.join_next().await {
        add(&mut tally, done);
    }
    println!("{tally:#?}");
    for (what, least) in [
        ("steps", 100_000),
        ("answers to who is meant", 40_000),
        ("answers to nobody", 5_000),
        ("requests refused", 10_000),
        ("credentials", 10_000),
        ("requests on a connection that has an owner", 40_000),
        ("logons behind a redirect", 1_000),
        ("logons through a proxy that is logged on to", 2_000),
        ("faults of servers", 1_000),
        ("connections closed by servers", 500),
        ("answers read late", 1_000),
        ("requests cancelled", 50),
        ("requests over HTTP/2", 800),
    ] {
        let times = tally.0.get(what).copied().unwrap_or_default();
        assert!(times >= least, "{what}: only {times}");
    }
}

// H-14: what the application asks for is no end of the logon.
#[tokio::test]
async fn a_connection_stays_its_owners_when_something_else_is_asked_for_on_it() {
    let asking = axum::Router::new().route(
        "/api",
        axum::routing::get(|| async {
            (StatusCode::UNAUTHORIZED, [("www-authenticate", "Bearer")])
        }),
    );
    let site = support::Site::with(support::Spec::default(), asking).await;
    let client = support::builder().login(support::login("alice")).build();
    assert_eq!(support::get(&client, &site.url("/")).await.user(), r"CORP\alice");
    let asked = support::get(&client, &site.url("/api")).await;
    let offered = vec!["Bearer".to_owned()];
    assert_eq!((asked.status, asked.outcome.origin), (401, Logon::NotOffered { offered }));
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = site.url("/").parse().unwrap();
    request.headers_mut().insert("authorization", "Bearer a.b.c".parse().unwrap());
    let own = site.take()[0].connection;
    let told = support::tell(client.send(request).await.unwrap()).await;
    assert_eq!(told.status, 401);
    assert_ne!(site.take()[0].connection, own, "somebody else's request");
    assert_eq!(support::get(&client, &site.url("/")).await.user(), r"CORP\alice");
}

fn add(tally: &mut Tally, done: Result<Tally, tokio::task::JoinError>) {
    match done {
        Ok(part) => part.0.iter().for_each(|(what, times)| tally.add(what, *times)),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
