//! Tickets at the gateway: keys that change while it serves, a memory that outlives it, and what the
//! application is told.

#![cfg(unix)]

mod support;
#[path = "../../../tests/support/ticket.rs"]
mod ticket;

use logon::http::{Scheme, format_token, parse_token};
use logon::kerberos::Keytab;
use logon::wire::krb5::{GssToken, TokenId};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::{Answered, Client, Client2, Echo, Folder, Gateway, LISTEN, Logon, PASSWORD};
use ticket::Forge;

/// Keys, and rules that suit tickets of the KDC in this test.
const KERBEROS: &str = "[kerberos]\nkeytabs = [\"web.keytab\"]\nrequire_pac = false\n\
                        realms = { \"CORP.EXAMPLE\" = \"CORP\" }\nclocks_ahead = \"1ms\"\n";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A ticket that holds now, and an authenticator that was never there.
fn fresh() -> Forge {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (now, cusec) = (now(), NEXT.fetch_add(1, Ordering::Relaxed));
    // The first second after the start is not before the start.
    let end = now + 3600;
    let auth_time = now - 120;
    Forge { start: Some(now - 60), auth_time, end, ctime: now + 1, cusec, ..Forge::default() }
}

/// The same of `testuser1`, whose domain says who it is for Windows.
fn of_windows() -> Forge {
    let Forge { start, end, ctime, cusec, .. } = fresh();
    Forge { start, end, ctime, cusec, ..ticket::of_windows() }
}

fn negotiate(forge: &Forge) -> String {
    format_token(Scheme::Negotiate, &forge.token())
}

async fn ask(client: &mut Client, path: &str, forge: &Forge) -> Answered {
    client.get_with(path, &[("Authorization", &negotiate(forge))]).await
}

/// A folder with the keys of [`ticket::keytab`].
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("web.keytab", ticket::keytab().encode().unwrap());
    folder
}

async fn start(more: &str, application: &Echo) -> Gateway {
    let config = format!("{}{LISTEN}{KERBEROS}{more}", application.line());
    Gateway::start_in(folder(), &config).await
}

// H-11, HS-25
#[tokio::test]
async fn a_ticket_logs_a_request_on_and_proves_the_gateway() {
    let application = Echo::start();
    let gateway = start("", &application).await;
    let mut client = Client::connect(gateway.address(0)).await;
    assert_eq!(client.get("/").await.challenges(), ["Negotiate", "NTLM"]);
    for _ in 0..2 {
        let answered = ask(&mut client, "/", &fresh()).await;
        assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
        assert!(!answered.seen().has("authorization"));
        assert_eq!(answered.all("persistent-auth"), ["false"]);
        let token = parse_token(Scheme::Negotiate, answered.challenges()[0].as_bytes());
        let token = token.unwrap().unwrap();
        assert_eq!(GssToken::decode(&token).unwrap().id, TokenId::ApRep);
        // The next request is nobody's.
        assert_eq!(client.get("/").await.status, 401);
    }
    // NTLM beside it, on the same connection.
    let answered = client.log_on(Scheme::Negotiate, "/", r"CORP\bob").await;
    assert_eq!(answered.user().as_deref(), Some(r"CORP\bob"));
    // A ticket on a connection that is somebody's is the ticket's.
    assert_eq!(ask(&mut client, "/", &fresh()).await.user().as_deref(), Some(r"CORP\alice"));
    assert_eq!(client.get("/").await.status, 401);
}

#[tokio::test]
async fn the_diagnosis_page_shows_a_logon_by_a_ticket() {
    let application = Echo::start();
    let gateway = start("[diagnosis]\n", &application).await;
    let mut client = Client::connect(gateway.address(0)).await;
    let begun = client.get("/.logon/new/negotiate").await;
    let shown = ask(&mut client, begun.all("location")[0], &fresh()).await;
    assert_eq!((begun.status, shown.status), (303, 200));
    let text = shown.text();
    for words in
        [r"[ok] You are logged on as CORP\alice.", "Kerberos", "A ticket proves one request"]
    {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    assert!(!text.contains("Why no ticket") && !text.contains("may share"), "{text}");
}

#[tokio::test]
async fn a_place_may_take_kerberos_alone() {
    let application = Echo::start();
    let gateway = start("[[route]]\npath = \"/strict\"\nntlm = false\n", &application).await;
    let mut client = Client::connect(gateway.address(0)).await;
    assert_eq!(client.get("/strict").await.challenges(), ["Negotiate"]);
    for scheme in [Scheme::Negotiate, Scheme::Ntlm] {
        let mut logon = Logon::new(scheme, r"CORP\alice", PASSWORD);
        let first = client.get_with("/strict", &[("Authorization", &logon.first())]).await;
        assert_eq!((first.status, first.challenges()), (401, vec!["Negotiate"]));
        // Begun elsewhere, it is not finished here either.
        let mut logon = Logon::new(scheme, r"CORP\alice", PASSWORD);
        let first = client.get_with("/", &[("Authorization", &logon.first())]).await;
        let last = logon.next(&first);
        let last = client.get_with("/strict", &[("Authorization", &last)]).await;
        assert_eq!((last.status, last.challenges()), (401, vec!["Negotiate"]));
    }
    client = Client::connect(gateway.address(0)).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "/", r"CORP\alice").await.status, 200);
    assert_eq!(client.get("/").await.status, 200);
    assert_eq!(client.get("/strict").await.status, 401);
    assert_eq!(ask(&mut client, "/strict", &fresh()).await.status, 200);
}

// R-03
#[tokio::test]
async fn a_keytab_that_changes_is_read_again_and_a_wrong_one_is_not() {
    let application = Echo::start();
    let gateway = start("", &application).await;
    let mut client = Client::connect(gateway.address(0)).await;
    let new = || Forge { service_key: 0x44, kvno: Some(4), ..fresh() };
    assert_eq!(ask(&mut client, "/", &new()).await.status, 401);
    gateway.until_logged("code=\"LOGON_KERBEROS_WRONG_KEY\"").await;
    // The other one's log on stays by NTLM, whatever happens to keys.
    let mut other = Client::connect(gateway.address(0)).await;
    assert_eq!(other.log_on(Scheme::Ntlm, "/", r"CORP\bob").await.status, 200);

    let mut keytab = ticket::keytab();
    keytab.extend([ticket::service_key(ticket::AES, 4, 0x44)]);
    gateway.folder.write("web.keytab", keytab.encode().unwrap());
    let begin = std::time::Instant::now();
    while ask(&mut client, "/", &new()).await.status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(10), "the new key is not taken");
        client = Client::connect(gateway.address(0)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    gateway.until_logged("keytabs read again").await;

    // By a signal a wrong one is an error, and everything stays.
    gateway.folder.write("web.keytab", b"no keytab");
    assert!(!gateway.reload(None).await);
    assert_eq!(ask(&mut client, "/", &new()).await.status, 200);
    gateway.folder.write("web.keytab", Keytab::default().encode().unwrap());
    assert!(!gateway.reload(None).await);
    assert!(gateway.log().contains("has no key that can be used"), "{}", gateway.log());
    std::fs::remove_file(gateway.folder.path("web.keytab")).unwrap();
    assert!(!gateway.reload(None).await);
    assert_eq!(ask(&mut client, "/", &new()).await.status, 200);
    gateway.folder.write("web.keytab", ticket::keytab().encode().unwrap());
    assert!(gateway.reload(None).await);
    assert_eq!(ask(&mut client, "/", &new()).await.status, 401);
    assert_eq!(other.get("/").await.user().as_deref(), Some(r"CORP\bob"));
}

// R-11
#[tokio::test]
async fn an_authenticator_is_refused_after_a_reload_and_after_a_restart() {
    let application = Echo::start();
    let file = format!("{KERBEROS}replay_cache = \"replays\"\n");
    let config = |more: &str| format!("{}{LISTEN}{file}{more}", application.line());
    let mut gateway = Gateway::start_in(folder(), &config("")).await;
    let used = fresh();
    let mut client = Client::connect(gateway.address(0)).await;
    assert_eq!(ask(&mut client, "/", &used).await.status, 200);
    assert_eq!(ask(&mut client, "/", &used).await.status, 401);
    // Other rules, and for a while no keys at all.
    for more in ["clock_skew = \"4m\"\n", "", "rc4 = true\n"] {
        assert!(gateway.reload(Some(&config(more))).await, "{}", gateway.log());
        assert_eq!(ask(&mut client, "/", &used).await.status, 401, "{more}");
        assert!(gateway.reload(Some(&format!("{}{LISTEN}", application.line()))).await);
        client = Client::connect(gateway.address(0)).await;
    }
    assert!(gateway.reload(Some(&config(""))).await);
    assert_eq!(ask(&mut client, "/", &used).await.status, 401);
    // Another file is for the next start; a reload that fails changes nothing either.
    let other = config("").replace("\"replays\"", "\"others\"");
    let failing = format!("{other}[session]\nkey = \"none\"\n");
    for (text, taken) in [(&failing, false), (&other, true), (&config(""), true)] {
        assert_eq!(gateway.reload(Some(text)).await, taken, "{}", gateway.log());
        client = Client::connect(gateway.address(0)).await;
        assert_eq!(ask(&mut client, "/", &used).await.status, 401, "{text}");
    }
    assert!(!gateway.folder.path("others").exists());
    assert!(gateway.log().contains("replay_cache has changed"), "{}", gateway.log());
    // The end that is asked for, and the one that is not.
    for kill in [false, true] {
        let another = fresh();
        let mut client = Client::connect(gateway.address(0)).await;
        assert_eq!(ask(&mut client, "/", &another).await.status, 200);
        let folder = if kill { gateway.kill().await } else { gateway.stop().await.1 };
        gateway = Gateway::start_in(folder, &config("")).await;
        assert!(gateway.log().contains("replay cache read"), "{}", gateway.log());
        let mut client = Client::connect(gateway.address(0)).await;
        for old in [&used, &another] {
            assert_eq!(ask(&mut client, "/", old).await.status, 401);
            client = Client::connect(gateway.address(0)).await;
        }
        // Who comes for the first time does not wait.
        assert_eq!(ask(&mut client, "/", &fresh()).await.status, 200);
    }
}

#[tokio::test]
async fn without_a_file_the_log_says_what_that_means() {
    let application = Echo::start();
    let gateway = start("", &application).await;
    let log = gateway.log();
    assert!(log.contains("replay_cache is not set"), "{log}");
    let config = |ahead: &str| {
        let kerberos = KERBEROS.replace("1ms", ahead);
        format!("{}{LISTEN}{kerberos}replay_cache = \"replays\"\n", application.line())
    };
    let gateway = Gateway::start_in(folder(), &config("5m")).await;
    assert!(gateway.log().contains("for 5m nobody can log on by Kerberos"), "{}", gateway.log());
    let mut client = Client::connect(gateway.address(0)).await;
    assert_eq!(ask(&mut client, "/", &fresh()).await.status, 401);
    gateway.until_logged("code=\"LOGON_KERBEROS_REPLAY\"").await;
}

#[test]
fn a_check_looks_at_keytabs_and_leaves_the_replay_cache_alone() {
    let folder = folder();
    let config = format!(
        "upstream = \"http://127.0.0.1:1\"\n{LISTEN}{KERBEROS}replay_cache = \"replays\"\n"
    );
    folder.config(&config);
    let ended = folder.run(&["--check"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!folder.path("replays").exists());
    let weak = logon::kerberos::Key::new(logon::kerberos::EncryptionType::Rc4Hmac, &[1; 16]);
    let principal = "HTTP/web@CORP.EXAMPLE".parse().unwrap();
    let weak = logon::kerberos::ServiceKey { principal, kvno: 1, key: weak.unwrap() };
    let keytab: logon::kerberos::Keytab = [weak].into_iter().collect();
    std::fs::write(folder.path("rc4.keytab"), keytab.encode().unwrap()).unwrap();
    for (config, expected) in [
        (config.replace("web.keytab", "other.keytab"), "there is no keytab "),
        (config.replace("\"replays\"", "\"no/replays\""), "no/replays: there is no such folder"),
        (config.replace("\"replays\"", "\"users\""), "users: it is not a replay cache"),
        (config.replace("\"replays\"", "\".\""), "is not a file"),
        (config.replace("web.keytab", "users"), "users is no keytab: is this the right file?"),
        (config.replace("web.keytab", "rc4.keytab"), "rc4.keytab: its keys are of RC4 alone"),
        (config.replace("\"CORP.EXAMPLE\"", "\"Corp.Example\""), "`realms` names Corp.Example"),
        (
            config.replace("\"CORP.EXAMPLE\" = \"CORP\"", "\"PARTNER.EXAMPLE\" = \"Corp.Example\""),
            "accounts of PARTNER.EXAMPLE would be called as those of CORP.EXAMPLE are",
        ),
    ] {
        folder.config(&config);
        let ended = folder.run(&["--check"]);
        assert_ne!(ended.code, Some(0), "{config}");
        assert!(ended.log.contains(expected), "{ended:?}");
    }
    // Others are trusted, and the domain of the own realm is not named.
    folder.config(&config.replace("\"CORP.EXAMPLE\"", "\"PARTNER.EXAMPLE\""));
    let ended = folder.run(&["--check"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.log.contains(r"accounts of CORP.EXAMPLE are called CORP.EXAMPLE\user"),
        "{ended:?}"
    );
}

const DOMAIN_SID: &str = "S-1-5-21-3167651404-3865080224-2280184895";

/// The groups of `testuser1`, in their order.
fn group_sids() -> String {
    let rids = [513, 1108, 1109, 1111, 1114, 1115, 1116];
    rids.map(|rid| format!("{DOMAIN_SID}-{rid}")).join(",")
}

// BX-6, PG-10, PG-12
#[tokio::test]
async fn the_application_learns_the_identifiers_of_user_and_groups_and_no_others() {
    let application = Echo::start();
    let rest = format!(
        "[identity]\ndomain = [\"X-Domain\"]\nsid = [\"X-Sid\"]\ngroup_sids = [\"X-Group-Sids\"]\n\
         groups = [\"X-Groups\"]\n[groups]\nStaff = [\"{DOMAIN_SID}-1108\"]\n\
         Others = [\"{DOMAIN_SID}-9999\", 'CORP\\bob']\n\
         [[route]]\npath = \"/staff\"\ngroups = [\"Staff\"]\n\
         [[route]]\npath = \"/others\"\ngroups = [\"Others\"]\n\
         [[route]]\npath = \"/one\"\nusers = [\"{DOMAIN_SID}-1105\"]\n"
    );
    let gateway = start(&rest, &application).await;
    let mut client = Client::connect(gateway.address(0)).await;
    let lies = [("X-Sid", "S-1-5-18"), ("x_group_sids", "S-1-5-32-544"), ("X-DOMAIN", "LAB")];
    let ask = |credentials: String| {
        let mut fields = lies.to_vec();
        fields.push(("Authorization", "-"));
        (fields, credentials)
    };
    let (mut fields, credentials) = ask(negotiate(&of_windows()));
    fields.last_mut().unwrap().1 = &credentials;
    let seen = client.get_with("/", &fields).await.seen();
    assert_eq!(seen.one("x-remote-user"), r"CORP\testuser1");
    assert_eq!(seen.one("x-domain"), "CORP");
    assert_eq!(seen.one("x-sid"), format!("{DOMAIN_SID}-1105"));
    assert_eq!(seen.one("x-group-sids"), group_sids());
    assert_eq!(seen.one("x-groups"), "Staff");
    assert!(!application.text().contains("S-1-5-18") && !application.text().contains("S-1-5-32"));
    for (path, expected) in [("/staff", 200), ("/one", 200), ("/others", 403)] {
        let credentials = negotiate(&of_windows());
        let answered = client.get_with(path, &[("Authorization", &credentials)]).await;
        assert_eq!(answered.status, expected, "{path}");
    }
    // A ticket without a PAC, and NTLM: nobody says anything of identifiers.
    let credentials = negotiate(&fresh());
    fields.last_mut().unwrap().1 = &credentials;
    let seen = client.get_with("/", &fields).await.seen();
    assert!(!seen.has("x-sid") && !seen.has("x-group-sids") && !seen.has("x_group_sids"));
    assert_eq!(seen.one("x-domain"), "CORP");
    let answered = client.log_on(Scheme::Ntlm, "/", r"CORP\bob").await;
    assert!(!answered.seen().has("x-sid") && answered.seen().one("x-groups") == "Others");
    assert_eq!(client.get("/staff").await.status, 403);
}

// BX-6
#[tokio::test]
async fn a_user_in_too_many_groups_is_not_told_with_fewer() {
    let application = Echo::start();
    let rest = "[identity]\ngroup_sids = [\"X-Group-Sids\"]\ngroup_sids_bytes = 100\n";
    let gateway = start(rest, &application).await;
    let mut client = Client::connect(gateway.address(0)).await;
    let answered = ask(&mut client, "/", &of_windows()).await;
    assert_eq!(answered.status, 500, "{answered:?}");
    gateway.until_logged("raise it if the application takes such fields").await;
    assert_eq!(ask(&mut client, "/", &fresh()).await.status, 200);
}

// BX-6: a cookie stands for all of a logon.
#[tokio::test]
async fn a_session_keeps_who_it_is_for_windows_and_that_it_was_kerberos() {
    let application = Echo::start();
    let folder = folder();
    let front = support::Authority::new().certify(&["web.corp.example"]);
    front.save(&folder, "front");
    let keys = folder.path("keys");
    let made = support::logon().args(["session-key", "--file"]).arg(&keys).output().unwrap();
    assert!(made.status.success());
    let config = format!(
        "{}{LISTEN}tls_in_front = \"front.pem\"\n{KERBEROS}[session]\nkeys = \"keys\"\n\
         [identity]\nsid = [\"X-Sid\"]\ngroup_sids = [\"X-Group-Sids\"]\n\
         [[route]]\npath = \"/strict\"\nntlm = false\n",
        application.line()
    );
    let gateway = Gateway::start_in(folder, &config).await;
    let mut client = Client::connect(gateway.address(0)).await;
    let cookie =
        |answered: &Answered| answered.all("set-cookie")[0].split(';').next().unwrap().to_owned();
    let answered = ask(&mut client, "/", &of_windows()).await;
    let kerberos = cookie(&answered);
    for path in ["/", "/strict"] {
        let mut client = Client::connect(gateway.address(0)).await;
        let seen = client.get_with(path, &[("Cookie", &kerberos)]).await.seen();
        assert_eq!(seen.one("x-remote-user"), r"CORP\testuser1");
        assert_eq!(seen.one("x-sid"), format!("{DOMAIN_SID}-1105"));
        assert_eq!(seen.one("x-group-sids"), group_sids());
    }
    // What NTLM has proven is not Kerberos, also in a cookie.
    let mut client = Client::connect(gateway.address(0)).await;
    client.bindings = front.bindings();
    let answered = client.log_on(Scheme::Negotiate, "/", r"CORP\bob").await;
    let ntlm = cookie(&answered);
    for (path, expected) in [("/", 200), ("/strict", 401)] {
        let mut client = Client::connect(gateway.address(0)).await;
        assert_eq!(client.get_with(path, &[("Cookie", &ntlm)]).await.status, expected, "{path}");
    }
}

// H-11: what a user in a thousand groups sends.
#[tokio::test]
async fn a_ticket_of_sixty_kilobytes_gets_through_over_http_1_and_over_http_2() {
    let application = Echo::start();
    let folder = folder();
    let authority = support::Authority::new();
    authority.certify(&["web.corp.example"]).save(&folder, "web");
    let config = format!(
        "{}{LISTEN}[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"web.pem\"\n\
         key = \"web.key\"\nhttp2 = true\n{KERBEROS}tell_errors = true\n\
         [[route]]\npath = \"/strict\"\nntlm = false\n",
        application.line()
    );
    let gateway = Gateway::start_in(folder, &config).await;
    let large = || {
        let authorization_data = vec![ticket::relevant(9999, &vec![0x5a; 60 << 10])];
        Forge { authorization_data, ..fresh() }
    };
    let mut client = Client::connect(gateway.address(0)).await;
    assert!(negotiate(&large()).len() > 80 << 10);
    let answered = ask(&mut client, "/", &large()).await;
    assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
    assert!(!answered.seen().has("authorization"));

    let client =
        Client2::connect(gateway.address(1), &authority.client2(), "web.corp.example").await;
    let offered = client.get("/strict", &[]).await.unwrap().head;
    assert_eq!(offered.headers["www-authenticate"], "Negotiate");
    for (path, forge) in [("/strict", large()), ("/", fresh())] {
        let credentials = negotiate(&forge);
        let answered = client.get(path, &[("authorization", &credentials)]).await.unwrap();
        assert_eq!(answered.seen().one("x-remote-user"), r"CORP\alice");
        let proof = answered.head.headers["www-authenticate"].to_str().unwrap();
        assert!(proof.starts_with("Negotiate "), "{proof}");
    }
    // Without a ticket that place needs a connection of its own.
    let reset = client.get("/", &[]).await.unwrap_err();
    assert_eq!(reset.reason(), Some(h2::Reason::HTTP_1_1_REQUIRED));
    // R-20: what is wrong is said where that is wanted.
    let old = negotiate(&Forge { ctime: now() - 1000, ..fresh() });
    let refused = client.get("/strict", &[("authorization", &old)]).await.unwrap();
    assert!(refused.head.headers["www-authenticate"].to_str().unwrap().len() > 30);
}

#[tokio::test]
async fn the_diagnosis_page_takes_no_ntlm_where_nothing_does() {
    let application = Echo::start();
    for (ntlm, found) in [(true, 1), (false, 0)] {
        let gateway = start(&format!("[logon]\nntlm = {ntlm}\n[diagnosis]\n"), &application).await;
        let mut client = Client::connect(gateway.address(0)).await;
        let page = String::from_utf8(client.get("/.logon").await.body.to_vec()).unwrap();
        assert!(page.contains("Negotiate only"), "{page}");
        assert_eq!(page.matches("NTLM only").count(), found, "{page}");
        assert_eq!(client.get("/.logon/new/ntlm").await.status == 404, !ntlm);
        let negotiate = client.get("/.logon/new/negotiate").await;
        let (cookie, place) = (negotiate.all("set-cookie")[0], negotiate.all("location")[0]);
        let cookie = cookie.split(';').next().unwrap();
        let mut logon = Logon::new(Scheme::Negotiate, r"CORP\alice", PASSWORD);
        let fields = [("Cookie", cookie), ("Authorization", &logon.first())];
        let answered = client.get_with(place, &fields).await;
        let goes_on = answered.challenges().iter().any(|it| it.starts_with("Negotiate "));
        assert_eq!(goes_on, ntlm, "{answered:?}");
    }
}
