//! The listeners: taken up, kept, and given up as the configuration says.

use super::config::{Limits, Listen};
use super::parts::Stage;
use super::place::Gateway;
use logon::ChannelBindings;
use logon_hyper::{Server, Tls};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Those that are open.
#[derive(Default)]
pub(crate) struct Listeners(Vec<Listener>);

struct Listener {
    kind: Kind,
    /// Where it really listens.
    local: SocketAddr,
    gateway: Gateway,
    tls: Option<Tls>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// What cannot be changed while it is open.
#[derive(Debug, Clone, PartialEq)]
struct Kind {
    address: SocketAddr,
    tls: bool,
    http2: bool,
    in_front: Option<ChannelBindings>,
}

impl Kind {
    fn of(stage: &Stage) -> Self {
        Self {
            address: *stage.listen.address.get_ref(),
            tls: stage.certificates.is_some(),
            http2: stage.listen.http2,
            in_front: stage.bindings_in_front.clone(),
        }
    }
}

/// A listener that is open and not yet served.
pub(crate) struct Opened(Option<TcpListener>);

impl Listeners {
    /// Opens what `stages` ask for beyond what is open already, and changes nothing else.
    pub(crate) async fn open(&self, stages: &[Stage]) -> Result<Vec<Opened>, String> {
        let mut opened = Vec::new();
        for stage in stages {
            let kind = Kind::of(stage);
            let known = self.0.iter().any(|listener| listener.kind == kind);
            // What is given up for it has the address until then.
            let taken = self.0.iter().any(|listener| listener.kind.address == kind.address);
            opened.push(match known || taken {
                true => Opened(None),
                false => Opened(Some(bind(kind.address).await?)),
            });
        }
        Ok(opened)
    }

    /// Serves what `stages` say: listeners that stay go on with the new place, those that are not
    /// asked for any more finish their requests and end.
    pub(crate) async fn serve(
        &mut self,
        stages: Vec<Stage>,
        opened: Vec<Opened>,
        limits: &Limits,
    ) -> Result<(), String> {
        let kinds: Vec<Kind> = stages.iter().map(Kind::of).collect();
        let before = std::mem::take(&mut self.0);
        let (kept, given_up): (Vec<_>, Vec<_>) =
            before.into_iter().partition(|listener| kinds.contains(&listener.kind));
        self.0 = kept;
        for listener in given_up {
            tracing::info!(address = %listener.local, "no longer listening");
            // They finish by themselves; nobody waits for that.
            let _ = listener.stop.send(());
        }
        for (stage, opened) in stages.into_iter().zip(opened) {
            let kind = Kind::of(&stage);
            if let Some(listener) = self.0.iter().find(|listener| listener.kind == kind) {
                listener.gateway.replace(stage.place);
                if let (Some(tls), Some(certificates)) = (&listener.tls, stage.certificates) {
                    tls.replace(certificates);
                }
                continue;
            }
            let socket = match opened.0 {
                Some(socket) => socket,
                None => bind_soon(kind.address).await?,
            };
            self.0.push(Listener::start(kind, stage, socket, limits)?);
        }
        Ok(())
    }

    /// Where they listen, as URLs.
    pub(crate) fn urls(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|listener| {
            let scheme = if listener.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{}", listener.local)
        })
    }

    /// Accepts nobody any more, and waits for requests in progress.
    pub(crate) async fn drain(self) {
        let stopped: Vec<_> = self
            .0
            .into_iter()
            .map(|listener| {
                let _ = listener.stop.send(());
                listener.serving
            })
            .collect();
        for serving in stopped {
            if let Err(error) = serving.await {
                tracing::error!("a listener ended: {error}");
            }
        }
    }
}

impl Listener {
    fn start(
        kind: Kind,
        stage: Stage,
        socket: TcpListener,
        limits: &Limits,
    ) -> Result<Self, String> {
        let local = socket.local_addr().map_err(|error| format!("{}: {error}", kind.address))?;
        let Stage { listen, place, certificates, bindings_in_front } = stage;
        let gateway = Gateway::new(place);
        let tls = certificates.map(|certificates| tls(certificates, &listen));
        let server = Server::new(gateway.clone()).limits(limits.of_server());
        let server = match (&tls, bindings_in_front) {
            (Some(tls), _) => server.tls(tls.clone()),
            (None, Some(bindings)) => server.tls_in_front(bindings),
            (None, None) => server,
        };
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve(socket, async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        }));
        tracing::info!(address = %local, tls = tls.is_some(), http2 = kind.http2, "listening");
        Ok(Self { kind, local, gateway, tls, stop, serving })
    }
}

fn tls(certificates: logon_hyper::Certificates, listen: &Listen) -> Tls {
    let tls = Tls::with_certificates(certificates);
    if listen.http2 { tls.http2() } else { tls }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))
}

/// Waits until the one who has the address has let go of it.
async fn bind_soon(address: SocketAddr) -> Result<TcpListener, String> {
    for _ in 0..20 {
        if let Ok(socket) = TcpListener::bind(address).await {
            return Ok(socket);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    bind(address).await
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("; another program has it: `ss -ltnp 'sport = :{port}'` shows which")
        }
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need the capability CAP_NET_BIND_SERVICE".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address".to_owned(),
        _ => String::new(),
    };
    format!("cannot listen at {address}: {error}{advice}")
}
