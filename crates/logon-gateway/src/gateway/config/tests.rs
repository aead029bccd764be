//! What a file may say, and what is said of one that says something wrong.

use super::read::parse;

const LEAST: &str = "users = \"users\"\nupstream = \"http://127.0.0.1:3000\"\n\n[[listen]]\naddress = \"127.0.0.1:8080\"\n";

fn wrong(text: &str) -> String {
    parse("logon.toml", text).map_err(|error| error.to_string()).unwrap_err()
}

#[test]
fn five_lines_are_enough() {
    parse("logon.toml", LEAST).unwrap();
}

#[test]
fn a_wrong_key_is_shown_where_it_stands() {
    let message = wrong(&format!("{LEAST}certificat = \"x\"\n"));
    println!("{message}");
    assert!(message.starts_with("logon.toml:6:1: unknown field `certificat`"), "{message}");
    assert!(message.contains("6 | certificat = \"x\"\n  | ^"), "{message}");
}

// HS-8
#[test]
fn what_is_in_force_says_the_same_when_it_is_read_again() {
    let config = parse("logon.toml", LEAST).unwrap();
    let printed = toml::to_string_pretty(&config).unwrap();
    println!("{printed}");
    assert_eq!(parse("printed", &printed).unwrap(), config);
}
