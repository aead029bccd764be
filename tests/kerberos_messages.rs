//! `kerberos/messages.txt`: the reference encodings of MIT krb5, read, written, and tampered
//! with.
#![cfg(feature = "kerberos")]

#[path = "support/vectors.rs"]
mod vectors;

use logon::wire::krb5::{
    ApOptions, ApRep, ApReq, Authenticator, Checksum, Element, EncApRepPart, EncKdcRepPart,
    EncTicketPart, EncryptedData, EncryptionKey, EtypeInfo2Entry, KdcOptions, KdcRep, KdcReq,
    KdcReqBody, KdcReqKind, KerberosTime, KrbError, LastReq, PaEncTsEnc, Principal, Ticket,
    TicketFlags, TransitedEncoding, decode_authorization_data, decode_method_data,
    encode_authorization_data, encode_method_data,
};
use logon::{ApiMisuse, DecodeError, DecodeErrorKind};

const TIME: KerberosTime = KerberosTime::from_unix(771_228_197);
const CUSEC: u32 = 123_456;
const FLAGS: u32 = 0xfedc_ba98;
const KEY: EncryptionKey<'_> = EncryptionKey { key_type: 1, value: b"12345678" };
const ENCRYPTED: EncryptedData<'_> =
    EncryptedData { etype: 0, kvno: Some(5), cipher: b"krbASN.1 test message" };
const AUTH_DATA: Element<'_> = Element { kind: 1, data: b"foobar" };
const ADDRESS: Element<'_> = Element { kind: 2, data: &[0x12, 0xd0, 0, 0x23] };
const PA_DATA: Element<'_> = Element { kind: 13, data: b"pa-data" };
const TRANSITED: TransitedEncoding<'_> =
    TransitedEncoding { kind: 1, contents: b"EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS." };

fn principal() -> Principal<'static> {
    let components = vec!["hftsai", "extra"];
    Principal { realm: "ATHENA.MIT.EDU", components, name_type: 1 }
}

fn ticket() -> Vec<u8> {
    let mut out = Vec::new();
    Ticket::encode(&principal(), &ENCRYPTED, &mut out).unwrap();
    out
}

/// Reads a message and writes it again.
type Again = Box<dyn Fn(&[u8]) -> Result<Vec<u8>, DecodeError>>;

fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), ApiMisuse>) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    out
}

macro_rules! reader {
    ($message:ident) => {
        Box::new(|der: &[u8]| {
            let this = $message::decode(der)?;
            Ok(written(|out| this.encode(out)))
        })
    };
}

fn kdc_req(kind: KdcReqKind) -> Again {
    Box::new(move |der| {
        let this = KdcReq::decode(kind, der)?;
        let body = KdcReqBody::decode(this.req_body)?;
        let again = written(|out| body.encode(out));
        let request = KdcReq { req_body: &again, ..this };
        Ok(written(|out| request.encode(out)))
    })
}

fn kdc_rep(kind: KdcReqKind) -> Again {
    Box::new(move |der| {
        let this = KdcRep::decode(kind, der)?;
        Ok(written(|out| this.encode(out)))
    })
}

fn reader(kind: &str) -> Again {
    match kind {
        "authenticator" => reader!(Authenticator),
        "encryption-key" => reader!(EncryptionKey),
        "enc-ticket-part" => reader!(EncTicketPart),
        "ap-req" => reader!(ApReq),
        "ap-rep" => reader!(ApRep),
        "enc-ap-rep-part" => reader!(EncApRepPart),
        "krb-error" => reader!(KrbError),
        "pa-enc-ts-enc" => reader!(PaEncTsEnc),
        "encrypted-data" => reader!(EncryptedData),
        "as-req" => kdc_req(KdcReqKind::As),
        "tgs-req" => kdc_req(KdcReqKind::Tgs),
        "as-rep" => kdc_rep(KdcReqKind::As),
        "tgs-rep" => kdc_rep(KdcReqKind::Tgs),
        "ticket" => Box::new(|der| {
            let this = Ticket::decode(der)?;
            assert_eq!(this.as_der(), der);
            Ok(written(|out| Ticket::encode(&this.server, &this.enc_part, out)))
        }),
        "authorization-data" => Box::new(|der| {
            let this = decode_authorization_data(der)?;
            Ok(written(|out| encode_authorization_data(&this, out)))
        }),
        "etype-info2" => Box::new(|der| {
            let this = EtypeInfo2Entry::decode_list(der)?;
            Ok(written(|out| EtypeInfo2Entry::encode_list(&this, out)))
        }),
        other => panic!("{other}"),
    }
}

/// The bytes that the values of `ktest.c` give.
fn expected(id: &str) -> Vec<u8> {
    let der = ticket();
    let ticket = Ticket::decode(&der).unwrap();
    let auth_data = vec![AUTH_DATA; 2];
    let client = principal();
    written(|out| match id {
        "authenticator" => Authenticator {
            client,
            checksum: Some(Checksum { checksum_type: 1, checksum: b"1234" }),
            cusec: CUSEC,
            ctime: TIME,
            subkey: Some(KEY),
            seq_number: Some(17),
            authorization_data: auth_data,
        }
        .encode(out),
        "authenticatorOptionalsEmpty" => Authenticator {
            client,
            checksum: None,
            cusec: CUSEC,
            ctime: TIME,
            subkey: None,
            seq_number: None,
            authorization_data: vec![],
        }
        .encode(out),
        "ticket" => Ticket::encode(&client, &ENCRYPTED, out),
        "keyblock" => KEY.encode(out),
        "enc_tkt_part" | "enc_tkt_partOptionalsNULL" => {
            let all = id == "enc_tkt_part";
            EncTicketPart {
                flags: TicketFlags::from_bits_retain(FLAGS),
                key: KEY,
                client,
                transited: TRANSITED,
                auth_time: TIME,
                start_time: all.then_some(TIME),
                end_time: TIME,
                renew_till: all.then_some(TIME),
                addresses: if all { vec![ADDRESS; 2] } else { vec![] },
                authorization_data: if all { auth_data } else { vec![] },
            }
            .encode(out)
        }
        "ap_req" => {
            let ap_options = ApOptions::from_bits_retain(FLAGS);
            ApReq { ap_options, ticket, authenticator: ENCRYPTED }.encode(out)
        }
        "ap_rep" => ApRep { enc_part: ENCRYPTED }.encode(out),
        "ap_rep_enc_part" => {
            let (subkey, seq_number) = (Some(KEY), Some(17));
            EncApRepPart { ctime: TIME, cusec: CUSEC, subkey, seq_number }.encode(out)
        }
        "ap_rep_enc_partOptionalsNULL" => {
            EncApRepPart { ctime: TIME, cusec: CUSEC, subkey: None, seq_number: None }.encode(out)
        }
        "error" | "errorOptionalsNULL" => {
            let all = id == "error";
            KrbError {
                ctime: all.then_some(TIME),
                cusec: Some(CUSEC),
                stime: TIME,
                susec: CUSEC,
                error_code: 60,
                client: if all { client } else { Principal::default() },
                server: principal(),
                e_text: all.then_some("krb5data"),
                e_data: all.then_some(b"krb5data"),
            }
            .encode(out)
        }
        "authorization_data" => encode_authorization_data(&auth_data, out),
        "as_req" | "tgs_req" => {
            let body = KdcReqBody {
                kdc_options: KdcOptions::from_bits_retain(0xfedc_ba90),
                client: Some(client),
                server: principal(),
                from: Some(TIME),
                till: TIME,
                rtime: Some(TIME),
                nonce: 42,
                etypes: vec![0, 1],
                addresses: vec![ADDRESS; 2],
                enc_authorization_data: Some(ENCRYPTED),
                additional_tickets: vec![ticket; 2],
            };
            let body = written(|out| body.encode(out));
            let kind = if id == "as_req" { KdcReqKind::As } else { KdcReqKind::Tgs };
            KdcReq { kind, padata: vec![PA_DATA; 2], req_body: &body }.encode(out)
        }
        "as_rep" | "tgs_rep" => {
            let kind = if id == "as_rep" { KdcReqKind::As } else { KdcReqKind::Tgs };
            KdcRep { kind, padata: vec![PA_DATA; 2], client, ticket, enc_part: ENCRYPTED }
                .encode(out)
        }
        "etype_info2" => {
            let entry = |etype, salt, s2kparams| EtypeInfo2Entry { etype, salt, s2kparams };
            let list = [
                entry(0, Some("Morton's #0"), Some(&b"s2k: 0"[..])),
                entry(1, None, Some(b"s2k: 1")),
                entry(2, Some("Morton's #2"), Some(b"s2k: 2")),
            ];
            EtypeInfo2Entry::encode_list(&list, out)
        }
        "pa_enc_ts" => PaEncTsEnc { patimestamp: TIME, pausec: Some(CUSEC) }.encode(out),
        "enc_data" => ENCRYPTED.encode(out),
        "enc_dataKVNONegOne" => EncryptedData { kvno: Some(u32::MAX), ..ENCRYPTED }.encode(out),
        other => panic!("{other}"),
    })
}

#[test]
fn the_reference_encodings_are_read_and_written() {
    for case in vectors::load("kerberos/messages.txt") {
        let (der, read) = (case.hex("Message"), reader(case.kind()));
        let again = read(&der).unwrap_or_else(|error| panic!("{}: {error}", case.id()));
        assert_eq!(again, der, "{}", case.id());
        assert_eq!(expected(case.id()), der, "{}", case.id());
    }
}

#[test]
fn what_is_cut_off_or_goes_on_is_refused() {
    for case in vectors::load("kerberos/messages.txt") {
        let (der, read) = (case.hex("Message"), reader(case.kind()));
        for length in 0..der.len() {
            assert!(read(&der[..length]).is_err(), "{}: {length}", case.id());
        }
        let longer = [&der[..], &[0]].concat();
        let kind = read(&longer).unwrap_err().kind;
        assert_eq!(kind, DecodeErrorKind::TrailingData, "{}", case.id());
    }
}

#[test]
fn no_changed_bit_goes_unnoticed() {
    for case in vectors::load("kerberos/messages.txt") {
        let (der, read) = (case.hex("Message"), reader(case.kind()));
        for bit in 0..der.len() * 8 {
            let mut tampered = der.clone();
            tampered[bit / 8] ^= 1 << (bit % 8);
            // How many bits of the flags are unused; that they are zeros says the same.
            if der[..bit / 8].ends_with(&[3, 5]) && bit % 8 < 3 {
                continue;
            }
            if let Ok(again) = read(&tampered) {
                assert_ne!(again, der, "{}: bit {bit}", case.id());
            }
        }
    }
}

/// A message with the first occurrence of `from` exchanged for `to`, of the same length.
fn exchanged(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = der.windows(from.len()).position(|window| window == from).unwrap();
    let mut changed = der.to_vec();
    changed[at..at + to.len()].copy_from_slice(to);
    changed
}

#[test]
fn another_version_and_another_type_are_named() {
    let honest = expected("ap_req");
    for (from, to, field) in [
        ([0xa0, 3, 2, 1, 5], [0xa0, 3, 2, 1, 4], "pvno"),
        ([0xa1, 3, 2, 1, 14], [0xa1, 3, 2, 1, 15], "msg-type"),
        ([0x61, 0x5c, 0x30, 0x5a, 0xa0], [0x61, 0x5c, 0x31, 0x5a, 0xa0], "Ticket"),
    ] {
        let error = ApReq::decode(&exchanged(&honest, &from, &to)).unwrap_err();
        assert_eq!((error.structure, error.field), ("AP-REQ", field));
        assert_eq!(error.kind, DecodeErrorKind::BadValue);
    }
    let version = exchanged(&expected("ticket"), &[2, 1, 5], &[2, 1, 6]);
    assert_eq!(Ticket::decode(&version).unwrap_err().field, "tkt-vno");
    assert!(ApReq::decode(&expected("ap_rep")).is_err());
    assert!(KdcRep::decode(KdcReqKind::As, &expected("tgs_rep")).is_err());
    assert!(KdcReq::decode(KdcReqKind::Tgs, &expected("as_req")).is_err());
}

#[test]
fn a_required_field_that_is_left_out_is_named() {
    // pvno and msg-type alone.
    let short = [0x6f, 0x0c, 0x30, 0x0a, 0xa0, 3, 2, 1, 5, 0xa1, 3, 2, 1, 15];
    let error = ApRep::decode(&short).unwrap_err();
    assert_eq!((error.field, error.kind), ("enc-part", DecodeErrorKind::Missing));
}

#[test]
fn flags_of_fewer_bits_than_32_are_read() {
    let honest = expected("ap_req");
    // Three bits, five unused, of which one is set nevertheless.
    let [head, tail] = [[0xa2, 7, 3, 5, 0], [0xfe, 0xdc, 0xba, 0x98, 0xa3]];
    let at = honest.windows(5).position(|window| window == head).unwrap();
    assert_eq!(honest[at + 5..at + 10], tail);
    let of = |bits: &[u8]| {
        let mut body = honest[6..at].to_vec();
        body.extend([0xa2, bits.len() as u8 + 2, 3, bits.len() as u8]);
        body.extend(bits);
        body.extend(&honest[at + 9..]);
        let length = body.len() as u8;
        ApReq::decode(&[&[0x6e, 0x81, length + 3, 0x30, 0x81, length][..], &body].concat())
            .map(|this| this.ap_options)
    };
    assert_eq!(of(&[5, 0x30]).unwrap(), ApOptions::MUTUAL_REQUIRED);
    assert_eq!(of(&[0]).unwrap(), ApOptions::empty());
    assert_eq!(
        of(&[0, 0x60, 0, 0, 0, 0xff]).unwrap(),
        ApOptions::USE_SESSION_KEY | ApOptions::MUTUAL_REQUIRED
    );
    for bits in [&[][..], &[1], &[8, 0], &[0xff, 0]] {
        assert_eq!(of(bits).unwrap_err().field, "ap-options", "{bits:?}");
    }
}

#[test]
fn numbers_are_read_with_either_sign_where_either_is_sent() {
    let honest = expected("authenticator");
    let longer = |number: &[u8]| {
        let at = honest.windows(3).position(|window| window == [0xa7, 3, 2]).unwrap();
        let mut body = honest[6..at].to_vec();
        body.extend([0xa7, number.len() as u8 + 2, 2, number.len() as u8]);
        body.extend(number);
        body.extend(&honest[at + 5..]);
        let length = body.len() as u8;
        let der = [&[0x62, 0x81, length + 3, 0x30, 0x81, length][..], &body].concat();
        Authenticator::decode(&der).map(|this| this.seq_number.unwrap())
    };
    assert_eq!(longer(&[17]), Ok(17));
    assert_eq!(longer(&[0xff]), Ok(u32::MAX));
    assert_eq!(longer(&[0xf1, 2, 3, 4]), Ok(0xf102_0304));
    assert_eq!(longer(&[0, 0xf1, 2, 3, 4]), Ok(0xf102_0304));
    for number in [&[][..], &[1, 0, 0, 0, 0], &[0x80, 0, 0, 0, 0], &[0; 9]] {
        assert!(longer(number).is_err(), "{number:?}");
    }
}

#[test]
fn names_in_utf8_are_read_and_others_are_not() {
    let honest = expected("ticket");
    let utf8 = exchanged(&honest, b"hftsai", "M\u{fc}ller".as_bytes().first_chunk::<6>().unwrap());
    assert_eq!(Ticket::decode(&utf8).unwrap().server.components[0], "M\u{fc}lle");
    let latin1 = exchanged(&honest, b"hftsai", b"M\xfcller");
    assert_eq!(Ticket::decode(&latin1).unwrap_err().field, "sname");
}

#[test]
fn times_are_whole_seconds_in_utc() {
    let honest = expected("pa_enc_ts");
    for time in [b"19940610060360Z", b"19941310060317Z", b"199406100603170", b"19690101000000Z"] {
        let tampered = exchanged(&honest, b"19940610060317Z", time);
        assert_eq!(PaEncTsEnc::decode(&tampered).unwrap_err().field, "patimestamp");
    }
    let million = exchanged(&honest, &[2, 3, 1, 0xe2, 0x40], &[2, 3, 0x0f, 0x42, 0x40]);
    assert_eq!(PaEncTsEnc::decode(&million).unwrap_err().field, "pausec");
}

#[test]
fn lists_are_bounded() {
    let list = vec![AUTH_DATA; 128];
    let der = written(|out| encode_authorization_data(&list, out));
    assert_eq!(decode_authorization_data(&der).unwrap().len(), 128);
    let der = written(|out| encode_authorization_data(&vec![AUTH_DATA; 129], out));
    assert_eq!(decode_authorization_data(&der).unwrap_err().kind, DecodeErrorKind::TooMany);
    let der = written(|out| encode_method_data(&[PA_DATA], out));
    assert_eq!(decode_method_data(&der).unwrap(), [PA_DATA]);
    assert!(decode_authorization_data(&der).is_err());
}

#[test]
fn the_kdcs_secret_part_is_read_as_it_is_written() {
    for all in [false, true] {
        let part = EncKdcRepPart {
            key: KEY,
            last_req: vec![LastReq { kind: -5, value: TIME }; 2],
            nonce: 0xf000_0001,
            key_expiration: all.then_some(TIME),
            flags: TicketFlags::from_bits_retain(FLAGS),
            auth_time: TIME,
            start_time: all.then_some(TIME),
            end_time: TIME,
            renew_till: all.then_some(TIME),
            server: principal(),
            addresses: if all { vec![ADDRESS] } else { vec![] },
            encrypted_pa_data: if all { vec![PA_DATA] } else { vec![] },
        };
        // A client takes either tag.
        for (kind, tag) in [(KdcReqKind::As, 0x79), (KdcReqKind::Tgs, 0x7a)] {
            let der = written(|out| part.encode(kind, out));
            assert_eq!(der[0], tag);
            assert_eq!(EncKdcRepPart::decode(&der).unwrap(), part);
            for length in 0..der.len() {
                assert!(EncKdcRepPart::decode(&der[..length]).is_err());
            }
        }
    }
}

#[test]
fn neither_keys_nor_tickets_show_in_debug_output() {
    let der = expected("enc_tkt_part");
    let part = EncTicketPart::decode(&der).unwrap();
    let der = expected("ap_req");
    let shown = format!("{part:?} {:?}", ApReq::decode(&der).unwrap().authenticator);
    assert!(!shown.contains("49, 50, 51") && !shown.contains("107, 114"), "{shown}");
}
