//! Ratios of costs in one run: against the floor, and against what else there is.
//! BENCHMARKS.md says how to start it and what came out.

#[path = "../../cases/mod.rs"]
mod cases;
mod clients;
mod contender;
mod gss;
mod kerberos;
mod memory;
mod sspi_peer;

use cases::{ACCOUNT, Carrier, PRINCIPAL};
use clap::{Parser, ValueEnum};
use contender::{CPU_TIME, Contender, quartiles, range};
use std::io::{Error, IsTerminal, Write, stderr};
use std::path::PathBuf;

/// Measures logon against its floor and its peers, and prints a table of ratios.
///
/// Example: benches/peers/run --rounds 100
#[derive(Parser)]
#[command(name = "benches/peers/run")]
struct Options {
    /// How often every contender has its turn
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Logons in the test of memory
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..))]
    logons: u32,
    /// The GSSAPI bench, compiled from gss.c; without it its rows are missing
    #[arg(long)]
    gss: Option<PathBuf>,
    /// A folder with tickets of MIT's KDC, made by kdc; without it MIT's rows are missing
    #[arg(long, requires = "gss")]
    kdc: Option<PathBuf>,
    /// Measures the time of work, which a busy machine changes less, not the time that passes
    #[arg(long)]
    cpu: bool,
    /// Only the rows of Kerberos
    #[arg(long)]
    kerberos: bool,
    /// Runs only this, as often as --rounds says, for an instruction counter
    #[arg(long)]
    only: Option<Only>,
}

/// What can be run by itself.
#[derive(Clone, Copy, ValueEnum)]
enum Only {
    Floor,
    Verify,
    ServerNtlm,
    ServerSpnego,
    Client,
    Seal,
    KerberosServer,
    KerberosClient,
    KerberosClientVerify,
    Pac,
}

/// A line of the table: what takes `ours`, as a multiple of `theirs`.
struct Row {
    what: String,
    ours: usize,
    against: &'static str,
    theirs: usize,
    at_most: Option<f64>,
}

/// What is measured, and the lines that are made of it.
#[derive(Default)]
struct Table {
    contenders: Vec<Contender>,
    rows: Vec<Row>,
}

impl Table {
    fn add(&mut self, contender: Contender) -> usize {
        self.contenders.push(contender);
        self.contenders.len() - 1
    }

    fn row(
        &mut self,
        what: &str,
        ours: usize,
        against: &'static str,
        theirs: usize,
        at_most: Option<f64>,
    ) {
        self.rows.push(Row { what: what.to_owned(), ours, against, theirs, at_most });
    }

    fn measure(&mut self, rounds: u32) {
        for round in 1..=rounds {
            self.contenders.iter_mut().for_each(Contender::turn);
            progress("round", round, rounds);
        }
    }

    fn print(&self) {
        println!("| what | × | of | middle half | all | at most | allocations |");
        println!("|---|---|---|---|---|---|---|");
        for Row { what, ours, against, theirs, at_most } in &self.rows {
            let (ours, theirs) = (&self.contenders[*ours], &self.contenders[*theirs]);
            let pairs = ours.rounds.iter().zip(&theirs.rounds);
            let ratios: Vec<f64> = pairs.map(|(a, b)| a / b).collect();
            let [lowest, highest] = range(&ratios);
            let [low, middle, high] = quartiles(ratios);
            let count = |contender: &Contender| match contender.allocations {
                Some(count) => count.to_string(),
                None => "?".to_owned(),
            };
            let over = if at_most.is_some_and(|at_most| middle > at_most) { " (over)" } else { "" };
            let at_most = at_most.map_or_else(|| "–".to_owned(), |at_most| at_most.to_string());
            println!(
                "| {what} | **{middle:.3}**{over} | {against} | {low:.3} … {high:.3} | {lowest:.3} … {highest:.3} | {at_most} | {} of {} |",
                count(ours),
                count(theirs),
            );
        }
    }

    /// Nanoseconds, for orientation.
    fn print_times(&self) {
        for Row { what, ours, against, theirs, .. } in &self.rows {
            let time = |index: usize| quartiles(self.contenders[index].rounds.clone())[1];
            eprintln!("{what}: {:.0} ns; {against}: {:.0} ns", time(*ours), time(*theirs));
        }
    }
}

fn progress(what: &str, done: u32, of: u32) {
    if !stderr().is_terminal() {
        return;
    }
    let end = if done == of { "\n" } else { "" };
    let _ = write!(stderr(), "\r{what} {done} of {of}{end}");
}

fn ours(account: &'static str, carrier: Carrier) -> Contender {
    let challenge = Contender::new(cases::server_challenge(carrier));
    challenge.and(Contender::new(cases::server_verdict(account, carrier)))
}

/// For a peer that needs no more than this process has.
const NO_VARIABLES: &[(&str, &str)] = &[];

fn ntlm(table: &mut Table, options: &Options) -> Result<(), Error> {
    let floor = table.add(Contender::new(cases::floor_verify()));
    let verify = table.add(Contender::new(cases::verify()));
    table.row("verify one AUTHENTICATE", verify, "floor", floor, Some(1.25));

    let what = "server, both legs, NTLM";
    let server = table.add(ours(ACCOUNT, Carrier::Ntlm));
    let sspi = table.add(sspi_peer::server(false));
    table.row(what, server, "floor", floor, Some(1.5));
    table.row(what, server, "sspi", sspi, Some(0.7));
    if let Some(program) = &options.gss {
        let gss = table.add(gss::side(program, &["ntlm", "acceptor"], NO_VARIABLES)?);
        table.row(what, server, "gss-ntlmssp", gss, Some(0.025));
    }
    let principal = table.add(ours(PRINCIPAL, Carrier::Ntlm));
    let what = "the same with one spelling of the name to try";
    table.row(what, principal, "sspi", sspi, None);

    let unsigned = table.add(ours(ACCOUNT, Carrier::SpnegoUnsigned));
    let what = "server, both legs, SPNEGO without mechListMIC";
    table.row(what, unsigned, "floor", floor, Some(1.9));
    let what = "server, both legs, SPNEGO";
    let server = table.add(ours(ACCOUNT, Carrier::Spnego));
    let sspi = table.add(sspi_peer::server(true));
    let both = Contender::new(cases::floor_verify());
    let both = table.add(both.and(Contender::new(cases::floor_mech_list_mics())));
    table.row(what, server, "floor", floor, Some(1.9));
    table.row(what, server, "floor and mechListMICs", both, None);
    table.row(what, server, "sspi", sspi, Some(0.45));
    if let Some(program) = &options.gss {
        let gss = table.add(gss::side(program, &["spnego", "acceptor"], NO_VARIABLES)?);
        table.row(what, server, "gss-ntlmssp", gss, Some(0.025));
    }

    let message = table.add(Contender::new(cases::client_authenticate()));
    let header = table.add(Contender::new(cases::client_header()));
    let negotiate_auth = table.add(clients::negotiate_auth());
    let ntlmclient = table.add(clients::ntlmclient());
    let what = "client AUTHENTICATE, header to header";
    table.row(what, header, "negotiate-auth", negotiate_auth, Some(0.9));
    let what = "client AUTHENTICATE, message to message";
    table.row(what, message, "ntlmclient", ntlmclient, Some(0.9));

    for size in cases::SIZES {
        let floor = table.add(Contender::new(cases::floor_seal(size)));
        let seal = table.add(Contender::new(cases::seal(size)));
        let unseal = table.add(Contender::new(cases::unseal(size)));
        // 0.97 times the floor's rate.
        let at_most = (size == 65536).then_some(1.031);
        table.row(&format!("seal {size} bytes in place"), seal, "floor", floor, at_most);
        table.row(&format!("unseal {size} bytes in place"), unseal, "floor", floor, None);
    }
    Ok(())
}

fn run_only<I>(count: u32, (mut prepare, mut run): (impl FnMut() -> I, impl FnMut(I))) {
    (0..count).for_each(|_| run(prepare()));
}

fn only(only: Only, count: u32) {
    let of_a_domain = cases::Credentials::of_a_domain;
    match only {
        Only::Floor => run_only(count, cases::floor_verify()),
        Only::Verify => run_only(count, cases::verify()),
        Only::ServerNtlm => run_only(count, cases::server_verdict(ACCOUNT, Carrier::Ntlm)),
        Only::ServerSpnego => run_only(count, cases::server_verdict(ACCOUNT, Carrier::Spnego)),
        Only::Client => run_only(count, cases::client_authenticate()),
        Only::Seal => run_only(count, cases::seal(65536)),
        Only::KerberosServer => run_only(count, cases::kerberos_accept(of_a_domain(), true)),
        Only::KerberosClient => run_only(count, cases::kerberos_initiate(of_a_domain(), true)),
        Only::KerberosClientVerify => {
            run_only(count, cases::kerberos_verify_server(of_a_domain(), true));
        }
        Only::Pac => run_only(count, cases::verify_pac()),
    }
}

fn main() -> Result<(), Error> {
    let options = Options::parse();
    if let Some(case) = options.only {
        only(case, options.rounds);
        return Ok(());
    }
    if options.cpu {
        let _ = CPU_TIME.set(());
    }
    let mut table = Table::default();
    if !options.kerberos {
        ntlm(&mut table, &options)?;
    }
    let mit = options.gss.as_deref().zip(options.kdc.as_deref());
    kerberos::rows(&mut table, mit.map(|(program, folder)| kerberos::Mit { program, folder }))?;
    table.measure(options.rounds);
    table.print();
    println!();
    if !options.kerberos {
        print_memory(options.logons);
    }
    table.print_times();
    Ok(())
}

fn print_memory(logons: u32) {
    let [raw, spnego] = [Carrier::Ntlm, Carrier::Spnego].map(memory::of_pending);
    println!("A pending exchange keeps {raw} bytes (NTLM), {spnego} bytes (SPNEGO).");
    let [before, after] = memory::resident(logons, |done| progress("logon", done, logons));
    println!("Resident after {} logons: {before} KiB, after {logons}: {after} KiB.", logons / 100);
}
