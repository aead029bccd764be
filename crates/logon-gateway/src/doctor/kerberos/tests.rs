//! Keytabs right and wrong, names, and a KDC on this machine.

use super::fix::Place;
use super::keytab::Keys;
use super::{Subject, conf, kdc, keytab, names};
use crate::doctor::checks::{Clock, Resolved};
use crate::doctor::report::{Findings, Level};
use logon::kerberos::{EncryptionType, Key, Keytab, PrincipalName, ServiceKey};
use logon::wire::krb5::{KdcReq, KdcReqKind, KerberosTime, KeytabEntry, KeytabFile, KrbError};
use logon_kdc::{KdcClient, Krb5Conf};
use stand_in::{Kdc, service_key};
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[path = "../../../../../tests/support/kdc.rs"]
mod stand_in;

const HOST: &str = "web01.corp.example";
const NAME: &str = "HTTP/web01.corp.example@CORP.EXAMPLE";

fn place() -> Place<'static> {
    Place { realm: "CORP.EXAMPLE", file: Path::new("http.keytab") }
}

/// Name, version, encryption type and key.
type Entry<'a> = (&'a str, u32, i32, u8);

fn write(folder: &Path, entries: &[Entry<'_>]) -> PathBuf {
    let path = folder.join("http.keytab");
    let names: Vec<PrincipalName> = entries.iter().map(|entry| entry.0.parse().unwrap()).collect();
    let keys: Vec<Vec<u8>> = entries
        .iter()
        .map(|(_, _, etype, byte)| {
            let length = EncryptionType::try_from(*etype).map_or(8, EncryptionType::key_length);
            vec![*byte; length]
        })
        .collect();
    let entry = |number: usize| KeytabEntry {
        principal: names[number].as_wire(),
        timestamp: 0,
        kvno: entries[number].1,
        key_type: entries[number].2,
        key: &keys[number],
    };
    let file = KeytabFile { entries: (0..entries.len()).map(entry).collect() };
    write_bytes(&path, &file.encode().unwrap());
    path
}

/// For its owner alone.
fn write_bytes(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    mode(path, 0o600);
}

#[cfg(unix)]
fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn mode(_: &Path, _: u32) {}

fn look(host: &str, rc4: bool, entries: &[Entry<'_>]) -> Findings {
    let folder = tempfile::tempdir().unwrap();
    let mut out = Findings::default();
    let keys = Keys::read(&[write(folder.path(), entries)], &mut out);
    keytab::check(host, &keys, rc4, &place(), &mut out);
    out
}

#[test]
fn a_keytab_with_strong_keys_of_both_names_is_well() {
    let short = "HTTP/web01@CORP.EXAMPLE";
    let entries = [(NAME, 3, 18, 1), (NAME, 3, 17, 1), (NAME, 2, 18, 9), (short, 3, 18, 1)];
    let out = look(HOST, false, &entries);
    out.assert_none_above(Level::Ok);
    out.assert(Level::Ok, "http.keytab can be read: 4 keys");
    out.assert(Level::Ok, "version 3, aes256-cts-hmac-sha1-96, aes128-cts-hmac-sha1-96");
    out.assert(Level::Ok, "versions 2, 3, so older tickets open");
    look("WEB01.corp.example", false, &entries).assert_none_above(Level::Note);
}

#[test]
fn a_name_without_a_key_fails_with_the_lines_of_all_three_worlds() {
    let out = look(HOST, false, &[("HTTP/www.corp.example@CORP.EXAMPLE", 1, 18, 1)]);
    for words in [
        "no key of HTTP/web01.corp.example, but of HTTP/www.corp.example@CORP.EXAMPLE",
        "\n    setspn -S HTTP/web01.corp.example ACCOUNT\n",
        "ktpass /princ HTTP/web01.corp.example@CORP.EXAMPLE /mapuser ACCOUNT /crypto AES256-SHA1 ",
        "\n    samba-tool spn add HTTP/web01.corp.example ACCOUNT\n",
        "samba-tool domain exportkeytab http.keytab --principal=HTTP/web01.corp.example\n",
        "\n    kadmin -q 'ktadd -k http.keytab HTTP/web01.corp.example'",
    ] {
        out.assert(Level::Fail, words);
    }
    // Another service of the host has another key, as a rule.
    let host = look(HOST, false, &[("host/web01.corp.example@CORP.EXAMPLE", 1, 18, 1)]);
    host.assert(Level::Fail, "no key of HTTP/web01.corp.example, but of host/");
}

#[test]
fn short_names_and_addresses_are_told() {
    let out = look(HOST, false, &[(NAME, 1, 18, 1)]);
    out.assert(Level::Note, "no key of HTTP/web01: who types http://web01/");
    out.assert_none_above(Level::Note);
    for address in ["10.0.0.7", "fd00::7"] {
        look(address, false, &[(NAME, 1, 18, 1)]).assert(Level::Warn, "is an address");
    }
}

#[test]
fn weak_keys_are_told_by_how_weak_they_are() {
    let fail = look(HOST, false, &[(NAME, 1, 23, 1)]);
    fail.assert(Level::Fail, "only a key of rc4-hmac");
    fail.assert(Level::Fail, "Set-ADUser ACCOUNT -KerberosEncryptionType AES128,AES256");
    fail.assert(Level::Fail, "net ads enctypes set ACCOUNT 24");
    look(HOST, true, &[(NAME, 1, 23, 1)]).assert(Level::Warn, "can be guessed");
    // The newest version counts.
    look(HOST, false, &[(NAME, 1, 18, 1), (NAME, 2, 23, 1)]).assert(Level::Fail, "only a key");
    look(HOST, false, &[(NAME, 2, 18, 1), (NAME, 2, 23, 1)]).assert(Level::Note, "beside AES");
    look(HOST, false, &[(NAME, 2, 17, 1)]).assert(Level::Note, "128 bits only");
    let des = look(HOST, false, &[(NAME, 2, 3, 1), (NAME, 2, 1, 1), (NAME, 2, 18, 1)]);
    des.assert(Level::Note, "not supported: 1, 3");
    let only_des = look(HOST, false, &[(NAME, 2, 3, 1)]);
    only_des.assert(Level::Fail, "has no key that can be used");
    only_des.assert(Level::Fail, "no key of HTTP/web01.corp.example");
}

#[test]
fn names_in_other_letters_and_keys_that_contradict_each_other_are_told() {
    let small = look(HOST, false, &[("HTTP/web01.corp.example@corp.example", 1, 18, 1)]);
    small.assert(Level::Warn, "in small letters");
    let service = look(HOST, false, &[("http/WEB01.corp.example@CORP.EXAMPLE", 1, 18, 1)]);
    service.assert(Level::Note, "compares by case: HTTP/web01.corp.example there");
    let twice = look(HOST, false, &[(NAME, 1, 18, 1), (NAME, 1, 18, 2)]);
    twice.assert(Level::Warn, "two keys of version 1 and one type");
    let same = look(HOST, false, &[(NAME, 1, 18, 1), (NAME, 1, 18, 1)]);
    same.assert_none_above(Level::Note);
}

#[test]
fn a_file_that_is_not_there_or_no_keytab_or_open_to_all_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| {
        let mut out = Findings::default();
        Keys::read(&[path.to_owned()], &mut out);
        out
    };
    let path = folder.path().join("http.keytab");
    read(&path).assert(Level::Fail, "there is no keytab");
    read(folder.path()).assert(Level::Fail, "is not a regular file");
    write_bytes(&path, b"\x05\x02\0\0\0\x09");
    read(&path).assert(Level::Fail, "is not in order: keytab: size at offset 2");
    write_bytes(&path, b"\x05\x02");
    read(&path).assert(Level::Fail, "has no key that can be used");
    let path = write(folder.path(), &[(NAME, 1, 18, 1)]);
    read(&path).assert_none_above(Level::Ok);
    mode(&path, 0o644);
    if cfg!(unix) {
        read(&path).assert(Level::Warn, "chmod 640");
    }
}

fn keys_of(keys: impl IntoIterator<Item = ServiceKey>) -> Keys {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.keytab");
    write_bytes(&path, &keys.into_iter().collect::<Keytab>().encode().unwrap());
    Keys::read(&[path], &mut Findings::default())
}

fn entry(name: &str, kvno: u32, key: Key) -> ServiceKey {
    ServiceKey { principal: name.parse().unwrap(), kvno, key }
}

#[test]
fn the_realm_of_the_configuration_has_to_be_that_of_the_key() {
    let keys = keys_of([entry(NAME, 1, service_key("x"))]);
    let look = |text: &str| {
        let mut out = Findings::default();
        conf::check(HOST, &keys, &Krb5Conf::parse(text), &mut out);
        out
    };
    look("[libdefaults]\n default_realm = CORP.EXAMPLE").assert(Level::Ok, "as its key says");
    look("[domain_realm]\n .corp.example = CORP.EXAMPLE").assert(Level::Ok, "as its key says");
    let other = look("[libdefaults]\n default_realm = OTHER.EXAMPLE");
    other.assert(Level::Warn, "is in OTHER.EXAMPLE; its key is of CORP.EXAMPLE");
    other.assert(Level::Warn, "[domain_realm]\n    web01.corp.example = CORP.EXAMPLE");
    assert!(look("").0.is_empty());
}

#[test]
fn an_alias_needs_keys_of_both_names() {
    let answer = |address: &str, canonical: Option<&str>, back: Option<&str>| Resolved::To {
        addresses: vec![address.parse().unwrap()],
        canonical: canonical.map(Into::into),
        back: back.map(Into::into),
    };
    let one = keys_of([entry(NAME, 1, service_key("x"))]);
    let other = "HTTP/srv1.corp.example@CORP.EXAMPLE";
    let both = keys_of([entry(NAME, 1, service_key("x")), entry(other, 1, service_key("x"))]);
    let say = |keys: &Keys, answer: &Resolved| {
        let mut out = Findings::default();
        names::say(HOST, answer, keys, &place(), &mut out);
        out
    };
    let alias = answer("127.0.0.1", Some("srv1.corp.example."), None);
    let out = say(&one, &alias);
    out.assert(Level::Warn, "ask for a ticket of HTTP/srv1.corp.example");
    out.assert(Level::Warn, "setspn -S HTTP/srv1.corp.example ACCOUNT");
    say(&both, &alias).assert_none_above(Level::Ok);
    let out = say(&one, &answer("127.0.0.1", Some("localhost"), None));
    out.assert(Level::Warn, "in /etc/hosts give web01.corp.example a line of its own");
    let back = answer("127.0.0.1", Some("WEB01.corp.example."), Some("srv1.corp.example"));
    say(&one, &back).assert(Level::Note, "rdns = false");
    say(&both, &back).assert_none_above(Level::Ok);
    say(&one, &Resolved::Not("unknown".into())).assert(Level::Warn, "add it to DNS");
}

fn reached(addresses: &[&str], listen: &[&str], both: bool) -> Findings {
    let addresses: Vec<_> = addresses.iter().map(|it| it.parse().unwrap()).collect();
    let at: Vec<_> = listen.iter().map(|it| it.parse().unwrap()).collect();
    let mut out = Findings::default();
    names::reach(HOST, &addresses, &names::Listening { at: &at, both }, &mut out);
    assert_eq!(out.0.len(), 1, "{:#?}", out.0);
    out
}

#[test]
fn a_name_has_to_lead_to_where_the_gateway_listens() {
    let look = |addresses: &[&str], listen: &[&str]| reached(addresses, listen, true);
    for listen in [&[][..], &["127.0.0.55:8443"], &["0.0.0.0:8443"], &["[::]:8443"]] {
        look(&["127.0.0.55"], listen).assert(Level::Ok, "is 127.0.0.55, this machine");
    }
    look(&["::1", "127.0.0.1"], &["127.0.0.1:8443"]).assert(Level::Ok, "this machine");
    let other = look(&["127.0.0.55"], &["127.0.0.1:8443", "[::1]:8443"]);
    other.assert(
        Level::Warn,
        "is 127.0.0.55, and the gateway listens at 127.0.0.1:8443, [::1]:8443",
    );
    other.assert(Level::Warn, "`address = \"0.0.0.0:8443\"` in [[listen]]");
    look(&["::1"], &["127.0.0.1:81"]).assert(Level::Warn, "`address = \"[::]:81\"`");
    // TEST-NET-1 is nobody's.
    for listen in [&[][..], &["0.0.0.0:8443"], &["192.0.2.7:8443"]] {
        look(&["192.0.2.1"], listen).assert(Level::Note, "not an address of this machine");
    }
    look(&["192.0.2.1"], &["127.0.0.1:8443"])
        .assert(Level::Warn, "listens at 127.0.0.1:8443 alone");
}

#[test]
fn a_name_of_this_machine_for_itself_leads_others_elsewhere() {
    for (address, listen) in [
        ("127.0.1.1", &["192.0.2.7:8443"][..]),
        ("127.0.1.1", &["127.0.0.1:8080", "192.0.2.7:8443"]),
        ("::1", &["0.0.0.0:8443"]),
    ] {
        let out = reached(&[address], listen, true);
        out.assert(Level::Note, &format!("is {address} on this machine, and the gateway listens"));
        out.assert(Level::Note, "see that DNS leads the others there");
    }
}

#[test]
fn all_addresses_of_ipv6_are_those_of_ipv4_on_some_systems_alone() {
    let look = |both| reached(&["127.0.0.1", "192.0.2.1"], &["[::]:8443"], both);
    look(true).assert(Level::Ok, "this machine");
    look(false).assert(Level::Note, "the gateway listens at [::]:8443");
    reached(&["::1"], &["[::]:8443"], false).assert(Level::Ok, "this machine");
}

#[cfg(target_os = "linux")]
#[test]
fn the_system_says_whether_all_addresses_of_ipv6_are_those_of_ipv4() {
    let own = std::fs::read_to_string("/proc/sys/net/ipv6/bindv6only");
    let both = own.is_ok_and(|own| own.trim() == "0");
    assert_eq!(names::gives_both(), both);
}

/// A KDC at a port, until it is dropped.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Server {
    fn start(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length @ 1.., peer)) = socket.recv_from(&mut buffer) {
                log.lock().unwrap().push(buffer[..length].to_vec());
                socket.send_to(&answer(&buffer[..length]), peer).unwrap();
            }
        });
        Self { port, asked }
    }

    /// Of one that is nothing special.
    fn of(kdc: Kdc) -> Self {
        Self::start(move |message| kdc.answer(message))
    }

    fn client(&self) -> KdcClient {
        client(self.port, Duration::from_secs(20))
    }

    /// How many AS-REQ there were that showed a key; one that is sent again is the same.
    fn proofs(&self) -> usize {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort_unstable();
        asked.dedup();
        let shows = |message: &&Vec<u8>| {
            let request = KdcReq::decode(KdcReqKind::As, message);
            request.is_ok_and(|request| request.padata.iter().any(|element| element.kind == 2))
        };
        asked.iter().filter(shows).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(&[], ("127.0.0.1", self.port)).unwrap();
    }
}

fn client(port: u16, limit: Duration) -> KdcClient {
    let text = format!(
        "[libdefaults]\n default_realm = CORP.EXAMPLE\n dns_lookup_kdc = false\n\
         [realms]\n CORP.EXAMPLE = {{\n kdc = 127.0.0.1:{port}\n }}\n"
    );
    let client = KdcClient::new(Arc::new(Krb5Conf::parse(&text)));
    client.limit(limit)
}

fn now() -> u64 {
    u64::try_from(Clock::now().0).unwrap()
}

/// Beside the service, the account that has its name, as a keytab of Samba has them.
fn account(kdc: &Kdc) -> ServiceKey {
    entry("alice@CORP.EXAMPLE", 1, kdc.user_key())
}

async fn ask_about(hosts: &[&str], keys: &Keys, kdc: &KdcClient) -> Findings {
    let hosts: BTreeSet<String> = hosts.iter().map(ToString::to_string).collect();
    let subject = Subject {
        hosts: &hosts,
        keytabs: Vec::new(),
        listen: Vec::new(),
        rc4: false,
        clock: Clock::now(),
    };
    let mut out = Findings::default();
    kdc::check(&subject, keys, kdc, &place(), &mut out).await;
    out
}

fn service(kvno: u32) -> ServiceKey {
    entry(NAME, kvno, service_key("HTTP/web01.corp.example"))
}

#[tokio::test]
async fn a_ticket_of_the_service_to_itself_shows_whether_the_key_is_right() {
    let kdc = Kdc::new("CORP.EXAMPLE", now());
    let server = Server::of(kdc.clone());
    let out = ask_about(&[HOST], &keys_of([service(1), account(&kdc)]), &server.client()).await;
    out.assert(Level::Ok, "agrees with the KDC of CORP.EXAMPLE");
    out.assert(Level::Ok, "a ticket of HTTP/web01.corp.example (version 1, aes256");
    out.assert_none_above(Level::Ok);
    assert_eq!(server.proofs(), 1);

    let out = ask_about(&[HOST], &keys_of([service(7), account(&kdc)]), &server.client()).await;
    out.assert(Level::Warn, "opens with the key of version 7");
    let old = entry(NAME, 1, service_key("of last year"));
    let out = ask_about(&[HOST], &keys_of([old, account(&kdc)]), &server.client()).await;
    out.assert(Level::Fail, "does not open: the password was changed");
    out.assert(Level::Fail, "setspn -Q HTTP/web01.corp.example says which one");
    let weak = Key::new(EncryptionType::Aes128CtsHmacSha1_96, &[1; 16]).unwrap();
    let keys = keys_of([entry(NAME, 1, weak), account(&kdc)]);
    let out = ask_about(&[HOST], &keys, &server.client()).await;
    out.assert(Level::Fail, "is of aes256-cts-hmac-sha1-96, and the keytab has no such key");
}

#[tokio::test]
async fn a_service_that_nobody_knows_or_several_have_is_told() {
    let nobody = Kdc { services: &[], ..Kdc::new("CORP.EXAMPLE", now()) };
    let keys = keys_of([service(1), account(&nobody)]);
    let server = Server::of(nobody);
    let out = ask_about(&[HOST], &keys, &server.client()).await;
    out.assert(Level::Fail, "no account has the name HTTP/web01.corp.example");
    out.assert(Level::Fail, "setspn -S HTTP/web01.corp.example ACCOUNT");

    let kdc = Kdc::new("CORP.EXAMPLE", now());
    let server = Server::start(move |message| match message[0] {
        0x6c => refusal(8, now()),
        _ => kdc.answer(message),
    });
    let out = ask_about(&[HOST], &keys, &server.client()).await;
    out.assert(Level::Fail, "several accounts have the name");
    out.assert(Level::Fail, "setspn -X");
}

fn refusal(code: i32, time: u64) -> Vec<u8> {
    let server = PrincipalName::ticket_granting("CORP.EXAMPLE", "CORP.EXAMPLE");
    let mut out = Vec::new();
    KrbError {
        ctime: None,
        cusec: None,
        stime: KerberosTime::from_unix(time),
        susec: 0,
        error_code: code,
        client: logon::wire::krb5::Principal::default(),
        server: server.as_wire(),
        e_text: None,
        e_data: None,
    }
    .encode(&mut out)
    .unwrap();
    out
}

#[tokio::test]
async fn what_cannot_be_seen_from_here_is_said_and_the_clock_is_compared_all_the_same() {
    let server = Server::of(Kdc::new("CORP.EXAMPLE", now() - 200));
    let out = ask_about(&[HOST], &keys_of([service(4)]), &server.client()).await;
    out.assert(Level::Note, "with a key of version 4, cannot be seen from here");
    out.assert(Level::Note, "kvno HTTP/web01.corp.example");
    out.assert(Level::Warn, "seconds behind this machine");
    assert_eq!(server.proofs(), 0);
    // Not even a key of the host.
    let server = Server::of(Kdc::new("CORP.EXAMPLE", now() + 1000));
    let out = ask_about(&["www.corp.example"], &keys_of([service(4)]), &server.client()).await;
    out.assert(Level::Fail, "seconds ahead of this machine: every ticket is refused");
    assert_eq!((out.0.len(), server.proofs()), (1, 0));
}

#[tokio::test]
async fn a_key_that_the_kdc_refuses_is_shown_once() {
    let kdc = Kdc::new("CORP.EXAMPLE", now());
    let server = Server::of(kdc);
    let other = "HTTP/www.corp.example@CORP.EXAMPLE";
    let wrong = entry("alice@CORP.EXAMPLE", 1, service_key("wrong"));
    let keys = keys_of([service(1), entry(other, 1, service_key("x")), wrong]);
    let hosts = [HOST, "www.corp.example"];
    let out = ask_about(&hosts, &keys, &server.client()).await;
    out.assert(Level::Fail, "has another key of alice@CORP.EXAMPLE than the keytab");
    assert_eq!(server.proofs(), 1);

    for (code, words) in [(18, "disabled, locked or expired"), (23, "has expired"), (14, "type")] {
        let server = Server::start(move |_| refusal(code, now()));
        let out = ask_about(&[HOST], &keys, &server.client()).await;
        out.assert(Level::Fail, words);
    }
}

#[tokio::test]
async fn without_a_kdc_the_rest_is_looked_at() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let kdc = client(silent.local_addr().unwrap().port(), Duration::from_millis(300));
    let out = ask_about(&[HOST], &keys_of([service(1)]), &kdc).await;
    out.assert(Level::Warn, "no KDC of realm CORP.EXAMPLE answered");
    assert_eq!(out.count(Level::Fail), 0);
}
