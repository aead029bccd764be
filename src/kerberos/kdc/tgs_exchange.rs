//! The ticket-granting service ([RFC 4120] §3.3): a ticket for a ticket.

use super::as_exchange::KRB_AP_ERR_SKEW;
use super::error::TicketError;
use super::reply::{Answer, Granted, refused, ticket};
use super::request::{Next, Shared};
use crate::kerberos::{CachedTicket, Key, KeyUsage, PrincipalName};
use crate::wire::krb5::{
    ApOptions, ApReq, Authenticator, Checksum, Element, EncKdcRepPart, EncryptedData,
    EncryptionKey, KdcOptions, KdcRep, KdcReq, KdcReqKind, KerberosTime, TicketFlags,
};
use alloc::string::String;
use alloc::vec::Vec;
use zeroize::Zeroizing;

const PA_TGS_REQ: i32 = 1;

/// A request that is out.
#[derive(Debug)]
pub(super) struct TgsExchange {
    tgt: CachedTicket,
    server: PrincipalName,
    renew: bool,
    /// The ticket comes of a cache, so its end may be a matter of the past.
    cached: bool,
    nonce: u32,
    subkey: Option<Key>,
    clock_set: bool,
}

impl TgsExchange {
    /// Asks for a ticket of `server`, which is in the realm that `tgt` is taken in.
    pub(super) fn begin(
        shared: &mut Shared,
        tgt: CachedTicket,
        server: PrincipalName,
        cached: bool,
    ) -> Result<Next<Self>, TicketError> {
        let (renew, nonce, subkey, clock_set) = (false, 0, None, false);
        Self { tgt, server, renew, cached, nonce, subkey, clock_set }.send(shared)
    }

    /// Asks for the same ticket with a later end.
    pub(super) fn renew(shared: &mut Shared, tgt: CachedTicket) -> Result<Next<Self>, TicketError> {
        let (server, nonce, subkey) = (tgt.server.clone(), 0, None);
        let this = Self { tgt, server, renew: true, cached: true, nonce, subkey, clock_set: false };
        this.send(shared)
    }

    fn realm(&self) -> String {
        self.tgt.server.grants_in().unwrap_or_default().into()
    }

    fn send(mut self, shared: &Shared) -> Result<Next<Self>, TicketError> {
        self.nonce = shared.nonce()?;
        let has = |flag| TicketFlags::from_bits_retain(self.tgt.flags).contains(flag);
        let mut options = KdcOptions::CANONICALIZE;
        options.set(KdcOptions::RENEW | KdcOptions::RENEWABLE, self.renew);
        let forwardable = has(TicketFlags::FORWARDABLE) && shared.config.forwardable;
        options.set(KdcOptions::FORWARDABLE, forwardable);
        let seconds = |time: crate::env::FileTime| {
            KerberosTime::from_unix(time.to_unix().unwrap_or_default().as_secs())
        };
        let till = if self.renew { self.tgt.renew_till } else { self.tgt.end_time };
        let body = shared.body(options, self.server.as_wire(), seconds(till), self.nonce);
        let mut req_body = Vec::new();
        body.encode(&mut req_body)?;
        let mut ap_req = Vec::new();
        self.authenticate(shared, &req_body, &mut ap_req)?;
        let padata = Vec::from([Element { kind: PA_TGS_REQ, data: &ap_req }]);
        let mut message = Vec::new();
        KdcReq { kind: KdcReqKind::Tgs, padata, req_body: &req_body }.encode(&mut message)?;
        Ok(Next::Send { realm: self.realm(), message, counts: false, exchange: self })
    }

    /// The ticket, and an authenticator that the body is signed in.
    fn authenticate(
        &mut self,
        shared: &Shared,
        req_body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), TicketError> {
        let session_key = &self.tgt.session_key;
        let encryption_type = session_key.encryption_type();
        let mut bytes = Zeroizing::new([0; 32]);
        shared.config.random.fill(&mut *bytes)?;
        let bytes = bytes.get(..encryption_type.key_length()).unwrap_or_default();
        let subkey = Key::new(encryption_type, bytes)?;
        let usage = KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM;
        let checksum = session_key.checksum(usage, &[req_body]);
        let (ctime, cusec) = shared.time();
        let authenticator = Authenticator {
            client: self.tgt.client.as_wire(),
            checksum: Some(Checksum {
                checksum_type: encryption_type.checksum_type(),
                checksum: checksum.as_bytes(),
            }),
            ctime,
            cusec,
            subkey: Some(EncryptionKey {
                key_type: encryption_type.number(),
                value: subkey.expose(),
            }),
            seq_number: None,
            authorization_data: Vec::new(),
        };
        // Room enough, so that no copy of the key stays behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(1024));
        authenticator.encode(&mut plain)?;
        let (mut cipher, usage) = (Vec::new(), KeyUsage::TGS_REQ_AUTHENTICATOR);
        session_key.encrypt(usage, &*shared.confounder()?, &plain, &mut cipher);
        let etype = encryption_type.number();
        let authenticator = EncryptedData { etype, kvno: None, cipher: &cipher };
        let ap_options = ApOptions::empty();
        ApReq { ap_options, ticket: ticket(&self.tgt)?, authenticator }.encode(out)?;
        self.subkey = Some(subkey);
        Ok(())
    }

    /// The ticket that was to be renewed, if that is what it is about.
    pub(super) fn renewing(&self) -> Option<&CachedTicket> {
        self.renew.then_some(&self.tgt)
    }

    /// Whether the KDC does not take a ticket of the cache any more: it has expired by the KDC's
    /// clock, was revoked, or is of a key that was changed.
    pub(super) fn is_worth_a_logon(&self, answer: &Answer<'_>) -> bool {
        // TGT_REVOKED, BAD_INTEGRITY, TKT_EXPIRED, MODIFIED, BADKEYVER
        let gone = |code| matches!(code, 20 | 31 | 32 | 41 | 44);
        self.cached && matches!(answer, Answer::Error(error) if gone(error.error_code))
    }

    pub(super) fn handle(
        mut self,
        shared: &mut Shared,
        answer: &Answer<'_>,
    ) -> Result<Next<Self>, TicketError> {
        match answer {
            Answer::Reply(rep) => self.granted(shared, rep).map(Next::Done),
            Answer::Error(error) if error.error_code == KRB_AP_ERR_SKEW && !self.clock_set => {
                self.clock_set = true;
                shared.set_clock(error.stime);
                self.send(shared)
            }
            Answer::Error(error) => Err(refused(&self.realm(), error)),
        }
    }

    fn granted(self, shared: &mut Shared, rep: &KdcRep<'_>) -> Result<CachedTicket, TicketError> {
        let subkey = self.subkey.as_ref().ok_or(TicketError::OutOfOrder)?;
        if rep.kind != KdcReqKind::Tgs {
            return Err(TicketError::Mismatch("AS-REP"));
        }
        if rep.enc_part.etype != subkey.encryption_type().number() {
            return Err(TicketError::Mismatch("another encryption type than the subkey's"));
        }
        let plain = subkey
            .decrypt(KeyUsage::TGS_REP_ENC_PART_SUBKEY, rep.enc_part.cipher)
            .map_err(|_| TicketError::NotProven)?;
        let part = EncKdcRepPart::decode(&plain)?;
        // What the error said of the KDC's clock nobody had signed; this is.
        if let (true, Some(now)) = (self.clock_set, part.start_time) {
            shared.set_clock(now);
        }
        let client = PrincipalName::from(&rep.client);
        if client != self.tgt.client {
            return Err(TicketError::Mismatch("a ticket of another client"));
        }
        let server = PrincipalName::from(&part.server);
        // What was asked for, under whatever name the realm has for it, or the way to a realm that
        // has it; where that was asked for, nothing else.
        let fits = match (self.renew, self.server.grants_in(), server.grants_in()) {
            (true, ..) | (false, Some(_), None) => server == self.server,
            (false, ..) => server.realm() == self.server.realm(),
        };
        if !fits {
            return Err(TicketError::Mismatch("a ticket of another service"));
        }
        // An alias is remembered by the name that will be asked for again.
        let server = match server.grants_in() {
            None => self.server.in_realm(server.realm()),
            Some(_) => server,
        };
        Granted { rep, part, nonce: self.nonce }.ticket(shared, client, server)
    }
}
