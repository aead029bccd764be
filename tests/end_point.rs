//! `tls-server-end-point` of certificates that no published vector has: RSASSA-PSS, Ed25519, and what
//! is no certificate. Only the signature's algorithm counts, so the rest of them is made up.

use logon::{ChannelBindings, DecodeErrorKind};
use sha2::{Digest, Sha256, Sha384, Sha512};

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}

fn algorithm(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    der(0x30, &[&der(6, oid)[..], parameters].concat())
}

/// A certificate that is signed with this algorithm.
fn certificate(algorithm: &[u8]) -> Vec<u8> {
    // Within, another algorithm: it does not count.
    let within = der(0x30, &[&[2, 1, 7][..], &der(0x30, &der(6, SHA512_RSA))].concat());
    der(0x30, &[&within[..], algorithm, &der(3, &[0, 1, 2, 3])].concat())
}

const SHA512_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const SHA1: &[u8] = &[0x2b, 14, 3, 2, 26];
const NULL: &[u8] = &[5, 0];

fn sha2(last: u8) -> Vec<u8> {
    vec![0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last]
}

/// RSASSA-PSS with these hashes for the message and, in MGF1, for the mask.
fn pss(hash: Option<&[u8]>, mask: &[u8]) -> Vec<u8> {
    let hash = hash.map(|oid| der(0xa0, &algorithm(oid, NULL))).unwrap_or_default();
    let mask = der(0xa1, &algorithm(MGF1, &algorithm(mask, NULL)));
    let salt = der(0xa2, &[2, 1, 32]);
    algorithm(RSASSA_PSS, &der(0x30, &[hash, mask, salt].concat()))
}

fn bound(hash: &[u8]) -> ChannelBindings {
    ChannelBindings::from_application_data([b"tls-server-end-point:", hash].concat())
}

// E-02: of RSASSA-PSS the hash of the message, SHA-1 raised; it is SHA-1 where none is named.
#[test]
fn rsassa_pss_has_the_hash_that_its_parameters_name() {
    let (sha256, sha384, sha512) = (sha2(1), sha2(2), sha2(3));
    for mask in [SHA1, &sha256, &sha512] {
        for (hash, length) in [
            (None, 32),
            (Some(SHA1), 32),
            (Some(&sha256[..]), 32),
            (Some(&sha384[..]), 48),
            (Some(&sha512[..]), 64),
        ] {
            let certificate = certificate(&pss(hash, mask));
            let digest = match length {
                32 => Sha256::digest(&certificate).to_vec(),
                48 => Sha384::digest(&certificate).to_vec(),
                _ => Sha512::digest(&certificate).to_vec(),
            };
            let bindings = ChannelBindings::tls_server_end_point(&certificate).unwrap();
            assert_eq!(bindings, bound(&digest), "{hash:?}");
        }
    }
    let empty = certificate(&algorithm(RSASSA_PSS, &der(0x30, &[])));
    let bindings = ChannelBindings::tls_server_end_point(&empty).unwrap();
    assert_eq!(bindings, bound(&Sha256::digest(&empty)));
}

// E-02: without a single hash there is nothing to bind to.
#[test]
fn a_signature_without_a_hash_of_its_own_has_no_bindings() {
    let (ed25519, ed448) = (&[0x2b, 0x65, 0x70][..], &[0x2b, 0x65, 0x71][..]);
    let (sha224, sha3_256) = (sha2(4), sha2(8));
    for algorithm in [
        algorithm(ed25519, &[]),
        algorithm(ed448, &[]),
        pss(Some(&sha224), SHA1),
        pss(Some(&sha3_256), SHA1),
    ] {
        let bindings = ChannelBindings::tls_server_end_point(&certificate(&algorithm)).unwrap();
        assert!(bindings.is_none());
        assert_eq!(bindings, ChannelBindings::none());
    }
}

// E-02
#[test]
fn what_is_no_certificate_has_no_bindings_either() {
    let good = certificate(&pss(None, SHA1));
    ChannelBindings::tls_server_end_point(&good).unwrap();
    for length in 0..good.len() {
        ChannelBindings::tls_server_end_point(&good[..length]).unwrap_err();
    }
    let longer = [&good[..], &[0]].concat();
    let error = ChannelBindings::tls_server_end_point(&longer).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::TrailingData);
    // RSASSA-PSS says its hash in its parameters; without any it is malformed.
    let bare = certificate(&algorithm(RSASSA_PSS, &[]));
    ChannelBindings::tls_server_end_point(&bare).unwrap_err();
}
