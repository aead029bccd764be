//! From a configuration to what serves. What a new one says the same, it takes over from the old
//! one: pools, health, and above all the gate that connections are logged on at.

use super::application::{Application, Applications};
use super::certificates::{self, Making};
use super::config::{Config, Listen, Logon, Names};
use super::diagnosis::Diagnosis;
use super::identity::{Groups, IdentityFields};
use super::kerberos::{Keys, Replays};
use super::place::{Place, Store};
use super::proxy::{Upstream, UpstreamConfig, UpstreamUrl};
use super::routes::Routes;
use super::rules::{self, Restrictions};
use super::session::Sessions;
use super::watch::Watch;
use logon::ChannelBindings;
use logon_hyper::Certificates;
use logon_tower::{Gate, Immediate, LogonLayer};
use logon_users::{Options, WatchedUserFile};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Everything that a configuration stands for.
pub(crate) struct Parts {
    pub(crate) config: Config,
    guard: Guard,
    pub(crate) upstreams: BTreeMap<String, Running>,
}

/// What decides about logons, and by what it does.
struct Guard {
    logon: Logon,
    names: Names,
    users: Arc<WatchedUserFile>,
    keys: Option<Arc<Keys>>,
    /// Those of the keys, also where a reload has taken these away: they may come back.
    replays: Option<Arc<Replays>>,
    layer: LogonLayer<Store>,
}

/// An upstream, and the task that looks after its health.
pub(crate) struct Running {
    config: UpstreamConfig,
    pub(crate) upstream: Arc<Upstream>,
    health: Option<Arc<JoinSet<()>>>,
}

/// What one listener serves.
pub(crate) struct Stage {
    pub(crate) listen: Listen,
    pub(crate) place: Place,
    pub(crate) certificates: Option<Certificates>,
    pub(crate) bindings_in_front: Option<ChannelBindings>,
}

impl Parts {
    /// `before` is what serves already. Nothing of it is changed, so that an error leaves it as it
    /// is; only the user file is read again.
    pub(crate) fn build(
        config: Config,
        folder: &Path,
        before: Option<&Self>,
        making: Making,
    ) -> Result<(Self, Vec<Stage>), String> {
        let guard = Guard::build(&config, folder, before.map(|parts| &parts.guard), making)?;
        let upstreams = upstreams(&config, folder, before, making)?;
        let sessions = match &config.session {
            Some(session) => Some(Arc::new(Sessions::load(session, folder)?)),
            None => None,
        };
        let identity = Arc::new(IdentityFields::new(&config.identity, folder)?);
        let domain = config.server.domain.as_str();
        let groups = Arc::new(Groups::new(&config.groups, Some(domain))?);
        let stage = |listen: &Listen| {
            let name = listen.name.as_deref();
            let scopes = rules::scopes(&config, name).map_err(|error| error.to_string())?;
            let layer = guard.layer.clone().scopes(scopes.clone());
            let find = |name: &str| upstreams.get(name).map(|it| Arc::clone(&it.upstream));
            let application = Application::new(Applications {
                scopes,
                routes: Routes::of(&config, name, find),
                restrictions: Restrictions::of(&config)?,
                groups: Arc::clone(&groups),
                identity: Arc::clone(&identity),
                sessions: sessions.clone(),
                trusted_proxies: config.logon.trusted_proxies.clone(),
                lines: config.log.requests,
            });
            let schemes: Vec<_> = config.logon.schemes.iter().map(|name| name.scheme()).collect();
            let diagnosis = config.diagnosis.as_ref();
            let ntlm = config.logon.ntlm;
            let diagnosis = diagnosis.map(|page| {
                Diagnosis::new(page.path.as_str(), guard.layer.clone(), &schemes, ntlm)
            });
            let address = listen.address.get_ref().to_string();
            let watch = Watch::new(name.unwrap_or(&address), config.log.requests);
            Ok(Stage {
                listen: listen.clone(),
                place: Place::new(layer, application, diagnosis, watch),
                certificates: certificates::of_listener(&config, listen, folder, making)?,
                bindings_in_front: certificates::bindings_in_front(listen, folder)?,
            })
        };
        let stages: Result<Vec<_>, String> = config.listen.iter().map(stage).collect();
        let stages = stages?;
        Ok((Self { config, guard, upstreams }, stages))
    }

    /// Nobody logs on by Kerberos any more, and the next start knows who did.
    pub(crate) fn close(&self) {
        if let Some(replays) = &self.guard.replays {
            replays.close();
        }
    }
}

impl Guard {
    fn build(
        config: &Config,
        folder: &Path,
        before: Option<&Self>,
        making: Making,
    ) -> Result<Self, String> {
        let path = folder.join(&config.users);
        let names = config.server.clone();
        let logon = config.logon.without_scope();
        let same_users = before.filter(|guard| guard.names == names && guard.users.path() == path);
        let users = match same_users {
            Some(guard) => {
                // An error is logged, and the last good file stays.
                let _ = guard.users.reload();
                Arc::clone(&guard.users)
            }
            None => {
                let users = WatchedUserFile::open(&path, options(&names));
                Arc::new(users.map_err(|error| {
                    format!("{error}; `logon users add --file FILE 'DOMAIN\\user'` makes one")
                })?)
            }
        };
        let old_replays = before.and_then(|guard| guard.replays.as_ref());
        let old_keys = before.and_then(|guard| guard.keys.as_ref());
        let keys = config.kerberos.as_ref();
        let keys =
            keys.map(|it| Keys::of(it, folder, old_keys, old_replays, making)).transpose()?;
        let replays = keys.as_ref().map(|keys| keys.replays()).or(old_replays).cloned();
        let same_keys = |guard: &&Self| match (&guard.keys, &keys) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (old, new) => old.is_none() && new.is_none(),
        };
        let same = same_users.filter(|guard| guard.logon == logon).filter(same_keys);
        if let Some(layer) = same.map(|guard| guard.layer.clone()) {
            return Ok(Self { logon, names, users, keys, replays, layer });
        }
        if let Some(old) = before.filter(|guard| guard.names != names) {
            tracing::warn!(
                before = %old.names.domain, now = %names.domain,
                "[server] has changed, be it by the domains of the user file: everybody has to log \
                 on again; say `domain` there to keep it"
            );
        }
        let connection = config.logon.connection(&names, keys.as_ref());
        let connection = connection.map_err(|error| format!("[logon] realm: {error}"))?;
        let gate = Gate::new(connection, Immediate(Arc::clone(&users)))
            .throttle(logon.throttle.config())
            .trusted_proxies(logon.trusted_proxies.iter().copied());
        Ok(Self { logon, names, users, keys, replays, layer: LogonLayer::of(gate) })
    }
}

/// How names in the user file are read.
pub(crate) fn options(names: &Names) -> Options {
    let options = Options::default().default_domain(names.domain.as_str());
    match &names.dns_domain {
        Some(dns) => options.dns_domain(dns.as_str(), names.domain.as_str()),
        None => options,
    }
}

/// All upstreams that routes name, by what they call them.
fn upstreams(
    config: &Config,
    folder: &Path,
    before: Option<&Parts>,
    making: Making,
) -> Result<BTreeMap<String, Running>, String> {
    let mut running = BTreeMap::new();
    let named = config.route.iter().filter_map(|route| route.upstream.as_ref());
    for name in named.chain(&config.upstream).map(toml::Spanned::get_ref) {
        if running.contains_key(name) {
            continue;
        }
        let upstream = match config.upstreams.get(name) {
            Some(upstream) => upstream.clone(),
            None => {
                let url = name.parse::<UpstreamUrl>();
                UpstreamConfig::of(url.map_err(|error| format!("upstream {name}: {error}"))?)
            }
        };
        let same = before.and_then(|parts| parts.upstreams.get(name));
        // The file `ca` may have changed: it is read again, at the price of a new pool.
        let kept = match same.filter(|it| it.config == upstream && upstream.ca.is_none()) {
            Some(it) => Running {
                config: upstream,
                upstream: Arc::clone(&it.upstream),
                health: it.health.clone(),
            },
            None => {
                let mut found = upstream.clone();
                found.ca = found.ca.map(|path| folder.join(path));
                let started = Upstream::new(name, &found)?;
                // A check asks nobody.
                let health = (making == Making::Yes).then(|| Arc::new(started.watch()));
                Running { config: upstream, upstream: started, health }
            }
        };
        running.insert(name.clone(), kept);
    }
    Ok(running)
}
