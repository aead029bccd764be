//! What cannot be seen from outside: `kerberos/derivation.txt`.

#[path = "../../../tests/support/vectors.rs"]
mod vectors;

use super::n_fold::n_fold;
use super::{EncryptionType, aes_cts, hmac_sha2, simplified};
use alloc::vec;
use alloc::vec::Vec;
use vectors::Case;

fn folded(input: &[u8], length: usize) -> Vec<u8> {
    match length {
        7 => n_fold::<7>(input).to_vec(),
        8 => n_fold::<8>(input).to_vec(),
        16 => n_fold::<16>(input).to_vec(),
        21 => n_fold::<21>(input).to_vec(),
        24 => n_fold::<24>(input).to_vec(),
        32 => n_fold::<32>(input).to_vec(),
        other => panic!("n-fold of {other} bytes"),
    }
}

fn check_n_fold(case: &Case) {
    let (mut input, output) = (case.hex("Input"), case.hex("Output"));
    assert_eq!(folded(&input, output.len()), output, "{}", case.id());
    input[0] ^= 1;
    assert_ne!(folded(&input, output.len()), output, "{}", case.id());
}

fn check_aes_cts(case: &Case) {
    let (key, plaintext, ciphertext) =
        (case.hex("Key"), case.hex("Plaintext"), case.hex("Ciphertext"));
    let mut data = plaintext.clone();
    aes_cts::encrypt(&key, &mut data);
    assert_eq!(data, ciphertext, "{}", case.id());
    // What the next one would be chained to: the last whole block but one as it is sent.
    let blocks = ciphertext.len().div_ceil(16);
    assert_eq!(ciphertext[(blocks - 2) * 16..][..16], case.hex("NextIv"), "{}", case.id());
    aes_cts::decrypt(&key, &mut data);
    assert_eq!(data, plaintext, "{}", case.id());
    for at in 0..ciphertext.len() {
        let mut tampered = ciphertext.clone();
        tampered[at] ^= 0x80;
        aes_cts::decrypt(&key, &mut tampered);
        assert_ne!(tampered, plaintext, "{}: byte {at}", case.id());
    }
}

fn derived(
    encryption_type: EncryptionType,
    base: &[u8],
    constant: &[u8],
    length: usize,
) -> Vec<u8> {
    match encryption_type {
        EncryptionType::Aes128CtsHmacSha256_128 => {
            hmac_sha2::kdf(hmac_sha2::Size::Aes128, base, constant, &[], length)[..length].to_vec()
        }
        EncryptionType::Aes256CtsHmacSha384_192 => {
            hmac_sha2::kdf(hmac_sha2::Size::Aes256, base, constant, &[], length)[..length].to_vec()
        }
        _ => simplified::derive(base, constant)[..length].to_vec(),
    }
}

fn check_derive(case: &Case) {
    let number = i32::try_from(case.u64("EncryptionType")).unwrap();
    let encryption_type = EncryptionType::try_from(number).unwrap();
    let (base, mut constant) = (case.hex("BaseKey"), case.hex("Constant"));
    let expected = case.hex("DerivedKey");
    assert_eq!(derived(encryption_type, &base, &constant, expected.len()), expected);
    // Another purpose, another usage: another key.
    for at in 0..constant.len() {
        constant[at] ^= 1;
        assert_ne!(derived(encryption_type, &base, &constant, expected.len()), expected);
        constant[at] ^= 1;
    }
}

#[test]
fn folds_derived_keys_and_stolen_ciphertext_are_the_published_ones() {
    for case in vectors::load("kerberos/derivation.txt") {
        match case.kind() {
            "n-fold" => check_n_fold(&case),
            "aes-cts" => check_aes_cts(&case),
            "derive" => check_derive(&case),
            other => panic!("{other}"),
        }
    }
}

// RFC 3962 does not steal from one block; FIPS 197, appendices B and C.3.
#[test]
fn a_single_block_is_enciphered_as_it_is() {
    let key: Vec<u8> = (0..32).collect();
    let plaintext: Vec<u8> = (0..16_u8).map(|n| n * 0x11).collect();
    for (key, expected) in [
        (&key[..16], 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a_u128),
        (&key[..], 0x8ea2_b7ca_5167_45bf_eafc_4990_4b49_6089),
    ] {
        let mut data = plaintext.clone();
        aes_cts::encrypt(key, &mut data);
        assert_eq!(data, expected.to_be_bytes());
        aes_cts::decrypt(key, &mut data);
        assert_eq!(data, plaintext);
    }
}

#[test]
fn nothing_folds_to_nothing() {
    assert_eq!(n_fold::<16>(&[]), [0; 16]);
}

/// `GSS_WrapEx` of [MS-KILE] §4.3, which signs more than it seals, and with it the MAC that is
/// made of both keys. Nothing here speaks DCE; the parts are the same.
fn check_wrap_ex(case: &Case) {
    assert_eq!(case.u64("EncryptionType"), 18);
    let (key, usage) = (case.hex("Key"), u32::try_from(case.u64("KeyUsage")).unwrap());
    let (token, ciphertext) = (case.hex("Token"), case.hex("Ciphertext"));
    let (extra, rotation) = (case.u64("ExtraCount"), case.u64("RightRotationCount"));
    let (extra, rotation) = (usize::try_from(extra).unwrap(), usize::try_from(rotation).unwrap());
    let (header, rest) = token.split_at(16);
    assert_eq!(header[4..8], [0, 16, 0, 28]);
    assert_eq!(u64::from_be_bytes(header[8..].try_into().unwrap()), case.u64("SequenceNumber"));

    let mut data = [rest, &ciphertext].concat();
    data.rotate_left(extra + rotation);
    let mac = data.split_off(data.len() - simplified::MAC);
    let key_of =
        |purpose: u8| simplified::derive(&key, &[&usage.to_be_bytes()[..], &[purpose]].concat());
    aes_cts::decrypt(&*key_of(0xaa), &mut data);
    let (confounder, rest) = data.split_at(16);
    assert_eq!(confounder, case.hex("Confounder"));
    let message = case.hex("Message");
    let (sealed, rest) = rest.split_at(message.len());
    assert_eq!(sealed, message);
    let (_filler, signed) = rest.split_at(extra);
    assert_eq!(signed, [&header[..6], &[0, 0], &header[8..]].concat());
    let (front, back) = (case.hex("SignedHeader"), case.hex("SignedTrailer"));
    let parts: [&[u8]; 5] = [confounder, &front, sealed, &back, rest];
    let of = |parts: &[&[u8]]| super::mac::<hmac::Hmac<sha1::Sha1>>(&*key_of(0x55), parts);
    assert_eq!(of(&parts)[..12], mac);
    assert_ne!(of(&parts[1..])[..12], mac);
}

/// [MS-KILE] §4.5: what is signed is the header, the confounder and the padded message.
fn check_wrap_ex_rc4(case: &Case) {
    let (key, token) = (case.hex("Key"), case.hex("Token"));
    let message = [case.hex("Message"), vec![1]].concat();
    let parts: [&[u8]; 3] = [&token[13..21], &case.hex("Confounder"), &message];
    // `Wrap` counts as 13.
    let checksum = super::rc4_hmac::checksum(&key, super::KeyUsage::new(13), &parts);
    assert_eq!(checksum[..8], token[29..37]);
    let other = super::rc4_hmac::checksum(&key, super::KeyUsage::new(15), &parts);
    assert_ne!(other[..8], token[29..37]);

    // The sequence number is enciphered with a key of a zero and that checksum.
    let mac = |key: &[u8], data: &[u8]| -> [u8; 16] {
        super::mac::<hmac::Hmac<md5::Md5>>(key, &[data]).into()
    };
    let mut sent = token[21..29].to_vec();
    crate::crypto::Rc4Handle::new(&mac(&mac(&key, &[0; 4]), &checksum[..8])).apply(&mut sent);
    let number = u32::try_from(case.u64("SequenceNumber")).unwrap();
    assert_eq!(sent[..4], number.to_be_bytes());
    assert!(sent[4..] == [0; 4] || sent[4..] == [0xff; 4]);
}

#[test]
fn the_parts_make_up_what_dce_wants_of_them() {
    for case in vectors::load("kerberos/wrap_ex.txt") {
        match case.kind() {
            "wrap-ex" => check_wrap_ex(&case),
            "wrap-ex-rc4" => check_wrap_ex_rc4(&case),
            other => panic!("{other}"),
        }
    }
}
