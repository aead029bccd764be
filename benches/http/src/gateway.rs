//! `logon gateway` against Apache httpd, which logs clients on as well, and against nginx, which
//! only passes on: one after the other, in front of the same upstream.

use crate::client::{Client, Load};
use crate::cores::Cores;
use crate::peer::{self, Peer};
use crate::report::{self, Mark, Row, Turns};
use crate::{Error, progress};
use clap::{Args, value_parser};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Options {
    /// How often all proxies are started and have their turns
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests in a turn, of which each proxy has ten in a round, after two to warm up
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    requests: u32,
    /// Logons in a turn, each on a connection of its own; a quarter more warm up
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u32).range(1..))]
    logons: u32,
    /// Connections at a time
    #[arg(long, default_value_t = 32, value_parser = value_parser!(u32).range(1..=100))]
    connections: u32,
    /// Connections that have logged on and do nothing, to see what memory each takes
    #[arg(long, default_value_t = 2000, value_parser = value_parser!(u32).range(1..=9000))]
    idle: u32,
    /// A command to start the gateway with, such as valgrind and its options
    #[arg(long, default_value = "")]
    under: String,
    /// The program `logon`; without it the others are compared
    #[arg(long, hide = true)]
    logon: Option<PathBuf>,
    /// The configuration of Apache httpd; without it its rows are missing
    #[arg(long, hide = true)]
    apache: Option<PathBuf>,
}

/// Turns of one set of processes.
const TURNS: u32 = 10;

/// What one proxy has taken.
#[derive(Default)]
struct Of {
    request: Turns,
    logon: Turns,
}

#[derive(Default)]
struct Measured {
    gateway: Of,
    apache: Of,
    nginx: Turns,
    /// KiB for each idle connection of the gateway.
    idle: Vec<f64>,
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let measured = measure(options)?;
    let Measured { gateway, apache, nginx, idle } = &measured;
    let (mut rows, mut times) = (Vec::new(), Vec::new());
    let requests = "requests per second";
    let cpu = "proxy CPU per request";
    if options.logon.is_some() {
        times.push(("request, gateway", &gateway.request));
        rows.extend([
            Row::rate(requests, &gateway.request, "nginx, plain", nginx).mark(Mark::AtLeast(0.7)),
            Row::cpu(cpu, &gateway.request, "nginx, plain", nginx).mark(Mark::AtMost(1.43)),
        ]);
    }
    times.push(("request, nginx, plain", nginx));
    if options.apache.is_some() {
        times.push(("request, Apache", &apache.request));
    }
    if options.logon.is_some() {
        times.push(("logon, gateway", &gateway.logon));
    }
    if options.apache.is_some() {
        times.push(("logon, Apache", &apache.logon));
    }
    if options.logon.is_some() && options.apache.is_some() {
        rows.extend([
            Row::rate(requests, &gateway.request, "Apache", &apache.request)
                .mark(Mark::AtLeast(2.0)),
            Row::cpu(cpu, &gateway.request, "Apache", &apache.request).mark(Mark::AtMost(0.5)),
            Row::rate("logons per second", &gateway.logon, "Apache", &apache.logon)
                .mark(Mark::AtLeast(3.0)),
            Row::cpu("proxy CPU per logon", &gateway.logon, "Apache", &apache.logon)
                .mark(Mark::AtMost(0.333)),
        ]);
    }
    if options.logon.is_some() {
        let what = "memory of the gateway for an idle connection";
        rows.push(Row::numbers(what, "KiB", idle).mark(Mark::AtMost(32.0)));
    }
    report::print_rows(&rows);
    println!();
    report::print_times(&times);
    Ok(())
}

fn measure(options: &Options) -> Result<Measured, Error> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let cores = Cores::assign()?;
    let scratch = tempfile::tempdir()?;
    let scratch = scratch.path();
    let users = peer::write_users(scratch)?;
    // On the core of the client, so that the proxy has one of its own.
    let upstream = peer::nginx(include_str!("../upstream.nginx.conf"), scratch)?;
    let client = Client::new(options.connections);
    let mut measured = Measured::default();
    for round in 1..=options.rounds {
        one_round(options, &cores, scratch, &users, &upstream, &client, &mut measured)?;
        progress(round, options.rounds);
    }
    Ok(measured)
}

fn one_round(
    options: &Options,
    cores: &Cores,
    scratch: &Path,
    users: &Path,
    upstream: &Peer,
    client: &Client,
    measured: &mut Measured,
) -> Result<(), Error> {
    let start_gateway = |program: &PathBuf| {
        cores.as_server(|| peer::gateway(program, &options.under, users, upstream.address))
    };
    let gateway = options.logon.as_ref().map(start_gateway).transpose()?;
    let start_apache = |config: &PathBuf| {
        cores.as_server(|| peer::apache(config, scratch, Some(upstream.address)))
    };
    let apache = options.apache.as_ref().map(start_apache).transpose()?;
    let config = include_str!("../proxy.nginx.conf");
    let config = config.replace("${UPSTREAM}", &upstream.address.to_string());
    let nginx = cores.as_server(|| peer::nginx(&config, scratch))?;

    let mut contenders =
        vec![(&nginx, client.keep_alive(nginx.address, false)?, &mut measured.nginx)];
    for (proxy, turns) in
        [(&gateway, &mut measured.gateway.request), (&apache, &mut measured.apache.request)]
    {
        if let Some(proxy) = proxy {
            contenders.push((proxy, client.keep_alive(proxy.address, true)?, turns));
        }
    }
    for (_, load, _) in &mut contenders {
        load.run(options.requests * 2)?;
    }
    for _ in 0..TURNS {
        for (proxy, load, turns) in &mut contenders {
            turns.time(proxy, options.requests, || load.run(options.requests))?;
        }
        // Nobody is always first.
        contenders.rotate_left(1);
    }
    drop(contenders);

    for (proxy, turns) in
        [(&gateway, &mut measured.gateway.logon), (&apache, &mut measured.apache.logon)]
    {
        if let Some(proxy) = proxy {
            client.log_on(proxy.address, options.logons / 4)?;
            turns.time(proxy, options.logons, || client.log_on(proxy.address, options.logons))?;
        }
    }
    drop((gateway, apache));

    // One that has forgotten nothing, because nothing was there before.
    if let Some(gateway) = options.logon.as_ref().map(start_gateway).transpose()? {
        measured.idle.push(idle(&gateway, options.idle)?);
    }
    Ok(())
}

/// KiB for each of so many connections that have logged on and do nothing.
fn idle(gateway: &Peer, count: u32) -> Result<f64, Error> {
    let first: Load = Client::new(1).keep_alive(gateway.address, true)?;
    let before = gateway.resident()?;
    let load = Client::new(count).keep_alive(gateway.address, true)?;
    std::thread::sleep(Duration::from_millis(200));
    let after = gateway.resident()?;
    drop((first, load));
    Ok((after - before) / f64::from(count))
}
