//! A store, an application, and a client without a socket.
// Each test program uses its part.
#![allow(dead_code)]

use bytes::{Buf, Bytes};
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use logon::http::{ConnectionConfig, Scheme, Side, format_token, parse_token};
use logon::{
    AcceptorConfig, Account, AccountName, Answer, ChannelBindings, Credential, CredentialStore,
    DigestAccount, DigestAnswer, DigestUsername, Ha1, Initiator, InitiatorConfig, InitiatorStep,
    KnownAccount, NtHash, ServerNames, StoreError, TargetName,
};
use logon_tower::Connection;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

pub(crate) const PASSWORD: &str = "S3cret!pw";

/// `alice` and nobody else; `down` cannot be looked up.
pub(crate) struct Users;

impl CredentialStore for Users {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        let name = AccountName::new("CORP", "alice");
        match account.user() {
            "alice" => Ok(Answer::Known(KnownAccount::new(NtHash::of_password(PASSWORD), name))),
            "down" => Err(StoreError::new("out of reach")),
            _ => Ok(Answer::Unknown),
        }
    }

    fn has_digest(&self, _: &str) -> bool {
        true
    }

    fn lookup_digest(&self, account: DigestAccount<'_>) -> Result<DigestAnswer, StoreError> {
        let DigestAccount { username, realm, algorithm, .. } = account;
        match username {
            DigestUsername::Plain(user @ "alice") => Ok(DigestAnswer::Known {
                ha1: Ha1::of_password(algorithm, user, realm, PASSWORD),
                name: AccountName::new("CORP", "alice"),
            }),
            _ => Ok(DigestAnswer::Unknown),
        }
    }
}

/// An application that reads the whole body before it answers.
#[derive(Clone)]
pub(crate) struct App(pub(crate) fn(&Parts, &[u8]) -> Response<String>);

impl<B> Service<Request<B>> for App
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Debug,
{
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.0;
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let (mut body, mut whole) = (pin!(body), Vec::new());
            while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
                whole.extend_from_slice(frame.unwrap().into_data().unwrap().chunk());
            }
            Ok(answer(&parts, &whole))
        })
    }
}

pub(crate) fn config() -> ConnectionConfig {
    ConnectionConfig::new(Arc::new(AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"))))
}

pub(crate) fn connection() -> Connection {
    Connection::new(Some("192.0.2.7:5000".parse().unwrap()), ChannelBindings::none())
}

pub(crate) async fn send<T>(
    service: &T,
    connection: &Connection,
    (method, target): (&str, &str),
    fields: &[(&str, &str)],
    body: &str,
) -> Response<String>
where
    T: Service<Request<String>, Response = Response<String>, Error = Infallible> + Clone,
{
    let mut request = Request::builder().method(method).uri(target).header("host", "x");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let mut request = request.body(body.to_owned()).unwrap();
    request.extensions_mut().insert(connection.clone());
    service.clone().call(request).await.unwrap()
}

pub(crate) async fn get<T>(
    service: &T,
    connection: &Connection,
    target: &str,
    fields: &[(&str, &str)],
) -> Response<String>
where
    T: Service<Request<String>, Response = Response<String>, Error = Infallible> + Clone,
{
    send(service, connection, ("GET", target), fields, "").await
}

/// The legs of a logon of alice by `Negotiate`; gives the answer to the last one.
pub(crate) async fn log_on<T>(
    service: &T,
    connection: &Connection,
    side: Side,
    target: &str,
    password: &str,
) -> Response<String>
where
    T: Service<Request<String>, Response = Response<String>, Error = Infallible> + Clone,
{
    let config = InitiatorConfig::with_os(Credential::password(r"CORP\alice", password));
    let name = TargetName::http("x");
    let client = Initiator::negotiate(Arc::new(config), name, ChannelBindings::none());
    let mut token = Vec::new();
    let InitiatorStep::Continue(client) = client.step(None, &mut token).unwrap() else {
        panic!("complete after one leg")
    };
    let credentials = format_token(Scheme::Negotiate, &token);
    let fields = [(side.credentials_field(), credentials.as_str())];
    let leg = get(service, connection, target, &fields).await;
    let value = leg.headers()[side.challenge_field()].as_bytes();
    let challenge = parse_token(Scheme::Negotiate, value).unwrap();
    token.clear();
    let _ = client.step(challenge.as_deref(), &mut token).unwrap();
    let credentials = format_token(Scheme::Negotiate, &token);
    get(service, connection, target, &[(side.credentials_field(), &credentials)]).await
}
