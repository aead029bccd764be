//! The `logon` command.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

mod cli;
mod client;
mod decode;
mod demo;
mod doctor;
mod explain;
mod failure;
mod forward;
mod gateway;
mod get;
mod keytab;
mod logging;
mod manual;
mod password;
mod refusal;
mod session_key;
mod signals;
mod users;

use clap::Parser;
use cli::{Cli, Command};
use failure::Failure;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Reported) => ExitCode::FAILURE,
        Err(failure) => {
            // Nothing can be done if even this cannot be written.
            let _ = writeln!(io::stderr(), "logon: {failure}");
            match failure {
                Failure::Exit(exit, _) => exit.code().into(),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match command {
        Command::Gateway(options) => {
            drop(out);
            gateway::run(options)
        }
        Command::Demo(options) => {
            drop(out);
            demo::run(options)
        }
        Command::Get(options) => {
            drop(out);
            get::run(&options)
        }
        Command::Forward(options) => {
            drop(out);
            forward::run(&options)
        }
        Command::Users(command) => users::run(command, &mut out),
        Command::Explain { code } => explain::run(code.as_deref(), &mut out),
        Command::SessionKey { file, keep } => session_key::run(&file, keep, &mut out),
        Command::Decode { token, keytab } => {
            let mut stdin = io::stdin().lock();
            decode::run(token.as_deref(), &keytab, &mut stdin, &mut out).map_err(|failure| {
                match failure {
                    decode::DecodeFailure::Io(error) => Failure::Output(error),
                    failure => Failure::message(failure.to_string()),
                }
            })
        }
        Command::Doctor(options) => {
            let color = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
            if doctor::run(&options, color, &mut out)? { Ok(()) } else { Err(Failure::Reported) }
        }
        Command::Completions { shell } => Ok(manual::completions(shell, &mut out)?),
        Command::Man { out: Some(folder) } => manual::write(&folder),
        Command::Man { out: None } => Ok(manual::print(&mut out)?),
    }
}
