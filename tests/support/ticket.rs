//! Tickets and authenticators as a KDC and a client make them, or as they should not.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

use logon::kerberos::{
    CachedTicket, EncryptionType, Key, KeyUsage, Keytab, MemoryReplayCache, PrincipalName, Service,
    ServiceKey,
};
use logon::wire::krb5::{
    ApOptions, ApReq, Authenticator, AuthenticatorChecksum, Checksum, Element, EncTicketPart,
    EncryptedData, EncryptionKey, GssFlags, GssToken, KerberosTime, Ticket, TicketFlags, TokenId,
    TransitedEncoding, encode_authorization_data,
};
use logon::wire::pac::PacType;
use logon::wire::spnego::MechType;
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, ChannelBindings, Context, Error, FileTime, Policy,
    SecureRandom, ServerNames, TimeSource,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const REALM: &str = "CORP.EXAMPLE";
pub(crate) const AES: EncryptionType = EncryptionType::Aes256CtsHmacSha1_96;

#[derive(Debug)]
pub(crate) struct Clock;

impl TimeSource for Clock {
    fn now(&self) -> FileTime {
        FileTime::from_unix(Duration::from_secs(NOW))
    }
}

/// Never the same twice.
#[derive(Debug, Default)]
pub(crate) struct Random(AtomicU8);

impl SecureRandom for Random {
    fn fill(&self, out: &mut [u8]) -> Result<(), logon::RandomFailed> {
        out.fill(self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

pub(crate) fn key(encryption_type: EncryptionType, byte: u8) -> Key {
    Key::new(encryption_type, &[byte; 32][..encryption_type.key_length()]).unwrap()
}

pub(crate) fn service_key(encryption_type: EncryptionType, kvno: u32, byte: u8) -> ServiceKey {
    let principal = "HTTP/web01.corp.example@CORP.EXAMPLE".parse().unwrap();
    ServiceKey { principal, kvno, key: key(encryption_type, byte) }
}

/// What the server has: keys of version 3 (bytes 0x33) of every encryption type, and one of
/// version 2 (bytes 0x22).
pub(crate) fn keytab() -> Keytab {
    let types = [17, 18, 19, 20, 23].map(|number| EncryptionType::try_from(number).unwrap());
    let current = types.map(|it| service_key(it, 3, 0x33));
    current.into_iter().chain([service_key(AES, 2, 0x22)]).collect()
}

pub(crate) fn service() -> Service {
    let begun = FileTime::from_unix(Duration::from_secs(NOW - 3600));
    Service::new(keytab(), Arc::new(MemoryReplayCache::new(begun, Duration::ZERO)))
        .with_realm(REALM, "CORP")
        .with_pac_required(false)
}

pub(crate) fn config(service: Service, policy: Policy) -> Arc<AcceptorConfig> {
    let names = ServerNames::new("WEB01", "CORP");
    let config = AcceptorConfig::new(names, Arc::new(Random::default()), Arc::new(Clock));
    Arc::new(config.with_policy(policy).with_kerberos(Arc::new(service)))
}

/// One token to a service, where one is all it takes: what came of it, and what is sent.
pub(crate) fn accept_with(
    service: Service,
    policy: Policy,
    bindings: ChannelBindings,
    token: &[u8],
) -> (Result<Context, Error>, Vec<u8>) {
    let mut out = Vec::new();
    let acceptor = Acceptor::new(config(service, policy), bindings);
    let result = acceptor.step(token, &mut out).map(|step| match step {
        AcceptorStep::Complete(context) => context,
        step => panic!("{step:?}"),
    });
    (result, out)
}

/// An `AP-REQ`, part by part. The default is right.
#[derive(Debug, Clone)]
pub(crate) struct Forge {
    pub(crate) encryption_type: EncryptionType,
    pub(crate) etype: Option<i32>,
    pub(crate) kvno: Option<u32>,
    pub(crate) service_key: u8,
    pub(crate) server: &'static str,
    pub(crate) client: &'static str,
    pub(crate) authenticator_client: Option<&'static str>,
    pub(crate) session_type: EncryptionType,
    /// What the client takes for the session key.
    pub(crate) client_key: u8,
    pub(crate) flags: TicketFlags,
    pub(crate) transited: &'static [u8],
    pub(crate) start: Option<u64>,
    pub(crate) auth_time: u64,
    pub(crate) end: u64,
    pub(crate) authorization_data: Vec<(i32, Vec<u8>)>,
    /// Of IPv4.
    pub(crate) addresses: Vec<[u8; 4]>,
    /// The authenticator's.
    pub(crate) said: Vec<(i32, Vec<u8>)>,
    pub(crate) ctime: u64,
    pub(crate) cusec: u32,
    pub(crate) options: ApOptions,
    pub(crate) checksum: Option<(i32, Vec<u8>)>,
    pub(crate) subkey: Option<(i32, Vec<u8>)>,
    pub(crate) usage: KeyUsage,
    pub(crate) confounder: u8,
}

pub(crate) const SESSION: u8 = 0x5e;

/// The checksum of RFC 4121 with these bindings and flags.
pub(crate) fn gss(bindings: [u8; 16], flags: GssFlags) -> Option<(i32, Vec<u8>)> {
    let mut out = Vec::new();
    AuthenticatorChecksum { bindings, flags, delegation: None, extensions: &[] }
        .encode(&mut out)
        .unwrap();
    Some((AuthenticatorChecksum::CHECKSUM_TYPE, out))
}

impl Default for Forge {
    fn default() -> Self {
        Self {
            encryption_type: AES,
            etype: None,
            kvno: Some(3),
            service_key: 0x33,
            server: "HTTP/web01.corp.example@CORP.EXAMPLE",
            client: "alice@CORP.EXAMPLE",
            authenticator_client: None,
            session_type: AES,
            client_key: SESSION,
            flags: TicketFlags::INITIAL,
            transited: &[],
            start: Some(NOW - 60),
            auth_time: NOW - 120,
            end: NOW + 3600,
            authorization_data: Vec::new(),
            addresses: Vec::new(),
            said: Vec::new(),
            ctime: NOW - 1,
            cusec: 7,
            options: ApOptions::MUTUAL_REQUIRED,
            checksum: gss([0; 16], GssFlags::MUTUAL | GssFlags::INTEG),
            subkey: None,
            usage: KeyUsage::AP_REQ_AUTHENTICATOR,
            confounder: 9,
        }
    }
}

/// A ticket as a domain controller issues it, of `testuser1` in the domain `TEST`: with a recorded
/// PAC, signed anew with the service's key.
pub(crate) fn of_windows() -> Forge {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().find(|folder| folder.join("testvectors").is_dir()).unwrap();
    let text = std::fs::read_to_string(root.join("testvectors/kerberos/pac.txt")).unwrap();
    let (_, case) = text.split_once("Case = gokrb5-pac-server-signature").unwrap();
    let hex = case.lines().find_map(|line| line.strip_prefix("Pac = ")).unwrap();
    let digits = hex.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let mut pac: Vec<u8> = digits.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    let forge = Forge::default();
    let decoded = PacType::decode(&pac).unwrap();
    let (server, kdc) = (decoded.server_signature().unwrap(), decoded.kdc_signature().unwrap());
    let parts = decoded.signed_parts(&server, &kdc);
    let key = key(forge.encryption_type, forge.service_key);
    let checksum = key.checksum(KeyUsage::PAC_SIGNATURE, &parts);
    let at = decoded.buffers().iter().find(|buffer| buffer.kind == 6).unwrap().offset + 4;
    let made = decoded.client_info().unwrap().unwrap().client_id;
    let auth_time = FileTime::from_ticks(made).to_unix().unwrap().as_secs();
    pac[at..at + checksum.as_bytes().len()].copy_from_slice(checksum.as_bytes());
    let authorization_data = vec![relevant(128, &pac)];
    Forge { client: "testuser1@CORP.EXAMPLE", auth_time, authorization_data, ..forge }
}

fn principal(text: &str) -> PrincipalName {
    text.parse().unwrap()
}

impl Forge {
    pub(crate) fn session_key(&self) -> Key {
        key(self.session_type, SESSION)
    }

    pub(crate) fn ticket(&self) -> Vec<u8> {
        let client = principal(self.client);
        let session_key = self.session_key();
        let addresses = self.addresses.iter().map(|it| Element { kind: 2, data: it });
        let part = EncTicketPart {
            flags: self.flags,
            key: EncryptionKey {
                key_type: self.session_type.number(),
                value: session_key.expose(),
            },
            client: client.as_wire(),
            transited: TransitedEncoding { kind: 1, contents: self.transited },
            auth_time: KerberosTime::from_unix(self.auth_time),
            start_time: self.start.map(KerberosTime::from_unix),
            end_time: KerberosTime::from_unix(self.end),
            renew_till: None,
            addresses: addresses.collect(),
            authorization_data: elements(&self.authorization_data),
        };
        let mut plain = Vec::new();
        part.encode(&mut plain).unwrap();
        let mut cipher = Vec::new();
        key(self.encryption_type, self.service_key).encrypt(
            KeyUsage::TICKET,
            &[self.confounder; 16],
            &plain,
            &mut cipher,
        );
        let etype = self.etype.unwrap_or(self.encryption_type.number());
        let enc_part = EncryptedData { etype, kvno: self.kvno, cipher: &cipher };
        let mut out = Vec::new();
        Ticket::encode(&principal(self.server).as_wire(), &enc_part, &mut out).unwrap();
        out
    }

    pub(crate) fn cached(&self) -> CachedTicket {
        CachedTicket {
            client: principal(self.client),
            server: principal(self.server),
            session_key: self.session_key(),
            start_time: FileTime::from_unix(Duration::from_secs(NOW - 60)),
            end_time: FileTime::from_unix(Duration::from_secs(self.end)),
            renew_till: FileTime::default(),
            flags: self.flags.bits(),
            ticket: self.ticket(),
        }
    }

    pub(crate) fn message(&self) -> Vec<u8> {
        let client = principal(self.authenticator_client.unwrap_or(self.client));
        let checksum = self.checksum.as_ref();
        let authenticator = Authenticator {
            client: client.as_wire(),
            checksum: checksum
                .map(|(kind, bytes)| Checksum { checksum_type: *kind, checksum: bytes }),
            cusec: self.cusec,
            ctime: KerberosTime::from_unix(self.ctime),
            subkey: self
                .subkey
                .as_ref()
                .map(|(kind, value)| EncryptionKey { key_type: *kind, value }),
            seq_number: Some(77),
            authorization_data: elements(&self.said),
        };
        let mut plain = Vec::new();
        authenticator.encode(&mut plain).unwrap();
        let mut cipher = Vec::new();
        key(self.session_type, self.client_key).encrypt(
            self.usage,
            &[self.confounder; 16],
            &plain,
            &mut cipher,
        );
        let etype = self.session_type.number();
        let ticket = self.ticket();
        let request = ApReq {
            ap_options: self.options,
            ticket: Ticket::decode(&ticket).unwrap(),
            authenticator: EncryptedData { etype, kvno: None, cipher: &cipher },
        };
        let mut out = Vec::new();
        request.encode(&mut out).unwrap();
        out
    }

    /// In the framing of GSS-API.
    pub(crate) fn token(&self) -> Vec<u8> {
        framed(&self.message())
    }
}

pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mech = Some(MechType::KRB5);
    GssToken { mech, id: TokenId::ApReq, message }.encode(&mut out).unwrap();
    out
}

fn elements(list: &[(i32, Vec<u8>)]) -> Vec<Element<'_>> {
    list.iter().map(|(kind, data)| Element { kind: *kind, data }).collect()
}

/// An `AD-IF-RELEVANT` around one element.
pub(crate) fn relevant(kind: i32, data: &[u8]) -> (i32, Vec<u8>) {
    let mut out = Vec::new();
    encode_authorization_data(&[Element { kind, data }], &mut out).unwrap();
    (1, out)
}

/// The service that the client means, under its authenticator ([MS-KILE] §3.2.5.8).
pub(crate) fn target(name: &str) -> (i32, Vec<u8>) {
    relevant(144, &name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
}
