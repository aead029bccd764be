//! Users, and a client on a bare stream.
// Each test program uses its part.
#![allow(dead_code)]

pub(crate) mod tls;

use logon::http::{Scheme, format_token, parse_token};
use logon::{
    Account, AccountName, Answer, ChannelBindings, Credential, CredentialStore, Initiator,
    InitiatorConfig, InitiatorStep, KnownAccount, NtHash, StoreError, TargetName,
};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(crate) const PASSWORD: &str = "S3cret!pw";

pub(crate) struct Users;

impl CredentialStore for Users {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        let known = |user| {
            let name = AccountName::new("CORP", user);
            Ok(Answer::Known(KnownAccount::new(NtHash::of_password(PASSWORD), name)))
        };
        match account.user() {
            "alice" => known("alice"),
            "bob" => known("bob"),
            "down" => Err(StoreError::new("out of reach")),
            _ => Ok(Answer::Unknown),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) challenges: Vec<String>,
    pub(crate) closes: bool,
    pub(crate) body: String,
}

pub(crate) struct Client<S = TcpStream>(pub(crate) BufReader<S>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Answered {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        self.0.write_all(head.as_bytes()).await.unwrap();
        self.0.write_all(body).await.unwrap();
        self.read().await
    }

    pub(crate) async fn get(&mut self, headers: &str) -> Answered {
        self.send("GET", "/", headers, b"").await
    }

    pub(crate) async fn read(&mut self) -> Answered {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("{line:?}"));
        let mut answered = Answered {
            status: status.parse().unwrap(),
            challenges: Vec::new(),
            closes: false,
            body: String::new(),
        };
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line).await.unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name {
                "www-authenticate" => answered.challenges.push(value.to_owned()),
                "content-length" => length = value.parse().unwrap(),
                "connection" => answered.closes = value == "close",
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        answered.body = String::from_utf8(body).unwrap();
        answered
    }

    /// All legs, with a body on each, as many clients do.
    pub(crate) async fn log_on(&mut self, scheme: Scheme, user: &str, password: &str) -> Answered {
        self.log_on_with("", scheme, user, password, ChannelBindings::none()).await
    }

    /// The same through a proxy that adds `fields` to each leg.
    #[allow(dead_code, reason = "not every test has a proxy")]
    pub(crate) async fn log_on_through(&mut self, fields: &str, user: &str, pw: &str) -> Answered {
        self.log_on_with(fields, Scheme::Ntlm, user, pw, ChannelBindings::none()).await
    }

    /// The same over TLS.
    pub(crate) async fn log_on_bound(
        &mut self,
        scheme: Scheme,
        user: &str,
        password: &str,
        bindings: ChannelBindings,
    ) -> Answered {
        self.log_on_with("", scheme, user, password, bindings).await
    }

    async fn log_on_with(
        &mut self,
        fields: &str,
        scheme: Scheme,
        user: &str,
        password: &str,
        bindings: ChannelBindings,
    ) -> Answered {
        let credential = Credential::password(&format!(r"CORP\{user}"), password);
        let config = Arc::new(InitiatorConfig::with_os(credential));
        let target = TargetName::http("x");
        let initiator = match scheme {
            Scheme::Ntlm => Initiator::ntlm(config, target, bindings),
            _ => Initiator::negotiate(config, target, bindings),
        };
        let mut token = Vec::new();
        let InitiatorStep::Continue(initiator) = initiator.step(None, &mut token).unwrap() else {
            panic!("complete after one leg")
        };
        let body = vec![b'x'; 100_000];
        let header = format!("{fields}Authorization: {}\r\n", format_token(scheme, &token));
        let answered = self.send("POST", "/", &header, &body).await;
        assert_eq!(answered.status, 401);
        assert!(!answered.closes);
        let challenge = parse_token(scheme, answered.challenges[0].as_bytes()).unwrap().unwrap();
        token.clear();
        let _ = initiator.step(Some(&challenge), &mut token).unwrap();
        let header = format!("{fields}Authorization: {}\r\n", format_token(scheme, &token));
        self.send("POST", "/", &header, &body).await
    }
}

/// The first leg of a logon by NTLM.
pub(crate) fn first_token() -> Vec<u8> {
    let config = Arc::new(InitiatorConfig::with_os(Credential::password("x", "y")));
    let initiator = Initiator::ntlm(config, TargetName::http("x"), ChannelBindings::none());
    let mut token = Vec::new();
    let _ = initiator.step(None, &mut token).unwrap();
    token
}
