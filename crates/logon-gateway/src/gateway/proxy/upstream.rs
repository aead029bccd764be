//! One application: its URLs, and which of them is next.

use super::config::{HealthConfig, HostHeader, UpstreamConfig};
use super::forwarded::Forwarding;
use super::origin::Origin;
use super::tls::Tls;
use http::uri::PathAndQuery;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// An application.
pub(crate) struct Upstream {
    name: Arc<str>,
    origins: Vec<Arc<Origin>>,
    next: AtomicUsize,
    pub(super) preserve_host: bool,
    pub(super) response_timeout: Duration,
    pub(super) stall: Duration,
    pub(super) forwarding: Forwarding,
    idle: Duration,
    health: Option<HealthConfig>,
}

impl Upstream {
    /// # Errors
    /// What is wrong with the configuration, for whoever wrote it.
    pub(crate) fn new(name: &str, config: &UpstreamConfig) -> Result<Arc<Self>, String> {
        if config.urls.is_empty() {
            return Err(format!("upstream {name:?} has no URL: set `urls`"));
        }
        let within = |error| format!("upstream {name:?}: {error}");
        let tls = config.urls.iter().any(super::UpstreamUrl::is_https);
        let tls = tls.then(|| Tls::new(config)).transpose().map_err(within)?;
        if let Some(health) = &config.health {
            let path = PathAndQuery::try_from(health.path.as_str());
            if path.is_err() || !health.path.starts_with('/') {
                let path = &health.path;
                return Err(within(format!("health: {path:?} is no path: it begins with /")));
            }
        }
        let name: Arc<str> = Arc::from(name);
        let origin = |url| Origin::new(&name, url, config, tls.as_ref()).map(Arc::new);
        let origins =
            config.urls.iter().map(origin).collect::<Result<Vec<_>, _>>().map_err(within)?;
        Ok(Arc::new(Self {
            origins,
            next: AtomicUsize::new(0),
            preserve_host: config.host == HostHeader::Preserve,
            response_timeout: config.response_timeout.0,
            stall: config.stall.0,
            forwarding: Forwarding::default(),
            idle: config.idle.0,
            health: config.health.clone(),
            name,
        }))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether any URL is believed to work.
    pub(crate) fn is_up(&self) -> bool {
        self.origins.iter().any(|origin| origin.standing.is_up())
    }

    /// Closes connections that nobody needs, and asks the URLs whether they work, until the
    /// tasks are dropped.
    pub(crate) fn watch(self: &Arc<Self>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let upstream = Arc::clone(self);
        let often = self.idle.checked_div(2).unwrap_or(self.idle).max(Duration::from_millis(10));
        tasks.spawn(async move {
            loop {
                tokio::time::sleep(often).await;
                for origin in &upstream.origins {
                    origin.pool.sweep();
                }
            }
        });
        for origin in self.health.iter().flat_map(|_| &self.origins) {
            let origin = Arc::clone(origin);
            let health = self.health.clone().unwrap_or_default();
            tasks.spawn(async move {
                loop {
                    origin.check(&health).await;
                    tokio::time::sleep(health.interval.0).await;
                }
            });
        }
        tasks
    }

    /// All URLs once: in turn those believed to work, then the others.
    pub(super) fn candidates(&self) -> Candidates {
        let several = self.origins.len() > 1;
        let start = if several { self.next.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let start = start.checked_rem(self.origins.len()).unwrap_or(0);
        let tried = if several { vec![false; self.origins.len()] } else { Vec::new() };
        Candidates { start, tried, done: false }
    }

    /// How many connections wait for a request.
    #[cfg(test)]
    pub(super) fn pooled(&self) -> usize {
        self.origins.iter().map(|origin| origin.pool.len()).sum()
    }

    #[cfg(test)]
    pub(super) fn sweep(&self) {
        self.origins.iter().for_each(|origin| origin.pool.sweep());
    }
}

/// See [`Upstream::candidates`].
pub(super) struct Candidates {
    start: usize,
    /// Empty for a single URL.
    tried: Vec<bool>,
    done: bool,
}

impl Candidates {
    /// The next one of their upstream.
    pub(super) fn next(&mut self, upstream: &Upstream) -> Option<Arc<Origin>> {
        let origins = &upstream.origins;
        if self.tried.is_empty() {
            let first = origins.first().filter(|_| !self.done);
            self.done = true;
            return first.cloned();
        }
        for any in [false, true] {
            let turns = origins.iter().enumerate().cycle().skip(self.start);
            for (at, origin) in turns.take(origins.len()) {
                let Some(tried) = self.tried.get_mut(at).filter(|tried| !**tried) else { continue };
                if any || origin.standing.is_up() {
                    *tried = true;
                    return Some(Arc::clone(origin));
                }
            }
        }
        None
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = self.origins.iter().map(|origin| &origin.url);
        f.debug_struct("Upstream")
            .field("name", &self.name)
            .field("urls", &urls.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
