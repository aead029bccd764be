//! A KDC of one realm, as small as one can be, with faults on request.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

use logon::kerberos::{EncryptionType, Iterations, Key, KeyUsage, PrincipalName};
use logon::wire::krb5::{
    ApReq, Authenticator, Element, EncKdcRepPart, EncTicketPart, EncryptedData, EncryptionKey,
    EtypeInfo2Entry, KdcOptions, KdcRep, KdcReq, KdcReqBody, KdcReqKind, KerberosTime, KrbError,
    PaEncTsEnc, Principal, Ticket, TicketFlags, TransitedEncoding, encode_method_data,
};

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const AES: EncryptionType = EncryptionType::Aes256CtsHmacSha1_96;
pub(crate) const SALT: &str = "of the realm's own making";

/// What the KDC does wrong, or its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Right,
    /// Takes a name's word for it.
    WithoutProof,
    /// Wants anything but a password's proof.
    Certificates,
    /// Has an account's key of the encryption type of the past, and no other.
    Rc4,
    /// Proposes to hash the password once.
    OneIteration,
    AnotherNonce,
    AnotherClient,
    AnotherService,
    /// The name in the clear is not the one that is signed.
    AnotherNameOutside,
    AnotherKey,
    Expired,
    NotYet,
    /// A session key of RC4.
    WeakSessionKey,
    /// Refers to itself without an end.
    Circle,
    /// No ticket-granting ticket is good enough.
    Revoked,
    /// None is renewed.
    NoRenewal,
    /// Does not answer to a proof.
    SilentAfterProof,
    AsRepForTgs,
    Garbage,
}

/// A KDC at a port, until the test is over.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<&'static str>>>,
    /// May be changed; `now` is what it is ahead by.
    pub(crate) kdc: Arc<Mutex<Kdc>>,
}

impl Served {
    /// What it was asked since the last look.
    pub(crate) fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The same, behind something at another address.
    pub(crate) fn behind(&self, address: std::net::SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Kdc {
    pub(crate) realm: &'static str,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) services: &'static [&'static str],
    /// Realms that it shares a key with; the key of another realm is made of both names.
    pub(crate) trusts: &'static [&'static str],
    pub(crate) now: u64,
    pub(crate) way: Way,
    pub(crate) lifetime: u64,
    pub(crate) renewable: bool,
}

/// One of its own for each name; nobody has to hash a password for it.
fn key_of(name: &str) -> Key {
    let mut bytes = [0x55_u8; 32];
    for (index, byte) in name.bytes().enumerate() {
        bytes[index % 32] = bytes[index % 32].wrapping_mul(31).wrapping_add(byte);
    }
    Key::new(AES, &bytes).unwrap()
}

fn shared_key(realm: &str, of: &str) -> Key {
    key_of(&format!("krbtgt/{realm}@{of}"))
}

pub(crate) fn service_key(name: &str) -> Key {
    key_of(name)
}

fn time(seconds: u64) -> KerberosTime {
    KerberosTime::from_unix(seconds)
}

struct Grant<'a> {
    kind: KdcReqKind,
    client: Principal<'a>,
    server: PrincipalName,
    ticket_key: Key,
    reply_key: &'a Key,
    usage: KeyUsage,
    nonce: u32,
}

impl Kdc {
    pub(crate) fn new(realm: &'static str, now: u64) -> Self {
        Self {
            realm,
            user: "alice",
            password: "S3cret!pw",
            services: &["HTTP/web01.corp.example"],
            trusts: &[],
            now,
            way: Way::Right,
            lifetime: 36_000,
            renewable: false,
        }
    }

    /// One that goes by the clock of this machine, and answers at a port of loopback over UDP. What
    /// it was asked is counted: without proof, with one, for a service.
    pub(crate) fn serve(self) -> Served {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let served = Served { address, asked: Arc::default(), kdc: Arc::new(Mutex::new(self)) };
        let there = served.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let message = &buffer[..length];
                let name = match message[0] {
                    0x6a => {
                        let request = KdcReq::decode(KdcReqKind::As, message).unwrap();
                        if request.padata.iter().any(|it| it.kind == 2) { "AS+" } else { "AS" }
                    }
                    _ => "TGS",
                };
                there.asked.lock().unwrap().push(name);
                let mut kdc = there.kdc.lock().unwrap().clone();
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                kdc.now = kdc.now.wrapping_add(now.as_secs());
                if kdc.way != Way::SilentAfterProof || name != "AS+" {
                    let _ = socket.send_to(&kdc.answer(message), from);
                }
            }
        });
        served
    }

    pub(crate) fn user_key(&self) -> Key {
        let etype = self.user_etype();
        Key::from_password(etype, self.password, SALT.as_bytes(), Iterations::Default).unwrap()
    }

    fn user_etype(&self) -> EncryptionType {
        if self.way == Way::Rc4 { EncryptionType::Rc4Hmac } else { AES }
    }

    pub(crate) fn answer(&self, message: &[u8]) -> Vec<u8> {
        if self.way == Way::Garbage {
            return b"\x6b\x03\x02\x01\x00".to_vec();
        }
        match message[0] {
            0x6a => self.log_on(&KdcReq::decode(KdcReqKind::As, message).unwrap()),
            _ => self.grant(&KdcReq::decode(KdcReqKind::Tgs, message).unwrap()),
        }
    }

    pub(crate) fn error(&self, code: i32, data: Option<&[u8]>, client: Principal<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        let server = PrincipalName::ticket_granting(self.realm, self.realm);
        KrbError {
            ctime: None,
            cusec: None,
            stime: time(self.now),
            susec: 0,
            error_code: code,
            client,
            server: server.as_wire(),
            e_text: Some("no\nway"),
            e_data: data,
        }
        .encode(&mut out)
        .unwrap();
        out
    }

    fn log_on(&self, request: &KdcReq<'_>) -> Vec<u8> {
        let body = KdcReqBody::decode(request.req_body).unwrap();
        let client = body.client.unwrap();
        if body.server.realm != self.realm {
            return self.error(68, None, Principal::default());
        }
        let upn = client.name_type == PrincipalName::ENTERPRISE;
        if upn && client.components[0].starts_with("elsewhere") && self.user != "elsewhere" {
            let there = Principal { realm: "SUB.CORP.EXAMPLE", ..Principal::default() };
            return self.error(68, None, there);
        }
        if client.components[0] != self.user && !upn {
            return self.error(6, None, Principal::default());
        }
        let key = self.user_key();
        let proof = request.padata.iter().find(|element| element.kind == 2);
        if self.way != Way::WithoutProof {
            let Some(proof) = proof else { return self.conditions() };
            let proof = EncryptedData::decode(proof.data).unwrap();
            let Ok(plain) = key.decrypt(KeyUsage::AS_REQ_PA_ENC_TIMESTAMP, proof.cipher) else {
                return self.error(24, None, Principal::default());
            };
            let proof = PaEncTsEnc::decode(&plain).unwrap();
            if proof.patimestamp.unix_seconds().abs_diff(self.now) > 300 {
                return self.error(37, None, Principal::default());
            }
        }
        let account = Principal { components: vec![self.user], realm: self.realm, name_type: 1 };
        self.reply(&Grant {
            kind: KdcReqKind::As,
            client: account,
            server: PrincipalName::ticket_granting(self.realm, self.realm),
            ticket_key: shared_key(self.realm, self.realm),
            reply_key: &key,
            usage: KeyUsage::AS_REP_ENC_PART,
            nonce: body.nonce,
        })
    }

    fn info(&self) -> Vec<u8> {
        let etype = self.user_etype().number();
        let params = (self.way == Way::OneIteration).then_some(&[0, 0, 0, 1][..]);
        let entry = EtypeInfo2Entry { etype, salt: Some(SALT), s2kparams: params };
        let mut out = Vec::new();
        EtypeInfo2Entry::encode_list(&[entry], &mut out).unwrap();
        out
    }

    fn conditions(&self) -> Vec<u8> {
        let info = self.info();
        let proof = if self.way == Way::Certificates { 16 } else { 2 };
        let methods = [Element { kind: 19, data: &info }, Element { kind: proof, data: &[] }];
        let mut data = Vec::new();
        encode_method_data(&methods, &mut data).unwrap();
        self.error(25, Some(&data), Principal::default())
    }

    fn grant(&self, request: &KdcReq<'_>) -> Vec<u8> {
        if self.way == Way::Revoked {
            return self.error(20, None, Principal::default());
        }
        let body = KdcReqBody::decode(request.req_body).unwrap();
        let ap_req = request.padata.iter().find(|element| element.kind == 1).unwrap();
        let ap_req = ApReq::decode(ap_req.data).unwrap();
        let issuer = ap_req.ticket.server.realm;
        let key = shared_key(self.realm, issuer);
        let Ok(plain) = key.decrypt(KeyUsage::TICKET, ap_req.ticket.enc_part.cipher) else {
            return self.error(41, None, Principal::default());
        };
        let tgt = EncTicketPart::decode(&plain).unwrap();
        let session = Key::new(tgt.key.key_type.try_into().unwrap(), tgt.key.value).unwrap();
        let cipher = ap_req.authenticator.cipher;
        let plain = session.decrypt(KeyUsage::TGS_REQ_AUTHENTICATOR, cipher).unwrap();
        let authenticator = Authenticator::decode(&plain).unwrap();
        let usage = KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM;
        let checksum = authenticator.checksum.unwrap().checksum;
        session.verify_checksum(usage, &[request.req_body], checksum).expect("a signed body");
        if authenticator.ctime.unix_seconds().abs_diff(self.now) > 300 {
            return self.error(37, None, Principal::default());
        }
        let subkey = authenticator.subkey.unwrap();
        let subkey = Key::new(subkey.key_type.try_into().unwrap(), subkey.value).unwrap();
        if self.way == Way::NoRenewal && body.kdc_options.contains(KdcOptions::RENEW) {
            return self.error(13, None, Principal::default());
        }
        let asked = PrincipalName::from(&body.server);
        let name = asked.components().join("/");
        let server = if body.kdc_options.contains(KdcOptions::RENEW) || self.way == Way::Circle {
            PrincipalName::ticket_granting(self.realm, self.realm)
        } else if self.services.contains(&&*name) {
            asked
        } else if name == "HTTP/alias.corp.example" {
            "HTTP/web01.corp.example@CORP.EXAMPLE".parse().unwrap()
        } else if let Some(next) = self.trusts.first() {
            PrincipalName::ticket_granting(next, self.realm)
        } else {
            return self.error(7, None, Principal::default());
        };
        let ticket_key = match server.components() {
            [service, realm] if service == "krbtgt" => shared_key(realm, self.realm),
            _ => service_key(&server.components().join("/")),
        };
        self.reply(&Grant {
            kind: if self.way == Way::AsRepForTgs { KdcReqKind::As } else { KdcReqKind::Tgs },
            client: tgt.client,
            server,
            ticket_key,
            reply_key: &subkey,
            usage: KeyUsage::TGS_REP_ENC_PART_SUBKEY,
            nonce: body.nonce,
        })
    }

    fn reply(&self, grant: &Grant<'_>) -> Vec<u8> {
        let way = self.way;
        let other = Principal { components: vec!["mallory"], ..grant.client.clone() };
        let client = if way == Way::AnotherClient { &other } else { &grant.client };
        let changed: PrincipalName = "HTTP/other@ELSEWHERE.EXAMPLE".parse().unwrap();
        let inner = if way == Way::AnotherService { &changed } else { &grant.server };
        let outer = if way == Way::AnotherNameOutside { &changed } else { inner };
        let session: Key = match way {
            Way::WeakSessionKey => Key::new(EncryptionType::Rc4Hmac, &[7; 16]).unwrap(),
            _ => Key::new(AES, &[7; 32]).unwrap(),
        };
        let key =
            EncryptionKey { key_type: session.encryption_type().number(), value: session.expose() };
        let start = if way == Way::NotYet { self.now + 3600 } else { self.now };
        let end = if way == Way::Expired { self.now - 1 } else { self.now + self.lifetime };
        let mut flags = TicketFlags::PRE_AUTHENT;
        flags.set(TicketFlags::RENEWABLE, self.renewable);
        let renew_till = self.renewable.then(|| time(self.now + 10 * self.lifetime));
        let mut plain = Vec::new();
        EncTicketPart {
            flags,
            key,
            client: client.clone(),
            transited: TransitedEncoding { kind: 1, contents: &[] },
            auth_time: time(self.now),
            start_time: Some(time(start)),
            end_time: time(end),
            renew_till,
            addresses: Vec::new(),
            authorization_data: Vec::new(),
        }
        .encode(&mut plain)
        .unwrap();
        let mut cipher = Vec::new();
        grant.ticket_key.encrypt(KeyUsage::TICKET, &[1; 16], &plain, &mut cipher);
        let enc_part = EncryptedData { etype: AES.number(), kvno: Some(1), cipher: &cipher };
        let mut ticket = Vec::new();
        Ticket::encode(&outer.as_wire(), &enc_part, &mut ticket).unwrap();
        let mut plain = Vec::new();
        EncKdcRepPart {
            key,
            last_req: Vec::new(),
            nonce: if way == Way::AnotherNonce { grant.nonce ^ 1 } else { grant.nonce },
            key_expiration: None,
            flags,
            auth_time: time(self.now),
            start_time: Some(time(start)),
            end_time: time(end),
            renew_till,
            server: inner.as_wire(),
            addresses: Vec::new(),
            encrypted_pa_data: Vec::new(),
        }
        .encode(grant.kind, &mut plain)
        .unwrap();
        let wrong = Key::new(AES, &[9; 32]).unwrap();
        let key = if way == Way::AnotherKey { &wrong } else { grant.reply_key };
        let mut cipher = Vec::new();
        let etype = key.encryption_type().number();
        key.encrypt(grant.usage, &[2; 16], &plain, &mut cipher);
        let info = self.info();
        let padata = match grant.kind {
            KdcReqKind::As => vec![Element { kind: 19, data: &info }],
            KdcReqKind::Tgs => Vec::new(),
        };
        let mut out = Vec::new();
        KdcRep {
            kind: grant.kind,
            padata,
            client: client.clone(),
            ticket: Ticket::decode(&ticket).unwrap(),
            enc_part: EncryptedData { etype, kvno: None, cipher: &cipher },
        }
        .encode(&mut out)
        .unwrap();
        out
    }
}
