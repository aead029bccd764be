//! The load: several connections in one thread, each with one request under way. It never
//! sleeps: it goes round and takes what answers there are, so that the server always finds the
//! requests of other connections behind the one that it has answered.

use crate::Error;
use logon::http::{Scheme, format_token, parse_token};
use logon::{ChannelBindings, Credential, Initiator, InitiatorConfig, InitiatorStep, TargetName};
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt::Linger};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) const DOMAIN: &str = "CORP";
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "S3cret!pw";

const REQUEST: &str =
    "GET /hello HTTP/1.1\r\nHost: localhost\r\nUser-Agent: logon-http\r\nAccept: */*\r\n";

/// How long to wait for any answer at all.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    config: Arc<InitiatorConfig>,
    connections: u32,
}

impl Client {
    pub(crate) fn new(connections: u32) -> Self {
        let credential = Credential::password(&format!("{DOMAIN}\\{USER}"), PASSWORD);
        Self { config: Arc::new(InitiatorConfig::with_os(credential)), connections }
    }

    /// Connections that are kept, logged on if the server wants that.
    pub(crate) fn keep_alive(&self, address: SocketAddr, logs_on: bool) -> Result<Load, Error> {
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            if logs_on {
                let mut logon = vec![Logon::begin(self, address)?];
                until_done(&mut logon, Logon::go_on)?;
                connections.extend(logon.into_iter().map(|logon| logon.connection));
            } else {
                connections.push(Connection::open(address)?);
            }
        }
        Ok(Load(connections))
    }

    /// As many logons as told, each on a new connection.
    pub(crate) fn log_on(&self, address: SocketAddr, count: u32) -> Result<(), Error> {
        let ahead = self.connections.min(count);
        let ring = (0..ahead).map(|_| Logon::begin(self, address));
        let mut ring = ring.collect::<Result<Vec<_>, Error>>()?;
        let mut to_begin = count - ahead;
        until_done(&mut ring, |logon| {
            let after = logon.go_on()?;
            if after == After::Done && to_begin > 0 {
                to_begin -= 1;
                *logon = Logon::begin(self, address)?;
                return Ok(After::Progress);
            }
            Ok(after)
        })
    }
}

/// Connections that are kept.
pub(crate) struct Load(Vec<Connection>);

impl Load {
    /// As many plain requests as told, on all connections together.
    pub(crate) fn run(&mut self, count: u32) -> Result<(), Error> {
        let count = usize::try_from(count)?;
        let ahead = self.0.len().min(count);
        self.0.iter_mut().take(ahead).try_for_each(|connection| connection.send(""))?;
        let mut to_send = count - ahead;
        until_done(&mut self.0[..ahead], |connection| match connection.receive()? {
            None => Ok(After::Nothing),
            Some(answer) if answer.status != 200 => {
                Err(format!("status {} for a plain request", answer.status).into())
            }
            Some(_) if to_send == 0 => Ok(After::Done),
            Some(_) => {
                to_send -= 1;
                connection.send("").map(|()| After::Progress)
            }
        })
    }
}

/// What came of looking after a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// No answer yet.
    Nothing,
    /// An answer, and a request behind it.
    Progress,
    /// The last answer.
    Done,
}

/// Looks after all of `ring` in turn until each is done.
fn until_done<T>(
    ring: &mut [T],
    mut look_after: impl FnMut(&mut T) -> Result<After, Error>,
) -> Result<(), Error> {
    let mut ring: Vec<&mut T> = ring.iter_mut().collect();
    let mut waiting_since = None;
    while !ring.is_empty() {
        let (before, mut progress) = (ring.len(), false);
        let mut failed = None;
        ring.retain_mut(|one| match look_after(one) {
            Ok(after) => {
                progress |= after == After::Progress;
                after != After::Done
            }
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if progress || ring.len() < before {
            waiting_since = None;
        } else if waiting_since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return Err("no answer".into());
        } else {
            // Where there is one core only, it is the server's turn.
            std::thread::yield_now();
        }
    }
    Ok(())
}

/// An exchange under way: a request was sent, an answer is due.
struct Logon {
    connection: Connection,
    /// `None` behind the last leg.
    initiator: Option<Initiator>,
}

impl Logon {
    fn begin(client: &Client, address: SocketAddr) -> Result<Self, Error> {
        let target = TargetName::http("localhost");
        let config = Arc::clone(&client.config);
        let initiator = Initiator::ntlm(config, target, ChannelBindings::none());
        let mut logon = Self { connection: Connection::open(address)?, initiator: Some(initiator) };
        logon.step(None)?;
        Ok(logon)
    }

    fn go_on(&mut self) -> Result<After, Error> {
        let Some(answer) = self.connection.receive()? else { return Ok(After::Nothing) };
        match (answer.status, answer.challenge) {
            (401, Some(challenge)) => self.step(Some(&challenge)).map(|()| After::Progress),
            (200, _) if self.initiator.is_none() => Ok(After::Done),
            (status, _) => Err(format!("status {status} for a leg of a logon").into()),
        }
    }

    fn step(&mut self, challenge: Option<&[u8]>) -> Result<(), Error> {
        let initiator = self.initiator.take().ok_or("a challenge behind the last leg")?;
        let mut token = Vec::new();
        if let InitiatorStep::Continue(initiator) = initiator.step(challenge, &mut token)? {
            self.initiator = Some(initiator);
        }
        let credentials = format_token(Scheme::Ntlm, &token);
        self.connection.send(&format!("Authorization: {credentials}\r\n"))
    }
}

struct Connection {
    stream: TcpStream,
    received: Box<[u8]>,
    length: usize,
}

struct Answer {
    status: u16,
    challenge: Option<Vec<u8>>,
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        // Closed, it is gone: thousands of connections that wait for stray segments would make
        // each new one slower.
        setsockopt(&stream, Linger, &linger { l_onoff: 1, l_linger: 0 })?;
        Ok(Self { stream, received: vec![0; 16 * 1024].into(), length: 0 })
    }

    /// The send buffer has room for much more than one request.
    fn send(&mut self, field: &str) -> Result<(), Error> {
        Ok(self.stream.write_all([REQUEST, field, "\r\n"].concat().as_bytes())?)
    }

    /// An answer, once it is there to its end.
    fn receive(&mut self) -> Result<Option<Answer>, Error> {
        match self.stream.read(&mut self.received[self.length..]) {
            Ok(0) => return Err("the server closed the connection, or said too much".into()),
            Ok(read) => self.length += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let answer = parse(&self.received[..self.length])?;
        if answer.is_some() {
            self.length = 0;
        }
        Ok(answer)
    }
}

/// `None` if there is more to come.
fn parse(received: &[u8]) -> Result<Option<Answer>, Error> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(body) = head.parse(received)? else { return Ok(None) };
    let (mut challenge, mut length) = (None, 0);
    for field in head.headers.iter() {
        if field.name.eq_ignore_ascii_case("content-length") {
            length = std::str::from_utf8(field.value)?.parse()?;
        } else if field.name.eq_ignore_ascii_case("www-authenticate") {
            let token = parse_token(Scheme::Ntlm, field.value)?;
            challenge = token.filter(|token| !token.is_empty()).or(challenge);
        }
    }
    let status = head.code.ok_or("no status")?;
    Ok((received.len() >= body + length).then_some(Answer { status, challenge }))
}
