//! A client on one HTTP/1.1 connection, byte by byte.

use super::application::Seen;
use super::{PASSWORD, PATIENCE};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use logon::http::{Scheme, format_token, parse_token};
use logon::{ChannelBindings, Credential, Initiator, InitiatorConfig, InitiatorStep, TargetName};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// The value of `Authorization` of the Basic scheme.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let name = name.to_ascii_lowercase();
        let fields = self.fields.iter().filter(|(one, _)| *one == name);
        fields.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn challenges(&self) -> Vec<&str> {
        self.all("www-authenticate")
    }

    pub(crate) fn closes(&self) -> bool {
        self.all("connection").contains(&"close")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The request as the application received it, if this is the answer of an
    /// [`Echo`](super::Echo).
    pub(crate) fn seen(&self) -> Seen {
        assert_eq!(self.status, 200, "{self:?}");
        Seen::of(&self.body)
    }

    /// Whom the application was told; `None` for a guest.
    pub(crate) fn user(&self) -> Option<String> {
        let seen = self.seen();
        seen.has("x-remote-user").then(|| seen.one("x-remote-user").to_owned())
    }
}

/// A connection.
pub(crate) struct Client<S = TcpStream> {
    stream: BufReader<S>,
    /// The host that it asks for.
    pub(crate) host: String,
    /// What its logons are bound to.
    pub(crate) bindings: ChannelBindings,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(timeout(PATIENCE, TcpStream::connect(address)).await.unwrap().unwrap())
    }

    /// From another address of this machine, such as 127.0.0.2.
    pub(crate) async fn connect_from(from: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        Self::over(timeout(PATIENCE, socket.connect(address)).await.unwrap().unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        let bindings = ChannelBindings::none();
        Self { stream: BufReader::new(stream), host: "web.corp.example".to_owned(), bindings }
    }

    /// The same connection, asking for another host.
    pub(crate) fn to(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// The same connection over what `wrap` makes of its stream.
    pub(crate) fn map<T: AsyncRead>(self, wrap: impl FnOnce(S) -> T) -> Client<T> {
        let stream = BufReader::new(wrap(self.stream.into_inner()));
        Client { stream, host: self.host, bindings: self.bindings }
    }

    pub(crate) fn stream(&self) -> &S {
        self.stream.get_ref()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answered {
        self.send("GET", path, &[], b"").await
    }

    pub(crate) async fn get_with(&mut self, path: &str, fields: &[(&str, &str)]) -> Answered {
        self.send("GET", path, fields, b"").await
    }

    /// A request with these fields besides `Host`, and with `Content-Length` if it has a body.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        let answered = self.try_send(method, path, fields, body).await;
        answered.unwrap_or_else(|| panic!("{method} {path}: closed without an answer"))
    }

    /// The same; `None` if the connection is closed without an answer.
    pub(crate) async fn try_send(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answered> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in fields {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        self.write(&request).await;
        self.read_answer(method == "HEAD").await
    }

    /// Sends bytes as they are. One who has closed already is found out by reading.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = timeout(PATIENCE, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        })
        .await
        .expect("nobody reads");
    }

    /// Reads one answer; `None` if the connection is closed without one.
    pub(crate) async fn read(&mut self) -> Option<Answered> {
        self.read_answer(false).await
    }

    async fn read_answer(&mut self, head_only: bool) -> Option<Answered> {
        timeout(PATIENCE, self.read_within(head_only)).await.expect("no answer")
    }

    async fn read_within(&mut self, head_only: bool) -> Option<Answered> {
        loop {
            let line = self.line().await?;
            let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("{line:?}"));
            let mut answered =
                Answered { status: status.parse().unwrap(), fields: Vec::new(), body: Vec::new() };
            loop {
                let line = self.line().await?;
                let Some((name, value)) = line.split_once(':') else { break };
                answered.fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            if answered.status / 100 == 1 && answered.status != 101 {
                continue;
            }
            if !head_only && !matches!(answered.status, 101 | 204 | 304) {
                answered.body = self.body(&answered).await?;
            }
            return Some(answered);
        }
    }

    async fn body(&mut self, answered: &Answered) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        if answered.all("transfer-encoding").contains(&"chunked") {
            loop {
                let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
                let mut chunk = vec![0; size];
                self.stream.read_exact(&mut chunk).await.ok()?;
                body.extend_from_slice(&chunk);
                self.line().await?;
                if size == 0 {
                    return Some(body);
                }
            }
        }
        match answered.all("content-length").first() {
            Some(length) => {
                body.resize(length.parse().unwrap(), 0);
                self.stream.read_exact(&mut body).await.ok()?;
            }
            None => {
                self.stream.read_to_end(&mut body).await.ok()?;
            }
        }
        Some(body)
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line).await;
        if read.is_err() || !line.ends_with(b"\r\n") {
            return None;
        }
        Some(String::from_utf8_lossy(&line[..line.len() - 2]).into_owned())
    }

    /// Whether the other end closes, or has closed, without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        matches!(timeout(PATIENCE, self.stream.read(&mut byte)).await, Ok(Ok(0) | Err(_)))
    }

    /// All legs of a logon, with the password of everybody. The answer is the last one.
    pub(crate) async fn log_on(&mut self, scheme: Scheme, path: &str, user: &str) -> Answered {
        self.log_on_with(scheme, path, user, PASSWORD).await
    }

    pub(crate) async fn log_on_with(
        &mut self,
        scheme: Scheme,
        path: &str,
        user: &str,
        password: &str,
    ) -> Answered {
        let mut logon =
            Logon::new(scheme, user, password).bound(self.bindings.clone()).to(&self.host);
        let first = self.get_with(path, &[("Authorization", &logon.first())]).await;
        assert_eq!(first.status, 401, "{first:?}");
        let last = logon.next(&first);
        self.get_with(path, &[("Authorization", &last)]).await
    }
}

/// The legs of a logon by NTLM or Negotiate, for whatever connections they are to be sent over.
pub(crate) struct Logon {
    scheme: Scheme,
    user: String,
    password: String,
    target: TargetName,
    bindings: ChannelBindings,
    initiator: Option<Initiator>,
}

impl Logon {
    /// `user` is `DOMAIN\user` or a user principal name.
    pub(crate) fn new(scheme: Scheme, user: &str, password: &str) -> Self {
        Self {
            scheme,
            user: user.to_owned(),
            password: password.to_owned(),
            target: TargetName::http("web.corp.example"),
            bindings: ChannelBindings::none(),
            initiator: None,
        }
    }

    /// Bound to a TLS connection.
    pub(crate) fn bound(mut self, bindings: ChannelBindings) -> Self {
        self.bindings = bindings;
        self
    }

    /// At the service `HTTP` of a host.
    pub(crate) fn to(mut self, host: &str) -> Self {
        self.target = TargetName::http(host);
        self
    }

    /// The value of `Authorization` of the first leg.
    pub(crate) fn first(&mut self) -> String {
        let credential = Credential::password(&self.user, &self.password);
        let config = Arc::new(InitiatorConfig::with_os(credential));
        let (target, bindings) = (self.target.clone(), self.bindings.clone());
        self.initiator = Some(match self.scheme {
            Scheme::Ntlm => Initiator::ntlm(config, target, bindings),
            Scheme::Negotiate => Initiator::negotiate(config, target, bindings),
            scheme => panic!("{scheme} has no legs"),
        });
        self.step(None)
    }

    /// The value of the leg that follows a 401.
    pub(crate) fn next(&mut self, answered: &Answered) -> String {
        let token = answered.challenges().iter().find_map(|challenge| {
            let token = parse_token(self.scheme, challenge.as_bytes()).unwrap()?;
            (!token.is_empty()).then_some(token)
        });
        let token =
            token.unwrap_or_else(|| panic!("no challenge of {}: {answered:?}", self.scheme));
        self.step(Some(&token))
    }

    fn step(&mut self, token: Option<&[u8]>) -> String {
        let mut out = Vec::new();
        let initiator = self.initiator.take().expect("first() comes first");
        if let InitiatorStep::Continue(initiator) = initiator.step(token, &mut out).unwrap() {
            self.initiator = Some(initiator);
        }
        format_token(self.scheme, &out)
    }
}
