//! Whatever the server behind makes of a path, it never gets to a resource whose scope is stricter
//! than the one that was found.

use logon::http::{Requirement, Scheme, Scope, ScopeRule, Scopes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const REQUIREMENTS: [Requirement; 4] =
    [Requirement::Off, Requirement::AppChallenges, Requirement::Optional, Requirement::Required];

/// Rules as a list of segments each, the last word to the later one.
#[derive(Debug, Clone)]
struct Rules {
    base: Requirement,
    rules: Vec<(Vec<&'static str>, Requirement)>,
}

impl Rules {
    fn scopes(&self) -> Scopes {
        let rule = |requirement| ScopeRule::new().requirement(requirement);
        let base = Scope::required(&Scheme::ALL);
        let mut builder = Scopes::builder(base).path("/", rule(self.base));
        for (segments, requirement) in &self.rules {
            builder = builder.path(&format!("/{}", segments.join("/")), rule(*requirement));
        }
        builder.build().unwrap()
    }

    /// What holds for these segments by the longest rule. Where case does not count, rules that
    /// differ in case alone are about the same place, and it has to be what the strictest says.
    fn expected(&self, path: &[String], case_counts: bool) -> Requirement {
        let fold = |text: &str| match case_counts {
            true => text.to_owned(),
            false => text.to_uppercase().to_lowercase(),
        };
        let matches = |rule: &[&str]| {
            let same = |(rule, sent): (&&str, &String)| fold(rule) == fold(sent);
            rule.len() <= path.len() && rule.iter().zip(path).all(same)
        };
        let mut last_words: Vec<(&[&str], Requirement)> = vec![(&[], self.base)];
        for (rule, requirement) in &self.rules {
            last_words.retain(|(known, _)| known != rule);
            last_words.push((rule, *requirement));
        }
        last_words.retain(|(rule, _)| matches(rule));
        let longest = last_words.iter().map(|(rule, _)| rule.len()).max().unwrap();
        let longest = last_words.iter().filter(|(rule, _)| rule.len() == longest);
        longest.map(|(_, requirement)| *requirement).max().unwrap()
    }
}

/// How a server reads a path, step by step.
#[derive(Debug, Clone, Copy)]
struct Server {
    dots_before_decoding: bool,
    parameters_cut_before_decoding: bool,
    decodes: usize,
    parameters_cut: bool,
    query_cut: bool,
    backslash_is_slash: bool,
    ends_trimmed: bool,
    merges_slashes: bool,
    host_behind_two_slashes: bool,
    resolves_dots: bool,
    ends_at_nul: bool,
}

impl Server {
    fn read(self, sent: &str) -> Vec<String> {
        let mut path = sent.to_owned();
        let cut = |path: &str, at: &[char]| -> String {
            let head = |segment: &str| segment.split(at).next().unwrap().to_owned();
            path.split('/').map(head).collect::<Vec<_>>().join("/")
        };
        if self.parameters_cut_before_decoding {
            path = cut(&path, &[';']);
        }
        if self.dots_before_decoding {
            path = format!("/{}", without_dots(segments(&path)).join("/"));
        }
        for _ in 0..self.decodes {
            path = decoded(&path);
        }
        if self.ends_at_nul {
            path = path.split('\0').next().unwrap().to_owned();
        }
        if self.query_cut {
            path = path.split(['?', '#']).next().unwrap().to_owned();
        }
        if self.backslash_is_slash {
            path = path.replace('\\', "/");
        }
        if self.parameters_cut {
            path = cut(&path, &[';']);
        }
        if self.decodes == 0 {
            // Without decoding, this is how the name of the resource is written.
            path = path.replace("%C3%A9", "é").replace("%c3%89", "É");
        }
        let mut segments = segments(&path);
        if self.host_behind_two_slashes && segments.len() > 1 && segments[0].is_empty() {
            segments.drain(..2);
        }
        if self.merges_slashes {
            segments.retain(|segment| !segment.is_empty());
        }
        if self.resolves_dots {
            segments = without_dots(segments);
        }
        if self.ends_trimmed {
            for segment in &mut segments {
                *segment = segment.trim_end_matches(['.', ' ']).to_owned();
            }
        }
        segments
    }
}

fn segments(path: &str) -> Vec<String> {
    path.strip_prefix('/').unwrap_or(path).split('/').map(str::to_owned).collect()
}

fn without_dots(segments: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    for segment in segments {
        match segment.as_str() {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    kept
}

fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let escape = path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn rules(names: &'static [&'static str]) -> impl Strategy<Value = Rules> {
    let prefix = vec(select(names), 1..4);
    let rules = vec((prefix, select(&REQUIREMENTS[..])), 0..6);
    (select(&REQUIREMENTS[..]), rules).prop_map(|(base, rules)| Rules { base, rules })
}

fn server() -> impl Strategy<Value = Server> {
    (any::<[bool; 10]>(), 0_usize..3).prop_map(|(does, decodes)| Server {
        dots_before_decoding: does[0],
        parameters_cut_before_decoding: does[1],
        decodes,
        parameters_cut: does[2],
        query_cut: does[3],
        backslash_is_slash: does[4],
        ends_trimmed: does[5],
        merges_slashes: does[6],
        host_behind_two_slashes: does[7],
        resolves_dots: does[8],
        ends_at_nul: does[9],
    })
}

/// What attackers make paths of.
const PIECES: [&str; 44] = [
    "/",
    "/",
    "/",
    "/",
    "/",
    "a",
    "a",
    "a",
    "b",
    "b",
    "A",
    "B",
    "é",
    "É",
    "%61",
    "%41",
    "%2561",
    "%62",
    "%C3%A9",
    "%c3%89",
    "%25C3%25A9",
    "%2f",
    "%252F",
    "\\",
    "%5c",
    "%255C",
    ".",
    "..",
    "/../",
    "%2e",
    "%2E%2e",
    "%252e",
    ";",
    ";v=1",
    "%3b",
    "%253B",
    "%3f",
    "#",
    "%20",
    "%00",
    "%",
    "%25",
    "%ff",
    "%c0%af",
];

fn path() -> impl Strategy<Value = String> {
    vec(select(&PIECES[..]), 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

/// One way to write a path; `choices` says which.
fn spelled(segments: &[&str], choices: &[u8]) -> String {
    let mut choices = choices.iter().copied().cycle();
    let mut choose = move || choices.next().unwrap();
    let mut path = String::new();
    for segment in segments {
        path.push_str(match choose() % 12 {
            0 => "//",
            1 => "/./",
            2 => "/x/../",
            3 => "/x/%2e%2e/",
            4 => "\\",
            5 => "/%2f",
            6 => "/;/",
            _ => "/",
        });
        for c in segment.chars() {
            let c: String = match choose() % 2 {
                0 => c.to_uppercase().collect(),
                _ => c.to_string(),
            };
            let encoded = || c.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
            path.push_str(&match choose() % 4 {
                0 => encoded(),
                1 => encoded().replace('%', "%25"),
                _ => c,
            });
        }
        path.push_str(["", "", "", ";v=1", ".", "%20", "%3b"][usize::from(choose() % 7)]);
    }
    path
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn no_server_reads_a_path_as_one_with_a_stricter_scope(
        rules in rules(&["a", "b", "A", "é"]),
        path in path(),
        server in server(),
    ) {
        let found = rules.scopes().find(None, &path).requirement();
        let read = server.read(&path);
        for case_counts in [true, false] {
            let expected = rules.expected(&read, case_counts);
            prop_assert!(found >= expected, "{found:?} for {read:?}, {expected:?}");
        }
    }

    #[test]
    fn no_spelling_of_a_path_below_a_guarded_prefix_passes_without_a_logon(
        rules in rules(&["a", "b", "é"]),
        below in vec(select(&["a", "b", "é", "c"][..]), 1..5),
        choices in vec(any::<u8>(), 1..40),
    ) {
        let plain: Vec<String> = below.iter().map(|segment| (*segment).to_owned()).collect();
        let path = spelled(&below, &choices);
        let found = rules.scopes().find(None, &path).requirement();
        prop_assert!(found >= rules.expected(&plain, true), "{path}");
    }

    #[test]
    fn a_path_written_as_its_rule_gets_what_the_rule_says(
        rules in rules(&["a", "b", "é"]),
        below in vec(select(&["a", "b", "c"][..]), 0..5),
    ) {
        let plain: Vec<String> = below.iter().map(|segment| (*segment).to_owned()).collect();
        let found = rules.scopes().find(None, &format!("/{}", below.join("/"))).requirement();
        prop_assert_eq!(found, rules.expected(&plain, true));
    }
}
