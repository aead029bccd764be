//! Users, and a client on a bare connection with logon's own initiator.

use logon::http::{Scheme, format_token, parse_token};
use logon::{
    Account, AccountName, Answer, ChannelBindings, Credential, Initiator, InitiatorConfig,
    InitiatorStep, KnownAccount, NtHash, StoreError, TargetName,
};
use logon_actix::AsyncCredentialStore;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

pub(crate) const PASSWORD: &str = "S3cret!pw";

/// Knows alice and bob, and takes its time.
pub(crate) struct Users;

impl AsyncCredentialStore for Users {
    async fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        let known = |user| {
            let name = AccountName::new("CORP", user);
            Ok(Answer::Known(KnownAccount::new(NtHash::of_password(PASSWORD), name)))
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
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
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

pub(crate) struct Client<I> {
    io: BufReader<I>,
    bindings: ChannelBindings,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Client<I> {
    pub(crate) fn new(io: I, bindings: ChannelBindings) -> Self {
        Self { io: BufReader::new(io), bindings }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.io.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        fields: &str,
        body: &[u8],
    ) -> Answered {
        self.write(&request(method, path, fields, body)).await;
        self.read().await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answered {
        self.send("GET", path, "", b"").await
    }

    pub(crate) async fn read(&mut self) -> Answered {
        let mut line = String::new();
        self.io.read_line(&mut line).await.unwrap();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {line:?}"));
        let mut answered = Answered {
            status: status.parse().unwrap(),
            challenges: Vec::new(),
            closes: false,
            fields: Vec::new(),
            body: String::new(),
        };
        let mut length = 0;
        loop {
            line.clear();
            self.io.read_line(&mut line).await.unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name {
                "www-authenticate" => answered.challenges.push(value.to_owned()),
                "content-length" => length = value.parse().unwrap(),
                "connection" => answered.closes = value == "close",
                _ => answered.fields.push((name.to_owned(), value.to_owned())),
            }
        }
        let mut body = vec![0; length];
        self.io.read_exact(&mut body).await.unwrap();
        answered.body = String::from_utf8(body).unwrap();
        answered
    }

    /// All legs, with a body on each, as many clients do.
    pub(crate) async fn log_on(&mut self, scheme: Scheme, user: &str, password: &str) -> Answered {
        self.log_on_with(scheme, user, password, "", &[b'x'; 100_000]).await
    }

    pub(crate) async fn log_on_with(
        &mut self,
        scheme: Scheme,
        user: &str,
        password: &str,
        fields: &str,
        body: &[u8],
    ) -> Answered {
        let authenticate = self.challenged(scheme, user, password, fields, body).await;
        self.send("POST", "/", &format!("{fields}{authenticate}"), body).await
    }

    /// The first leg; the field with the AUTHENTICATE of the second.
    pub(crate) async fn challenged(
        &mut self,
        scheme: Scheme,
        user: &str,
        password: &str,
        fields: &str,
        body: &[u8],
    ) -> String {
        let (initiator, negotiate) = start(scheme, user, password, self.bindings.clone());
        let answered = self.send("POST", "/", &format!("{fields}{negotiate}"), body).await;
        assert_eq!(answered.status, 401, "{answered:?}");
        assert!(!answered.closes);
        let challenge = parse_token(scheme, answered.challenges[0].as_bytes()).unwrap().unwrap();
        let mut token = Vec::new();
        let _ = initiator.step(Some(&challenge), &mut token).unwrap();
        format!("Authorization: {}\r\n", format_token(scheme, &token))
    }
}

/// An initiator, and the field with its first token.
pub(crate) fn start(
    scheme: Scheme,
    user: &str,
    password: &str,
    bindings: ChannelBindings,
) -> (Initiator, String) {
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
    (initiator, format!("Authorization: {}\r\n", format_token(scheme, &token)))
}

pub(crate) fn request(method: &str, path: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{fields}\r\n");
    [head.as_bytes(), body].concat()
}
