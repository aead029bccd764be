//! `logon doctor`: looks at a configuration and at what clients see, and says what to do.

mod advice;
mod checks;
mod probe;
mod report;

use crate::cli::DoctorOptions;
use crate::failure::Failure;
use crate::gateway::config::{self, Config};
use advice::Advice;
use checks::{Clock, Subject};
use probe::{Expected, Target};
use report::{Findings, Level};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Whether nothing is broken. `color` is for terminals.
pub(crate) fn run(
    options: &DoctorOptions,
    color: bool,
    out: &mut dyn Write,
) -> Result<bool, Failure> {
    let target = options.url.as_deref().map(Target::parse).transpose();
    let target = target.map_err(|error| Failure::message(format!("--url: {error}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::message(format!("cannot start: {error}")))?;
    let (findings, hosts) =
        runtime.block_on(look(options.config.as_deref(), target.as_ref(), Clock::now()));
    let advice = Advice::for_hosts(hosts);
    if options.json {
        let report = Report { findings: &findings, advice: &advice };
        let text = serde_json::to_string_pretty(&report);
        writeln!(out, "{}", text.map_err(|error| Failure::message(error.to_string()))?)?;
    } else {
        findings.print(out, color)?;
        advice.print(out)?;
    }
    out.flush()?;
    Ok(findings.count(Level::Fail) == 0)
}

/// For machines.
#[derive(Serialize)]
struct Report<'a> {
    findings: &'a Findings,
    #[serde(flatten)]
    advice: &'a Advice,
}

/// What was found, and the names that clients use.
async fn look(
    file: Option<&Path>,
    target: Option<&Target>,
    clock: Clock,
) -> (Findings, BTreeSet<String>) {
    let mut findings = Findings::default();
    let mut hosts = BTreeSet::new();
    let mut expected = None;
    if let Some(file) = file
        && let Some(config) = read(file, &mut findings)
    {
        let folder = file.parent().unwrap_or(Path::new("."));
        let subject = Subject { config: &config, folder, clock };
        hosts = checks::all(&subject, &mut findings).await;
        expected = Some(expectation(&subject));
    }
    if let Some(target) = target {
        probe::check(target, expected.as_ref(), clock, &mut findings).await;
        if file.is_none() {
            hosts.extend(checks::host(&target.host));
        }
    }
    (findings, hosts)
}

fn read(file: &Path, out: &mut Findings) -> Option<Config> {
    match config::load(file) {
        Ok(config) => {
            out.ok("config", format_args!("{} can be read", file.display()));
            Some(config)
        }
        Err(error) => {
            out.fail("config", error, "correct it; nothing else was looked at in it");
            None
        }
    }
}

fn expectation(subject: &Subject<'_>) -> Expected {
    let listen = subject.config.listen.iter();
    let files = listen.flat_map(|listen| {
        let own = listen.certificate.as_ref().map(toml::Spanned::get_ref);
        let sites = listen.site.iter().map(|site| &site.certificate);
        own.into_iter().chain(&listen.self_signed).chain(&listen.tls_in_front).chain(sites)
    });
    let read = files.filter_map(|file| CertificateDer::from_pem_file(subject.path(file)).ok());
    Expected {
        computer: subject.config.server.computer.clone(),
        domain: subject.config.server.domain.clone(),
        certificates: read.map(|certificate| certificate.to_vec()).collect(),
    }
}
