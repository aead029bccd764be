//! The messages, rule by rule: what has to be read, and what is sent.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use forge::{Forge, hmac_md5, known, refusal};
use logon::wire::ntlm::{
    Authenticate, AvId, Challenge, Negotiate, NegotiateFlags, NtlmV2Response, TargetInfo,
    TargetInfoBuilder, Version,
};
use logon::{
    Acceptor, AcceptorStep, ChannelBindings, Context, DecodeErrorKind, Error, FileTime, MicOutcome,
    NtHash, PeerIncompatible, Policy, Refusal,
};
use pair::{NOW, PASSWORD, Pair, to_continue};
use std::time::Duration;

/// What Windows offers: both character sets, `LM_KEY`, every strength.
const FLAGS: u32 = 0xe208_82b7;

fn negotiate(flags: u32) -> Vec<u8> {
    let flags = NegotiateFlags::from_bits_retain(flags);
    let mut out = Vec::new();
    Negotiate { flags, domain: &[], workstation: &[], version: None }.encode(&mut out).unwrap();
    out
}

fn try_challenge(negotiate: &[u8], policy: Policy) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let acceptor = Acceptor::new(forge::config(NOW, policy), ChannelBindings::none());
    match acceptor.step(negotiate, &mut out)? {
        AcceptorStep::Continue(_) => Ok(out),
        step => panic!("{step:?}"),
    }
}

fn challenge(negotiate: &[u8]) -> Vec<u8> {
    try_challenge(negotiate, Policy::default()).unwrap()
}

fn client(flags: u32) -> Forge {
    let negotiate = negotiate(flags);
    Forge::answer(&negotiate, &challenge(&negotiate))
}

fn log_on(forge: &Forge) -> Result<Context, Error> {
    forge.log_on(Policy::default(), ChannelBindings::none(), known("CORP", "alice", PASSWORD))
}

fn list(pairs: &[(AvId, &[u8])]) -> Vec<u8> {
    let mut list = TargetInfoBuilder::new();
    pairs.iter().try_for_each(|(id, value)| list.push(*id, value)).unwrap();
    list.finish()
}

/// One message of each type with something in every field, and where the fields are.
fn messages() -> [(Vec<u8>, &'static [usize]); 3] {
    let (mut negotiate, mut challenge, mut authenticate) = (Vec::new(), Vec::new(), Vec::new());
    let flags = NegotiateFlags::from_bits_retain(FLAGS);
    let version = Some(Version::CURRENT);
    let message = Negotiate { flags, domain: b"CORP", workstation: b"LAPTOP", version };
    message.encode(&mut negotiate).unwrap();
    let list = list(&[(AvId::NB_DOMAIN_NAME, b"C\0")]);
    let target_info = Some(TargetInfo::decode(&list).unwrap());
    let server_challenge = [7; 8];
    let message = Challenge { target_name: b"C\0", flags, server_challenge, target_info, version };
    message.encode(&mut challenge).unwrap();
    let message = Authenticate {
        lm_response: &[1; 24],
        nt_response: &[2; 24],
        domain: b"C\0",
        user: b"a\0",
        workstation: b"w\0",
        encrypted_random_session_key: &[3; 16],
        flags: Some(flags),
        version,
        mic: Some([4; 16]),
    };
    message.encode(&mut authenticate).unwrap();
    [(negotiate, &[16, 24]), (challenge, &[12, 40]), (authenticate, &[12, 20, 28, 36, 44, 52])]
}

/// Decodes by the type in the message; the fields of it that can be moved about.
fn fields(message: &[u8]) -> Result<Vec<Vec<u8>>, DecodeErrorKind> {
    let fields = match message[8] {
        1 => Negotiate::decode(message)
            .map(|message| vec![message.domain.to_vec(), message.workstation.to_vec()]),
        2 => Challenge::decode(message).map(|message| {
            let list = message.target_info.map(|list| list.as_bytes().to_vec());
            vec![message.target_name.to_vec(), list.unwrap_or_default()]
        }),
        _ => Authenticate::decode(message).map(|message| {
            vec![
                message.lm_response.to_vec(),
                message.nt_response.to_vec(),
                message.domain.to_vec(),
                message.user.to_vec(),
                message.workstation.to_vec(),
                message.encrypted_random_session_key.to_vec(),
            ]
        }),
    };
    fields.map_err(|error| error.kind)
}

fn set_fields(message: &mut [u8], at: usize, len: u16, offset: u32) {
    message[at..at + 2].copy_from_slice(&len.to_le_bytes());
    message[at + 4..at + 8].copy_from_slice(&offset.to_le_bytes());
}

// N-01: the type has to be the one that the state expects, too.
#[test]
fn a_message_of_another_signature_or_type_is_refused() {
    for (message, _) in messages() {
        for bit in 0..8 * 8 {
            let mut tampered = message.clone();
            tampered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(fields(&tampered), Err(DecodeErrorKind::BadValue));
        }
    }
    let step = |code: [u8; 4]| {
        let mut message = negotiate(FLAGS);
        message[8..12].copy_from_slice(&code);
        try_challenge(&message, Policy::default())
    };
    step([1, 0, 0, 0]).unwrap();
    for code in [[2, 0, 0, 0], [3, 0, 0, 0]] {
        assert!(matches!(step(code), Err(Error::OutOfSequence { .. })), "{code:?}");
    }
    for code in [[0; 4], [4, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 1], [0, 0, 0, 1]] {
        assert!(matches!(step(code), Err(Error::Decode(_))), "{code:?}");
    }
}

// N-02
#[test]
fn fields_may_lie_anywhere_within_the_message() {
    for (message, places) in messages() {
        let whole = fields(&message).unwrap();
        let length = u32::try_from(message.len()).unwrap();
        for (index, at) in places.iter().copied().enumerate() {
            let mut changed = message.clone();
            changed[at + 2..at + 4].copy_from_slice(&[0xff, 0xff]);
            assert_eq!(fields(&changed), Ok(whole.clone()), "MaxLen is ignored");
            for offset in [0, 1, length, u32::MAX] {
                let mut changed = message.clone();
                set_fields(&mut changed, at, 0, offset);
                assert_eq!(fields(&changed).unwrap()[index], b"", "nothing has no place");
            }
            for (len, offset) in [
                (2, u32::MAX),
                (2, u32::MAX - 1),
                (u16::MAX, u32::MAX),
                (1, length),
                (2, length - 1),
                (u16::MAX, 0),
                (2, 1 << 31),
            ] {
                let mut changed = message.clone();
                set_fields(&mut changed, at, len, offset);
                let expected = Err(DecodeErrorKind::OutOfBounds);
                assert_eq!(fields(&changed), expected, "{at}: {len} at {offset}");
            }
            // The next field at the place of this one, and this one in the header.
            let next = places[(index + 1) % places.len()];
            if message[8] != 2 {
                let mut changed = message.clone();
                changed.copy_within(at..at + 8, next);
                let shared = fields(&changed).unwrap();
                assert_eq!(shared[(index + 1) % places.len()], shared[index]);
                let mut changed = message.clone();
                set_fields(&mut changed, at, 8, 0);
                if at != 52 {
                    assert_eq!(fields(&changed).unwrap()[index], b"NTLMSSP\0");
                }
            }
        }
    }
}

// N-03
#[test]
fn messages_of_every_usual_length_are_read() {
    let [(negotiate, _), (challenge, _), (authenticate, _)] = messages();
    for (length, version) in [(16, false), (24, false), (32, false), (40, true)] {
        let mut message = negotiate[..length].to_vec();
        message.get_mut(16..18).into_iter().for_each(|len| len.fill(0));
        message.get_mut(24..26).into_iter().for_each(|len| len.fill(0));
        let decoded = Negotiate::decode(&message).unwrap();
        assert_eq!((decoded.flags.bits(), decoded.version.is_some()), (FLAGS, version));
        try_challenge(&message, Policy::default()).unwrap();
    }
    for (length, version) in [(32, false), (40, false), (48, false), (56, true)] {
        let mut message = challenge[..length].to_vec();
        message[12..14].fill(0);
        message.get_mut(40..42).into_iter().for_each(|len| len.fill(0));
        let decoded = Challenge::decode(&message).unwrap();
        assert_eq!((decoded.server_challenge, decoded.target_info), ([7; 8], None));
        assert_eq!(decoded.version.is_some(), version, "{length} bytes");
    }
    for header in [52, 60, 64, 72, 88] {
        let mut message = authenticate[..header].to_vec();
        for at in [12, 20, 28, 36, 44, 52] {
            if at + 8 <= header {
                set_fields(&mut message, at, 0, 0);
            }
        }
        set_fields(&mut message, 36, 2, u32::try_from(header).unwrap());
        message.extend(b"a\0");
        let decoded = Authenticate::decode(&message).unwrap();
        assert_eq!(decoded.user, b"a\0");
        assert_eq!(decoded.flags.is_some(), header >= 64, "{header} bytes");
        assert_eq!(decoded.version.is_some(), header >= 72, "{header} bytes");
        assert_eq!(decoded.mic, (header >= 88).then_some([4; 16]), "{header} bytes");
    }
}

// N-04
#[test]
fn room_for_a_mic_is_told_by_the_payload_and_not_by_flags() {
    let mut forge = client(FLAGS);
    forge.flags.remove(NegotiateFlags::VERSION | NegotiateFlags::TARGET_INFO);
    assert_eq!(log_on(&forge).unwrap().identity().mic(), MicOutcome::Verified);
    let mut forge = client(FLAGS);
    assert!(forge.flags.contains(NegotiateFlags::VERSION | NegotiateFlags::TARGET_INFO));
    forge.mic = false;
    assert_eq!(refusal(log_on(&forge)), Refusal::MicStripped);
    // A workstation within the MIC takes its room.
    let mut message = client(FLAGS).message();
    assert!(Authenticate::decode(&message).unwrap().mic.is_some());
    set_fields(&mut message, 44, 2, 86);
    assert_eq!(Authenticate::decode(&message).unwrap().mic, None);
}

// N-05
#[test]
fn names_are_in_the_character_set_that_was_negotiated() {
    for (charset, expected) in [(1, &b"C\0O\0R\0P\0"[..]), (2, b"CORP"), (3, b"C\0O\0R\0P\0")] {
        let message = challenge(&negotiate(FLAGS & !3 | charset));
        let message = Challenge::decode(&message).unwrap();
        assert_eq!(message.target_name, expected);
        assert_eq!(message.target_name_text().unwrap().to_text(), "CORP");
    }
    let error = try_challenge(&negotiate(FLAGS & !3), Policy::default()).unwrap_err();
    assert_eq!(error, PeerIncompatible::NoCharacterSet.into());
}

// N-06
#[test]
fn the_names_of_negotiate_are_oem_even_with_unicode() {
    let flags = NegotiateFlags::from_bits_retain(FLAGS | 0x3000);
    assert!(flags.contains(NegotiateFlags::UNICODE));
    let message = Negotiate { flags, domain: b"COR", workstation: b"L\xe4p", version: None };
    let mut bytes = Vec::new();
    message.encode(&mut bytes).unwrap();
    let decoded = Negotiate::decode(&bytes).unwrap();
    assert_eq!((decoded.domain, decoded.workstation), (&b"COR"[..], &b"L\xe4p"[..]));
    // An odd number of bytes is no Unicode, and no reason to refuse anybody.
    log_on(&Forge::answer(&bytes, &challenge(&bytes))).unwrap();
}

// N-08
#[test]
fn versions_decide_nothing() {
    for version in [[0; 8], [0xff; 8], [3, 51, 1, 0, 9, 9, 9, 1], [10, 0, 0x61, 0x4a, 0, 0, 0, 15]]
    {
        let mut negotiate = negotiate(FLAGS);
        negotiate[32..40].copy_from_slice(&version);
        let forge = Forge::answer(&negotiate, &challenge(&negotiate));
        let mut message = forge.message();
        message[64..72].copy_from_slice(&version);
        message[72..88].fill(0);
        let mic = hmac_md5(&forge.exported(), &[&negotiate, &forge.challenge, &message]);
        message[72..88].copy_from_slice(&mic);
        let exchange = forge::exchange(&negotiate, &forge.challenge);
        let config = forge::config(NOW, Policy::default());
        let acceptor = Acceptor::resume(config, ChannelBindings::none(), exchange).unwrap();
        let answer = known("CORP", "alice", PASSWORD);
        let context = forge::finish(acceptor, &message, answer, &mut Vec::new()).unwrap();
        assert_eq!(context.identity().mic(), MicOutcome::Verified);
    }
}

/// The AUTHENTICATE of this library's initiator, to a CHALLENGE of these flags.
fn answer(flags: NegotiateFlags) -> Vec<u8> {
    let pair = Pair { sealed: false, ..Pair::default() };
    let message = Challenge {
        target_name: &[],
        flags,
        server_challenge: [7; 8],
        target_info: None,
        version: Some(Version([0xff; 8])),
    };
    let (mut challenge, mut out) = (Vec::new(), Vec::new());
    message.encode(&mut challenge).unwrap();
    let initiator = to_continue(pair.initiator().step(None, &mut Vec::new()).unwrap());
    let _ = initiator.step(Some(&challenge), &mut out).unwrap();
    out
}

// N-09, F-01: KEY_EXCH and SEAL are the application's.
#[test]
fn the_initiator_asks_for_what_ntlmv2_needs_and_names_nobody() {
    for (key_exchange, sealed) in [(false, false), (true, true)] {
        let pair = Pair { key_exchange, sealed, ..Pair::default() };
        let mut message = Vec::new();
        let _ = pair.initiator().step(None, &mut message).unwrap();
        let message = Negotiate::decode(&message).unwrap();
        let mut expected = NegotiateFlags::UNICODE
            | NegotiateFlags::REQUEST_TARGET
            | NegotiateFlags::NTLM
            | NegotiateFlags::ALWAYS_SIGN
            | NegotiateFlags::EXTENDED_SESSIONSECURITY
            | NegotiateFlags::SIGN
            | NegotiateFlags::VERSION
            | NegotiateFlags::KEY_128
            | NegotiateFlags::KEY_56;
        expected.set(NegotiateFlags::KEY_EXCH, key_exchange);
        expected.set(NegotiateFlags::SEAL, sealed);
        assert_eq!((message.flags, message.version), (expected, Some(Version::CURRENT)));
        assert!(message.domain.is_empty() && message.workstation.is_empty());
    }
    let flags = NegotiateFlags::UNICODE | NegotiateFlags::EXTENDED_SESSIONSECURITY;
    assert_eq!(answer(flags)[64..72], [0; 8]);
    assert_eq!(answer(flags | NegotiateFlags::VERSION)[64..72], Version::CURRENT.0);
}

// N-13
#[test]
fn a_response_has_two_ones_and_then_reserved_bytes() {
    let mut forge = client(FLAGS & !0x4000_0000);
    forge.set(AvId::FLAGS, &[0; 4]);
    let message = forge.message();
    let response = Authenticate::decode(&message).unwrap().nt_response;
    assert_eq!(NtlmV2Response::decode(response).unwrap().temp, &response[16..]);
    let owf = hmac_md5(NtHash::of_password(PASSWORD).expose(), &[&forge.hashed]);
    let mut prove = |at: usize, value: u8| {
        let mut temp = response[16..].to_vec();
        temp[at] = value;
        let proof = hmac_md5(&owf, &[&[0x42; 8], &temp]);
        forge.nt_response = Some([&proof[..], &temp].concat());
        log_on(&forge)
    };
    for reserved in [2, 3, 4, 7, 24, 27] {
        prove(reserved, 0xff).unwrap();
    }
    for (at, value) in [(0, 2), (0, 0), (1, 2), (1, 0)] {
        let error = prove(at, value).unwrap_err();
        assert!(matches!(error, Error::Decode(error) if error.kind == DecodeErrorKind::BadValue));
    }
}

// N-14
#[test]
fn times_of_any_value_are_understood() {
    assert_eq!(FileTime::from_ticks(0).to_unix(), None);
    assert_eq!(FileTime::from_unix(Duration::ZERO).ticks(), 116_444_736_000_000_000);
    assert_eq!(FileTime::from_unix(Duration::MAX).ticks(), u64::MAX);
    let latest = FileTime::from_ticks(u64::MAX);
    let since = latest.since(FileTime::from_ticks(0)).unwrap();
    assert_eq!((since.as_secs(), since.subsec_nanos()), (u64::MAX / 10_000_000, 955_161_500));
    assert_eq!(FileTime::from_ticks(0).since(latest), None);
    for time in [0, 1, 1 << 63, u64::MAX] {
        let mut forge = client(FLAGS);
        forge.time = time;
        log_on(&forge).unwrap();
    }
}

#[test]
fn a_message_that_cannot_be_written_leaves_nothing_behind() {
    let long = vec![b'a'; 65536];
    let flags = NegotiateFlags::UNICODE;
    let (mut out, before) = (Vec::from(*b"before"), *b"before");
    let names = [(&long[..], &[][..]), (&[], &long)];
    for (domain, workstation) in names {
        let message = Negotiate { flags, domain, workstation, version: None };
        message.encode(&mut out).unwrap_err();
        assert_eq!(out, before);
    }
    let mut challenge = Vec::new();
    let message = Challenge {
        target_name: &long,
        flags,
        server_challenge: [0; 8],
        target_info: None,
        version: None,
    };
    message.encode(&mut challenge).unwrap_err();
    assert_eq!(challenge, []);
    let whole = Authenticate {
        lm_response: &[],
        nt_response: &[],
        domain: &[],
        user: &[],
        workstation: &[],
        encrypted_random_session_key: &[],
        flags: Some(flags),
        version: None,
        mic: None,
    };
    for message in [
        Authenticate { lm_response: &long, ..whole },
        Authenticate { nt_response: &long, ..whole },
        Authenticate { domain: &long, ..whole },
        Authenticate { user: &long, ..whole },
        Authenticate { workstation: &long, ..whole },
        Authenticate { encrypted_random_session_key: &long, ..whole },
    ] {
        message.encode(&mut out).unwrap_err();
        assert_eq!(out, before);
    }

    // Nor does a client that is given such a name.
    let user = "a".repeat(40_000);
    let client = Pair { name: Box::leak(user.into_boxed_str()), ..Pair::default() };
    let mut first = Vec::new();
    let initiator = to_continue(client.initiator().step(None, &mut first).unwrap());
    let error = initiator.step(Some(&self::challenge(&first)), &mut out).unwrap_err();
    assert!(matches!(error, Error::ApiMisuse(_)), "{error:?}");
    assert_eq!(out, before);
}

// N-03: where the payload begins early, what would stand there in a longer header is absent.
#[test]
fn the_payload_ends_the_header_however_long_the_message_is() {
    let [(negotiate, _), (challenge, _), _] = messages();
    let mut message = negotiate[..32].to_vec();
    set_fields(&mut message, 16, 10, 32);
    set_fields(&mut message, 24, 0, 0);
    message.extend(b"CORPDOMAIN");
    let decoded = Negotiate::decode(&message).unwrap();
    assert_eq!((decoded.domain, decoded.version), (&b"CORPDOMAIN"[..], None));

    // 32: the name stands where a pointer to `TargetInfo` would, and would point outside.
    let name = b"\xff".repeat(24);
    let mut message = challenge[..32].to_vec();
    set_fields(&mut message, 12, 24, 32);
    message.extend(&name);
    let decoded = Challenge::decode(&message).unwrap();
    assert_eq!((decoded.target_name, decoded.target_info), (&name[..], None));
    assert_eq!(decoded.version, None);

    // 48: `TargetInfo` is there, `Version` is not, whichever of the two comes first.
    let pairs = list(&[(AvId::NB_DOMAIN_NAME, b"C\0O\0R\0P\0")]);
    let length = u16::try_from(pairs.len()).unwrap();
    for (name_at, info_at) in [(48, 58), (48 + u32::from(length), 48)] {
        let mut message = challenge[..48].to_vec();
        set_fields(&mut message, 12, 10, name_at);
        set_fields(&mut message, 40, length, info_at);
        let name = &b"C\0O\0R\0P\0S\0"[..];
        let (first, second) = if info_at == 48 { (&pairs[..], name) } else { (name, &pairs[..]) };
        message.extend([first, second].concat());
        let decoded = Challenge::decode(&message).unwrap();
        assert_eq!((decoded.target_name, decoded.version), (name, None));
        assert_eq!(decoded.target_info.unwrap().as_bytes(), pairs);
    }
}

// N-04: each of the six fields is payload, the session key among them.
#[test]
fn any_field_over_the_mic_takes_its_room() {
    let [_, _, (message, places)] = messages();
    assert!(Authenticate::decode(&message).unwrap().mic.is_some());
    for at in places.iter().copied() {
        let mut moved = message.clone();
        set_fields(&mut moved, at, 2, 86);
        assert_eq!(Authenticate::decode(&moved).unwrap().mic, None, "field at {at}");
        // What is empty has no place.
        set_fields(&mut moved, at, 0, 86);
        assert!(Authenticate::decode(&moved).unwrap().mic.is_some(), "field at {at}");
    }
}
