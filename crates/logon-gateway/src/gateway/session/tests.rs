use super::contents::tests::any_user;
use super::{CLOCK_DIFFERENCE, MAX_COOKIE, SealError, SessionConfig, Sessions, bound_host, rotate};
use crate::gateway::identity::User;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use logon::AccountName;
use logon::http::Scheme;
use proptest::prelude::*;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const HOST: &str = "wiki.corp.example";

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

fn alice() -> User {
    let name = AccountName::new("CORP", "alice").with_upn("alice@corp.example");
    User::new(name, Scheme::Negotiate)
}

fn bob() -> User {
    User::new(AccountName::new("CORP", "bob"), Scheme::Basic)
}

/// Lifetimes of 15 minutes and 10 hours.
fn keys() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    rotate(&folder.path().join("keys"), 2, at(0)).unwrap();
    folder
}

fn load(folder: &Path, more: &str) -> Sessions {
    let config: SessionConfig = toml::from_str(&format!("keys = 'keys'\n{more}")).unwrap();
    Sessions::load(&config, folder).unwrap()
}

fn sessions() -> Sessions {
    load(keys().path(), "")
}

/// What a browser sends back.
fn sent(set_cookie: &HeaderValue) -> String {
    set_cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
}

fn value(set_cookie: &HeaderValue) -> String {
    sent(set_cookie).split_once('=').unwrap().1.to_owned()
}

fn opened(sessions: &Sessions, cookie: &str, host: &str, seconds: u64) -> Option<User> {
    sessions.open([cookie.as_bytes()].into_iter(), host, at(seconds)).map(|opened| opened.user)
}

#[test]
fn a_cookie_has_the_attributes_that_its_name_demands() {
    let cookie = sessions().seal(&alice(), HOST, at(0)).unwrap();
    assert!(cookie.is_sensitive());
    let text = cookie.to_str().unwrap();
    let (pair, attributes) = text.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-logon=A"), "version 1: {pair}");
    assert!(!text.contains("alice"));
    assert_eq!(attributes, "Max-Age=900; Path=/; Secure; HttpOnly; SameSite=Lax");
    let other = load(keys().path(), "cookie = 'sid'\nsame_site = 'none'\nlifetime = '20s'");
    let text = other.seal(&alice(), HOST, at(0)).unwrap();
    assert!(text.to_str().unwrap().starts_with("sid="));
    assert!(
        text.to_str().unwrap().ends_with("Max-Age=20; Path=/; Secure; HttpOnly; SameSite=None")
    );
    assert_eq!(other.clear(), "sid=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=None");
}

#[test]
fn a_cookie_is_for_one_host_in_all_its_spellings() {
    let sessions = sessions();
    let cookie = sent(&sessions.seal(&alice(), "Wiki.Corp.Example:8443", at(0)).unwrap());
    for host in [HOST, "WIKI.corp.example", "wiki.corp.example.", "wiki.corp.example:443"] {
        assert_eq!(opened(&sessions, &cookie, host, 0), Some(alice()), "{host}");
    }
    for host in ["", "corp.example", "xwiki.corp.example", "wiki.corp.example.evil", "wiki", ":443"]
    {
        assert_eq!(opened(&sessions, &cookie, host, 0), None, "{host}");
    }
    assert_eq!(sessions.seal(&alice(), "", at(0)), Err(SealError::NoHost));
    assert_eq!(bound_host("[::1]:8443").as_deref(), Some("::1"));
    assert_eq!(bound_host("[::1").as_deref(), None);
}

#[test]
fn every_changed_bit_is_refused() {
    let sessions = sessions();
    let cookie = sessions.seal(&alice(), HOST, at(0)).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(value(&cookie)).unwrap();
    let open = |bytes: &[u8]| {
        let cookie = format!("__Host-logon={}", URL_SAFE_NO_PAD.encode(bytes));
        opened(&sessions, &cookie, HOST, 0)
    };
    assert_eq!(open(&bytes), Some(alice()));
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << bit;
            assert_eq!(open(&changed), None, "byte {position}, bit {bit}");
        }
        assert_eq!(open(&bytes[..position]), None, "cut off at {position}");
        assert_eq!(open(&bytes[position + 1..]), None, "begun at {position}");
    }
    assert_eq!(open(&[&bytes[..], &[0]].concat()), None, "longer");
}

#[test]
fn every_changed_letter_is_refused() {
    let sessions = sessions();
    let cookie = sent(&sessions.seal(&alice(), HOST, at(0)).unwrap());
    let start = "__Host-logon=".len();
    for position in start..cookie.len() {
        for letter in ["A", "_", "=", "+", " ", "\"", "%"] {
            if cookie[position..=position] != *letter {
                let mut changed = cookie.clone();
                changed.replace_range(position..=position, letter);
                assert_eq!(opened(&sessions, &changed, HOST, 0), None, "{changed}");
            }
        }
    }
    assert_eq!(opened(&sessions, &format!("{cookie}="), HOST, 0), None);
    assert_eq!(opened(&sessions, &cookie.replace("__Host-", "__host-"), HOST, 0), None);
}

#[test]
fn a_session_ends_with_its_sliding_lifetime() {
    let sessions = sessions();
    let cookie = sent(&sessions.seal(&alice(), HOST, at(0)).unwrap());
    assert_eq!(opened(&sessions, &cookie, HOST, 899), Some(alice()));
    assert_eq!(opened(&sessions, &cookie, HOST, 900), None);
    assert_eq!(opened(&sessions, &cookie, HOST, 1_000_000), None);
}

#[test]
fn a_cookie_is_renewed_in_its_second_half_and_never_beyond_the_absolute_end() {
    let sessions = load(keys().path(), "max_lifetime = '1h'");
    let mut cookie = sent(&sessions.seal(&alice(), HOST, at(0)).unwrap());
    let first = cookie.clone();
    let open =
        |cookie: &str, seconds| sessions.open([cookie.as_bytes()].into_iter(), HOST, at(seconds));
    assert_eq!(open(&cookie, 449).unwrap().renewed, None);
    let mut ends = Vec::new();
    for now in (450..3600).step_by(450) {
        let opened = open(&cookie, now).unwrap();
        let Some(renewed) = opened.renewed else { continue };
        let text = renewed.to_str().unwrap();
        let (_, age) = text.split_once("Max-Age=").unwrap();
        ends.push(now + age.split_once(';').unwrap().0.parse::<u64>().unwrap());
        cookie = sent(&renewed);
    }
    // The last renewal is the one that reaches the absolute end; after it, none would gain.
    assert_eq!(ends, [1350, 1800, 2250, 2700, 3150, 3600]);
    assert_eq!(open(&cookie, 3599).unwrap().renewed, None);
    assert_eq!(open(&cookie, 3600), None);
    // A copy from before does not live on with it.
    assert_eq!(open(&first, 1350), None);
}

#[test]
fn a_shorter_lifetime_holds_for_cookies_from_before() {
    let folder = keys();
    let cookie = sent(&load(folder.path(), "").seal(&alice(), HOST, at(0)).unwrap());
    let shorter = load(folder.path(), "lifetime = '1m'\nmax_lifetime = '1m'");
    assert_eq!(opened(&shorter, &cookie, HOST, 59), Some(alice()));
    assert_eq!(opened(&shorter, &cookie, HOST, 60), None);
}

#[test]
fn a_cookie_from_the_future_is_refused() {
    let sessions = sessions();
    let cookie = sent(&sessions.seal(&alice(), HOST, at(1000)).unwrap());
    assert_eq!(opened(&sessions, &cookie, HOST, 1000 - CLOCK_DIFFERENCE), Some(alice()));
    assert_eq!(opened(&sessions, &cookie, HOST, 999 - CLOCK_DIFFERENCE), None);
    let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert_eq!(sessions.seal(&alice(), HOST, before_1970), Err(SealError::Clock));
    assert_eq!(sessions.open([cookie.as_bytes()].into_iter(), HOST, before_1970), None);
}

#[test]
fn keys_are_followed_until_they_are_taken_away() {
    let folder = keys();
    let path = folder.path().join("keys");
    let cookie = sent(&load(folder.path(), "").seal(&alice(), HOST, at(0)).unwrap());
    rotate(&path, 2, at(1)).unwrap();
    // Sealed by the second key: opens, and moves to the first at once.
    let second = load(folder.path(), "");
    let opened_by_second = second.open([cookie.as_bytes()].into_iter(), HOST, at(1)).unwrap();
    let renewed = sent(&opened_by_second.renewed.unwrap());
    assert_ne!(renewed.get(..20), cookie.get(..20), "the key's name is another");
    rotate(&path, 2, at(2)).unwrap();
    let third = load(folder.path(), "");
    assert_eq!(opened(&third, &cookie, HOST, 2), None);
    assert_eq!(opened(&third, &renewed, HOST, 2), Some(alice()));
    assert_eq!(opened(&load(keys().path(), ""), &renewed, HOST, 2), None, "foreign key");
}

#[test]
fn several_cookies_count_if_they_are_of_one_user() {
    let sessions = sessions();
    let seal = |user: &User, seconds| sent(&sessions.seal(user, HOST, at(seconds)).unwrap());
    let (old, new, other) = (seal(&alice(), 0), seal(&alice(), 600), seal(&bob(), 600));
    let open =
        |fields: &[&str]| sessions.open(fields.iter().map(|field| field.as_bytes()), HOST, at(600));
    // The newer one, which need not be renewed, in whatever order.
    for fields in [[old.as_str(), new.as_str()], [new.as_str(), old.as_str()]] {
        assert_eq!(open(&fields).unwrap().renewed, None);
        assert_eq!(open(&[&fields.join("; ")]).unwrap().user, alice());
    }
    assert!(open(&[&old]).unwrap().renewed.is_some());
    // What is not valid does not count.
    let rubbish = "__Host-logon=rubbish";
    assert_eq!(open(&[rubbish, &new, "__Host-logon="]).unwrap().user, alice());
    // Of two users none is it; and nobody hides behind a crowd.
    assert_eq!(open(&[&new, &other]), None);
    assert_eq!(open(&[&other, rubbish, &new]), None);
    assert_eq!(open(&[rubbish, rubbish, rubbish, &new]).unwrap().user, alice());
    assert_eq!(open(&[rubbish, rubbish, rubbish, rubbish, &new]), None);
    assert_eq!(open(&[&new, &new, &new, &new, &other]), None);
    assert_eq!(open(&[]), None);
    // Beside other cookies.
    assert_eq!(open(&[&format!("a=1;{new} ; b=2")]).unwrap().user, alice());
}

#[test]
fn a_name_too_long_for_a_cookie_gets_none() {
    let sessions = sessions();
    let long = |length| User { name: AccountName::new("CORP", "a".repeat(length)), ..alice() };
    assert_eq!(sessions.seal(&long(4000), HOST, at(0)), Err(SealError::TooLong));
    assert_eq!(sessions.seal(&long(70_000), HOST, at(0)), Err(SealError::Contents));
    let cookie = sent(&sessions.seal(&long(2900), HOST, at(0)).unwrap());
    assert!(cookie.len() <= MAX_COOKIE);
    assert_eq!(opened(&sessions, &cookie, HOST, 0), Some(long(2900)));
}

#[test]
fn the_application_neither_sees_nor_sets_it() {
    let sessions = sessions();
    let ours = sessions.seal(&alice(), HOST, at(0)).unwrap();
    let mut headers = HeaderMap::new();
    let both = format!("a=1; {}", sent(&ours));
    headers.insert(COOKIE, HeaderValue::try_from(both).unwrap());
    headers.append(SET_COOKIE, ours);
    headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
    sessions.strip(&mut headers);
    sessions.strip_response(&mut headers);
    assert_eq!(headers.get(COOKIE).unwrap(), "a=1");
    assert_eq!(headers.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["b=2"]);
}

#[test]
fn what_is_wrong_with_the_keys_is_said_with_the_command_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let load = |more: &str| {
        let config: SessionConfig = toml::from_str(&format!("keys = 'keys'\n{more}")).unwrap();
        Sessions::load(&config, folder.path()).map(|_| ()).unwrap_err()
    };
    let path = folder.path().join("keys").display().to_string();
    let command = format!("make a key with `logon session-key --file {path}`");
    let error = load("");
    assert_eq!(error, format!("session.keys {path}: there is no such file; {command}"));
    std::fs::write(&path, "# none\n").unwrap();
    assert!(load("").contains("there is no key in it"));
    std::fs::write(&path, "\nc2VjcmV0\n").unwrap();
    let error = load("");
    assert!(error.contains("line 2 is no key") && !error.contains("c2VjcmV0"), "{error}");
    assert!(load("lifetime = '11h'").contains("max_lifetime is shorter"));
    assert!(load("lifetime = '10ms'").contains("less than a second"));
}

#[test]
fn keys_are_not_in_debug() {
    let folder = keys();
    let debug = format!("{:?}", load(folder.path(), ""));
    assert!(debug.contains("keys: 1") && debug.contains("__Host-logon"), "{debug}");
    assert!(!debug.contains("cipher"), "{debug}");
}

proptest! {
    #[test]
    fn what_is_sealed_is_opened(user in any_user(), host in "[a-zA-Z0-9.-]{0,20}[a-z]", age in 0_u64..900) {
        let sessions = sessions();
        let cookie = sent(&sessions.seal(&user, &host, at(0)).unwrap());
        prop_assert_eq!(opened(&sessions, &cookie, &host, age), Some(user));
        prop_assert_eq!(opened(&sessions, &cookie, &format!("x{host}"), age), None);
    }

    #[test]
    fn rubbish_opens_nothing(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        field in proptest::collection::vec(any::<u8>(), 0..200),
        host in ".{0,20}",
    ) {
        let sessions = sessions();
        let cookie = format!("__Host-logon={}", URL_SAFE_NO_PAD.encode(bytes));
        let named = [b"__Host-logon=", &field[..]].concat();
        let fields = [cookie.as_bytes(), &field, &named];
        for field in fields {
            prop_assert_eq!(sessions.open([field].into_iter(), &host, at(0)), None);
        }
    }
}
