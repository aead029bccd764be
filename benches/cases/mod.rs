//! What is measured: pairs of what prepares an input, which is not timed, and what uses it up.
//! `benches/logon.rs` gives them to divan, `benches/peers` compares them with others.

// Each of the two uses a part.
#![allow(dead_code, unused_imports)]

mod floor;
#[cfg(feature = "kerberos")]
mod kerberos;
mod logon;
mod seal;

pub(crate) use floor::{floor_mech_list_mics, floor_seal, floor_verify};
#[cfg(feature = "kerberos")]
pub(crate) use kerberos::{
    Credentials, floor_kerberos_accept, floor_verify_pac, kerberos_accept, kerberos_initiate,
    kerberos_verify_server, verify_pac,
};
pub(crate) use logon::{
    Carrier, Messages, client_authenticate, client_header, decode_authenticate, pending_exchange,
    server_challenge, server_verdict, verify, whole_logon,
};
pub(crate) use seal::{seal, unseal};

pub(crate) const USER: &str = "alice";
pub(crate) const DOMAIN: &str = "CORP";
pub(crate) const PASSWORD: &str = "S3cret!pw";
pub(crate) const ACCOUNT: &str = r"CORP\alice";

/// A name without a domain: there is one way to hash it, where [`ACCOUNT`] has two.
pub(crate) const PRINCIPAL: &str = "alice@corp.example";
pub(crate) const HOST: &str = "web01.corp.example";

/// The application data of a `tls-server-end-point` binding, as long as with a SHA-256.
pub(crate) const BINDINGS: &[u8] = b"tls-server-end-point:0123456789abcdef0123456789abcdef";

/// The sizes of sealed messages in bytes.
pub(crate) const SIZES: [usize; 3] = [64, 1024, 65536];
