//! The clients of `negotiate-auth` and `ntlmclient`: from the server's CHALLENGE to their
//! AUTHENTICATE.

use crate::cases::{ACCOUNT, DOMAIN, HOST, Messages, PASSWORD, USER};
use crate::contender::Contender;
use logon::http::{Scheme, format_token};
use negotiate_auth::{ChannelBinding, Entropy, Handshake, Identity};
use ntlmclient::{Credentials, Flags, Message, TargetInfoEntry};
use std::hint::black_box;
use std::time::Duration;

/// From header to header, with MIC and bindings. Randomness and time are its caller's.
pub(crate) fn negotiate_auth() -> Contender {
    let challenge = format_token(Scheme::Ntlm, &Messages::raw().challenge);
    let bindings = ChannelBinding::tls_server_end_point(&[0x30; 900]);
    let prepare = move || {
        let entropy = Entropy::from_unix_time([0x11; 8], Duration::from_secs(1_800_000_000));
        let identity = Identity::new(ACCOUNT, PASSWORD).workstation("PC1");
        let mut handshake = Handshake::new(negotiate_auth::Scheme::Ntlm, identity, entropy)
            .channel_binding(bindings)
            .target_spn(format!("HTTP/{HOST}"));
        handshake.initial().unwrap();
        handshake
    };
    let run =
        move |mut handshake: Handshake| drop(black_box(handshake.advance(&challenge).unwrap()));
    Contender::new((prepare, run))
}

/// From message to message. It knows neither MIC nor bindings nor key exchange.
pub(crate) fn ntlmclient() -> Contender {
    let challenge = Messages::raw().challenge;
    let credentials =
        Credentials { username: USER.into(), password: PASSWORD.into(), domain: DOMAIN.into() };
    let run = move |()| {
        let Message::Challenge(message) = Message::try_from(black_box(&challenge[..])).unwrap()
        else {
            panic!("not a CHALLENGE")
        };
        let target_info: Vec<u8> =
            message.target_information.iter().flat_map(TargetInfoEntry::to_bytes).collect();
        let time = ntlmclient::get_ntlm_time();
        let response = ntlmclient::respond_challenge_ntlm_v2(
            message.challenge,
            &target_info,
            time,
            &credentials,
        );
        let flags = Flags::NEGOTIATE_UNICODE | Flags::NEGOTIATE_NTLM;
        black_box(response.to_message(&credentials, "PC1", flags).to_bytes().unwrap());
    };
    Contender::new((|| (), run))
}
