//! `reject/`: what must not succeed, one defect a file. Every case is refused for the reason that
//! it names, and with the defect undone it succeeds: the defect is the reason, and nothing else.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/vectors.rs"]
mod vectors;

use forge::{FixedClock, FixedRandom};
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, AccountName, Answer, BindingsPolicy, ChannelBindings,
    Context, Credential, Error, Exchange, Initiator, InitiatorConfig, InitiatorStep, KeyStrength,
    KnownAccount, LmHash, LogonRequest, MicPolicy, NtHash, Policy, RecentChallenges,
    ReflectionGuard, ServerNames, TargetName, TargetNamePolicy,
};
use std::collections::HashSet;
use std::sync::Arc;
use vectors::Case;

/// When a connection begins that has no CHALLENGE yet.
const NOW: u64 = 133_000_000_000_000_000;
const SECOND: u64 = 10_000_000;

/// What a case says; what it leaves out is as usual.
#[derive(Debug, Clone, Default)]
struct Attempt {
    negotiate: Option<Vec<u8>>,
    challenge: Option<Vec<u8>>,
    mech_types: Option<Vec<u8>>,
    tokens: Vec<Vec<u8>>,
    sealed: Vec<Vec<u8>>,
    signatures: Vec<Vec<u8>>,
    bindings: Option<Vec<u8>>,
    machine_id: Option<Vec<u8>>,
    answered: Option<Vec<u8>>,
    password: Option<String>,
    store: Option<String>,
    age: Option<u64>,
    policy: Vec<String>,
}

fn or<T>(first: Vec<T>, second: Vec<T>) -> Vec<T> {
    if first.is_empty() { second } else { first }
}

impl Attempt {
    fn read(case: &Case, prefix: &str) -> Self {
        let name = |name: &str| format!("{prefix}{name}");
        Self {
            negotiate: case.opt_hex(&name("Negotiate")),
            challenge: case.opt_hex(&name("Challenge")),
            mech_types: case.opt_hex(&name("MechTypeList")),
            tokens: case.list_hex(&name("Token")),
            sealed: case.list_hex(&name("SealedData")),
            signatures: case.list_hex(&name("Signature")),
            bindings: case.opt_hex(&name("ChannelBindings")),
            machine_id: case.opt_hex(&name("MachineId")),
            answered: case.opt_hex(&name("AnsweredChallenge")),
            password: case.opt_text(&name("Password")),
            store: case.opt_text(&name("Store")),
            age: case.opt_u64(&name("Age")),
            policy: case.list_text(&name("Policy")),
        }
    }

    /// This one in the place of `other`, as far as it says anything.
    fn over(self, other: Self) -> Self {
        Self {
            negotiate: self.negotiate.or(other.negotiate),
            challenge: self.challenge.or(other.challenge),
            mech_types: self.mech_types.or(other.mech_types),
            tokens: or(self.tokens, other.tokens),
            sealed: or(self.sealed, other.sealed),
            signatures: or(self.signatures, other.signatures),
            bindings: self.bindings.or(other.bindings),
            machine_id: self.machine_id.or(other.machine_id),
            answered: self.answered.or(other.answered),
            password: self.password.or(other.password),
            store: self.store.or(other.store),
            age: self.age.or(other.age),
            policy: or(self.policy, other.policy),
        }
    }

    fn is_empty(&self) -> bool {
        format!("{self:?}") == format!("{:?}", Self::default())
    }

    fn config(&self, now: u64) -> Arc<AcceptorConfig> {
        let names =
            ServerNames::new("WEB01", "CORP").with_dns("web01.corp.example", "corp.example");
        let (random, clock) = (Arc::new(FixedRandom(0x42)), Arc::new(FixedClock(now)));
        let mut config =
            AcceptorConfig::new(names, random, clock).with_policy(policy(&self.policy));
        if let Some(id) = &self.machine_id {
            config = config.with_machine_id(id.as_slice().try_into().unwrap());
        }
        if let Some(challenge) = &self.answered {
            let guard = RecentChallenges::default();
            guard.answering(challenge.as_slice().try_into().unwrap());
            config = config.with_reflection_guard(Arc::new(guard));
        }
        Arc::new(config)
    }

    fn bindings(&self) -> ChannelBindings {
        match &self.bindings {
            Some(data) => ChannelBindings::from_application_data(data.clone()),
            None => ChannelBindings::none(),
        }
    }

    fn acceptor(&self) -> Acceptor {
        let (Some(negotiate), Some(challenge)) = (&self.negotiate, &self.challenge) else {
            return Acceptor::new(self.config(NOW), self.bindings());
        };
        let exchange = forge::exchange(negotiate, challenge);
        let now = exchange.issued_at.ticks() + self.age.unwrap_or(1) * SECOND;
        let exchange = Exchange {
            mech_types: self.mech_types.clone(),
            mech_list_mic_required: self.policy.iter().any(|word| word == "request-mic"),
            ..exchange
        };
        Acceptor::resume(self.config(now), self.bindings(), exchange).unwrap()
    }

    fn answer(&self) -> Answer {
        if self.store.as_deref() == Some("unknown") {
            return Answer::Unknown;
        }
        assert_eq!(self.store.as_deref().unwrap_or("known"), "known");
        let password = self.password.as_deref().unwrap_or("S3cret!pw");
        let name = AccountName::new("CORP", "alice");
        let account = KnownAccount::new(NtHash::of_password(password), name);
        Answer::Known(account.with_lm_hash(LmHash::of_password(password).unwrap()))
    }

    /// The tokens in order. What begins behind the end of an exchange begins anew, as on a
    /// connection; the last token decides.
    fn accept(&self) -> Result<(), String> {
        let mut acceptor = self.acceptor();
        let (last, before) = self.tokens.split_last().unwrap();
        for token in before {
            acceptor = match acceptor.step(token, &mut Vec::new()) {
                Ok(AcceptorStep::Continue(next)) => next,
                Ok(AcceptorStep::NeedLogon(request)) => {
                    let _ = self.resolve(request);
                    Acceptor::new(self.config(NOW), self.bindings())
                }
                step => panic!("{step:?}"),
            };
        }
        match acceptor.step(last, &mut Vec::new()).map_err(|error| name(&error))? {
            AcceptorStep::NeedLogon(request) => {
                let context = self.resolve(request).map_err(|error| name(&error))?;
                self.unwrap(context)
            }
            step => {
                assert!(matches!(step, AcceptorStep::Continue(_)));
                Ok(())
            }
        }
    }

    fn resolve(&self, request: LogonRequest) -> Result<Context, Error> {
        match request.resolve(Ok(self.answer()), &mut Vec::new())? {
            AcceptorStep::Complete(context) => Ok(context),
            step => panic!("{step:?}"),
        }
    }

    /// The messages behind the exchange; only the last may be wrong.
    fn unwrap(&self, mut context: Context) -> Result<(), String> {
        assert_eq!(self.sealed.len(), self.signatures.len());
        for (number, sealed) in self.sealed.iter().enumerate() {
            let mut message = sealed.clone();
            if !context.unwrap(&mut message, &self.signatures[number]).unwrap() {
                assert_eq!(number, self.sealed.len() - 1, "an earlier message is wrong");
                assert!(message.iter().all(|byte| *byte == 0), "nothing gets out");
                return Err("WrongSignature".into());
            }
        }
        Ok(())
    }

    /// The tokens at an initiator that has begun.
    fn initiate(&self) -> Result<(), String> {
        let credential = Credential::password(r"CORP\alice", "S3cret!pw");
        let (random, clock) = (Arc::new(FixedRandom(0x55)), Arc::new(FixedClock(NOW)));
        let mut config = InitiatorConfig::new(credential, random, clock);
        let mut initiator: fn(_, _, _) -> _ = Initiator::ntlm;
        for word in &self.policy {
            match word.as_str() {
                "spnego" => initiator = Initiator::negotiate,
                "integrity" => config = config.with_integrity(true),
                "confidentiality" => config = config.with_confidentiality(true),
                "128-bit" => config = config.with_min_key_strength(KeyStrength::Bits128),
                word => panic!("{word}"),
            }
        }
        let target = TargetName::http("web01.corp.example");
        let mut initiator = initiator(Arc::new(config), target, self.bindings());
        let first = initiator.step(None, &mut Vec::new()).unwrap();
        let InitiatorStep::Continue(next) = first else { panic!("{first:?}") };
        initiator = next;
        for token in &self.tokens {
            match initiator.step(Some(token), &mut Vec::new()).map_err(|error| name(&error))? {
                InitiatorStep::Continue(next) => initiator = next,
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}

fn policy(words: &[String]) -> Policy {
    let mut policy = Policy::default();
    for word in words {
        match word.as_str() {
            "default" | "request-mic" => {}
            "no-ntlm" => policy.ntlm = false,
            "ntlm-v1" => policy.ntlm_v1 = true,
            "ntlm2-session" => policy.ntlm2_session = true,
            "lm" => policy.lm = true,
            "mic-always" => policy.mic = MicPolicy::Always,
            "bindings-always" => policy.bindings = BindingsPolicy::Always,
            "target-name" => {
                let own = TargetName::http("web01.corp.example");
                policy.target_name = TargetNamePolicy::Require(vec![own]);
            }
            word => panic!("{word}"),
        }
    }
    policy
}

/// The reason of an error, as the files have it.
fn name(error: &Error) -> String {
    match error {
        Error::Denied(denial) => format!("{:?}", denial.refusal()),
        Error::PeerIncompatible(what) => format!("{what:?}"),
        Error::Decode(error) => format!("{:?} of {}", error.kind, error.field),
        Error::OutOfSequence { .. } => "OutOfSequence".into(),
        error => panic!("{error:?}"),
    }
}

// S-05, S-13, P-13: each of the checks, and that it is the one that refuses.
#[test]
fn every_defect_is_refused_by_its_name_and_without_it_nothing_is() {
    let (mut ids, mut wrong) = (HashSet::new(), Vec::new());
    for case in vectors::load_dir("reject") {
        assert_eq!(case.kind(), "reject");
        let side = case.text("Side");
        let run = |attempt: &Attempt| match side.as_str() {
            "acceptor" => attempt.accept(),
            "initiator" => attempt.initiate(),
            side => panic!("{side}"),
        };
        let expected = Err(case.text("Expect"));
        let (defect, undone) = (Attempt::read(&case, ""), Attempt::read(&case, "Undone"));
        let result = run(&defect);
        if result != expected {
            wrong.push(format!("{}: {result:?}, expected {expected:?}", case.id()));
        }
        assert!(!undone.is_empty(), "{} has no twin", case.id());
        if let Err(error) = run(&undone.over(defect)) {
            wrong.push(format!("{}, undone: {error}", case.id()));
        }
        assert!(ids.insert(case.id().to_owned()), "{} stands twice", case.id());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ids.len() >= 160, "{} cases", ids.len());
}
