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
mod decode;
mod demo;
mod failure;
#[allow(dead_code, unused_imports, reason = "under construction")]
mod gateway;
mod logging;
mod password;
mod refusal;
mod session_key;
mod users;

use clap::Parser;
use cli::{Cli, Command};
use failure::Failure;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            // Nothing can be done if even this cannot be written.
            let _ = writeln!(io::stderr(), "logon: {failure}");
            ExitCode::FAILURE
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
        Command::Users(command) => users::run(command, &mut out),
        Command::SessionKey { file, keep } => session_key::run(&file, keep, &mut out),
        Command::Decode { token } => {
            decode::run(token.as_deref(), &mut io::stdin().lock(), &mut out).map_err(|failure| {
                match failure {
                    decode::DecodeFailure::Io(error) => Failure::Output(error),
                    failure => Failure::message(failure.to_string()),
                }
            })
        }
    }
}
