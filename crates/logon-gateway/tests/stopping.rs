//! The end of a gateway, those that do not begin, and the options that only look.

#![cfg(unix)]

mod support;

use logon::http::Scheme;
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};
use support::{Client, Echo, Folder, Gateway, LISTEN, until};
use tokio::net::{TcpListener, TcpStream};

const ALICE: &str = r"CORP\alice";
const ADMIN: &str = "[admin]\naddress = \"127.0.0.1:0\"\n";

#[tokio::test]
async fn sigterm_finishes_requests_in_progress_and_lets_nobody_new_in() {
    let application = Echo::start();
    let mut gateway = Gateway::start(&format!("{}{LISTEN}{ADMIN}", application.line())).await;
    let (address, admin) = (gateway.address(0), gateway.admin.unwrap());
    let ready = async || Client::connect(admin).await.get("/readyz").await;
    let answered = ready().await;
    assert_eq!((answered.status, answered.text().lines().next()), (200, Some("ready")));

    let mut client = Client::connect(address).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "/", ALICE).await.status, 200);
    let mut idle = Client::connect(address).await;
    assert_eq!(idle.get("/").await.status, 401);
    let slow = tokio::spawn(async move {
        let answered = client.send("POST", "/?wait=2500", &[], &[b'x'; 200_000]).await;
        (answered, client)
    });
    until("the request is under way", || application.text().contains("wait=2500")).await;

    gateway.signal(Signal::TERM);
    gateway.until_logged("stopping: requests in progress are finished").await;
    let answered = ready().await;
    assert_eq!((answered.status, answered.text().lines().next()), (503, Some("draining")));
    assert_eq!(Client::connect(admin).await.get("/healthz").await.status, 200);
    assert!(TcpStream::connect(address).await.is_err());
    assert!(idle.is_closed().await);
    assert!(gateway.is_running());

    let (answered, mut client) = slow.await.unwrap();
    let seen = answered.seen();
    assert_eq!((seen.one("x-remote-user"), seen.body.len()), (ALICE, 200_000));
    assert!(client.is_closed().await);
    assert_eq!(gateway.ended().await, Some(0));
    assert!(TcpStream::connect(admin).await.is_err());
}

#[tokio::test]
async fn a_second_signal_waits_for_nobody() {
    let application = Echo::start();
    for signals in [[Signal::TERM, Signal::TERM], [Signal::INT, Signal::TERM]] {
        let mut gateway = Gateway::start(&format!("{}{LISTEN}", application.line())).await;
        let mut client = Client::connect(gateway.address(0)).await;
        assert_eq!(client.log_on(Scheme::Ntlm, "/", ALICE).await.status, 200);
        let before = application.text().matches("wait=9000").count();
        let begin = Instant::now();
        let slow =
            tokio::spawn(async move { client.try_send("GET", "/?wait=9000", &[], b"").await });
        until("the request is under way", || {
            application.text().matches("wait=9000").count() > before
        })
        .await;
        gateway.signal(signals[0]);
        gateway.until_logged("stopping: requests in progress are finished").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(gateway.is_running());
        gateway.signal(signals[1]);
        assert_eq!(gateway.ended().await, Some(0));
        assert!(slow.await.unwrap().is_none());
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn signals_count_from_the_moment_that_it_says_where_it_listens() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new();
    folder.config(&format!("upstream = \"http://127.0.0.1:1\"\n{LISTEN}"));
    for number in 0..20 {
        let mut child = folder
            .command()
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("http://"), "{line}");
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::HUP).unwrap();
        if number % 2 == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        kill_process(pid, Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[tokio::test]
async fn requests_that_take_longer_than_the_limit_are_given_up() {
    let application = Echo::start();
    let limits = "[limits]\ndrain = \"300ms\"\n";
    let mut gateway = Gateway::start(&format!("{}{LISTEN}{limits}", application.line())).await;
    let mut client = Client::connect(gateway.address(0)).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "/", ALICE).await.status, 200);
    let slow = tokio::spawn(async move { client.try_send("GET", "/?wait=9000", &[], b"").await });
    until("the request is under way", || application.text().contains("wait=9000")).await;
    let begin = Instant::now();
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.ended().await, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(slow.await.unwrap().is_none());
}

#[tokio::test]
async fn an_address_that_another_has_is_an_error_that_says_how_to_find_it() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap();
    let folder = Folder::new();
    let listen = format!("[[listen]]\naddress = \"{address}\"\n");
    folder.config(&format!("upstream = \"http://127.0.0.1:1\"\n{listen}"));
    let ended = folder.run(&[]);
    let advice = format!("`ss -ltnp 'sport = :{}'`", address.port());
    assert!(ended.code == Some(1) && ended.log.contains(&advice), "{ended:?}");

    folder.config(&format!(
        "upstream = \"http://127.0.0.1:1\"\n{LISTEN}[admin]\naddress = \"{address}\"\n"
    ));
    let ended = folder.run(&[]);
    assert!(ended.code == Some(1) && ended.log.contains("[admin] cannot listen at"), "{ended:?}");
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_with_line_and_column() {
    let folder = Folder::new();
    // Line 1 is `users`, which every configuration has here.
    let good = format!("upstream = \"http://127.0.0.1:1\"\n{LISTEN}");
    let wrong = [
        (format!("{good}port = 8080\n"), "logon.toml:5:1: unknown field `port`"),
        (format!("{good}name =\n"), "logon.toml:5:"),
        (format!("{good}[logon]\nrequirement = \"maybe\"\n"), "logon.toml:6:15: "),
        (good.replace("127.0.0.1:0", "localhost"), "logon.toml:4:11: "),
        (good.replace("http:", "ftp:"), "logon.toml:2:12: "),
        (format!("{good}tls_in_front = \"nowhere.pem\"\n"), "nowhere.pem: "),
        (format!("{good}[[route]]\npath = \"admin\"\n"), "logon.toml:6:8: "),
        (format!("{good}[[route]]\nlisten = [\"lan\"]\n"), "logon.toml:6:11: "),
        (format!("{good}[[route]]\ngroups = [\"Admins\"]\n"), "logon.toml:6:10: "),
        (
            format!("{good}[logon]\nrequirement = \"optional\"\n[[route]]\nusers = [\"alice\"]\n"),
            "logon.toml:8:9: ",
        ),
        (LISTEN.to_owned(), "no request would go anywhere"),
        (format!("users = \"nowhere\"\n{good}"), "`logon users add --file"),
    ];
    for (config, said) in wrong {
        folder.config(&config);
        for options in [&[][..], &["--check"]] {
            let ended = folder.run(options);
            assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{config}\n{ended:?}");
            assert!(ended.log.contains(said), "{said:?} for {config}\n{}", ended.log);
        }
    }
    std::fs::remove_file(folder.path("logon.toml")).unwrap();
    let ended = folder.run(&[]);
    assert!(ended.code == Some(1) && ended.log.contains("logon.example.toml"), "{ended:?}");
}

#[test]
fn a_check_writes_nothing_and_opens_nothing() {
    let folder = Folder::new();
    // Somebody has the address; a check does not mind.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    folder.config(&format!(
        "upstream = \"http://127.0.0.1:1\"\n[[listen]]\naddress = \"{address}\"\n\
         self_signed = \"tls.pem\"\n"
    ));
    let ended = folder.run(&["--check"]);
    assert!(ended.code == Some(0) && ended.out.contains("in order, 1 listener;"), "{ended:?}");
    let files = std::fs::read_dir(folder.path(".")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["logon.toml", "users"]);
}

#[test]
fn what_is_printed_is_a_configuration_that_says_the_same() {
    let folder = Folder::new();
    folder.config(&format!(
        r#"
        upstream = "wiki"
        {LISTEN}
        name = "people"
        self_signed = "tls.pem"
        http2 = true
        [logon]
        schemes = ["Negotiate", "NTLM", "Basic"]
        lifetime = "8h"
        target_names = ["HTTP/web.corp.example"]
        trusted_proxies = ["10.0.0.7/32", "fd00::/8"]
        [logon.throttle]
        exempt = ["10.0.0.8"]
        [identity]
        upn = ["X-Upn"]
        format = "user"
        [limits]
        drain = "1m 30s"
        [log]
        format = "json"
        [admin]
        address = "127.0.0.1:0"
        [[route]]
        path = "/admin"
        hosts = ["web.corp.example"]
        listen = ["people"]
        groups = ["Web Admins"]
        users = ['CORP\alice']
        [upstreams.wiki]
        urls = ["http://127.0.0.1:1", "http://127.0.0.1:2"]
        health = {{ path = "/", interval = "10s", timeout = "2s" }}
        [groups]
        "Web Admins" = ["bob"]
        "#
    ));
    let printed = folder.run(&["--print-config"]);
    assert_eq!((printed.code, printed.log.as_str()), (Some(0), ""), "{printed:?}");
    for part in ["Web Admins", r"CORP\alice", "10.0.0.7/32", "1m 30s", "body_stall", "WEB01"] {
        assert!(printed.out.contains(part), "{part} in {}", printed.out);
    }
    folder.write("logon.toml", &printed.out);
    let checked = folder.run(&["--check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}\n{}", printed.out);
    assert_eq!(folder.run(&["--print-config"]).out, printed.out);
    assert!(!folder.path("tls.pem").exists());
}
