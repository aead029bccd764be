//! Certificates and keys from files.

use super::config::{Config, Listen};
use logon::ChannelBindings;
use logon::kerberos::ServiceKey;
use logon_hyper::rustls;
use logon_hyper::rustls::pki_types::pem::{self, PemObject};
use logon_hyper::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use logon_hyper::{Certificates, TlsError};
use rcgen::{CertificateParams, DnType, KeyPair};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

#[cfg(test)]
mod tests;

type Chain = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Whether a certificate is made where one is asked for and missing. A check changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Making {
    Yes,
    No,
}

/// What a listener shows to clients; `None` for one of plain HTTP.
pub(crate) fn of_listener(
    config: &Config,
    listen: &Listen,
    folder: &Path,
    making: Making,
) -> Result<Option<Certificates>, String> {
    let (chain, key, source) = match (&listen.certificate, &listen.key, &listen.self_signed) {
        (Some(certificate), Some(key), _) => {
            let source = (folder.join(certificate.get_ref()), folder.join(key));
            let (chain, key) = read(&source.0, &source.1)?;
            (chain, key, source)
        }
        (_, _, Some(path)) => {
            let path = folder.join(path);
            if !path.exists() {
                if making == Making::No {
                    return Ok(None);
                }
                make(&path, &names(config, folder))?;
            }
            let (chain, key) = read(&path, &path)?;
            (chain, key, (path.clone(), path))
        }
        _ => return Ok(None),
    };
    let mut certificates =
        Certificates::new(chain, key).map_err(|error| unusable(&source.0, &source.1, &error))?;
    for site in &listen.site {
        let (path, key_path) = (folder.join(&site.certificate), folder.join(&site.key));
        let (chain, key) = read(&path, &key_path)?;
        let names: Vec<&str> = site.names.iter().map(String::as_str).collect();
        certificates = certificates
            .site(&names, chain, key)
            .map_err(|error| unusable(&path, &key_path, &error))?;
    }
    Ok(Some(certificates))
}

fn unusable(certificate: &Path, key: &Path, error: &TlsError) -> String {
    let (certificate, key) = (certificate.display(), key.display());
    match error {
        TlsError::Config(rustls::Error::InconsistentKeys(_)) => format!(
            "{key} is not the key of {certificate}: take the one that the certificate was \
             requested with"
        ),
        error => format!("{certificate}: {error}"),
    }
}

/// What clients bind their logons to, if a box in front speaks TLS for this listener.
pub(crate) fn bindings_in_front(
    listen: &Listen,
    folder: &Path,
) -> Result<Option<ChannelBindings>, String> {
    let Some(path) = listen.tls_in_front.as_ref().map(|path| folder.join(path)) else {
        return Ok(None);
    };
    let chain = read_chain(&path)?;
    let end_entity = chain.first().map(CertificateDer::as_ref).unwrap_or_default();
    ChannelBindings::tls_server_end_point(end_entity)
        .map(Some)
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn read(certificate: &Path, key: &Path) -> Result<Chain, String> {
    let chain = read_chain(certificate)?;
    check_file(key)?;
    let key_read = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            format!("{}: there is no private key in PEM in it", key.display())
        }
        error => format!("{}: no private key in PEM: {error}", key.display()),
    })?;
    Ok((chain, key_read))
}

/// A pipe would keep whoever reads it waiting.
fn check_file(path: &Path) -> Result<(), String> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() => Ok(()),
        Ok(_) => Err(format!("{}: this is no file", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    check_file(path)?;
    let wrong = |error| format!("{}: no certificates in PEM: {error}", path.display());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(wrong)?.collect();
    let chain = chain.map_err(wrong)?;
    if chain.is_empty() {
        return Err(format!(
            "{}: there is no certificate in PEM in it, -----BEGIN CERTIFICATE-----",
            path.display()
        ));
    }
    Ok(chain)
}

/// Of keys; those of a service have one or two.
const MAX_NAMES: usize = 100;

/// What a certificate made here is for: this machine, the hosts of the routes, and the names that
/// tickets are for.
pub(crate) fn names(config: &Config, folder: &Path) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let hosts = config.route.iter().flat_map(|route| &route.hosts);
    let hosts = hosts.map(|host| host.get_ref().trim_matches(['[', ']']).to_owned());
    let targets = config.logon.target_names.iter().filter_map(|name| host_of(name.split('/')));
    let keytabs = config.kerberos.iter().flat_map(|kerberos| kerberos.keytabs.get_ref());
    // Clients take no certificates that are without end.
    let keys = keytabs.flat_map(|file| hosts_of(&folder.join(file))).take(MAX_NAMES);
    let all = hosts.chain(targets).chain(keys).chain([super::config::host_name()]);
    for name in all.map(|name| name.to_lowercase()) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The hosts of the keys in a keytab. Whoever needs the keys says why they cannot be read.
pub(crate) fn hosts_of(keytab: &Path) -> Vec<String> {
    let keytab = logon_kdc::read_keytab(keytab).unwrap_or_default();
    let of = |key: &ServiceKey| host_of(key.principal.components().iter().map(String::as_str));
    keytab.keys().iter().filter_map(of).collect()
}

/// The host of `HTTP/host` or `HTTP/host:port`, if a certificate can be for it.
fn host_of<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<String> {
    let (service, host) = (parts.next()?, parts.next()?);
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_host =
        host.split('.').all(|label| (1..64).contains(&label.len()) && label.bytes().all(usual));
    (service.eq_ignore_ascii_case("HTTP") && is_host).then(|| host.to_owned())
}

/// Makes a certificate and its key, and writes both to `path`, for its owner alone.
fn make(path: &Path, names: &[String]) -> Result<(), String> {
    let failed = |error: rcgen::Error| format!("{}: no certificate: {error}", path.display());
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "logon gateway, self-signed");
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    let key = zeroize::Zeroizing::new(key.serialize_pem());
    write_private(path, &[certificate.pem().as_bytes(), key.as_bytes()]).map_err(|error| {
        format!(
            "cannot make the self-signed certificate {}: {error}; `self_signed` needs a folder \
             that can be written to",
            path.display()
        )
    })?;
    tracing::warn!(
        path = %path.display(),
        names = names.join(", "),
        "made a self-signed certificate: clients have to be told to trust it; for users, set \
         `certificate` and `key`"
    );
    Ok(())
}

fn write_private(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    let written =
        parts.iter().try_for_each(|part| file.write_all(part)).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file would be in the way at the next start.
        let _ = fs::remove_file(path);
    }
    written
}
