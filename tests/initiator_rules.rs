//! What the client makes of a CHALLENGE, rule by rule, computed here a second time.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/vectors.rs"]
mod vectors;

use forge::{FixedClock, hmac_md5, rc4, utf16le};
use logon::wire::ntlm::{
    Authenticate, AvFlags, AvId, Challenge, NegotiateFlags, NtlmV2Response, TargetInfo,
    TargetInfoBuilder,
};
use logon::{
    ChannelBindings, ChannelBindingsHash, Credential, Initiator, InitiatorConfig, InitiatorStep,
    NtHash, RandomFailed, SecureRandom, TargetName,
};
use md5::{Digest, Md5};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const NOW: u64 = 133_000_000_000_000_000;
const PASSWORD: &str = "S3cret!pw";
const SERVER_CHALLENGE: [u8; 8] = [7; 8];

const MODERN: NegotiateFlags = NegotiateFlags::UNICODE
    .union(NegotiateFlags::EXTENDED_SESSIONSECURITY)
    .union(NegotiateFlags::TARGET_INFO)
    .union(NegotiateFlags::SIGN)
    .union(NegotiateFlags::KEY_EXCH)
    .union(NegotiateFlags::KEY_128);

/// Each time another byte.
#[derive(Debug, Default)]
struct Counting(AtomicU8);

impl SecureRandom for Counting {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        out.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Ordering::SeqCst));
        Ok(())
    }
}

fn config(name: &str) -> InitiatorConfig {
    let credential = Credential::password(name, PASSWORD);
    InitiatorConfig::new(credential, Arc::new(Counting::default()), Arc::new(FixedClock(NOW)))
}

/// A CHALLENGE; bytes that no field points to stand behind it, as some servers have them.
fn challenge(flags: NegotiateFlags, pairs: &[(AvId, &[u8])]) -> Vec<u8> {
    let mut list = TargetInfoBuilder::new();
    pairs.iter().try_for_each(|(id, value)| list.push(*id, value)).unwrap();
    let list = list.finish();
    let message = Challenge {
        target_name: &utf16le("CORP"),
        flags,
        server_challenge: SERVER_CHALLENGE,
        target_info: (!pairs.is_empty()).then(|| TargetInfo::decode(&list).unwrap()),
        version: None,
    };
    let mut out = Vec::new();
    message.encode(&mut out).unwrap();
    out.extend(b"left over");
    out
}

/// The pairs of a server that knows the time.
fn pairs() -> [(AvId, &'static [u8]); 3] {
    [(AvId::NB_DOMAIN_NAME, b"C\0"), (AvId::NB_COMPUTER_NAME, b"W\0"), (AvId::TIMESTAMP, &[3; 8])]
}

/// NEGOTIATE and AUTHENTICATE of an exchange.
struct Sent {
    negotiate: Vec<u8>,
    authenticate: Vec<u8>,
}

impl Sent {
    fn message(&self) -> Authenticate<'_> {
        Authenticate::decode(&self.authenticate).unwrap()
    }

    fn response(&self) -> NtlmV2Response<'_> {
        NtlmV2Response::decode(self.message().nt_response).unwrap()
    }
}

fn send(
    config: &Arc<InitiatorConfig>,
    target: TargetName,
    bindings: ChannelBindings,
    challenge: &[u8],
) -> Sent {
    let initiator = Initiator::ntlm(Arc::clone(config), target, bindings);
    let (mut negotiate, mut authenticate) = (Vec::new(), Vec::new());
    let InitiatorStep::Continue(next) = initiator.step(None, &mut negotiate).unwrap() else {
        panic!("complete after one leg")
    };
    let step = next.step(Some(challenge), &mut authenticate).unwrap();
    assert!(matches!(step, InitiatorStep::Complete(_)));
    Sent { negotiate, authenticate }
}

fn answer(config: InitiatorConfig, challenge: &[u8]) -> Sent {
    let target = TargetName::http("web01.corp.example");
    send(&Arc::new(config), target, ChannelBindings::none(), challenge)
}

/// `NTOWFv2` of names as they are hashed.
fn owf(hashed: &str) -> [u8; 16] {
    hmac_md5(NtHash::of_password(PASSWORD).expose(), &[&utf16le(hashed)])
}

fn proof(hashed: &str, sent: &Sent) -> [u8; 16] {
    hmac_md5(&owf(hashed), &[&SERVER_CHALLENGE, sent.response().temp])
}

// C-01, C-02: the user in upper case, one unit for one unit, the domain as it is.
#[test]
fn the_user_is_hashed_in_upper_case_and_the_domain_as_it_is() {
    for (name, hashed) in [
        (r"Corp\alice", "ALICECorp"),
        (r"corp\ALICE", "ALICEcorp"),
        (r"CORP\straße", "STRAßECORP"),
        (r"CORP\ŉilker ﬁ", "ŉILKER ﬁCORP"),
        (r"straße\bob", "BOBstraße"),
    ] {
        let sent = answer(config(name), &challenge(MODERN, &pairs()));
        assert_eq!(sent.response().nt_proof_str, proof(hashed, &sent), "{name}");
    }
    let sent = answer(config(r"CORP\straße"), &challenge(MODERN, &pairs()));
    assert_ne!(sent.response().nt_proof_str, proof("STRASSECORP", &sent));
}

// C-03, C-04, C-05: the server's time if it has one, four zeros at the end, no LMv2 response.
#[test]
fn a_response_is_laid_out_as_specified() {
    let sent = answer(config(r"CORP\alice"), &challenge(MODERN, &pairs()));
    let (message, response) = (sent.message(), sent.response());
    let temp = response.temp;
    assert_eq!(temp[..8], [1, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        (&temp[8..16], &temp[16..24], &temp[24..28]),
        (&[3; 8][..], &[0, 1, 2, 3, 4, 5, 6, 7][..], &[0; 4][..])
    );
    let list = response.target_info.as_bytes();
    assert_eq!(&temp[28..], list);
    assert_eq!(list[list.len() - 8..], [0; 8], "MsvAvEOL and four zeros");
    assert_eq!(message.nt_response, [&proof("ALICECORP", &sent)[..], temp].concat());
    assert_eq!(message.lm_response, [0; 24]);
    // Without the server's time it is our own, and the LM field is an LMv2 response.
    let sent = answer(config(r"CORP\alice"), &challenge(MODERN, &pairs()[..2]));
    assert_eq!(sent.response().timestamp, NOW);
    let own = sent.response().client_challenge;
    assert_eq!(own, [0, 1, 2, 3, 4, 5, 6, 7]);
    let lm = hmac_md5(&owf("ALICECORP"), &[&SERVER_CHALLENGE, &own]);
    assert_eq!(sent.message().lm_response, [&lm[..], &own].concat());
}

// C-07, C-08, C-09: also to a server that sends no time, and over all bytes that went.
#[test]
fn the_mic_is_made_over_the_three_messages_as_they_went() {
    for (flags, pairs) in [
        (MODERN, &pairs()[..]),
        (MODERN, &pairs()[..2]),
        (MODERN, &[]),
        (MODERN.difference(NegotiateFlags::KEY_EXCH), &pairs()),
    ] {
        let challenge = challenge(flags, pairs);
        let sent = answer(config(r"CORP\alice"), &challenge);
        assert!(sent.response().target_info.flags().contains(AvFlags::MIC_PRESENT));
        let base = hmac_md5(&owf("ALICECORP"), &[&sent.response().nt_proof_str]);
        let encrypted = sent.message().encrypted_random_session_key;
        let exchanged = flags.contains(NegotiateFlags::KEY_EXCH);
        assert_eq!(encrypted.len(), if exchanged { 16 } else { 0 });
        let key = if exchanged { rc4(&base, encrypted) } else { base.to_vec() };
        let mut without = sent.authenticate.clone();
        without[72..88].fill(0);
        let mic = hmac_md5(&key, &[&sent.negotiate, &challenge, &without]);
        assert_eq!(sent.message().mic, Some(mic));
    }
}

// C-10
#[test]
fn bindings_are_the_hash_of_the_structure_or_zeros() {
    let data = b"tls-server-end-point:a certificate";
    let structure = [&[0; 16][..], &34_u32.to_le_bytes(), data].concat();
    let hash: [u8; 16] = Md5::digest(structure).into();
    for (bindings, expected) in
        [(ChannelBindings::from_application_data(*data), hash), (ChannelBindings::none(), [0; 16])]
    {
        let config = Arc::new(config(r"CORP\alice"));
        let target = TargetName::http("web01.corp.example");
        let sent = send(&config, target, bindings, &challenge(MODERN, &pairs()));
        let list = sent.response().target_info;
        assert_eq!(list.get(AvId::CHANNEL_BINDINGS), Some(&expected[..]));
        assert_eq!(list.duplicate(), None);
    }
}

// C-11
#[test]
fn the_target_is_named_without_a_nul_and_empty_when_there_is_none() {
    for spn in ["HTTP/web01.corp.example", "http/web01:8080", ""] {
        let config = Arc::new(config(r"CORP\alice"));
        let challenge = challenge(MODERN, &pairs());
        let trusted = TargetName::new(spn);
        for (target, flags) in [
            (trusted.clone(), AvFlags::MIC_PRESENT),
            (trusted.untrusted(), AvFlags::MIC_PRESENT | AvFlags::UNTRUSTED_SPN),
        ] {
            let sent = send(&config, target, ChannelBindings::none(), &challenge);
            let list = sent.response().target_info;
            assert_eq!(list.get(AvId::TARGET_NAME), Some(&utf16le(spn)[..]));
            assert_eq!(list.flags(), flags);
        }
    }
}

// C-12
#[test]
fn every_pair_of_the_server_is_kept_in_order_and_before_ours() {
    let sent_pairs: [(AvId, &[u8]); 6] = [
        (AvId(0x7fff), b"odd"),
        (AvId::TIMESTAMP, &[9; 8]),
        (AvId::NB_COMPUTER_NAME, b"w\0"),
        (AvId(500), b""),
        (AvId::DNS_TREE_NAME, &[0x3d, 0xd8]),
        (AvId(0x7fff), b"twice"),
    ];
    let sent = answer(config(r"CORP\alice"), &challenge(MODERN, &sent_pairs));
    let list: Vec<_> =
        sent.response().target_info.iter().map(|pair| (pair.id, pair.value)).collect();
    assert_eq!(list[..6], sent_pairs);
    let ours: Vec<_> = list[6..].iter().map(|(id, _)| *id).collect();
    assert_eq!(ours, [AvId::FLAGS, AvId::CHANNEL_BINDINGS, AvId::TARGET_NAME]);
}

// C-13
#[test]
fn the_machine_is_named_on_demand_only() {
    let challenge = challenge(MODERN, &pairs());
    let sent = answer(config(r"CORP\alice"), &challenge);
    assert_eq!(sent.response().target_info.get(AvId::SINGLE_HOST), None);
    let config = Arc::new(config(r"CORP\alice").with_machine_id([0xab; 32]));
    for _ in 0..2 {
        let sent = send(&config, TargetName::default(), ChannelBindings::none(), &challenge);
        let single_host = sent.response().target_info.get(AvId::SINGLE_HOST).unwrap().to_vec();
        assert_eq!(single_host.len(), 48);
        assert_eq!((&single_host[..4], &single_host[4..8]), (&[48, 0, 0, 0][..], &[0; 4][..]));
        assert_eq!(single_host[16..], [0xab; 32], "the same every time");
    }
}

// C-14
#[test]
fn a_random_key_is_sent_to_who_exchanges_keys_for_signing_or_sealing() {
    let plain = MODERN.difference(NegotiateFlags::SIGN | NegotiateFlags::KEY_EXCH);
    for (flags, exchanged) in [
        (NegotiateFlags::KEY_EXCH | NegotiateFlags::SIGN, true),
        (NegotiateFlags::KEY_EXCH | NegotiateFlags::SEAL, true),
        (NegotiateFlags::KEY_EXCH, false),
        (NegotiateFlags::SIGN | NegotiateFlags::SEAL, false),
    ] {
        let config =
            config(r"CORP\alice").with_confidentiality(flags.contains(NegotiateFlags::SEAL));
        let sent = answer(config, &challenge(plain | flags, &pairs()));
        let base = hmac_md5(&owf("ALICECORP"), &[&sent.response().nt_proof_str]);
        // The random numbers: first the client challenge, then the key.
        let key: Vec<u8> = (8..24).collect();
        let expected = if exchanged { rc4(&base, &key) } else { Vec::new() };
        assert_eq!(sent.message().encrypted_random_session_key, expected, "{flags:?}");
    }
}

// C-15
#[test]
fn a_user_principal_name_is_never_split() {
    for (name, domain, user) in [
        (r"CORP\alice", "CORP", "alice"),
        ("alice@corp.example", "", "alice@corp.example"),
        (r"CORP\alice@corp.example", "CORP", "alice@corp.example"),
        ("alice", "", "alice"),
        (r"CORP\a\b", "CORP", r"a\b"),
    ] {
        let sent = answer(config(name), &challenge(MODERN, &pairs()));
        let message = sent.message();
        assert_eq!((message.domain, message.user), (&utf16le(domain)[..], &utf16le(user)[..]));
        let hashed = format!("{}{domain}", user.to_uppercase());
        assert_eq!(sent.response().nt_proof_str, proof(&hashed, &sent), "{name}");
    }
}

// C-16
#[test]
fn the_workstation_is_nobodys_business() {
    let challenge = challenge(MODERN, &pairs());
    assert!(answer(config(r"CORP\alice"), &challenge).message().workstation.is_empty());
    let named = answer(config(r"CORP\alice").with_workstation("LAPTOP"), &challenge);
    assert_eq!(named.message().workstation, utf16le("LAPTOP"));
}

// C-18
#[test]
fn a_challenge_without_target_info_is_answered_with_ntlmv2() {
    let flags = MODERN.difference(NegotiateFlags::TARGET_INFO);
    let whole = challenge(flags, &[]);
    for length in [32, 40, 48] {
        let mut short = whole[..length].to_vec();
        short[12..14].fill(0);
        let sent = answer(config(r"CORP\alice"), &short);
        assert!(sent.message().nt_response.len() > 24);
        assert_eq!(sent.response().nt_proof_str, proof("ALICECORP", &sent));
    }
}

// C-21
#[test]
fn every_response_has_a_client_challenge_of_its_own() {
    let config = Arc::new(config(r"CORP\alice"));
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let target = TargetName::default();
        let sent = send(&config, target, ChannelBindings::none(), &challenge(MODERN, &pairs()));
        assert!(seen.insert(sent.response().client_challenge));
    }
}

// E-06, E-07: the certificate that the caller's TLS received is hashed, whatever version of TLS
// that was; there is no way to bind to anything of the session.
#[test]
fn the_bindings_of_the_servers_certificate_are_sent() {
    let cases = vectors::load("bindings/channel_bindings.txt");
    let mut seen = 0;
    for case in &cases {
        if case.kind() != "tls-server-end-point" {
            continue;
        }
        let certificate = case.hex("CertificateDer");
        let bindings = ChannelBindings::tls_server_end_point(&certificate).unwrap();
        let Some(data) = case.opt_hex("ApplicationData") else {
            assert!(bindings.is_none());
            continue;
        };
        assert!(data.starts_with(b"tls-server-end-point:"));
        let config = Arc::new(config(r"CORP\alice"));
        let sent = send(&config, TargetName::default(), bindings, &challenge(MODERN, &pairs()));
        let list = sent.response().target_info;
        assert_eq!(list.get(AvId::CHANNEL_BINDINGS).unwrap(), case.hex("BindingsHash"));
        seen += 1;
    }
    assert!(seen > 5);
    cases.into_iter().for_each(std::mem::forget);
}

// E-06: of several bindings it is the first that is sent, alone.
#[test]
fn the_first_of_several_bindings_is_sent() {
    let [one, other] = [&b"tls-server-end-point:one"[..], b"tls-server-end-point:other"];
    let of = ChannelBindings::from_application_data;
    let config = Arc::new(config(r"CORP\alice"));
    for (bindings, expected) in [
        (of(one).or(of(other)), ChannelBindingsHash::of(one)),
        (of(other).or(of(one)), ChannelBindingsHash::of(other)),
        (ChannelBindings::none().or(of(one)), ChannelBindingsHash::of(one)),
        (ChannelBindings::none(), ChannelBindingsHash::ZERO),
    ] {
        let sent = send(&config, TargetName::default(), bindings, &challenge(MODERN, &pairs()));
        let list = sent.response().target_info;
        assert_eq!(list.get(AvId::CHANNEL_BINDINGS), Some(&expected.0[..]));
    }
}

// C-02: what Windows leaves alone, too.
#[test]
fn letters_that_windows_leaves_alone_are_hashed_as_they_are() {
    for (name, hashed) in
        [(r"CORP\ışık", "ıŞıKCORP"), (r"CORP\µm", "µMCORP"), (r"CORP\გიორგი", "გიორგიCORP")]
    {
        let sent = answer(config(name), &challenge(MODERN, &pairs()));
        assert_eq!(sent.response().nt_proof_str, proof(hashed, &sent), "{name}");
    }
}
