//! HTTP's Digest scheme: the field `ha1=`, who is found by it, and what edits make of it.

#[path = "support/mod.rs"]
mod support;

use logon::DigestAlgorithm::{self, Md5, Sha256, Sha512_256};
use logon::DigestUsername::{Hash, Plain};
use logon::{CredentialStore, Ha1, NtHash, Refusal, digest_user_hash};
use logon_users::edit::{Added, add, add_password, list};
use logon_users::{DigestProblem, MemoryStore, Options, UserFile, UserFileErrorKind as Kind};
use logon_users::{UserFileError, WatchedUserFile};
use support::{Found, HASH, NONE, Scratch, look_up_digest};

/// `alice:corp:password` as `openssl dgst` hashes it.
const ALICE: [(DigestAlgorithm, &str); 3] = [
    (Sha256, "0f3564cfa54b0006da94ce388475ced3634acd9015aecb9f5873b04e21e62e4b"),
    (Sha512_256, "63d5e5e7e0b3b95c628a21bd4102cff44094139f5e5014dc23ab843f205568b8"),
    (Md5, "f111411ee72ce8257bf8e1b694f7e238"),
];
/// `alice:corp`, and then `CORP\alice:corp`, by the same means.
const USER_HASHES: [(DigestAlgorithm, &str, &str); 3] = [
    (
        Sha256,
        "1e5d32db5ac03b173fa5be0704365d05a22d8c8fcee49583b69a29c787b1ece5",
        "0b31a025d41b53f7f4adfab2f35b2c3d0c1ada99f9482fe9f4e4e58a30501264",
    ),
    (
        Sha512_256,
        "2828dedc2a924b0bfca8d74b60728734e4c55a99540e1766eab6d4aa24d8e4fe",
        "802bf06ea4db5ab3fd59d95967c7055a13e146dec045621ae841df227172894f",
    ),
    (Md5, "4da0d1ae16b318ccf92cf5791277a733", "0174c8cfe99a8eb5f46282010dc2e734"),
];

fn load(text: &str, options: &Options) -> Result<UserFile, UserFileError> {
    UserFile::load(Scratch::with(text).path(), options)
}

/// A field for the password "password".
fn ha1(algorithm: DigestAlgorithm, spelling: &str, realm: &str) -> String {
    let ha1 = Ha1::of_password(algorithm, spelling, realm, "password");
    format!("ha1={algorithm}:{}:{spelling}:{realm}", ha1.expose())
}

fn known(name: &str, algorithm: DigestAlgorithm, spelling: &str, password: &str) -> Found {
    let ha1 = Ha1::of_password(algorithm, spelling, "corp", password);
    Found::Known(name.into(), ha1.expose().into())
}

/// Who the store says that `spelling` is, in the realm `corp`.
fn sha256(store: &dyn CredentialStore, spelling: &str) -> Found {
    look_up_digest(store, Plain(spelling), "corp", Sha256)
}

#[test]
fn a_hash_serves_its_own_spelling_realm_and_algorithm_and_nothing_else() {
    let (_, digits) = ALICE[0];
    let upper = digits.to_uppercase();
    let line = format!("CORP\\alice\tha1=sha-256:{upper}:alice:corp\tnt={HASH}\tdisabled");
    let text = format!("logon-users 1\n{}\n", line.replace("\tdisabled", ""));
    let store = load(&text, &Options::default()).unwrap();
    assert_eq!(sha256(&store, "alice"), Found::Known("CORP\\alice".into(), digits.into()));
    for spelling in ["Alice", "ALICE", "CORP\\alice", "corp\\alice", "alice ", "bob", ""] {
        assert_eq!(sha256(&store, spelling), Found::Unknown, "{spelling:?}");
    }
    for realm in ["CORP", "corp ", "lab", ""] {
        assert_eq!(look_up_digest(&store, Plain("alice"), realm, Sha256), Found::Unknown);
        assert!(!store.has_digest(realm), "{realm:?}");
    }
    assert!(store.has_digest("corp"));
    for algorithm in [Sha512_256, Md5] {
        assert_eq!(look_up_digest(&store, Plain("alice"), "corp", algorithm), Found::Unknown);
    }
    assert_eq!(store.list()[0].digest_realms, ["corp"]);

    let store = load(&format!("logon-users 1\n{line}\n"), &Options::default()).unwrap();
    assert_eq!(sha256(&store, "alice"), Found::Refused(Refusal::AccountDisabled));
}

#[test]
fn the_hash_of_a_name_finds_whom_the_name_finds_in_the_same_realm_by_the_same_algorithm() {
    let fields = ALICE.map(|(algorithm, _)| ha1(algorithm, "alice", "corp")).join("\t");
    let lab = DigestAlgorithm::ALL.map(|algorithm| ha1(algorithm, "alice", "lab")).join("\t");
    let text = format!("logon-users 1\nCORP\\alice\tnt={HASH}\t{fields}\t{lab}\n");
    let file = load(&text, &Options::default()).unwrap();
    let memory = MemoryStore::new().with_password("CORP\\alice", "password");
    for ((algorithm, user_hash, whole), (_, digits)) in USER_HASHES.into_iter().zip(ALICE) {
        let alice = Found::Known("CORP\\alice".into(), digits.into());
        for store in [&file as &dyn CredentialStore, &memory] {
            let ask = |hash, algorithm| look_up_digest(store, Hash(hash), "corp", algorithm);
            assert_eq!(ask(user_hash, algorithm), alice);
            for other in DigestAlgorithm::ALL.into_iter().filter(|other| *other != algorithm) {
                assert_eq!(ask(user_hash, other), Found::Unknown);
            }
            let elsewhere = look_up_digest(store, Hash(user_hash), "lab", algorithm);
            assert_eq!(elsewhere, Found::Unknown);
            // A hash is no name, and a name is no hash.
            let name = look_up_digest(store, Plain(user_hash), "corp", algorithm);
            assert_eq!((name, ask("alice", algorithm)), (Found::Unknown, Found::Unknown));
        }
        let by_whole = |store| look_up_digest(store, Hash(whole), "corp", algorithm);
        assert_eq!(by_whole(&file), Found::Unknown);
        let expected = known("CORP\\alice", algorithm, "CORP\\alice", "password");
        assert_eq!(by_whole(&memory), expected);
    }
}

#[test]
fn a_spelling_that_two_accounts_share_is_of_the_default_domain_or_nobodys() {
    let scratch = Scratch::empty();
    for (name, password) in [("CORP\\alice", "of corp"), ("LAB\\alice", "of lab")] {
        add_password(scratch.path(), name, password, Some("corp"), false).unwrap();
    }
    let hash = digest_user_hash(Sha256, "alice", "corp");
    let ask = |options: &Options| {
        let file = UserFile::load(scratch.path(), options).unwrap();
        // Whole names are never in doubt.
        for (name, password) in [("CORP\\alice", "of corp"), ("LAB\\alice", "of lab")] {
            assert_eq!(sha256(&file, name), known(name, Sha256, name, password));
        }
        let by_hash = look_up_digest(&file, Hash(&hash), "corp", Sha256);
        assert_eq!(sha256(&file, "alice"), by_hash);
        by_hash
    };
    assert_eq!(ask(&Options::default()), Found::Unknown);
    let lab = known("LAB\\alice", Sha256, "alice", "of lab");
    assert_eq!(ask(&Options::default().default_domain("LAB")), lab);
    assert_eq!(ask(&Options::default().default_domain("OTHER")), Found::Unknown);
}

#[test]
fn an_account_does_not_lend_its_hash_to_whom_its_name_means_elsewhere() {
    // Only LAB\alice has a hash for `alice`; in CORP that name is somebody else.
    let text = format!(
        "logon-users 1\nCORP\\alice\tnt={HASH}\nLAB\\alice\tnt={HASH}\t{}\n",
        ha1(Sha256, "alice", "corp")
    );
    let corp = Options::default().default_domain("CORP");
    assert_eq!(sha256(&load(&text, &corp).unwrap(), "alice"), Found::Unknown);
}

#[test]
fn malformed_fields_are_named() {
    let wrong = |fields: &str, kind: Kind| {
        let text = format!("logon-users 1\n#\nCORP\\alice\tnt={HASH}\t{fields}\n");
        let error = load(&text, &Options::default()).unwrap_err();
        assert_eq!((error.line(), error.kind()), (Some(3), &kind), "{fields}");
        assert!(!error.to_string().contains(ALICE[0].1), "{error}");
    };
    let problem = |field: &str, problem| wrong(field, Kind::Ha1 { field: 2, problem });
    let good = ha1(Sha256, "alice", "corp");
    let (_, digits) = ALICE[0];
    for field in ["ha1=", "ha1=SHA-256", &format!("ha1=SHA-256:{digits}:alice"), "ha1=::"] {
        problem(field, DigestProblem::Parts);
    }
    for algorithm in ["", "SHA-1", "SHA-256-sess", "SHA256", " SHA-256"] {
        problem(&good.replace("SHA-256", algorithm), DigestProblem::Algorithm);
    }
    for bad in ["", &digits[1..], &format!("{digits}0"), &digits.replace('0', "g"), &digits[..32]] {
        problem(&good.replace(digits, bad), DigestProblem::Hash);
    }
    problem(&good.replace("SHA-256", "MD5"), DigestProblem::Hash);
    for realm in ["", " corp", "corp ", "co\u{1}rp"] {
        problem(&good.replace(":corp", &format!(":{realm}")), DigestProblem::Realm);
    }
    let others = ["", "bob", "LAB\\alice", "alice@corp.example", "alice ", "CORP\\", "CORP"];
    for name in others {
        problem(&good.replace(":alice:", &format!(":{name}:")), DigestProblem::OtherName);
    }
    wrong(&format!("{good}\t{good}"), Kind::RepeatedField { field: 3 });
    let twice = good.replace(digits, &"0".repeat(64)).replace("SHA", "sha");
    wrong(&format!("disabled\t{good}\t{twice}"), Kind::RepeatedField { field: 4 });
    wrong(&good.replace("ha1=", ""), Kind::UnknownField { field: 2 });
}

#[test]
fn every_own_name_may_stand_there_in_any_case_and_a_realm_may_have_colons() {
    let spellings = ["CORP\\alice", "corp\\Alice", "alice", "ALICE", "ally@people.example"];
    let fields = spellings.map(|spelling| ha1(Sha256, spelling, "a realm: of mine")).join("\t");
    let line = format!("CORP\\alice\t{fields}\tupn=Ally@people.example\tnt={HASH}");
    let store = load(&format!("logon-users 1\n{line}\n"), &Options::default()).unwrap();
    for spelling in spellings {
        let found = look_up_digest(&store, Plain(spelling), "a realm: of mine", Sha256);
        assert!(matches!(found, Found::Known(name, _) if name == "CORP\\alice"), "{spelling}");
    }
    assert_eq!(store.list()[0].digest_realms, ["a realm: of mine"]);
}

#[test]
fn the_other_formats_have_no_digest() {
    let smbpasswd = format!("alice:1000:{NONE}:{HASH}:[U          ]:LCT-3F0F0C60:\n");
    for text in [&smbpasswd, ":alice:password\n"] {
        let store = load(text, &Options::default()).unwrap();
        assert!(!store.has_digest("corp"));
        assert_eq!(sha256(&store, "alice"), Found::Unknown);
        assert!(store.list()[0].digest_realms.is_empty());
    }
}

#[test]
fn a_store_in_memory_answers_by_its_passwords_for_every_name_in_every_realm() {
    let options = Options::default().default_domain("CORP").dns_domain("corp.example", "CORP");
    let hashed = MemoryStore::with_options(options)
        .with_nt_hash("CORP\\bob", NtHash::of_password("password"))
        .with_refusal("CORP\\carol", Refusal::AccountLocked);
    assert!(!hashed.has_digest("corp"));
    let store = hashed
        .with_password("alice", "password")
        .with_nt_hash("CORP\\dave", NtHash::of_password("password"));
    assert!(store.has_digest("corp") && store.has_digest("lab"));
    for spelling in ["alice", "Alice", "CORP\\alice", "corp\\ALICE", "alice@Corp.Example"] {
        let alice = known("CORP\\alice", Sha256, spelling, "password");
        assert_eq!(sha256(&store, spelling), alice);
    }
    assert_eq!(sha256(&store, "LAB\\alice"), Found::Unknown);
    assert_eq!(sha256(&store, "bob"), Found::Unknown);
    assert_eq!(sha256(&store, "carol"), Found::Refused(Refusal::AccountLocked));
    assert!(!format!("{store:?}").contains("password"));

    let later = store.with_password("CORP\\alice", "another");
    assert_eq!(sha256(&later, "alice"), known("CORP\\alice", Sha256, "alice", "another"));
    let hashed = later.with_nt_hash("CORP\\alice", NtHash::of_password("another"));
    assert!(!hashed.has_digest("corp"));
    assert_eq!(sha256(&hashed, "alice"), Found::Unknown);
}

#[test]
fn either_question_reads_a_changed_file_again() {
    // A little more than the time between two looks at the file.
    let next_look = || std::thread::sleep(std::time::Duration::from_millis(1100));
    let scratch = Scratch::empty();
    let set = |password| add_password(scratch.path(), "alice", password, Some("corp"), true);
    add_password(scratch.path(), "alice", "old", None, false).unwrap();
    let store = WatchedUserFile::open(scratch.path(), Options::default()).unwrap();
    assert!(!store.has_digest("corp"));
    set("old").unwrap();
    next_look();
    assert!(store.has_digest("corp"));
    assert_eq!(sha256(&store, "alice"), known("alice", Sha256, "alice", "old"));
    set("new").unwrap();
    next_look();
    assert_eq!(sha256(&store, "alice"), known("alice", Sha256, "alice", "new"));
}

#[test]
fn a_new_account_gets_a_hash_for_each_name_and_algorithm() {
    let scratch = Scratch::empty();
    let added = add_password(scratch.path(), "CORP\\alice", "password", Some("corp"), false);
    assert_eq!(added, Ok(Added::New));
    let fields: Vec<_> = ["CORP\\alice", "alice"]
        .into_iter()
        .flat_map(|name| DigestAlgorithm::ALL.map(|algorithm| ha1(algorithm, name, "corp")))
        .collect();
    let line = format!("CORP\\alice\tnt={HASH}\t{}", fields.join("\t"));
    assert_eq!(scratch.text(), format!("logon-users 1\n{line}\n"));
    for (algorithm, digits) in ALICE {
        assert!(line.contains(&format!("\tha1={algorithm}:{digits}:alice:corp")), "{algorithm}");
    }

    add_password(scratch.path(), "carol@lab.example", "password", Some("corp"), false).unwrap();
    let file = UserFile::load(scratch.path(), &Options::default()).unwrap();
    for spelling in ["carol@lab.example", "carol"] {
        let carol = known("carol@lab.example", Sha256, spelling, "password");
        assert_eq!(sha256(&file, spelling), carol);
    }
    add_password(scratch.path(), "bob", "password", None, false).unwrap();
    assert!(scratch.text().ends_with(&format!("\nbob\tnt={HASH}\n")));
}

#[test]
fn a_new_password_renews_the_hashes_where_they_stand_and_adds_those_of_a_new_realm() {
    let scratch = Scratch::empty();
    let (odd, old) = ("0".repeat(64), "0".repeat(32));
    let before = format!(
        "# ours\nlogon-users 1\r\nCORP\\bob\tnt={old}\tha1=MD5:{old}:bob:corp\n\
         CORP\\alice\tha1=SHA-256:{odd}:Alice:corp\tdisabled\tha1=MD5:{old}:alice:lab: 2\t\
         upn=a@corp.example\tnt={old}\r\n#end"
    );
    scratch.write(&before);
    let set = |realm| add_password(scratch.path(), "corp\\ALICE", "password", realm, true);
    assert_eq!(set(None), Ok(Added::Replaced));
    let (first, second) = (ha1(Sha256, "Alice", "corp"), ha1(Md5, "alice", "lab: 2"));
    let line = format!("CORP\\alice\t{first}\tdisabled\t{second}\tupn=a@corp.example\tnt={HASH}");
    let (others, _) = before.split_once("CORP\\alice").unwrap();
    assert_eq!(scratch.text(), format!("{others}{line}\r\n#end"));

    // Twice, because what is there is not added again.
    for _ in 0..2 {
        assert_eq!(set(Some("lab: 2")), Ok(Added::Replaced));
        let names = ["CORP\\alice", "alice", "a@corp.example"];
        let more = names
            .into_iter()
            .flat_map(|name| DigestAlgorithm::ALL.map(|algorithm| ha1(algorithm, name, "lab: 2")));
        let more: String =
            more.filter(|field| *field != second).map(|field| format!("\t{field}")).collect();
        assert_eq!(scratch.text(), format!("{others}{line}{more}\r\n#end"));
    }
    assert_eq!(list(scratch.path()).unwrap()[1].digest_realms, ["corp", "lab: 2"]);
}

#[test]
fn a_new_hash_without_its_password_takes_digest_away() {
    let scratch = Scratch::empty();
    add_password(scratch.path(), "alice", "old", Some("corp"), false).unwrap();
    add_password(scratch.path(), "bob", "old", Some("corp"), false).unwrap();
    let text = scratch.text();
    let bob = text.lines().last().unwrap();
    add(scratch.path(), "alice", &NtHash::of_password("password"), true).unwrap();
    assert_eq!(scratch.text(), format!("logon-users 1\nalice\tnt={HASH}\n{bob}\n"));
}

#[test]
fn a_realm_or_name_that_cannot_be_is_refused_before_anything_is_written() {
    let scratch = Scratch::empty();
    let wrong = |name, realm| {
        let error = add_password(scratch.path(), name, "password", Some(realm), false).unwrap_err();
        error.kind().clone()
    };
    for realm in ["", " ", "corp ", "co\trp", "corp\nbob\tnt="] {
        assert_eq!(wrong("alice", realm), Kind::Digest(DigestProblem::Realm), "{realm:?}");
    }
    assert_eq!(wrong("CORP\\al:ice", "corp"), Kind::Digest(DigestProblem::Colon));
    assert!(!scratch.path().exists());
    add_password(scratch.path(), "CORP\\al:ice", "password", None, false).unwrap();
    add_password(scratch.path(), "CO:RP\\bob", "password", Some("corp"), false).unwrap();
    let file = UserFile::load(scratch.path(), &Options::default()).unwrap();
    assert_eq!(sha256(&file, "bob"), known("CO:RP\\bob", Sha256, "bob", "password"));
}

#[test]
fn what_is_written_is_read_back_and_no_old_hash_survives_a_new_password() {
    let names = ["alice", "CORP\\Älice", "CORP\\Bob Builder", "c@lab.example", "nt=x", "ha1=y"];
    let realms = ["corp", "a: b", "\"q\\", "ha1=", "nt=", "ünï", "disabled", "#"];
    for name in names {
        let scratch = Scratch::empty();
        let mut old: Vec<Found> = Vec::new();
        for (count, realm) in (1..).zip(realms) {
            for password in [format!("a:{count}"), format!("b\t{count}")] {
                add_password(scratch.path(), name, &password, Some(realm), true).unwrap();
                let file = UserFile::load(scratch.path(), &Options::default()).unwrap();
                assert_eq!(file.list()[0].digest_realms, realms[..count]);
                let user = name.rsplit('\\').next().unwrap();
                let user = user.split('@').next().unwrap();
                let mut now = Vec::new();
                for (realm, spelling) in
                    realms[..count].iter().flat_map(|realm| [(realm, name), (realm, user)])
                {
                    for algorithm in DigestAlgorithm::ALL {
                        let found = look_up_digest(&file, Plain(spelling), realm, algorithm);
                        let ha1 = Ha1::of_password(algorithm, spelling, realm, &password);
                        let full = file.list()[0].name.to_string();
                        assert_eq!(found, Found::Known(full, ha1.expose().into()));
                        now.push(found);
                    }
                }
                assert!(now.iter().all(|found| !old.contains(found)));
                for found in &old {
                    let Found::Known(_, digits) = found else { panic!() };
                    assert!(!scratch.text().contains(digits.as_str()));
                }
                old.extend(now);
            }
        }
        assert_eq!(scratch.text().lines().count(), 2);
    }
}
