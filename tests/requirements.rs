//! Every rule of the specifications has a test that names it, or a reason why it has none.
//!
//! A test names a rule in the comment directly above its function: `// N-03, N-04: a reason`. The
//! rules are those of the sections on NTLM (N, F, C, S, K), SPNEGO (P), channel bindings (E), HTTP
//! (H) and Kerberos (R), the promises of HTTP.SYS (HS), what users of Windows Integrated Authentication ask for (PG),
//! and what they know of its clients (WS).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each section with its last number; one letter goes with two digits.
const RULES: [(&str, u8); 12] = [
    ("N", 15),
    ("F", 13),
    ("C", 22),
    ("S", 27),
    ("K", 12),
    ("P", 28),
    ("E", 10),
    ("H", 27),
    ("R", 34),
    ("HS", 33),
    ("PG", 19),
    ("WS", 20),
];

/// Rules without a test, each with the reason.
const EXCEPTIONS: [(&str, &str); 6] = [
    ("C-17", "no anonymous logon is offered: an initiator without a user is `ApiMisuse::NoUser`"),
    ("C-19", "the initiator has no NTLMv1, so there is no LM field to fill in it"),
    (
        "R-25",
        "a member cannot check the KDC's signature; whoever has the service's key could make it",
    ),
    ("S-26", "connectionless NTLM is not implemented; who asks for it is refused (F-09)"),
    ("WS-2", "nothing of the client is bound to a system; its builds for others are not run here"),
    ("PG-11", "held by tests/interop: the exchange with a server that verifies"),
];

/// What of a rule that has tests waits for something else.
const WAITING: [(&str, &str); 5] = [
    ("H-11", "the client's new AP-REQ for each request; the server's side is held"),
    ("HS-21", "NO_LOGON_SERVERS never reaches an application: HS-18 answers 503 before"),
    ("H-21", "408: a client whose time is over is disconnected without an answer"),
    ("PG-1", "Chromium, which tests/interop has: one page and no prompt"),
    ("PG-13", "what of it is Kerberos': key versions and encryption types of a keytab"),
];

/// Tests by the rule they name.
type Named = BTreeMap<String, Vec<String>>;

#[test]
fn every_rule_has_a_test_or_a_reason() {
    let rules = rules();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = Named::new();
    for file in sources(root) {
        let text = fs::read_to_string(&file).unwrap();
        read(&file.strip_prefix(root).unwrap().display().to_string(), &text, &mut named);
    }
    for (rule, tests) in &named {
        assert!(rules.contains(rule), "there is no rule {rule}: {tests:?}");
    }
    let exceptions: BTreeMap<_, _> = EXCEPTIONS.into_iter().collect();
    assert_eq!(exceptions.len(), EXCEPTIONS.len(), "an exception stands twice");
    for (rule, reason) in &exceptions {
        assert!(rules.contains(*rule), "there is no rule {rule}");
        assert!(!reason.is_empty(), "{rule} has no reason");
        let tests = named.get(*rule);
        assert!(tests.is_none(), "{rule} is an exception and has tests: {tests:?}");
    }
    for (rule, reason) in WAITING {
        assert!(named.contains_key(rule), "{rule} has no test, and waits altogether");
        assert!(!reason.is_empty(), "{rule} has no reason");
    }
    let missing: Vec<_> = rules
        .iter()
        .filter(|rule| !named.contains_key(*rule) && !exceptions.contains_key(rule.as_str()))
        .collect();
    assert!(missing.is_empty(), "rules without a test: {missing:?}");
}

#[test]
fn only_a_comment_directly_above_a_test_that_runs_names_a_rule() {
    let text = "
        // N-01: far away

        // N-02, N-03: the signature
        // and S-04 behind a line break.
        #[test]
        // N-05
        #[should_panic]
        fn first() { let text = \"N-06\"; } // N-07

        // C-01
        fn helper() {}

        /// P-01
        #[tokio::test(flavor = \"multi_thread\")]
        async fn second() {}

        // P-02
        #[test]
        #[ignore = \"slow\"]
        fn third() {}

        // #[test]
        // P-03
        fn fourth() {}

        // XN-04, N-005, N-1, MS-NLMP, E-09, HS-07, HS-, PG-7.
        #[test]
        fn fifth() {}
    ";
    let mut named = Named::new();
    read("f", text, &mut named);
    let found: Vec<_> = named.iter().map(|(rule, tests)| (rule.as_str(), &tests[..])).collect();
    let (first, second, fifth) = (["f: first".into()], ["f: second".into()], ["f: fifth".into()]);
    assert_eq!(
        found,
        [
            ("E-09", &fifth[..]),
            ("N-02", &first),
            ("N-03", &first),
            ("N-05", &first),
            ("P-01", &second),
            ("PG-7", &fifth),
            ("S-04", &first),
        ]
    );
}

fn rules() -> BTreeSet<String> {
    let name = |section: &str, number: u8| match section.len() {
        1 => format!("{section}-{number:02}"),
        _ => format!("{section}-{number}"),
    };
    let numbers =
        |(section, last): (&'static str, u8)| (1..=last).map(move |number| name(section, number));
    RULES.into_iter().flat_map(numbers).collect()
}

/// Every Rust file of the package and of the workspace's members but this one.
fn sources(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.join("tests"), root.join("src"), root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("tests/requirements.rs")
            {
                files.push(path);
            }
        }
    }
    files
}

/// Goes through a file line by line: the comments and attributes above a function are kept until
/// it comes, anything else in between drops them.
fn read(file: &str, text: &str, named: &mut Named) {
    let mut above: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("//") || line.starts_with("#[") {
            above.push(line);
            continue;
        }
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let (Some(function), true) = (function, is_test(&above)) {
            let name = function.split(['(', '<']).next().unwrap();
            let comments = above.iter().filter(|line| line.starts_with("//"));
            for rule in comments.flat_map(|line| rules_in(line)) {
                named.entry(rule).or_default().push(format!("{file}: {name}"));
            }
        }
        above.clear();
    }
}

fn is_test(above: &[&str]) -> bool {
    let has = |start: &str| above.iter().any(|line| line.starts_with(start));
    (has("#[test]") || has("#[tokio::test")) && !has("#[ignore")
}

/// The words of the form `N-03`, or `HS-3`.
fn rules_in(line: &str) -> impl Iterator<Item = String> {
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| is_rule(word)).map(str::to_owned)
}

fn is_rule(word: &str) -> bool {
    let Some((section, number)) = word.split_once('-') else { return false };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let width = if section.len() == 1 { number.len() == 2 } else { !number.starts_with('0') };
    digits && width && RULES.iter().any(|(known, _)| *known == section)
}
