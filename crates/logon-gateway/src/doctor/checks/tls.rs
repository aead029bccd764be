//! Certificates and keys.

use super::certificate::covers;
use super::{Facts, Subject, permissions};
use crate::doctor::report::Findings;
use crate::gateway::config::{Config, Listen, host_name};
use crate::gateway::target::plain;
use crate::gateway::{certificates, rules};
use std::collections::BTreeSet;
use std::path::Path;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use toml::Spanned;

#[cfg(test)]
mod tests;

const TOPIC: &str = "TLS";

/// Gives the names of all certificates.
pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) -> BTreeSet<String> {
    let mut all = Vec::new();
    for listen in &subject.config.listen {
        let served = listener(subject, listen, out);
        if !served.is_empty() {
            hosts(subject, listen, &served, out);
        }
        all.push((listen, served));
    }
    for host in subject.hosts {
        named(subject.config, host, &all, out);
    }
    all.into_iter().flat_map(|(_, served)| served).flat_map(|served| served.names).collect()
}

/// A certificate, and the names that clients have to ask for to get it.
struct Served {
    /// Every one, if there is none.
    asked: Vec<String>,
    /// Those that it is for.
    names: Vec<String>,
}

impl Served {
    fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| covers(name, host))
    }

    /// The one that clients get who ask for `host`.
    fn to<'a>(served: &'a [Self], host: &str) -> Option<&'a Self> {
        let of_site = |served: &&Self| served.asked.iter().any(|name| covers(name, host));
        let default = || served.iter().find(|served| served.asked.is_empty());
        served.iter().find(of_site).or_else(default)
    }
}

fn listener(subject: &Subject<'_>, listen: &Listen, out: &mut Findings) -> Vec<Served> {
    let mut served = Vec::new();
    if let (Some(chain), Some(key)) = (&listen.certificate, &listen.key) {
        served.push((Vec::new(), pair(subject, chain.get_ref(), key, out)));
    }
    if let Some(file) = &listen.self_signed {
        served.push((Vec::new(), self_signed(subject, file, out)));
    }
    for site in &listen.site {
        let names = pair(subject, &site.certificate, &site.key, out);
        served.push((site.names.clone(), names));
    }
    if let Some(file) = &listen.tls_in_front {
        let path = subject.path(file);
        let chain = chain(&path, out);
        let names = chain.and_then(|chain| facts(subject, &path, &chain, out));
        served.push((Vec::new(), names));
    }
    let readable = |(asked, names): (_, Option<_>)| Some(Served { asked, names: names? });
    served.into_iter().filter_map(readable).collect()
}

/// The file that the gateway makes if it is missing.
fn self_signed(subject: &Subject<'_>, file: &Path, out: &mut Findings) -> Option<Vec<String>> {
    let path = subject.path(file);
    if path.exists() {
        return pair(subject, file, file, out);
    }
    // That of a bare name is the one that this runs in.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if folder.is_dir() {
        let names = certificates::names(subject.config, subject.folder);
        out.note(
            TOPIC,
            format_args!(
                "{} will be made at the first start, for {}",
                path.display(),
                names.join(", ")
            ),
            "browsers warn of a certificate that they do not know: import it, or use your own",
        );
        return Some(names);
    }
    out.fail(
        TOPIC,
        format_args!("{} cannot be made: its folder does not exist", path.display()),
        format_args!("mkdir -p {}", folder.display()),
    );
    None
}

fn pair(
    subject: &Subject<'_>,
    certificate: &Path,
    key: &Path,
    out: &mut Findings,
) -> Option<Vec<String>> {
    let (certificate, key) = (subject.path(certificate), subject.path(key));
    permissions::check(TOPIC, "the private key", &key, out);
    let chain = chain(&certificate, out);
    let key_der = match PrivateKeyDer::from_pem_file(&key) {
        Ok(key) => Some(key),
        Err(error) => {
            out.fail(
                TOPIC,
                format_args!("{}: no private key: {error}", key.display()),
                "name a PEM file with the key that belongs to the certificate, readable for the \
                 gateway",
            );
            None
        }
    };
    let chain = chain?;
    let names = facts(subject, &certificate, &chain, out);
    let provider = rustls::crypto::ring::default_provider();
    match CertifiedKey::from_der(chain, key_der?, &provider) {
        Ok(_) => {}
        Err(rustls::Error::InconsistentKeys(_)) => out.fail(
            TOPIC,
            format_args!("{} is not the key of {}", key.display(), certificate.display()),
            "name the two that belong together",
        ),
        Err(error) => out.fail(
            TOPIC,
            format_args!("{}: {error}", key.display()),
            "use a key for RSA or ECDSA (P-256, P-384)",
        ),
    }
    names
}

fn chain(path: &Path, out: &mut Findings) -> Option<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let problem = match read {
        Ok(chain) if !chain.is_empty() => return Some(chain),
        Ok(_) => "it has no PEM of a certificate".to_owned(),
        Err(error) => error.to_string(),
    };
    out.fail(
        TOPIC,
        format_args!("{}: no certificate: {problem}", path.display()),
        "name a PEM file that begins with the server's certificate, readable for the gateway",
    );
    None
}

/// What holds for a certificate by itself. Gives its names.
fn facts(
    subject: &Subject<'_>,
    path: &Path,
    chain: &[CertificateDer<'_>],
    out: &mut Findings,
) -> Option<Vec<String>> {
    let path = path.display();
    let read: Result<Vec<Facts>, String> = chain.iter().map(|der| Facts::of(der)).collect();
    let links = match read {
        Ok(facts) => facts,
        Err(error) => {
            let todo = "name the PEM of an X.509 certificate and of those who issued it";
            out.fail(TOPIC, format_args!("{path}: {error}"), todo);
            return None;
        }
    };
    let facts = links.first()?.clone();
    validity(subject.clock.0, &path.to_string(), &facts, out);
    if links.windows(2).any(|pair| matches!(pair, [a, b] if a.issuer != b.subject)) {
        out.warn(
            TOPIC,
            format_args!("{path}: a certificate is not followed by that of its issuer"),
            "put the server's certificate first, then its issuer's, then that one's issuer's",
        );
    }
    if !facts.has_bindings {
        out.warn(
            TOPIC,
            format_args!("{path}: no channel bindings are defined for its signature (Ed25519?)"),
            "logons over it can be relayed: use a certificate for RSA or ECDSA",
        );
    }
    if facts.self_signed {
        out.note(
            TOPIC,
            format_args!("{path} is signed by itself"),
            "browsers warn of it until it is imported on every client",
        );
    }
    Some(facts.names)
}

/// So many days before its end, a certificate is to be renewed.
const RENEW: i64 = 14;
const DAY: i64 = 86_400;

fn validity(now: i64, path: &str, facts: &Facts, out: &mut Findings) {
    let days = facts.not_after.saturating_sub(now).div_euclid(DAY);
    if now < facts.not_before {
        out.fail(
            TOPIC,
            format_args!("{path} is not valid yet"),
            "look at this machine's clock; else wait, or use another certificate",
        );
    } else if now > facts.not_after {
        let ago = now.saturating_sub(facts.not_after).div_euclid(DAY);
        out.fail(TOPIC, format_args!("{path} expired {ago} days ago"), "renew it");
    } else if days < RENEW {
        out.warn(TOPIC, format_args!("{path} expires in {days} days"), "renew it, then reload");
    } else {
        let names =
            if facts.names.is_empty() { "no name".to_owned() } else { facts.names.join(", ") };
        out.ok(TOPIC, format_args!("{path} for {names}, for another {days} days"));
    }
}

/// Whether clients get a certificate for the host that they ask for.
fn hosts(subject: &Subject<'_>, listen: &Listen, served: &[Served], out: &mut Findings) {
    let routes =
        subject.config.route.iter().filter(|route| rules::is_of(route, listen.name.as_deref()));
    let hosts: BTreeSet<&str> =
        routes.flat_map(|route| &route.hosts).map(|host| host.get_ref().as_str()).collect();
    let address = listen.address.get_ref();
    for host in &hosts {
        if let Some(served) = Served::to(served, host)
            && !served.covers(host)
        {
            out.warn(
                TOPIC,
                format_args!("{address}: the certificate that {host} gets is not for that name"),
                "use one that has it among its subject alternative names",
            );
        }
    }
    let own = host_name();
    if hosts.is_empty()
        && subject.hosts.is_empty()
        && !served.iter().any(|served| served.covers(&own))
    {
        out.note(
            TOPIC,
            format_args!("{address}: no certificate is for {own}, this machine's name"),
            "clients have to use another name, one of the certificate",
        );
    }
}

/// Whether there is a listener where clients get a certificate for the name that they were told.
/// `all`: what each has for TLS.
fn named(config: &Config, host: &str, all: &[(&Listen, Vec<Served>)], out: &mut Findings) {
    let (without, tls): (Vec<_>, Vec<_>) = all
        .iter()
        .filter(|(listen, _)| is_served(config, listen, host))
        .partition(|(listen, _)| is_plain(listen));
    let got: Vec<&Served> = tls.iter().filter_map(|(_, served)| Served::to(served, host)).collect();
    if got.iter().any(|served| served.covers(host)) {
        return out.ok(TOPIC, format_args!("clients that ask for {host} get a certificate for it"));
    }
    let Some(first) = got.first().map(|served| served.names.join(", ")) else {
        // Of those that cannot be read there was talk.
        if tls.is_empty() && all.iter().any(|(listen, _)| !is_plain(listen)) {
            out.note(
                TOPIC,
                format_args!("no listener with TLS has a route for {host}"),
                "right if clients use http:// for it",
            );
        }
        return;
    };
    let found = format!("clients that ask for {host} get a certificate for {first}");
    let todo = "use one that has the name among its subject alternative names; one that \
                `self_signed` has made is made anew, with the names of routes and keytabs, once its \
                file is gone";
    match without.first() {
        Some((listen, _)) => out.warn(
            TOPIC,
            format_args!("{found}; without TLS it is served at {}", listen.address.get_ref()),
            todo,
        ),
        None => out.fail(TOPIC, found, todo),
    }
}

/// Without TLS, of its own or in front.
fn is_plain(listen: &Listen) -> bool {
    listen.certificate.is_none() && listen.self_signed.is_none() && listen.tls_in_front.is_none()
}

/// Whether a request for this host has an application behind this listener.
fn is_served(config: &Config, listen: &Listen, host: &str) -> bool {
    let is_it = |own: &Spanned<String>| plain(own.get_ref()) == plain(host);
    config.upstream.is_some()
        || config.route.iter().any(|route| {
            rules::is_of(route, listen.name.as_deref())
                && route.upstream.is_some()
                && (route.hosts.is_empty() || route.hosts.iter().any(is_it))
        })
}
