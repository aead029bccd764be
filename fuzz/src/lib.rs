//! What the fuzz targets assert. The functions live in a library so that the seeds also run as an
//! ordinary test, on a stable toolchain.
#![forbid(unsafe_code)]

pub mod client;
pub mod conf;
pub mod digest;
pub mod exchange;
pub mod http;
mod input;
pub mod kdc;
pub mod kerberos;
pub mod session;
pub mod ticket;
pub mod wire;
mod world;

/// A target: takes any bytes, and panics if an invariant does not hold for them.
pub type Target = fn(&[u8]);

/// Every target under the name of its binary and of its folder in `seeds/`.
pub const TARGETS: [(&str, Target); 24] = [
    ("negotiate", wire::negotiate),
    ("challenge", wire::challenge),
    ("authenticate", wire::authenticate),
    ("target_info", wire::target_info),
    ("ntlmv2_response", wire::ntlmv2_response),
    ("message_signature", wire::message_signature),
    ("neg_token_init", wire::neg_token_init),
    ("neg_token_resp", wire::neg_token_resp),
    ("mech_types", wire::mech_types),
    ("certificate", wire::certificate),
    ("authorization_header", http::authorization_header),
    ("digest_credentials", digest::digest_credentials),
    ("acceptor_tokens", exchange::acceptor_tokens),
    ("initiator_tokens", exchange::initiator_tokens),
    ("session_unwrap", session::session_unwrap),
    ("tampered_logon", exchange::tampered_logon),
    ("client_challenges", client::client_challenges),
    ("keytab", kerberos::keytab),
    ("ccache", kerberos::ccache),
    ("ap_req", kerberos::ap_req),
    ("kdc_reply", kdc::kdc_reply),
    ("pac", kerberos::pac),
    ("krb5_conf", conf::krb5_conf),
    ("ticket_logon", ticket::ticket_logon),
];
