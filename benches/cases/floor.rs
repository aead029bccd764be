//! The hash calls that cannot be left out, straight on the libraries.

use super::logon::Messages;
use super::{DOMAIN, PASSWORD, USER};
use hmac::{Hmac, KeyInit, Mac};
use logon::NtHash;
use logon::wire::ntlm::{Authenticate, Challenge};
use logon::wire::spnego::{MechType, MechTypes};
use md5::{Digest, Md5};
use rc4::{Rc4, StreamCipher};
use std::hint::black_box;

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// What our verdict calls: `NTOWFv2` and proof for the domain as sent and for none, the user being
/// hashed once; base key, key exchange, MIC.
pub(crate) fn floor_verify() -> (impl FnMut(), impl FnMut(())) {
    let Messages { negotiate, challenge, authenticate } = Messages::raw();
    let hash = NtHash::of_password(PASSWORD);
    let (user, domain) = (utf16(&USER.to_uppercase()), utf16(DOMAIN));
    let server_challenge = Challenge::decode(&challenge).unwrap().server_challenge;
    let temp = Authenticate::decode(&authenticate).unwrap().nt_response[16..].to_vec();
    let run = move |()| {
        let mut key = [0; 16];
        let mut proof = [0; 16];
        let mut open = Hmac::<Md5>::new_from_slice(black_box(hash.expose())).unwrap();
        open.update(&user);
        for domain in [&domain[..], &[]] {
            key = open.clone().chain_update(domain).finalize().into_bytes().into();
            proof = hmac(&key, &[&server_challenge, &temp]);
        }
        let base = hmac(&key, &[&proof]);
        let mut exported = proof;
        Rc4::new_from_slice(&base).unwrap().apply_keystream(&mut exported);
        black_box(hmac(&exported, &[&negotiate, &challenge, &authenticate]));
    };
    (|| (), run)
}

/// What two `mechListMIC`s add, one to verify and one to make: signing key, sealing key, HMAC over
/// sequence number and list, RC4 over eight bytes.
pub(crate) fn floor_mech_list_mics() -> (impl FnMut(), impl FnMut(())) {
    let list = MechTypes::encode(&[MechType::NTLMSSP]).unwrap();
    // As long as the constants of [MS-NLMP] §3.4.5.2 and §3.4.5.3.
    let (signing, sealing) = ([0x11; 59], [0x22; 59]);
    let run = move |()| {
        for _ in 0..2 {
            let key = black_box([0x33; 16]);
            let sign_key = Md5::new().chain_update(key).chain_update(signing).finalize();
            let seal_key = Md5::new().chain_update(key).chain_update(sealing).finalize();
            let mac = hmac(&sign_key, &[&0_u32.to_le_bytes(), &list]);
            let mut checksum = [0; 8];
            checksum.copy_from_slice(&mac[..8]);
            Rc4::new_from_slice(&seal_key).unwrap().apply_keystream(&mut checksum);
            black_box(checksum);
        }
    };
    (|| (), run)
}

/// HMAC-MD5 over sequence number and message under a key that is already set, RC4 over the
/// message and over eight bytes of the MAC.
pub(crate) fn floor_seal(size: usize) -> (impl FnMut(), impl FnMut(())) {
    let keyed = Hmac::<Md5>::new_from_slice(&[0x11; 16]).unwrap();
    let mut cipher = Rc4::new_from_slice(&[0x22; 16]).unwrap();
    let mut message = vec![0x33; size];
    let run = move |()| {
        let mut mac = keyed.clone();
        mac.update(&7_u32.to_le_bytes());
        mac.update(black_box(&message));
        cipher.apply_keystream(&mut message);
        let mut checksum: [u8; 16] = mac.finalize().into_bytes().into();
        cipher.apply_keystream(&mut checksum[..8]);
        black_box(checksum);
    };
    (|| (), run)
}
