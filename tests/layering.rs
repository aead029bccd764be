//! The direction of dependencies, the size of files, and the truth of the map.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.rs` file below `folder`, with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// Code without comments, and without the unit tests at the end of a file.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let line = |line: &str| line.split("//").next().unwrap().to_owned();
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What `text` names of the crate: `wire` for `crate::wire::Text` and for `use crate::{wire}`.
fn crate_names(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    text.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(group) => {
                let group = group.split('}').next().unwrap();
                group.split(',').map(|name| word(name.trim())).collect()
            }
            None => vec![word(rest)],
        })
        .filter(|name| !name.is_empty())
        .collect()
}

const EVERYTHING: &[&str] = &[
    "binding",
    "config",
    "credential",
    "crypto",
    "digest",
    "env",
    "error",
    "evidence",
    "http",
    "identity",
    "kerberos",
    "ntlm",
    "owf",
    "policy",
    "session",
    "spnego",
    "wire",
];

#[test]
fn dependencies_go_one_way() {
    let except = |names: &[&'static str]| -> Vec<&str> {
        EVERYTHING.iter().copied().filter(|name| !names.contains(name)).collect()
    };
    // Types at the crate's root are those of `error`, `credential` and the like, re-exported.
    for (folder, forbidden) in [
        ("wire", except(&["wire", "error"])),
        ("crypto", except(&["crypto"])),
        ("ntlm", vec!["kerberos", "spnego", "session", "http"]),
        ("kerberos", vec!["ntlm", "spnego", "session", "http"]),
        ("spnego", vec!["ntlm", "kerberos", "session", "http", "crypto"]),
        ("session", vec!["http"]),
    ] {
        let files = sources(&root().join("src").join(folder));
        assert!(!files.is_empty(), "src/{folder}");
        for (path, text) in files {
            for name in crate_names(&code(&text)) {
                assert!(!forbidden.contains(&&name[..]), "{}: crate::{name}", path.display());
            }
        }
    }
    // What stands beside the folders does not reach up into the state machines.
    for (path, text) in sources(&root().join("src")) {
        let parent = path.parent().unwrap().file_name().unwrap();
        let name = path.file_name().unwrap();
        if parent == "src" && name != "lib.rs" {
            for name in crate_names(&code(&text)) {
                let above = ["ntlm", "spnego", "session", "http"];
                assert!(!above.contains(&&name[..]), "{}: crate::{name}", path.display());
            }
        }
    }
}

#[test]
fn the_core_knows_neither_files_nor_sockets_nor_clocks() {
    for (path, text) in sources(&root().join("src")) {
        // A counter per thread, for tests alone.
        if path.ends_with("src/crypto/work.rs") {
            continue;
        }
        let text = code(&text);
        for name in ["std::net", "std::fs", "std::io", "std::thread", "std::process"] {
            assert!(!text.contains(name), "{}: {name}", path.display());
        }
        let is_env = path.ends_with("src/env.rs");
        for name in ["SystemTime", "Instant", "getrandom"] {
            assert!(is_env || !text.contains(name), "{}: {name}", path.display());
        }
    }
}

#[test]
fn nothing_is_cast_and_nothing_is_unsafe() {
    for (path, text) in sources(&root().join("src")) {
        for (line, text) in code(&text).lines().enumerate() {
            let place = || format!("{}:{}", path.display(), line + 1);
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            assert!(!words.contains(&"unsafe"), "{}", place());
            let cast = words.windows(2).any(|pair| {
                let numbers = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64"];
                pair[0] == "as" && numbers.contains(&pair[1])
            });
            assert!(!cast, "{}: {text}", place());
        }
    }
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    let mut folders = vec![root().join("src"), root().join("tests")];
    for member in fs::read_dir(root().join("crates")).unwrap() {
        let member = member.unwrap().path();
        folders.extend([member.join("src"), member.join("tests")]);
    }
    for (path, text) in folders.iter().flat_map(|folder| sources(folder)) {
        let lines = text.lines().count();
        assert!(lines <= 700, "{}: {lines} lines", path.display());
    }
}

/// Backticked paths that end with a slash: `src/wire/`.
fn folders_named(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| word.ends_with('/') && !word.contains(char::is_whitespace))
        .filter(|word| !word.contains("://"))
        .collect()
}

#[test]
fn every_folder_of_the_map_exists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md"));
    let text = text.expect("ARCHITECTURE.md is the map of this repository");
    let folders = folders_named(&text);
    assert!(folders.len() >= 5, "only {folders:?}");
    for folder in folders {
        assert!(root().join(folder).is_dir(), "ARCHITECTURE.md names {folder}");
    }
}

#[test]
fn these_tests_see_what_they_look_for() {
    assert_eq!(crate_names("use crate::{wire, ntlm::Session};"), ["wire", "ntlm"]);
    assert_eq!(crate_names("fn f(x: crate::http::Status)"), ["http"]);
    assert_eq!(code("let x = 1; // crate::http"), "let x = 1; ");
    assert_eq!(folders_named("`src/wire/` and `src/lib.rs`, `a b/`"), ["src/wire/"]);
}
