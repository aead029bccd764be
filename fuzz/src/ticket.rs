//! A ticket and an authenticator with whatever content, encrypted as they should be, into an acceptor
//! with the key.

use crate::exchange::assert_peer_is_to_blame;
use crate::input::Input;
use crate::world;
use logon::kerberos::{
    EncryptionType, KerberosRefusal, Key, KeyUsage, MemoryReplayCache, Service, ServiceKey,
};
use logon::wire::krb5::{
    ApOptions, ApReq, Authenticator, AuthenticatorChecksum, Checksum, EncTicketPart, EncryptedData,
    EncryptionKey, GssFlags, GssToken, KerberosTime, Principal, Ticket, TicketFlags, TokenId,
    TransitedEncoding,
};
use logon::wire::spnego::MechType;
use logon::{Acceptor, AcceptorConfig, AcceptorStep, ChannelBindings, Error, Refusal};
use logon::{FileTime, ServerNames};
use std::sync::Arc;
use std::time::Duration;

const TYPE: EncryptionType = EncryptionType::Aes128CtsHmacSha1_96;
const SERVER: &str = "HTTP/web01.corp.example@CORP.EXAMPLE";

fn key(byte: u8) -> Key {
    Key::new(TYPE, &[byte; 16]).expect("its length")
}

fn alice() -> Principal<'static> {
    Principal { realm: "CORP.EXAMPLE", components: vec!["alice"], name_type: 1 }
}

/// What a KDC puts into a ticket.
fn ticket_part(now: u64) -> Vec<u8> {
    let session_key = key(0x5e);
    let part = EncTicketPart {
        flags: TicketFlags::INITIAL,
        key: EncryptionKey { key_type: TYPE.number(), value: session_key.expose() },
        client: alice(),
        transited: TransitedEncoding { kind: 1, contents: &[] },
        auth_time: KerberosTime::from_unix(now - 60),
        start_time: None,
        end_time: KerberosTime::from_unix(now + 3600),
        renew_till: None,
        addresses: vec![],
        authorization_data: vec![],
    };
    let mut out = Vec::new();
    part.encode(&mut out).expect("right");
    out
}

/// What a client puts into its authenticator.
fn authenticator(now: u64) -> Vec<u8> {
    let flags = GssFlags::MUTUAL | GssFlags::INTEG;
    let checksum =
        AuthenticatorChecksum { bindings: [0; 16], flags, delegation: None, extensions: &[] };
    let mut bytes = Vec::new();
    checksum.encode(&mut bytes).expect("right");
    let authenticator = Authenticator {
        client: alice(),
        checksum: Some(Checksum {
            checksum_type: AuthenticatorChecksum::CHECKSUM_TYPE,
            checksum: &bytes,
        }),
        cusec: 7,
        ctime: KerberosTime::from_unix(now),
        subkey: None,
        seq_number: Some(7),
        authorization_data: vec![],
    };
    let mut out = Vec::new();
    authenticator.encode(&mut out).expect("right");
    out
}

fn encrypted(key: &Key, usage: KeyUsage, plain: &[u8]) -> Vec<u8> {
    let mut cipher = Vec::new();
    key.encrypt(usage, &[9; 16], plain, &mut cipher);
    cipher
}

/// The content of a ticket and of an authenticator, each of the input or the right one changed, and
/// changes to the token made of them. Unchanged, it is a logon; whatever is a logon has a name, is
/// one once, and is answered with nothing or an `AP-REP`; whatever is not, with nothing or a
/// `KRB-ERROR`, and is the client's fault.
pub fn ticket_logon(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let config =
        AcceptorConfig::new(ServerNames::new("WEB01", "CORP"), world::random(), world::clock());
    let now = config.now().to_unix().expect("after 1970").as_secs();
    let mut part = ticket_part(now);
    let mut made = authenticator(now);
    for (bit, plain) in [(1, &mut part), (2, &mut made)] {
        match choice & bit {
            0 => input.tamper(plain),
            _ => *plain = input.bytes().to_vec(),
        }
    }
    let service = key(0x33);
    let cipher = encrypted(&service, KeyUsage::TICKET, &part);
    let enc_part = EncryptedData { etype: TYPE.number(), kvno: Some(3), cipher: &cipher };
    let server = SERVER.parse::<logon::kerberos::PrincipalName>().expect("a name");
    let mut ticket = Vec::new();
    Ticket::encode(&server.as_wire(), &enc_part, &mut ticket).expect("right");
    let cipher = encrypted(&key(0x5e), KeyUsage::AP_REQ_AUTHENTICATOR, &made);
    let request = ApReq {
        ap_options: ApOptions::empty(),
        ticket: Ticket::decode(&ticket).expect("our own"),
        authenticator: EncryptedData { etype: TYPE.number(), kvno: None, cipher: &cipher },
    };
    let mut message = Vec::new();
    request.encode(&mut message).expect("right");
    let mut token = Vec::new();
    let mech = Some(MechType::KRB5);
    GssToken { mech, id: TokenId::ApReq, message: &message }.encode(&mut token).expect("right");
    let right = token.clone();
    input.tamper(&mut token);
    let honest = part == ticket_part(now) && made == authenticator(now) && token == right;

    let memory = MemoryReplayCache::new(FileTime::default(), Duration::ZERO);
    let keytab = [ServiceKey { principal: server, kvno: 3, key: service }].into_iter().collect();
    let service = Service::new(keytab, Arc::new(memory)).with_pac_required(false);
    let config = Arc::new(config.with_kerberos(Arc::new(service)).with_ntlm(false));
    let mut out = Vec::new();
    let logged_on = step(&config, &token, &mut out);
    let sent = |out: &[u8], id| out.is_empty() || GssToken::decode(out).expect("a token").id == id;
    match logged_on {
        Ok(()) => assert!(sent(&out, TokenId::ApRep)),
        Err(error) => {
            assert!(!honest, "{error:?}");
            // Within SPNEGO it is a rejection.
            assert!(out.first() == Some(&0xa1) || sent(&out, TokenId::Error), "{out:02x?}");
            assert_peer_is_to_blame(&error);
            return;
        }
    }
    let again = step(&config, &token, &mut Vec::new()).expect_err("once");
    let Error::Denied(denial) = again else { panic!("{again:?}") };
    assert_eq!(denial.refusal(), Refusal::Kerberos(KerberosRefusal::Replay));
}

fn step(config: &Arc<AcceptorConfig>, token: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let acceptor = Acceptor::new(Arc::clone(config), ChannelBindings::none());
    match acceptor.step(token, out)? {
        AcceptorStep::Complete(context) => {
            let identity = context.identity();
            assert!(!identity.user().is_empty() && identity.domain() == "CORP.EXAMPLE");
            assert_eq!(identity.target_name().to_lowercase(), "http/web01.corp.example");
            Ok(())
        }
        AcceptorStep::Continue(_) => {
            Err(Error::OutOfSequence { expected: "one token", received: "a list" })
        }
        step => panic!("{step:?}"),
    }
}
