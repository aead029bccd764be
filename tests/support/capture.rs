//! The recorded handshakes of `testvectors/captures/`.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

use crate::forge::{self, Forge, finish, known, refusal};
use crate::vectors;
use logon::wire::ntlm::Challenge;
use logon::wire::spnego::{MechType, NegTokenInit};
use logon::{Acceptor, Answer, ChannelBindings, Exchange, FileTime, Policy, Refusal};

pub(crate) const SECOND: u64 = 10_000_000;

pub(crate) struct Capture {
    pub(crate) id: String,
    pub(crate) spnego: bool,
    pub(crate) password: String,
    pub(crate) user: String,
    pub(crate) domain: String,
    pub(crate) workstation: String,
    pub(crate) negotiate: Vec<u8>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) authenticate: Vec<u8>,
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) replies: Vec<Vec<u8>>,
    pub(crate) bindings: Option<Vec<u8>>,
    pub(crate) bindings_hash: Option<Vec<u8>>,
    pub(crate) v2: bool,
    pub(crate) mic: bool,
    pub(crate) key: Vec<u8>,
}

pub(crate) fn captures() -> Vec<Capture> {
    vectors::load_dir("captures").iter().map(Capture::read).collect()
}

pub(crate) fn v2_captures() -> Vec<Capture> {
    let captures: Vec<_> = captures().into_iter().filter(|capture| capture.v2).collect();
    assert!(captures.len() >= 29);
    captures
}

fn expect_word(word: &str, one: &str, other: &str) -> bool {
    assert!(word == one || word == other, "{word}");
    word == one
}

impl Capture {
    fn read(case: &vectors::Case) -> Self {
        assert_eq!(case.kind(), "handshake");
        assert_eq!(case.text("Client"), case.id());
        assert!(!case.text("ClientVersion").is_empty());
        expect_word(&case.text("Scheme"), "NTLM", "Negotiate");
        let requests = case.list_hex("RequestToken");
        let spnego = expect_word(&case.text("Wrap"), "spnego", "raw");
        let bindings = case.opt_hex("ChannelBindings");
        if let Some(client) = case.opt_hex("ClientChannelBindings") {
            assert_eq!(Some(client), bindings);
        }
        // One connection carries the whole handshake.
        let mut lines = case.list_text("Request");
        lines.retain(|line| !line.ends_with(" none"));
        assert_eq!(lines.len(), requests.len());
        let connection =
            |line: &String| line.split(' ').find(|word| word.starts_with("conn=")).unwrap().into();
        let connections: Vec<String> = lines.iter().map(connection).collect();
        assert!(connections.iter().all(|other| *other == connections[0]), "{connections:?}");
        let user = case.text("UserInMessage");
        assert_eq!(case.text("User"), user);
        let domain = case.text("DomainInMessage");
        assert_eq!(case.text("Domain"), domain);
        Self {
            id: case.id().into(),
            spnego,
            password: case.text("Password"),
            user,
            domain,
            workstation: case.text("Workstation"),
            negotiate: case.hex("Negotiate"),
            challenge: case.hex("Challenge"),
            authenticate: case.hex("Authenticate"),
            requests,
            replies: case.list_hex("ReplyToken"),
            bindings,
            bindings_hash: case.opt_hex("BindingsHash"),
            v2: expect_word(&case.text("Dialect"), "NTLMv2", "NTLMv1"),
            mic: expect_word(&case.text("Mic"), "ok", "none"),
            key: case.hex("ExportedSessionKey"),
        }
    }

    pub(crate) fn answer(&self) -> Answer {
        known("CORP", "Alice", &self.password)
    }

    pub(crate) fn channel_bindings(&self) -> ChannelBindings {
        match &self.bindings {
            Some(data) => ChannelBindings::from_application_data(data.clone()),
            None => ChannelBindings::none(),
        }
    }

    pub(crate) fn issued_at(&self) -> u64 {
        let challenge = Challenge::decode(&self.challenge).unwrap();
        challenge.target_info.unwrap().timestamp().unwrap()
    }

    /// The exchange behind its CHALLENGE, `age` later.
    pub(crate) fn resume(&self, age: u64, policy: Policy) -> Acceptor {
        let init = self.spnego.then(|| NegTokenInit::decode(&self.requests[0]).unwrap());
        let place = |init: &NegTokenInit<'_>| {
            init.mech_types.iter().position(|mech| mech == MechType::NTLMSSP).unwrap()
        };
        let exchange = Exchange {
            negotiate: self.negotiate.clone(),
            challenge: self.challenge.clone(),
            issued_at: FileTime::from_ticks(self.issued_at()),
            mech_types: init.map(|init| init.mech_types.as_der().to_vec()),
            mech_list_mic_required: init.is_some_and(|init| place(&init) > 0),
        };
        let config = forge::config(self.issued_at() + age, policy);
        Acceptor::resume(config, self.channel_bindings(), exchange).unwrap()
    }

    /// An AUTHENTICATE in place of the recorded one, bare.
    pub(crate) fn refused(&self, authenticate: &[u8]) -> Refusal {
        let exchange = forge::exchange(&self.negotiate, &self.challenge);
        let config = forge::config(self.issued_at() + SECOND, Policy::default());
        let acceptor = Acceptor::resume(config, self.channel_bindings(), exchange).unwrap();
        refusal(finish(acceptor, authenticate, self.answer(), &mut Vec::new()))
    }

    pub(crate) fn last(&self) -> &[u8] {
        self.requests.last().unwrap()
    }

    pub(crate) fn forge(&self) -> Forge {
        let Self { negotiate, challenge, authenticate, password, .. } = self;
        Forge::of_message(negotiate, challenge, authenticate, password)
    }
}
