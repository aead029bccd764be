//! `logon forward`: logs on to a proxy or to a server for programs that cannot.
//!
//! ```text
//! program ──▶ guard ─▶ round ─▶ service ─┬─ CONNECT ─▶ tunnel ────────┐
//!                                        ├─ WebSocket ─▶ upgrade ─────┤
//!                                        └─ request ─▶ head ─▶ client ─▶ proxy or server
//! ```
//!
//! Whoever reaches the listener acts under the name that is logged on: it listens on loopback, and
//! `guard` keeps web pages out.

mod answer;
mod guard;
mod head;
mod round;
mod service;
mod tunnel;
mod upgrade;

use crate::cli::ForwardOptions;
use crate::client::{self, Who};
use crate::failure::Failure;
use crate::logging;
use crate::signals::interrupted;
use guard::Guard;
use logon_client::{Client, ClientBuilder, Proxy, Redirects};
use logon_hyper::Server;
use round::{Here, Pseudonym};
use service::{Forward, Way};
use std::io::{self, Write};
use tokio::net::TcpListener;
use url::Url;

/// Runs until it is interrupted.
pub(crate) fn run(options: &ForwardOptions) -> Result<(), Failure> {
    logging::start(options.json);
    if !options.listen.ip().is_loopback() && !options.allow_remote {
        return Err(Failure::usage(format!(
            "--listen {}: other machines could act under your name there; listen at 127.0.0.1, or \
             add --allow-remote if that is wanted",
            options.listen
        )));
    }
    let who = Who::find(&options.logon)?;
    let pseudonym = Pseudonym::new()?;
    let mut builder = client::builder(&options.connection)?.redirects(Redirects::NONE);
    if let Some(agent) = pseudonym.user_agent() {
        builder = builder.user_agent(agent);
    }
    let (builder, way, name) = match (&options.proxy, &options.origin) {
        (Some(url), _) => {
            let proxy = Proxy::new(url).map_err(|error| Failure::usage(error.to_string()))?;
            let name = who.for_host(proxy.host())?;
            let proxy = match who.login_to(proxy.host()) {
                Some(login) => proxy.with_login(login),
                None => proxy,
            };
            (builder.proxy(proxy), Way::Proxy, name)
        }
        (None, origin) => {
            let origin = self::origin(origin.as_deref().unwrap_or_default())?;
            let host = origin.host_str().unwrap_or_default();
            let name = who.for_host(host)?;
            let builder = who.logins(host).into_iter().fold(builder, ClientBuilder::login);
            (builder, Way::Origin(origin), name)
        }
    };
    let client = builder.build();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::message(format!("cannot start: {error}")))?;
    let served = runtime.block_on(serve(options, client, way, pseudonym, &name));
    // Tunnels are nobody's requests, and may be open for days.
    runtime.shutdown_background();
    served
}

async fn serve(
    options: &ForwardOptions,
    client: Client,
    way: Way,
    pseudonym: Pseudonym,
    name: &str,
) -> Result<(), Failure> {
    let listen = options.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        Failure::message(format!("--listen {listen}: {error}; port 0 picks a free one"))
    })?;
    let address = listener.local_addr().map_err(|error| Failure::message(error.to_string()))?;
    let here = Here { pseudonym, address };
    let to = options.proxy.as_deref().or(options.origin.as_deref()).unwrap_or_default();
    let url = Url::parse(to).ok();
    let leads_to = url.as_ref().and_then(|url| url.host_str().zip(url.port_or_known_default()));
    if leads_to.is_some_and(|(host, port)| here.is_at(host, port)) {
        return Err(Failure::usage(format!("{to} is this command itself: --listen elsewhere")));
    }
    announce(&format!("http://{address}"), options.origin.is_some(), to, name)?;
    if !address.ip().is_loopback() {
        tracing::warn!("whoever reaches {address} from another machine acts as {name}");
    }
    let guard = Guard::new(options.allow_remote);
    let service = Forward::new(client, way, guard, here, options.connection.timeout);
    Server::new(service).serve(listener, interrupted()).await;
    writeln!(io::stdout(), "stopped")?;
    Ok(())
}

fn announce(url: &str, origin: bool, to: &str, name: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{url}\nlogs on to   {to}\nas           {name}")?;
    match origin {
        true => writeln!(out, "try          curl {url}/")?,
        false => writeln!(out, "try          curl -x {url} https://example.org/")?,
    }
    out.flush()
}

/// A server, with nothing behind its port.
fn origin(text: &str) -> Result<Url, Failure> {
    let bad = || Failure::usage(format!("--origin {text:?}: write http://host or https://host"));
    let url = Url::parse(text).map_err(|_| bad())?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    let known = matches!(url.scheme(), "http" | "https");
    if known && bare && url.host_str().is_some_and(|host| !host.is_empty()) {
        Ok(url)
    } else {
        Err(bad())
    }
}
