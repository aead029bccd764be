//! By which names accounts are found: the same rules for a file and for a store in memory.

#[path = "support/mod.rs"]
mod support;

use logon::Refusal;
use logon_users::{MemoryStore, Options, UserFile, UserFileErrorKind, WatchedUserFile};
use support::{Found, HASH, NONE, Scratch, hex, look_up, name};

fn corp() -> Options {
    Options {
        default_domain: Some("CORP".into()),
        dns_domains: vec![
            ("corp.example".into(), "CORP".into()),
            ("lab.example".into(), "LAB".into()),
        ],
    }
}

fn file(options: &Options, accounts: &[&str]) -> UserFile {
    let lines = accounts.iter().map(|name| match name.split_once(' ') {
        Some((name, field)) => format!("{name}\tnt={HASH}\t{field}\n"),
        None => format!("{name}\tnt={HASH}\n"),
    });
    let text: String = std::iter::once("logon-users 1\n".to_owned()).chain(lines).collect();
    UserFile::load(Scratch::with(text).path(), options).unwrap()
}

fn known(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[test]
fn domain_and_user_are_found_whatever_their_case() {
    let store = file(&Options::default(), &["CORP\\Älice"]);
    for (domain, user) in [("CORP", "Älice"), ("corp", "äLICE"), ("Corp", "ÄLICE")] {
        assert_eq!(name(&store, domain, user), known("CORP\\Älice"));
    }
    assert_eq!(name(&store, "LAB", "älice"), None);
    assert_eq!(name(&store, "CORP", "alice"), None);
    assert_eq!(name(&store, "CORP", ""), None);
    assert_eq!(name(&store, "", ""), None);
}

#[test]
fn a_dns_domain_sent_as_domain_is_the_domain_it_is_mapped_to() {
    let store = file(&corp(), &["CORP\\alice", "LAB\\alice"]);
    assert_eq!(name(&store, "Corp.Example", "alice"), known("CORP\\alice"));
    assert_eq!(name(&store, "lab.example", "alice"), known("LAB\\alice"));
    assert_eq!(name(&store, "other.example", "alice"), None);
    assert_eq!(name(&store, "MYLAPTOP", "alice"), None);
    let store = file(&corp(), &["corp.example\\alice"]);
    assert_eq!(name(&store, "CORP", "alice"), known("corp.example\\alice"));
}

#[test]
fn a_user_principal_name_is_explicit_or_made_of_user_and_mapped_domain() {
    let store = file(&corp(), &["CORP\\alice upn=ally@people.example", "LAB\\bob"]);
    assert_eq!(name(&store, "", "Ally@People.Example"), known("CORP\\alice"));
    assert_eq!(name(&store, "", "alice@corp.example"), known("CORP\\alice"));
    assert_eq!(name(&store, "", "bob@LAB.example"), known("LAB\\bob"));
    assert_eq!(name(&store, "", "bob@corp.example"), None);
    assert_eq!(name(&store, "", "bob@unmapped.example"), None);
    for nobody in ["@", "alice@", "@corp.example", "@CORP"] {
        assert_eq!(name(&store, "", nobody), None, "{nobody}");
    }
}

#[test]
fn an_explicit_principal_name_goes_before_one_made_of_user_and_domain() {
    let store = file(&corp(), &["CORP\\bob", "CORP\\alice upn=bob@corp.example"]);
    assert_eq!(name(&store, "", "bob@corp.example"), known("CORP\\alice"));
    assert_eq!(name(&store, "CORP", "bob"), known("CORP\\bob"));
}

#[test]
fn an_account_named_by_its_principal_name_has_the_mapped_domain() {
    let store = file(&corp(), &["alice@corp.example", "bob@unmapped.example"]);
    for (domain, user) in [("", "alice@corp.example"), ("CORP", "alice"), ("", "alice")] {
        assert_eq!(name(&store, domain, user), known("alice@corp.example"), "{domain} {user}");
    }
    assert_eq!(name(&store, "", "bob@unmapped.example"), known("bob@unmapped.example"));
    assert_eq!(name(&store, "CORP", "bob"), None);
}

#[test]
fn a_bare_user_is_of_the_default_domain() {
    let store = file(&corp(), &["CORP\\alice", "LAB\\alice", "LAB\\bob"]);
    assert_eq!(name(&store, "", "alice"), known("CORP\\alice"));
    assert_eq!(name(&store, "", "bob"), None);
    let dns = Options { default_domain: Some("lab.example".into()), ..corp() };
    let store = file(&dns, &["CORP\\alice", "LAB\\alice"]);
    assert_eq!(name(&store, "", "alice"), known("LAB\\alice"));
}

#[test]
fn without_a_default_domain_a_bare_user_has_to_be_the_only_one() {
    let store = file(&Options::default(), &["CORP\\alice", "LAB\\alice", "LAB\\bob"]);
    assert_eq!(name(&store, "", "alice"), None);
    assert_eq!(name(&store, "", "BOB"), known("LAB\\bob"));
    let store = file(&Options::default(), &["CORP\\alice", "LAB\\alice", "alice"]);
    assert_eq!(name(&store, "", "alice"), known("alice"));
}

#[test]
fn an_account_without_domain_is_of_the_default_domain_and_of_no_other() {
    let line = format!("alice:1000:{NONE}:{HASH}:[U          ]:LCT-3F0F0C60:\n");
    let scratch = Scratch::with(line);
    let store = UserFile::load(scratch.path(), &Options::default()).unwrap();
    assert_eq!(name(&store, "", "alice"), known("alice"));
    assert_eq!(name(&store, "CORP", "alice"), None);
    let store = UserFile::load(scratch.path(), &corp()).unwrap();
    assert_eq!(name(&store, "", "alice"), known("CORP\\alice"));
    assert_eq!(name(&store, "CORP", "alice"), known("CORP\\alice"));
    assert_eq!(name(&store, "corp.example", "alice"), known("CORP\\alice"));
    assert_eq!(name(&store, "", "alice@corp.example"), known("CORP\\alice"));
    assert_eq!(name(&store, "LAB", "alice"), None);
}

#[test]
fn names_that_the_options_make_equal_are_one_account_too_many() {
    for second in ["corp.example\\alice", "alice", "alice@corp.example"] {
        let text = format!("logon-users 1\nCORP\\alice\tnt={HASH}\n{second}\tnt={HASH}\n");
        let scratch = Scratch::with(text);
        assert_eq!(UserFile::load(scratch.path(), &Options::default()).unwrap().count(), 2);
        let error = UserFile::load(scratch.path(), &corp()).unwrap_err();
        assert_eq!(*error.kind(), UserFileErrorKind::Duplicate { first: 2 }, "{second}");
        assert_eq!(error.line(), Some(3));
    }
}

#[test]
fn a_store_in_memory_follows_the_same_rules() {
    let store = MemoryStore::with_options(corp())
        .with_password("CORP\\alice", "password")
        .with_nt_hash("bob@lab.example", logon::NtHash::of_password("secret"))
        .with_refusal("LAB\\carol", Refusal::AccountLocked);
    let alice = Found::Known("CORP\\alice".into(), HASH.into());
    for (domain, user) in [("corp", "ALICE"), ("", "alice"), ("", "alice@corp.example")] {
        assert_eq!(look_up(&store, domain, user), alice);
    }
    assert_eq!(name(&store, "LAB", "bob"), known("bob@lab.example"));
    assert_eq!(look_up(&store, "lab", "carol"), Found::Refused(Refusal::AccountLocked));
    assert!(!format!("{store:?}").contains("8846"));
}

#[test]
fn the_later_account_of_the_same_name_counts_in_memory() {
    let store = MemoryStore::new()
        .with_password("CORP\\alice", "old")
        .with_password("CORP\\bob", "secret")
        .with_password("corp\\Alice", "password");
    let alice = Found::Known("corp\\Alice".into(), HASH.into());
    assert_eq!(look_up(&store, "CORP", "alice"), alice);
    let secret = hex(&logon::NtHash::of_password("secret"));
    assert_eq!(look_up(&store, "CORP", "bob"), Found::Known("CORP\\bob".into(), secret));
}

#[test]
fn the_stores_are_for_all_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<UserFile>();
    shared::<WatchedUserFile>();
    shared::<MemoryStore>();
}
