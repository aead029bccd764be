use super::{IdentityError, IdentityFields, listed};
use crate::gateway::identity::{IdentityConfig, Sids, User};
use logon::AccountName;
use logon::http::Scheme;
use std::path::Path;
use std::time::SystemTime;

fn of(toml: &str) -> IdentityFields {
    let config: IdentityConfig = toml::from_str(toml).unwrap();
    IdentityFields::new(&config, Path::new("")).unwrap()
}

fn refused(toml: &str) -> String {
    let config: IdentityConfig = toml::from_str(toml).unwrap();
    IdentityFields::new(&config, Path::new("")).map(|_| ()).unwrap_err()
}

fn user(domain: &str, user: &str) -> User {
    User::new(AccountName::new(domain, user), Scheme::Ntlm)
}

fn written(fields: &IdentityFields, user: &User, groups: &[&str]) -> Vec<(String, String)> {
    let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
    let fields = fields.fields(user, &groups, SystemTime::now()).unwrap();
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    fields.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn the_default_fields_are_those_of_iis_and_one_that_gets_through_nginx() {
    let written = written(&of(""), &user("CORP", "alice"), &["Wiki"]);
    let expected = [
        pair("logon_user", "CORP\\alice"),
        pair("remote_user", "CORP\\alice"),
        pair("auth_user", "CORP\\alice"),
        pair("x-remote-user", "CORP\\alice"),
        pair("auth_type", "NTLM"),
    ];
    assert_eq!(written, expected);
}

#[test]
fn a_user_is_written_in_the_format_asked_for() {
    let (plain, principal) = (user("CORP", "alice"), user("", "carol@lab.example"));
    let both = User::new(
        AccountName::new("CORP", "alice").with_upn("a.lee@corp.example"),
        Scheme::Negotiate,
    );
    for (format, user, expected) in [
        ("domain-user", &plain, "CORP\\alice"),
        ("domain-user", &principal, "carol@lab.example"),
        ("user", &plain, "alice"),
        ("user", &principal, "carol"),
        ("upn", &both, "a.lee@corp.example"),
        ("upn", &principal, "carol@lab.example"),
    ] {
        let fields = of(&format!("user = ['X-U']\nscheme = []\nformat = '{format}'"));
        assert_eq!(written(&fields, user, &[]), [pair("x-u", expected)], "{format}");
    }
    let upn = of("format = 'upn'");
    let error = upn.fields(&plain, &[], SystemTime::now()).unwrap_err();
    assert_eq!(error, IdentityError::NoPrincipalName);
}

#[test]
fn principal_name_and_groups_are_there_if_there_are_any() {
    let fields = of("user = []\nscheme = []\nupn = ['X-Upn']\ngroups = ['X-Groups']");
    assert_eq!(written(&fields, &user("CORP", "alice"), &[]), []);
    let alice = User::new(AccountName::new("CORP", "alice").with_upn("a@b"), Scheme::Basic);
    assert_eq!(
        written(&fields, &alice, &["Domain Users", "IT, Operations"]),
        [pair("x-upn", "a@b"), pair("x-groups", "Domain Users,IT%2C Operations")]
    );
}

#[test]
fn a_list_of_groups_says_each_name_unmistakably() {
    let decode = |list: &str| -> Vec<String> {
        let names = list.split(',').map(str::trim);
        let decoded = names.map(|name| {
            let mut bytes = Vec::new();
            let mut rest = name.bytes();
            while let Some(byte) = rest.next() {
                let mut digit = || char::from(rest.next().unwrap()).to_digit(16).unwrap() as u8;
                bytes.push(if byte == b'%' { digit() << 4 | digit() } else { byte });
            }
            String::from_utf8(bytes).unwrap()
        });
        decoded.collect()
    };
    let groups = ["a,b", "a%2Cb", " c ", "d\n", "Отдел продаж", "%", ",", "\u{a0}e\u{2028}"];
    let groups: Vec<_> = groups.map(str::to_owned).to_vec();
    let list = listed(&groups);
    assert!(!list.contains(char::is_control), "{list:?}");
    assert_eq!(decode(&list), groups);
}

#[test]
fn names_beyond_ascii_are_utf_8() {
    let fields = of("user = ['X-U']\nscheme = []");
    assert_eq!(written(&fields, &user("CORP", "Сергей"), &[]), [pair("x-u", "CORP\\Сергей")]);
}

#[test]
fn names_that_a_receiver_would_read_otherwise_are_refused() {
    use IdentityError::{Backslash, ControlCharacter, Empty, OuterBlank};
    for format in ["domain-user", "user", "upn"] {
        let fields = of(&format!("format = '{format}'"));
        for (domain, name, upn, expected) in [
            ("CORP", "", "a@b", Empty),
            ("CORP", "alice", "", Empty),
            ("CORP", "alice\r\nX-Admin: 1", "a@b", ControlCharacter),
            ("CORP", "alice\n", "a@b", ControlCharacter),
            ("CORP", "ali\0ce", "a@b", ControlCharacter),
            ("CO\tRP", "alice", "a@b", ControlCharacter),
            ("CORP", "ali\u{85}ce", "a@b", ControlCharacter),
            ("CORP", "ali\u{2028}ce", "a@b", ControlCharacter),
            ("CORP", "ali\u{7f}ce", "a@b", ControlCharacter),
            ("CORP", "alice", "a\r@b", ControlCharacter),
            ("CORP", " alice", "a@b", OuterBlank),
            ("CORP", "alice ", "a@b", OuterBlank),
            ("CORP ", "alice", "a@b", OuterBlank),
            ("CORP", "alice\u{a0}", "a@b", OuterBlank),
            ("CORP", "alice", " a@b", OuterBlank),
            ("CORP\\LAB", "alice", "a@b", Backslash),
            ("CORP", "LAB\\alice", "a@b", Backslash),
            ("", "CORP\\alice", "a@b", Backslash),
        ] {
            let name = AccountName::new(domain, name).with_upn(upn);
            let user = User::new(name, Scheme::Negotiate);
            let refused = fields.fields(&user, &[], SystemTime::now()).unwrap_err();
            assert_eq!(refused, expected, "{format} {user:?}");
        }
    }
    // Nothing before the `@`: an empty user in the format that takes it off.
    let error = of("format = 'user'").fields(&user("", "@b"), &[], SystemTime::now());
    assert_eq!(error.unwrap_err(), Empty);
}

#[test]
fn what_is_written_is_also_removed() {
    let fields = of("user = ['X-Employee']\nupn = ['Upn']\ngroups = ['Teams']\nremove = ['X-S']");
    let removed = fields.removed();
    for name in ["x_employee", "X-UPN", "HTTP_TEAMS", "S", "X-S", "REMOTE_USER", "AUTH_TYPE"] {
        assert!(removed.removes(name), "{name}");
    }
    assert!(!removed.removes("Authorization"));
}

#[test]
fn one_name_has_one_meaning() {
    let error = refused("user = ['X-User']\nupn = ['USER']");
    assert!(error.contains("user has the field X-User and upn has USER"), "{error}");
    assert!(refused("user = ['X-User', 'x-user']").contains("x-user is there twice"));
    assert!(refused("user = ['A']\ngroups = ['a']").contains("a is there twice"));
    let jwt = "jwt = { field = 'X_A', key = 'k', algorithm = 'HS256', audience = 'a' }";
    assert!(refused(&format!("user = ['X-A']\n{jwt}")).contains("jwt.field has X_A"));
    // Several spellings of one meaning are fine.
    of("user = ['Remote-User', 'REMOTE_USER', 'X-Remote-User']");
}

// BX-6
#[test]
fn identifiers_and_domain_are_written_where_they_are_known_and_asked_for() {
    let sid = |text: &str| text.parse().unwrap();
    let groups = vec![sid("S-1-5-21-1-2-3-513"), sid("S-1-18-1")];
    let sids = Sids { user: sid("S-1-5-21-1-2-3-1104"), groups };
    let known = User { sids: Some(sids.into()), ..user("CORP", "alice") };
    let toml = "user = []\nscheme = []\ndomain = ['X-D']\nsid = ['X-S']\ngroup_sids = ['X-G']";
    let fields = of(toml);
    let expected = [
        pair("x-d", "CORP"),
        pair("x-s", "S-1-5-21-1-2-3-1104"),
        pair("x-g", "S-1-5-21-1-2-3-513,S-1-18-1"),
    ];
    // The same name without, before and after: what was written is not taken for it.
    for (who, expected) in [
        (&user("CORP", "alice"), &expected[..1]),
        (&known, &expected[..]),
        (&user("CORP", "alice"), &expected[..1]),
    ] {
        assert_eq!(written(&fields, who, &[]), expected);
    }
    assert!(written(&fields, &user("", "alice"), &[]).is_empty());
    for name in ["X_D", "HTTP_X_S", "x-g"] {
        assert!(fields.removed().removes(name), "{name}");
    }
    let least = of(&format!("{toml}\ngroup_sids_bytes = 27"));
    assert_eq!(written(&least, &known, &[]).len(), 3);
    let short = of(&format!("{toml}\ngroup_sids_bytes = 26"));
    let refused = short.fields(&known, &[], SystemTime::now()).unwrap_err();
    assert_eq!(refused, IdentityError::TooManyGroups(2));
}
