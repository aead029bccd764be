//! What operators look at: `/metrics`, `/healthz`, `/readyz`, at an address of their own.

use super::proxy::Upstream;
use axum::Router;
use axum::routing::get;
use http::StatusCode;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What there is to be seen.
#[derive(Clone, Default)]
pub(crate) struct View(Arc<Inner>);

#[derive(Default)]
struct Inner {
    draining: AtomicBool,
    upstreams: RwLock<Vec<(String, Arc<Upstream>)>>,
}

impl View {
    /// Shows these from now on.
    pub(crate) fn show(&self, upstreams: Vec<(String, Arc<Upstream>)>) {
        *self.0.upstreams.write().unwrap_or_else(PoisonError::into_inner) = upstreams;
    }

    /// Whoever distributes requests is to send no more.
    pub(crate) fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    fn count(&self) {
        let upstreams = self.0.upstreams.read().unwrap_or_else(PoisonError::into_inner);
        for (name, upstream) in upstreams.iter() {
            let up = if upstream.is_up() { 1.0 } else { 0.0 };
            metrics::gauge!("gateway_upstream_up", "upstream" => name.clone()).set(up);
        }
    }

    /// 200 while there is an application that can be reached.
    fn ready(&self) -> (StatusCode, String) {
        let upstreams = self.0.upstreams.read().unwrap_or_else(PoisonError::into_inner);
        let state = |upstream: &Upstream| if upstream.is_up() { "up" } else { "down" };
        let lines = upstreams.iter().map(|(name, it)| format!("upstream {name} {}\n", state(it)));
        let lines: String = lines.collect();
        if self.0.draining.load(Ordering::Relaxed) {
            return (StatusCode::SERVICE_UNAVAILABLE, format!("draining\n{lines}"));
        }
        if !upstreams.iter().any(|(_, upstream)| upstream.is_up()) {
            return (StatusCode::SERVICE_UNAVAILABLE, format!("no upstream is up\n{lines}"));
        }
        (StatusCode::OK, format!("ready\n{lines}"))
    }
}

/// Counts from now on what is counted anywhere in this process.
pub(crate) fn record() -> Result<PrometheusHandle, String> {
    let failed = |error| format!("[admin]: cannot count: {error}");
    let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let builder = PrometheusBuilder::new().set_buckets(&seconds).map_err(failed)?;
    builder.install_recorder().map_err(failed)
}

pub(crate) fn site(view: View, metrics: PrometheusHandle) -> Router {
    let counted = view.clone();
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(move || async move { view.ready() }))
        .route(
            "/metrics",
            get(move || async move {
                counted.count();
                metrics.run_upkeep();
                ([("content-type", "text/plain; version=0.0.4")], metrics.render())
            }),
        )
}
