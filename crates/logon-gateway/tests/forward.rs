//! `logon forward` as it is run: programs that cannot log on, a proxy and a server that want it.

mod support;

#[path = "../../logon-client/tests/support/mod.rs"]
mod servers;

use logon::http::Scheme;
use servers::forward::Forward;
use servers::{Site, Spec};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use support::PASSWORD;
use support::forward::{ALICE, Running, apart, command};
use support::get::{Script, get, run};

fn open() -> Spec {
    Spec { scope: Some(logon::http::Scope::off()), ..Spec::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_requests_go_through_a_proxy_that_is_logged_on_to() {
    let site = Site::start(open()).await;
    let proxy = Forward::start(&[Scheme::Negotiate], false).await;
    let running = Running::start(&["--proxy", &proxy.url()]);
    let url = site.url("/x");
    apart(move || {
        let way = running.url();
        for _ in 0..2 {
            let got = run(&mut get(&["--proxy", &way, "-d", "12345", &url]));
            assert_eq!(got.code, 0, "{got:?}");
            assert!(got.text().ends_with("|5"), "{got:?}");
        }
        let long = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(long.path(), vec![b'x'; 1_000_000]).unwrap();
        let data = format!("@{}", long.path().display());
        let got = run(&mut get(&["--proxy", &way, "-d", &data, &url]));
        assert!(got.text().ends_with("|1000000"), "{got:?}");
        running
    })
    .await;
    let legs = proxy.take();
    let first = ["POST -", "POST Negotiate 1", "POST Negotiate 3", "POST -"].map(str::to_owned);
    assert_eq!(legs[..4], first, "then the connection is logged on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tunnels_go_through_a_proxy_that_is_logged_on_to() {
    let echo = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to = echo.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in echo.incoming() {
            let (mut from, mut to) = {
                let s = stream.unwrap();
                (s.try_clone().unwrap(), s)
            };
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        }
    });
    let proxy = Forward::start(&[Scheme::Ntlm], false).await;
    let running = Running::start(&["--proxy", &proxy.url()]);
    let answer = apart(move || {
        let mut stream = TcpStream::connect(&running.address).unwrap();
        // Credentials of the program's own are for nobody.
        let head = format!(
            "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Basic eA==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let head = support::get::head(&mut stream);
        stream.write_all(b"neither HTTP nor TLS").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        (head, rest)
    })
    .await;
    assert!(answer.0.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
    assert!(!answer.0.to_lowercase().contains("content-length"), "{answer:?}");
    assert_eq!(answer.1, "neither HTTP nor TLS");
    assert_eq!(proxy.take(), ["CONNECT -", "CONNECT NTLM 1", "CONNECT NTLM 3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_logged_on_to_for_programs_that_cannot() {
    let site = Site::start(Spec::default()).await;
    let running = Running::start(&["--origin", site.url("").trim_end_matches('/')]);
    apart(move || {
        let url = format!("{}/a?b", running.url());
        for arguments in [&[url.as_str()][..], &[&url, "-H", "Authorization: Basic eA=="]] {
            let got = run(&mut get(arguments));
            assert_eq!(got.text().split('|').next(), Some(ALICE), "{got:?}");
        }
        let got = run(&mut get(&[&url, "-d", "12345"]));
        assert!(got.text().ends_with("|5"), "{got:?}");
        // And curl, which is asked for nothing.
        let Ok(curl) = Command::new("curl").args(["-s", "-d", "12", &url]).output() else { return };
        let text = String::from_utf8(curl.stdout).unwrap();
        assert!(text.starts_with(ALICE) && text.ends_with("|2"), "{text}");
    })
    .await;
    assert!(site.take().iter().all(|seen| seen.path == "/a" && seen.credentials != "Basic"));
}

#[test]
fn web_pages_do_not_get_at_the_server() {
    let script = Script::start(|_| {
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nsecret".to_vec()
    });
    let running = Running::start(&["--origin", &script.url()]);
    let end = "Connection: close\r\n\r\n";
    let host = &running.address;
    for fields in [
        "Host: evil.example\r\n".to_owned(),
        format!("Host: {host}\r\nOrigin: http://evil.example\r\n"),
        format!("Host: {host}\r\nSec-Fetch-Site: cross-site\r\n"),
    ] {
        let answer = running.ask(&format!("GET / HTTP/1.1\r\n{fields}{end}"));
        assert!(answer.starts_with("HTTP/1.1 403 ") && !answer.contains("secret"), "{answer}");
    }
    let answer = running.ask(&format!("GET http://other/ HTTP/1.1\r\nHost: {host}\r\n{end}"));
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(script.heads().is_empty(), "nothing came so far");
    let answer = running.ask(&format!("GET /x HTTP/1.1\r\nHost: {host}\r\nX-A: 1\r\n{end}"));
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("secret"), "{answer}");
    let heads = script.heads();
    assert!(heads[0].contains("\r\nx-a: 1\r\n"), "{heads:?}");
    assert!(heads[0].contains(&format!("\r\nhost: {}\r\n", script.address)), "{heads:?}");
}

#[test]
fn a_proxy_is_not_asked_like_a_server_and_logons_by_connection_do_not_pass() {
    let script = Script::start(|_| {
        b"HTTP/1.1 401 no\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\
          Connection: close\r\nContent-Length: 0\r\n\r\n"
            .to_vec()
    });
    let running = Running::start(&["--proxy", &script.url()]);
    let end = "Host: a.example\r\nConnection: close\r\n\r\n";
    let answer = running.ask(&format!("GET / HTTP/1.1\r\n{end}"));
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(script.heads().is_empty());
    let answer = running.ask(&format!(
        "GET http://a.example/ HTTP/1.1\r\nAuthorization: NTLM TlRM\r\n\
         Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\n{end}"
    ));
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("Basic realm") && !answer.contains("NTLM"), "{answer}");
    let heads = script.heads();
    assert!(heads[0].starts_with("GET http://a.example/ HTTP/1.1\r\n"), "{heads:?}");
    assert!(!heads[0].to_lowercase().contains("auth"), "{heads:?}");
    assert!(!heads[0].to_lowercase().contains("proxy-connection"), "{heads:?}");
}

#[test]
fn a_refusal_is_said_and_not_passed_on_as_a_question() {
    let proxy = Script::start(|_| {
        b"HTTP/1.1 407 no\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n".to_vec()
    });
    let running = Running::start(&["--proxy", &proxy.url()]);
    for request in ["GET http://a.example/", "CONNECT a.example:443"] {
        let end = "Host: a.example\r\nConnection: close\r\n\r\n";
        let answer = running.ask(&format!("{request} HTTP/1.1\r\n{end}"));
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert!(answer.contains("logon forward: ") && !answer.contains("NTLM TlRM"), "{answer}");
    }
}

#[test]
fn it_starts_only_where_it_is_safe_and_with_credentials() {
    for (code, arguments, words) in [
        (2, &["--proxy", "http://a:1", "--listen", "0.0.0.0:0"][..], "--allow-remote"),
        (2, &["--listen", "127.0.0.1:0"], "--proxy"),
        (2, &["--proxy", "http://a:1", "--origin", "http://b"], "--origin"),
        (2, &["--proxy", "socks5://a:1"], "no proxy"),
        (2, &["--origin", "http://a/path"], "--origin"),
        (5, &["--proxy", "http://proxy.corp.example:1"], "--allow proxy.corp.example"),
        (5, &["--origin", "http://web.corp.example"], "--allow web.corp.example"),
    ] {
        let mut command = command(arguments);
        let output =
            command.env("LOGON_USER", ALICE).env("LOGON_PASSWORD", PASSWORD).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {said}");
        assert!(said.contains(words) && !said.contains(PASSWORD), "{arguments:?} {said}");
    }
    let output = command(&["--proxy", "http://localhost:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
}

#[cfg(unix)]
#[test]
fn told_to_stop_it_finishes_a_request_in_progress() {
    use rustix::process::{Pid, Signal, kill_process};
    let (began, begun) = std::sync::mpsc::channel();
    let script = Script::start(move |_| {
        began.send(()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(500));
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate".to_vec()
    });
    for signal in [Signal::INT, Signal::TERM] {
        let mut running = Running::start(&["--origin", &script.url()]);
        let url = running.url();
        let asking = std::thread::spawn(move || run(&mut get(&[&url])));
        begun.recv_timeout(support::PATIENCE).unwrap();
        let id = Pid::from_raw(running.process.id().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
        let got = asking.join().unwrap();
        assert_eq!((got.code, got.text()), (0, "late"));
        assert_eq!(running.process.wait().unwrap().code(), Some(0));
    }
}
