//! The client's side, with a ticket that is at hand ([RFC 4120] §3.2.2, §3.2.5, [RFC 4121] §4.1).

use super::chosen::Chosen;
use super::session::{Numbers, Role, Session};
use super::{CachedTicket, Key, KeyUsage};
use crate::binding::ChannelBindings;
use crate::env::{SecureRandom, TimeSource};
use crate::error::{Error, PeerIncompatible};
use crate::wire::krb5::{ApOptions, ApRep, ApReq, Authenticator, AuthenticatorChecksum};
use crate::wire::krb5::{Checksum, EncApRepPart, EncryptedData, EncryptionKey, GssFlags};
use crate::wire::krb5::{GssToken, KerberosTime, KrbError, Ticket, TokenId};
use crate::wire::spnego::MechType;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// A ticket of a service, and what using it takes.
/// See [RFC 4120] §3.2.
pub struct InitiatorConfig {
    ticket: CachedTicket,
    random: Arc<dyn SecureRandom>,
    clock: Arc<dyn TimeSource>,
}

impl InitiatorConfig {
    /// A configuration with randomness and clock from outside.
    #[must_use]
    pub fn new(
        ticket: CachedTicket,
        random: Arc<dyn SecureRandom>,
        clock: Arc<dyn TimeSource>,
    ) -> Self {
        Self { ticket, random, clock }
    }

    /// A configuration with randomness and clock of the operating system.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn with_os(ticket: CachedTicket) -> Self {
        Self::new(ticket, Arc::new(crate::env::OsRandom), Arc::new(crate::env::SystemClock))
    }

    /// The ticket.
    #[must_use]
    pub fn ticket(&self) -> &CachedTicket {
        &self.ticket
    }
}

impl fmt::Debug for InitiatorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitiatorConfig").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

/// An exchange in progress. The server has to prove itself, always ([MS-SPNG] §3.3.3).
#[derive(Debug)]
pub(crate) enum Initiator {
    Start(ExpectStart),
    Reply(ExpectReply),
}

/// What a step led to.
#[derive(Debug)]
pub(crate) enum InitiatorOutput {
    Continue(Initiator),
    Complete(Session),
}

/// Nothing was sent yet.
#[derive(Debug)]
pub(crate) struct ExpectStart {
    config: Arc<InitiatorConfig>,
    bindings: ChannelBindings,
}

/// The `AP-REQ` is out.
#[derive(Debug)]
pub(crate) struct ExpectReply {
    config: Arc<InitiatorConfig>,
    ctime: KerberosTime,
    cusec: u32,
    subkey: Key,
    seq_number: u32,
}

/// The error code of a token that has a `KRB-ERROR` in it ([RFC 4121] §4.1).
pub(crate) fn error_code(token: &[u8]) -> Option<i32> {
    let token = GssToken::decode(token).ok().filter(|token| token.id == TokenId::Error)?;
    KrbError::decode(token.message).ok().map(|error| error.error_code)
}

const FLAGS: GssFlags = GssFlags::MUTUAL
    .union(GssFlags::REPLAY)
    .union(GssFlags::SEQUENCE)
    .union(GssFlags::CONF)
    .union(GssFlags::INTEG);

impl Initiator {
    pub(crate) fn new(config: Arc<InitiatorConfig>, bindings: ChannelBindings) -> Self {
        Self::Start(ExpectStart { config, bindings })
    }

    /// Whether the ticket is out, and only the server's proof is awaited.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Reply(_))
    }

    /// Takes the acceptor's token, `None` at the start; what has to be sent is appended to `out`.
    pub(crate) fn step(
        self,
        token: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<InitiatorOutput, Error> {
        match (self, token) {
            (Self::Start(state), None) => {
                Ok(InitiatorOutput::Continue(Self::Reply(state.begin(out)?)))
            }
            (Self::Reply(state), Some(token)) => state.handle(token).map(InitiatorOutput::Complete),
            (Self::Start(_), Some(_)) => {
                Err(Error::OutOfSequence { expected: "the start", received: "a token" })
            }
            (Self::Reply(_), None) => {
                Err(Error::OutOfSequence { expected: "AP-REP", received: "nothing" })
            }
        }
    }
}

impl ExpectStart {
    fn begin(self, out: &mut Vec<u8>) -> Result<ExpectReply, Error> {
        let Self { config, bindings } = self;
        let ticket = &config.ticket;
        let now = config.clock.now().to_unix().unwrap_or_default();
        let (ctime, cusec) = (KerberosTime::from_unix(now.as_secs()), now.subsec_micros());
        let encryption_type = ticket.session_key.encryption_type();
        let Chosen { subkey, seq_number, confounder } =
            Chosen::by(&*config.random, encryption_type)?;
        let mut checksum = Vec::new();
        let bindings = bindings.first_hash().0;
        AuthenticatorChecksum { bindings, flags: FLAGS, delegation: None, extensions: &[] }
            .encode(&mut checksum)?;
        let authenticator = Authenticator {
            client: ticket.client.as_wire(),
            checksum: Some(Checksum {
                checksum_type: AuthenticatorChecksum::CHECKSUM_TYPE,
                checksum: &checksum,
            }),
            ctime,
            cusec,
            subkey: Some(EncryptionKey {
                key_type: encryption_type.number(),
                value: subkey.expose(),
            }),
            seq_number: Some(seq_number),
            authorization_data: Vec::new(),
        };
        // Room enough, so that no copy of the key stays behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(1024));
        authenticator.encode(&mut plain)?;
        let (mut cipher, usage) = (Vec::new(), KeyUsage::AP_REQ_AUTHENTICATOR);
        ticket.session_key.encrypt(usage, &confounder, &plain, &mut cipher);
        let authenticator =
            EncryptedData { etype: encryption_type.number(), kvno: None, cipher: &cipher };
        let ap_options = ApOptions::MUTUAL_REQUIRED;
        let ticket = Ticket::decode(&ticket.ticket)?;
        let mut message = Vec::new();
        ApReq { ap_options, ticket, authenticator }.encode(&mut message)?;
        GssToken { mech: Some(MechType::KRB5), id: TokenId::ApReq, message: &message }
            .encode(out)?;
        Ok(ExpectReply { config, ctime, cusec, subkey, seq_number })
    }
}

impl ExpectReply {
    fn handle(self, token: &[u8]) -> Result<Session, Error> {
        let Self { config, ctime, cusec, subkey, seq_number } = self;
        let token = GssToken::decode(token)?;
        match token.id {
            TokenId::ApRep => {}
            TokenId::Error => {
                let code = KrbError::decode(token.message)?.error_code;
                return Err(PeerIncompatible::KerberosError(code).into());
            }
            TokenId::ApReq => {
                return Err(Error::OutOfSequence { expected: "AP-REP", received: "AP-REQ" });
            }
        }
        let reply = ApRep::decode(token.message)?.enc_part;
        let session_key = &config.ticket.session_key;
        let not_the_service = PeerIncompatible::ServerNotProven;
        if reply.etype != session_key.encryption_type().number() {
            return Err(not_the_service.into());
        }
        let part = session_key
            .decrypt(KeyUsage::AP_REP_ENC_PART, reply.cipher)
            .map_err(|_| not_the_service)?;
        let part = EncApRepPart::decode(&part)?;
        // The answer to another authenticator proves nothing.
        if (part.ctime, part.cusec) != (ctime, cusec) {
            return Err(not_the_service.into());
        }
        let (key, acceptor_subkey) = match part.subkey {
            Some(key) => {
                let encryption_type = key.key_type.try_into().map_err(|_| not_the_service)?;
                (Key::new(encryption_type, key.value).map_err(|_| not_the_service)?, true)
            }
            None => (subkey, false),
        };
        let numbers = Numbers { sent: seq_number, received: part.seq_number.unwrap_or(0) };
        let random = Arc::clone(&config.random);
        Ok(Session::new(key, acceptor_subkey, Role::Initiator, true, numbers, random))
    }
}
