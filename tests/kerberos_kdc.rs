//! How a client comes to a ticket (RFC 4120 §3.1, §3.3; RFC 6806), against a KDC of this file's own.
#![cfg(feature = "kerberos")]

#[path = "support/kdc.rs"]
mod kdc;

use kdc::{AES, Kdc, Way, service_key};
use logon::kerberos::{
    CachedTicket, ClientSecret, ClockOffset, CredentialCache, EncryptionType, KdcClock, Key,
    KeyUsage, Keytab, PrincipalName, ServiceKey, ServiceTicket, TicketConfig, TicketError,
    TicketRequest, TicketStep,
};
use logon::wire::krb5::{EncTicketPart, KdcRep, KdcReqKind, Principal, Ticket};
use logon::{FileTime, OsRandom, TimeSource};
use std::sync::Arc;
use std::time::Duration;

const NOW: u64 = 1_800_000_000;
const PASSWORD: &str = "S3cret!pw";

#[derive(Debug)]
struct Clock(u64);

impl TimeSource for Clock {
    fn now(&self) -> FileTime {
        FileTime::from_unix(Duration::from_secs(self.0))
    }
}

fn config() -> TicketConfig {
    TicketConfig::new(Arc::new(OsRandom), Arc::new(Clock(NOW)))
}

fn name(text: &str) -> PrincipalName {
    text.parse().unwrap()
}

fn cache() -> CredentialCache {
    CredentialCache::new(name("alice@CORP.EXAMPLE"))
}

fn corp() -> Kdc {
    Kdc::new("CORP.EXAMPLE", NOW)
}

fn wrong(way: Way) -> Kdc {
    Kdc { way, ..corp() }
}

/// What was asked of whom, and what came of it.
struct Trip {
    asked: Vec<String>,
    result: Result<ServiceTicket, TicketError>,
}

fn run(mut request: TicketRequest, kdcs: &[Kdc]) -> Trip {
    let (mut asked, mut answer) = (Vec::new(), None::<Vec<u8>>);
    loop {
        let step = match request.step(answer.as_deref()) {
            Ok(step) => step,
            Err(error) => return Trip { asked, result: Err(error) },
        };
        match step {
            TicketStep::SendToKdc(next) => {
                let what = if next.message[0] == 0x6a { "AS" } else { "TGS" };
                asked.push(format!("{what} {}", next.realm));
                let kdc = kdcs.iter().find(|kdc| kdc.realm == next.realm).expect("a known realm");
                answer = Some(kdc.answer(&next.message));
                request = next.request;
            }
            TicketStep::Complete(ticket) => return Trip { asked, result: Ok(ticket) },
        }
    }
}

const SERVICE: &str = "HTTP/web01.corp.example@CORP.EXAMPLE";

fn request(config: TicketConfig, cache: &CredentialCache, service: &str) -> TicketRequest {
    TicketRequest::new(Arc::new(config), cache, name(service))
}

fn with_password(service: &str) -> TicketRequest {
    request(config(), &cache(), service).with_secret(ClientSecret::password(PASSWORD.to_owned()))
}

fn error(request: TicketRequest, kdc: &Kdc) -> TicketError {
    run(request, std::slice::from_ref(kdc)).result.unwrap_err()
}

/// The service can open it, and finds the client and the session key that the client has.
fn is_good(ticket: &CachedTicket, service: &str) {
    let wire = Ticket::decode(&ticket.ticket).unwrap();
    let key = service_key(service);
    let plain = key.decrypt(KeyUsage::TICKET, wire.enc_part.cipher).unwrap();
    let part = EncTicketPart::decode(&plain).unwrap();
    assert_eq!(PrincipalName::from(&part.client), ticket.client);
    assert_eq!(part.key.value, ticket.session_key.expose());
}

#[test]
fn a_password_leads_to_a_ticket_of_the_service() {
    let way = run(with_password(SERVICE), &[corp()]);
    // The first answer says how the key is made.
    assert_eq!(way.asked, ["AS CORP.EXAMPLE", "AS CORP.EXAMPLE", "TGS CORP.EXAMPLE"]);
    let found = way.result.unwrap();
    is_good(&found.ticket, "HTTP/web01.corp.example");
    assert_eq!(found.ticket.server, name(SERVICE));
    assert_eq!(found.ticket.client, name("alice@CORP.EXAMPLE"));
    assert_eq!(found.gained.len(), 1);
    assert_eq!(found.clock_offset, ClockOffset::default());
}

#[test]
fn what_was_gained_is_used_again() {
    let found = run(with_password(SERVICE), &[corp()]).result.unwrap();
    let mut kept = cache();
    kept.insert(found);
    let again = run(request(config(), &kept, SERVICE), &[]);
    assert!(again.asked.is_empty());
    is_good(&again.result.unwrap().ticket, "HTTP/web01.corp.example");
    // Another service costs one request; so does one whose realm is to be found out.
    let both = Kdc { services: &["HTTP/web01.corp.example", "HTTP/web02.corp.example"], ..corp() };
    let other = run(request(config(), &kept, "HTTP/web02.corp.example"), &[both]);
    assert_eq!(other.asked, ["TGS CORP.EXAMPLE"]);
    assert_eq!(other.result.unwrap().ticket.server, name("HTTP/web02.corp.example@CORP.EXAMPLE"));
    let first = run(request(config(), &kept, "HTTP/web01.corp.example"), &[]);
    assert!(first.result.is_ok());
}

#[test]
fn keys_of_a_keytab_lead_there_as_well() {
    let key =
        |principal: &str, kvno, key: Key| ServiceKey { principal: name(principal), kvno, key };
    let old = Key::new(AES, &[1; 32]).unwrap();
    let keytab: Keytab = [
        key("bob@CORP.EXAMPLE", 9, old.clone()),
        key("alice@CORP.EXAMPLE", 1, old.clone()),
        key("alice@CORP.EXAMPLE", 2, corp().user_key()),
    ]
    .into_iter()
    .collect();
    let asked = request(config(), &cache(), SERVICE).with_secret(ClientSecret::keytab(keytab));
    assert!(run(asked, &[corp()]).result.is_ok());
    let of_bob: Keytab = [key("bob@CORP.EXAMPLE", 9, old)].into_iter().collect();
    let asked = request(config(), &cache(), SERVICE).with_secret(ClientSecret::keytab(of_bob));
    assert_eq!(error(asked, &corp()), TicketError::NoKey { offered: vec![18] });
}

#[test]
fn without_a_ticket_and_without_a_secret_nobody_is_asked() {
    let way = run(request(config(), &cache(), SERVICE), &[]);
    let error = way.result.unwrap_err();
    assert_eq!(error, TicketError::NoCredentials);
    assert!(way.asked.is_empty());
    assert!(error.to_string().contains("kinit"), "{error}");
}

#[test]
fn a_wrong_password_and_an_unknown_name_say_so() {
    let asked = request(config(), &cache(), SERVICE);
    let wrong = error(asked.with_secret(ClientSecret::password("geheim".to_owned())), &corp());
    let expected =
        TicketError::Kdc { realm: "CORP.EXAMPLE".to_owned(), code: 24, text: "noway".to_owned() };
    assert_eq!(wrong, expected);
    assert!(wrong.to_string().contains("password"), "{wrong}");
    let nobody = CredentialCache::new(name("eve@CORP.EXAMPLE"));
    let asked = request(config(), &nobody, SERVICE);
    let unknown = error(asked.with_secret(ClientSecret::password("x".to_owned())), &corp());
    assert!(matches!(unknown, TicketError::Kdc { code: 6, .. }), "{unknown}");
    // One that asks for no proof shows it by its answer.
    let asked = request(config(), &cache(), SERVICE);
    let asked = asked.with_secret(ClientSecret::password("geheim".to_owned()));
    let no_proof = Kdc { way: Way::WithoutProof, ..corp() };
    assert_eq!(error(asked, &no_proof), TicketError::NotProven);
}

#[test]
fn an_account_that_needs_no_proof_costs_a_request_less() {
    let way = run(with_password(SERVICE), &[wrong(Way::WithoutProof)]);
    assert_eq!(way.asked, ["AS CORP.EXAMPLE", "TGS CORP.EXAMPLE"]);
    assert!(way.result.is_ok());
}

#[test]
fn an_unknown_service_says_how_it_becomes_known() {
    let error = error(with_password("HTTP/nowhere@CORP.EXAMPLE"), &corp());
    assert!(matches!(error, TicketError::Kdc { code: 7, .. }), "{error}");
    assert!(error.to_string().contains("setspn"), "{error}");
}

#[test]
fn an_alias_is_remembered_by_the_name_that_was_asked_for() {
    let alias = "HTTP/alias.corp.example@CORP.EXAMPLE";
    let found = run(with_password(alias), &[corp()]).result.unwrap();
    assert_eq!(found.ticket.server, name(alias));
    is_good(&found.ticket, "HTTP/web01.corp.example");
}

#[test]
fn a_clock_that_is_wrong_is_put_right_by_the_kdc() {
    let late = Kdc { now: NOW + 7200, ..corp() };
    let way = run(with_password(SERVICE), std::slice::from_ref(&late));
    assert_eq!(way.asked.len(), 4);
    let found = way.result.unwrap();
    assert_eq!(found.clock_offset, ClockOffset::new(7200, 0));
    let clock = KdcClock::new(Arc::new(Clock(NOW)), found.clock_offset);
    assert_eq!(clock.now(), Clock(NOW + 7200).now());
    // With a ticket-granting ticket at hand, too, and within the cache that remembers it.
    let mut kept = cache();
    kept.insert(found);
    assert!(run(request(config(), &kept, SERVICE), &[]).result.is_ok());
    let found = run(with_password(SERVICE), &[corp()]).result.unwrap();
    let mut kept = cache();
    kept.insert(found);
    let next = Kdc { services: &["HTTP/web02"], now: NOW + 7200, ..corp() };
    let way = run(request(config(), &kept, "HTTP/web02@CORP.EXAMPLE"), &[next]);
    assert_eq!(way.asked.len(), 2);
    assert_eq!(way.result.unwrap().clock_offset.seconds(), 7200);
}

#[test]
fn a_clock_that_nobody_has_signed_is_forgotten() {
    let found = run(with_password(SERVICE), &[corp()]).result.unwrap();
    let mut kept = cache();
    kept.insert(found);
    let first = request(config(), &kept, "HTTP/web02@CORP.EXAMPLE").step(None).unwrap();
    let TicketStep::SendToKdc(first) = first else { panic!("{first:?}") };
    // What the KDC still bears.
    let forged = Kdc { now: NOW + 290, ..corp() }.error(37, None, Principal::default());
    let second = first.request.step(Some(&forged)).unwrap();
    let TicketStep::SendToKdc(second) = second else { panic!("{second:?}") };
    let answer = Kdc { services: &["HTTP/web02"], ..corp() }.answer(&second.message);
    let last = second.request.step(Some(&answer)).unwrap();
    let TicketStep::Complete(found) = last else { panic!("{last:?}") };
    assert_eq!(found.clock_offset, ClockOffset::default());
}

#[test]
fn what_was_granted_before_a_refusal_is_worth_keeping() {
    let first = with_password("HTTP/nowhere@CORP.EXAMPLE").step(None).unwrap();
    let TicketStep::SendToKdc(first) = first else { panic!("{first:?}") };
    assert!(first.request.gained().is_none());
    let second = first.request.step(Some(&corp().answer(&first.message))).unwrap();
    let TicketStep::SendToKdc(second) = second else { panic!("{second:?}") };
    assert!(second.counts && second.request.gained().is_none());
    let third = second.request.step(Some(&corp().answer(&second.message))).unwrap();
    let TicketStep::SendToKdc(third) = third else { panic!("{third:?}") };
    // A clock that nobody has signed is not kept with it.
    let forged = Kdc { now: NOW + 290, ..corp() }.error(37, None, Principal::default());
    let fourth = third.request.step(Some(&forged)).unwrap();
    let TicketStep::SendToKdc(fourth) = fourth else { panic!("{fourth:?}") };
    let gained = fourth.request.gained().unwrap();
    assert_eq!(gained.ticket.server, name("krbtgt/CORP.EXAMPLE@CORP.EXAMPLE"));
    assert_eq!((gained.gained.len(), gained.clock_offset), (0, ClockOffset::default()));
    let refused = fourth.request.step(Some(&corp().answer(&fourth.message))).unwrap_err();
    assert!(matches!(refused, TicketError::Kdc { code: 7, .. }), "{refused}");
    let mut kept = cache();
    kept.insert(gained);
    let way = run(request(config(), &kept, SERVICE), &[corp()]);
    assert_eq!(way.asked, ["TGS CORP.EXAMPLE"]);
    is_good(&way.result.unwrap().ticket, "HTTP/web01.corp.example");
}

const SUB: Kdc = Kdc {
    realm: "SUB.CORP.EXAMPLE",
    user: "bob",
    password: "B0b!pw",
    services: &["HTTP/web09.sub.corp.example"],
    trusts: &[],
    now: NOW,
    way: Way::Right,
    lifetime: 36_000,
    renewable: false,
};

#[test]
fn a_service_of_another_realm_is_found_by_referral_and_by_name() {
    let trusting = Kdc { trusts: &["SUB.CORP.EXAMPLE"], ..corp() };
    let asked = with_password("HTTP/web09.sub.corp.example");
    let way = run(asked, &[trusting.clone(), SUB]);
    let expected =
        ["AS CORP.EXAMPLE", "AS CORP.EXAMPLE", "TGS CORP.EXAMPLE", "TGS SUB.CORP.EXAMPLE"];
    assert_eq!(way.asked, expected);
    let found = way.result.unwrap();
    assert_eq!(found.ticket.server, name("HTTP/web09.sub.corp.example@SUB.CORP.EXAMPLE"));
    assert_eq!(found.ticket.client, name("alice@CORP.EXAMPLE"));
    is_good(&found.ticket, "HTTP/web09.sub.corp.example");
    // The ticket of the other realm's ticket-granting service is kept.
    let mut kept = cache();
    kept.insert(found);
    let service = "HTTP/web09.sub.corp.example@SUB.CORP.EXAMPLE";
    let asked = with_password(service);
    assert_eq!(run(asked, &[trusting, SUB]).asked, expected);
    let both = Kdc { services: &["HTTP/second"], ..SUB };
    let way = run(request(config(), &kept, "HTTP/second@SUB.CORP.EXAMPLE"), &[both]);
    assert_eq!(way.asked, ["TGS SUB.CORP.EXAMPLE"]);
}

#[test]
fn realms_that_refer_to_each_other_end_somewhere() {
    let one = Kdc { trusts: &["SUB.CORP.EXAMPLE"], ..corp() };
    let other = Kdc { trusts: &["CORP.EXAMPLE"], services: &[], ..SUB };
    let way = run(with_password("HTTP/nowhere"), &[one, other]);
    assert_eq!(way.result.unwrap_err(), TicketError::Referrals);
    assert!(way.asked.len() < 8, "{:?}", way.asked);
    assert_eq!(error(with_password(SERVICE), &wrong(Way::Circle)), TicketError::Referrals);
}

#[test]
fn a_user_principal_name_becomes_the_name_of_the_account() {
    let upn = PrincipalName::new(PrincipalName::ENTERPRISE, ["alice@mail.example"], "CORP.EXAMPLE");
    let asked = TicketRequest::new(Arc::new(config()), &CredentialCache::new(upn), name(SERVICE))
        .with_secret(ClientSecret::password(PASSWORD.to_owned()));
    let found = run(asked, &[corp()]).result.unwrap();
    assert_eq!(found.ticket.client, name("alice@CORP.EXAMPLE"));
    // And may be of another realm.
    let upn = PrincipalName::new(PrincipalName::ENTERPRISE, ["elsewhere@x"], "CORP.EXAMPLE");
    let asked = TicketRequest::new(
        Arc::new(config()),
        &CredentialCache::new(upn),
        name("HTTP/web09.sub.corp.example"),
    )
    .with_secret(ClientSecret::password("B0b!pw".to_owned()));
    let way = run(asked, &[corp(), Kdc { user: "elsewhere", ..SUB }]);
    assert_eq!(way.asked[..2], ["AS CORP.EXAMPLE", "AS SUB.CORP.EXAMPLE"]);
    assert_eq!(way.result.unwrap().ticket.client, name("elsewhere@SUB.CORP.EXAMPLE"));
}

#[test]
fn a_ticket_that_ends_soon_is_renewed_or_replaced() {
    let short = Kdc { lifetime: 200, renewable: true, ..corp() };
    let found = run(with_password("HTTP/nowhere@CORP.EXAMPLE"), std::slice::from_ref(&short));
    assert!(found.result.is_err());
    let found = run(with_password(SERVICE), std::slice::from_ref(&short)).result.unwrap();
    let mut kept = cache();
    kept.insert(found);
    let other = Kdc { services: &["HTTP/web02"], ..short };
    let way =
        run(request(config(), &kept, "HTTP/web02@CORP.EXAMPLE"), std::slice::from_ref(&other));
    assert_eq!(way.asked, ["TGS CORP.EXAMPLE", "TGS CORP.EXAMPLE"]);
    assert_eq!(way.result.unwrap().gained.len(), 1);
    let asked = request(config(), &kept, "HTTP/web02@CORP.EXAMPLE")
        .with_secret(ClientSecret::password(PASSWORD.to_owned()));
    let way = run(asked, &[other]);
    assert_eq!(way.asked, ["AS CORP.EXAMPLE", "AS CORP.EXAMPLE", "TGS CORP.EXAMPLE"]);
}

#[test]
fn a_cached_ticket_that_the_kdc_takes_no_more_is_replaced_if_there_is_a_secret() {
    let found = run(with_password(SERVICE), &[corp()]).result.unwrap();
    let mut kept = cache();
    kept.insert(found);
    let service = "HTTP/web02@CORP.EXAMPLE";
    let refused = error(request(config(), &kept, service), &wrong(Way::Revoked));
    assert!(matches!(refused, TicketError::Kdc { code: 20, .. }), "{refused}");
    let asked =
        request(config(), &kept, service).with_secret(ClientSecret::password(PASSWORD.to_owned()));
    let way = run(asked, &[wrong(Way::Revoked)]);
    // Once, and not for ever.
    let expected = ["TGS CORP.EXAMPLE", "AS CORP.EXAMPLE", "AS CORP.EXAMPLE", "TGS CORP.EXAMPLE"];
    assert_eq!(way.asked, expected);
    assert!(matches!(way.result, Err(TicketError::Kdc { code: 20, .. })));
}

#[test]
fn an_answer_that_does_not_fit_is_refused() {
    for (way, expected) in [
        (Way::AnotherNonce, TicketError::Mismatch("another request's nonce")),
        (Way::AnotherClient, TicketError::Mismatch("a ticket of another client")),
        (Way::AnotherService, TicketError::Mismatch("a ticket of another service")),
        (Way::AnotherNameOutside, TicketError::Mismatch("a ticket of another service")),
        (Way::AnotherKey, TicketError::NotProven),
        (Way::Expired, TicketError::Mismatch("a ticket that holds no more")),
        (Way::NotYet, TicketError::Mismatch("a ticket that does not hold yet")),
        (
            Way::WeakSessionKey,
            TicketError::Mismatch("a session key of an encryption type not allowed"),
        ),
        (Way::AsRepForTgs, TicketError::Mismatch("AS-REP")),
    ] {
        assert_eq!(error(with_password(SERVICE), &wrong(way)), expected, "{way:?}");
        if way == Way::AsRepForTgs {
            continue;
        }
        // The same of the ticket-granting service.
        let found = run(with_password(SERVICE), &[corp()]).result.unwrap();
        let mut kept = cache();
        kept.insert(found);
        let asked = request(config(), &kept, "HTTP/web02@CORP.EXAMPLE");
        let kdc = Kdc { services: &["HTTP/web02"], ..wrong(way) };
        assert_eq!(error(asked, &kdc), expected, "{way:?}");
    }
    assert!(matches!(error(with_password(SERVICE), &wrong(Way::Garbage)), TicketError::Decode(_)));
}

#[test]
fn a_kdc_that_wants_a_weak_proof_or_another_one_gets_none() {
    let weak = error(with_password(SERVICE), &wrong(Way::Rc4));
    assert_eq!(weak, TicketError::NoKey { offered: vec![23] });
    let hasty = error(with_password(SERVICE), &wrong(Way::OneIteration));
    assert!(matches!(hasty, TicketError::Key(_)), "{hasty}");
    let other = error(with_password(SERVICE), &wrong(Way::Certificates));
    assert_eq!(other, TicketError::PreAuthentication { offered: vec![19, 16] });
}

#[test]
fn rc4_is_for_those_who_ask_for_it() {
    let asked = |types: &[EncryptionType]| {
        let asked = request(config().with_encryption_types(types), &cache(), SERVICE);
        run(asked.with_secret(ClientSecret::password(PASSWORD.to_owned())), &[wrong(Way::Rc4)])
    };
    let found = asked(&[AES, EncryptionType::Rc4Hmac]).result.unwrap();
    assert_eq!(found.ticket.server, name(SERVICE));
    let refused = asked(&[AES]).result.unwrap_err();
    assert_eq!(refused, TicketError::NoKey { offered: vec![23] });
}

#[test]
fn every_byte_of_an_answer_counts() {
    let found = run(with_password(SERVICE), &[corp()]).result.unwrap();
    let mut kept = cache();
    kept.insert(found);
    let service = "HTTP/web02@CORP.EXAMPLE";
    let kdc = Kdc { services: &["HTTP/web02"], ..corp() };
    let step = || request(config(), &kept, service).step(None).unwrap();
    let TicketStep::SendToKdc(first) = step() else { panic!("a request") };
    let right = kdc.answer(&first.message);
    let within = |part: &[u8]| {
        let at = right.windows(part.len()).position(|it| it == part).unwrap();
        at..at + part.len()
    };
    let ticket = within(KdcRep::decode(KdcReqKind::Tgs, &right).unwrap().ticket.as_der());
    let mut taken = Vec::new();
    for position in 0..right.len() {
        let TicketStep::SendToKdc(next) = step() else { panic!("a request") };
        let mut answer = kdc.answer(&next.message);
        answer[position] ^= 0x20;
        if let Ok(TicketStep::Complete(found)) = next.request.step(Some(&answer)) {
            // The ticket itself is the service's to look at.
            assert_eq!(found.ticket.server, name(service));
            assert_eq!(found.ticket.client, name("alice@CORP.EXAMPLE"));
            assert_eq!(found.ticket.session_key.expose(), [7; 32]);
            taken.push(position);
        }
        let TicketStep::SendToKdc(next) = step() else { panic!("a request") };
        assert!(next.request.step(Some(&right[..position])).is_err(), "{position}");
    }
    taken.retain(|position| !ticket.contains(position));
    // The type of a name is a hint (RFC 4120 §6.2).
    let name_type = within(b"\x01\xa1\x09\x30\x07\x1b\x05alice").start;
    assert_eq!(taken, [name_type]);
}

#[test]
fn a_cache_gives_its_owner_what_he_can_use_and_nobody_else_anything() {
    let found = run(with_password(SERVICE), &[corp()]).result.unwrap();
    let now = FileTime::from_unix(Duration::from_secs(NOW));
    let mut of_bob = CredentialCache::new(name("bob@CORP.EXAMPLE"));
    of_bob.insert(found);
    assert!(of_bob.ticket_for(&name(SERVICE), now).is_none(), "alice's");
    let found = run(with_password(SERVICE), &[corp()]).result.unwrap();
    let mut kept = cache();
    kept.insert(found);
    assert!(kept.ticket_for(&name(SERVICE), now).is_some());
    // The KDC's clock and this one are never quite the same.
    let early = FileTime::from_unix(Duration::from_secs(NOW - 60));
    assert!(kept.ticket_for(&name(SERVICE), early).is_some());
    let much = FileTime::from_unix(Duration::from_secs(NOW - 600));
    assert!(kept.ticket_for(&name(SERVICE), much).is_none());
    // What is not allowed is not used, either.
    let only = config().with_encryption_types(&[EncryptionType::Aes128CtsHmacSha1_96]);
    let way = run(request(only, &kept, SERVICE), &[]);
    assert_eq!(way.result.unwrap_err(), TicketError::NoCredentials);
}

#[test]
fn who_renews_in_vain_goes_on_with_what_there_is() {
    let short = Kdc { lifetime: 200, renewable: true, ..corp() };
    let found = run(with_password(SERVICE), std::slice::from_ref(&short)).result.unwrap();
    let mut kept = cache();
    kept.insert(found);
    let kdc = Kdc { services: &["HTTP/web02"], way: Way::NoRenewal, ..short };
    let way = run(request(config(), &kept, "HTTP/web02@CORP.EXAMPLE"), &[kdc]);
    assert_eq!(way.asked, ["TGS CORP.EXAMPLE", "TGS CORP.EXAMPLE"]);
    assert!(way.result.is_ok());
}

#[test]
fn nobody_is_led_to_a_realm_of_somebody_elses() {
    let upn = PrincipalName::new(PrincipalName::ENTERPRISE, ["elsewhere@x"], "OTHER.TEST");
    let asked = TicketRequest::new(Arc::new(config()), &CredentialCache::new(upn), name(SERVICE))
        .with_secret(ClientSecret::password(PASSWORD.to_owned()));
    let way = run(asked, &[Kdc::new("OTHER.TEST", NOW)]);
    assert_eq!(way.asked, ["AS OTHER.TEST"]);
    assert!(matches!(way.result, Err(TicketError::Kdc { code: 68, .. })));
}

#[test]
fn what_counts_against_the_account_is_told() {
    let (mut request, mut answer, mut counts) = (with_password(SERVICE), None::<Vec<u8>>, vec![]);
    while let TicketStep::SendToKdc(next) = request.step(answer.as_deref()).unwrap() {
        counts.push(next.counts);
        answer = Some(corp().answer(&next.message));
        request = next.request;
    }
    assert_eq!(counts, [false, true, false]);
}

#[test]
fn neither_secret_nor_keys_are_shown() {
    let step = with_password(SERVICE).step(None).unwrap();
    let TicketStep::SendToKdc(next) = &step else { panic!("{step:?}") };
    let bytes = format!("{}, {}", next.message[10], next.message[11]);
    assert!(!format!("{step:?}").contains(&bytes));
    let request = with_password(SERVICE);
    let shown = format!("{request:?}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    let found = run(request, &[corp()]).result.unwrap();
    let shown = format!("{found:?}");
    assert!(!shown.contains("7, 7, 7"), "{shown}");
}

#[test]
fn an_answer_out_of_turn_is_told() {
    assert_eq!(with_password(SERVICE).step(Some(b"x")).unwrap_err(), TicketError::OutOfOrder);
    let TicketStep::SendToKdc(next) = with_password(SERVICE).step(None).unwrap() else {
        panic!("a request")
    };
    assert_eq!(next.request.step(None).unwrap_err(), TicketError::OutOfOrder);
}
