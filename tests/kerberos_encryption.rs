//! `kerberos/encryption.txt`: string-to-key, encryption, checksums and PRF of Kerberos; each
//! tampered as well.
#![cfg(feature = "kerberos")]

#[path = "support/vectors.rs"]
mod vectors;

use hmac::{Hmac, KeyInit, Mac};
use logon::kerberos::{EncryptionType, IntegrityFailed, Iterations, Key, KeyError, KeyUsage};
use md4::Md4;
use md5::{Digest, Md5};
use proptest::prelude::*;
use std::num::NonZeroU32;
use vectors::Case;

const ALL: [EncryptionType; 5] = [
    EncryptionType::Aes128CtsHmacSha1_96,
    EncryptionType::Aes256CtsHmacSha1_96,
    EncryptionType::Aes128CtsHmacSha256_128,
    EncryptionType::Aes256CtsHmacSha384_192,
    EncryptionType::Rc4Hmac,
];

fn encryption_type(case: &Case) -> EncryptionType {
    let number = i32::try_from(case.u64("EncryptionType")).unwrap();
    EncryptionType::try_from(number).unwrap()
}

fn usage(case: &Case) -> KeyUsage {
    KeyUsage::new(u32::try_from(case.u64("KeyUsage")).unwrap())
}

fn key(case: &Case) -> Key {
    Key::new(encryption_type(case), &case.hex("Key")).unwrap()
}

fn s2kparams(case: &Case) -> Option<[u8; 4]> {
    case.opt_hex("S2kParams").map(|params| params.try_into().unwrap())
}

fn check_string_to_key(case: &Case) {
    let (encryption_type, password, salt) =
        (encryption_type(case), case.text("Password"), case.hex("Salt"));
    let iterations = match (s2kparams(case), case.opt_u64("Iterations")) {
        (Some(params), Some(count)) => {
            assert_eq!(u64::from(u32::from_be_bytes(params)), count);
            Iterations::Exactly(NonZeroU32::new(u32::from_be_bytes(params)).unwrap())
        }
        (None, None) => Iterations::Default,
        other => panic!("{other:?}"),
    };
    let expected = case.hex("Key");
    let of = |password: &str, salt: &[u8], iterations| {
        Key::from_password(encryption_type, password, salt, iterations).unwrap().expose().to_vec()
    };
    assert_eq!(of(&password, &salt, iterations), expected, "{}", case.id());
    match iterations {
        // Without optimization that many take a second.
        Iterations::Exactly(count) if count.get() == 32768 => {
            assert_eq!(of(&password, &salt, Iterations::Default), expected);
        }
        Iterations::Exactly(count) => {
            let more = Iterations::Exactly(count.checked_add(1).unwrap());
            assert_ne!(of(&password, &salt, more), expected);
            assert_ne!(of(&password, &salt[1..], iterations), expected);
            assert_ne!(of(&format!("{password}."), &salt, iterations), expected);
        }
        Iterations::Default => assert_ne!(of(&format!("{password}."), &salt, iterations), expected),
    }
}

fn check_refused(case: &Case) {
    let (_, _, _) = (encryption_type(case), case.text("Password"), case.hex("Salt"));
    assert_eq!(case.text("Error"), "KRB5_ERR_BAD_S2K_PARAMS");
    let refused = Iterations::from_s2kparams(&s2kparams(case).unwrap());
    assert_eq!(refused, Err(KeyError::Parameters));
}

fn check_decrypt(case: &Case) {
    let (key, usage) = (key(case), usage(case));
    let (ciphertext, plaintext) = (case.hex("Ciphertext"), case.hex("Plaintext"));
    assert_eq!(*key.decrypt(usage, &ciphertext).unwrap(), plaintext, "{}", case.id());

    // RC4 has a confounder of 8 bytes.
    let mut confounder = case.hex("Confounder");
    confounder.resize(16, 0xff);
    let mut out = vec![0xee];
    key.encrypt(usage, &confounder.try_into().unwrap(), &plaintext, &mut out);
    assert_eq!(out[1..], ciphertext, "{}", case.id());

    for bit in 0..ciphertext.len() * 8 {
        let mut tampered = ciphertext.clone();
        tampered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.decrypt(usage, &tampered), Err(IntegrityFailed), "{}", case.id());
    }
    for length in 0..ciphertext.len() {
        assert_eq!(key.decrypt(usage, &ciphertext[..length]), Err(IntegrityFailed));
    }
    let longer = [&ciphertext[..], &[0]].concat();
    assert_eq!(key.decrypt(usage, &longer), Err(IntegrityFailed));
    let other = KeyUsage::new(usage.number() + 100);
    assert_eq!(key.decrypt(other, &ciphertext), Err(IntegrityFailed));
    let mut bytes = key.expose().to_vec();
    bytes[0] ^= 1;
    let other = Key::new(key.encryption_type(), &bytes).unwrap();
    assert_eq!(other.decrypt(usage, &ciphertext), Err(IntegrityFailed));
}

fn check_checksum(case: &Case) {
    let number: i32 = case.text("ChecksumType").parse().unwrap();
    let (bytes, usage) = (case.hex("Key"), usage(case));
    let (message, expected) = (case.hex("Message"), case.hex("Checksum"));
    let Some(encryption_type) = ALL.into_iter().find(|this| this.checksum_type() == number) else {
        // Not one of ours: rsa-md4, rsa-md5, and the older of the two of RC4.
        let md5 = || Md5::digest([&usage.number().to_le_bytes(), &message[..]].concat());
        let computed = match number {
            2 => Md4::digest(&message).to_vec(),
            7 => Md5::digest(&message).to_vec(),
            -137 => {
                let mac = Hmac::<Md5>::new_from_slice(&bytes).unwrap();
                mac.chain_update(md5()).finalize().into_bytes().to_vec()
            }
            other => panic!("checksum type {other}"),
        };
        return assert_eq!(computed, expected, "{}", case.id());
    };
    let key = Key::new(encryption_type, &bytes).unwrap();
    let (front, back) = message.split_at(message.len() / 2);
    assert_eq!(key.checksum(usage, &[&message]).as_bytes(), expected, "{}", case.id());
    assert_eq!(key.verify_checksum(usage, &[front, &[], back], &expected), Ok(()));
    assert_eq!(expected.len(), encryption_type.checksum_length());

    let refused = Err(IntegrityFailed);
    for bit in 0..expected.len() * 8 {
        let mut tampered = expected.clone();
        tampered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.verify_checksum(usage, &[&message], &tampered), refused);
    }
    for length in 0..expected.len() {
        assert_eq!(key.verify_checksum(usage, &[&message], &expected[..length]), refused);
    }
    for bit in 0..message.len() * 8 {
        let mut tampered = message.clone();
        tampered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.verify_checksum(usage, &[&tampered], &expected), refused);
    }
    let other = KeyUsage::new(usage.number() + 100);
    assert_eq!(key.verify_checksum(other, &[&message], &expected), refused);
}

fn check_prf(case: &Case) {
    let key = key(case);
    let (mut input, output) = (case.hex("Input"), case.hex("Output"));
    assert_eq!(*key.prf(&input), output, "{}", case.id());
    input[0] ^= 1;
    assert_ne!(*key.prf(&input), output, "{}", case.id());
}

fn check_pbkdf2(case: &Case) {
    let (password, salt) = (case.text("Password"), case.hex("Salt"));
    let count = u32::try_from(case.u64("Iterations")).unwrap();
    let expected = case.hex("Output");
    let mut output = vec![0; expected.len()];
    pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password.as_bytes(), &salt, count, &mut output);
    assert_eq!(output, expected, "{}", case.id());
    pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password.as_bytes(), &salt, count + 1, &mut output);
    assert_ne!(output, expected, "{}", case.id());
}

#[test]
fn the_published_values_come_out_and_tampered_ones_do_not() {
    for case in vectors::load("kerberos/encryption.txt") {
        match case.kind() {
            "string-to-key" => check_string_to_key(&case),
            "s2kparams-refused" => check_refused(&case),
            "decrypt" => check_decrypt(&case),
            "checksum" => check_checksum(&case),
            "prf" => check_prf(&case),
            "pbkdf2-hmac-sha1" => check_pbkdf2(&case),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_kdc_cannot_ask_for_too_few_iterations_or_for_too_many() {
    for (count, taken) in [
        (0, false),
        (1, false),
        (4095, false),
        (4096, true),
        (1 << 20, true),
        ((1 << 20) + 1, false),
    ] {
        let params = u32::to_be_bytes(count);
        assert_eq!(Iterations::from_s2kparams(&params).is_ok(), taken, "{count}");
    }
    for length in [0, 3, 5] {
        let refused = Iterations::from_s2kparams(&vec![0x10; length]);
        assert_eq!(refused, Err(KeyError::Parameters));
    }
}

#[test]
fn des_and_what_nobody_knows_are_no_encryption_types() {
    for number in [i32::MIN, -1, 0, 1, 2, 3, 5, 7, 16, 21, 22, 24, i32::MAX] {
        let refused = EncryptionType::try_from(number);
        assert_eq!(refused, Err(KeyError::UnsupportedEncryptionType(number)));
    }
    for this in ALL {
        assert_eq!(EncryptionType::try_from(this.number()), Ok(this));
    }
}

#[test]
fn rc4_is_not_among_the_defaults() {
    assert!(EncryptionType::Rc4Hmac.is_weak());
    assert!(EncryptionType::DEFAULT.iter().all(|this| !this.is_weak()));
}

#[test]
fn a_key_of_another_length_is_refused() {
    for this in ALL {
        for length in (0..64).filter(|length| *length != this.key_length()) {
            assert_eq!(Key::new(this, &vec![7; length]).err(), Some(KeyError::Length));
        }
    }
}

#[test]
fn a_key_does_not_show_in_debug_output() {
    let key = Key::new(EncryptionType::Rc4Hmac, &[0xab; 16]).unwrap();
    assert_eq!(format!("{key:?}"), "Key { encryption_type: Rc4Hmac, .. }");
}

/// A key of each encryption type.
fn keys() -> impl Iterator<Item = Key> {
    ALL.into_iter().map(|this| Key::new(this, &vec![0x42; this.key_length()]).unwrap())
}

#[test]
fn every_length_comes_back_and_every_changed_byte_is_noticed() {
    for key in keys() {
        for length in 0..300_usize {
            let plaintext: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut ciphertext = Vec::new();
            key.encrypt(KeyUsage::TICKET, &[9; 16], &plaintext, &mut ciphertext);
            assert_eq!(*key.decrypt(KeyUsage::TICKET, &ciphertext).unwrap(), plaintext);
            // Beyond a few blocks nothing new happens.
            let step = if length < 34 { 1 } else { 97 };
            for at in (0..ciphertext.len()).step_by(step) {
                ciphertext[at] ^= 0x10;
                let refused = key.decrypt(KeyUsage::TICKET, &ciphertext);
                assert_eq!(refused, Err(IntegrityFailed), "{key:?}: {at} of {length}");
                ciphertext[at] ^= 0x10;
            }
        }
    }
}

proptest! {
    #[test]
    fn what_was_made_without_the_key_is_refused(ciphertext: Vec<u8>, number: u32) {
        for key in keys() {
            let refused = key.decrypt(KeyUsage::new(number), &ciphertext);
            prop_assert_eq!(refused, Err(IntegrityFailed));
            let usage = KeyUsage::new(number);
            prop_assert_eq!(key.verify_checksum(usage, &[], &ciphertext), Err(IntegrityFailed));
        }
    }
}
