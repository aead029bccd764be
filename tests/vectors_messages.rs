//! `ms-nlmp/`: `captures.txt`, `chromium.txt` and `davenport.txt`.
//!
//! What `davenport.txt` and `chromium.txt` have of the NTLMv1 family is in `ntlmv1.rs`.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/vectors.rs"]
mod vectors;

use forge::{finish, known, refusal, utf16le};
use logon::ntlm::{NtOwfV2, SessionBaseKey, nt_proof_str};
use logon::wire::ntlm::{Authenticate, AvId, NtlmV2Response, TargetInfo};
use logon::wire::{Text, Utf16Le};
use logon::{
    Acceptor, BindingsOutcome, ChannelBindings, ChannelBindingsHash, Context, Error, FileTime,
    MicOutcome, NtHash, Policy, Refusal,
};
use messages::{array, check_authenticate, check_challenge, check_negotiate, flags};
use std::time::Duration;
use vectors::Case;

/// `tls-server-end-point` of Chromium's test data and of Microsoft's capture.
fn chromium_bindings() -> Vec<u8> {
    let cases = vectors::load("bindings/channel_bindings.txt");
    let data = cases.iter().find(|case| case.id() == "cb-struct-encoding").unwrap();
    let data = data.hex("ApplicationData");
    cases.into_iter().for_each(std::mem::forget);
    data
}

fn key(case: &Case) -> NtOwfV2 {
    let (user, domain) = (utf16le(&case.text("User")), utf16le(&case.text("Domain")));
    let text = |bytes| Text::Unicode(Utf16Le::new(bytes).unwrap());
    let hash = NtHash::of_password(&case.text("Password"));
    NtOwfV2::new(&hash, text(&user), text(&domain))
}

/// `temp` of these parts; the loader gives the time in the order of the wire.
fn temp(time: &[u8], client_challenge: &[u8], target_info: &[u8]) -> Vec<u8> {
    [&[1, 1, 0, 0, 0, 0, 0, 0], time, client_challenge, &[0; 4], target_info, &[0; 4]].concat()
}

/// Facts that the library makes nothing of; they are looked at so that they are known of.
fn uncovered(case: &Case, names: &[&str]) {
    for name in names {
        assert!(!case.hex(name).is_empty());
    }
}

#[test]
fn messages_of_real_peers_are_understood() {
    let cases = vectors::load("ms-nlmp/captures.txt");
    let answered = cases.iter().find(|case| case.id() == "impacket-win7-challenge").unwrap();
    let answered = answered.hex("Challenge");
    cases.into_iter().for_each(std::mem::forget);
    for case in vectors::load("ms-nlmp/captures.txt") {
        match case.kind() {
            "message-negotiate" => check_negotiate(&case),
            "message-challenge" => check_challenge(&case),
            "message-authenticate" => {
                if case.id() == "impacket-ntlm2-session-authenticate" {
                    assert_eq!(case.hex("Challenge"), answered);
                }
                if case.id() == "authenticate" {
                    assert_eq!(case.text("Password"), "VagrantPass1");
                }
                check_authenticate(&case);
            }
            kind => panic!("{kind}"),
        }
    }
}

#[test]
fn pyspnegos_messages_are_one_exchange() {
    let cases = vectors::load("ms-nlmp/captures.txt");
    let find = |id: &str| cases.iter().find(|case| case.id() == id).unwrap();
    let negotiate = find("win10-negotiate").hex("Negotiate");
    let challenge = find("win2016-challenge").hex("Challenge");
    let case = find("authenticate");
    let (message, password) = (case.hex("Authenticate"), case.text("Password"));
    cases.into_iter().for_each(std::mem::forget);
    let log_on = |message: &[u8]| {
        let exchange = forge::exchange(&negotiate, &challenge);
        let config = forge::config(exchange.issued_at.ticks(), Policy::default());
        let acceptor = Acceptor::resume(config, ChannelBindings::none(), exchange).unwrap();
        let answer = known("DOMAIN", "vagrant-domain", &password);
        finish(acceptor, message, answer, &mut Vec::new())
    };
    let context = log_on(&message).unwrap();
    assert_eq!(context.identity().mic(), MicOutcome::NotOffered);
    assert_eq!(context.identity().target_name(), "dc01.domain.local");
    let mut tampered = message.clone();
    tampered[0x48 + 3] ^= 1;
    assert_eq!(refusal(log_on(&tampered)), Refusal::WrongProof);
}

struct Recorded {
    negotiate: Vec<u8>,
    challenge: Vec<u8>,
    authenticate: Vec<u8>,
    password: String,
}

impl Recorded {
    fn log_on(&self, bindings: ChannelBindings) -> Result<Context, Error> {
        let exchange = forge::exchange(&self.negotiate, &self.challenge);
        let config = forge::config(exchange.issued_at.ticks(), Policy::default());
        let acceptor = Acceptor::resume(config, bindings, exchange).unwrap();
        let answer = known("Domain", "User", &self.password);
        finish(acceptor, &self.authenticate, answer, &mut Vec::new())
    }
}

fn chromium_authenticate(case: &Case) {
    let recorded = Recorded {
        negotiate: case.hex("Negotiate"),
        challenge: case.hex("Challenge"),
        authenticate: case.hex("Authenticate"),
        password: "Password".into(),
    };
    let key = key(case);
    let received = Authenticate::decode(&recorded.authenticate).unwrap();
    let response = NtlmV2Response::decode(received.nt_response).unwrap();
    let list = response.target_info;
    assert_eq!(response.timestamp.to_le_bytes()[..], case.hex("Time"));
    assert_eq!(response.client_challenge[..], case.hex("ClientChallenge"));
    assert_eq!(received.mic.unwrap()[..], case.hex("Mic"));
    assert_eq!(received.workstation, utf16le(&case.text("Workstation")));
    if case.id() != "authenticate-v2-mic-epa" {
        assert_eq!(received.flags.unwrap().bits(), 0x0008_8203);
    } else {
        assert_eq!(received.flags, Some(flags(case)));
        assert_eq!(list.as_bytes()[..list.as_bytes().len() - 4], case.hex("TargetInfo"));
    }
    let spn = case.opt_text("Spn");
    let proof = case.hex("NtProofStr");
    assert_eq!(response.nt_proof_str[..], proof);
    let base = SessionBaseKey::new(&key, &response.nt_proof_str);
    if let Some(expected) = case.opt_hex("SessionBaseKey") {
        assert_eq!(base.expose()[..], expected);
    }

    let data = chromium_bindings();
    let hash = case.opt_hex("BindingsHash");
    let ours = || ChannelBindings::from_application_data(data.clone());
    let context = recorded.log_on(ChannelBindings::none()).unwrap();
    assert_eq!(context.identity().mic(), MicOutcome::Verified);
    assert_eq!(context.identity().bindings(), BindingsOutcome::Unavailable);
    assert_eq!(context.exported_session_key(), base.expose());
    // What the source says of the old CHALLENGE leaves its SPN and its bindings out.
    let old = case.id() == "authenticate-v2-old-challenge-no-target-info";
    let spn = if old { "HTTP/Server".into() } else { spn.unwrap() };
    assert_eq!(context.identity().target_name(), spn);
    let hash = if old { Some(ChannelBindingsHash::of(&data).0.to_vec()) } else { hash };
    match (hash, list.get(AvId::CHANNEL_BINDINGS)) {
        (Some(hash), Some(sent)) => {
            assert_eq!(hash, sent);
            let context = recorded.log_on(ours()).unwrap();
            assert_eq!(context.identity().bindings(), BindingsOutcome::Bound);
            let other = ChannelBindings::from_application_data(*b"another connection");
            assert_eq!(refusal(recorded.log_on(other)), Refusal::WrongChannelBindings);
        }
        (None, Some(sent)) => {
            assert_eq!(sent, [0; 16]);
            assert_eq!(refusal(recorded.log_on(ours())), Refusal::ZeroChannelBindings);
        }
        (_, None) => panic!("no bindings in the message"),
    }

    let nt_at = recorded.authenticate.len();
    let nt_at = (0..nt_at).find(|at| recorded.authenticate[*at..].starts_with(&proof)).unwrap();
    for (at, expected) in [
        (72, Refusal::WrongMic),
        (87, Refusal::WrongMic),
        (nt_at, Refusal::WrongProof),
        (nt_at + 24, Refusal::WrongProof),
        (nt_at + received.nt_response.len() - 1, Refusal::WrongProof),
    ] {
        let mut authenticate = recorded.authenticate.clone();
        authenticate[at] ^= 1;
        let (negotiate, challenge) = (recorded.negotiate.clone(), recorded.challenge.clone());
        let tampered = Recorded { negotiate, challenge, authenticate, password: "Password".into() };
        assert_eq!(refusal(tampered.log_on(ChannelBindings::none())), expected, "{}", case.id());
    }
    let wrong = Recorded { password: "password".into(), ..recorded };
    assert_eq!(refusal(wrong.log_on(ChannelBindings::none())), Refusal::WrongProof);
}

// N-03, N-04, S-17
#[test]
fn what_chromium_makes_is_accepted() {
    for case in vectors::load("ms-nlmp/chromium.txt") {
        match case.kind() {
            "channel-bindings" => {
                let mut data = case.hex("ApplicationData");
                let hash = case.hex("BindingsHash");
                assert_eq!(ChannelBindingsHash::of(&data).0[..], hash);
                data[30] ^= 1;
                assert_ne!(ChannelBindingsHash::of(&data).0[..], hash);
            }
            "message-negotiate" => check_negotiate(&case),
            "message-challenge" => check_challenge(&case),
            "nt-proof-str" => {
                let key = key(&case);
                let challenge = array(&case.hex("ServerChallenge"));
                let list = case.hex("TargetInfo");
                let mut temp = temp(&case.hex("Time"), &case.hex("ClientChallenge"), &list);
                let proof = case.hex("NtProofStr");
                assert_eq!(nt_proof_str(&key, &challenge, &temp)[..], proof);
                temp[20] ^= 1;
                assert_ne!(nt_proof_str(&key, &challenge, &temp)[..], proof);
            }
            "ntlmv2-authenticate" => chromium_authenticate(&case),
            "ntlmv1-ess-authenticate" => {
                let message = case.hex("Authenticate");
                let received = Authenticate::decode(&message).unwrap();
                assert_eq!(received.flags, Some(flags(&case)));
                assert_eq!(received.nt_response, case.hex("NtChallengeResponse"));
                assert!(received.lm_response.starts_with(&case.hex("ClientChallenge")));
                for (name, field) in [
                    ("User", received.user),
                    ("Domain", received.domain),
                    ("Workstation", received.workstation),
                ] {
                    assert_eq!(field, utf16le(&case.text(name)));
                }
                let recorded = Recorded {
                    negotiate: Vec::new(),
                    challenge: case.hex("Challenge"),
                    authenticate: message,
                    password: case.text("Password"),
                };
                assert_eq!(refusal(recorded.log_on(ChannelBindings::none())), Refusal::NtlmV1);
            }
            kind => panic!("{kind}"),
        }
    }
}

// N-06, N-14
#[test]
fn davenports_examples_hold() {
    for case in vectors::load("ms-nlmp/davenport.txt") {
        match case.kind() {
            "owf" => {
                let hash = case.hex("NtOwfV1");
                assert_eq!(NtHash::of_password("SecREt01").expose()[..], hash);
                assert_eq!(key(&case).expose()[..], case.hex("NtOwfV2"));
                uncovered(&case, &["LmOwfV1"]);
            }
            "responses" | "session-keys" => {
                let key = key(&case);
                let challenge = array(&case.hex("ServerChallenge"));
                let client = case.hex("ClientChallenge");
                let list = case.hex("TargetInfo");
                TargetInfo::decode(&list).unwrap();
                let temp = temp(&case.hex("Time"), &client, &list);
                let proof = nt_proof_str(&key, &challenge, &temp);
                if case.kind() == "responses" {
                    let response = case.hex("NtV2Response");
                    assert_eq!(response, [&proof[..], &temp].concat());
                    let decoded = NtlmV2Response::decode(&response).unwrap();
                    assert_eq!((decoded.nt_proof_str, decoded.temp), (proof, &temp[..]));
                    // LMv2 is the same function of another input.
                    let lm = nt_proof_str(&key, &challenge, &client);
                    assert_eq!(case.hex("LmV2Response"), [&lm[..], &client].concat());
                    let names = ["LmV1Response", "NtV1Response", "EssLmResponse", "EssNtResponse"];
                    uncovered(&case, &names);
                } else {
                    let base = SessionBaseKey::new(&key, &proof);
                    assert_eq!(base.expose()[..], case.hex("NtlmV2UserSessionKey"));
                    let lm = nt_proof_str(&key, &challenge, &client);
                    let base = SessionBaseKey::new(&key, &lm);
                    assert_eq!(base.expose()[..], case.hex("LmV2UserSessionKey"));
                    let names = ["LmChallengeResponse", "LmUserSessionKey", "NtlmUserSessionKey"];
                    uncovered(&case, &names);
                    uncovered(&case, &["Ntlm2SessionKey", "LanManagerSessionKey"]);
                }
            }
            // Keys of NTLMv1 and LM, as such not to be had here; RC4 is held in vectors.rs.
            "key-exchange-rc4" => {
                let random = case.hex("RandomSessionKey");
                for name in ["LmUserSessionKey", "NtlmUserSessionKey", "LanManagerSessionKey"] {
                    let encrypted = forge::rc4(&case.hex(name), &random);
                    assert_eq!(encrypted, case.hex(&format!("EncryptedWith{name}")));
                }
            }
            "message-negotiate" => check_negotiate(&case),
            "message-challenge" => check_challenge(&case),
            "message-authenticate" => check_authenticate(&case),
            "filetime" => {
                let since = Duration::from_secs(case.u64("UnixSeconds"));
                let time = FileTime::from_unix(since);
                assert_eq!(time.ticks().to_le_bytes()[..], case.hex("Time"));
                assert_eq!(time.to_unix(), Some(since));
            }
            kind => panic!("{kind}"),
        }
    }
}
