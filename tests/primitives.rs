//! The published values of `primitives.txt` on the libraries themselves, in the versions that
//! this crate is built with: also the lengths and keys that no function of ours has a use for.
//! `ntlmv1.rs` reaches the same values through the public API, where it goes.

#[path = "support/vectors.rs"]
mod vectors;

use hmac::{Hmac, KeyInit, Mac};
use md4::Md4;
use md5::{Digest, Md5};
use rc4::{Rc4, StreamCipher};

fn rc4(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut data = message.to_vec();
    Rc4::new_from_slice(key).unwrap().apply_keystream(&mut data);
    data
}

fn hmac_md5(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Md5>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// `of(message)` is what is published, and of anything else it is not.
fn holds(message: &[u8], expected: &[u8], of: impl Fn(&[u8]) -> Vec<u8>) {
    assert_eq!(of(message), expected);
    let mut other = message.to_vec();
    match other.first_mut() {
        Some(first) => *first ^= 1,
        None => other.push(0),
    }
    assert_ne!(of(&other), expected);
}

#[test]
fn the_hash_functions_and_the_cipher_give_the_published_values() {
    let mut held = 0;
    for case in vectors::load("ms-nlmp/primitives.txt") {
        held += 1;
        match case.kind() {
            "primitive-md4" => {
                let digest = case.hex("Digest");
                holds(&case.hex("Message"), &digest, |data| Md4::digest(data).to_vec());
            }
            "primitive-md5" => {
                let digest = case.hex("Digest");
                holds(&case.hex("Message"), &digest, |data| Md5::digest(data).to_vec());
            }
            "primitive-hmac-md5" => {
                let (key, message, mac) = (case.hex("Key"), case.hex("Message"), case.hex("Mac"));
                holds(&message, &mac, |message| hmac_md5(&key, message));
                holds(&key, &mac, |key| hmac_md5(key, &message));
            }
            "primitive-rc4" => {
                let (key, message) = (case.hex("Key"), case.hex("Message"));
                let ciphertext = case.hex("Ciphertext");
                holds(&message, &ciphertext, |message| rc4(&key, message));
                holds(&key, &ciphertext, |key| rc4(key, &message));
            }
            // DES, CRC-32 and the one-way functions are reached through the public API.
            _ => {
                held -= 1;
                case.pass_over();
            }
        }
    }
    assert_eq!(held, 21);
}
