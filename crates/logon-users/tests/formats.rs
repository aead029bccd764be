//! The three formats: what their lines mean, and what is said of malformed ones.

#[path = "support/mod.rs"]
mod support;
#[path = "../../../tests/support/vectors.rs"]
mod vectors;

use logon::Refusal;
use logon_users::{
    Format, NameProblem, Options, UserFile, UserFileError, UserFileErrorKind as Kind,
};
use support::{Found, HASH, NONE, Scratch, hex, look_up};
use vectors::Case;

fn load(text: impl AsRef<[u8]>) -> Result<UserFile, UserFileError> {
    UserFile::load(Scratch::with(text).path(), &Options::default())
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn assert_wrong(text: &str, line: usize, kind: Kind) {
    let error = load(text).unwrap_err();
    assert_eq!((error.line(), error.kind()), (Some(line), &kind), "{text}");
    let message = error.to_string();
    assert!(message.contains(&format!("users, line {line}: ")), "{message}");
}

#[test]
fn every_line_of_the_vectors_means_what_they_say() {
    for case in vectors::load("users/credential_files.txt") {
        match case.kind() {
            "smbpasswd-line" => check_smbpasswd(&case, &case.text("Line")),
            "ntlm-user-file-line" => check_ntlm_user_file(&case),
            "hash-as-password" => check_hash_as_password(&case),
            kind => panic!("{kind}"),
        }
    }
}

fn check_smbpasswd(case: &Case, line: &str) {
    let file = load(line).unwrap();
    assert_eq!(file.format(), Format::Smbpasswd, "{}", case.id());
    let (user, domain) = (case.text("User"), case.opt_text("Domain").unwrap_or_default());
    let expected = match case.opt_text("Disabled").as_deref() {
        Some("true") => {
            // The hash is right for all that: without the flag it is used.
            let enabled = load(line.replace("[D", "[")).unwrap();
            let Found::Known(_, hash) = look_up(&enabled, &domain, &user) else { panic!() };
            assert_eq!(hash, hex_of(&case.hex("NtHash")));
            Found::Refused(Refusal::AccountDisabled)
        }
        Some(other) => panic!("{other}"),
        None => {
            let name = file.list()[0].name.to_string();
            assert_eq!(file.list()[0].name.user(), user);
            assert_eq!(file.list()[0].name.domain(), domain);
            Found::Known(name, hex_of(&case.hex("NtHash")))
        }
    };
    assert_eq!(look_up(&file, &domain, &user), expected, "{}", case.id());

    // What is checked and not kept: that it is what the vector says, and that a tampered twin
    // of it is refused.
    let fields: Vec<&str> = line.split(':').collect();
    let twin = |field: &str, kind| assert_wrong(&line.replacen(field, "?", 1), 1, kind);
    if let Some(uid) = case.opt_u64("Uid") {
        assert_eq!(fields[1], uid.to_string());
        twin(fields[1], Kind::Uid);
    }
    if let Some(lm_hash) = case.opt_hex("LmHash") {
        assert_eq!(fields[2].to_lowercase(), hex_of(&lm_hash));
        twin(fields[2], Kind::LmHash);
    }
    if let Some(flags) = case.opt_text("AccountFlags") {
        assert_eq!(fields[4].trim_matches(['[', ']', ' ']), flags);
        assert_wrong(&line.replacen(&format!("[{flags}"), "[?", 1), 1, Kind::Flags);
    }
    if let Some(last_change) = case.opt_u64("LastChange") {
        assert_eq!(fields[5], format!("LCT-{last_change:X}"));
        twin(fields[5], Kind::LastChange);
    }
}

fn check_ntlm_user_file(case: &Case) {
    let line = case.text("Line");
    if line.contains("LCT-") {
        return check_smbpasswd(case, &line);
    }
    let file = load(&line).unwrap();
    assert_eq!(file.format(), Format::NtlmUserFile, "{}", case.id());
    let (user, domain) = (case.text("User"), case.opt_text("Domain").unwrap_or_default());
    let Found::Known(name, hash) = look_up(&file, &domain, &user) else { panic!("{}", case.id()) };
    assert_eq!(name, if domain.is_empty() { user } else { format!("{domain}\\{user}") });
    assert_eq!(hash, hex_of(&case.hex("NtHash")));
    // The LM hash is none of this crate's business.
    let _ = case.hex("LmHash");
}

fn check_hash_as_password(case: &Case) {
    let password = case.text("PasswordField");
    assert_eq!(password.split_once(':').unwrap().0, hex_of(&case.hex("LmHash")));
    let file = load(format!("CORP:alice:{password}\n")).unwrap();
    let expected = Found::Known("CORP\\alice".into(), hex_of(&case.hex("NtHash")));
    assert_eq!(look_up(&file, "CORP", "alice"), expected);
}

#[test]
fn our_own_format_has_names_with_blanks_comments_and_fields_in_any_order() {
    let text = format!(
        "\u{feff}# the users\r\n\r\nlogon-users 1\r\n  # more\r\nCORP\\Bob Builder\tnt={HASH}\r\n\
         CORP\\alice\tdisabled\tnt={}\tupn=alice@corp.example\r\ncarol@lab.example\tnt={HASH}",
        HASH.to_uppercase()
    );
    let file = load(text).unwrap();
    assert_eq!((file.format(), file.count()), (Format::LogonUsers, 3));
    let bob = Found::Known("CORP\\Bob Builder".into(), HASH.into());
    assert_eq!(look_up(&file, "CORP", "Bob Builder"), bob);
    let disabled = Found::Refused(Refusal::AccountDisabled);
    assert_eq!(look_up(&file, "", "alice@corp.example"), disabled);
    let carol = Found::Known("carol@lab.example".into(), HASH.into());
    assert_eq!(look_up(&file, "", "carol@lab.example"), carol);

    let listed = file.list();
    assert_eq!(listed[1].upn.as_deref(), Some("alice@corp.example"));
    assert_eq!(listed[1].refusal, Some(Refusal::AccountDisabled));
    assert_eq!(listed[2].refusal, None);
}

#[test]
fn malformed_lines_of_our_own_format_are_named() {
    let wrong = |line: &str, kind| assert_wrong(&format!("logon-users 1\n\n{line}\n"), 3, kind);
    let name = |name: &str, problem| wrong(&format!("{name}\tnt={HASH}"), Kind::Name(problem));
    wrong(&format!("CORP\\alice nt={HASH}"), Kind::MissingTab);
    wrong("logon-users 1", Kind::MissingTab);
    wrong("CORP\\alice\tdisabled", Kind::MissingNtHash);
    wrong("CORP\\alice\tnt=", Kind::NtHash);
    wrong(&format!("CORP\\alice\tnt={}", &HASH[1..]), Kind::NtHash);
    wrong(&format!("CORP\\alice\tnt={HASH}0"), Kind::NtHash);
    wrong(&format!("CORP\\alice\tnt={}", HASH.replace('8', "g")), Kind::NtHash);
    wrong(&format!("CORP\\alice\tnt={HASH} "), Kind::NtHash);
    wrong(&format!("CORP\\alice\tnt={HASH}\t"), Kind::UnknownField { field: 2 });
    wrong(&format!("CORP\\alice\t\tnt={HASH}"), Kind::UnknownField { field: 1 });
    wrong(&format!("CORP\\alice\tnt={HASH}\tgroups=a"), Kind::UnknownField { field: 2 });
    wrong(&format!("CORP\\alice\tnt={HASH}\tnt={HASH}"), Kind::RepeatedField { field: 2 });
    wrong("CORP\\alice\tdisabled\tdisabled", Kind::RepeatedField { field: 2 });
    for upn in ["", "alice", "alice@", "@corp.example", "CORP\\alice@corp.example"] {
        wrong(&format!("CORP\\alice\tnt={HASH}\tupn={upn}"), Kind::Upn);
    }
    name("", NameProblem::NoUser);
    name("CORP\\", NameProblem::NoUser);
    name("@corp.example", NameProblem::NoUser);
    name("\\alice", NameProblem::NoDomain);
    name("alice@", NameProblem::NoDomain);
    name("A\\B\\alice", NameProblem::SecondBackslash);
    name("CORP\\alice@corp.example", NameProblem::BackslashAndAt);
    name("CORP\\ali\u{1}ce", NameProblem::ControlCharacter);
    name("CORP\\alice ", NameProblem::OuterBlank);
    name("CORP \\alice", NameProblem::OuterBlank);
}

#[test]
fn the_header_is_asked_for_and_only_version_1_is_known() {
    assert_wrong(&format!("# users\nCORP\\alice\tnt={HASH}\n"), 2, Kind::MissingHeader);
    assert_wrong(&format!("logon-users 2\nCORP\\alice\tnt={HASH}\n"), 1, Kind::UnknownVersion);
    assert_wrong("logon-users\n", 1, Kind::UnknownVersion);
    assert_wrong("alice password\n", 1, Kind::UnknownFormat);
    assert_wrong("alice:password\n", 1, Kind::UnknownFormat);
}

#[test]
fn flags_and_crossed_out_hashes_of_smbpasswd_refuse_the_account() {
    let refusal = |nt: &str, flags: &str| {
        let file = load(format!("alice:1000:{NONE}:{nt}:{flags}:LCT-3F0F0C60:\n")).unwrap();
        assert_eq!(file.format(), Format::Smbpasswd);
        look_up(&file, "", "alice")
    };
    let known = Found::Known("alice".into(), HASH.into());
    assert_eq!(refusal(HASH, "[U          ]"), known);
    assert_eq!(refusal(HASH, "[UX         ]"), known);
    assert_eq!(refusal(HASH, "[DU         ]"), Found::Refused(Refusal::AccountDisabled));
    assert_eq!(refusal(HASH, "[UL         ]"), Found::Refused(Refusal::AccountLocked));
    assert_eq!(refusal(HASH, "[NU         ]"), Found::Refused(Refusal::EmptyPassword));
    assert_eq!(refusal(NONE, "[U          ]"), Found::Refused(Refusal::AccountDisabled));
    assert_eq!(refusal(&"*".repeat(32), "[U ]"), Found::Refused(Refusal::AccountDisabled));
    let no_password = "NO PASSWORDXXXXXXXXXXXXXXXXXXXXX";
    assert_eq!(refusal(no_password, "[U          ]"), Found::Refused(Refusal::EmptyPassword));
    for trust in ["[W          ]", "[S          ]", "[I          ]"] {
        assert_eq!(refusal(HASH, trust), Found::Refused(Refusal::RefusedByAuthority));
    }
}

#[test]
fn malformed_lines_of_smbpasswd_are_named() {
    let good = format!("alice:1000:{NONE}:{HASH}:[U          ]:LCT-3F0F0C60:\n");
    load(&good).unwrap();
    let wrong = |line: &str, kind: Kind| {
        // As the first line of a file, and after a line that has said what the file is.
        assert_wrong(line, 1, kind.clone());
        assert_wrong(&format!("# one\n{}{line}\n", good.replace("alice", "bob")), 3, kind);
    };
    wrong(&good.replace("1000", "x"), Kind::Uid);
    wrong(&good.replace("1000", ""), Kind::Uid);
    wrong(&good.replace("1000", "4294967296"), Kind::Uid);
    wrong(&good.replace("XXX", "XX"), Kind::LmHash);
    wrong(&good.replace(HASH, &HASH[2..]), Kind::NtHash);
    wrong(&good.replace(HASH, ""), Kind::NtHash);
    wrong(&good.replace(HASH, &HASH.replace('8', "g")), Kind::NtHash);
    wrong(&good.replace("[U ", "[? "), Kind::Flags);
    wrong(&good.replace(" ]", ""), Kind::Flags);
    wrong(&good.replace("LCT-3F0F0C60", "LCT-now"), Kind::LastChange);
    wrong(&good.replace("LCT-3F0F0C60", "3F0F0C60"), Kind::LastChange);
    wrong(&good.replace("alice", ""), Kind::Name(NameProblem::NoUser));
    wrong(&good.replace("alice", "A\\B\\c"), Kind::Name(NameProblem::SecondBackslash));
    wrong(&format!("alice:1000:{NONE}:{HASH}"), Kind::SmbpasswdFields);
    assert_wrong(&format!("{good}bob:1000:{NONE}\n"), 2, Kind::SmbpasswdFields);
}

#[test]
fn the_password_of_a_user_file_is_the_rest_of_its_line() {
    let file = load("CORP:alice: a:b #c \r\n:bob@lab.example:pass word\n:carol:x\n").unwrap();
    let hash = |password| hex(&logon::NtHash::of_password(password));
    let alice = Found::Known("CORP\\alice".into(), hash(" a:b #c "));
    assert_eq!(look_up(&file, "CORP", "alice"), alice);
    let bob = Found::Known("bob@lab.example".into(), hash("pass word"));
    assert_eq!(look_up(&file, "", "bob@lab.example"), bob);
    assert_eq!(look_up(&file, "", "carol"), Found::Known("carol".into(), hash("x")));
}

#[test]
fn malformed_lines_of_a_user_file_are_named() {
    let wrong = |line: &str, kind| assert_wrong(&format!("A:b:c\n#\n{line}\n"), 3, kind);
    wrong("CORP:alice:", Kind::EmptyPassword);
    wrong("CORP:alice", Kind::UnknownFormat);
    wrong("alice", Kind::UnknownFormat);
    wrong("CORP::secret", Kind::Name(NameProblem::NoUser));
    wrong(":alice@:secret", Kind::Name(NameProblem::NoDomain));
    wrong(":CORP\\alice:secret", Kind::Name(NameProblem::SecondBackslash));
    wrong("CORP:alice@corp.example:secret", Kind::Name(NameProblem::BackslashAndAt));
}

#[test]
fn formats_do_not_mix() {
    let own = format!("logon-users 1\nCORP\\alice\tnt={HASH}\n");
    let smbpasswd = format!("bob:1000:{NONE}:{HASH}:[U          ]:LCT-3F0F0C60:\n");
    let triple = "CORP:carol:secret\n";
    let files = [
        (Format::LogonUsers, own.as_str(), 3),
        (Format::Smbpasswd, &smbpasswd, 2),
        (Format::NtlmUserFile, triple, 2),
    ];
    for (file, first, line) in files {
        for (other, second, _) in files {
            if file != other {
                let kind = Kind::MixedFormats { file, line: other };
                assert_wrong(&format!("{first}{second}"), line, kind);
            }
        }
    }
}

#[test]
fn an_account_that_is_there_twice_is_named_with_both_lines() {
    let own = format!("logon-users 1\nCORP\\alice\tnt={HASH}\n#\ncorp\\ALICE\tnt={HASH}\n");
    assert_wrong(&own, 4, Kind::Duplicate { first: 2 });
    let upn = format!(
        "logon-users 1\nCORP\\alice\tnt={HASH}\tupn=a@corp.example\nA@corp.example\tnt={HASH}\n"
    );
    assert_wrong(&upn, 3, Kind::Duplicate { first: 2 });
    assert_wrong("CORP:alice:a\nCORP:Alice:b\n", 2, Kind::Duplicate { first: 1 });
    assert_wrong(":ålice:a\n:ÅLICE:b\n", 2, Kind::Duplicate { first: 1 });
}

#[test]
fn no_error_says_a_secret() {
    let texts = [
        format!("logon-users 1\nCORP\\alice\t{HASH}\n"),
        format!("logon-users 1\nCORP\\alice\tpassword={HASH}\n"),
        format!("logon-users 1\nCORP\\alice\tnt={HASH}?\n"),
        format!("CORP:alice:{HASH}\nCORP:alice:{HASH}\n"),
        format!("CORP:alice {HASH}\n"),
        format!("alice:x:{NONE}:{HASH}:[U]:\n"),
        format!("alice:1:{NONE}:{HASH}0:[U]:\n"),
    ];
    for text in texts {
        let error = load(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(HASH), "{error:?}");
    }
    let file = load(format!("CORP:alice:{HASH}\n")).unwrap();
    assert!(!format!("{file:?}").contains(HASH));
}
