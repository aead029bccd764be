//! The answers of a KDC to a client that asks for a ticket.

use logon::kerberos::{
    ClientSecret, CredentialCache, EncryptionType, Key, KeyUsage, Keytab, PrincipalName,
    ServiceKey, TicketConfig, TicketRequest, TicketStep,
};
use logon::wire::krb5::{EncryptedData, KdcRep, KdcReqKind, Principal, Ticket};
use logon::{FileTime, RandomFailed, SecureRandom, TimeSource};
use std::sync::Arc;
use std::time::Duration;

/// What is random is known, and the time stands still.
#[derive(Debug)]
struct Fixed;

const RANDOM: u8 = 7;

impl SecureRandom for Fixed {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        out.fill(RANDOM);
        Ok(())
    }
}

impl TimeSource for Fixed {
    fn now(&self) -> FileTime {
        FileTime::from_unix(Duration::from_secs(1_800_000_000))
    }
}

const AES: EncryptionType = EncryptionType::Aes256CtsHmacSha1_96;
const REALM: &str = "CORP.EXAMPLE";

fn key(byte: u8) -> Key {
    Key::new(AES, &[byte; 32]).expect("its length")
}

fn client() -> PrincipalName {
    PrincipalName::new(PrincipalName::PRINCIPAL, ["alice"], REALM)
}

fn request() -> TicketRequest {
    let keytab: Keytab =
        [ServiceKey { principal: client(), kvno: 1, key: key(1) }].into_iter().collect();
    let config = TicketConfig::new(Arc::new(Fixed), Arc::new(Fixed));
    let service = PrincipalName::new(PrincipalName::SRV_HST, ["HTTP", "web01"], REALM);
    TicketRequest::new(Arc::new(config), &CredentialCache::new(client()), service)
        .with_secret(ClientSecret::keytab(keytab))
}

/// An answer with `part` in it, encrypted as a KDC does that has the client's key.
fn sealed(kind: KdcReqKind, part: &[u8]) -> Vec<u8> {
    let (key, usage, service) = match kind {
        KdcReqKind::As => (key(1), KeyUsage::AS_REP_ENC_PART, ["krbtgt", REALM]),
        KdcReqKind::Tgs => (key(RANDOM), KeyUsage::TGS_REP_ENC_PART_SUBKEY, ["HTTP", "web01"]),
    };
    let server = Principal { realm: REALM, components: service.to_vec(), name_type: 2 };
    let enc_part = EncryptedData { etype: AES.number(), kvno: None, cipher: &[0; 48] };
    let mut ticket = Vec::new();
    Ticket::encode(&server, &enc_part, &mut ticket).expect("short");
    let mut cipher = Vec::new();
    key.encrypt(usage, &[0; 16], part, &mut cipher);
    let mut out = Vec::new();
    KdcRep {
        kind,
        padata: Vec::new(),
        client: client().as_wire(),
        ticket: Ticket::decode(&ticket).expect("our own"),
        enc_part: EncryptedData { etype: AES.number(), kvno: None, cipher: &cipher },
    }
    .encode(&mut out)
    .expect("short");
    out
}

/// The plaintext of a ticket-granting ticket's answer, to come to the second exchange by.
fn granted() -> Vec<u8> {
    use logon::wire::krb5::{EncKdcRepPart, EncryptionKey, KerberosTime, TicketFlags};
    let session = key(2);
    let mut out = Vec::new();
    EncKdcRepPart {
        key: EncryptionKey { key_type: AES.number(), value: session.expose() },
        last_req: Vec::new(),
        nonce: u32::from_be_bytes([RANDOM; 4]),
        key_expiration: None,
        flags: TicketFlags::PRE_AUTHENT,
        auth_time: KerberosTime::from_unix(1_800_000_000),
        start_time: None,
        end_time: KerberosTime::from_unix(1_800_036_000),
        renew_till: None,
        server: Principal { realm: REALM, components: vec!["krbtgt", REALM], name_type: 2 },
        addresses: Vec::new(),
        encrypted_pa_data: Vec::new(),
    }
    .encode(KdcReqKind::As, &mut out)
    .expect("short");
    out
}

fn sent(step: TicketStep) -> TicketRequest {
    match step {
        TicketStep::SendToKdc(next) => next.request,
        TicketStep::Complete(_) => panic!("nobody was asked"),
    }
}

/// Whoever does not have the keys gets no further, and no answer is too much. The first byte says
/// which exchange it is, and whether the rest is an answer or what is encrypted in one.
pub fn kdc_reply(data: &[u8]) {
    let Some((mode, data)) = data.split_first() else { return };
    let mut request = sent(request().step(None).expect("a request"));
    let kind = if mode & 1 == 0 { KdcReqKind::As } else { KdcReqKind::Tgs };
    if kind == KdcReqKind::Tgs {
        let answer = sealed(KdcReqKind::As, &granted());
        request = sent(request.step(Some(&answer)).expect("a right answer"));
    }
    let has_key = mode & 2 != 0;
    let answer = if has_key { sealed(kind, data) } else { data.to_vec() };
    for _ in 0..30 {
        match request.step(Some(&answer)) {
            Ok(TicketStep::SendToKdc(next)) => {
                let first = if kind == KdcReqKind::As && !has_key { 0x6a } else { next.message[0] };
                assert_eq!(next.message[0], first, "on to the next exchange without a proof");
                request = next.request;
            }
            Ok(TicketStep::Complete(found)) => {
                assert!(has_key && kind == KdcReqKind::Tgs);
                assert_eq!(found.ticket.client, client());
                assert_eq!(found.ticket.server.components(), ["HTTP", "web01"]);
                return;
            }
            Err(error) => {
                assert!(!error.to_string().chars().any(char::is_control));
                return;
            }
        }
    }
    panic!("it never ends");
}
