//! Configurations and certificates to look at.

use super::{Clock, Subject};
use crate::doctor::report::{Findings, Level};
use crate::gateway::config::{self, Config};
use rcgen::{CertificateParams, DnType, KeyPair, SignatureAlgorithm};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A moment in 2026.
pub(super) const NOW: i64 = 1_790_000_000;
pub(super) const DAY: i64 = 86_400;

pub(super) struct Made {
    pub(super) der: Vec<u8>,
    pub(super) pem: String,
    pub(super) key: String,
}

pub(super) fn certificate(names: &[&str], from: i64, to: i64) -> Made {
    certificate_of(&rcgen::PKCS_ECDSA_P256_SHA256, names, from, to)
}

pub(super) fn certificate_of(
    algorithm: &'static SignatureAlgorithm,
    names: &[&str],
    from: i64,
    to: i64,
) -> Made {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "test");
    let time = |seconds: i64| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
        time.into()
    };
    params.not_before = time(from);
    params.not_after = time(to);
    let key = KeyPair::generate_for(algorithm).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Made { der: certificate.der().to_vec(), pem: certificate.pem(), key: key.serialize_pem() }
}

/// Writes a file that only its owner may read.
pub(super) fn secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// A configuration of this text after what every one needs.
pub(super) fn config(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logon.toml");
    let listen =
        if text.contains("[[listen]]") { "" } else { "[[listen]]\naddress = \"127.0.0.1:0\"\n" };
    let text = format!("users = \"users\"\nupstream = \"http://127.0.0.1:1\"\n{text}\n{listen}");
    std::fs::write(&path, text).unwrap();
    config::load(&path).map_err(|error| error.to_string()).unwrap()
}

pub(super) fn subject<'a>(config: &'a Config, folder: &'a Path) -> Subject<'a> {
    Subject { config, folder, hosts: &[], clock: Clock(NOW) }
}

impl Findings {
    /// The finding of this level that has these words.
    #[track_caller]
    pub(in crate::doctor) fn assert(&self, level: Level, words: &str) {
        let found = self.0.iter().any(|finding| {
            let todo = finding.todo.as_deref().unwrap_or_default();
            finding.level == level && (finding.found.contains(words) || todo.contains(words))
        });
        assert!(found, "no {level:?} with {words:?} in {:#?}", self.0);
    }

    /// That nothing is worse than this.
    #[track_caller]
    pub(in crate::doctor) fn assert_none_above(&self, level: Level) {
        assert!(self.0.iter().all(|finding| finding.level <= level), "{:#?}", self.0);
    }
}
