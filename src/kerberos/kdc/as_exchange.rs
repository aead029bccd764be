//! The authentication service ([RFC 4120] §3.1): a ticket-granting ticket for a password or key.

use super::error::TicketError;
use super::reply::{Answer, Granted, refused};
use super::request::{Next, Shared};
use crate::kerberos::{CachedTicket, Key, KeyUsage, PrincipalName};
use crate::wire::krb5::{
    Element, EncKdcRepPart, EncryptedData, EtypeInfo2Entry, KdcOptions, KdcRep, KdcReq, KdcReqBody,
    KdcReqKind, KerberosTime, PaEncTsEnc, decode_method_data,
};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

const PA_ENC_TIMESTAMP: i32 = 2;
const PA_ETYPE_INFO2: i32 = 19;
const PA_PAC_REQUEST: i32 = 128;

/// `KERB-PA-PAC-REQUEST` with `include-pac` ([MS-KILE] §2.2.3).
const INCLUDE_PAC: [u8; 7] = [0x30, 0x05, 0xa0, 0x03, 0x01, 0x01, 0xff];

const KDC_ERR_PREAUTH_REQUIRED: i32 = 25;
pub(super) const KRB_AP_ERR_SKEW: i32 = 37;
const KDC_ERR_WRONG_REALM: i32 = 68;

/// A request that is out.
#[derive(Debug)]
pub(super) struct AsExchange {
    realm: String,
    nonce: u32,
    /// Once the KDC has said what it takes.
    key: Option<Key>,
    clock_set: bool,
}

/// Whether one realm is beneath the other, by their names.
fn is_of_tree(one: &str, other: &str) -> bool {
    let beneath = |one: &str, other: &str| {
        one.strip_suffix(other).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    };
    other.contains('.') && one.contains('.') && (beneath(one, other) || beneath(other, one))
}

impl AsExchange {
    /// The first request proves nothing: the KDC says what it takes.
    pub(super) fn begin(shared: &mut Shared, realm: String) -> Result<Next<Self>, TicketError> {
        if shared.secret.is_none() {
            return Err(TicketError::NoCredentials);
        }
        Self { realm, nonce: 0, key: None, clock_set: false }.send(shared)
    }

    fn send(mut self, shared: &Shared) -> Result<Next<Self>, TicketError> {
        self.nonce = shared.nonce()?;
        let (now, microseconds) = shared.time();
        let after = |time: Duration| {
            KerberosTime::from_unix(now.unix_seconds().saturating_add(time.as_secs()))
        };
        // A user principal name may be of another realm, under another name ([RFC 6806] §5).
        let mut options = KdcOptions::RENEWABLE_OK;
        options.set(KdcOptions::CANONICALIZE, shared.client.is_enterprise());
        options.set(KdcOptions::FORWARDABLE, shared.config.forwardable);
        options.set(KdcOptions::RENEWABLE, shared.config.renewable.is_some());
        let client = shared.client.in_realm(&self.realm);
        let server = PrincipalName::ticket_granting(&self.realm, &self.realm);
        let body = KdcReqBody {
            client: Some(client.as_wire()),
            rtime: shared.config.renewable.map(after),
            ..shared.body(options, server.as_wire(), after(shared.config.lifetime), self.nonce)
        };
        let mut req_body = Vec::new();
        body.encode(&mut req_body)?;
        let mut proof = Vec::new();
        let mut padata = Vec::from([Element { kind: PA_PAC_REQUEST, data: &INCLUDE_PAC }]);
        if let Some(key) = &self.key {
            let mut plain = Vec::new();
            PaEncTsEnc { patimestamp: now, pausec: Some(microseconds) }.encode(&mut plain)?;
            let (mut cipher, usage) = (Vec::new(), KeyUsage::AS_REQ_PA_ENC_TIMESTAMP);
            key.encrypt(usage, &*shared.confounder()?, &plain, &mut cipher);
            let etype = key.encryption_type().number();
            EncryptedData { etype, kvno: None, cipher: &cipher }.encode(&mut proof)?;
            padata.push(Element { kind: PA_ENC_TIMESTAMP, data: &proof });
        }
        let mut message = Vec::new();
        KdcReq { kind: KdcReqKind::As, padata, req_body: &req_body }.encode(&mut message)?;
        let (realm, counts) = (self.realm.clone(), self.key.is_some());
        Ok(Next::Send { realm, message, counts, exchange: self })
    }

    pub(super) fn handle(
        mut self,
        shared: &mut Shared,
        answer: &Answer<'_>,
    ) -> Result<Next<Self>, TicketError> {
        let error = match answer {
            Answer::Reply(rep) => return self.granted(shared, rep).map(Next::Done),
            Answer::Error(error) => error,
        };
        match error.error_code {
            KDC_ERR_PREAUTH_REQUIRED if self.key.is_none() => {
                self.key = Some(self.key_of(shared, error.e_data.unwrap_or_default())?);
                self.send(shared)
            }
            KRB_AP_ERR_SKEW if !self.clock_set => {
                self.clock_set = true;
                shared.set_clock(error.stime);
                self.send(shared)
            }
            // Of a user principal name, the realm that knows it ([RFC 6806] §7). Nobody has signed
            // that, and its KDC gets to see what the password can be guessed from: only one of the
            // same tree, and only once.
            KDC_ERR_WRONG_REALM
                if shared.client.is_enterprise()
                    && self.realm == shared.client.realm()
                    && is_of_tree(error.client.realm, &self.realm) =>
            {
                Self::begin(shared, error.client.realm.into())
            }
            _ => Err(refused(&self.realm, error)),
        }
    }

    /// The key that the KDC's conditions lead to.
    fn key_of(&self, shared: &Shared, methods: &[u8]) -> Result<Key, TicketError> {
        let methods = decode_method_data(methods)?;
        if methods.iter().all(|method| method.kind != PA_ENC_TIMESTAMP) {
            let offered = methods.iter().map(|method| method.kind).collect();
            return Err(TicketError::PreAuthentication { offered });
        }
        self.key_by(shared, &methods, &shared.etypes())
    }

    /// Without `ETYPE-INFO2` the salt is the default one, and any encryption type may be right.
    fn key_by(
        &self,
        shared: &Shared,
        padata: &[Element<'_>],
        etypes: &[i32],
    ) -> Result<Key, TicketError> {
        let secret = shared.secret.as_ref().ok_or(TicketError::NoCredentials)?;
        let info = padata.iter().find(|element| element.kind == PA_ETYPE_INFO2);
        let infos = match info {
            Some(info) => EtypeInfo2Entry::decode_list(info.data)?,
            None => {
                let plain =
                    |etype: &i32| EtypeInfo2Entry { etype: *etype, salt: None, s2kparams: None };
                etypes.iter().map(plain).collect()
            }
        };
        let client = shared.client.in_realm(&self.realm);
        secret.key(&client, &shared.config.encryption_types, &infos)
    }

    fn granted(self, shared: &mut Shared, rep: &KdcRep<'_>) -> Result<CachedTicket, TicketError> {
        if rep.kind != KdcReqKind::As {
            return Err(TicketError::Mismatch("TGS-REP"));
        }
        // An account that needs no proof before, or a KDC that changes its mind.
        let key = match &self.key {
            Some(key) if key.encryption_type().number() == rep.enc_part.etype => key.clone(),
            _ => self.key_by(shared, &rep.padata, &[rep.enc_part.etype])?,
        };
        if key.encryption_type().number() != rep.enc_part.etype {
            return Err(TicketError::Mismatch("another encryption type than it names"));
        }
        let plain = key
            .decrypt(KeyUsage::AS_REP_ENC_PART, rep.enc_part.cipher)
            .map_err(|_| TicketError::NotProven)?;
        let part = EncKdcRepPart::decode(&plain)?;
        let asked = shared.client.in_realm(&self.realm);
        let client = PrincipalName::from(&rep.client);
        // Who asks for a user principal name is told the name of the account.
        if client != asked && !(asked.is_enterprise() && client.realm() == asked.realm()) {
            return Err(TicketError::Mismatch("a ticket of another client"));
        }
        let server = PrincipalName::ticket_granting(&self.realm, &self.realm);
        if PrincipalName::from(&part.server) != server {
            return Err(TicketError::Mismatch("a ticket of another service"));
        }
        // Of all that a KDC says of its time, this is signed.
        shared.set_clock(part.auth_time);
        let granted = Granted { rep, part, nonce: self.nonce };
        let ticket = granted.ticket(shared, client.clone(), server)?;
        shared.client = client;
        Ok(ticket)
    }
}
