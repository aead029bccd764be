//! The memory of authenticators, in a file or not.

use super::KerberosConfig;
use super::replay_file::{Begun, ReplayFile};
use crate::gateway::certificates::Making;
use logon::kerberos::{MemoryReplayCache, ReplayCache};
use logon::{FileTime, StoreError, SystemClock, TimeSource};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The memory of authenticators. There is one for as long as the gateway runs, whatever is
/// reloaded: connections that began before a reload ask it, too, and a reload that fails has
/// changed nothing.
#[derive(Debug)]
pub(crate) struct Replays {
    path: Option<PathBuf>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Memory(MemoryReplayCache),
    File(ReplayFile),
}

impl Replays {
    /// The one that is there already; else one that begins.
    ///
    /// # Errors
    /// What the administrator has to change.
    pub(super) fn of(
        config: &KerberosConfig,
        folder: &Path,
        before: Option<&Arc<Self>>,
        making: Making,
    ) -> Result<Arc<Self>, String> {
        let path = config.replay_cache.as_ref().map(|path| folder.join(path));
        if let Some(before) = before {
            if before.path != path {
                tracing::warn!(
                    "[kerberos] replay_cache has changed: that takes effect at the next start"
                );
            }
            return Ok(Arc::clone(before));
        }
        let now = SystemClock.now();
        let ahead = config.clocks_ahead.unwrap_or(config.clock_skew).0;
        let kind = match &path {
            // A check changes nothing, and the gateway that runs has the file.
            Some(path) if making == Making::No => {
                ReplayFile::look_at(path).map_err(wrong(path))?;
                Kind::Memory(MemoryReplayCache::new(now, ahead))
            }
            Some(path) => {
                let (file, begun) = ReplayFile::open(path, now, ahead).map_err(wrong(path))?;
                say(path, &begun, ahead);
                Kind::File(file)
            }
            None => {
                if making == Making::Yes {
                    tracing::warn!(
                        "[kerberos] replay_cache is not set: authenticators are remembered in \
                         memory only, so after every start nobody can log on by Kerberos for {}",
                        humantime::format_duration(ahead)
                    );
                }
                Kind::Memory(MemoryReplayCache::new(now, ahead))
            }
        };
        Ok(Arc::new(Self { path, kind }))
    }

    /// Says that nothing more comes: whoever begins with the file next knows everything, even if
    /// the machine is started anew in between. From now on nobody logs on.
    pub(crate) fn close(&self) {
        if let Kind::File(file) = &self.kind {
            file.close();
        }
    }
}

fn wrong(path: &Path) -> impl Fn(String) -> String {
    move |error| format!("kerberos.replay_cache {}: {error}", path.display())
}

fn say(path: &Path, begun: &Begun, ahead: Duration) {
    let path = path.display();
    match begun {
        Begun::Continued { authenticators } => {
            tracing::info!(%path, authenticators, "replay cache read");
        }
        Begun::Anew { why } => tracing::warn!(
            %path,
            "the replay cache begins empty, because {why}: for {} nobody can log on by Kerberos",
            humantime::format_duration(ahead)
        ),
    }
}

impl ReplayCache for Replays {
    fn is_new(
        &self,
        digest: [u8; 32],
        made: FileTime,
        until: FileTime,
        now: FileTime,
    ) -> Result<bool, StoreError> {
        match &self.kind {
            Kind::Memory(memory) => memory.is_new(digest, made, until, now),
            Kind::File(file) => file.is_new(digest, made, until, now),
        }
    }
}
