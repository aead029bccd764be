//! `kerberos/pac.txt`: PACs of real domain controllers, and what is not believed of them.
#![cfg(feature = "kerberos")]

#[path = "support/vectors.rs"]
mod vectors;

use logon::kerberos::{EncryptionType, IntegrityFailed, Key, KeyUsage, Pac, PacError};
use logon::wire::Sid;
use logon::wire::krb5::{
    Element, EncTicketPart, EncryptionKey, KerberosTime, Principal, TicketFlags, TransitedEncoding,
    decode_authorization_data, encode_authorization_data,
};
use logon::wire::pac::PacType;
use logon::{DecodeErrorKind, FileTime};
use vectors::Case;

const AD_IF_RELEVANT: i32 = 1;
const AD_WIN2K_PAC: i32 = 128;

fn aes256(bytes: &[u8]) -> Key {
    Key::new(EncryptionType::Aes256CtsHmacSha1_96, bytes).unwrap()
}

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

/// A ticket that the PAC belongs to by what its client information says, and the element that
/// holds the PAC.
struct World {
    if_relevant: Vec<u8>,
    client: String,
    auth_time: u64,
}

impl World {
    fn of(pac: &[u8], named: &[u8]) -> Self {
        let info = PacType::decode(named).unwrap().client_info().unwrap().unwrap();
        let mut if_relevant = Vec::new();
        let element = Element { kind: AD_WIN2K_PAC, data: pac };
        encode_authorization_data(&[element], &mut if_relevant).unwrap();
        let auth_time = FileTime::from_ticks(info.client_id).to_unix().unwrap();
        assert_eq!(auth_time.subsec_nanos(), 0);
        Self { if_relevant, client: info.name.to_string(), auth_time: auth_time.as_secs() }
    }

    fn ticket(&self) -> EncTicketPart<'_> {
        let time = KerberosTime::from_unix(self.auth_time);
        let components = self.client.split('/').collect();
        EncTicketPart {
            flags: TicketFlags::empty(),
            key: EncryptionKey { key_type: 18, value: &[0; 32] },
            client: Principal { realm: "R", components, name_type: 1 },
            transited: TransitedEncoding { kind: 0, contents: &[] },
            auth_time: time,
            start_time: None,
            end_time: time,
            renew_till: None,
            addresses: vec![],
            authorization_data: vec![Element { kind: AD_IF_RELEVANT, data: &self.if_relevant }],
        }
    }
}

/// Verifies `pac` in a ticket such as `named` belongs to.
fn verified(pac: &[u8], named: &[u8], key: &Key) -> Result<Pac, PacError> {
    Pac::of_ticket(&World::of(pac, named).ticket(), key, None).map(Option::unwrap)
}

fn check_buffers(case: &Case, pac: &PacType<'_>) {
    let found: Vec<_> = pac
        .buffers()
        .iter()
        .map(|buffer| format!("{} {} {}", buffer.kind, buffer.offset, buffer.data.len()))
        .collect();
    let expected = case.list_text("Buffer");
    assert!(expected.is_empty() || found == expected, "{}: {found:?}", case.id());
}

fn check_pac(case: &Case) {
    let (bytes, key) = (case.hex("Pac"), aes256(&case.hex("ServiceKey")));
    let pac = PacType::decode(&bytes).unwrap();
    check_buffers(case, &pac);
    let types = case.list_text("BufferType");
    let found: Vec<_> = pac.buffers().iter().map(|buffer| buffer.kind.to_string()).collect();
    assert!(
        types.is_empty() || {
            let mut sorted: Vec<u32> = found.iter().map(|kind| kind.parse().unwrap()).collect();
            sorted.sort_unstable();
            sorted.iter().map(u32::to_string).eq(types)
        }
    );
    let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
    assert_eq!(server.signature_type.to_string(), case.text("ServerSignatureType"));
    assert_eq!(server.signature, case.hex("ServerSignature"));
    if let Some(signature) = case.opt_hex("KdcSignature") {
        assert_eq!(kdc.signature_type.to_string(), case.text("KdcSignatureType"));
        assert_eq!(kdc.signature, signature);
    }
    if let Some(kdc_key) = case.opt_hex("KdcKey") {
        let usage = KeyUsage::PAC_SIGNATURE;
        let parts = [server.signature];
        assert_eq!(aes256(&kdc_key).verify_checksum(usage, &parts, kdc.signature), Ok(()));
        let other = [&server.signature[1..]];
        let refused = aes256(&kdc_key).verify_checksum(usage, &other, kdc.signature);
        assert_eq!(refused, Err(IntegrityFailed));
    }
    if let Some(logon_info) = case.opt_hex("LogonInfo") {
        assert!(pac.buffers().iter().any(|buffer| buffer.kind == 1 && buffer.data == logon_info));
    }
    assert!(verified(&bytes, &bytes, &key).is_ok(), "{}", case.id());
    refused_when_tampered(case, &bytes, &key);
}

/// Every bit counts but those of the KDC's signature, which only the KDC can check.
fn refused_when_tampered(case: &Case, bytes: &[u8], key: &Key) {
    let pac = PacType::decode(bytes).unwrap();
    let kdc = pac.buffers().iter().find(|buffer| buffer.kind == PacType::KDC_SIGNATURE).unwrap();
    let free = kdc.offset + 4..kdc.offset + kdc.data.len();
    for bit in 0..bytes.len() * 8 {
        let mut tampered = bytes.to_vec();
        tampered[bit / 8] ^= 1 << (bit % 8);
        let result = verified(&tampered, bytes, key);
        assert_eq!(result.is_ok(), free.contains(&(bit / 8)), "bit {bit} of {}", case.id());
    }
    for length in 0..bytes.len() {
        assert!(verified(&bytes[..length], bytes, key).is_err(), "{length} of {}", case.id());
    }
    let mut other = key.expose().to_vec();
    other[31] ^= 1;
    assert_eq!(verified(bytes, bytes, &aes256(&other)), Err(PacError::WrongSignature));
    // A key of another type, and that of a type with the same length of checksum.
    for other in [EncryptionType::Rc4Hmac, EncryptionType::Aes128CtsHmacSha1_96] {
        let other = Key::new(other, &key.expose()[..16]).unwrap();
        assert_eq!(verified(bytes, bytes, &other), Err(PacError::WrongSignature));
    }
    let mut world = World::of(bytes, bytes);
    world.auth_time += 1;
    let refused = Pac::of_ticket(&world.ticket(), key, None);
    assert_eq!(refused, Err(PacError::OtherTicket));
    let mut world = World::of(bytes, bytes);
    world.client.push('x');
    let refused = Pac::of_ticket(&world.ticket(), key, None);
    assert_eq!(refused, Err(PacError::OtherTicket));
}

fn check_authorization_data(case: &Case) {
    let (data, bytes) = (case.hex("AuthorizationData"), case.hex("Pac"));
    let elements = decode_authorization_data(&data).unwrap();
    assert_eq!((elements.len(), elements[0].kind), (1, AD_WIN2K_PAC));
    assert_eq!(elements[0].data, bytes);
    let pac = PacType::decode(&bytes).unwrap();
    check_buffers(case, &pac);
    let logon = pac.logon_info().unwrap().unwrap();
    assert_eq!(logon.effective_name.to_string(), case.text("EffectiveName"));
    assert_eq!(logon.logon_domain_name.to_string(), case.text("LogonDomainName"));
    let domain = sid(&case.text("LogonDomainId"));
    assert_eq!(logon.logon_domain_id, Some(domain));
    assert_eq!(logon.extra_sids.len() as u64, case.u64("ExtraSidCount"));
    let groups: Vec<_> =
        logon.group_ids.iter().map(|group| group.relative_id.to_string()).collect();
    assert_eq!(groups, case.list_text("GroupId"));
    let server = pac.server_signature().unwrap();
    assert_eq!(server.signature.len() as u64, case.u64("ServerSignatureLength"));
}

// CVE-2014-6324 was a signature of another kind.
#[test]
fn recorded_pacs_verify_and_tampered_ones_do_not() {
    for case in vectors::load("kerberos/pac.txt") {
        match case.kind() {
            "pac" => check_pac(&case),
            "pac-in-authorization-data" => check_authorization_data(&case),
            other => panic!("{other}"),
        }
    }
}

/// One PAC of the file and what signs it.
fn recorded(id: &str) -> (Vec<u8>, Key) {
    let mut found = None;
    for case in vectors::load("kerberos/pac.txt") {
        if case.id() == id {
            let key = case.opt_hex("ServiceKey").map(|key| aes256(&key));
            // That of the specification was signed with RC4 and a key that is not known.
            let rc4 = || Key::new(EncryptionType::Rc4Hmac, &[7; 16]).unwrap();
            found = Some((case.hex("Pac"), key.unwrap_or_else(rc4)));
        }
        case.pass_over();
    }
    found.unwrap()
}

//
#[test]
fn a_verified_pac_tells_account_and_groups() {
    let (bytes, key) = recorded("gokrb5-pac-server-signature");
    let pac = verified(&bytes, &bytes, &key).unwrap();
    assert_eq!(pac.user().to_string(), "S-1-5-21-3167651404-3865080224-2280184895-1105");
    assert_eq!((pac.account_name(), pac.full_name()), ("testuser1", "Test1 User1"));
    assert_eq!((pac.domain_name(), pac.dns_domain_name()), ("TEST", Some("TEST.GOKRB5")));
    assert_eq!(pac.upn(), Some("testuser1@test.gokrb5"));
    let domain = sid("S-1-5-21-3167651404-3865080224-2280184895");
    let rids = [513, 1108, 1109, 1111, 1114, 1115, 1116];
    assert!(pac.groups().iter().copied().eq(rids.map(|rid| domain.with_rid(rid).unwrap())));

    // A domain has no say over accounts and groups of this machine.
    let world = World::of(&bytes, &bytes);
    let of_machine = Pac::of_ticket(&world.ticket(), &key, Some(&domain));
    assert_eq!(of_machine, Err(PacError::NotOfADomain));
}

//
#[test]
fn no_domain_has_the_accounts_of_every_machine() {
    // The domain that the account's number belongs to becomes another authority's.
    let (honest, key) = recorded("ms-pac-section3");
    let whole = of_example(<[u8]>::to_vec).unwrap();
    let user = whole.user().to_string();
    let domain = &user[..user.rfind('-').unwrap()];
    let parts: Vec<u32> = domain.split('-').skip(4).map(|part| part.parse().unwrap()).collect();
    let mut sid = vec![4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0];
    parts.iter().for_each(|part| sid.extend(part.to_le_bytes()));
    let mut edited = honest;
    let places: Vec<_> =
        (0..edited.len() - sid.len()).filter(|at| edited[*at..].starts_with(&sid)).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| edited[at + 7] = 22);
    let edited = signed(edited, &key);
    assert_eq!(verified(&edited, &edited, &key), Err(PacError::NotOfADomain));
}

/// Signs a changed PAC anew, as somebody with the service's key would.
fn signed(mut bytes: Vec<u8>, key: &Key) -> Vec<u8> {
    let pac = PacType::decode(&bytes).unwrap();
    let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
    let parts = pac.signed_parts(&server, &kdc);
    let checksum = key.checksum(KeyUsage::PAC_SIGNATURE, &parts);
    let buffer = pac.buffers().iter().find(|buffer| buffer.kind == 6).unwrap();
    let at = buffer.offset + 4;
    bytes[at..at + checksum.as_bytes().len()].copy_from_slice(checksum.as_bytes());
    bytes
}

/// Writes a number at an offset within the logon information.
fn patched(bytes: &[u8], offset: usize, number: u32) -> Vec<u8> {
    let pac = PacType::decode(bytes).unwrap();
    let at = pac.buffers().iter().find(|buffer| buffer.kind == 1).unwrap().offset + offset;
    let mut bytes = bytes.to_vec();
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// Offsets within the logon information, behind the headers of NDR.
const USER_ID: usize = 120;
const GROUP_COUNT: usize = 128;
const USER_FLAGS: usize = 136;
const SID_COUNT: usize = 216;

/// The example of the specification, verified after a change.
fn of_example(change: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<Pac, PacError> {
    let (bytes, key) = recorded("ms-pac-section3");
    let bytes = signed(change(&bytes), &key);
    verified(&bytes, &bytes, &key)
}

//
#[test]
fn groups_count_if_the_flags_say_that_they_are_there() {
    let whole = of_example(<[u8]>::to_vec).unwrap();
    let domain = sid("S-1-5-21-397955417-626881126-188441444");
    let own = whole.groups().iter().filter(|group| group.is_in(&domain)).count();
    assert!(own >= 26 && whole.groups().len() > own, "{own} of {}", whole.groups().len());
    assert!(whole.groups().is_sorted());
    let without = of_example(|bytes| patched(bytes, USER_FLAGS, 0)).unwrap();
    assert_eq!(without.groups().len(), 26);
    assert!(without.groups().iter().all(|group| group.is_in(&domain)));
}

/// The first place where the logon information has this number, as the relative identifier of a
/// group, and its attributes behind it.
fn group_at(bytes: &[u8], rid: u32) -> usize {
    let pac = PacType::decode(bytes).unwrap();
    let data = pac.buffers().iter().find(|buffer| buffer.kind == 1).unwrap().data;
    let wanted = [rid.to_le_bytes(), 7_u32.to_le_bytes()].concat();
    data.windows(8).position(|window| window == wanted).unwrap()
}

#[test]
fn groups_that_only_deny_or_are_off_are_left_out() {
    let domain = sid("S-1-5-21-397955417-626881126-188441444");
    let group = domain.with_rid(3_392_609).unwrap();
    for (attributes, stays) in [(7, true), (4, true), (0x10, false), (0x17, false), (3, false)] {
        let pac = of_example(|bytes| patched(bytes, group_at(bytes, 3_392_609) + 4, attributes));
        assert_eq!(pac.unwrap().groups().contains(&group), stays, "{attributes:#x}");
    }
}

//
#[test]
fn no_domain_puts_somebody_into_the_groups_of_every_machine() {
    let whole = of_example(<[u8]>::to_vec).unwrap();
    // The first of the extra identifiers, behind that of the domain, which has one part less.
    let edited = of_example(|bytes| {
        let start = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0];
        let at = bytes.windows(start.len()).position(|window| window == start).unwrap();
        let mut bytes = bytes.to_vec();
        bytes[at + 8] = 32;
        bytes
    });
    let groups = edited.unwrap().groups().to_vec();
    assert_eq!(groups.len(), whole.groups().len() - 1);
    assert!(groups.iter().all(|group| whole.groups().contains(group)));

    // How the account was proven is another matter.
    let (bytes, key) = recorded("scapy-service-ticket-pac");
    let pac = verified(&bytes, &bytes, &key).unwrap();
    assert!(pac.groups().contains(&sid("S-1-18-1")), "{:?}", pac.groups());
}

//
#[test]
fn an_edited_group_breaks_the_signature() {
    let (bytes, key) = recorded("ms-pac-section3");
    let honest = signed(bytes, &key);
    let edited = patched(&honest, group_at(&honest, 3_392_609), 512);
    assert_eq!(verified(&edited, &honest, &key), Err(PacError::WrongSignature));
    assert!(verified(&honest, &honest, &key).is_ok());
}

#[test]
fn an_account_without_a_number_is_the_first_of_the_extra_identifiers() {
    let whole = of_example(<[u8]>::to_vec).unwrap();
    assert_eq!(whole.user().to_string(), "S-1-5-21-397955417-626881126-188441444-2914711");
    let pac = of_example(|bytes| patched(bytes, USER_ID, 0)).unwrap();
    assert!(whole.groups().contains(pac.user()));
    let nobody = of_example(|bytes| patched(&patched(bytes, USER_ID, 0), USER_FLAGS, 0));
    assert!(matches!(nobody, Err(PacError::Decode(error)) if error.field == "LogonDomainId"));
}

//
#[test]
fn counts_are_bounded_and_agree() {
    for (offset, field) in [(GROUP_COUNT, "GroupIds"), (SID_COUNT, "ExtraSids")] {
        for (count, kind) in [
            (1025, DecodeErrorKind::TooMany),
            (u32::MAX, DecodeErrorKind::TooMany),
            (1024, DecodeErrorKind::BadValue),
            (0, DecodeErrorKind::BadValue),
        ] {
            let Err(PacError::Decode(error)) = of_example(|bytes| patched(bytes, offset, count))
            else {
                panic!("{field}: {count}")
            };
            assert_eq!((error.field, error.kind), (field, kind), "{count}");
        }
    }
}

// CVE-2021-42287.
#[test]
fn the_account_of_the_extended_name_information_is_the_one_logged_on() {
    let (bytes, key) = recorded("scapy-service-ticket-pac");
    let pac = PacType::decode(&bytes).unwrap();
    let info = pac.upn_dns_info().unwrap().unwrap();
    assert_eq!(info.sam_name.unwrap().to_string(), "User1");
    let user = verified(&bytes, &bytes, &key).unwrap();
    assert_eq!(info.sid, Some(*user.user()));
    // CVE-2021-42287: another account in the logon information, with a right signature.
    let edited = signed(patched(&bytes, USER_ID, 500), &key);
    assert_eq!(verified(&edited, &edited, &key), Err(PacError::OtherAccount));
}

//
#[test]
fn the_requestor_is_the_one_logged_on() {
    let (bytes, key) = recorded("scapy-service-ticket-pac");
    let user = *verified(&bytes, &bytes, &key).unwrap().user();
    for (requestor, right) in [(user, true), (sid("S-1-5-21-1-2-3-500"), false)] {
        // In place of the empty buffer of claims, behind all others.
        let mut with = bytes.clone();
        let at = (8..).step_by(16).find(|at| with[*at] == 13).unwrap();
        let data = requestor.encode();
        with[at..at + 4].copy_from_slice(&PacType::REQUESTOR.to_le_bytes());
        with[at + 4..at + 8].copy_from_slice(&u32::try_from(data.len()).unwrap().to_le_bytes());
        let end = u64::try_from(with.len()).unwrap();
        with[at + 8..at + 16].copy_from_slice(&end.to_le_bytes());
        with.extend(data);
        let with = signed(with, &key);
        assert_eq!(PacType::decode(&with).unwrap().requestor(), Ok(Some(requestor)));
        let result = verified(&with, &with, &key);
        assert_eq!(result.err(), (!right).then_some(PacError::OtherAccount));
    }
}

//
#[test]
fn only_what_the_kdc_put_into_the_ticket_is_a_pac() {
    let (bytes, _) = recorded("scapy-service-ticket-pac");
    let world = World::of(&bytes, &bytes);
    let element = world.ticket().authorization_data[0];
    let bare = Element { kind: AD_WIN2K_PAC, data: &bytes };
    let other = Element { kind: 512, data: element.data };
    assert_eq!(Pac::find(&[element]), Ok(Some(&bytes[..])));
    for elements in [&[][..], &[bare], &[other]] {
        assert_eq!(Pac::find(elements), Ok(None));
    }
    let twice = Pac::find(&[element, element]).unwrap_err();
    assert_eq!(twice.kind, DecodeErrorKind::Duplicate);
    let garbage = Element { kind: AD_IF_RELEVANT, data: &bytes };
    assert!(Pac::find(&[garbage]).is_err());
}

/// A PAC of these buffers: type, size, offset.
fn header(buffers: &[(u32, u32, u64)], length: usize) -> Vec<u8> {
    let mut bytes = u32::try_from(buffers.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend([0; 4]);
    for (kind, size, offset) in buffers {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
    }
    bytes.resize(length, 0);
    bytes
}

//
#[test]
fn buffers_lie_within_the_pac_and_behind_its_header() {
    for (size, offset, taken) in [
        (8, 24, true),
        (0, 32, true),
        (8, 16, false),
        (8, 0, false),
        (4, 28, false),
        (9, 24, false),
        (1, 32, false),
        (0, 40, false),
        (u32::MAX, 24, false),
        (8, u64::MAX, false),
        (8, u64::MAX - 7, false),
        (8, 1 << 32, false),
    ] {
        let decoded = PacType::decode(&header(&[(13, size, offset)], 32)).is_ok();
        assert_eq!(decoded, taken, "{size} at {offset}");
    }
    // Nor do two share a byte: signatures that did would cover something else than what is read.
    for (first, second, taken) in [
        ((6, 16, 40), (7, 16, 56), true),
        ((6, 16, 56), (7, 16, 40), true),
        ((6, 17, 40), (7, 16, 56), false),
        ((6, 16, 40), (7, 16, 40), false),
        ((6, 32, 40), (7, 4, 48), false),
        ((6, 4, 48), (7, 32, 40), false),
        ((6, 0, 40), (7, 0, 40), true),
    ] {
        let decoded = PacType::decode(&header(&[first, second], 72)).is_ok();
        assert_eq!(decoded, taken, "{first:?} {second:?}");
    }
    let twice = PacType::decode(&header(&[(13, 0, 40), (13, 0, 40)], 40)).unwrap_err();
    assert_eq!(twice.kind, DecodeErrorKind::Duplicate);
    let mut many = header(&[], 4096);
    many[0] = 65;
    assert_eq!(PacType::decode(&many).unwrap_err().kind, DecodeErrorKind::TooMany);
    let mut version = header(&[], 8);
    version[4] = 1;
    assert_eq!(PacType::decode(&version).unwrap_err().field, "Version");
}

#[test]
fn security_identifiers_are_read_and_written() {
    for text in ["S-1-5-21-397955417-626881126-188441444-513", "S-1-0-0", "S-1-5", "S-1-18-1"] {
        let this = sid(text);
        assert_eq!(this.to_string(), text);
        let bytes = this.encode();
        assert_eq!(Sid::decode(&bytes), Ok(this));
        for length in 0..bytes.len() {
            assert!(Sid::decode(&bytes[..length]).is_err());
        }
        assert!(Sid::decode(&[&bytes[..], &[0]].concat()).is_err());
    }
    assert_eq!(sid("S-1-0x123456789ABC-1").to_string(), "S-1-0x123456789ABC-1");
    for text in ["", "S", "S-1", "S-2-5-1", "S-1-5-", "S-1-5-x", "S-1-5-4294967296", "1-5-21"] {
        assert!(text.parse::<Sid>().is_err(), "{text}");
    }
    assert!("S-1-0x1000000000000-1".parse::<Sid>().is_err());
    let longest = format!("S-1-5{}", "-1".repeat(15));
    assert!(sid(&longest).with_rid(1).is_none());
    assert!(format!("{longest}-1").parse::<Sid>().is_err());
    let mut bytes = sid(&longest).encode();
    bytes[1] = 16;
    bytes.extend([0; 4]);
    assert!(Sid::decode(&bytes).is_err());
    let domain = sid("S-1-5-21-1-2-3");
    assert!(sid("S-1-5-21-1-2-3-4").is_in(&domain) && !domain.is_in(&domain));
    assert!(!sid("S-1-5-21-1-2-3-4-5").is_in(&domain) && !sid("S-1-6-21-1-2-3-4").is_in(&domain));
    assert!(domain.is_of_a_domain() && !sid("S-1-5-32-544").is_of_a_domain());
}
