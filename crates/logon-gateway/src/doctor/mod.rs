//! `logon doctor`: looks at a configuration and at what clients see, and says what to do.

mod advice;
mod checks;
mod kerberos;
mod probe;
mod report;

use crate::cli::DoctorOptions;
use crate::failure::Failure;
use crate::gateway::Parts;
use crate::gateway::certificates::{self, Making};
use crate::gateway::config::{self, Config};
use advice::Advice;
use checks::{Clock, Subject};
use probe::{Expected, Target};
use report::{Findings, Level};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
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
    let (findings, advice) = runtime.block_on(look(options, target.as_ref(), Clock::now()));
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

/// What was found, and what has to be set for the names that clients use.
async fn look(
    options: &DoctorOptions,
    target: Option<&Target>,
    clock: Clock,
) -> (Findings, Advice) {
    let file = options.config.as_deref();
    let mut findings = Findings::default();
    let mut hosts = BTreeSet::new();
    let mut expected = None;
    let mut listen = Vec::new();
    let mut keys = Keytabs { files: options.keytab.clone(), rc4: false, used: true };
    if let Some(file) = file
        && let Some(config) = read(file, &mut findings)
    {
        let folder = file.parent().unwrap_or(Path::new("."));
        let subject = Subject { config: &config, folder, hosts: &options.host, clock };
        hosts = checks::all(&subject, &mut findings).await;
        expected = Some(expectation(&subject));
        keys.take(&subject);
        listen.extend(config.listen.iter().map(|listen| *listen.address.get_ref()));
        // What is known to be broken is not said twice; applications need not be there.
        if !findings.fails_but(checks::UPSTREAM) {
            start(&subject, &mut findings);
        }
    }
    if let Some(target) = target {
        probe::check(target, expected.as_ref(), clock, &mut findings).await;
        if file.is_none() {
            hosts.extend(checks::host(&target.host));
        }
    }
    let mut tickets = false;
    if !(keys.files.is_empty() && options.host.is_empty()) {
        let mut names: BTreeSet<String> = options.host.iter().cloned().collect();
        if names.is_empty() {
            names.extend(keys.files.iter().flat_map(|file| certificates::hosts_of(file)));
        }
        match names.is_empty() {
            true => names.clone_from(&hosts),
            false => hosts.clear(),
        }
        if names.is_empty() {
            names.insert(config::host_name());
        }
        let Keytabs { files: keytabs, rc4, used } = keys;
        let subject = kerberos::Subject { hosts: &names, keytabs, listen, rc4, clock };
        tickets = kerberos::check(&subject, &mut findings).await && used;
        hosts.extend(names.iter().filter_map(|name| checks::host(name)));
    }
    (findings, Advice::for_hosts(hosts, tickets))
}

/// The keys of the service.
struct Keytabs {
    files: Vec<PathBuf>,
    /// Whether tickets of RC4 are taken.
    rc4: bool,
    /// Whether the gateway has them: without `[kerberos]` it does not look at those of the machine.
    used: bool,
}

impl Keytabs {
    /// Those of the configuration, unless the command line names others.
    fn take(&mut self, subject: &Subject<'_>) {
        let Some(kerberos) = &subject.config.kerberos else {
            self.used = !self.files.is_empty();
            return;
        };
        self.rc4 = kerberos.rc4;
        if self.files.is_empty() {
            let files = kerberos.keytabs.get_ref().iter();
            self.files = files.map(|file| subject.path(file)).collect();
        }
    }
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

/// Whether a gateway would start, as far as `--check` can tell.
fn start(subject: &Subject<'_>, out: &mut Findings) {
    let built = Parts::build(subject.config.clone(), subject.folder, None, Making::No);
    if let Err(error) = built {
        out.fail("config", error, "no gateway starts with that: correct it");
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
