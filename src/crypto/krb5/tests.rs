//! What cannot be seen from outside: `kerberos/derivation.txt`.

#[path = "../../../tests/support/vectors.rs"]
mod vectors;

use super::n_fold::n_fold;
use super::{EncryptionType, aes_cts, hmac_sha2, simplified};
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
