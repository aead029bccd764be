//! Logons by Kerberos with a ticket that is at hand: one of a KDC, or one that is made here. Mutual,
//! with channel bindings, with the randomness and the clock of the operating system.

use super::{BINDINGS, HOST};
use logon::kerberos::{
    CachedTicket, CredentialCache, EncryptionType, InitiatorConfig, Key, KeyUsage, Keytab,
    MemoryReplayCache, Pac, PrincipalName, Service, ServiceKey,
};
use logon::wire::krb5::{
    ApReq, CachedCredential, CredentialCacheFile, Element, EncTicketPart, EncryptionKey, GssToken,
    KerberosTime, Ticket, TicketFlags, TransitedEncoding, encode_authorization_data,
};
use logon::wire::krb5::{EncryptedData, Principal};
use logon::wire::pac::PacType;
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, ChannelBindings, FileTime, Initiator, InitiatorStep,
    OsRandom, SecureRandom, ServerNames, SystemClock, TimeSource,
};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const AES: EncryptionType = EncryptionType::Aes256CtsHmacSha1_96;
const REALM: &str = "CORP.EXAMPLE";
const KVNO: u32 = 3;

/// A ticket, and the keys of its service.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    ticket: CachedTicket,
    keytab: Keytab,
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// The PAC of a service's ticket of Active Directory, 848 bytes, and the key that it is signed with.
fn recorded_pac() -> (Vec<u8>, Key) {
    let text = include_str!("../../testvectors/kerberos/pac.txt");
    let (_, case) = text.split_once("Case = scapy-service-ticket-pac").unwrap();
    let value = |name| case.lines().find_map(|line| line.strip_prefix(name)).map(hex).unwrap();
    (value("Pac = "), Key::new(AES, &value("ServiceKey = ")).unwrap())
}

fn unix(time: FileTime) -> u64 {
    time.to_unix().unwrap().as_secs()
}

impl Credentials {
    /// A ticket without authorization data.
    pub(crate) fn plain(encryption_type: EncryptionType) -> Self {
        let key = [0x33; 32];
        let key = Key::new(encryption_type, &key[..encryption_type.key_length()]).unwrap();
        Self::made(&key, "alice", unix(SystemClock.now()), &[])
    }

    /// A ticket as domain controllers issue it, with a PAC.
    pub(crate) fn of_a_domain() -> Self {
        let (pac, key) = recorded_pac();
        let client = PacType::decode(&pac).unwrap().client_info().unwrap().unwrap();
        let mut data = Vec::new();
        encode_authorization_data(&[Element { kind: 128, data: &pac }], &mut data).unwrap();
        let data = [Element { kind: 1, data: &data }];
        Self::made(
            &key,
            &client.name.to_string(),
            unix(FileTime::from_ticks(client.client_id)),
            &data,
        )
    }

    fn made(key: &Key, client: &str, auth_time: u64, data: &[Element<'_>]) -> Self {
        let encryption_type = key.encryption_type();
        let length = encryption_type.key_length();
        let session_key = Key::new(encryption_type, &[0x5e; 32][..length]).unwrap();
        let client = PrincipalName::new(PrincipalName::PRINCIPAL, [client], REALM);
        let server = PrincipalName::new(PrincipalName::SRV_HST, ["HTTP", HOST], REALM);
        let start = unix(SystemClock.now()) - 60;
        let flags = TicketFlags::INITIAL;
        let part = EncTicketPart {
            flags,
            key: EncryptionKey { key_type: encryption_type.number(), value: session_key.expose() },
            client: client.as_wire(),
            transited: TransitedEncoding { kind: 1, contents: &[] },
            auth_time: KerberosTime::from_unix(auth_time),
            start_time: Some(KerberosTime::from_unix(start)),
            end_time: KerberosTime::from_unix(start + 36_000),
            renew_till: None,
            addresses: Vec::new(),
            authorization_data: data.to_vec(),
        };
        let (mut plain, mut cipher, mut ticket) = (Vec::new(), Vec::new(), Vec::new());
        part.encode(&mut plain).unwrap();
        key.encrypt(KeyUsage::TICKET, &[9; 16], &plain, &mut cipher);
        let etype = encryption_type.number();
        let enc_part = EncryptedData { etype, kvno: Some(KVNO), cipher: &cipher };
        Ticket::encode(&server.as_wire(), &enc_part, &mut ticket).unwrap();
        let time = |seconds| FileTime::from_unix(Duration::from_secs(seconds));
        let ticket = CachedTicket {
            client,
            server: server.clone(),
            session_key,
            start_time: time(start),
            end_time: time(start + 36_000),
            renew_till: FileTime::default(),
            flags: flags.bits(),
            ticket,
        };
        let keys = [ServiceKey { principal: server, kvno: KVNO, key: key.clone() }];
        Self { ticket, keytab: keys.into_iter().collect() }
    }

    /// What is in the files of a credential cache and of a keytab.
    pub(crate) fn of_files(cache: &[u8], keytab: &[u8], host: &str) -> Self {
        let cache = CredentialCache::decode(cache).unwrap();
        let server = PrincipalName::new(PrincipalName::SRV_HST, ["HTTP", host], "");
        let ticket = cache.ticket_for(&server, SystemClock.now()).unwrap().clone();
        Self { ticket, keytab: Keytab::decode(keytab).unwrap() }
    }

    /// The files.
    pub(crate) fn files(&self) -> (Vec<u8>, Vec<u8>) {
        let Self { ticket, keytab } = self;
        let time = |time| u32::try_from(unix(time)).unwrap();
        let client: Principal<'_> = ticket.client.as_wire();
        let credential = CachedCredential {
            client: client.clone(),
            server: ticket.server.as_wire(),
            key_type: ticket.session_key.encryption_type().number(),
            key: ticket.session_key.expose(),
            auth_time: time(ticket.start_time),
            start_time: time(ticket.start_time),
            end_time: time(ticket.end_time),
            ticket_flags: ticket.flags,
            ticket: &ticket.ticket,
            ..CachedCredential::default()
        };
        let credentials = vec![credential];
        let cache =
            CredentialCacheFile { kdc_offset: None, default_principal: client, credentials };
        (cache.encode().unwrap(), keytab.encode().unwrap())
    }

    fn service_key(&self) -> &Key {
        &self.keytab.keys().iter().find(|key| key.principal == self.ticket.server).unwrap().key
    }

    /// What the KDC has sealed.
    fn sealed(&self) -> Vec<u8> {
        let cipher = Ticket::decode(&self.ticket.ticket).unwrap().enc_part.cipher;
        self.service_key().decrypt(KeyUsage::TICKET, cipher).unwrap().to_vec()
    }
}

/// Both sides of exchanges.
struct Sides {
    server: Arc<AcceptorConfig>,
    client: Arc<InitiatorConfig>,
    spnego: bool,
    bindings: ChannelBindings,
}

impl Sides {
    fn new(credentials: Credentials, spnego: bool) -> Self {
        let Credentials { ticket, keytab } = credentials;
        let replay_cache = MemoryReplayCache::new(SystemClock.now(), Duration::ZERO);
        // MIT's KDC does not say who the client is for Windows.
        let service = Service::new(keytab, Arc::new(replay_cache)).with_pac_required(false);
        let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
        Self {
            server: Arc::new(config.with_kerberos(Arc::new(service))),
            client: Arc::new(InitiatorConfig::with_os(ticket)),
            spnego,
            bindings: ChannelBindings::from_application_data(BINDINGS),
        }
    }

    /// The client's token, and the client that waits for the server's.
    fn first(&self) -> (Initiator, Vec<u8>) {
        let (client, bindings) = (Arc::clone(&self.client), self.bindings.clone());
        let initiator = match self.spnego {
            true => Initiator::negotiate_kerberos(client, None, bindings),
            false => Initiator::kerberos(client, bindings),
        };
        let mut token = Vec::new();
        match initiator.step(None, &mut token).unwrap() {
            InitiatorStep::Continue(next) => (next, token),
            step => panic!("{step:?}"),
        }
    }

    /// The server's part, which is one step.
    fn accept(&self, token: &[u8]) -> Vec<u8> {
        let acceptor = Acceptor::new(Arc::clone(&self.server), self.bindings.clone());
        let mut out = Vec::new();
        match acceptor.step(token, &mut out) {
            Ok(AcceptorStep::Complete(context)) => drop(black_box(context)),
            step => panic!("{step:?}"),
        }
        out
    }
}

/// The server: the client's token in, the identity and the server's token out.
pub(crate) fn kerberos_accept(
    credentials: Credentials,
    spnego: bool,
) -> (impl FnMut() -> Vec<u8>, impl FnMut(Vec<u8>)) {
    let sides = Arc::new(Sides::new(credentials, spnego));
    let clients = Arc::clone(&sides);
    let run = move |token: Vec<u8>| drop(black_box(sides.accept(&token)));
    (move || clients.first().1, run)
}

/// The client's token.
pub(crate) fn kerberos_initiate(
    credentials: Credentials,
    spnego: bool,
) -> (impl FnMut(), impl FnMut(())) {
    let sides = Sides::new(credentials, spnego);
    (|| (), move |()| drop(black_box(sides.first())))
}

/// A client behind its token, and the server's.
type Answered = (Initiator, Vec<u8>);

/// The server's token verified by the client.
pub(crate) fn kerberos_verify_server(
    credentials: Credentials,
    spnego: bool,
) -> (impl FnMut() -> Answered, impl FnMut(Answered)) {
    let sides = Sides::new(credentials, spnego);
    let prepare = move || {
        let (initiator, token) = sides.first();
        (initiator, sides.accept(&token))
    };
    let run = |(initiator, token): Answered| match initiator.step(Some(&token), &mut Vec::new()) {
        Ok(InitiatorStep::Complete(context)) => drop(black_box(context)),
        step => panic!("{step:?}"),
    };
    (prepare, run)
}

/// The part of [`kerberos_accept`] that is cryptography: ticket and authenticator opened, the
/// latter hashed for the replay cache, a key and a confounder drawn, the answer sealed.
pub(crate) fn floor_kerberos_accept(credentials: Credentials) -> (impl FnMut(), impl FnMut(())) {
    let (_, token) = Sides::new(credentials.clone(), false).first();
    let request = ApReq::decode(GssToken::decode(&token).unwrap().message).unwrap();
    let (ticket, authenticator) = (request.ticket.enc_part.cipher, request.authenticator.cipher);
    let (ticket, authenticator) = (ticket.to_vec(), authenticator.to_vec());
    let service_key = credentials.service_key().clone();
    let session_key = credentials.ticket.session_key;
    // As long as an EncAPRepPart with a subkey of 32 bytes.
    let part = [0x11; 91];
    let run = move |()| {
        black_box(service_key.decrypt(KeyUsage::TICKET, &ticket).unwrap());
        let usage = KeyUsage::AP_REQ_AUTHENTICATOR;
        black_box(session_key.decrypt(usage, &authenticator).unwrap());
        black_box(Sha256::digest(&authenticator));
        let mut random = [0; 48];
        OsRandom.fill(&mut random).unwrap();
        let (_, confounder) = random.split_first_chunk::<32>().unwrap();
        let confounder = confounder.try_into().unwrap();
        let mut sealed = Vec::new();
        session_key.encrypt(KeyUsage::AP_REP_ENC_PART, confounder, &part, &mut sealed);
        black_box(sealed);
    };
    (|| (), run)
}

/// The PAC of a ticket that is open: found, verified, read.
pub(crate) fn verify_pac() -> (impl FnMut(), impl FnMut(())) {
    let credentials = Credentials::of_a_domain();
    // What is decoded borrows; there is one.
    let sealed: &'static [u8] = credentials.sealed().leak();
    let ticket = EncTicketPart::decode(sealed).unwrap();
    let key = credentials.service_key().clone();
    let run = move |()| {
        let pac = Pac::of_ticket(black_box(&ticket), &key, None).unwrap();
        black_box(pac.unwrap());
    };
    (|| (), run)
}

/// The HMAC over the same bytes, straight on the library, with a key that needs no derivation.
pub(crate) fn floor_verify_pac() -> (impl FnMut(), impl FnMut(())) {
    use hmac::{Hmac, KeyInit, Mac};
    let (bytes, _) = recorded_pac();
    let run = move |()| {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(black_box(&[0x11; 32])).unwrap();
        mac.update(black_box(&bytes));
        black_box(mac.finalize().into_bytes());
    };
    (|| (), run)
}
