//! `logon get`: who gets credentials, through which proxy, and what a trace shows of them.

mod support;

use base64::prelude::{BASE64_STANDARD, Engine};
use logon::wire::ntlm::{Authenticate, Challenge, NtlmV2Response};
use std::process::Command;
use support::PASSWORD;
use support::get::{Demo, Got, Script, get, run, tap};

const ALICE: &str = r"CORP\alice";

/// Asks for a logon, and does not go on with it when that begins: exit code 7.
fn challenged(_: &str) -> Vec<u8> {
    b"HTTP/1.1 401 no\r\nWWW-Authenticate: NTLM\r\nProxy-Support: Session-Based-Authentication\r\n\
      Content-Length: 0\r\n\r\n"
        .to_vec()
}

fn with_alice(command: &mut Command) -> Got {
    run(command.env("LOGON_USER", ALICE).env("LOGON_PASSWORD", PASSWORD))
}

/// How many requests had credentials in this field.
fn sent(script: &Script, field: &str) -> usize {
    let name = format!("\r\n{field}: ");
    script.heads().iter().filter(|head| head.to_lowercase().contains(&name)).count()
}

// C-22: what was found by itself stays at home
#[test]
fn credentials_that_nobody_chose_go_only_to_hosts_that_are_allowed() {
    let proxy = Script::start(challenged);
    let way = ["--proxy", &proxy.url()].map(str::to_owned);
    let url = "http://web.corp.example/";
    let ask = |more: &[&str]| get(&[&[way[0].as_str(), &way[1], url], more].concat());

    let got = with_alice(&mut ask(&[]));
    assert_eq!((got.code, sent(&proxy, "authorization")), (5, 0), "{got:?}");
    for words in [ALICE, "from the environment", "--allow web.corp.example", "-u NAME", "(NTLM)"] {
        assert!(got.said.contains(words), "{words} is not in {got:?}");
    }
    for pattern in ["web.corp.example", "*.corp.example", "other,*.corp.example"] {
        let got = with_alice(&mut ask(&["--allow", pattern]));
        assert_eq!((got.code, sent(&proxy, "authorization")), (7, 1), "{got:?}");
        let got = with_alice(ask(&[]).env("LOGON_ALLOW", pattern));
        assert_eq!((got.code, sent(&proxy, "authorization")), (7, 1), "{got:?}");
    }
    let got = with_alice(&mut ask(&["--allow", "*.evil.example"]));
    assert_eq!((got.code, sent(&proxy, "authorization")), (5, 0), "{got:?}");
    // A name says what for.
    let got = with_alice(&mut ask(&["-u", ALICE]));
    assert_eq!((got.code, sent(&proxy, "authorization")), (7, 1), "{got:?}");
}

#[test]
fn a_redirect_takes_credentials_only_to_hosts_that_are_allowed() {
    let proxy = Script::start(|head| match head.contains(" http://a.example/") {
        true => {
            b"HTTP/1.1 302 x\r\nLocation: http://b.example/\r\nContent-Length: 0\r\n\r\n".to_vec()
        }
        false => challenged(head),
    });
    let url = proxy.url();
    let arguments = ["-L", "--proxy", &url, "-u", ALICE, "http://a.example/"];
    let got = with_alice(&mut get(&arguments));
    assert_eq!((got.code, sent(&proxy, "authorization")), (5, 0), "{got:?}");
    assert!(got.said.contains("--allow b.example"), "{got:?}");
    let got = with_alice(&mut get(&[&arguments[..], &["--allow", "b.example"]].concat()));
    assert_eq!((got.code, sent(&proxy, "authorization")), (7, 1), "{got:?}");
}

// What nobody chose is no freer than what somebody chose.
#[test]
fn credentials_that_nobody_chose_follow_a_redirect_only_to_hosts_that_are_allowed() {
    let proxy = Script::start(|head| match head.contains(" http://intranet/") {
        true => b"HTTP/1.1 302 x\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n".to_vec(),
        false => challenged(head),
    });
    let url = proxy.url();
    let field = "authorization";
    let got = with_alice(&mut get(&["--proxy", &url, "http://other/"]));
    assert_eq!((got.code, sent(&proxy, field)), (7, 1), "named it is: {got:?}");
    let arguments = ["-L", "--proxy", &url, "http://intranet/"];
    let got = with_alice(&mut get(&arguments));
    assert_eq!((got.code, sent(&proxy, field)), (5, 0), "{got:?}");
    for words in ["a redirect led there", "--allow other sends it"] {
        assert!(got.said.contains(words), "{words} is not in {got:?}");
    }
    for pattern in ["other", "<local>"] {
        let got = with_alice(&mut get(&[&arguments[..], &["--allow", pattern]].concat()));
        assert_eq!((got.code, sent(&proxy, field)), (7, 1), "{got:?}");
        let got = with_alice(get(&arguments).env("LOGON_ALLOW", pattern));
        assert_eq!((got.code, sent(&proxy, field)), (7, 1), "{got:?}");
    }
}

#[test]
fn a_file_of_credentials_that_is_broken_is_only_in_the_way_where_some_are_wanted() {
    let demo = Demo::start();
    let file = demo.password_file("what is this?");
    let (open, ntlm) = (format!("{}/open", demo.http), format!("{}/ntlm/", demo.http));
    assert_eq!(run(get(&[&open]).env("NTLM_USER_FILE", &file)).code, 0);
    let got = run(get(&[&ntlm]).env("NTLM_USER_FILE", &file));
    assert_eq!(got.code, 5, "{got:?}");
    assert!(got.said.contains("password:1") || got.said.contains(&file), "{got:?}");
}

#[test]
fn the_proxies_of_the_environment_are_used_as_curl_uses_them() {
    let proxy = Script::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nway".to_vec());
    let direct = Script::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect".to_vec());
    let url = direct.url();
    let ask = |arguments: &[&str], variables: &[(&str, &str)]| {
        let got = run(get(arguments).envs(variables.iter().copied()));
        assert_eq!(got.code, 0, "{got:?}");
        got.text().to_owned()
    };
    let way = proxy.url();
    let variable = ("http_proxy", way.as_str());
    assert_eq!(ask(&[&url], &[variable]), "way");
    assert!(proxy.heads()[0].starts_with(&format!("GET {url}/ HTTP/1.1")));
    assert_eq!(ask(&[&url], &[variable, ("no_proxy", "127.0.0.0/8")]), "direct");
    assert_eq!(ask(&[&url], &[("https_proxy", &way)]), "direct");
    assert_eq!(ask(&[&url], &[("HTTP_PROXY", &way)]), "direct", "as of a CGI program");
    assert_eq!(ask(&["--proxy", "", &url], &[variable]), "direct");
    assert_eq!(ask(&["--proxy", &way, &url], &[("no_proxy", "*")]), "way");
    let got = run(get(&[&url]).env("http_proxy", "socks5://user:secret@127.0.0.1:1"));
    assert_eq!(got.code, 2, "{got:?}");
    assert!(got.said.contains("http_proxy") && !got.said.contains("secret"), "{got:?}");
}

#[test]
fn credentials_in_the_url_of_a_proxy_keep_to_the_options() {
    let proxy = Script::start(|_| {
        b"HTTP/1.1 407 no\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n".to_vec()
    });
    let named = proxy.url().replace("http://", "http://CORP%5Calice:pw@");
    for url in ["http://a.example/", "https://a.example/"] {
        for (options, expected) in [
            (&["--scheme", "ntlm"][..], (7, 1)),
            (&["--scheme", "negotiate"], (5, 0)),
            (&["--require-bindings"], (5, 0)),
        ] {
            let mut command = get(&[options, &[url]].concat());
            let got = run(command.env("http_proxy", &named).env("https_proxy", &named));
            let sent = sent(&proxy, "proxy-authorization");
            assert_eq!((got.code, sent), expected, "{options:?} {got:?}");
        }
    }
}

#[test]
fn a_proxy_gets_the_credentials_that_are_for_it_and_no_others() {
    let proxy = Script::start(|_| {
        b"HTTP/1.1 407 no\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n".to_vec()
    });
    let field = "proxy-authorization";
    for url in ["http://a.example/", "https://a.example/"] {
        let way = proxy.url();
        let ask = |more: &[&str]| get(&[&["--proxy", &way, url], more].concat());
        let got = run(&mut ask(&[]));
        assert_eq!((got.code, sent(&proxy, field)), (5, 0), "{got:?}");
        assert!(got.said.contains("--proxy-user"), "{got:?}");
        // On this machine, what was found may go there; what is for servers does not.
        let got = with_alice(&mut ask(&[]));
        assert_eq!((got.code, sent(&proxy, field)), (7, 1), "{got:?}");
        let got = with_alice(&mut ask(&["-u", ALICE]));
        assert_eq!((got.code, sent(&proxy, field)), (5, 0), "{got:?}");
        let got = with_alice(&mut ask(&["-u", ALICE, "--proxy-user", ALICE]));
        assert_eq!((got.code, sent(&proxy, field)), (7, 1), "{got:?}");
        let named = way.replace("http://", "http://CORP%5Cbob:pw@");
        let got = run(get(&[url]).env("all_proxy", &named));
        assert_eq!((got.code, sent(&proxy, field)), (7, 1), "{got:?}");
    }
}

#[test]
fn a_password_behind_the_name_is_refused_and_not_repeated() {
    let got = run(&mut get(&["-u", r"CORP\alice:S3cret!pw", "http://localhost:9/"]));
    assert_eq!(got.code, 2, "{got:?}");
    assert!(got.said.contains("--password-file") && !got.said.contains(PASSWORD), "{got:?}");
}

#[test]
fn a_password_of_the_environment_is_of_the_name_beside_it_and_of_no_other() {
    let proxy = Script::start(challenged);
    let way = proxy.url();
    let ask = |user: &str| get(&["--proxy", &way, "-u", user, "http://web.corp.example/"]);
    for (name, value) in
        [("LOGON_PASSWORD", PASSWORD), ("LOGON_NT_HASH", "8846f7eaee8fb117ad06bdd830b7586c")]
    {
        let got = run(ask(ALICE).env(name, value));
        assert_eq!((got.code, sent(&proxy, "authorization")), (5, 0), "{got:?}");
        assert!(got.said.contains(name) && got.said.contains("set LOGON_USER"), "{got:?}");
        let got = run(ask(ALICE).env(name, value).env("LOGON_USER", r"CORP\bob"));
        assert_eq!((got.code, sent(&proxy, "authorization")), (5, 0), "{got:?}");
        let got = run(ask(ALICE).env(name, value).env("LOGON_USER", r"corp\Alice"));
        assert_eq!((got.code, sent(&proxy, "authorization")), (7, 1), "{got:?}");
    }
}

// Tokens of all legs, from which a password could be guessed, and the password
#[test]
fn a_trace_shows_each_leg_and_no_secret() {
    let demo = Demo::start();
    for (place, scheme) in [("ntlm", "ntlm"), ("nego", "negotiate"), ("digest", "digest")] {
        let (way, seen) = tap(&demo.http);
        let arguments = ["--trace", "--scheme", scheme, &format!("{way}/{place}/")];
        let got = with_alice(&mut get(&arguments));
        assert_eq!((got.code, got.fact("user")), (0, ALICE), "{got:?}");
        let said = &got.said;
        assert!(said.contains("* connecting to 127.0.0.1"), "{said}");
        assert!(said.contains(&format!("> GET /{place}/")) && said.contains("< 401 "), "{said}");
        assert!(said.contains("< 200 OK") && !said.contains(PASSWORD), "{said}");

        let wire = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
        let fields = wire.lines().filter(|line| line.to_lowercase().contains("auth"));
        let mut secrets = Vec::new();
        for value in fields.filter_map(|line| line.split_once(": ")).map(|(_, value)| value) {
            let Some((_, token)) = value.split_once(' ') else { continue };
            if place == "digest" {
                let hash = token.split("response=").nth(1);
                secrets.extend(hash.map(|hash| hash.trim_matches('"')[..32].to_owned()));
                continue;
            }
            // Not even a part.
            let pieces = token.as_bytes().chunks_exact(12);
            secrets.extend(pieces.map(|piece| String::from_utf8(piece.to_vec()).unwrap()));
            secrets.extend(secrets_of(&BASE64_STANDARD.decode(token).unwrap()));
        }
        assert!(!secrets.is_empty());
        for secret in secrets {
            assert!(!said.contains(&secret), "{secret} is in {said}");
        }
        if place != "digest" {
            for words in [
                "NTLM NEGOTIATE_MESSAGE",
                "NTLM CHALLENGE_MESSAGE",
                "NTLM AUTHENTICATE_MESSAGE",
                "UserName \"alice\"",
                "MsvAvChannelBindings",
                "NTProofStr (16 bytes, not shown)",
                "MIC (16 bytes, not shown)",
                "EXTENDED_SESSIONSECURITY",
            ] {
                assert!(said.contains(words), "{words} is not in {said}");
            }
        }
    }
    let url = format!("{}/basic/", demo.https);
    let certificate = demo.certificate();
    let arguments = ["--trace", "--scheme", "basic", "--cacert", &certificate, &url];
    let got = with_alice(get(&arguments).arg("-H").arg("Cookie: sid=12345678"));
    assert_eq!(got.code, 0, "{got:?}");
    let basic = BASE64_STANDARD.encode(format!("{ALICE}:{PASSWORD}"));
    assert!(got.said.contains("> authorization: Basic (not shown)"), "{got:?}");
    for secret in [basic.as_str(), PASSWORD, "12345678"] {
        assert!(!got.said.contains(secret), "{got:?}");
    }
}

/// In hexadecimal, what of a token a password can be guessed by.
fn secrets_of(token: &[u8]) -> Vec<String> {
    let Some(at) = token.windows(8).position(|bytes| bytes == b"NTLMSSP\0") else {
        return Vec::new();
    };
    let message = &token[at..];
    let hex = |bytes: &[u8]| base16ct::lower::encode_string(bytes);
    if let Ok(challenge) = Challenge::decode(message) {
        return vec![hex(&challenge.server_challenge)];
    }
    let Ok(authenticate) = Authenticate::decode(message) else { return Vec::new() };
    let response = NtlmV2Response::decode(authenticate.nt_response).unwrap();
    vec![
        hex(&response.nt_proof_str),
        hex(&response.client_challenge),
        hex(&authenticate.mic.unwrap()),
        hex(authenticate.encrypted_random_session_key),
    ]
}
