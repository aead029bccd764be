//! Our servers: a trivial application, behind the layer or without it.

use crate::Error;
use http::{Request, Response};
use logon::{AcceptorConfig, ServerNames};
use logon_hyper::Server;
use logon_tower::LogonLayer;
use logon_users::{Options, WatchedUserFile};
use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::io::Read;
use std::path::Path;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Says hello; everything else that takes time is the server's or the layer's.
#[derive(Clone)]
struct Hello;

impl<B> Service<Request<B>> for Hello {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new("Hello\n".to_owned())))
    }
}

/// Serves on loopback until standard input ends.
pub(crate) fn serve(users: Option<&Path>) -> Result<(), Error> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    // What `#[tokio::main]` makes: one worker for each core that it may use.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        match users {
            None => Server::new(Hello).serve(listener, pending()).await,
            Some(path) => {
                let users = WatchedUserFile::open(path, Options::default())?;
                let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
                let app = LogonLayer::new(config, users).layer(Hello);
                Server::new(app).serve(listener, pending()).await;
            }
        }
        Ok(())
    })
}
