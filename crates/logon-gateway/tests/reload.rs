//! SIGHUP: what is taken over, what stays, and who notices.

#![cfg(unix)]

mod support;

use logon::http::Scheme;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::{
    Answered, Authority, Client, Echo, Folder, Gateway, LISTEN, Logon, PASSWORD, logon, until,
};
use tokio::net::TcpStream;

const ALICE: &str = r"CORP\alice";

/// A listener that speaks TLS with `web.pem`.
const LISTEN_TLS: &str =
    "[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"web.pem\"\nkey = \"web.key\"\n";

/// What makes the rules of logons other ones, without a difference to anybody here.
const OTHER_LOGON: &str = "[logon]\nmax_denials = 5\n";

/// A connection between the two legs of a logon.
struct Between {
    client: Client,
    logon: Logon,
    challenge: Answered,
}

impl Between {
    async fn of(gateway: &Gateway, scheme: Scheme) -> Self {
        let mut client = Client::connect(gateway.address(0)).await;
        let mut logon = Logon::new(scheme, ALICE, PASSWORD);
        let challenge = client.get_with("/", &[("Authorization", &logon.first())]).await;
        assert_eq!(challenge.status, 401);
        Self { client, logon, challenge }
    }

    async fn finish(mut self) -> (Answered, Client) {
        let last = self.logon.next(&self.challenge);
        (self.client.get_with("/", &[("Authorization", &last)]).await, self.client)
    }
}

async fn logged_on(gateway: &Gateway) -> Client {
    let mut client = Client::connect(gateway.address(0)).await;
    let answered = client.log_on(Scheme::Negotiate, "/", ALICE).await;
    assert_eq!(answered.user().as_deref(), Some(ALICE));
    client
}

// PG-19
#[tokio::test]
async fn logons_are_switched_off_and_on_while_the_gateway_serves() {
    let application = Echo::start();
    let config = |requirement: &str| {
        format!("{}{LISTEN}[logon]\nrequirement = \"{requirement}\"\n", application.line())
    };
    let gateway = Gateway::start(&config("required")).await;
    let mut stranger = Client::connect(gateway.address(0)).await;
    let mut user = logged_on(&gateway).await;
    for _ in 0..2 {
        assert_eq!(stranger.get("/").await.status, 401);
        assert_eq!(user.get("/").await.user().as_deref(), Some(ALICE));
        assert!(gateway.reload(Some(&config("off"))).await);
        // On connections that are there already, too.
        assert_eq!(stranger.get("/").await.user(), None);
        assert_eq!(user.get("/").await.user(), None);
        assert!(gateway.reload(Some(&config("required"))).await);
    }
}

// HS-4
#[tokio::test]
async fn a_logon_is_finished_whatever_is_reloaded_or_restarted_between_its_legs() {
    let mut application = Echo::start();
    let config = |logon: &str| format!("{}{LISTEN}{logon}", application.line());
    let (config, other) = (config(""), config(OTHER_LOGON));
    let gateway = Gateway::start(&config).await;
    for scheme in Scheme::INTEGRATED {
        let between = Between::of(&gateway, scheme).await;
        assert!(gateway.reload(None).await);
        let (answered, mut client) = between.finish().await;
        assert_eq!(answered.user().as_deref(), Some(ALICE), "the same configuration, {scheme}");
        assert_eq!(client.get("/").await.status, 200);

        let between = Between::of(&gateway, scheme).await;
        assert!(gateway.reload(Some(&other)).await);
        let (answered, _) = between.finish().await;
        assert_eq!(answered.user().as_deref(), Some(ALICE), "another [logon], {scheme}");
        assert!(gateway.reload(Some(&config)).await);

        let between = Between::of(&gateway, scheme).await;
        application.restart();
        let (answered, _) = between.finish().await;
        assert_eq!(answered.user().as_deref(), Some(ALICE), "application restarted, {scheme}");

        let between = Between::of(&gateway, scheme).await;
        application.stop();
        let (answered, mut client) = between.finish().await;
        assert_eq!(answered.status, 503, "no application, {scheme}");
        application.restart();
        assert_eq!(client.get("/").await.user().as_deref(), Some(ALICE), "nor a new logon");
    }
}

// HS-4
#[tokio::test]
async fn a_logon_overtaken_by_two_changes_of_the_rules_begins_anew_on_its_connection() {
    let application = Echo::start();
    let config = |logon: &str| format!("{}{LISTEN}{logon}", application.line());
    let gateway = Gateway::start(&config("")).await;
    let between = Between::of(&gateway, Scheme::Negotiate).await;
    assert!(gateway.reload(Some(&config(OTHER_LOGON))).await);
    assert!(gateway.reload(Some(&config(""))).await);
    let (refused, mut client) = between.finish().await;
    assert_eq!(refused.status, 401);
    let answered = client.log_on(Scheme::Negotiate, "/", ALICE).await;
    assert_eq!(answered.user().as_deref(), Some(ALICE));
}

// HS-4
#[tokio::test]
async fn a_connection_stays_logged_on_until_the_rules_of_logons_change() {
    let application = Echo::start();
    let config = |rest: &str| format!("{}{LISTEN}{rest}", application.line());
    let gateway = Gateway::start(&config("")).await;
    let mut client = logged_on(&gateway).await;
    let route = "[[route]]\npath = \"/admin\"\nusers = [\"alice\"]\n";
    for unchanged in [
        "",
        route,
        "[identity]\nupn = [\"X-Upn\"]\n",
        "[logon]\nschemes = [\"NTLM\", \"Negotiate\"]\n",
    ] {
        assert!(gateway.reload(Some(&config(unchanged))).await);
        assert_eq!(client.get("/").await.user().as_deref(), Some(ALICE), "{unchanged}");
    }
    // Rules that have changed may not have let this logon pass.
    assert!(gateway.reload(Some(&config(OTHER_LOGON))).await);
    let refused = client.get("/").await;
    assert_eq!((refused.status, refused.closes()), (401, false));
    let answered = client.log_on(Scheme::Ntlm, "/", r"CORP\bob").await;
    assert_eq!(answered.user().as_deref(), Some(r"CORP\bob"), "on the same connection");
    assert_eq!(client.get("/").await.user().as_deref(), Some(r"CORP\bob"));
}

#[tokio::test]
async fn what_is_wrong_is_said_and_everything_stays_as_it_was() {
    let (application, authority, folder) = (Echo::start(), Authority::new(), Folder::new());
    let certificate = authority.certify(&["web.corp.example"]);
    certificate.save(&folder, "web");
    let good = format!("{}{LISTEN_TLS}{LISTEN}", application.line());
    let gateway = Gateway::start_in(folder, &good).await;
    let tls = authority.client();
    let mut before = Client::connect_tls(gateway.address(0), &tls, "web.corp.example").await;
    assert_eq!(before.log_on(Scheme::Ntlm, "/", ALICE).await.status, 200);
    let mut check = async |what: &str| {
        assert_eq!(before.get("/").await.user().as_deref(), Some(ALICE), "{what}");
        let mut new = Client::connect_tls(gateway.address(0), &tls, "web.corp.example").await;
        assert_eq!(new.certificate(), certificate.der, "{what}");
        let answered = new.log_on(Scheme::Negotiate, "/", r"CORP\bob").await;
        assert_eq!(answered.user().as_deref(), Some(r"CORP\bob"), "{what}");
        let mut plain = Client::connect(gateway.address(1)).await;
        assert_eq!(plain.log_on(Scheme::Ntlm, "/", ALICE).await.status, 200, "{what}");
    };
    check("at the start").await;

    let taken = TcpStream::connect(application.address).await.unwrap().peer_addr().unwrap();
    let wrong = [
        ("this is not TOML".to_owned(), "logon.toml:"),
        (format!("{good}[logon]\nschemas = []\n"), "schemas"),
        (format!("{good}[logon]\nschemes = []\n"), "scheme"),
        (good.replace("web.key", "nowhere.key"), "nowhere.key"),
        (good.replace("web.pem", "users"), "users"),
        (format!("users = \"nobody\"\n{good}"), "nobody"),
        (format!("{good}[session]\nkeys = \"no-keys\"\n"), "no-keys"),
        (format!("{good}[[listen]]\naddress = \"{taken}\"\n"), "ss -ltnp"),
        (format!("{}{LISTEN}", application.line().replace("http", "gopher")), "gopher"),
    ];
    for (config, said) in &wrong {
        let logged = gateway.log().len();
        assert!(!gateway.reload(Some(config)).await, "{config}");
        let log = gateway.log()[logged..].to_owned();
        assert!(log.contains("ERROR") && log.contains(said), "{said:?} in {log}");
        check(config).await;
    }
    // Nor does a file disturb that has gone since.
    gateway.folder.config(&good);
    for name in ["web.pem", "web.key", "logon.toml"] {
        let content = std::fs::read(gateway.folder.path(name)).unwrap();
        std::fs::remove_file(gateway.folder.path(name)).unwrap();
        assert!(!gateway.reload(None).await, "{name}");
        check(name).await;
        gateway.folder.write(name, "garbage");
        assert!(!gateway.reload(None).await, "{name}");
        check(name).await;
        gateway.folder.write(name, content);
    }
    assert!(gateway.reload(None).await);
    check("everything is as it was").await;
}

#[tokio::test]
async fn a_user_file_that_cannot_be_used_leaves_the_last_good_one() {
    let application = Echo::start();
    // Also where the domain is that of the users.
    for server in ["", "[server]\ncomputer = \"WEB01\"\n"] {
        let gateway = Gateway::start(&format!("{}{LISTEN}{server}", application.line())).await;
        let mut before = logged_on(&gateway).await;
        for garbage in [&b"garbage"[..], b"logon-users 1\nCORP\\eve\tnt=12\n", &[0xff; 100], b""] {
            let logged = gateway.log().len();
            gateway.folder.write("users", garbage);
            gateway.reload(None).await;
            let log = gateway.log()[logged..].to_owned();
            assert!(log.contains("ERROR") && log.contains("users"), "{log}");
            assert_eq!(before.get("/").await.user().as_deref(), Some(ALICE), "{log}");
            logged_on(&gateway).await;
        }
        std::fs::remove_file(gateway.folder.path("users")).unwrap();
        gateway.reload(None).await;
        assert_eq!(before.get("/").await.user().as_deref(), Some(ALICE));
        logged_on(&gateway).await;
        gateway.folder.users(&[(r"CORP\dave", None)]);
        assert!(gateway.reload(None).await);
        let mut client = Client::connect(gateway.address(0)).await;
        assert_eq!(client.log_on(Scheme::Ntlm, "/", ALICE).await.status, 401);
        assert_eq!(client.log_on(Scheme::Ntlm, "/", r"CORP\dave").await.status, 200);
    }
}

#[tokio::test]
async fn users_that_are_added_are_known_at_sighup_and_soon_without_it() {
    let application = Echo::start();
    // It is asked for somebody who is not there yet, again and again.
    let throttle = "[logon.throttle]\nenabled = false\n";
    let gateway = Gateway::start(&format!("{}{LISTEN}{throttle}", application.line())).await;
    let add = |name: &str| {
        let mut command = logon();
        command.args(["users", "add", "--password-env", "PW", "--file"]);
        command.arg(gateway.folder.path("users")).arg(name).env("PW", PASSWORD);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let status = async |name: &str| {
        let mut client = Client::connect(gateway.address(0)).await;
        client.log_on(Scheme::Ntlm, "/", name).await.status
    };
    assert_eq!(status(r"CORP\dave").await, 401);
    add(r"CORP\dave");
    assert!(gateway.reload(None).await);
    assert_eq!((status(r"CORP\dave").await, status(ALICE).await), (200, 200));

    add(r"CORP\erin");
    let begin = std::time::Instant::now();
    while status(r"CORP\erin").await != 200 {
        assert!(begin.elapsed() < Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_logons_are_bound_to_it() {
    let (application, authority, folder) = (Echo::start(), Authority::new(), Folder::new());
    let [old, new] = [(); 2].map(|()| authority.certify(&["web.corp.example"]));
    old.save(&folder, "web");
    let config =
        format!("{}{LISTEN_TLS}[logon]\nchannel_bindings = \"always\"\n", application.line());
    let gateway = Gateway::start_in(folder, &config).await;
    let tls = authority.client();
    let connect = || Client::connect_tls(gateway.address(0), &tls, "web.corp.example");
    let (mut before, mut idle) = (connect().await, connect().await);
    assert_eq!(before.log_on(Scheme::Ntlm, "/", ALICE).await.status, 200);

    new.save(&gateway.folder, "web");
    assert!(gateway.reload(None).await);
    let mut client = connect().await;
    assert_eq!(client.certificate(), new.der);
    assert_eq!(client.log_on(Scheme::Negotiate, "/", ALICE).await.status, 200);
    let mut client = connect().await;
    client.bindings = old.bindings();
    assert_eq!(client.log_on(Scheme::Negotiate, "/", ALICE).await.status, 401);
    // Connections from before go on with the certificate that they have.
    assert_eq!(before.get("/").await.user().as_deref(), Some(ALICE));
    assert_eq!(idle.certificate(), old.der);
    assert_eq!(idle.log_on(Scheme::Ntlm, "/", ALICE).await.status, 200);
}

#[tokio::test]
async fn listeners_come_and_go_and_change_to_tls() {
    let (application, authority, folder) = (Echo::start(), Authority::new(), Folder::new());
    authority.certify(&["web.corp.example"]).save(&folder, "web");
    let config = |listeners: &str| format!("{}{listeners}", application.line());
    let gateway = Gateway::start_in(folder, &config(LISTEN)).await;
    let first = gateway.address(0);
    let mut before = logged_on(&gateway).await;

    // A second one, and the first goes on.
    assert!(gateway.reload(Some(&config(&format!("{LISTEN}{LISTEN_TLS}")))).await);
    let [_, second] = gateway.listened()[..] else { panic!("{}", gateway.log()) };
    let tls = authority.client();
    let mut client = Client::connect_tls(second, &tls, "web.corp.example").await;
    assert_eq!(client.log_on(Scheme::Negotiate, "/", ALICE).await.status, 200);
    assert_eq!(before.get("/").await.user().as_deref(), Some(ALICE));

    // The second one goes: its requests in progress are finished, nobody new comes in.
    let slow = tokio::spawn(async move { client.get("/?wait=400").await.status });
    until("the request is under way", || application.text().contains("wait=400")).await;
    assert!(gateway.reload(Some(&config(LISTEN))).await);
    assert_eq!(slow.await.unwrap(), 200);
    assert!(TcpStream::connect(second).await.is_err());
    assert_eq!(before.get("/").await.user().as_deref(), Some(ALICE));

    // The first one changes to TLS, at its address.
    let slow = tokio::spawn(async move { (before.get("/?wait=401").await, before) });
    until("the request is under way", || application.text().contains("wait=401")).await;
    assert!(gateway.reload(Some(&config(LISTEN_TLS))).await);
    assert_eq!(gateway.listened().last(), Some(&first));
    let mut client = Client::connect_tls(first, &tls, "web.corp.example").await;
    assert_eq!(client.log_on(Scheme::Ntlm, "/", ALICE).await.status, 200);
    let (answered, mut before) = slow.await.unwrap();
    assert_eq!(answered.user().as_deref(), Some(ALICE));
    assert!(before.is_closed().await, "its listener is no more");
    // And back.
    assert!(gateway.reload(Some(&config(LISTEN))).await);
    logged_on(&gateway).await;
}

#[tokio::test]
async fn of_listeners_with_any_port_each_stays_itself() {
    let (one, two) = (Echo::start(), Echo::start());
    let named = |name: &str| format!("{LISTEN}name = \"{name}\"\n");
    let route = format!(
        "[logon]\nrequirement = \"off\"\n[[route]]\nlisten = [\"b\"]\nupstream = \"{}\"\n",
        two.url()
    );
    let config = format!("{}{}{}{route}", one.line(), named("a"), named("b"));
    let gateway = Gateway::start(&config).await;
    assert_ne!(gateway.address(0), gateway.address(1));
    for round in 0..2 {
        for (number, name) in ["a", "b"].into_iter().enumerate() {
            let mut client = Client::connect(gateway.address(number)).await;
            assert_eq!(client.get(&format!("/{name}{round}")).await.status, 200);
        }
        assert!(gateway.reload(None).await);
    }
    let (one, two) = (one.text(), two.text());
    assert!(one.contains("/a0") && one.contains("/a1") && !one.contains("/b"), "{one}");
    assert!(two.contains("/b0") && two.contains("/b1") && !two.contains("/a"), "{two}");
    assert_eq!(gateway.listened().len(), 2);
}

#[tokio::test]
async fn requests_go_on_during_many_reloads() {
    let application = Echo::start();
    let route = "[[route]]\npath = \"/npm\"\nrequirement = \"off\"\n";
    let configs = ["", route].map(|route| format!("{}{LISTEN}{route}", application.line()));
    let gateway = Gateway::start(&configs[0]).await;
    let address = gateway.address(0);
    let done = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for keeps in [true, true, false, false] {
        let done = Arc::clone(&done);
        clients.push(tokio::spawn(async move {
            let mut kept = Client::connect(address).await;
            assert_eq!(kept.log_on(Scheme::Negotiate, "/", ALICE).await.status, 200);
            let mut count = 0;
            while !done.load(Ordering::Relaxed) {
                let answered = if keeps {
                    kept.send("POST", "/?wait=5", &[], &[b'x'; 10_000]).await
                } else {
                    Client::connect(address).await.log_on(Scheme::Ntlm, "/?wait=5", ALICE).await
                };
                assert_eq!(answered.user().as_deref(), Some(ALICE));
                count += 1;
            }
            count
        }));
    }
    for number in 0..20 {
        assert!(gateway.reload(Some(&configs[(number + 1) % 2])).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        // How many depends on the machine; that none of them failed does not.
        assert!(client.await.unwrap() > 0);
    }
    assert!(!gateway.log().contains("ERROR"), "{}", gateway.log());
}
