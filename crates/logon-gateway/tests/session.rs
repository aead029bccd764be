//! The session cookie, and who needs it: clients whose connections are not their own.

#![cfg(unix)]

mod support;

use logon::ChannelBindings;
use logon::http::Scheme;
use std::net::SocketAddr;
use std::path::Path;
use support::{
    Answered, Authority, Client, Echo, Folder, Gateway, LISTEN, Logon, PASSWORD, basic, logon,
};

const ALICE: &str = r"CORP\alice";
const BOB: &str = r"CORP\bob";
const HOST: &str = "web.corp.example";

/// `logon session-key`: a new key before the old ones, `keep` of them in all.
fn new_key(file: &Path, keep: &str) {
    let mut command = logon();
    command.args(["session-key", "--keep", keep, "--file"]).arg(file);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A gateway behind a box that speaks TLS, with a file of session keys; and what clients of that
/// box bind their logons to.
async fn behind_a_box(application: &Echo, rest: &str) -> (Gateway, ChannelBindings) {
    let folder = Folder::new();
    let front = Authority::new().certify(&[HOST]);
    front.save(&folder, "front");
    new_key(&folder.path("keys"), "2");
    let listen = format!("{LISTEN}tls_in_front = \"front.pem\"\n");
    let config = format!("{}{listen}[session]\nkeys = \"keys\"\n{rest}", application.line());
    (Gateway::start_in(folder, &config).await, front.bindings())
}

/// What a browser sends back of an answer's only cookie.
fn cookie(answered: &Answered) -> String {
    let set = answered.all("set-cookie");
    assert_eq!(set.len(), 1, "{answered:?}");
    for attribute in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set[0].contains(attribute), "{set:?}");
    }
    assert!(set[0].starts_with("__Host-logon=") && !set[0].contains("Domain"), "{set:?}");
    set[0].split(';').next().unwrap().to_owned()
}

async fn with_cookie(address: SocketAddr, host: &str, path: &str, cookie: &str) -> Answered {
    Client::connect(address).await.to(host).get_with(path, &[("Cookie", cookie)]).await
}

// PG-2: a Linux host, a box in front that shares its connections, phones that know Basic alone.
#[tokio::test]
async fn behind_a_box_that_shares_connections_phones_log_on_once_and_stay_who_they_are() {
    let application = Echo::start();
    let rest = "[logon]\nschemes = [\"Negotiate\", \"NTLM\", \"Basic\"]\n";
    let (gateway, bindings) = behind_a_box(&application, rest).await;
    let via = ("Via", "1.1 box");
    let mut shared = Client::connect(gateway.address(0)).await;
    let refused = shared.get_with("/", &[via]).await;
    assert_eq!(refused.status, 401);
    assert!(refused.challenges().iter().any(|it| it.starts_with("Basic ")), "{refused:?}");

    let mut phones = Vec::new();
    for user in [ALICE, BOB] {
        let credentials = basic(user, PASSWORD);
        let answered = shared.get_with("/", &[via, ("Authorization", &credentials)]).await;
        assert_eq!(answered.user().as_deref(), Some(user));
        phones.push((user, "Basic", cookie(&answered)));
    }
    // A PC on the same connection has its two legs one after the other.
    let mut logon = Logon::new(Scheme::Ntlm, r"CORP\carol", PASSWORD).bound(bindings);
    let first = logon.first();
    let challenge = shared.get_with("/", &[via, ("Authorization", &first)]).await;
    let last = logon.next(&challenge);
    let answered = shared.get_with("/", &[via, ("Authorization", &last)]).await;
    assert_eq!(answered.user().as_deref(), Some(r"CORP\carol"));
    phones.push((r"CORP\carol", "NTLM", cookie(&answered)));

    let mut other = Client::connect(gateway.address(0)).await;
    for _ in 0..3 {
        for connection in [&mut shared, &mut other] {
            for (user, scheme, cookie) in &phones {
                let fields = [via, ("Cookie", cookie.as_str())];
                let answered = connection.get_with("/x", &fields).await;
                assert_eq!(answered.user().as_deref(), Some(*user));
                assert_eq!(answered.seen().one("auth_type"), *scheme);
                assert_eq!(answered.all("set-cookie").len(), 0, "not due: {answered:?}");
            }
            // The connection itself is nobody's.
            assert_eq!(connection.get_with("/x", &[via]).await.status, 401);
        }
    }
    assert!(!application.text().contains("__Host-logon"), "the application has no use for it");
    for (_, _, cookie) in phones {
        assert!(!gateway.log().contains(cookie.split('=').nth(1).unwrap()));
    }
}

#[tokio::test]
async fn a_session_opens_no_more_than_the_logon_did() {
    let application = Echo::start();
    let rest = r#"
        [logon]
        schemes = ["Negotiate", "NTLM", "Basic"]
        [[route]]
        path = "/strong"
        schemes = ["Negotiate"]
        [[route]]
        path = "/bobs"
        users = ["bob"]
        [[route]]
        path = "/off"
        requirement = "off"
        [[route]]
        path = "/guests"
        requirement = "optional"
        "#;
    let (gateway, _) = behind_a_box(&application, rest).await;
    let address = gateway.address(0);
    let credentials = basic(ALICE, PASSWORD);
    let mut client = Client::connect(address).await;
    let answered = client.get_with("/", &[("Authorization", &credentials)]).await;
    let alice = cookie(&answered);
    for (path, expected) in [("/", 200), ("/strong", 401), ("/bobs", 403), ("/%62obs", 403)] {
        assert_eq!(with_cookie(address, HOST, path, &alice).await.status, expected, "{path}");
    }
    assert_eq!(with_cookie(address, HOST, "/guests", &alice).await.user().as_deref(), Some(ALICE));
    assert_eq!(with_cookie(address, HOST, "/off", &alice).await.user(), None);
    // Good for its host alone, and only whole.
    assert_eq!(with_cookie(address, "wiki.corp.example", "/", &alice).await.status, 401);
    let (name, value) = alice.split_once('=').unwrap();
    for broken in [&value[..value.len() - 1], "", "AAAA", &value.replacen('A', "B", 1)] {
        if broken != value {
            let broken = format!("{name}={broken}");
            assert_eq!(with_cookie(address, HOST, "/", &broken).await.status, 401, "{broken}");
        }
    }
    // Who says the password as well is asked for it.
    let wrong = basic(ALICE, "wrong");
    let fields = [("Cookie", alice.as_str()), ("Authorization", wrong.as_str())];
    assert_eq!(Client::connect(address).await.get_with("/", &fields).await.status, 401);
    // Two sessions in one request are nobody's.
    let credentials = basic(BOB, PASSWORD);
    let mut client = Client::connect(address).await;
    let answered = client.get_with("/", &[("Authorization", &credentials)]).await;
    let both = format!("{alice}; {}", cookie(&answered));
    assert_eq!(with_cookie(address, HOST, "/", &both).await.status, 401);
}

#[tokio::test]
async fn sessions_outlive_a_restart_and_end_with_their_key() {
    let application = Echo::start();
    let (gateway, bindings) = behind_a_box(&application, "").await;
    let mut client = Client::connect(gateway.address(0)).await;
    client.bindings = bindings;
    let alice = cookie(&client.log_on(Scheme::Negotiate, "/", ALICE).await);
    let config = std::fs::read_to_string(gateway.folder.path("logon.toml")).unwrap();
    let (_, folder, _) = gateway.stop().await;
    let gateway = Gateway::start_in(folder, &config).await;
    let (address, keys) = (gateway.address(0), gateway.folder.path("keys"));
    let answered = with_cookie(address, HOST, "/", &alice).await;
    assert_eq!(answered.user().as_deref(), Some(ALICE));

    // Of an older key: still good, and replaced by one of the new key.
    new_key(&keys, "2");
    assert!(gateway.reload(None).await);
    let renewed = cookie(&with_cookie(address, HOST, "/", &alice).await);
    assert_ne!(renewed, alice);
    // The older key goes.
    new_key(&keys, "2");
    assert!(gateway.reload(None).await);
    assert_eq!(with_cookie(address, HOST, "/", &alice).await.status, 401);
    assert_eq!(with_cookie(address, HOST, "/", &renewed).await.status, 200);
    new_key(&keys, "1");
    assert!(gateway.reload(None).await);
    assert_eq!(with_cookie(address, HOST, "/", &renewed).await.status, 401);
}

#[tokio::test]
async fn an_application_that_wants_somebody_else_ends_the_session_and_brings_the_challenges() {
    let application = Echo::start();
    for requirement in ["required", "optional", "app-challenges"] {
        let rest = format!("[logon]\nrequirement = \"{requirement}\"\n");
        let (gateway, bindings) = behind_a_box(&application, &rest).await;
        let mut client = Client::connect(gateway.address(0)).await;
        client.bindings = bindings;
        let alice = cookie(&client.log_on(Scheme::Ntlm, "/", ALICE).await);
        let address = gateway.address(0);
        let refused = with_cookie(address, HOST, "/?status=401", &alice).await;
        assert_eq!((refused.status, refused.challenges()), (401, vec!["Negotiate", "NTLM"]));
        assert!(cookie(&refused).ends_with("logon="), "{refused:?}");
        assert!(refused.all("set-cookie")[0].contains("; Max-Age=0;"), "{refused:?}");
        // A 403 is its own affair.
        let forbidden = with_cookie(address, HOST, "/?status=403", &alice).await;
        assert_eq!((forbidden.status, forbidden.all("set-cookie").len()), (403, 0));
    }
}

// H-08: also where the layer that looks out for it is passed by.
#[tokio::test]
async fn whoever_shares_a_connection_ends_its_logon_by_a_session_or_the_diagnosis_page_too() {
    let application = Echo::start();
    let (gateway, bindings) = behind_a_box(&application, "[diagnosis]\n").await;
    let via = ("Via", "1.1 box");
    let mut client = Client::connect(gateway.address(0)).await;
    client.bindings = bindings;
    let bob = cookie(&client.log_on(Scheme::Ntlm, "/", BOB).await);
    let requests = [("/", vec![("Cookie", bob.as_str()), via]), ("/.logon", vec![via])];
    for (path, fields) in requests {
        client.log_on(Scheme::Ntlm, "/", ALICE).await;
        assert_eq!(client.get("/").await.user().as_deref(), Some(ALICE));
        assert_eq!(client.get_with(path, &fields[..fields.len() - 1]).await.status, 200);
        assert_eq!(client.get("/").await.user().as_deref(), Some(ALICE));
        assert_eq!(client.get_with(path, &fields).await.status, 200);
        assert_eq!(client.get("/").await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn over_plain_http_nobody_gets_a_session() {
    let application = Echo::start();
    let folder = Folder::new();
    new_key(&folder.path("keys"), "1");
    let config = format!("{}{LISTEN}[session]\nkeys = \"keys\"\n", application.line());
    let gateway = Gateway::start_in(folder, &config).await;
    let mut client = Client::connect(gateway.address(0)).await;
    let answered = client.log_on(Scheme::Ntlm, "/", ALICE).await;
    assert_eq!((answered.status, answered.all("set-cookie").len()), (200, 0));
}
