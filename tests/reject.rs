//! Messages as no honest client sends them, each with one defect, and names as some do.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use forge::{AV_MIC_PRESENT, Forge, finish, hmac_md5, known, refusal, utf16le};
use logon::ntlm::{ExportedSessionKey, Role, SealKey};
use logon::wire::ntlm::{AvId, Negotiate, NegotiateFlags};
use logon::{
    Acceptor, AcceptorStep, ChannelBindings, Context, DecodeErrorKind, Error, MicOutcome, NtHash,
    PeerIncompatible, Policy, Refusal,
};
use pair::{NOW, PASSWORD};

/// What Windows offers.
const FLAGS: u32 = 0xe208_82b7;

fn negotiate(flags: u32) -> Vec<u8> {
    let flags = NegotiateFlags::from_bits_retain(flags);
    let mut out = Vec::new();
    Negotiate { flags, domain: &[], workstation: &[], version: None }.encode(&mut out).unwrap();
    out
}

fn challenge(flags: u32, policy: Policy) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let acceptor = Acceptor::new(forge::config(NOW, policy), ChannelBindings::none());
    match acceptor.step(&negotiate(flags), &mut out)? {
        AcceptorStep::Continue(_) => Ok(out),
        step => panic!("{step:?}"),
    }
}

fn client(flags: u32) -> Forge {
    Forge::answer(&negotiate(flags), &challenge(flags, Policy::default()).unwrap())
}

fn log_on(forge: &Forge) -> Result<Context, Error> {
    forge.log_on(Policy::default(), ChannelBindings::none(), known("CORP", "alice", PASSWORD))
}

fn decode_error(result: Result<Context, Error>) -> DecodeErrorKind {
    match result {
        Err(Error::Decode(error)) => error.kind,
        result => panic!("{result:?}"),
    }
}

#[test]
fn the_honest_client_of_these_tests_logs_on() {
    for flags in [FLAGS, FLAGS & !0x4000_0000, 0xa208_8201] {
        let context = log_on(&client(flags)).unwrap();
        assert_eq!(context.identity().mic(), MicOutcome::Verified);
    }
}

// S-10, F-11: the contents decide, not the flag.
#[test]
fn every_form_of_an_anonymous_logon_is_refused() {
    let response = client(FLAGS).message();
    for lm_response in [vec![], vec![0], vec![0; 24]] {
        for nt_response in [vec![], vec![0; 24], response.clone()] {
            for flag in [NegotiateFlags::empty(), NegotiateFlags::ANONYMOUS] {
                let mut forge = client(FLAGS);
                forge.user.clear();
                forge.domain.clear();
                forge.lm_response.clone_from(&lm_response);
                forge.nt_response = Some(nt_response.clone());
                forge.flags |= flag;
                assert_eq!(refusal(log_on(&forge)), Refusal::Anonymous);
                // A domain does not make somebody of nobody.
                forge.domain = utf16le("CORP");
                assert_eq!(refusal(log_on(&forge)), Refusal::Anonymous);
            }
        }
    }
    // The flag alone says nothing: the contents decide.
    let mut named = client(FLAGS);
    named.flags |= NegotiateFlags::ANONYMOUS;
    log_on(&named).unwrap();
}

// S-06, S-10, N-13: by the length of the response; a user without one is refused.
#[test]
fn an_nt_response_that_is_no_ntlmv2_response_is_refused() {
    let with = |lm_response: Vec<u8>, nt_response: Vec<u8>| {
        let mut forge = client(FLAGS);
        forge.lm_response = lm_response;
        forge.nt_response = Some(nt_response);
        log_on(&forge)
    };
    assert_eq!(refusal(with(vec![], vec![])), Refusal::EmptyResponse);
    assert_eq!(refusal(with(vec![0], vec![])), Refusal::EmptyResponse);
    assert_eq!(refusal(with(vec![1; 24], vec![])), Refusal::LmOnly);
    assert_eq!(refusal(with(vec![1; 24], vec![1; 24])), Refusal::NtlmV1);
    for length in [1, 23, 25, 43, 44, 47] {
        for byte in [0, 1] {
            let error = decode_error(with(vec![0; 24], vec![byte; length]));
            let expected = [
                DecodeErrorKind::Truncated,
                DecodeErrorKind::BadValue,
                DecodeErrorKind::MissingTerminator,
            ];
            assert!(expected.contains(&error), "{length} bytes: {error:?}");
        }
    }
}

// S-12
#[test]
fn an_encrypted_session_key_of_another_length_is_refused() {
    for length in [0, 1, 15, 17, 32] {
        let mut forge = client(FLAGS);
        forge.encrypted = Some(vec![7; length]);
        assert_eq!(refusal(log_on(&forge)), Refusal::SessionKeyLength, "{length} bytes");
    }
    // Without a key exchange nobody looks at it.
    let mut forge = client(FLAGS & !0x4000_0000);
    assert_eq!(forge.session_key, None);
    let key = forge.exported();
    forge.encrypted = Some(vec![7; 16]);
    assert_eq!(*log_on(&forge).unwrap().exported_session_key(), key);
}

// F-08
#[test]
fn flags_that_were_not_negotiated_are_refused() {
    let offered = FLAGS & !0x4000_0030;
    for flag in [
        NegotiateFlags::LM_KEY,
        NegotiateFlags::DATAGRAM,
        NegotiateFlags::SIGN,
        NegotiateFlags::SEAL,
        NegotiateFlags::KEY_EXCH,
        NegotiateFlags::REQUEST_NON_NT_SESSION_KEY,
    ] {
        let mut forge = client(offered);
        assert!(!forge.flags.contains(flag));
        log_on(&forge).unwrap();
        forge.flags |= flag;
        forge.encrypted = Some(vec![]);
        assert_eq!(refusal(log_on(&forge)), Refusal::FlagsChanged, "{flag:?}");
    }
    let mut forge = client(FLAGS);
    forge.flags.remove(NegotiateFlags::EXTENDED_SESSIONSECURITY);
    assert_eq!(refusal(log_on(&forge)), Refusal::FlagsChanged);
}

// N-12, S-13
#[test]
fn a_second_flags_pair_cannot_take_the_mic_away() {
    for first in [0, AV_MIC_PRESENT] {
        let mut forge = client(FLAGS);
        forge.pairs.insert(0, (AvId::FLAGS, vec![first, 0, 0, 0]));
        forge.mic = first != 0;
        assert_eq!(refusal(log_on(&forge)), Refusal::AvPairDuplicated("MsvAvFlags"));
    }
}

// N-10
#[test]
fn an_av_list_that_is_not_whole_is_malformed() {
    let response = |cut: &dyn Fn(&mut Vec<u8>)| {
        let forge = client(FLAGS);
        let message = forge.message();
        let received = logon::wire::ntlm::Authenticate::decode(&message).unwrap();
        let mut nt_response = received.nt_response.to_vec();
        cut(&mut nt_response);
        decode_error(log_on(&Forge { nt_response: Some(nt_response), ..forge }))
    };
    let without_end = |list: &mut Vec<u8>| list.truncate(list.len() - 8);
    assert_eq!(response(&without_end), DecodeErrorKind::MissingTerminator);
    let end_with_length = |list: &mut Vec<u8>| {
        let at = list.len() - 6;
        list[at] = 4;
    };
    assert_eq!(response(&end_with_length), DecodeErrorKind::BadValue);
    let too_long = |list: &mut Vec<u8>| list[46..48].fill(0xff);
    assert_eq!(response(&too_long), DecodeErrorKind::Truncated);
    for (id, value) in [(AvId::FLAGS, 3), (AvId::TIMESTAMP, 9), (AvId::CHANNEL_BINDINGS, 15)] {
        let mut forge = client(FLAGS);
        forge.set(id, &vec![0; value]);
        assert_eq!(decode_error(log_on(&forge)), DecodeErrorKind::BadValue, "{id}");
    }
}

// N-15, N-07: an odd number of bytes.
#[test]
fn names_over_the_limit_are_refused() {
    let limit = Policy::default().max_name;
    for field in 0..3 {
        for (length, expected) in [(limit, Refusal::WrongProof), (limit + 2, Refusal::NameTooLong)]
        {
            let mut forge = client(FLAGS);
            let name = b"x\0".repeat(length / 2);
            match field {
                0 => forge.user = name,
                1 => forge.domain = name,
                _ => forge.workstation = name,
            }
            match log_on(&forge) {
                Ok(context) => {
                    assert_eq!((field, length), (2, limit));
                    assert_eq!(context.identity().workstation().len(), limit / 2);
                }
                // The domain may be of any kind: it is tried empty as well.
                error => assert_eq!(refusal(error), expected, "field {field}"),
            }
        }
        let mut odd = client(FLAGS);
        let name = match field {
            0 => &mut odd.user,
            1 => &mut odd.domain,
            _ => &mut odd.workstation,
        };
        name.push(0);
        assert_eq!(decode_error(log_on(&odd)), DecodeErrorKind::OddLength);
    }
}

// F-09, F-13, N-05
#[test]
fn a_client_that_cannot_speak_with_us_is_told_nothing() {
    let refused = |flags| challenge(flags, Policy::default()).unwrap_err();
    assert_eq!(refused(FLAGS | 0x40), PeerIncompatible::Datagram.into());
    assert_eq!(refused(FLAGS & !3), PeerIncompatible::NoCharacterSet.into());
    assert_eq!(refused(0x0000_8206), PeerIncompatible::LegacyOnly.into());
    let mut policy = Policy::default();
    policy.ntlm_v1 = true;
    challenge(0x0000_8206, policy).unwrap();
}

// F-02, F-03, F-04
#[test]
fn a_challenge_offers_what_was_asked_for_and_can_be_had() {
    let flags = |asked| {
        let message = challenge(asked, Policy::default()).unwrap();
        logon::wire::ntlm::Challenge::decode(&message).unwrap().flags.bits()
    };
    // Unicode wins over OEM; LM_KEY, DATAGRAM and reserved bits are never given.
    assert_eq!(flags(FLAGS), 0xe289_8235);
    assert_eq!(flags(FLAGS | 0x0440_0908), 0xe289_8235);
    assert_eq!(flags(0x0008_8202), 0x0089_8206);
    assert_eq!(flags(0x0000_0001), 0x0081_8205);
}

/// A user on the wire, and what its client hashes.
fn log_on_as(user: &[u16], upper: &[u16]) -> Result<Context, Error> {
    let bytes = |units: &[u16]| units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let mut forge = client(FLAGS);
    forge.user = bytes(user);
    forge.hashed = bytes(upper);
    forge.hashed.extend(utf16le("CORP"));
    log_on(&forge)
}

// C-02, N-07: lone surrogates are hashed as they came.
#[test]
fn upper_case_is_unit_for_unit() {
    for (user, upper) in [
        ("straße", "STRAßE"),
        ("ŉame", "ŉAME"),
        ("ﬁona", "ﬁONA"),
        ("jürgen", "JÜRGEN"),
        ("ελλη", "ΕΛΛΗ"),
        ("Иван", "ИВАН"),
        ("ilker", "ILKER"),
        ("𐐨x", "𐐨X"),
    ] {
        let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        log_on_as(&units(user), &units(upper)).unwrap();
        let other = units(&upper.replace(['ß', 'X'], "SS"));
        if other != units(upper) {
            assert_eq!(refusal(log_on_as(&units(user), &other)), Refusal::WrongProof);
        }
    }
    // A lone surrogate is hashed as it came; nobody can look such a name up in earnest.
    let lone = [0x61, 0xd800, 0x62];
    log_on_as(&lone, &[0x41, 0xd800, 0x42]).unwrap();
    let replaced = log_on_as(&lone, &[0x41, 0xfffd, 0x42]);
    assert_eq!(refusal(replaced), Refusal::WrongProof);
}

// S-08
#[test]
fn the_domain_is_hashed_as_sent_in_upper_case_or_empty() {
    let with = |wire: &str, hashed: &str| {
        let mut forge = client(FLAGS);
        forge.domain = utf16le(wire);
        forge.hashed = utf16le(&format!("ALICE{hashed}"));
        log_on(&forge)
    };
    for (wire, hashed) in
        [("Corp", "Corp"), ("Corp", "CORP"), ("Corp", ""), ("", ""), ("straße", "STRAßE")]
    {
        with(wire, hashed).unwrap();
    }
    for (wire, hashed) in [("Corp", "corp"), ("CORP", "Corp"), ("", "CORP"), ("A", "B")] {
        assert_eq!(refusal(with(wire, hashed)), Refusal::WrongProof);
    }
}

// N-05
#[test]
fn oem_names_that_are_not_ascii_are_hashed_in_three_ways() {
    let widened = |bytes: &[u8]| bytes.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<_>>();
    for (user, upper) in
        [("müller", "MÜLLER"), ("Сергей", "СЕРГЕЙ"), ("日本", "日本"), ("tõnu", "TÕNU")]
    {
        let ascii_upper: Vec<u8> = user.bytes().map(|byte| byte.to_ascii_uppercase()).collect();
        let curl = [widened(&ascii_upper), utf16le("CORP")].concat();
        let decoded = utf16le(&format!("{upper}CORP"));
        for hashed in [curl, decoded] {
            let mut forge = client(0x0008_8202);
            forge.user = user.as_bytes().to_vec();
            forge.domain = b"CORP".to_vec();
            forge.hashed = hashed;
            log_on(&forge).unwrap_or_else(|error| panic!("{user}: {error:?}"));
        }
    }
}

// N-05: the charset of the CHALLENGE, whatever AUTHENTICATE says.
#[test]
fn oem_bytes_are_widened_before_they_are_hashed() {
    let oem = 0x0008_8202;
    let mut forge = client(oem);
    forge.user = b"j\xfcrgen".to_vec();
    forge.domain = b"CORP".to_vec();
    forge.hashed = utf16le("JÜRGENCORP");
    let message = forge.message();
    let context = log_on(&forge).unwrap();
    assert_eq!(context.identity().user(), "alice", "the store's spelling");
    // The claim is read as Latin-1 where it is not UTF-8.
    let exchange = forge::exchange(&forge.negotiate, &forge.challenge);
    let acceptor =
        Acceptor::resume(forge::config(NOW, Policy::default()), ChannelBindings::none(), exchange)
            .unwrap();
    let AcceptorStep::NeedLogon(request) = acceptor.step(&message, &mut Vec::new()).unwrap() else {
        panic!("nobody to look up")
    };
    assert_eq!((request.account().domain(), request.account().user()), ("CORP", "jürgen"));
    // UNICODE in AUTHENTICATE does not change the character set.
    forge.flags |= NegotiateFlags::UNICODE;
    log_on(&forge).unwrap();
    forge.hashed = utf16le("jürgenCORP");
    assert_eq!(refusal(log_on(&forge)), Refusal::WrongProof);
}

// N-03
#[test]
fn messages_without_flags_version_or_mic_are_understood() {
    let mut forge = client(FLAGS & !0x4000_0000);
    forge.set(AvId::FLAGS, &[0; 4]);
    forge.mic = false;
    // Davenport's layouts: payload at 64 and at 52.
    let message = forge.message();
    for header in [72_usize, 64, 52] {
        let mut short = message[..header.min(64)].to_vec();
        short.extend(vec![0; header.saturating_sub(64)]);
        short.extend(&message[72..]);
        for field in 0..if header == 52 { 5 } else { 6 } {
            let at = 12 + field * 8 + 4;
            let offset = u32::from_le_bytes(short[at..at + 4].try_into().unwrap());
            let moved = offset - u32::try_from(72 - header).unwrap();
            short[at..at + 4].copy_from_slice(&moved.to_le_bytes());
        }
        let exchange = forge::exchange(&forge.negotiate, &forge.challenge);
        let config = forge::config(NOW, Policy::default());
        let acceptor = Acceptor::resume(config, ChannelBindings::none(), exchange).unwrap();
        let answer = known("CORP", "alice", PASSWORD);
        let context = finish(acceptor, &short, answer, &mut Vec::new()).unwrap();
        assert_eq!(context.identity().mic(), MicOutcome::NotOffered, "{header}");
        assert_eq!(context.exported_session_key(), forge.exported());
    }
}

#[test]
fn the_tests_and_the_library_hash_alike() {
    // RFC 2202 §2, test case 2; a password of [MS-NLMP] §4.2.2.1.2.
    let digest = hmac_md5(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
    assert_eq!(digest[..4], [0x75, 0x0c, 0x78, 0x3e]);
    assert_eq!(NtHash::of_password("Password").expose()[..4], [0xa4, 0xf4, 0x9c, 0x40]);
}

// F-08: the keys are those of what both sides have, whatever AUTHENTICATE adds.
#[test]
fn a_strength_that_was_not_offered_makes_no_stronger_key() {
    let strengths = NegotiateFlags::KEY_128 | NegotiateFlags::KEY_56;
    let mut forge = client(FLAGS & !strengths.bits());
    let offered = forge.flags;
    assert!(offered.contains(NegotiateFlags::SEAL) && !offered.intersects(strengths));
    for added in [NegotiateFlags::empty(), NegotiateFlags::KEY_56, strengths] {
        forge.flags = offered | added;
        let mut context = log_on(&forge).unwrap();
        let mut message = *b"sealed";
        let _ = context.wrap(&mut message).unwrap();
        let key = context.exported_session_key().try_into().unwrap();
        let key = SealKey::new(&ExportedSessionKey::from_bytes(key), offered, Role::Acceptor);
        assert_eq!(message[..], forge::rc4(key.expose(), b"sealed"), "{added:?}");
    }
}

// N-07, S-19: half a code unit is no name, and not "no name" either.
#[test]
fn a_target_name_of_an_odd_number_of_bytes_is_refused() {
    let mut forge = client(FLAGS);
    forge.set(AvId::TARGET_NAME, b"H\0T\0T\0P\0/\0x");
    decode_error(log_on(&forge));
}

// C-02: letters whose upper case is in another alphabet stay; the Unicode map has one for them.
#[test]
fn letters_that_windows_leaves_alone_are_left_alone() {
    for (user, upper) in [("ışık", "ıŞıK"), ("µé", "µÉ"), ("ſé", "ſÉ"), ("გიორგიé", "გიორგიÉ")]
    {
        let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        log_on_as(&units(user), &units(upper)).unwrap_or_else(|error| panic!("{user}: {error:?}"));
    }
}
