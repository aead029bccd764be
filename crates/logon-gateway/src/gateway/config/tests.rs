//! What a file may say, and what is said of one that says something wrong.

use super::read::{self, ConfigError};
use super::schema::Log;
use super::{Config, Limits, Logon};
use std::path::Path;
use toml::{Table, Value};

const LEAST: &str = "users = \"users\"\nupstream = \"http://127.0.0.1:3000\"\n\n\
                     [[listen]]\naddress = \"127.0.0.1:8080\"\n";

const EXAMPLE: &str = include_str!("../../../../../logon.example.toml");

fn parse(name: &str, text: &str) -> Result<Config, ConfigError> {
    read::parse(name, text, Path::new("/nowhere"))
}

fn wrong(text: &str) -> String {
    parse("logon.toml", text).map_err(|error| error.to_string()).unwrap_err()
}

/// The example with all that it shows switched on.
fn all_switched_on() -> String {
    let is_key = |text: &str| {
        let name = text.split(['=', ']']).next().unwrap_or_default().trim_matches(['[', ' ']);
        let is_word =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.\" WA".contains(c);
        (text.contains(" = ") || text.ends_with(']'))
            && !name.contains(". ")
            && name.chars().all(is_word)
    };
    let line = |line: &'static str| match line.strip_prefix("# ") {
        Some(text) if is_key(text) => text,
        _ => line,
    };
    // One of the two ways to a certificate, and a listener without TLS for what is in front.
    EXAMPLE
        .lines()
        .map(line)
        .filter(|line| !line.starts_with("self_signed") && !line.starts_with("tls_in_front"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_can_be_used_as_it_is() {
    let config = parse("logon.example.toml", EXAMPLE).map_err(|e| e.to_string()).unwrap();
    assert_eq!((config.logon, config.limits, config.log), Default::default());
}

#[test]
fn every_key_that_the_example_shows_exists() {
    let config = parse("example", &all_switched_on()).map_err(|e| println!("{e}")).unwrap();
    // What it calls a default is one.
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.log, Log::default());
    assert_eq!(config.logon.throttle.window, Logon::default().throttle.window);
    assert_eq!(config.logon.schemes, Logon::default().schemes);
    assert!(config.session.is_some() && config.admin.is_some() && config.diagnosis.is_some());
    assert!(config.identity.jwt.is_some());
    assert_eq!(config.route.len(), 3);
}

#[test]
fn every_key_that_exists_is_in_the_example() {
    let shown: Table = toml::from_str(&all_switched_on()).unwrap();
    let mut missing = Vec::new();
    known_keys(&Value::Table(shown.clone()), &shown, &mut Vec::new(), &mut missing);
    // These two exclude others, so they are not switched on.
    missing.retain(|key| !["listen.self_signed", "listen.tls_in_front"].contains(&key.as_str()));
    assert_eq!(missing, Vec::<String>::new());
    assert!(EXAMPLE.contains("\nself_signed = ") && EXAMPLE.contains("\n# tls_in_front = "));
}

/// Asks the reader of each table which keys it knows, by one that it does not know.
fn known_keys(value: &Value, whole: &Table, path: &mut Vec<String>, missing: &mut Vec<String>) {
    let table = match value {
        Value::Table(table) => table,
        // What is shown of a list of tables is shown of all of them together.
        Value::Array(values) if matches!(values.first(), Some(Value::Table(_))) => {
            let tables = values.iter().filter_map(Value::as_table);
            let merged: Table = tables.flat_map(Clone::clone).collect();
            return known_keys(&Value::Table(merged), whole, path, missing);
        }
        _ => return,
    };
    let free = ["upstreams", "groups", "kerberos.realms"].contains(&path.join(".").as_str());
    if !free {
        let mut changed = Value::Table(whole.clone());
        let mut inner = &mut changed;
        for name in path.iter() {
            inner = &mut inner[name.as_str()];
            if let Value::Array(values) = inner {
                inner = &mut values[0];
            }
        }
        inner.as_table_mut().unwrap().insert("no-such-key".to_owned(), Value::Boolean(true));
        let error = toml::from_str::<Config>(&toml::to_string(&changed).unwrap()).unwrap_err();
        let message = error.message().to_owned();
        assert!(message.contains("no-such-key"), "{path:?}: {message}");
        let names = message.split('`').skip(3).step_by(2);
        let lacks = |name: &&str| !table.contains_key(*name);
        missing.extend(names.filter(lacks).map(|name| format!("{}.{name}", path.join("."))));
    }
    for (name, value) in table {
        path.push(name.clone());
        known_keys(value, whole, path, missing);
        path.pop();
    }
}

#[test]
fn five_lines_are_enough() {
    parse("logon.toml", LEAST).unwrap();
}

#[test]
fn a_wrong_key_is_shown_where_it_stands() {
    let message = wrong(&format!("{LEAST}certificat = \"x\"\n"));
    assert!(message.starts_with("logon.toml:6:1: unknown field `certificat`"), "{message}");
    assert!(message.contains("6 | certificat = \"x\"\n  | ^^^^^^^^^^"), "{message}");
}

#[test]
fn a_value_of_no_use_is_shown_where_it_stands() {
    for (text, expected) in [
        ("[limits]\ndrain = \"soon\"\n", "logon.toml:7:9: \"soon\" is no length of time"),
        ("[limits]\ndrain = \"0s\"\n", "logon.toml:7:9: a time of zero"),
        ("[limits]\nconnections = -1\n", "logon.toml:7:15: "),
        ("[logon]\nschemes = [\"Kerberos\"]\n", "logon.toml:7:12: unknown variant `Kerberos`"),
        ("[logon]\nrequirement = \"yes\"\n", "logon.toml:7:15: unknown variant `yes`"),
        ("[logon]\ntrusted_proxies = [\"10.0.0.0/40\"]\n", "logon.toml:7:"),
        ("[kerberos]\nkeytabs = []\n", "logon.toml:7:11: without a keytab"),
        ("[kerberos]\n", "logon.toml:6:1: missing field `keytabs`"),
        (
            "[kerberos]\nkeytabs = [\"k\"]\nmachine_sid = \"S-1-x\"\n",
            "logon.toml:8:15: \"S-1-x\" is no identifier",
        ),
        (
            "[kerberos]\nkeytabs = [\"k\"]\nrealms = { \"A.EXAMPLE\" = \"\" }\n",
            "logon.toml:8:10: \"A.EXAMPLE\" = \"\": a realm and its domain are names",
        ),
        (
            "[kerberos]\nkeytabs = [\"k\"]\nrealms = { A = \"CORP\", B = \"corp\" }\n",
            "logon.toml:8:10: A and B have the same domain corp",
        ),
        ("[logon]\nntlm = false\n", "logon.toml: [logon] ntlm: without NTLM only Kerberos"),
        ("[[route]]\nntlm = false\n", "logon.toml:7:8: without NTLM only Kerberos"),
        ("[log]\nlevel = \"loud\"\n", "logon.toml:7:9: unknown variant `loud`"),
        ("[identity]\nuser = [\"Host\"]\n", "logon.toml:7:"),
        ("[[route]]\nupstream = \"wiki\"\n", "logon.toml:7:12: there is no [upstreams.wiki]"),
        ("[[route]]\nupstream = \"ftp://x\"\n", "logon.toml:7:12: "),
        ("[[route]]\nhosts = [\"a\", \"b c\"]\n", "logon.toml:7:15: not a host"),
        ("[[route]]\npath = \"admin\"\n", "logon.toml:7:8: not a path"),
        ("[[route]]\nlisten = [\"main\"]\n", "logon.toml:7:11: no [[listen]] has"),
        ("[[route]]\nusers = []\n", "logon.toml:7:9: nobody could pass"),
        ("[[route]]\ngroups = [\"Admins\"]\n", "logon.toml:7:10: [groups] has no \"Admins\""),
        (
            "[[route]]\nrequirement = \"optional\"\nusers = [\"alice\"]\n",
            "logon.toml:8:9: strangers pass here",
        ),
        ("[[listen]]\naddress = \"127.0.0.1:8080\"\n", "logon.toml:7:11: another listener has"),
        ("key = \"k\"\n", "logon.toml:5:11: `key` needs the `certificate`"),
        ("certificate = \"c\"\n", "logon.toml:5:11: `certificate` needs the `key`"),
        ("http2 = true\n", "logon.toml:5:11: `http2` needs TLS"),
        ("self_signed = \"s\"\ntls_in_front = \"f\"\n", "logon.toml:5:11: `tls_in_front` is for"),
        ("[admin]\naddress = \"127.0.0.1:8080\"\n", "logon.toml:5:11: [admin] has the same"),
    ] {
        let message = wrong(&format!("{LEAST}{text}"));
        assert!(message.starts_with(expected), "{text}\n{message}");
    }
}

// PG-8
#[test]
fn a_restriction_that_another_route_lets_strangers_past_is_refused() {
    let admin = "[[route]]\npath = \"/admin\"\nusers = [\"alice\"]\n";
    for (other, place) in [
        // A host outweighs the paths of all hosts.
        ("hosts = [\"open.corp.example\"]\nrequirement = \"off\"\n", "open.corp.example/admin"),
        ("hosts = [\"o.example\"]\nrequirement = \"optional\"\n", "o.example/admin"),
        // Guests would pass, and users who are not alice would not.
        ("path = \"/admin/public\"\nrequirement = \"optional\"\n", "at /admin/public,"),
        ("path = \"/admin/x\"\nrequirement = \"app-challenges\"\n", "at /admin/x,"),
    ] {
        let other = format!("[[route]]\n{other}");
        let message = wrong(&format!("{LEAST}{admin}{other}"));
        assert!(message.starts_with("logon.toml:8:9: strangers pass"), "{message}");
        assert!(message.contains(place), "{message}");
        // In whichever order, and said on purpose it is right.
        wrong(&format!("{LEAST}{other}{admin}"));
        parse("logon.toml", &format!("{LEAST}{admin}{other}users = [\"*\"]\n")).unwrap();
    }
    for other in [
        "path = \"/admin/health\"\nrequirement = \"off\"\n",
        "path = \"/administrator\"\nrequirement = \"optional\"\n",
        "hosts = [\"o.example\"]\nrequirement = \"off\"\n[[route]]\nhosts = [\"o.example\"]\n\
         path = \"/admin\"\nrequirement = \"required\"\n",
    ] {
        parse("logon.toml", &format!("{LEAST}{admin}[[route]]\n{other}")).unwrap();
    }
}

#[test]
fn what_is_missing_is_said() {
    let message = wrong("users = \"users\"\nupstream = \"http://127.0.0.1:3000\"\nlisten = []\n");
    assert!(message.contains("there is no [[listen]]"), "{message}");
    let message = wrong("users = \"users\"\n[[listen]]\naddress = \"127.0.0.1:1\"\n");
    assert!(message.contains("no request would go anywhere"), "{message}");
    let jwt = "[identity.jwt]\nkey = \"k\"\nalgorithm = \"EdDSA\"\naudience = \"a\"\n";
    let message = wrong(&format!("{LEAST}[logon]\npass_schemes = [\"Bearer\"]\n{jwt}"));
    assert!(message.contains("never reach the application"), "{message}");
    let message = wrong(&format!("{LEAST}[logon]\nschemes = []\n"));
    assert!(message.contains("a logon is required but no scheme enabled"), "{message}");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = format!("{LEAST}[[route]]\npath = \"x\"\n[[route]]\nupstream = \"y\"\n");
    assert_eq!(wrong(&text).matches("logon.toml:").count(), 2);
}

#[test]
fn the_domain_is_that_of_the_users_if_they_have_only_one() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    let domain = |text: &str| read::parse("c", text, folder.path()).unwrap().server.domain;
    assert_eq!(domain(LEAST), "WORKGROUP");
    logon_users::edit::add_password(&users, "CORP\\bob", "x1y2z3", None, true).unwrap();
    assert_eq!(domain(LEAST), "CORP");
    assert_eq!(domain(&format!("{LEAST}[server]\ndomain = \"LAB\"\n")), "LAB");
    logon_users::edit::add_password(&users, "LAB\\bob", "x1y2z3", None, true).unwrap();
    assert_eq!(domain(LEAST), "WORKGROUP");
}

#[test]
fn the_path_of_the_diagnosis_page_is_plain() {
    let config = parse("logon.toml", &format!("{LEAST}[diagnosis]\n")).unwrap();
    assert_eq!(config.diagnosis.unwrap().path.as_str(), "/.logon");
    for path in ["", "/", "logon", "/a/", "//a", "/a/../b", "/a;b", "/%41", "/a b", "/ä", "/a?b"] {
        let text = format!("{LEAST}[diagnosis]\npath = {path:?}\n");
        let message = wrong(&text);
        assert!(message.contains("is no path such as"), "{path}: {message}");
        assert!(message.contains("path = "), "{path}: {message}");
    }
}

// HS-8
#[test]
fn what_is_in_force_says_the_same_when_it_is_read_again() {
    for text in [LEAST.to_owned(), all_switched_on()] {
        let config = parse("logon.toml", &text).unwrap();
        let printed = toml::to_string_pretty(&config).unwrap();
        assert_eq!(parse("printed", &printed).unwrap(), config);
    }
}

#[test]
fn of_a_line_that_nobody_wrote_only_the_place_is_said() {
    let error = wrong(&format!("x = [\"{}\" 5]\n{LEAST}", "a".repeat(70_000)));
    assert!(error.starts_with("logon.toml:1:7000"), "{}", error.len());
    assert_eq!(error.lines().count(), 1);
    // It begins where it can be shown, and does not end there.
    let error = wrong(&format!("{LEAST}{} = 1\n", "x".repeat(70_000)));
    let shown = error.lines().skip(1).map(|line| line.chars().count()).max();
    assert!(error.starts_with("logon.toml:6:1:") && shown < Some(300), "{shown:?}");
}

#[test]
fn what_is_no_file_or_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let error = read::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is not a file"), "{error}");
    let path = folder.path().join("logon.toml");
    std::fs::write(&path, vec![b'#'; (4 << 20) + 1]).unwrap();
    assert!(read::load(&path).unwrap_err().to_string().contains("is larger than"));
    #[cfg(target_os = "linux")]
    assert!(read::load(Path::new("/dev/zero")).is_err());
}
