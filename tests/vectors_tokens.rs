//! `spnego/tokens.txt` and `bindings/channel_bindings.txt`.
//!
//! Not covered: address fields of `gss_channel_bindings_struct` other than empty ones (case
//! `gss-channel-bindings-struct`), which no client sends over HTTP and nothing here makes;
//! `reqFlags`, which is skipped as [MS-SPNG] demands; NEGOEX messages, which are no SPNEGO.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;
#[path = "support/vectors.rs"]
mod vectors;

use base64::prelude::{BASE64_STANDARD, Engine};
use der::oid::ObjectIdentifier;
use forge::{finish, known, refusal, utf16le};
use logon::ntlm::{ExportedSessionKey, NtOwfV2, SessionBaseKey, nt_proof_str};
use logon::wire::ntlm::{Authenticate, AvId, Challenge, NtlmV2Response, SIGNATURE};
use logon::wire::spnego::{MechType, MechTypes, NegState, NegTokenInit, NegTokenResp};
use logon::wire::{Text, Utf16Le};
use logon::{
    Acceptor, AcceptorStep, BindingsOutcome, ChannelBindings, ChannelBindingsHash, Error,
    InitiatorStep, MicOutcome, NtHash, Policy, Refusal,
};
use md5::{Digest, Md5};
use pair::{Both, Pair, lookup, to_continue};
use vectors::Case;

fn check_init(case: &Case, token: &[u8]) {
    let init = NegTokenInit::decode(token).unwrap();
    assert_eq!(case.text("ThisMech"), MechType::SPNEGO.to_string());
    let mechs: Vec<_> = init.mech_types.iter().map(|mech| mech.to_string()).collect();
    assert_eq!(mechs, case.list_text("MechTypes"));
    let list: Vec<_> = init.mech_types.iter().collect();
    let encoded = MechTypes::encode(&list).unwrap();
    assert_eq!(encoded, case.hex("MechTypeList"));
    assert_eq!(init.mech_types.as_der(), encoded);
    assert_eq!(init.mech_token, case.opt_hex("MechToken").as_deref());
    assert_eq!(init.mech_list_mic, case.opt_hex("MechListMic").as_deref());
    let hints = init.neg_hints.unwrap_or_default();
    assert_eq!(hints.name, case.opt_text("HintName").as_ref().map(String::as_bytes));
    assert_eq!(hints.address, case.opt_hex("HintAddress").as_deref());
    let req_flags = case.opt_hex("ReqFlags");
    if let Some(req_flags) = &req_flags {
        assert!(token.windows(req_flags.len()).any(|window| window == req_flags));
    }
    let mut written = Vec::new();
    init.encode(&mut written).unwrap();
    let again = NegTokenInit::decode(&written).unwrap();
    assert_eq!(again, NegTokenInit { neg_hints: None, ..init });
    // Our layout, unless there is something that we do not write.
    let ours = init.neg_hints.is_none() && req_flags.is_none();
    assert_eq!(written == token, ours, "{}", case.id());
    // Without the GSS-API framing it is the same token.
    let at = (0..token.len()).find(|at| token[*at] == 0xa0).unwrap();
    assert_eq!(NegTokenInit::decode(&token[at..]).unwrap(), init);
    NegTokenResp::decode(token).unwrap_err();
}

fn check_resp(case: &Case, token: &[u8]) {
    let resp = NegTokenResp::decode(token).unwrap();
    let state = resp.neg_state.map(|state| state.name().to_string());
    assert_eq!(state, case.opt_text("NegState"));
    let mech = resp.supported_mech.map(|mech| mech.to_string());
    assert_eq!(mech, case.opt_text("SupportedMech"));
    assert_eq!(resp.response_token, case.opt_hex("ResponseToken").as_deref());
    assert_eq!(resp.mech_list_mic, case.opt_hex("MechListMic").as_deref());
    let mut written = Vec::new();
    resp.encode(&mut written).unwrap();
    assert_eq!(written, token, "{}", case.id());
    NegTokenInit::decode(token).unwrap_err();
}

fn spnego_token(case: &Case) {
    let token = case.hex("Token");
    let init = match case.text("Choice").as_str() {
        "NegTokenInit" => true,
        "NegTokenResp" => false,
        choice => panic!("{choice}"),
    };
    let decode = |token: &[u8]| {
        if init {
            NegTokenInit::decode(token).map(|_| ())
        } else {
            NegTokenResp::decode(token).map(|_| ())
        }
    };
    if init {
        check_init(case, &token);
    } else {
        check_resp(case, &token);
    }
    for length in 0..token.len() {
        assert!(decode(&token[..length]).is_err(), "{}: {length} bytes", case.id());
    }
    decode(&[&token[..], &[0]].concat()).unwrap_err();
    for bit in 0..8 {
        for at in 0..2 {
            let mut tampered = token.clone();
            tampered[at] ^= 1 << bit;
            assert!(decode(&tampered).is_err(), "{}: byte {at}, bit {bit}", case.id());
        }
    }
}

fn oid(case: &Case) {
    let (content, der) = (case.hex("DerContent"), case.hex("Der"));
    let mech = MechType(&content);
    assert_eq!(mech.to_string(), case.text("Oid"));
    assert!(mech.name().is_some());
    let list = [&[0x30, u8::try_from(der.len()).unwrap()], &der[..]].concat();
    assert_eq!(MechTypes::decode(&list).unwrap().iter().collect::<Vec<_>>(), [mech]);
    assert_eq!(MechTypes::encode(&[mech]).unwrap(), list);
    let constants =
        [MechType::NTLMSSP, MechType::KRB5, MechType::MS_KRB5, MechType::NEGOEX, MechType::SPNEGO];
    assert_eq!(constants.iter().filter(|known| **known == mech).count(), 1);
}

/// Both `mechListMIC`s of an exchange with this session key, and the two ends behind it.
fn mech_list_mics(key: &ExportedSessionKey) -> (Vec<u8>, Vec<u8>, Vec<u8>, Both) {
    let pair = Pair { spnego: true, random: key.expose()[0], ..Pair::default() };
    let (mut first, mut second, mut third, mut last) = Default::default();
    let initiator = to_continue(pair.initiator().step(None, &mut first).unwrap());
    let AcceptorStep::Continue(acceptor) = pair.acceptor().step(&first, &mut second).unwrap()
    else {
        panic!("no challenge")
    };
    let initiator = to_continue(initiator.step(Some(&second), &mut third).unwrap());
    let AcceptorStep::NeedLogon(request) = acceptor.step(&third, &mut last).unwrap() else {
        panic!("nobody to look up")
    };
    let answer = lookup(request.account());
    let AcceptorStep::Complete(server) = request.resolve(Ok(answer), &mut last).unwrap() else {
        panic!("not complete")
    };
    let InitiatorStep::Complete(client) = initiator.step(Some(&last), &mut Vec::new()).unwrap()
    else {
        panic!("not complete")
    };
    assert_eq!(client.exported_session_key(), key.expose());
    let list = NegTokenInit::decode(&first).unwrap().mech_types.as_der().to_vec();
    let mic = |token: &[u8]| NegTokenResp::decode(token).unwrap().mech_list_mic.unwrap().to_vec();
    (list, mic(&third), mic(&last), Both { client, server })
}

fn exported(case: &Case) -> ExportedSessionKey {
    ExportedSessionKey::from_bytes(case.hex("ExportedSessionKey").try_into().unwrap())
}

fn negoex(case: &Case) {
    let message = case.hex("Message");
    let number = |at: usize| u64::from(u32::from_le_bytes(message[at..at + 4].try_into().unwrap()));
    assert_eq!(&message[..8], case.text("MessageSignature").as_bytes());
    for (at, name) in
        [(8, "MessageType"), (12, "SequenceNum"), (16, "HeaderLength"), (20, "MessageLength")]
    {
        assert_eq!(number(at), case.u64(name));
    }
    // It is no token of ours.
    NegTokenInit::decode(&message).unwrap_err();
    let error = Pair::default().acceptor().step(&message, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    // As the optimistic token of NEGOEX it is passed over.
    let list = MechTypes::encode(&[MechType::NEGOEX, MechType::NTLMSSP]).unwrap();
    let init = NegTokenInit {
        mech_types: MechTypes::decode(&list).unwrap(),
        mech_token: Some(&message),
        neg_hints: None,
        mech_list_mic: None,
    };
    let (mut token, mut out) = (Vec::new(), Vec::new());
    init.encode(&mut token).unwrap();
    let step = Pair::default().acceptor().step(&token, &mut out).unwrap();
    assert!(matches!(step, AcceptorStep::Continue(_)));
    let reply = NegTokenResp::decode(&out).unwrap();
    assert_eq!(reply.neg_state, Some(NegState::RequestMic));
    assert_eq!((reply.supported_mech, reply.response_token), (Some(MechType::NTLMSSP), None));
}

// P-20, P-21
#[test]
fn spnego_tokens_are_understood() {
    for case in vectors::load("spnego/tokens.txt") {
        match case.kind() {
            "spnego-token" => spnego_token(&case),
            "oid" => oid(&case),
            "mech-list-mic" => {
                assert_eq!((case.u64("SeqNum"), case.u64("NegotiateFlags")), (0, 0xe28a_8233));
                let (list, client, server, _) = mech_list_mics(&exported(&case));
                assert_eq!(case.hex("MechTypeList"), list);
                let ours = match case.text("Direction").as_str() {
                    "client" => client,
                    "server" => server,
                    other => panic!("{other}"),
                };
                assert_eq!(case.hex("MechListMic"), ours);
            }
            "gss-wrap-after-mic" => {
                let Both { mut client, mut server } = mech_list_mics(&exported(&case)).3;
                assert_eq!((case.u64("SeqNum"), case.u64("NegotiateFlags")), (1, 0xe28a_8233));
                assert_eq!(case.text("Direction"), "client");
                let plaintext = case.hex("Plaintext");
                let mut sealed = plaintext.clone();
                let signature = client.wrap(&mut sealed).unwrap();
                assert_eq!(
                    (&sealed, &signature[..]),
                    (&case.hex("SealedData"), &case.hex("Signature")[..])
                );
                assert!(server.unwrap(&mut sealed, &signature).unwrap());
                assert_eq!(sealed, plaintext);
                let mut repeated = plaintext;
                assert!(!server.unwrap(&mut repeated, &signature).unwrap());
            }
            "raw-ntlm" => {
                let prefix = case.hex("TokenPrefix");
                assert_eq!(prefix, SIGNATURE);
                for (kind, expected) in (1_u8..).zip(case.list_text("Base64Prefix")) {
                    let token = [&prefix[..], &[kind, 0, 0, 0]].concat();
                    assert!(BASE64_STANDARD.encode(&token).starts_with(&expected));
                    assert_eq!(Acceptor::is_initial(&token), kind == 1);
                }
            }
            "negoex-message" => negoex(&case),
            kind => panic!("{kind}"),
        }
    }
}

/// The account of Microsoft's capture, which two cases share.
struct Account {
    user: String,
    domain: String,
    password: String,
}

fn ntlmv2_exchange(case: &Case) -> Account {
    let (challenge, message) = (case.hex("Challenge"), case.hex("Authenticate"));
    let [user, domain, password] = ["User", "Domain", "Password"].map(|name| case.text(name));
    let hash = NtHash::of_password(&password);
    assert_eq!(hash.expose()[..], case.hex("NtOwfV1"));
    let (user16, domain16) = (utf16le(&user), utf16le(&domain));
    let text = |bytes| Text::Unicode(Utf16Le::new(bytes).unwrap());
    let key = NtOwfV2::new(&hash, text(&user16), text(&domain16));
    assert_eq!(key.expose()[..], case.hex("NtOwfV2"));
    let challenge = Challenge::decode(&challenge).unwrap().server_challenge;
    let received = Authenticate::decode(&message).unwrap();
    let response = NtlmV2Response::decode(received.nt_response).unwrap();
    let proof = nt_proof_str(&key, &challenge, response.temp);
    assert_eq!((proof, &proof[..]), (response.nt_proof_str, &case.hex("NtProofStr")[..]));
    assert_eq!(SessionBaseKey::new(&key, &proof).expose()[..], case.hex("SessionBaseKey"));
    let sent = response.target_info.get(AvId::CHANNEL_BINDINGS).unwrap();
    assert_eq!(sent, case.hex("BindingsHash"));
    let mut temp = response.temp.to_vec();
    temp[40] ^= 1;
    assert_ne!(nt_proof_str(&key, &challenge, &temp), proof);
    Account { user, domain, password }
}

fn mic(case: &Case, account: &Account, data: &[u8]) {
    let (negotiate, challenge) = (case.hex("Negotiate"), case.hex("Challenge"));
    let message = case.hex("Authenticate");
    let log_on = |negotiate: &[u8], message: &[u8], data: &[u8]| {
        let exchange = forge::exchange(negotiate, &challenge);
        let config = forge::config(exchange.issued_at.ticks(), Policy::default());
        let bindings = ChannelBindings::from_application_data(data);
        let acceptor = Acceptor::resume(config, bindings, exchange).unwrap();
        let answer = known(&account.domain, &account.user, &account.password);
        finish(acceptor, message, answer, &mut Vec::new())
    };
    let context = log_on(&negotiate, &message, data).unwrap();
    assert_eq!(context.identity().mic(), MicOutcome::Verified);
    assert_eq!(context.identity().bindings(), BindingsOutcome::Bound);
    assert_eq!(context.exported_session_key(), case.hex("ExportedSessionKey"));
    assert_eq!(message[72..88], case.hex("Mic"));
    let other = log_on(&negotiate, &message, &data[1..]);
    assert_eq!(refusal(other), Refusal::WrongChannelBindings);
    let mut tampered = message.clone();
    tampered[80] ^= 1;
    assert_eq!(refusal(log_on(&negotiate, &tampered, data)), Refusal::WrongMic);
    let mut tampered = negotiate.clone();
    tampered[39] ^= 1;
    assert_eq!(refusal(log_on(&tampered, &message, data)), Refusal::WrongMic);
}

fn channel_bindings(case: &Case) {
    let (data, hash) = (case.hex("ApplicationData"), case.hex("BindingsHash"));
    let structure = case.hex("Structure");
    assert_eq!(Md5::digest(&structure)[..], hash);
    let types = [case.u64("InitiatorAddrType"), case.u64("AcceptorAddrType")];
    let addresses = [case.hex("InitiatorAddress"), case.hex("AcceptorAddress")];
    let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let mut built = Vec::new();
    for (kind, address) in types.into_iter().zip(&addresses) {
        built.extend(number(usize::try_from(kind).unwrap()));
        built.extend(number(address.len()));
        built.extend(address);
    }
    built.extend(number(data.len()));
    built.extend(&data);
    assert_eq!(built, structure, "{}", case.id());
    let ours = types == [0; 2] && addresses.iter().all(Vec::is_empty);
    assert_eq!(ChannelBindingsHash::of(&data).0[..] == hash, ours, "{}", case.id());
}

fn tls_server_end_point(case: &Case) {
    let mut certificate = case.hex("CertificateDer");
    let bindings = ChannelBindings::tls_server_end_point(&certificate).unwrap();
    let algorithm = ObjectIdentifier::new_unwrap(&case.text("SigAlgOid"));
    let algorithm = algorithm.as_bytes();
    assert!(certificate.windows(algorithm.len()).any(|window| window == algorithm));
    if let Some(behaviour) = case.opt_text("Behaviour") {
        assert_eq!(behaviour, "no-channel-bindings");
        assert!(bindings.is_none());
        return;
    }
    let (hash, data) = (case.hex("CertHash"), case.hex("ApplicationData"));
    let expected = match case.text("HashUsed").as_str() {
        "sha256" => 32,
        "sha384" => 48,
        "sha512" => 64,
        other => panic!("{other}"),
    };
    assert_eq!(hash.len(), expected);
    assert_eq!(data, [b"tls-server-end-point:", &hash[..]].concat());
    assert_eq!(bindings, ChannelBindings::from_application_data(data.clone()));
    assert_eq!(ChannelBindingsHash::of(&data).0[..], case.hex("BindingsHash"));
    let middle = certificate.len() / 2;
    certificate[middle] ^= 1;
    assert_ne!(ChannelBindings::tls_server_end_point(&certificate).unwrap(), bindings);
    for length in 0..certificate.len() {
        ChannelBindings::tls_server_end_point(&certificate[..length]).unwrap_err();
    }
    certificate.push(0);
    ChannelBindings::tls_server_end_point(&certificate).unwrap_err();
}

// E-01, E-02
#[test]
fn channel_bindings_are_those_of_the_sources() {
    let mut account = None;
    // The certificate hash of Microsoft's capture, as `cb-struct-encoding` has it, too.
    let cases = vectors::load("ms-nlmp/chromium.txt");
    let data = cases.iter().find(|case| case.kind() == "channel-bindings").unwrap();
    let data = data.hex("ApplicationData");
    cases.into_iter().for_each(std::mem::forget);
    for case in vectors::load("bindings/channel_bindings.txt") {
        match case.kind() {
            "ntlmv2-exchange" => account = Some(ntlmv2_exchange(&case)),
            "mic" => mic(&case, account.as_ref().unwrap(), &data),
            "channel-bindings" => channel_bindings(&case),
            "channel-bindings-empty" => {
                let hash = ChannelBindingsHash::of(&case.hex("ApplicationData"));
                assert_eq!(hash.0[..], case.hex("EmptyStructureHash"));
                let none = ChannelBindingsHash::ZERO;
                assert_eq!(none.0[..], case.hex("BindingsHashWhenNone"));
                assert_ne!(hash, none);
            }
            "tls-exporter" => {
                let data = case.hex("ApplicationData");
                assert_eq!(data, [b"tls-exporter:", &case.hex("ExporterOutput")[..]].concat());
                assert_eq!(ChannelBindingsHash::of(&data).0[..], case.hex("BindingsHash"));
            }
            "tls-server-end-point" => tls_server_end_point(&case),
            kind => panic!("{kind}"),
        }
    }
}
