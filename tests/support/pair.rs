//! An initiator and an acceptor in one room.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

use crate::forge::{self, FixedClock, FixedRandom};
use logon::{
    Acceptor, AcceptorStep, Account, Answer, ChannelBindings, Context, Credential, Error,
    Initiator, InitiatorConfig, InitiatorContext, InitiatorStep, Policy, TargetName,
};
use std::sync::Arc;

pub(crate) const NOW: u64 = 133_000_000_000_000_000;
pub(crate) const PASSWORD: &str = "S3cret!pw";

/// How the two are set up; the default is what succeeds.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) spnego: bool,
    pub(crate) key_exchange: bool,
    /// Whether the client asks for confidentiality.
    pub(crate) sealed: bool,
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) client_bindings: ChannelBindings,
    pub(crate) server_bindings: ChannelBindings,
    pub(crate) policy: Policy,
    /// The byte that the client's random numbers are made of, the session key among them.
    pub(crate) random: u8,
}

/// Both ends of a completed exchange.
pub(crate) struct Both {
    pub(crate) client: InitiatorContext,
    pub(crate) server: Context,
}

impl Default for Pair {
    fn default() -> Self {
        Self {
            spnego: false,
            key_exchange: true,
            sealed: true,
            name: "CORP\\alice",
            password: PASSWORD,
            client_bindings: ChannelBindings::none(),
            server_bindings: ChannelBindings::none(),
            policy: Policy::default(),
            random: 0x55,
        }
    }
}

/// A store with one account, under both its names.
pub(crate) fn lookup(account: Account<'_>) -> Answer {
    match (account.domain(), account.user()) {
        ("CORP", "alice") | ("", "alice@corp.example") => forge::known("CORP", "Alice", PASSWORD),
        _ => Answer::Unknown,
    }
}

impl Pair {
    pub(crate) fn initiator(&self) -> Initiator {
        let credential = Credential::password(self.name, self.password);
        let (random, clock) = (Arc::new(FixedRandom(self.random)), Arc::new(FixedClock(NOW)));
        let config = InitiatorConfig::new(credential, random, clock)
            .with_workstation("LAPTOP")
            .with_key_exchange(self.key_exchange)
            .with_confidentiality(self.sealed);
        let target = TargetName::http("web01.corp.example");
        let bindings = self.client_bindings.clone();
        if self.spnego {
            Initiator::negotiate(Arc::new(config), target, bindings)
        } else {
            Initiator::ntlm(Arc::new(config), target, bindings)
        }
    }

    pub(crate) fn acceptor(&self) -> Acceptor {
        Acceptor::new(forge::config(NOW, self.policy.clone()), self.server_bindings.clone())
    }

    /// Both sides to the end; every token is of the expected kind.
    pub(crate) fn run(&self) -> Result<Both, Error> {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut initiator = to_continue(self.initiator().step(None, &mut first)?);
        assert!(Acceptor::is_initial(&first));
        let AcceptorStep::Continue(acceptor) = self.acceptor().step(&first, &mut second)? else {
            panic!("no challenge")
        };
        let mut third = Vec::new();
        let mut client = None;
        match initiator.step(Some(&second), &mut third)? {
            InitiatorStep::Complete(context) => {
                assert!(!self.spnego);
                client = Some(context);
                initiator = self.initiator();
            }
            InitiatorStep::Continue(next) => initiator = next,
            step => panic!("{step:?}"),
        }
        assert!(!Acceptor::is_initial(&third));
        let mut last = Vec::new();
        let AcceptorStep::NeedLogon(request) = acceptor.step(&third, &mut last)? else {
            panic!("nobody to look up")
        };
        let answer = lookup(request.account());
        let AcceptorStep::Complete(server) = request.resolve(Ok(answer), &mut last)? else {
            panic!("not complete")
        };
        assert_eq!(last.is_empty(), !self.spnego);
        let client = match client {
            Some(client) => client,
            None => match initiator.step(Some(&last), &mut Vec::new())? {
                InitiatorStep::Complete(client) => client,
                step => panic!("{step:?}"),
            },
        };
        Ok(Both { client, server })
    }
}

pub(crate) fn to_continue(step: InitiatorStep) -> Initiator {
    match step {
        InitiatorStep::Continue(next) => next,
        step => panic!("{step:?}"),
    }
}
