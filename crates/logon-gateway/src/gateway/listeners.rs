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
    /// What it listens with, for whoever takes over its address. Closed when it is told to stop.
    held: std::net::TcpListener,
    /// Where it really listens.
    local: SocketAddr,
    gateway: Gateway,
    tls: Option<Tls>,
    stop: oneshot::Sender<()>,
    /// Closed once it accepts nobody any more.
    closed: oneshot::Receiver<()>,
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

/// What a stage is going to be served at.
pub(crate) enum Opened {
    /// The listener of this number, which goes on.
    Kept(usize),
    /// Open, and not yet served.
    New(Socket),
}

pub(crate) struct Socket {
    accepting: TcpListener,
    /// The same once more, for whoever listens here after this one.
    held: std::net::TcpListener,
    local: SocketAddr,
}

impl Socket {
    fn of(held: std::net::TcpListener) -> io::Result<Self> {
        let accepting = TcpListener::from_std(held.try_clone()?)?;
        let local = held.local_addr()?;
        Ok(Self { accepting, held, local })
    }
}

impl Listeners {
    /// Opens what `stages` ask for beyond what is open already, and changes nothing else. After
    /// this, nothing can go wrong any more.
    pub(crate) async fn open(&self, stages: &[Stage]) -> Result<Vec<Opened>, String> {
        let mut unused: Vec<(usize, &Listener)> = self.0.iter().enumerate().collect();
        let mut take = |fits: &dyn Fn(&Listener) -> bool| {
            let at = unused.iter().position(|(_, listener)| fits(listener))?;
            Some(unused.remove(at))
        };
        // Each stands for one stage at most: port 0 may be asked for more than once.
        let kept = |stage| {
            let kind = Kind::of(stage);
            let kept = take(&|listener| listener.kind == kind);
            (kind, kept)
        };
        let kinds: Vec<_> = stages.iter().map(kept).collect();
        let mut opened = Vec::new();
        for (kind, kept) in kinds {
            if let Some((number, _)) = kept {
                opened.push(Opened::Kept(number));
                continue;
            }
            // The address of one that is given up is taken over: nobody finds it closed, and
            // nobody else can have it in between.
            let address = kind.address;
            let socket = match take(&|listener| listener.kind.address == address) {
                Some((_, listener)) => listener.held.try_clone(),
                None => match TcpListener::bind(address).await {
                    Ok(socket) => socket.into_std(),
                    Err(error) => Err(error),
                },
            };
            let socket = socket.and_then(Socket::of);
            opened.push(Opened::New(socket.map_err(|error| cannot_listen(address, &error))?));
        }
        Ok(opened)
    }

    /// Serves what `stages` say: listeners that stay go on with the new place, those that are not
    /// asked for any more finish their requests and end.
    pub(crate) async fn serve(&mut self, stages: Vec<Stage>, opened: Vec<Opened>, limits: &Limits) {
        let mut before: Vec<_> = std::mem::take(&mut self.0).into_iter().map(Some).collect();
        let kept = opened.iter().map(|opened| match opened {
            Opened::Kept(number) => before.get_mut(*number).and_then(Option::take),
            Opened::New(_) => None,
        });
        let kept: Vec<_> = kept.collect();
        for listener in before.into_iter().flatten() {
            tracing::info!(address = %listener.local, "no longer listening");
            // They finish by themselves; nobody waits for that.
            let _ = listener.stop.send(());
            // But whoever comes from now on must not be served as before.
            let _ = listener.closed.await;
        }
        for ((stage, opened), kept) in stages.into_iter().zip(opened).zip(kept) {
            match (kept, opened) {
                (Some(listener), _) => {
                    listener.gateway.replace(stage.place);
                    if let (Some(tls), Some(certificates)) = (&listener.tls, stage.certificates) {
                        tls.replace(certificates);
                    }
                    self.0.push(listener);
                }
                (None, Opened::New(socket)) => self.0.push(Listener::start(stage, socket, limits)),
                (None, Opened::Kept(_)) => {}
            }
        }
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
    fn start(stage: Stage, socket: Socket, limits: &Limits) -> Self {
        let kind = Kind::of(&stage);
        let Socket { accepting, held, local } = socket;
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
        let (accepts, closed) = oneshot::channel();
        let serving = tokio::spawn(server.serve(accepting, async {
            // A sender that is gone means the same.
            let _ = stopped.await;
            drop::<oneshot::Sender<()>>(accepts);
        }));
        tracing::info!(address = %local, tls = tls.is_some(), http2 = kind.http2, "listening");
        Self { kind, held, local, gateway, tls, stop, closed, serving }
    }
}

fn tls(certificates: logon_hyper::Certificates, listen: &Listen) -> Tls {
    let tls = Tls::with_certificates(certificates);
    if listen.http2 { tls.http2() } else { tls }
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
