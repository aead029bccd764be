//! The life of a gateway: start, reload, drain.

use super::admin::{self, View};
use super::certificates::Making;
use super::config::{self, Admin, Config, Limits, LogFormat, LogLevel};
use super::listeners::Listeners;
use super::parts::Parts;
use crate::cli::GatewayOptions;
use crate::failure::Failure;
use crate::logging;
use logon_hyper::Server;
use sd_notify::NotifyState;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Runs until it is told to stop.
pub(crate) fn run(options: GatewayOptions) -> Result<(), Failure> {
    let path = options.config;
    let config = config::load(&path).map_err(|error| Failure::message(error.to_string()))?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    if options.print_config {
        let printed = toml::to_string_pretty(&config)
            .map_err(|error| Failure::message(format!("cannot print it: {error}")))?;
        io::stdout().write_all(printed.as_bytes())?;
        return Ok(());
    }
    let json = config.log.format == LogFormat::Json;
    logging::start_at(json, config.log.level.name());
    let runtime = runtime().map_err(|error| Failure::message(format!("cannot start: {error}")))?;
    if options.check {
        // Upstreams are watched by tasks, which need a runtime.
        let _entered = runtime.enter();
        let counted = Parts::build(config, &folder, None, Making::No);
        let counted = counted.map_err(Failure::message)?.1.len();
        let listeners = if counted == 1 { "listener" } else { "listeners" };
        writeln!(
            io::stdout(),
            "{}: in order, {counted} {listeners}; `logon doctor --config {0}` looks closer",
            path.display()
        )?;
        return Ok(());
    }
    runtime.block_on(serve(path, folder, config))
}

/// A thread for each core. On one core there is nobody to share work with, and sharing costs.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut runtime = match cores {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    runtime.enable_all().build()
}

/// What the operator says by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Reload,
    Stop,
}

/// Signals from here on: one that comes before they are taken ends the process.
#[cfg(unix)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

#[cfg(unix)]
impl Signals {
    fn take() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.reload.recv() => Told::Reload,
        }
    }

    async fn stop(&mut self) {
        while self.next().await == Told::Reload {}
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn take() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Told {
        if tokio::signal::ctrl_c().await.is_err() {
            return std::future::pending().await;
        }
        Told::Stop
    }

    async fn stop(&mut self) {
        self.next().await;
    }
}

/// A gateway that serves.
struct Serving {
    path: PathBuf,
    folder: PathBuf,
    parts: Parts,
    listeners: Listeners,
    view: View,
    running: Fixed,
}

/// What a reload does not change, as it is since the start.
struct Fixed {
    limits: Limits,
    log: (LogFormat, LogLevel),
    admin: Option<Admin>,
}

impl Fixed {
    fn of(config: &Config) -> Self {
        Self {
            limits: config.limits.clone(),
            log: (config.log.format, config.log.level),
            admin: config.admin.clone(),
        }
    }
}

async fn serve(path: PathBuf, folder: PathBuf, config: Config) -> Result<(), Failure> {
    let signals = Signals::take()
        .map_err(|error| Failure::message(format!("no signals can be had: {error}")))?;
    let view = View::default();
    // Before anything is counted.
    let metrics = match &config.admin {
        Some(_) => Some(admin::record().map_err(Failure::message)?),
        None => None,
    };
    let admin = config.admin.clone();
    let (parts, stages) =
        Parts::build(config, &folder, None, Making::Yes).map_err(Failure::message)?;
    let mut listeners = Listeners::default();
    let opened = listeners.open(&stages).await.map_err(Failure::message)?;
    listeners.serve(stages, opened, &parts.config.limits).await;
    let running = Fixed::of(&parts.config);
    let serving = Serving { path, folder, parts, listeners, view, running };
    serving.show();
    let stop = Arc::new(Notify::new());
    // Whoever reads the log as JSON reads it all there.
    let plain = serving.parts.config.log.format == LogFormat::Human;
    let mut out: Box<dyn Write + Send> =
        if plain { Box::new(io::stdout()) } else { Box::new(io::sink()) };
    if let (Some(admin), Some(metrics)) = (admin, metrics) {
        let socket = TcpListener::bind(admin.address).await.map_err(|error| {
            Failure::message(format!("[admin] cannot listen at {}: {error}", admin.address))
        })?;
        let local = socket.local_addr().map_err(|error| Failure::message(error.to_string()))?;
        writeln!(out, "admin http://{local}")?;
        tracing::info!(address = %local, "listening for operators");
        let site = admin::site(serving.view.clone(), metrics);
        let stopped = Arc::clone(&stop);
        tokio::spawn(Server::new(site).serve(socket, async move { stopped.notified().await }));
    }
    for url in serving.listeners.urls() {
        writeln!(out, "{url}")?;
    }
    out.flush()?;
    notify(&[NotifyState::Ready]);
    tracing::info!(config = %serving.path.display(), "ready");
    serving.until_stopped(signals).await;
    stop.notify_waiters();
    tracing::info!("stopped");
    Ok(())
}

impl Serving {
    async fn until_stopped(mut self, mut signals: Signals) {
        while signals.next().await == Told::Reload {
            self.reload().await;
        }
        tracing::info!("stopping: requests in progress are finished");
        notify(&[NotifyState::Stopping]);
        self.view.drain();
        tokio::select! {
            () = self.listeners.drain() => {}
            // Who asks twice does not want to wait for anybody.
            () = signals.stop() => {}
        }
        self.parts.close();
    }

    /// Reads everything again. What is wrong is said, and everything stays as it was.
    async fn reload(&mut self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => notify(&[NotifyState::Reloading, now]),
            Err(_) => notify(&[NotifyState::Reloading]),
        }
        match self.take_over().await {
            Ok(()) => tracing::info!(config = %self.path.display(), "reloaded"),
            Err(error) => {
                tracing::error!("not reloaded, everything stays as it was: {error}");
            }
        }
        notify(&[NotifyState::Ready]);
    }

    async fn take_over(&mut self) -> Result<(), String> {
        let config = config::load(&self.path).map_err(|error| error.to_string())?;
        let (old, new) = (&self.running, Fixed::of(&config));
        let fixed = [
            ("[limits]", old.limits != new.limits),
            ("[log]", old.log != new.log),
            ("[admin]", old.admin != new.admin),
        ];
        let (parts, stages) = Parts::build(config, &self.folder, Some(&self.parts), Making::Yes)?;
        let opened = self.listeners.open(&stages).await?;
        self.listeners.serve(stages, opened, &parts.config.limits).await;
        for (section, _) in fixed.iter().filter(|(_, changed)| *changed) {
            tracing::warn!("{section} has changed: that takes effect at the next start");
        }
        self.parts = parts;
        self.show();
        Ok(())
    }

    fn show(&self) {
        let upstreams = self.parts.upstreams.iter();
        let upstreams = upstreams.map(|(name, it)| (name.clone(), Arc::clone(&it.upstream)));
        self.view.show(upstreams.collect());
    }
}

/// Tells the service manager, if there is one that wants to know.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the service manager cannot be told: {error}");
    }
}
