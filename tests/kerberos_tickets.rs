//! `kerberos/tickets.txt`: recorded tickets, from the token of SPNEGO down to what is encrypted.
#![cfg(feature = "kerberos")]

#[path = "support/vectors.rs"]
mod vectors;

use logon::kerberos::{EncryptionType, IntegrityFailed, Key, KeyUsage};
use logon::wire::krb5::{
    ApOptions, ApRep, ApReq, Authenticator, AuthenticatorChecksum, EncApRepPart, EncTicketPart,
    EncryptedData, EncryptionKey, GssFlags, GssToken, KerberosTime, Ticket, TokenId,
};
use logon::wire::spnego::{MechType, NegState, NegTokenInit, NegTokenResp};
use vectors::Case;

fn aes256(bytes: &[u8]) -> Key {
    Key::new(EncryptionType::Aes256CtsHmacSha1_96, bytes).unwrap()
}

/// Decrypts, and looks that nothing else would have been taken.
fn decrypted(key: &Key, usage: KeyUsage, data: &EncryptedData<'_>) -> Vec<u8> {
    assert_eq!(data.etype, key.encryption_type().number());
    let mut cipher = data.cipher.to_vec();
    for at in (0..cipher.len()).step_by(61).chain([cipher.len() - 1]) {
        cipher[at] ^= 1;
        assert_eq!(key.decrypt(usage, &cipher), Err(IntegrityFailed), "{at}");
        cipher[at] ^= 1;
    }
    let other = KeyUsage::new(usage.number() ^ 0x100);
    assert_eq!(key.decrypt(other, &cipher), Err(IntegrityFailed));
    key.decrypt(usage, &cipher).unwrap().to_vec()
}

/// `20240305160341Z` of a time.
fn time(time: KerberosTime) -> String {
    let mut out = Vec::new();
    let this = logon::wire::krb5::PaEncTsEnc { patimestamp: time, pausec: None };
    this.encode(&mut out).unwrap();
    String::from_utf8(out[out.len() - 15..].to_vec()).unwrap()
}

fn check_subkey(case: &Case, subkey: Option<EncryptionKey<'_>>) {
    let subkey = subkey.unwrap();
    assert_eq!(subkey.value, case.hex("Subkey"));
    assert_eq!(i64::from(subkey.key_type), case.u64("SubkeyEncryptionType") as i64);
}

fn check_ap_req(case: &Case) {
    let token = case.hex("Token");
    let init = NegTokenInit::decode(&token).unwrap();
    let mechs: Vec<_> = init.mech_types.iter().collect();
    assert_eq!(mechs, [MechType::MS_KRB5, MechType::KRB5]);
    let gss = GssToken::decode(init.mech_token.unwrap()).unwrap();
    assert_eq!((gss.mech, gss.id), (Some(MechType::KRB5), TokenId::ApReq));
    assert_eq!(gss.message, case.hex("ApReq"));

    let request = ApReq::decode(gss.message).unwrap();
    assert_eq!(case.hex("ApOptions"), [5, 0x20]);
    assert_eq!(request.ap_options, ApOptions::MUTUAL_REQUIRED);
    let enc_part = request.ticket.enc_part;
    assert_eq!(enc_part.etype as u64, case.u64("TicketEncryptionType"));
    assert_eq!(u64::from(enc_part.kvno.unwrap()), case.u64("TicketKvno"));

    let plain = decrypted(&aes256(&case.hex("ServiceKey")), KeyUsage::TICKET, &enc_part);
    assert_eq!(plain, case.hex("EncTicketPart"));
    let ticket = EncTicketPart::decode(&plain).unwrap();
    assert_eq!(ticket.flags.bits().to_be_bytes()[..], case.hex("TicketFlags"));
    assert_eq!(ticket.key.value, case.hex("SessionKey"));
    assert_eq!(ticket.key.key_type as u64, case.u64("SessionKeyEncryptionType"));
    assert_eq!(ticket.client.to_string(), case.text("Client"));
    assert_eq!(time(ticket.auth_time), case.text("AuthTime"));
    assert_eq!(time(ticket.end_time), case.text("EndTime"));
    assert_eq!(ticket.authorization_data.len(), 1);
    let mut again = Vec::new();
    ticket.encode(&mut again).unwrap();
    assert_eq!(again, plain);

    let session_key = aes256(ticket.key.value);
    let plain = decrypted(&session_key, KeyUsage::AP_REQ_AUTHENTICATOR, &request.authenticator);
    assert_eq!(plain, case.hex("Authenticator"));
    let authenticator = Authenticator::decode(&plain).unwrap();
    assert_eq!(authenticator.client.to_string(), case.text("AuthenticatorClient"));
    assert_eq!(u64::from(authenticator.cusec), case.u64("Cusec"));
    assert_eq!(time(authenticator.ctime), case.text("Ctime"));
    assert_eq!(authenticator.seq_number.map(u64::from), case.opt_u64("SequenceNumber"));
    check_subkey(case, authenticator.subkey);
    let checksum = authenticator.checksum.unwrap();
    assert_eq!(checksum.checksum_type as u64, case.u64("ChecksumType"));
    assert_eq!(checksum.checksum_type, AuthenticatorChecksum::CHECKSUM_TYPE);
    assert_eq!(checksum.checksum, case.hex("Checksum"));
    let checksum = AuthenticatorChecksum::decode(checksum.checksum).unwrap();
    assert_eq!(checksum.bindings, [0; 16]);
    assert_eq!(checksum.flags, GssFlags::MUTUAL | GssFlags::CONF | GssFlags::INTEG);
    assert_eq!((checksum.delegation, checksum.extensions), (None, &[0; 8][..]));
    let mut again = Vec::new();
    authenticator.encode(&mut again).unwrap();
    assert_eq!(again, plain);
}

fn check_ap_rep(case: &Case) {
    let token = case.hex("Token");
    let response = NegTokenResp::decode(&token).unwrap();
    assert_eq!(response.neg_state, Some(NegState::AcceptCompleted));
    let gss = GssToken::decode(response.response_token.unwrap()).unwrap();
    assert_eq!((gss.mech, gss.id), (None, TokenId::ApRep));
    assert_eq!(gss.message, case.hex("ApRep"));
    let reply = ApRep::decode(gss.message).unwrap();
    let key = aes256(&case.hex("SessionKey"));
    let plain = decrypted(&key, KeyUsage::AP_REP_ENC_PART, &reply.enc_part);
    assert_eq!(plain, case.hex("EncApRepPart"));
    let part = EncApRepPart::decode(&plain).unwrap();
    assert_eq!(time(part.ctime), case.text("Ctime"));
    assert_eq!(u64::from(part.cusec), case.u64("Cusec"));
    assert_eq!(part.seq_number, None);
    check_subkey(case, part.subkey);
}

fn check_ticket(case: &Case) {
    let der = case.hex("Ticket");
    let ticket = Ticket::decode(&der).unwrap();
    assert_eq!(ticket.server.to_string(), "krbtgt/DOMAIN.LOCAL@DOMAIN.LOCAL");
    let key = aes256(&case.hex("ServiceKey"));
    let plain = decrypted(&key, KeyUsage::TICKET, &ticket.enc_part);
    assert_eq!(plain, case.hex("EncTicketPart"));
    assert_eq!(EncTicketPart::decode(&plain).unwrap().key.value, case.hex("SessionKey"));
}

#[test]
fn recorded_tickets_open_with_the_services_key_and_with_nothing_else() {
    for case in vectors::load("kerberos/tickets.txt") {
        match case.kind() {
            "ap-req" => check_ap_req(&case),
            "ap-rep" => check_ap_rep(&case),
            "ticket" => check_ticket(&case),
            other => panic!("{other}"),
        }
    }
}
