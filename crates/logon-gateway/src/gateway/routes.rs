//! Which application a request is for.

use super::config::Config;
use super::proxy::Upstream;
use super::rules;
use super::target::plain;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The applications of a listener by host and path. A path is taken here as it stands, segment by
/// segment: what a request may *do* is decided for every reading of it, see
/// [`logon::http::Scopes`].
#[derive(Debug, Default)]
pub(crate) struct Routes {
    hosts: HashMap<String, Table>,
    others: Table,
}

/// Applications by path, the longer ones first.
#[derive(Debug, Default)]
struct Table(Vec<(Vec<String>, Arc<Upstream>)>);

impl Routes {
    /// Those of the listener of this name. `upstream` gives what a URL or a name stands for.
    pub(crate) fn of(
        config: &Config,
        listener: Option<&str>,
        upstream: impl Fn(&str) -> Option<Arc<Upstream>>,
    ) -> Self {
        let mut routes = Self::default();
        for route in config.route.iter().filter(|route| rules::is_of(route, listener)) {
            let Some(upstream) = route.upstream.as_ref().and_then(|name| upstream(name.get_ref()))
            else {
                continue;
            };
            let path = route.path.as_ref().map_or("/", |path| path.get_ref());
            let segments: Vec<String> = segments(path).map(Cow::into_owned).collect();
            if route.hosts.is_empty() {
                routes.others.add(segments, upstream);
                continue;
            }
            for host in &route.hosts {
                let table = routes.hosts.entry(plain(host.get_ref())).or_default();
                table.add(segments.clone(), Arc::clone(&upstream));
            }
        }
        if let Some(upstream) = config.upstream.as_ref().and_then(|name| upstream(name.get_ref())) {
            routes.others.add(Vec::new(), upstream);
        }
        let tables = routes.hosts.values_mut().chain([&mut routes.others]);
        // Stable: of two routes for one place, the first one in the file stays before the other.
        tables.for_each(|table| table.0.sort_by_key(|(path, _)| std::cmp::Reverse(path.len())));
        routes
    }

    /// The application for a host as [`plain`] gives it, and a path as it was sent.
    pub(crate) fn find(&self, host: &str, path: &str) -> Option<&Arc<Upstream>> {
        let on_host = self.hosts.get(host).and_then(|table| table.find(path));
        on_host.or_else(|| self.others.find(path))
    }
}

impl Table {
    fn add(&mut self, path: Vec<String>, upstream: Arc<Upstream>) {
        self.0.push((path, upstream));
    }

    fn find(&self, path: &str) -> Option<&Arc<Upstream>> {
        let is_below = |prefix: &[String]| {
            let mut segments = segments(path);
            prefix
                .iter()
                .all(|expected| segments.next().is_some_and(|segment| segment == *expected))
        };
        self.0.iter().find(|(prefix, _)| is_below(prefix)).map(|(_, upstream)| upstream)
    }
}

/// The segments of a path, decoded; a slash within one is none that separates.
fn segments(path: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/')
        .filter(move |_| !path.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
}
