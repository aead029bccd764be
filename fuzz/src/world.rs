//! The outside world, the same in every run: clock, randomness, accounts, recorded tokens.

use logon::http::{DigestConfig, RecentNonces};
use logon::wire::ntlm::{Authenticate, Challenge, Negotiate, NtlmV2Response};
use logon::wire::spnego::{NegTokenInit, NegTokenResp};
use logon::{
    AcceptorConfig, AccountName, Answer, BindingsPolicy, ChannelBindings, Credential,
    DigestAlgorithm, FileTime, InitiatorConfig, KnownAccount, MicPolicy, NtHash, Policy,
    RandomFailed, SecureRandom, ServerNames, TimeSource,
};
use std::sync::{Arc, LazyLock};

/// The hash of the only password. It stands in no seed and in no capture, and it takes a broken
/// MD5 to find it: nobody who does not read it here can log on.
const SECRET: [u8; 16] = [
    0x9d, 0x41, 0x6e, 0xf2, 0x07, 0xb8, 0x5c, 0x33, 0xe1, 0x7a, 0xc6, 0x90, 0x2b, 0xd4, 0x58, 0x1f,
];

/// Stands still.
#[derive(Debug)]
struct Clock;

impl TimeSource for Clock {
    fn now(&self) -> FileTime {
        FileTime::from_ticks(0x01dd_7a1e_9696_7216)
    }
}

/// Always the same bytes.
#[derive(Debug)]
struct Random;

impl SecureRandom for Random {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        for (index, byte) in (1..=u8::MAX).cycle().zip(out) {
            *byte = index.wrapping_mul(0x1d);
        }
        Ok(())
    }
}

pub(crate) fn random() -> Arc<dyn SecureRandom> {
    Arc::new(Random)
}

pub(crate) fn clock() -> Arc<dyn TimeSource> {
    Arc::new(Clock)
}

/// The store's answer to any name: this account, with the secret hash.
pub(crate) fn known() -> Answer {
    let name = AccountName::new("CORP", "alice");
    Answer::Known(KnownAccount::new(NtHash::from_bytes(SECRET), name))
}

/// A server with the demands that `choice` selects.
pub(crate) fn acceptor(choice: u8) -> Arc<AcceptorConfig> {
    let names = ServerNames::new("WEB01", if choice & 1 == 0 { "CORP" } else { "WEB01" });
    let names = names.with_dns("web01.corp.example", "corp.example");
    let mut policy = Policy::default();
    policy.mic = if choice & 2 == 0 { MicPolicy::WhenOffered } else { MicPolicy::Always };
    policy.bindings = match choice >> 2 & 3 {
        0 | 1 => BindingsPolicy::WhenOffered,
        2 => BindingsPolicy::Never,
        _ => BindingsPolicy::Always,
    };
    policy.ntlm_v1 = choice & 0x10 != 0;
    policy.ntlm2_session = policy.ntlm_v1;
    policy.lm = policy.ntlm_v1;
    let config = AcceptorConfig::new(names, Arc::new(Random), Arc::new(Clock));
    Arc::new(config.with_policy(policy))
}

/// TLS or none, as `choice` selects.
pub(crate) fn bindings(choice: u8) -> ChannelBindings {
    if choice & 0x20 == 0 {
        ChannelBindings::none()
    } else {
        ChannelBindings::from_application_data(b"tls-server-end-point:of a test".as_slice())
    }
}

/// A client that knows the secret.
pub(crate) fn initiator(choice: u8) -> Arc<InitiatorConfig> {
    let credential = Credential::nt_hash("CORP\\alice", NtHash::from_bytes(SECRET));
    let config = InitiatorConfig::new(credential, Arc::new(Random), Arc::new(Clock));
    Arc::new(config.with_key_exchange(choice & 0x40 == 0).with_workstation("PC1"))
}

/// What `Digest` is offered with, as `choice` selects.
pub(crate) fn digest(choice: u8) -> DigestConfig {
    let counts = Arc::new(RecentNonces::default());
    let config = DigestConfig::new("logon", &Random, counts).expect("a realm and randomness");
    let config = config.with_auth_int(choice & 1 == 1).with_user_hash(choice & 2 == 2);
    if choice & 4 == 0 { config.with_algorithms(&DigestAlgorithm::ALL) } else { config }
}

/// Nothing that leaves this side may carry the hash.
pub(crate) fn assert_no_secret(bytes: &[u8]) {
    assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET), "the hash leaks");
}

/// What an acceptor sends is nothing, a CHALLENGE, or a `NegTokenResp` around one.
pub(crate) fn assert_acceptor_output(out: &[u8]) {
    assert_no_secret(out);
    let inner = match NegTokenResp::decode(out) {
        Ok(resp) => resp.response_token.unwrap_or_default(),
        Err(_) => out,
    };
    if !inner.is_empty() {
        Challenge::decode(inner).expect("a CHALLENGE");
    }
}

/// What an initiator sends is nothing, a NEGOTIATE, an AUTHENTICATE with an NTLMv2 response and
/// a MIC, or a SPNEGO token around one of them.
pub(crate) fn assert_initiator_output(out: &[u8]) {
    assert_no_secret(out);
    let inner = if let Ok(init) = NegTokenInit::decode(out) {
        init.mech_token.unwrap_or_default()
    } else if let Ok(resp) = NegTokenResp::decode(out) {
        resp.response_token.unwrap_or_default()
    } else {
        out
    };
    if inner.is_empty() || Negotiate::decode(inner).is_ok() {
        return;
    }
    let message = Authenticate::decode(inner).expect("an AUTHENTICATE");
    assert!(message.mic.is_some());
    NtlmV2Response::decode(message.nt_response).expect("an NTLMv2 response");
}

/// Tokens of real handshakes.
#[derive(Debug)]
pub(crate) struct Recorded(Vec<Vec<u8>>);

impl Recorded {
    pub(crate) fn tokens(&self) -> &[Vec<u8>] {
        &self.0
    }
}

const CAPTURES: [&str; 6] = [
    include_str!("../../testvectors/captures/chromium-negotiate-https.txt"),
    include_str!("../../testvectors/captures/curl-ntlm.txt"),
    include_str!("../../testvectors/captures/go-ntlmssp-negotiate.txt"),
    include_str!("../../testvectors/captures/java-httpurlconnection.txt"),
    include_str!("../../testvectors/captures/pyspnego-negotiate.txt"),
    include_str!("../../testvectors/captures/requests-ntlm-https.txt"),
];

/// The tokens that clients sent.
pub(crate) static OF_CLIENTS: LazyLock<Recorded> = LazyLock::new(|| recorded("RequestToken = "));

/// The tokens that servers sent.
pub(crate) static OF_SERVERS: LazyLock<Recorded> = LazyLock::new(|| recorded("ReplyToken = "));

fn recorded(attribute: &str) -> Recorded {
    let lines = CAPTURES.iter().flat_map(|capture| capture.lines());
    let tokens = lines.filter_map(|line| line.strip_prefix(attribute)).map(|hex| {
        let digits = hex.as_bytes().chunks(2);
        let bytes = digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16));
        bytes.collect::<Result<Vec<u8>, _>>().expect("testvectors are hexadecimal")
    });
    Recorded(tokens.collect())
}
