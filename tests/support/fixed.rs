//! A world in which nothing changes by itself: fixed clock, counted randomness, one user.

#![allow(dead_code, reason = "each test binary uses a part")]

use logon::{
    AcceptorConfig, Account, AccountName, Answer, ChannelBindings, Credential, CredentialStore,
    FileTime, Initiator, InitiatorConfig, KnownAccount, NtHash, RandomFailed, SecureRandom,
    ServerNames, StoreError, TargetName, TimeSource,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) const DOMAIN: &str = "CORP";
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "S3cret!pw";

/// A clock that stands still until it is told otherwise.
#[derive(Debug, Default)]
pub(crate) struct Clock(AtomicU64);

impl Clock {
    pub(crate) fn at(seconds_since_1970: u64) -> Arc<Self> {
        let time = FileTime::from_unix(Duration::from_secs(seconds_since_1970));
        Arc::new(Self(AtomicU64::new(time.ticks())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_nanos() / 100).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn set_back(&self, by: Duration) {
        self.0.fetch_sub(u64::try_from(by.as_nanos() / 100).unwrap(), Ordering::SeqCst);
    }
}

impl TimeSource for Clock {
    fn now(&self) -> FileTime {
        FileTime::from_ticks(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that count up: never the same challenge twice.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl SecureRandom for Counter {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        for byte in out {
            *byte = self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes()[0];
        }
        Ok(())
    }
}

/// A random number generator that fails.
#[derive(Debug)]
pub(crate) struct Broken;

impl SecureRandom for Broken {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomFailed> {
        Err(RandomFailed)
    }
}

pub(crate) fn names() -> ServerNames {
    ServerNames::new("WEB01", DOMAIN).with_dns("web01.corp.example", "corp.example")
}

pub(crate) fn acceptor_config(clock: &Arc<Clock>) -> AcceptorConfig {
    AcceptorConfig::new(names(), Arc::new(Counter::default()), Arc::clone(clock) as _)
}

pub(crate) fn initiator_config(account: &str, password: &str) -> Arc<InitiatorConfig> {
    let credential = Credential::password(account, password);
    let random = Counter(AtomicU64::new(100));
    Arc::new(InitiatorConfig::new(credential, Arc::new(random), Clock::at(0)))
}

pub(crate) fn ntlm(account: &str, password: &str) -> Initiator {
    let target = TargetName::http("web01.corp.example");
    Initiator::ntlm(initiator_config(account, password), target, ChannelBindings::none())
}

pub(crate) fn negotiate(account: &str, password: &str) -> Initiator {
    let target = TargetName::http("web01.corp.example");
    Initiator::negotiate(initiator_config(account, password), target, ChannelBindings::none())
}

/// `CORP\alice`, and `CORP\bob` with a password of his own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Users;

pub(crate) const BOBS_PASSWORD: &str = "b0bs!pw";

impl CredentialStore for Users {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        let (user, password) = match account.user().to_lowercase().as_str() {
            USER => (USER, PASSWORD),
            "bob" => ("bob", BOBS_PASSWORD),
            _ => return Ok(Answer::Unknown),
        };
        let name = AccountName::new(DOMAIN, user);
        Ok(Answer::Known(KnownAccount::new(NtHash::of_password(password), name)))
    }
}
