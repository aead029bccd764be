//! Logons by messages of the NTLMv1 family.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

use crate::capture;
use crate::forge::{self, Forge, finish, known};
use crate::messages::{array, flags};
use crate::vectors::{self, Case};
use logon::ntlm::{lm_response, ntlm_v1_response};
use logon::wire::ntlm::{Authenticate, Negotiate, NegotiateFlags};
use logon::{
    Acceptor, AcceptorStep, AccountName, Answer, ChannelBindings, Context, Error, KnownAccount,
    LmHash, NtHash, Policy, Refusal,
};

pub(crate) const NOW: u64 = 133_000_000_000_000_000;
pub(crate) const PASSWORD: &str = "S3cret!pw";
/// What an old client asks for that wants to sign and seal.
pub(crate) const OLD: u32 = 0x0000_8237;

pub(crate) fn only(change: fn(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}

pub(crate) const NTLM_V1: fn(&mut Policy) = |policy| policy.ntlm_v1 = true;
pub(crate) const NTLM2_SESSION: fn(&mut Policy) = |policy| policy.ntlm2_session = true;
pub(crate) const LM: fn(&mut Policy) = |policy| policy.lm = true;

pub(crate) fn everything() -> Policy {
    let mut policy = Policy::default();
    [NTLM_V1, NTLM2_SESSION, LM].iter().for_each(|change| change(&mut policy));
    policy
}

/// An account with both hashes, of passwords that need not be the same.
pub(crate) fn with_lm(password: &str, lm_password: &str) -> Answer {
    let name = AccountName::new("CORP", "alice");
    let account = KnownAccount::new(NtHash::of_password(password), name);
    Answer::Known(account.with_lm_hash(LmHash::of_password(lm_password).unwrap()))
}

/// A logon by a message of the NTLMv1 family.
#[derive(Clone)]
pub(crate) struct Old {
    pub(crate) challenge: Vec<u8>,
    pub(crate) authenticate: Vec<u8>,
    pub(crate) password: String,
    pub(crate) key: [u8; 16],
    pub(crate) opt_in: fn(&mut Policy),
    pub(crate) refused: Refusal,
}

impl Old {
    pub(crate) fn log_on(
        &self,
        policy: Policy,
        bindings: ChannelBindings,
    ) -> Result<Context, Error> {
        let answer = with_lm(&self.password, &self.password);
        replay(&self.challenge, &self.authenticate, policy, bindings, answer)
    }

    pub(crate) fn opted_in(&self) -> Policy {
        only(self.opt_in)
    }
}

/// A recorded message at an acceptor that has sent the recorded CHALLENGE.
pub(crate) fn replay(
    challenge: &[u8],
    authenticate: &[u8],
    policy: Policy,
    bindings: ChannelBindings,
    answer: Answer,
) -> Result<Context, Error> {
    let exchange = forge::exchange(&[], challenge);
    let config = forge::config(exchange.issued_at.ticks() + 1, policy);
    let acceptor = Acceptor::resume(config, bindings, exchange).unwrap();
    finish(acceptor, authenticate, answer, &mut Vec::new())
}

pub(crate) fn case(file: &str, id: &str) -> Case {
    let (mut found, others): (Vec<_>, Vec<_>) =
        vectors::load(file).into_iter().partition(|case| case.id() == id);
    others.into_iter().for_each(Case::pass_over);
    found.pop().unwrap()
}

pub(crate) fn specification() -> Old {
    let challenge = case("ms-nlmp/section_4_2_2_ntlmv1.txt", "4.2.2.3-challenge-message");
    let case = case("ms-nlmp/section_4_2_2_ntlmv1.txt", "4.2.2.3-authenticate-message");
    let authenticate = case.hex("Authenticate");
    let decoded = Authenticate::decode(&authenticate).unwrap();
    assert_eq!(decoded.flags, Some(flags(&case)));
    assert_eq!(decoded.version.unwrap().0[..], case.hex("Version"));
    let mut written = Vec::new();
    decoded.encode(&mut written).unwrap();
    assert_eq!(Authenticate::decode(&written), Ok(decoded));
    let old = Old {
        challenge: challenge.hex("Challenge"),
        authenticate,
        password: "Password".into(),
        key: [0x55; 16],
        opt_in: NTLM_V1,
        refused: Refusal::NtlmV1,
    };
    challenge.pass_over();
    old
}

pub(crate) fn chromium() -> Old {
    let case = case("ms-nlmp/chromium.txt", "authenticate-v1-ess");
    let authenticate = case.hex("Authenticate");
    let decoded = Authenticate::decode(&authenticate).unwrap();
    assert_eq!(decoded.flags, Some(flags(&case)));
    assert_eq!(decoded.nt_response, case.hex("NtChallengeResponse"));
    assert_eq!(decoded.lm_response[..8], case.hex("ClientChallenge"));
    for (name, field) in
        [("User", decoded.user), ("Domain", decoded.domain), ("Workstation", decoded.workstation)]
    {
        assert_eq!(field, forge::utf16le(&case.text(name)));
    }
    Old {
        challenge: case.hex("Challenge"),
        authenticate,
        password: case.text("Password"),
        // That of [MS-NLMP] §4.2.3.1.3: there is no key exchange.
        key: 0xeb93_429a_8bd9_52f8_b89c_55b8_7f47_5edc_u128.to_be_bytes(),
        opt_in: NTLM2_SESSION,
        refused: Refusal::NtlmV1,
    }
}

pub(crate) fn davenport() -> Old {
    let challenge = case("ms-nlmp/davenport.txt", "type2-message");
    let authenticate = case("ms-nlmp/davenport.txt", "type3-message");
    let keys = case("ms-nlmp/davenport.txt", "session-keys");
    let old = Old {
        challenge: challenge.hex("Challenge"),
        authenticate: authenticate.hex("Authenticate"),
        password: keys.text("Password"),
        key: array(&keys.hex("NtlmUserSessionKey")),
        opt_in: NTLM_V1,
        refused: Refusal::NtlmV1,
    };
    [challenge, authenticate, keys].into_iter().for_each(Case::pass_over);
    old
}

pub(crate) fn wget() -> Old {
    let capture = capture::captures().into_iter().find(|capture| !capture.v2).unwrap();
    Old {
        challenge: capture.challenge,
        authenticate: capture.authenticate,
        password: capture.password,
        key: array(&capture.key),
        opt_in: NTLM_V1,
        refused: Refusal::NtlmV1,
    }
}

/// A client that asks for `asked`, at an acceptor that allows it everything.
pub(crate) fn client(asked: u32) -> Forge {
    let asked = NegotiateFlags::from_bits_retain(asked);
    let mut negotiate = Vec::new();
    let message = Negotiate { flags: asked, domain: &[], workstation: &[], version: None };
    message.encode(&mut negotiate).unwrap();
    let mut challenge = Vec::new();
    let acceptor = Acceptor::new(forge::config(NOW, everything()), ChannelBindings::none());
    let step = acceptor.step(&negotiate, &mut challenge).unwrap();
    assert!(matches!(step, AcceptorStep::Continue(_)));
    Forge { mic: false, ..Forge::answer(&negotiate, &challenge) }
}

pub(crate) const SERVER_CHALLENGE: [u8; 8] = [0x42; 8];

/// Nothing but an LM response, which no vector has.
pub(crate) fn lm_only() -> Old {
    let hash = LmHash::of_password("S3cret!pw").unwrap();
    let forge = Forge {
        lm_response: lm_response(&hash, &SERVER_CHALLENGE).to_vec(),
        nt_response: Some(Vec::new()),
        ..client(OLD)
    };
    let [a, b, c, d, e, f, g, h, ..] = *hash.expose();
    Old {
        challenge: forge.challenge.clone(),
        authenticate: forge.message(),
        password: PASSWORD.into(),
        key: [a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0],
        opt_in: LM,
        refused: Refusal::LmOnly,
    }
}

pub(crate) fn all() -> [Old; 5] {
    [specification(), chromium(), davenport(), wget(), lm_only()]
}

pub(crate) fn hashes(password: &str) -> (NtHash, LmHash) {
    (NtHash::of_password(password), LmHash::of_password(password).unwrap())
}

/// `SessionBaseKey` of a whole NTLMv1 logon: without a key exchange it is what comes out.
pub(crate) fn session_base_key(password: &str) -> [u8; 16] {
    let response = ntlm_v1_response(&NtHash::of_password(password), &SERVER_CHALLENGE).to_vec();
    let forge = Forge { nt_response: Some(response), ..client(OLD) };
    let answer = known("CORP", "alice", password);
    let context = forge.log_on(only(NTLM_V1), ChannelBindings::none(), answer).unwrap();
    context.exported_session_key().try_into().unwrap()
}
