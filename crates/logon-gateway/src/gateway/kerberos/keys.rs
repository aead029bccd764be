//! The keys that tickets are accepted with, from files that may change while the gateway runs.

use super::{KerberosConfig, Replays};
use crate::gateway::certificates::Making;
use crate::keytab;
use logon::kerberos::{EncryptionType, Keytab, Service, ServiceSource};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant, SystemTime};

/// How often a logon looks whether the files are others.
const INTERVAL: Duration = Duration::from_secs(1);

/// A [`Service`] whose keytabs are read again when they change: they are looked at in a logon, at
/// most once a second. If a new one cannot be used, the last good ones stay and the reason is
/// logged, once per change.
pub(crate) struct Keys {
    config: KerberosConfig,
    files: Vec<PathBuf>,
    replays: Arc<Replays>,
    current: RwLock<Arc<Service>>,
    watch: Mutex<Watch>,
}

struct Watch {
    next_check: Instant,
    /// What the files were when they were read, or failed to be.
    seen: Vec<Option<Stamp>>,
}

/// What tells one state of a file from another.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    file: (u64, u64, i64),
}

impl Keys {
    /// The keys of a configuration: those that are there already if it is the same one, read
    /// again. `replays` is the memory that is there already.
    ///
    /// # Errors
    /// What the administrator has to change. Nothing that serves has been changed then.
    pub(crate) fn of(
        config: &KerberosConfig,
        folder: &Path,
        before: Option<&Arc<Self>>,
        replays: Option<&Arc<Replays>>,
        making: Making,
    ) -> Result<Arc<Self>, String> {
        if let Some(same) = before.filter(|keys| keys.config == *config) {
            same.reload()?;
            return Ok(Arc::clone(same));
        }
        let files: Vec<_> = config.keytabs.get_ref().iter().map(|it| folder.join(it)).collect();
        // Before the memory is begun.
        let (seen, keytab) = (stamps(&files), read(&files, config)?);
        let replays = Replays::of(config, folder, replays, making)?;
        let service = service(config, keytab, &replays);
        let watch = Watch { next_check: after_interval(), seen };
        Ok(Arc::new(Self {
            config: config.clone(),
            files,
            replays,
            current: RwLock::new(Arc::new(service)),
            watch: Mutex::new(watch),
        }))
    }

    pub(crate) fn replays(&self) -> &Arc<Replays> {
        &self.replays
    }

    pub(crate) fn tells_errors(&self) -> bool {
        self.config.tell_errors
    }

    /// Reads the files again, changed or not.
    fn reload(&self) -> Result<(), String> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.seen = stamps(&self.files);
        self.replace(read(&self.files, &self.config)?);
        Ok(())
    }

    fn refresh(&self) {
        let mut watch = match self.watch.try_lock() {
            Ok(watch) => watch,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            // Somebody looks already.
            Err(TryLockError::WouldBlock) => return,
        };
        if Instant::now() < watch.next_check {
            return;
        }
        watch.next_check = after_interval();
        let seen = stamps(&self.files);
        if seen == watch.seen {
            return;
        }
        watch.seen = seen;
        match read(&self.files, &self.config) {
            Ok(keytab) => {
                tracing::info!(keys = keytab.keys().len(), "keytabs read again");
                self.replace(keytab);
            }
            Err(error) => tracing::error!("{error}; the keys that were read before stay"),
        }
    }

    fn replace(&self, keytab: Keytab) {
        let service = Arc::new(service(&self.config, keytab, &self.replays));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = service;
    }
}

impl ServiceSource for Keys {
    fn service(&self) -> Arc<Service> {
        self.refresh();
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("files", &self.files).finish_non_exhaustive()
    }
}

fn service(config: &KerberosConfig, keytab: Keytab, replays: &Arc<Replays>) -> Service {
    let mut types = EncryptionType::DEFAULT.to_vec();
    if config.rc4 {
        types.push(EncryptionType::Rc4Hmac);
    }
    let mut service = Service::new(keytab, Arc::<Replays>::clone(replays))
        .with_encryption_types(&types)
        .with_clock_skew(config.clock_skew.0)
        .with_pac_required(config.require_pac);
    for (realm, domain) in config.realms.get_ref() {
        service = service.with_realm(realm.as_str(), domain.as_str());
    }
    match config.machine_sid {
        Some(machine) => service.with_machine_sid(machine.0),
        None => service,
    }
}

/// The keys of all files.
fn read(files: &[PathBuf], config: &KerberosConfig) -> Result<Keytab, String> {
    let mut all = Keytab::default();
    for path in files {
        let keytab = keytab::read(path)?;
        if !config.rc4 && keytab.keys().iter().all(|key| key.key.encryption_type().is_weak()) {
            return Err(format!(
                "keytab {}: its keys are of RC4 alone, and `rc4` is false, so no ticket could be \
                 taken: allow AES for the account, and export the keytab again",
                path.display()
            ));
        }
        all.extend(keytab.keys().iter().cloned());
    }
    check_realms(&all, config)?;
    Ok(all)
}

/// What accounts are called depends on these names.
fn check_realms(keytab: &Keytab, config: &KerberosConfig) -> Result<(), String> {
    let named = config.realms.get_ref();
    let realms: BTreeSet<&str> = keytab.keys().iter().map(|key| key.principal.realm()).collect();
    let is_alone = realms.len() == 1 && named.is_empty();
    for realm in realms.iter().filter(|realm| !is_alone && !named.contains_key(**realm)) {
        let alike = |name: &&String| name.eq_ignore_ascii_case(realm);
        let unused = |name: &&String| !realms.contains(name.as_str());
        if let Some(other) = named.keys().filter(alike).find(unused) {
            return Err(format!(
                "the keytab is of the realm {realm}, and `realms` names {other}: write it as it is \
                 in the keytab, to the letter"
            ));
        }
        // The name of its domain is its own.
        if let Some((other, domain)) = named.iter().find(|it| it.1.eq_ignore_ascii_case(realm)) {
            return Err(format!(
                "accounts of {other} would be called as those of {realm} are, {domain}\\user: give \
                 {realm} a name in `realms`"
            ));
        }
        tracing::warn!(
            "accounts of {realm} are called {realm}\\user: for the NetBIOS name of its domain \
             write `realms = {{ \"{realm}\" = \"NAME\" }}`, beside those that are there"
        );
    }
    Ok(())
}

fn after_interval() -> Instant {
    let now = Instant::now();
    now.checked_add(INTERVAL).unwrap_or(now)
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|path| std::fs::metadata(path).ok().map(|it| Stamp::of(&it))).collect()
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            file: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino(), metadata.ctime_nsec())
            },
        }
    }
}
