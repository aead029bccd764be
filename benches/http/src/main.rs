//! Ratios of costs over HTTP in one run: behind the layer and without it, and against Apache
//! httpd. BENCHMARKS.md says how to start it and what came out.

mod client;
mod cores;
mod gateway;
mod peer;
mod report;
mod server;

use clap::{Parser, Subcommand};
use client::Client;
use cores::Cores;
use peer::Peer;
use report::{Mark, Row, Turns};
use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;

type Error = Box<dyn std::error::Error>;

/// Measures logon over HTTP, and prints a table of ratios.
///
/// Example: benches/http/run --without-apache --rounds 100
#[derive(Parser)]
#[command(name = "benches/http/run", args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// How often our servers are started and all have their turn
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests in a turn, of which each server has twenty in a round, after five to warm up
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    requests: u32,
    /// Logons in a turn, each on a connection of its own; a quarter more warm up
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    logons: u32,
    /// Connections at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=100))]
    connections: u32,
    /// A command to start our servers with, such as valgrind and its options
    #[arg(long, default_value = "")]
    under: String,
    /// The configuration of Apache httpd; without it its rows are missing
    #[arg(long, hide = true)]
    apache: Option<PathBuf>,
}

/// Turns of one set of processes.
const TURNS: u32 = 20;

#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
enum Command {
    /// Measures `logon gateway` against other proxies: benches/http/gateway
    #[command(override_usage = "benches/http/gateway [OPTIONS]")]
    Gateway(gateway::Options),
    /// Serves until standard input ends; the address is the first line of output
    Serve {
        /// Stands behind the layer, with these users
        #[arg(long)]
        users: Option<PathBuf>,
    },
}

/// What the rows of the table are made of.
#[derive(Default)]
struct Measured {
    bare: Turns,
    bare_again: Turns,
    layer: Turns,
    logon: Turns,
    apache: Turns,
}

fn main() -> Result<(), Error> {
    let options = Options::parse();
    match &options.command {
        None => {}
        Some(Command::Gateway(options)) => return gateway::run(options),
        Some(Command::Serve { users }) => return server::serve(users.as_deref()),
    }
    let measured = measure(&options)?;
    print(&measured, options.apache.is_some());
    Ok(())
}

fn measure(options: &Options) -> Result<Measured, Error> {
    let cores = Cores::assign()?;
    let scratch = tempfile::tempdir()?;
    let users = peer::write_users(scratch.path())?;
    let apache = options
        .apache
        .as_deref()
        .map(|config| cores.as_server(|| peer::apache(config, scratch.path(), None)));
    let apache = apache.transpose()?;
    let client = Client::new(options.connections);
    let mut measured = Measured::default();
    for round in 1..=options.rounds {
        // New processes each time: where one happens to lie in memory is worth a per cent or
        // two for as long as it lives.
        let start = |users| cores.as_server(|| peer::ours(&options.under, users));
        let (bare, again, layer) = (start(None)?, start(None)?, start(Some(users.as_path()))?);
        let mut contenders = [
            (&bare, client.keep_alive(bare.address, false)?, &mut measured.bare),
            (&again, client.keep_alive(again.address, false)?, &mut measured.bare_again),
            (&layer, client.keep_alive(layer.address, true)?, &mut measured.layer),
        ];
        for (_, load, _) in &mut contenders {
            load.run(options.requests * 5)?;
        }
        for _ in 0..TURNS {
            for (server, load, turns) in &mut contenders {
                turns.time(server, options.requests, || load.run(options.requests))?;
            }
            // Nobody is always first.
            contenders.rotate_left(1);
        }
        log_on(&client, &layer, options.logons, &mut measured.logon)?;
        if let Some(apache) = &apache {
            log_on(&client, apache, options.logons, &mut measured.apache)?;
        }
        progress(round, options.rounds);
    }
    Ok(measured)
}

fn log_on(client: &Client, server: &Peer, count: u32, turns: &mut Turns) -> Result<(), Error> {
    client.log_on(server.address, count / 4)?;
    turns.time(server, count, || client.log_on(server.address, count))
}

fn print(measured: &Measured, with_apache: bool) {
    let Measured { bare, bare_again, layer, logon, apache } = measured;
    let mut rows = vec![
        Row::rate("requests per second, behind the layer", layer, "without it", bare)
            .mark(Mark::AtLeast(0.97)),
        // The same mark: what a request costs a server that is never idle is the time it takes.
        Row::cpu("server CPU per request, behind the layer", layer, "without it", bare)
            .mark(Mark::AtMost(1.031)),
        Row::rate("requests per second, without the layer", bare_again, "itself", bare),
        Row::cpu("server CPU per request, without the layer", bare_again, "itself", bare),
    ];
    let mut times = vec![
        ("request, without the layer", bare),
        ("request, behind the layer", layer),
        ("logon", logon),
    ];
    if with_apache {
        rows.push(Row::rate("logons per second", logon, "Apache", apache).mark(Mark::AtLeast(3.0)));
        rows.push(
            Row::cpu("server CPU per logon", logon, "Apache", apache).mark(Mark::AtMost(0.333)),
        );
        times.push(("logon, Apache", apache));
    }
    report::print_rows(&rows);
    println!();
    report::print_times(&times);
}

pub(crate) fn progress(done: u32, of: u32) {
    if !stderr().is_terminal() {
        return;
    }
    let end = if done == of { "\n" } else { "" };
    let _ = write!(stderr(), "\rround {done} of {of}{end}");
}
