//! `logon forward` as a proxy among others: what it says of itself, what comes round again, and what
//! changes its protocol.

mod support;

#[path = "../../logon-client/tests/support/mod.rs"]
mod servers;

use logon::http::Scheme;
use servers::forward::Forward;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::PASSWORD;
use support::forward::{ALICE, Running, apart, command};
use support::get::Script;

#[test]
fn messages_say_that_they_came_through_a_proxy_and_none_comes_from_a_server() {
    let script = Script::start(|_| {
        b"HTTP/1.1 200 OK\r\nVia: 1.1 edge\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            .to_vec()
    });
    let via = |head: &str| -> Vec<String> {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let lines = lines.filter(|(name, _)| name.eq_ignore_ascii_case("via"));
        lines.map(|(_, value)| value.to_owned()).collect()
    };
    let running = Running::start(&["--proxy", &script.url()]);
    for (version, expected) in [("1.1", "1.1 logon-forward-"), ("1.0", "1.0 logon-forward-")] {
        let answer = running.ask(&format!(
            "GET http://a.example/ HTTP/{version}\r\nHost: a.example\r\nVia: 1.0 inner\r\n\
             Connection: close\r\n\r\n"
        ));
        let (asked, answered) = (via(&script.heads()[0]), via(&answer));
        assert!(asked[0] == "1.0 inner" && asked[1].starts_with(expected), "{asked:?}");
        assert!(answered[0] == "1.1 edge" && answered[1][4..] == asked[1][4..], "{answered:?}");
    }
    // A server that logs clients on by connection takes that for a connection of many.
    let running = Running::start(&["--origin", &script.url()]);
    let host = &running.address;
    let answer =
        running.ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    assert_eq!(via(&script.heads()[0]), [""; 0]);
    assert_eq!(via(&answer), ["1.1 edge"]);
}

#[test]
fn a_request_that_comes_round_again_is_refused() {
    let back = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let running = Running::start(&["--proxy", &format!("http://{}", back.local_addr().unwrap())]);
    let (to, rounds) = (running.address.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&rounds);
    std::thread::spawn(move || {
        for from in back.incoming() {
            // What does not end by itself ends here.
            if counted.fetch_add(1, Ordering::SeqCst) > 5 {
                return;
            }
            join(from.unwrap(), TcpStream::connect(&to).unwrap());
        }
    });
    let end = "Host: a.example\r\nConnection: close\r\n\r\n";
    let answer = running.ask(&format!("GET http://a.example/ HTTP/1.1\r\n{end}"));
    assert!(answer.starts_with("HTTP/1.1 508 "), "{answer}");
    assert!(answer.contains("--proxy leads back here"), "{answer}");
    let answer = running.ask(&format!("CONNECT a.example:443 HTTP/1.1\r\n{end}"));
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("508"), "{answer}");
    assert_eq!(rounds.load(Ordering::SeqCst), 2);
    let own = &running.address;
    for request in [format!("GET http://{own}/"), format!("CONNECT {own}")] {
        let answer = running.ask(&format!("{request} HTTP/1.1\r\n{end}"));
        assert!(answer.starts_with("HTTP/1.1 508 "), "{answer}");
        assert!(answer.contains("which is this command"), "{answer}");
    }
    assert_eq!(rounds.load(Ordering::SeqCst), 2);
}

fn join(one: TcpStream, other: TcpStream) {
    let ways = [(one.try_clone().unwrap(), other.try_clone().unwrap()), (other, one)];
    for (mut from, mut to) in ways {
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

/// A server of `WebSocket` connections that says the same again, and of nothing else.
fn sockets() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = support::get::head(&mut stream).to_lowercase();
            assert!(head.contains("\r\nconnection: upgrade\r\n"), "{head}");
            assert!(head.contains("\r\nupgrade: websocket\r\n"), "{head}");
            assert!(head.contains("\r\nsec-websocket-key: a\r\n"), "{head}");
            assert!(head.contains("\r\nvia: 1.1 logon-forward-"), "{head}");
            let answer: &[u8] = match head.split(' ').nth(1) {
                Some("/chat?room") => {
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                      Upgrade: WebSocket\r\nSec-WebSocket-Accept: b\r\n\r\nwelcome "
                }
                Some("/other") => {
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                      Upgrade: other\r\n\r\n"
                }
                _ => b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno",
            };
            stream.write_all(answer).unwrap();
            let mut from = stream.try_clone().unwrap();
            let _ = std::io::copy(&mut from, &mut stream);
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_goes_through_a_proxy_in_a_tunnel() {
    let server = sockets();
    let proxy = Forward::start(&[Scheme::Ntlm], false).await;
    let running = Running::start(&["--proxy", &proxy.url()]);
    apart(move || {
        let ask = |path: &str| {
            let mut stream = TcpStream::connect(&running.address).unwrap();
            let head = format!(
                "GET http://{server}{path} HTTP/1.1\r\nHost: {server}\r\n\
                 Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Key: a\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            let head = support::get::head(&mut stream);
            (head, stream)
        };
        let (head, mut stream) = ask("/chat?room");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let head = head.to_lowercase();
        for line in ["connection: upgrade", "upgrade: websocket", "sec-websocket-accept: b"] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} is not in {head}");
        }
        stream.write_all(b"no HTTP").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "welcome no HTTP");
        assert!(ask("/other").0.starts_with("HTTP/1.1 502 "));
        let (head, mut stream) = ask("/");
        assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
        let mut body = [0; 2];
        stream.read_exact(&mut body).unwrap();
        assert_eq!(&body, b"no");
    })
    .await;
    assert_eq!(proxy.take()[..3], ["CONNECT -", "CONNECT NTLM 1", "CONNECT NTLM 3"]);
}

#[test]
fn a_websocket_that_cannot_be_logged_on_is_refused_and_other_upgrades_are_passed_over() {
    let script = Script::start(|_| {
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec()
    });
    let running = Running::start(&["--origin", &script.url()]);
    let host = &running.address;
    for (token, status) in [("websocket", 501), ("h2c", 200)] {
        let answer = running.ask(&format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade, close\r\n\
             Upgrade: {token}\r\n\r\n"
        ));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let heads = script.heads();
    assert_eq!(heads.len(), 1);
    assert!(!heads[0].to_lowercase().contains("upgrade"), "{heads:?}");
}

#[test]
fn what_leads_back_to_its_own_address_does_not_start() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = free.to_string();
    for way in ["--proxy", "--origin"] {
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("http://{host}:{}", free.port());
            let mut command = command(&["--listen", &listen, way, &url]);
            let output =
                command.env("LOGON_USER", ALICE).env("LOGON_PASSWORD", PASSWORD).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains("is this command itself"), "{said}");
        }
    }
}
