//! The service's side ([RFC 4120] §3.2.3, [RFC 4121] §4.1): one token in, one out.

use super::chosen::Chosen;
use super::pac::AD_IF_RELEVANT;
use super::session::{Numbers, Role, Session};
use super::{EncryptionType, KerberosRefusal, Key, KeyUsage, Pac, Service};
use crate::binding::{ChannelBindings, ChannelBindingsHash};
use crate::config::AcceptorConfig;
use crate::env::FileTime;
use crate::error::{Denial, Error, Refusal};
use crate::evidence::{BindingsChecked, MicChecked, ProofVerified};
use crate::identity::{Account, AccountName, ClientClaims, Identity, TargetName};
use crate::policy::TargetNamePolicy;
use crate::wire::Utf16Le;
use crate::wire::krb5::decode_authorization_data;
use crate::wire::krb5::{ApOptions, ApRep, ApReq, Authenticator, AuthenticatorChecksum};
use crate::wire::krb5::{EncApRepPart, EncTicketPart, EncryptedData, EncryptionKey, GssFlags};
use crate::wire::krb5::{GssToken, KerberosTime, KrbError, Principal, TicketFlags, TokenId};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use sha2::Digest;
use zeroize::Zeroizing;

/// One exchange: it waits for the only token of the client's.
#[derive(Debug)]
pub(crate) struct Acceptor {
    config: Arc<AcceptorConfig>,
    service: Arc<Service>,
    bindings: ChannelBindings,
}

/// The client is who it says, and knows the server.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) identity: Identity,
    pub(crate) session: Session,
}

/// What an `AP-REQ` led to: who, and the answer, if one is wanted.
struct Accepted {
    established: Established,
    reply: Option<Vec<u8>>,
}

/// What is known of the client, for a log.
struct Client<'a> {
    realm: &'a str,
    name: String,
}

impl Client<'_> {
    fn refused(&self, refusal: Refusal) -> Error {
        Denial::new(refusal, Account::new(self.realm, &self.name)).into()
    }
}

fn refused(refusal: KerberosRefusal) -> Error {
    Denial::new(Refusal::Kerberos(refusal), Account::new("", "")).into()
}

impl Acceptor {
    pub(crate) fn new(
        config: Arc<AcceptorConfig>,
        service: Arc<Service>,
        bindings: ChannelBindings,
    ) -> Self {
        Self { config, service, bindings }
    }

    /// Takes the client's token. What has to be sent is appended to `out`: an `AP-REP`, or a
    /// `KRB-ERROR` beside an error that Kerberos has a code for.
    pub(crate) fn accept(self, token: &[u8], out: &mut Vec<u8>) -> Result<Established, Error> {
        let token = GssToken::decode(token)?;
        if token.id != TokenId::ApReq {
            return Err(Error::OutOfSequence { expected: "AP-REQ", received: "another message" });
        }
        let request = ApReq::decode(token.message)?;
        let mut answer =
            |id, message: &[u8]| GssToken { mech: token.mech, id, message }.encode(out);
        match self.take(&request) {
            Ok(Accepted { established, reply }) => {
                reply.map_or(Ok(()), |reply| answer(TokenId::ApRep, &reply))?;
                Ok(established)
            }
            Err(error) => {
                if let Error::Denied(denial) = &error
                    && let Refusal::Kerberos(refusal) = denial.refusal()
                {
                    answer(TokenId::Error, &self.error(&request, refusal)?)?;
                }
                Err(error)
            }
        }
    }

    /// The answer to a client that is refused ([RFC 4120] §5.9.1).
    fn error(&self, request: &ApReq<'_>, refusal: KerberosRefusal) -> Result<Vec<u8>, Error> {
        let now = self.config.now().to_unix().unwrap_or_default();
        let error = KrbError {
            ctime: None,
            cusec: None,
            stime: KerberosTime::from_unix(now.as_secs()),
            susec: now.subsec_micros(),
            error_code: refusal.error_code(),
            client: Principal::default(),
            server: request.ticket.server.clone(),
            e_text: None,
            e_data: None,
        };
        let mut out = Vec::new();
        error.encode(&mut out)?;
        Ok(out)
    }

    fn take(&self, request: &ApReq<'_>) -> Result<Accepted, Error> {
        if request.ap_options.contains(ApOptions::USE_SESSION_KEY) {
            return Err(refused(KerberosRefusal::UserToUser));
        }
        let (service_key, ticket_part) = self.open_ticket(request)?;
        let ticket = EncTicketPart::decode(&ticket_part)?;
        let session_key = self.key(ticket.key)?;
        let (proof, authenticator) =
            ProofVerified::of_authenticator(&session_key, &request.authenticator)
                .map_err(|_| refused(KerberosRefusal::Authenticator))?;
        let authenticator = Authenticator::decode(&authenticator)?;
        // From here on it is known who asks.
        let client = Client { realm: ticket.client.realm, name: joined(&ticket.client) };
        let refuse = |refusal| client.refused(Refusal::Kerberos(refusal));
        if !authenticator.client.is_same(&ticket.client) {
            return Err(refuse(KerberosRefusal::BadMatch));
        }
        if is_anonymous(&ticket) {
            return Err(client.refused(Refusal::Anonymous));
        }
        let said = Said::of(&ticket, &authenticator)?
            .ok_or_else(|| refuse(KerberosRefusal::Restricted))?;
        let now = self.config.now();
        let made = self.check_times(&ticket, &authenticator, now).map_err(refuse)?;
        let of = request.ticket.server.realm;
        let domain = self.check_realm(&ticket, of).map_err(refuse)?;
        let pac = self.check_pac(&ticket, &service_key).map_err(refuse)?;
        let asked = Self::asked(&session_key, &authenticator)?
            .ok_or_else(|| refuse(KerberosRefusal::Checksum))?;
        let service_name = joined(&request.ticket.server);
        let service_named = self
            .check_target(&service_name, said.target.as_deref())
            .map_err(|refusal| client.refused(refusal))?;
        let policy = self.config.policy().bindings;
        // Zeros stand for none ([RFC 4121] §4.1.1.2), unless the client says that it binds wherever
        // it can: then somebody else's TLS is in between.
        let received = Some(asked.bindings);
        let received = received.filter(|it| said.binds || *it != ChannelBindingsHash::ZERO);
        let bindings = BindingsChecked::check(policy, &self.bindings, received, service_named)
            .map_err(|refusal| client.refused(refusal))?;
        let subkey = authenticator.subkey.map(|key| self.key(key)).transpose()?;
        // Last, so that nothing is remembered of what is refused for another reason.
        self.check_replay(request, made, now).map_err(|error| match error {
            Ok(refusal) => refuse(refusal),
            Err(error) => error,
        })?;
        // Another realm may call its domain what it wants.
        let own = ticket.client.realm == of && self.service.has_one_realm();
        let told = pac.as_ref().filter(|_| own).map(Pac::domain_name).filter(|it| !it.is_empty());
        let domain = domain.or(told).unwrap_or(client.realm);
        let named = pac.as_ref().map(Pac::account_name).filter(|name| !name.is_empty());
        let user = named.unwrap_or(&client.name);
        let upn = pac.as_ref().and_then(Pac::upn).map(String::from);
        let upn = upn.unwrap_or_else(|| format!("{}@{}", client.name, client.realm));
        let name = AccountName::new(domain, user).with_upn(upn);
        let claims = ClientClaims { target_name: service_name, ..ClientClaims::default() };
        let mic = MicChecked::not_of_ntlm();
        let identity = Identity::proven(&proof, &mic, &bindings, name, claims).with_pac(pac);
        let keys = Keys { session_key, subkey };
        self.establish(request, keys, &authenticator, asked.flags, identity)
    }

    /// The ticket's content, by a key of the service that it names.
    fn open_ticket(&self, request: &ApReq<'_>) -> Result<(Key, Zeroizing<Vec<u8>>), Error> {
        let ticket = &request.ticket;
        let EncryptedData { etype, kvno, cipher } = ticket.enc_part;
        let refused = |refusal| {
            let kvno = kvno.map(|kvno| format!(", key version {kvno}")).unwrap_or_default();
            // A name may be as long as a token.
            let server: String = ticket.server.to_string().chars().take(256).collect();
            let ticket = format!("{server}{kvno}, encryption type {etype}");
            let denial = Denial::new(Refusal::Kerberos(refusal), Account::new("", ""));
            Error::from(denial.with_ticket(ticket))
        };
        let allowed = EncryptionType::try_from(etype).ok();
        let allowed = allowed.filter(|it| self.service.allows(*it));
        let encryption_type = allowed.ok_or_else(|| refused(KerberosRefusal::EncryptionType))?;
        let (mut named, mut of_type) = (false, false);
        for service_key in self.service.keys_of(&ticket.server, kvno) {
            named = true;
            if service_key.key.encryption_type() != encryption_type {
                continue;
            }
            of_type = true;
            if let Ok(part) = service_key.key.decrypt(KeyUsage::TICKET, cipher) {
                return Ok((service_key.key.clone(), part));
            }
        }
        Err(refused(match (named, of_type) {
            (false, _) => KerberosRefusal::NotUs,
            (true, false) => KerberosRefusal::EncryptionType,
            (true, true) => KerberosRefusal::WrongKey,
        }))
    }

    /// A session key or subkey, of an allowed encryption type.
    fn key(&self, key: EncryptionKey<'_>) -> Result<Key, Error> {
        let encryption_type = EncryptionType::try_from(key.key_type).ok();
        encryption_type
            .filter(|it| self.service.allows(*it))
            .and_then(|it| Key::new(it, key.value).ok())
            .ok_or_else(|| refused(KerberosRefusal::EncryptionType))
    }

    /// When the authenticator was made, if ticket and authenticator hold now.
    fn check_times(
        &self,
        ticket: &EncTicketPart<'_>,
        authenticator: &Authenticator<'_>,
        now: FileTime,
    ) -> Result<FileTime, KerberosRefusal> {
        let skew = self.service.clock_skew;
        let at = |time: KerberosTime| FileTime::from_unix(Duration::from_secs(time.unix_seconds()));
        let micros = Duration::from_micros(authenticator.cusec.into());
        let seconds = Duration::from_secs(authenticator.ctime.unix_seconds());
        let made = FileTime::from_unix(seconds.saturating_add(micros));
        let is_near = |one: FileTime, other: FileTime| {
            one.since(other).or_else(|| other.since(one)).is_some_and(|apart| apart <= skew)
        };
        if !is_near(made, now) {
            return Err(KerberosRefusal::ClockSkew);
        }
        let start = at(ticket.start_time.unwrap_or(ticket.auth_time));
        let begins_later = start.since(now).is_some_and(|later| later > skew);
        if begins_later || ticket.flags.contains(TicketFlags::INVALID) {
            return Err(KerberosRefusal::NotYetValid);
        }
        if now.since(at(ticket.end_time)).is_some_and(|since| since > skew) {
            return Err(KerberosRefusal::Expired);
        }
        Ok(made)
    }

    /// What the domain says of the client, in the ticket alone: what is in an authenticator, the
    /// client has written.
    fn check_pac(
        &self,
        ticket: &EncTicketPart<'_>,
        service_key: &Key,
    ) -> Result<Option<Pac>, KerberosRefusal> {
        let pac = Pac::of_ticket(ticket, service_key, self.service.machine.as_ref());
        let pac = pac.map_err(|_| KerberosRefusal::Pac)?;
        match pac.is_none() && self.service.require_pac {
            true => Err(KerberosRefusal::PacMissing),
            false => Ok(pac),
        }
    }

    /// What is known of the domain, if the realm is trusted in tickets of the realm `of`.
    fn check_realm(
        &self,
        ticket: &EncTicketPart<'_>,
        of: &str,
    ) -> Result<Option<&str>, KerberosRefusal> {
        let domain = self.service.domain(ticket.client.realm, of).ok_or(KerberosRefusal::Realm)?;
        let checked = ticket.flags.contains(TicketFlags::TRANSITED_POLICY_CHECKED);
        if !ticket.transited.contents.is_empty() && !checked {
            return Err(KerberosRefusal::Transited);
        }
        Ok(domain)
    }

    /// Whether the client named a service that policy demands. The name in the ticket nobody has
    /// signed, and services of one account have one key: what is demanded has to stand in the
    /// authenticator ([MS-KILE] §3.2.5.8), and wherever it does it has to be right.
    fn check_target(&self, of_ticket: &str, signed: Option<&str>) -> Result<bool, Refusal> {
        let policy = &self.config.policy().target_name;
        let required = matches!(policy, TargetNamePolicy::Require(_));
        let name = match signed {
            Some(signed) if !TargetName::new(of_ticket).matches(signed) => {
                return Err(Refusal::WrongTargetName);
            }
            Some(signed) => signed,
            None if required => return Err(Refusal::TargetNameRequired),
            None => of_ticket,
        };
        if !policy.allows(name) {
            return Err(Refusal::WrongTargetName);
        }
        Ok(signed.is_some() && policy.is_required_and_met_by(name))
    }

    /// What the client asks for, in the authenticator's checksum ([RFC 4121] §4.1.1); `None` if
    /// that is of a kind that says nothing. One who sends none asks for nothing ([MS-KILE]
    /// §3.4.5).
    fn asked(session_key: &Key, authenticator: &Authenticator<'_>) -> Result<Option<Asked>, Error> {
        let none = Asked { bindings: ChannelBindingsHash::ZERO, flags: GssFlags::empty() };
        let Some(checksum) = &authenticator.checksum else { return Ok(Some(none)) };
        if checksum.checksum_type == AuthenticatorChecksum::CHECKSUM_TYPE {
            let checksum = AuthenticatorChecksum::decode(checksum.checksum)?;
            let bindings = ChannelBindingsHash(checksum.bindings);
            return Ok(Some(Asked { bindings, flags: checksum.flags }));
        }
        // Of the application's data, of which there is none ([RFC 4120] §5.5.1).
        let usage = KeyUsage::AP_REQ_AUTHENTICATOR_CHECKSUM;
        let right = checksum.checksum_type == session_key.encryption_type().checksum_type()
            && session_key.verify_checksum(usage, &[], checksum.checksum).is_ok();
        Ok(right.then_some(none))
    }

    fn check_replay(
        &self,
        request: &ApReq<'_>,
        made: FileTime,
        now: FileTime,
    ) -> Result<(), Result<KerberosRefusal, Error>> {
        let digest: [u8; 32] = sha2::Sha256::digest(request.authenticator.cipher).into();
        let skew = u64::try_from(self.service.clock_skew.as_nanos().div_euclid(100));
        let until = made.ticks().saturating_add(skew.unwrap_or(u64::MAX));
        let until = FileTime::from_ticks(until);
        match self.service.replay_cache.is_new(digest, made, until, now) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Ok(KerberosRefusal::Replay)),
            Err(error) => Err(Err(Error::Store(error))),
        }
    }

    /// The context, and the answer that proves this side ([RFC 4120] §3.2.4).
    fn establish(
        &self,
        request: &ApReq<'_>,
        keys: Keys,
        authenticator: &Authenticator<'_>,
        flags: GssFlags,
        identity: Identity,
    ) -> Result<Accepted, Error> {
        let Keys { session_key, subkey } = keys;
        let base = subkey.as_ref().unwrap_or(&session_key);
        let received = authenticator.seq_number.unwrap_or(0);
        let mutual = flags.contains(GssFlags::MUTUAL)
            || request.ap_options.contains(ApOptions::MUTUAL_REQUIRED);
        let random = Arc::clone(&self.config.random);
        if !mutual {
            // Then there is no number of ours that the client could know ([RFC 4121] §4.2.6).
            let numbers = Numbers { sent: received, received };
            let session = Session::new(base.clone(), false, Role::Acceptor, false, numbers, random);
            return Ok(Accepted { established: Established { identity, session }, reply: None });
        }
        let encryption_type = base.encryption_type();
        let Chosen { subkey: ours, seq_number, confounder } =
            Chosen::by(&*random, encryption_type)?;
        let part = EncApRepPart {
            ctime: authenticator.ctime,
            cusec: authenticator.cusec,
            subkey: Some(EncryptionKey {
                key_type: encryption_type.number(),
                value: ours.expose(),
            }),
            seq_number: Some(seq_number),
        };
        // Room enough, so that no copy of the key stays behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(256));
        part.encode(&mut plain)?;
        let (mut cipher, mut reply) = (Vec::new(), Vec::new());
        session_key.encrypt(KeyUsage::AP_REP_ENC_PART, &confounder, &plain, &mut cipher);
        let etype = session_key.encryption_type().number();
        let enc_part = EncryptedData { etype, kvno: None, cipher: &cipher };
        ApRep { enc_part }.encode(&mut reply)?;
        let numbers = Numbers { sent: seq_number, received };
        let session = Session::new(ours, true, Role::Acceptor, true, numbers, random);
        Ok(Accepted { established: Established { identity, session }, reply: Some(reply) })
    }
}

/// A name without its realm, as accounts and services are called. Separators within a component
/// stand behind a backslash ([RFC 1964] §2.1.1), so that two names are never one.
fn joined(principal: &Principal<'_>) -> String {
    let mut text = String::new();
    for (place, component) in principal.components.iter().enumerate() {
        if place > 0 {
            text.push('/');
        }
        for c in component.chars() {
            if matches!(c, '/' | '@' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
    }
    text
}

/// The key of the ticket, and the one that the client prefers.
struct Keys {
    session_key: Key,
    subkey: Option<Key>,
}

/// `WELLKNOWN/ANONYMOUS`, in its own realm or in any ([RFC 8062] §3), or no name at all.
fn is_anonymous(ticket: &EncTicketPart<'_>) -> bool {
    let name = &ticket.client.components;
    let well_known = name.first() == Some(&"WELLKNOWN");
    let nameless = name.is_empty() || name.iter().any(|component| component.is_empty());
    well_known || nameless || ticket.flags.contains(TicketFlags::ANONYMOUS)
}

/// What the client says of itself in the authenticator ([MS-KILE] §3.2.5.8).
#[derive(Default)]
struct Said {
    /// It sends channel bindings wherever there are some.
    binds: bool,
    /// The service that it means.
    target: Option<String>,
}

const KERB_AUTH_DATA_AP_OPTIONS: i32 = 143;
const KERB_AUTH_DATA_CLIENT_TARGET: i32 = 144;
const KERB_AP_OPTIONS_CBT: u32 = 0x4000;

impl Said {
    /// `None` if ticket or authenticator carry a restriction that is not known here, and that must
    /// not be ignored therefore ([RFC 4120] §5.2.6).
    fn of(
        ticket: &EncTicketPart<'_>,
        authenticator: &Authenticator<'_>,
    ) -> Result<Option<Self>, Error> {
        let both = ticket.authorization_data.iter().chain(&authenticator.authorization_data);
        if both.into_iter().any(|element| element.kind != AD_IF_RELEVANT) {
            return Ok(None);
        }
        let mut this = Self::default();
        for outer in &authenticator.authorization_data {
            for element in decode_authorization_data(outer.data)? {
                match element.kind {
                    KERB_AUTH_DATA_AP_OPTIONS => {
                        let options = element.data.first_chunk().copied();
                        let options = options.map_or(0, u32::from_le_bytes);
                        this.binds |= options & KERB_AP_OPTIONS_CBT != 0;
                    }
                    KERB_AUTH_DATA_CLIENT_TARGET => {
                        let target = Utf16Le::new(element.data).map(|text| text.to_string());
                        this.target = Some(target.unwrap_or_default());
                    }
                    _ => {}
                }
            }
        }
        Ok(Some(this))
    }
}

/// What a client asks for.
struct Asked {
    bindings: ChannelBindingsHash,
    flags: GssFlags,
}
