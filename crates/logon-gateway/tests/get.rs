//! `logon get` as it is run: answers, exit codes, files, what is said and what is not.

mod support;

use support::PASSWORD;
use support::get::{Demo, Got, Script, get, head, run, run_with};

const ALICE: &str = r"CORP\alice";

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    [format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n").as_bytes(), body].concat()
}

/// As alice, with the password of the environment.
fn alice(arguments: &[&str]) -> Got {
    run(get(arguments).env("LOGON_USER", ALICE).env("LOGON_PASSWORD", PASSWORD))
}

#[test]
fn it_logs_on_by_every_scheme_and_prints_the_answer() {
    let demo = Demo::start();
    for (path, scheme, options) in [
        ("/ntlm/", "NTLM", &[][..]),
        ("/nego/", "Negotiate", &[]),
        ("/both/", "Negotiate", &[]),
        ("/both/", "NTLM", &["--scheme", "ntlm"]),
        ("/digest/", "Digest", &["--scheme", "digest"]),
        ("/basic/", "Basic", &["--scheme", "basic", "--scheme", "ntlm"]),
    ] {
        let url = format!("{}{path}", demo.https);
        let certificate = demo.certificate();
        let got = alice(&[options, &["--cacert", &certificate, &url]].concat());
        assert_eq!((got.code, got.said.as_str()), (0, ""), "{got:?}");
        assert_eq!((got.fact("user"), got.fact("scheme")), (ALICE, scheme));
    }
}

#[test]
fn channel_bindings_are_sent_unless_they_are_not_to_be() {
    let demo = Demo::start();
    let (url, certificate) = (format!("{}/ntlm/", demo.https), demo.certificate());
    let got = alice(&["--cacert", &certificate, &url]);
    assert_eq!(got.fact("bindings"), "bound to this TLS connection");
    let got = alice(&["--no-bindings", "--cacert", &certificate, &url]);
    assert_eq!(got.code, 4, "a client that knows bindings and has none is refused");
    assert!(got.said.contains("leave out --no-bindings"), "{got:?}");
    let got = alice(&["--require-bindings", &format!("{}/ntlm/", demo.http)]);
    assert_eq!(got.code, 5, "{got:?}");
    assert!(got.said.contains("leave out --require-bindings"), "{got:?}");
}

#[test]
fn the_password_comes_from_a_file_or_the_environment_and_never_from_the_command_line() {
    let demo = Demo::start();
    let url = format!("{}/ntlm/", demo.http);
    let file = demo.password_file(PASSWORD);
    let got = run(&mut get(&["-u", ALICE, "--password-file", &file, "--quiet", &url]));
    assert_eq!((got.code, got.said.as_str()), (0, ""));
    let upn = "alice@corp.example";
    let got = run(get(&["-u", upn, &url]).env("LOGON_USER", upn).env("LOGON_PASSWORD", PASSWORD));
    assert_eq!((got.code, got.fact("user")), (0, ALICE));
    // There is no terminal here.
    let got = run(&mut get(&["-u", ALICE, &url]));
    assert_eq!(got.code, 5, "{got:?}");
    assert!(got.said.contains("--password-file"), "{got:?}");
}

#[test]
fn every_kind_of_failure_has_its_exit_code_and_one_line_that_says_what_to_do() {
    let demo = Demo::start();
    let ntlm = format!("{}/ntlm/", demo.http);
    let wrong = demo.password_file("wrong");
    let garbage = Script::start(|_| b"no HTTP at all\r\n\r\n".to_vec());
    let short = Script::start(|_| {
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nab".to_vec()
    });
    let busy = Script::start(|_| answer("503 Busy", b"later"));
    let loops = Script::start(|_| answer("302 Found\r\nLocation: /again", b""));
    let open = format!("{}/open", demo.http);
    let missing = format!("{}/missing", demo.http);
    let https = format!("{}/open", demo.https);
    let digest = format!("{}/digest/", demo.http);
    let (garbage, short, busy, loops) = (garbage.url(), short.url(), busy.url(), loops.url());
    for (code, arguments, words) in [
        (0, &[open.as_str()][..], ""),
        (2, &[], "Usage"),
        (2, &["intranet"], "http://host/path"),
        (2, &["ftp://intranet/"], "neither of http"),
        (2, &["http://alice:secret@intranet/"], "-u NAME"),
        (2, &[&open, "-H", "no colon"], "Name: value"),
        (2, &[&open, "-H", "Host: other"], "writes host itself"),
        (2, &[&open, "-X", "A B"], "no method"),
        (2, &[&open, "-d", "@/nowhere"], "/nowhere"),
        (2, &[&open, "--cacert", "/nowhere"], "--cacert"),
        (2, &[&open, "--allow", "a b"], "names no hosts"),
        (2, &[&open, "--proxy", "socks5://a:1"], "is no proxy"),
        (2, &[&open, "--timeout", "soon"], "write seconds"),
        (2, &[&open, "-u", ALICE, "--password-file", "/nowhere"], "/nowhere"),
        (2, &[&open, "-u", ""], "-u names nobody"),
        (2, &[&open, "-u", r"CORP\"], "names nobody"),
        (2, &[&open, "--proxy", "http://a:1", "--proxy-user", ""], "--proxy-user names nobody"),
        (2, &[&open, "--spn", ""], "write HTTP/ and a host"),
        (2, &[&open, "--spn", "HTTP/"], "write HTTP/ and a host"),
        (2, &[&open, "--spn", "/web"], "write HTTP/ and a host"),
        (2, &[&open, "--spn", "web.corp.example"], "write HTTP/web.corp.example"),
        (2, &[&open, "--spn", "HTTP/web@CORP.EXAMPLE"], "leave out @ and the realm"),
        (2, &[&open, "--spn", "HTTP/a b"], "no blanks"),
        (3, &[&missing], "404 Not Found"),
        (3, &[&busy], "503 Service Unavailable"),
        (4, &[&ntlm, "-q", "-u", ALICE, "--password-file", &wrong], "Check name and password"),
        (5, &[&ntlm], "-u NAME"),
        (5, &[&digest, "-q", "-u", ALICE, "--password-file", &wrong], "--scheme"),
        (6, &["http://127.0.0.1:1/"], "check name and port"),
        (6, &["http://logon.invalid/"], "logon.invalid"),
        (6, &[&https], "--cacert"),
        (7, &[&garbage], "--trace"),
        (7, &[&short], "--trace"),
        (7, &[&loops, "-L"], "more than 10 redirects"),
    ] {
        let got = run(&mut get(arguments));
        assert_eq!(got.code, code, "{arguments:?} {got:?}");
        assert!(got.said.contains(words), "{arguments:?} {got:?}");
        if code > 2 {
            assert_eq!(got.said.lines().count(), 1, "{got:?}");
        }
        assert!(!got.said.contains("secret"), "{got:?}");
    }
}

#[test]
fn the_body_is_written_byte_by_byte_that_of_a_refusal_too() {
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for (status, code) in [("200 OK", 0), ("404 Gone", 3), ("401 No", 3)] {
        let body = bytes.clone();
        let script = Script::start(move |_| answer(status, &body));
        let got = run(&mut get(&[&script.url()]));
        assert_eq!(got.code, code, "{}", got.said);
        assert!(got.body == bytes, "{} bytes", got.body.len());
    }
    let script = Script::start(|_| answer("299 Well\r\nX-Field: \u{e4}", b"body"));
    let got = run(&mut get(&["-i", &script.url()]));
    let expected = "HTTP/1.1 299 <none>\r\n";
    let (head, body) = got.text().split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(expected.trim_end_matches("<none>\r\n")), "{head}");
    assert!(head.contains("x-field: \u{e4}") && body == "body", "{got:?}");
}

#[test]
fn method_fields_and_body_are_sent_as_they_are_given() {
    let script = Script::start(|head| {
        let expects = head.to_lowercase().contains("expect: 100");
        assert!(!expects, "nobody logs on: {head}");
        [answer("200 OK\r\nConnection: close", b"")].concat()
    });
    let url = format!("{}/a b/\u{e4}?q=\u{e4}#part", script.url());
    let ran = run(&mut get(&["-X", "PROPFIND", "-H", "Depth: 1", "-H", "X-A:  b ", &url]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let head = script.heads().remove(0);
    assert!(head.starts_with("PROPFIND /a%20b/%C3%A4?q=%C3%A4 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ndepth: 1\r\n") && head.contains("\r\nx-a: b\r\n"), "{head}");

    run(&mut get(&["-d", "a=1", &script.url()]));
    let head = script.heads().remove(0);
    assert!(head.starts_with("POST / ") && head.contains("\r\ncontent-length: 3\r\n"), "{head}");
    assert!(head.contains("application/x-www-form-urlencoded"), "{head}");
    run(&mut get(&["-d", "{}", "-H", "Content-Type: application/json", &script.url()]));
    let head = script.heads().remove(0);
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
}

#[test]
fn a_body_from_a_file_or_standard_input_arrives_whole_through_a_logon() {
    let demo = Demo::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body");
    std::fs::write(&path, vec![b'x'; 3_000_000]).unwrap();
    let file = format!("@{}", path.display());
    for place in ["ntlm", "nego", "open"] {
        let url = format!("{}/{place}/", demo.http);
        let got = alice(&["-d", &file, &url]);
        assert_eq!((got.fact("method"), got.fact("body")), ("POST", "3000000 bytes"), "{got:?}");
        let mut command = get(&["-X", "PUT", "-d", "@-", &url]);
        command.env("LOGON_USER", ALICE).env("LOGON_PASSWORD", PASSWORD);
        let got = run_with(&mut command, vec![b'y'; 2_000_000]);
        assert_eq!((got.fact("method"), got.fact("body")), ("PUT", "2000000 bytes"), "{got:?}");
    }
    std::fs::write(&path, "").unwrap();
    let got = alice(&["-d", &file, &format!("{}/ntlm/", demo.http)]);
    assert_eq!((got.fact("method"), got.fact("body")), ("POST", "0 bytes"));
}

#[test]
fn redirects_are_followed_if_that_is_wanted() {
    let script = Script::start(|head| match head.split(' ').nth(1) {
        Some("/a") => answer("302 Found\r\nLocation: /b", b"moved"),
        _ => answer("200 OK", b"there"),
    });
    let url = format!("{}/a", script.url());
    let got = run(&mut get(&[&url]));
    assert_eq!((got.code, got.text()), (0, "moved"));
    assert!(got.said.contains("to /b; --location follows"), "{got:?}");
    let got = run(&mut get(&["-L", &url]));
    assert_eq!((got.code, got.text(), got.said.as_str()), (0, "there", ""));
}

// What a server says is not the caller's mistake, and not all of it is shown.
#[test]
fn a_redirect_that_cannot_be_followed_is_the_servers_failure() {
    for to in ["x".repeat(70_000), "http://[".to_owned(), "ftp://a.example/".to_owned()] {
        let answer = answer(&format!("302 Found\r\nLocation: {to}"), b"");
        let script = Script::start(move |_| answer.clone());
        let got = run(&mut get(&["-L", &script.url()]));
        assert_eq!(got.code, 7, "{}", &got.said[..got.said.len().min(300)]);
        assert!(got.said.contains("a redirect to ") && got.said.len() < 400, "{}", got.said.len());
    }
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let silent = Script::start(|_| {
        std::thread::sleep(std::time::Duration::from_secs(20));
        Vec::new()
    });
    let stalled = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to_stalled = format!("http://{}", stalled.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = stalled.accept().unwrap();
        head(&mut stream);
        let _ = std::io::Write::write_all(
            &mut stream,
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        );
        std::thread::sleep(std::time::Duration::from_secs(20));
    });
    for url in [silent.url(), to_stalled] {
        let got = run(&mut get(&["--timeout", "300ms", &url]));
        assert_eq!(got.code, 6, "{got:?}");
        assert!(got.said.contains("300ms"), "{got:?}");
    }
}
