//! Digest from the challenge to the verdict. The header around it is in `tests/`.

mod parameters;
mod published;
mod verdicts;

use super::{DigestConfig, DigestRequest, DigestVerdict, PendingDigest, RecentNonces};
use crate::digest::{DigestAlgorithm, DigestAnswer, Ha1};
use crate::env::{FileTime, SecureRandom};
use crate::error::{Error, RandomFailed, Refusal};
use crate::http::header::push_quoted;
use crate::identity::AccountName;
use crate::policy::Policy;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::time::Duration;

const MD5: DigestAlgorithm = DigestAlgorithm::Md5;
const SHA_256: DigestAlgorithm = DigestAlgorithm::Sha256;
const SHA_512_256: DigestAlgorithm = DigestAlgorithm::Sha512_256;

/// Seconds on the clock of the tests.
fn at(seconds: u64) -> FileTime {
    FileTime::from_unix(Duration::from_secs(1_700_000_000 + seconds))
}

#[derive(Debug)]
struct Same(u8);

impl SecureRandom for Same {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        out.fill(self.0);
        Ok(())
    }
}

fn config(realm: &str) -> DigestConfig {
    let config = DigestConfig::new(realm, &Same(7), Arc::new(RecentNonces::default())).unwrap();
    config.with_algorithms(&DigestAlgorithm::ALL)
}

/// A nonce of `config`, issued at `time`, told from others by `random`.
fn nonce(config: &DigestConfig, time: FileTime, random: u8) -> String {
    let challenges = config.challenges(time, &Same(random), false).unwrap();
    let (_, rest) = challenges[0].split_once("nonce=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// The same with nothing remembered.
fn forgetful(like: &DigestConfig) -> DigestConfig {
    config(like.realm()).with_nonce_lifetime(like.nonce_lifetime)
}

/// What a client puts into its credentials, and makes its response of.
#[derive(Clone)]
struct Client {
    algorithm: DigestAlgorithm,
    username: String,
    password: String,
    realm: String,
    nonce: String,
    uri: String,
    nc: String,
    cnonce: String,
    qop: String,
    method: String,
    body: Option<Vec<u8>>,
}

impl Client {
    fn new(realm: &str, nonce: String) -> Self {
        Self {
            algorithm: SHA_256,
            username: "CORP\\alice".into(),
            password: "S3cret!pw".into(),
            realm: realm.into(),
            nonce,
            uri: "/a?b=c".into(),
            nc: "00000001".into(),
            cnonce: "c l\"ient".into(),
            qop: "auth".into(),
            method: "GET".into(),
            body: None,
        }
    }

    fn ha1(&self) -> Ha1 {
        Ha1::of_password(self.algorithm, &self.username, &self.realm, &self.password)
    }

    fn hash(&self, text: &str) -> String {
        self.algorithm.hash(&[text.as_bytes()]).as_str().into()
    }

    /// With the method of `A2`, which is empty in the server's answer.
    fn response(&self, method: &str) -> String {
        let Self { uri, nonce, nc, cnonce, qop, .. } = self;
        let body = self.body.as_ref().map(|body| self.algorithm.hash(&[body]));
        let body = body.map_or(String::new(), |hash| format!(":{}", hash.as_str()));
        let ha2 = self.hash(&format!("{method}:{uri}{body}"));
        self.hash(&format!("{}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}", self.ha1().expose()))
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let quoted = |text: &str| {
            let mut out = String::new();
            push_quoted(&mut out, text);
            out
        };
        vec![
            ("username", quoted(&self.username)),
            ("realm", quoted(&self.realm)),
            ("nonce", quoted(&self.nonce)),
            ("uri", quoted(&self.uri)),
            ("response", quoted(&self.response(&self.method))),
            ("algorithm", self.algorithm.name().into()),
            ("cnonce", quoted(&self.cnonce)),
            ("qop", self.qop.clone()),
            ("nc", self.nc.clone()),
        ]
    }

    fn credentials(&self) -> String {
        join(&self.parameters())
    }

    /// The credentials with the parameter `name` in another form.
    fn with(&self, name: &str, value: &str) -> String {
        let mut parameters = self.parameters();
        let place = parameters.iter_mut().find(|(known, _)| *known == name).unwrap();
        place.1 = value.into();
        join(&parameters)
    }

    fn read(&self, config: &DigestConfig) -> Result<PendingDigest, Error> {
        self.read_as(config, &self.credentials())
    }

    fn read_as(&self, config: &DigestConfig, credentials: &str) -> Result<PendingDigest, Error> {
        read(config, credentials.as_bytes(), &self.method, &self.uri, self.body.as_deref())
    }

    fn known(&self) -> DigestAnswer {
        DigestAnswer::Known { ha1: self.ha1(), name: AccountName::new("CORP", "alice") }
    }

    /// The verdict at `now`, of a store that knows the password.
    fn log_on(&self, config: &DigestConfig, now: FileTime) -> Result<DigestVerdict, Error> {
        self.read(config)?.resolve(Ok(self.known()), config, now)
    }
}

fn join(parameters: &[(&str, String)]) -> String {
    let each: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    each.join(", ")
}

fn read(
    config: &DigestConfig,
    credentials: &[u8],
    method: &str,
    target: &str,
    entity_body: Option<&[u8]>,
) -> Result<PendingDigest, Error> {
    let policy = &Policy::default();
    config.read(credentials, &DigestRequest { method, target, entity_body, policy })
}

/// A server, and a client with a fresh nonce of it.
fn pair() -> (DigestConfig, Client) {
    let config = config("logon");
    let nonce = nonce(&config, at(0), 1);
    (config, Client::new("logon", nonce))
}

fn refusal(verdict: Result<DigestVerdict, Error>) -> Refusal {
    match verdict {
        Err(Error::Denied(denial)) => denial.refusal(),
        other => panic!("{other:?}"),
    }
}

fn assert_proven(verdict: Result<DigestVerdict, Error>) {
    assert!(matches!(verdict, Ok(DigestVerdict::Proven { .. })), "{verdict:?}");
}

fn assert_stale(verdict: Result<DigestVerdict, Error>) {
    assert!(matches!(verdict, Ok(DigestVerdict::Stale)), "{verdict:?}");
}
