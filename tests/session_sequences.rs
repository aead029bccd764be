//! What may go wrong between the two ends of a session.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/pair.rs"]
mod pair;
#[path = "support/vectors.rs"]
mod vectors;

use forge::{Forge, known, refusal};
use logon::ntlm::{ExportedSessionKey, Role, Session, ntlm_v1_response};
use logon::wire::ntlm::{Negotiate, NegotiateFlags};
use logon::wire::spnego::{MechType, MechTypes, NegTokenInit, NegTokenResp};
use logon::{
    Acceptor, AcceptorStep, ApiMisuse, ChannelBindings, Context, Error, NtHash, Policy, Refusal,
};
use messages::array;
use pair::{Both, NOW, PASSWORD, Pair};

const ESS: NegotiateFlags = NegotiateFlags::EXTENDED_SESSIONSECURITY;
const BOTH: NegotiateFlags = NegotiateFlags::SIGN.union(NegotiateFlags::SEAL);
const KEY: [u8; 16] = *b"sixteen keybytes";

/// Both ends: the initiator's, the acceptor's.
fn ends(flags: NegotiateFlags) -> [Session; 2] {
    [Role::Initiator, Role::Acceptor]
        .map(|role| Session::new(ExportedSessionKey::from_bytes(KEY), flags, role))
}

/// Every kind of session that can be negotiated, with signing and sealing.
fn kinds() -> Vec<NegotiateFlags> {
    let strengths = [
        NegotiateFlags::empty(),
        NegotiateFlags::KEY_56,
        NegotiateFlags::KEY_128,
        NegotiateFlags::KEY_56 | NegotiateFlags::KEY_128,
    ];
    let exchange = [NegotiateFlags::empty(), NegotiateFlags::KEY_EXCH];
    let families = [ESS, NegotiateFlags::empty(), NegotiateFlags::LM_KEY];
    let mut kinds = Vec::new();
    for family in families {
        for strength in strengths {
            kinds.extend(exchange.map(|exchange| family | strength | exchange | BOTH));
        }
    }
    kinds
}

fn poisoned(end: &mut Session) {
    let expected = Error::from(ApiMisuse::SessionPoisoned);
    assert_eq!(end.get_mic(b"x").unwrap_err(), expected);
    assert_eq!(end.verify_mic(b"x", &[0; 16]).unwrap_err(), expected);
    let mut data = *b"kept";
    assert_eq!(end.seal(&[], &mut data).unwrap_err(), expected);
    assert_eq!(end.unseal(&[], &mut data, &[0; 16]).unwrap_err(), expected);
    assert_eq!(&data, b"kept");
}

// K-05, K-08, K-10: messages of every length, signed, sealed, with and without a prefix, both ways,
// by one key stream that never begins anew.
#[test]
fn two_ends_of_every_kind_understand_each_other() {
    for flags in kinds() {
        let mut ends = ends(flags);
        let mut seen = std::collections::HashSet::new();
        for round in 0..24_usize {
            if round % 3 == 2 {
                ends.swap(0, 1);
            }
            let [sender, receiver] = &mut ends;
            let plaintext = vec![7; [20, 0, 1, 300][round % 4]];
            let prefix: &[u8] = if round % 2 == 0 { b"header" } else { b"" };
            let mic = sender.get_mic(&plaintext).unwrap();
            assert!(receiver.verify_mic(&plaintext, &mic).unwrap(), "{flags:?}");
            let mut data = plaintext.clone();
            let signature = sender.seal(prefix, &mut data).unwrap();
            assert!(data.len() < 20 || seen.insert(data.clone()), "the key stream goes on");
            assert!(receiver.unseal(prefix, &mut data, &signature).unwrap(), "{flags:?}");
            assert_eq!(data, plaintext);
        }
    }
}

// K-05: with extended session security each direction has its own stream, without it there is one.
#[test]
fn directions_share_a_key_stream_only_without_extended_session_security() {
    for flags in kinds() {
        let mut first = ends(flags);
        let mut second = ends(flags);
        // The acceptor has sent one message in the second pair, the initiator none.
        second[1].seal(&[], &mut [0; 9]).unwrap();
        let sealed = |ends: &mut [Session; 2]| {
            let mut data = [0; 20];
            let signature = ends[0].seal(&[], &mut data).unwrap();
            (data, signature)
        };
        assert_eq!(sealed(&mut first), sealed(&mut second), "what the acceptor sends is its own");
        let crossed = |[mut client, mut server]: [Session; 2], both_send: bool| {
            let mut message = *b"from the server";
            let signature = server.seal(&[], &mut message).unwrap();
            if both_send {
                client.seal(&[], &mut [0; 9]).unwrap();
            }
            client.unseal(&[], &mut message, &signature).unwrap()
        };
        assert!(crossed(ends(flags), false));
        // Full duplex needs two streams.
        assert_eq!(crossed(ends(flags), true), flags.contains(ESS), "{flags:?}");
    }
}

// K-09: a number that was used, one that was left out, and one of the other direction.
#[test]
fn a_signature_counts_once_and_in_its_turn() {
    for flags in kinds() {
        let messages = || {
            let [mut client, _] = ends(flags);
            [b"first", b"again", b"third"].map(|text| {
                let mut data = *text;
                let signature = client.seal(&[], &mut data).unwrap();
                (data, signature)
            })
        };
        for order in [[0, 0], [1, 2], [2, 0], [0, 2], [1, 1]] {
            let [_, mut server] = ends(flags);
            let mut verdicts = Vec::new();
            for number in order {
                let (mut data, signature) = messages()[number];
                match server.unseal(&[], &mut data, &signature) {
                    Ok(true) => verdicts.push(true),
                    Ok(false) => {
                        assert_eq!(data, [0; 5], "wiped");
                        verdicts.push(false);
                        break;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            let expected: &[bool] = if order[0] == 0 { &[true, false] } else { &[false] };
            assert_eq!(verdicts, expected, "{flags:?} {order:?}");
            poisoned(&mut server);
        }
        let [mut client, _] = ends(flags);
        let mic = client.get_mic(b"mine").unwrap();
        assert!(!client.verify_mic(b"mine", &mic).unwrap(), "the other direction");
    }
}

// K-10, K-11: nothing is released before the signature is right, and nothing after one was wrong.
#[test]
fn one_wrong_signature_ends_a_session() {
    for flags in kinds() {
        let mut data = *b"plaintext";
        let signature = ends(flags)[0].seal(b"header", &mut data).unwrap();
        let fresh = || {
            let [_, server] = ends(flags);
            server
        };
        let long = [&signature[..], &[0]].concat();
        for wrong in [&[][..], &signature[..15], &signature[..12], &signature[..1], &long] {
            let (mut server, mut copy) = (fresh(), data);
            assert!(!server.unseal(b"header", &mut copy, wrong).unwrap());
            assert_eq!(copy, [0; 9]);
            poisoned(&mut server);
        }
        for byte in 0..9 {
            let (mut server, mut copy) = (fresh(), data);
            copy[byte] ^= 0x40;
            assert!(!server.unseal(b"header", &mut copy, &signature).unwrap());
            assert_eq!(copy, [0; 9]);
            poisoned(&mut server);
        }
        for prefix in [&b""[..], b"heade", b"headers", b"Header"] {
            let (mut server, mut copy) = (fresh(), data);
            assert!(!server.unseal(prefix, &mut copy, &signature).unwrap());
            poisoned(&mut server);
        }
        let mut server = fresh();
        assert!(!server.verify_mic(b"plaintext", &signature).unwrap(), "sealed, not signed");
        poisoned(&mut server);
    }
}

// K-07: without extended session security, and only then, four bytes are whatever the sender likes.
#[test]
fn the_random_pad_is_ignored() {
    for flags in kinds() {
        let mut data = *b"plaintext";
        let mut signature = ends(flags)[0].seal(&[], &mut data).unwrap();
        let padded = !flags.contains(ESS);
        assert_eq!(signature[4..8] == [0; 4], padded);
        signature[4..8].copy_from_slice(&[0xde, 0xad, 0xbe, 0xef]);
        assert_eq!(ends(flags)[1].unseal(&[], &mut data, &signature).unwrap(), padded);
    }
}

// F-10, K-12: what was not negotiated cannot be had; a dummy signature is given and never taken.
#[test]
fn what_was_not_negotiated_cannot_be_had() {
    let none = || Error::from(ApiMisuse::NoConfidentiality);
    for family in [ESS, NegotiateFlags::empty(), NegotiateFlags::LM_KEY] {
        let mut data = *b"kept";
        let [mut client, mut server] = ends(family | NegotiateFlags::SIGN);
        assert_eq!(client.seal(&[], &mut data).unwrap_err(), none());
        assert_eq!(server.unseal(&[], &mut data, &[0; 16]).unwrap_err(), none());
        let mic = client.get_mic(&data).unwrap();
        assert!(server.verify_mic(&data, &mic).unwrap(), "signing alone goes on");

        let [mut client, mut server] = ends(family | NegotiateFlags::ALWAYS_SIGN);
        assert!(!client.has_integrity());
        let dummy = client.get_mic(b"anything").unwrap();
        assert_eq!(dummy, array(&[&[1][..], &[0; 15]].concat()));
        let refused = server.verify_mic(b"anything", &dummy).unwrap_err();
        assert_eq!(refused, ApiMisuse::NoSessionSecurity.into());
        assert_eq!(client.seal(&[], &mut data).unwrap_err(), none());

        let [mut client, _] = ends(family);
        let refused = client.get_mic(b"anything").unwrap_err();
        assert_eq!(refused, ApiMisuse::NoSessionSecurity.into());
        assert_eq!(&data, b"kept");

        // SEAL without SIGN signs as well.
        let [mut client, mut server] = ends(family | NegotiateFlags::SEAL);
        let signature = client.seal(&[], &mut data).unwrap();
        assert!(server.unseal(&[], &mut data, &signature).unwrap());
    }
}

// F-10: a logon with ALWAYS_SIGN alone has a session key, and signs with the dummy.
#[test]
fn a_logon_that_always_signs_and_never_does_has_a_key() {
    let flags = NegotiateFlags::from_bits_retain(0xa208_8201);
    let mut negotiate = Vec::new();
    let message = Negotiate { flags, domain: &[], workstation: &[], version: None };
    message.encode(&mut negotiate).unwrap();
    let mut challenge = Vec::new();
    let acceptor = Acceptor::new(forge::config(NOW, Policy::default()), ChannelBindings::none());
    let _ = acceptor.step(&negotiate, &mut challenge).unwrap();
    let forge = Forge::answer(&negotiate, &challenge);
    let log_on = |forge: &Forge| {
        let answer = known("CORP", "alice", PASSWORD);
        forge.log_on(Policy::default(), ChannelBindings::none(), answer)
    };
    let mut context = log_on(&forge).unwrap();
    assert_eq!(context.exported_session_key(), forge.exported());
    assert_eq!(context.get_mic(b"body").unwrap()[..5], [1, 0, 0, 0, 0]);
    assert!(context.verify_mic(b"body", &[1; 16]).is_err());
    assert!(context.wrap(&mut [0; 4]).is_err());
    // K-12: nobody has a session without having a name.
    let nobody = Forge { user: Vec::new(), ..forge };
    assert_eq!(refusal(log_on(&nobody)), Refusal::Anonymous);
}

fn run(spnego: bool) -> Both {
    Pair { spnego, ..Pair::default() }.run().unwrap()
}

// P-17: behind a mechListMIC the key stream begins anew, the numbers do not.
#[test]
fn the_key_stream_begins_anew_behind_a_mech_list_mic() {
    let (mut raw, mut negotiated) = (run(false), run(true));
    let keys = [raw.client.exported_session_key(), negotiated.client.exported_session_key()];
    assert_eq!(keys[0], keys[1]);
    let (mut one, mut other) = (*b"the first message", *b"the first message");
    let first = raw.client.wrap(&mut one).unwrap();
    let second = negotiated.client.wrap(&mut other).unwrap();
    assert_eq!(one, other, "the same bytes of the key stream");
    assert_eq!((&first[12..], &second[12..]), (&[0; 4][..], &[1, 0, 0, 0][..]));
    assert!(negotiated.server.unwrap(&mut other, &second).unwrap());
    let mut back = *b"the answer";
    let signature = negotiated.server.wrap_ex(b"header", &mut back).unwrap();
    assert_eq!(signature[12..], [1, 0, 0, 0]);
    assert!(negotiated.client.unwrap_ex(b"header", &mut back, &signature).unwrap());
    assert_eq!(&back, b"the answer");
    // Number 0 belongs to the mechListMIC.
    let mut fresh = run(true);
    assert!(!fresh.server.unwrap(&mut one, &first).unwrap());
    assert_eq!(one, [0; 17]);
}

// K-10, P-17: published: a prefix that is signed and not sealed, behind a mechListMIC.
#[test]
fn a_published_prefix_is_covered() {
    let mut seen = 0;
    for case in vectors::load("ms-nlmp/real_exchange.txt") {
        if case.kind() == "gss-wrap-after-mic" {
            let key = case.hex("ExportedSessionKey");
            let client = match case.text("Direction").as_str() {
                "client" => true,
                "server" => false,
                other => panic!("{other}"),
            };
            let both = || Pair { spnego: true, random: key[0], ..Pair::default() }.run().unwrap();
            let (prefix, plaintext) = (case.hex("SignOnlyPrefix"), case.hex("Plaintext"));
            let Both { client: mut left, server: mut right } = both();
            assert_eq!(left.exported_session_key(), key);
            let mut data = Vec::new();
            let mut signature = [0; 16];
            for number in 1..=case.u64("SeqNum") {
                data.clone_from(&plaintext);
                signature = if client {
                    left.wrap_ex(&prefix, &mut data).unwrap().try_into().unwrap()
                } else {
                    right.wrap_ex(&prefix, &mut data).unwrap().try_into().unwrap()
                };
                assert_eq!(u64::from(signature[12]), number);
            }
            assert_eq!(data, case.hex("SealedData"), "{}", case.id());
            assert_eq!(signature[4..12], case.hex("Checksum"), "{}", case.id());
            let mut other = both();
            let opened = if client {
                other.server.unwrap_ex(b"Header", &mut data, &signature)
            } else {
                other.client.unwrap_ex(b"Header", &mut data, &signature)
            };
            assert!(!opened.unwrap());
            seen += 1;
        }
        case.pass_over();
    }
    assert_eq!(seen, 3);
}

/// A client of NTLMv1 without extended session security, first choice within SPNEGO: its last
/// token with this `mechListMIC`, at an acceptor that lets NTLMv1 in.
fn old_within_spnego(mic: Option<[u8; 16]>) -> (Result<Context, Error>, Vec<u8>) {
    let mut policy = Policy::default();
    policy.ntlm_v1 = true;
    let flags = NegotiateFlags::from_bits_retain(0x0000_8237);
    let message = Negotiate { flags, domain: &[], workstation: &[], version: None };
    let mut negotiate = Vec::new();
    message.encode(&mut negotiate).unwrap();
    let list = MechTypes::encode(&[MechType::NTLMSSP]).unwrap();
    let init = NegTokenInit {
        mech_types: MechTypes::decode(&list).unwrap(),
        mech_token: Some(&negotiate),
        neg_hints: None,
        mech_list_mic: None,
    };
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    init.encode(&mut first).unwrap();
    let pair = Pair { policy, ..Pair::default() };
    let AcceptorStep::Continue(acceptor) = pair.acceptor().step(&first, &mut second).unwrap()
    else {
        panic!("no challenge")
    };
    let challenge = NegTokenResp::decode(&second).unwrap().response_token.unwrap().to_vec();
    let response = ntlm_v1_response(&NtHash::of_password(PASSWORD), &[0x42; 8]);
    let mut forge = Forge::answer(&negotiate, &challenge);
    forge.mic = false;
    forge.nt_response = Some(response.to_vec());
    let authenticate = forge.message();
    let resp = NegTokenResp {
        response_token: Some(&authenticate),
        mech_list_mic: mic.as_ref().map(<[u8; 16]>::as_slice),
        ..Default::default()
    };
    resp.encode(&mut third).unwrap();
    let mut out = Vec::new();
    (forge::finish(acceptor, &third, known("CORP", "alice", PASSWORD), &mut out), out)
}

// P-17, P-13: the same without extended session security, with one key stream for both directions.
#[test]
fn without_extended_session_security_the_key_stream_begins_anew_as_well() {
    let list = MechTypes::encode(&[MechType::NTLMSSP]).unwrap();
    let context = old_within_spnego(None).0.unwrap();
    let key = context.exported_session_key().try_into().unwrap();
    let flags = NegotiateFlags::SIGN | NegotiateFlags::SEAL;
    let client = || Session::new(ExportedSessionKey::from_bytes(key), flags, Role::Initiator);
    let mic = client().get_mic(&list).unwrap();
    let (server, out) = old_within_spnego(Some(mic));
    let mut server = server.unwrap();
    // Both sign the same with number 0 and one key stream, each from its beginning.
    let reply = NegTokenResp::decode(&out).unwrap();
    assert_eq!(reply.mech_list_mic, Some(&mic[..]));
    // The key stream anew; the number of the first message is 1.
    let mut sealed = *b"the first message";
    let mut signature = client().seal(&[], &mut sealed).unwrap();
    signature[12] ^= 1;
    let mut opened = sealed;
    assert!(server.unwrap(&mut opened, &signature).unwrap());
    assert_eq!(&opened, b"the first message");
    // With number 0 it would be the mechListMIC's.
    signature[12] ^= 1;
    let mut server = old_within_spnego(Some(mic)).0.unwrap();
    assert!(!server.unwrap(&mut sealed, &signature).unwrap());
    for bit in (0..16 * 8).filter(|bit| !(32..64).contains(bit)) {
        let mut wrong = mic;
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refusal(old_within_spnego(Some(wrong)).0), Refusal::WrongMechListMic);
    }
}
