//! What the KDC says: the time, whether it knows the service, and whether its key is ours.

use super::fix::Place;
use super::keytab::Keys;
use super::{Subject, is_http, is_name};
use crate::doctor::checks::{Clock, difference};
use crate::doctor::report::Findings;
use logon::kerberos::{
    ClientSecret, CredentialCache, EncryptionType, KeyUsage, Keytab, PrincipalName, ServiceTicket,
    TicketConfig, TicketError, TicketRequest, TicketStep,
};
use logon::wire::krb5::{KrbError, Ticket};
use logon_kdc::{KdcClient, SendError};
use std::collections::BTreeSet;
use std::sync::Arc;

const TOPIC: &str = "KDC";

/// Names of a keytab that are tried as clients.
const MAX_CLIENTS: usize = 4;

/// Seconds beyond which tickets are refused, unless somebody allows more ([RFC 4120] §3.2.3).
const SKEW: i64 = 300;

/// Why there is no ticket to look at.
enum Failure {
    Send(SendError),
    /// `of_client`: said of the client, not of the service.
    Ticket {
        cause: TicketError,
        of_client: bool,
    },
}

/// Who may log on with the keytab, and what the KDC said of its time on the way.
struct Attempt {
    result: Result<ServiceTicket, Failure>,
    time: Option<i64>,
}

pub(super) async fn check(
    subject: &Subject<'_>,
    keys: &Keys,
    kdc: &KdcClient,
    place: &Place<'_>,
    out: &mut Findings,
) {
    let named = subject.hosts.iter().filter(|host| is_name(host));
    let mut clock_told = BTreeSet::new();
    let mut refused = BTreeSet::new();
    for host in named {
        let Some(service) = keys.of(host).map(|key| key.principal.clone()).next() else { continue };
        let mut unknown = true;
        for client in clients(&service, keys) {
            // Who is refused once would be refused again, and locked some day.
            if refused.contains(&client.to_string()) {
                unknown = false;
                break;
            }
            let Attempt { result, time } = ask(kdc, &client, &service, keys).await;
            if let Some(time) = time
                && clock_told.insert(service.realm().to_owned())
            {
                clock(subject.clock, service.realm(), time, out);
            }
            if result.as_ref().is_err_and(Failure::is_unknown_client) {
                continue;
            }
            match result {
                Err(Failure::Send(error)) => {
                    return out.warn(
                        TOPIC,
                        error,
                        "so neither the clock nor the service's name could be compared; this \
                         machine itself needs no KDC, clients do",
                    );
                }
                Err(Failure::Ticket { cause, of_client }) => {
                    if of_client {
                        refused.insert(client.to_string());
                    }
                    explain(host, &client, &cause, of_client, place, out);
                }
                Ok(found) => compare(host, &found, keys, place, out),
            }
            unknown = false;
            break;
        }
        if unknown {
            cannot(host, &service, keys, out);
        }
    }
    if clock_told.is_empty()
        && let Some(time) = time_of(kdc, place.realm).await
    {
        clock(subject.clock, place.realm, time, out);
    }
}

impl Failure {
    /// `KDC_ERR_C_PRINCIPAL_UNKNOWN` ([RFC 4120] §7.5.9).
    fn is_unknown_client(&self) -> bool {
        let Self::Ticket { cause, of_client: true } = self else { return false };
        matches!(cause, TicketError::Kdc { code: 6, .. })
    }
}

/// The KDC's time, without a key: it refuses what proves nothing, and says when.
async fn time_of(kdc: &KdcClient, realm: &str) -> Option<i64> {
    let nobody = PrincipalName::new(PrincipalName::PRINCIPAL, ["logon-doctor"], realm);
    let cache = CredentialCache::new(nobody.clone());
    let request = TicketRequest::new(Arc::new(TicketConfig::with_os()), &cache, nobody);
    let request = request.with_secret(ClientSecret::password(String::new()));
    let Ok(TicketStep::SendToKdc(next)) = request.step(None) else { return None };
    let received = kdc.send(&next.realm, &next.message).await.ok()?;
    let error = KrbError::decode(&received).ok()?;
    i64::try_from(error.stime.unix_seconds()).ok()
}

/// The service itself, as KDCs of MIT let it log on; then the accounts whose keys are there.
fn clients(service: &PrincipalName, keys: &Keys) -> Vec<PrincipalName> {
    let mut clients = vec![service.clone()];
    for key in keys.all() {
        let name = &key.principal;
        let is_account = name.components().len() == 1 && name.realm() == service.realm();
        if is_account && !is_http(name) && !clients.contains(name) {
            clients.push(name.clone());
        }
    }
    clients.truncate(MAX_CLIENTS);
    clients
}

/// A ticket of `service` for `client`, which shows its key once the KDC has said that it knows it.
async fn ask(
    kdc: &KdcClient,
    client: &PrincipalName,
    service: &PrincipalName,
    keys: &Keys,
) -> Attempt {
    let mut time = None;
    let result = steps(kdc, client, service, keys, &mut time).await;
    Attempt { result, time }
}

async fn steps(
    kdc: &KdcClient,
    client: &PrincipalName,
    service: &PrincipalName,
    keys: &Keys,
    time: &mut Option<i64>,
) -> Result<ServiceTicket, Failure> {
    // The keytab may have keys of no other type than RC4; that is said elsewhere.
    let types = [EncryptionType::DEFAULT.as_slice(), &[EncryptionType::Rc4Hmac]].concat();
    let config = Arc::new(TicketConfig::with_os().with_encryption_types(&types));
    let keytab: Keytab = keys.all().cloned().collect();
    let cache = CredentialCache::new(client.clone());
    let mut request = TicketRequest::new(config, &cache, service.clone())
        .with_secret(ClientSecret::keytab(keytab));
    let (mut answer, mut of_client) = (None::<Vec<u8>>, true);
    loop {
        let step = request.step(answer.as_deref());
        match step.map_err(|cause| Failure::Ticket { cause, of_client })? {
            TicketStep::SendToKdc(next) => {
                // An AS-REQ is about the client, the others about the service.
                of_client = next.message.first() == Some(&0x6a);
                let received = kdc.send(&next.realm, &next.message).await.map_err(Failure::Send)?;
                if let Ok(error) = KrbError::decode(&received) {
                    let seconds = i64::try_from(error.stime.unix_seconds());
                    *time = time.or(seconds.ok());
                }
                answer = Some(received);
                request = next.request;
            }
            TicketStep::Complete(found) => {
                let offset = found.clock_offset.seconds();
                *time = time.or_else(|| Clock::now().0.checked_add(offset));
                return Ok(found);
            }
        }
    }
}

fn clock(clock: Clock, realm: &str, its: i64, out: &mut Findings) {
    let apart = its.saturating_sub(clock.0);
    if apart.abs() <= SKEW {
        return difference(clock, &format!("the KDC of {realm}"), its, out);
    }
    let direction = if apart > 0 { "ahead of" } else { "behind" };
    out.fail(
        "clock",
        format_args!(
            "the KDC of {realm} is {} seconds {direction} this machine: every ticket is refused \
             (KRB_AP_ERR_SKEW)",
            apart.abs()
        ),
        "set the clock by the domain's: `timedatectl set-ntp true`, with NTP= the KDC in \
         /etc/systemd/timesyncd.conf",
    );
}

/// There is a ticket: is it one that opens here?
fn compare(host: &str, found: &ServiceTicket, keys: &Keys, place: &Place<'_>, out: &mut Findings) {
    let Ok(ticket) = Ticket::decode(&found.ticket.ticket) else { return };
    let part = ticket.enc_part;
    let kind = EncryptionType::try_from(part.etype);
    let kind = kind.map_or_else(|_| format!("type {}", part.etype), |it| it.to_string());
    let kvno = part.kvno.map(|kvno| format!("version {kvno}, ")).unwrap_or_default();
    let of_type =
        |etype: i32| keys.of(host).filter(move |key| key.key.encryption_type().number() == etype);
    let opening =
        of_type(part.etype).find(|key| key.key.decrypt(KeyUsage::TICKET, part.cipher).is_ok());
    let types = || of_type(part.etype).next().is_some();
    match opening {
        Some(key) if part.kvno.is_some_and(|kvno| kvno != key.kvno) => out.warn(
            TOPIC,
            format_args!(
                "a ticket of HTTP/{host} ({kvno}{kind}) opens with the key of version {}: the \
                 numbers disagree, the keys do not",
                key.kvno
            ),
            "fine here; other services look at the number",
        ),
        Some(_) => out.ok(TOPIC, format_args!("a ticket of HTTP/{host} ({kvno}{kind}) opens")),
        None if types() => out.fail(
            TOPIC,
            format_args!(
                "a ticket of HTTP/{host} ({kvno}{kind}) does not open: the password was changed \
                 since, or the name is with another account than this key"
            ),
            format_args!("setspn -Q HTTP/{host} says which one;\n{}", place.export_again(host)),
        ),
        None => out.fail(
            TOPIC,
            format_args!("a ticket of HTTP/{host} is of {kind}, and the keytab has no such key"),
            place.export_again(host),
        ),
    }
}

fn explain(
    host: &str,
    client: &PrincipalName,
    cause: &TicketError,
    of_client: bool,
    place: &Place<'_>,
    out: &mut Findings,
) {
    let code = match cause {
        TicketError::Kdc { code, .. } => *code,
        TicketError::NotProven => 24,
        _ => 0,
    };
    match (code, of_client) {
        // S_PRINCIPAL_UNKNOWN; MUST_USE_USER2USER is for accounts without a name.
        (7 | 27, false) => out.fail(
            TOPIC,
            format_args!(
                "no account has the name HTTP/{host}: clients get no ticket, and use NTLM"
            ),
            place.register(host),
        ),
        (8, _) => out.fail(
            TOPIC,
            format_args!(
                "several accounts have the name of HTTP/{host} (KDC_ERR_PRINCIPAL_NOT_UNIQUE): \
                 clients get no ticket"
            ),
            place.make_unique(host),
        ),
        (14, _) => out.fail(
            TOPIC,
            format_args!("no encryption type in common with the KDC for {client}: {cause}"),
            place.use_aes(host),
        ),
        (18, true) => out.fail(
            TOPIC,
            format_args!("the account of {client} is disabled, locked or expired"),
            "enable it, and let its password never expire",
        ),
        (23, true) => out.fail(
            TOPIC,
            format_args!("the password of {client} has expired"),
            place.export_again(host),
        ),
        (24, true) => out.fail(
            TOPIC,
            format_args!("the KDC has another key of {client} than the keytab"),
            place.export_again(host),
        ),
        _ => out.note(
            TOPIC,
            format_args!("HTTP/{host} could not be checked as {client}: {cause}"),
            ask_by_hand(host),
        ),
    }
}

/// Whoever may log on can look.
fn ask_by_hand(host: &str) -> String {
    format!(
        "on a client: kinit USER, and then kvno HTTP/{host} (Windows: klist get HTTP/{host}); \
         `logon decode --keytab FILE @CACHE` says whether that ticket opens"
    )
}

/// In Active Directory a service's name stands beside that of its account, which logs on.
fn cannot(host: &str, service: &PrincipalName, keys: &Keys, out: &mut Findings) {
    let newest = keys.of(host).map(|key| key.kvno).max().unwrap_or_default();
    out.note(
        TOPIC,
        format_args!(
            "does not know {service} as a client, as is usual where it is the name of another \
             account: whether clients get tickets of HTTP/{host}, with a key of version {newest}, \
             cannot be seen from here"
        ),
        ask_by_hand(host),
    );
}
