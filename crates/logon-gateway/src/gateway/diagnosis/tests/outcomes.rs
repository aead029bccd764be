//! What comes of a try.

use super::{Client, Logon, PASSWORD, certificate, connect, headline, page, page_for, page_of};
use http::Version;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, WWW_AUTHENTICATE};
use logon::http::{Scheme, format_token};
use logon::kerberos::{EncryptionType, Key, MemoryReplayCache, Service, ServiceKey};
use logon::wire::spnego::{MechType, MechTypes, NegTokenInit};
use logon::{BindingsPolicy, FileTime};
use logon_tower::{Connection, Http11Required};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_logon_is_shown_with_what_was_sent_and_how_it_was_proven() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    let path = browser.begin("both").await;
    let done = browser.log_on(&path, Logon::default()).await;
    assert_eq!(done.status(), 200);
    assert_eq!(headline(&done), r"You are logged on as CORP\alice.");
    for part in [
        "Negotiate: NEGOTIATE",
        "401 with a challenge",
        "Negotiate: AUTHENTICATE",
        "NTLMv2",
        "SPNEGO",
        "MsvAvNbComputerName WEB01",
        "HTTP/web.corp.example",
        "EXTENDED_SESSIONSECURITY",
        "present and right",
        "HTTP/1.1, no TLS",
        "Mozilla/5.0 (X11) Test/1",
    ] {
        assert!(done.body().contains(part), "{part} is not in {}", done.body());
    }
    // Whoever has the link sees the same, without a logon.
    let id = path.split('/').nth(3).unwrap();
    let administrator = Client::new(&page);
    let shown = administrator.get(&format!("/.logon/show/{id}"), None).await;
    assert_eq!((shown.status().as_u16(), headline(&shown)), (200, headline(&done)));
}

// BX-5
#[tokio::test]
async fn a_wrong_password_and_a_wrong_name_look_alike() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut pages = Vec::new();
    for user in ["alice", "mallo", "locke"] {
        let user = if user == "locke" { r"CORP\locked".into() } else { format!(r"CORP\{user}") };
        let mut browser = Client::new(&page);
        let path = browser.begin("ntlm").await;
        let logon = Logon { scheme: Scheme::Ntlm, user: &user, password: "x", ..Logon::default() };
        let refused = browser.log_on(&path, logon).await;
        assert_eq!(refused.status(), 401);
        assert!(headline(&refused).starts_with("The name or the password was wrong"));
        assert!(refused.body().contains("LOGON_ACCOUNT_OR_PASSWORD"));
        for code in ["UNKNOWN_ACCOUNT", "WRONG_PROOF", "ACCOUNT_LOCKED"] {
            assert!(!refused.body().contains(code), "{code}");
        }
        // The challenge is that of every refusal: the client may try once more.
        assert_eq!(refused.headers()[WWW_AUTHENTICATE], "NTLM");
        pages.push(refused.body().matches("<dt>").count());
    }
    assert_eq!(pages, [pages[0]; 3]);
}

#[tokio::test]
async fn missing_bindings_are_said_where_they_are_demanded() {
    let page = page(BindingsPolicy::Always);
    let mut browser = Client::new(&page);
    let bindings = certificate();
    browser.connection = Connection::tls(None, bindings.clone());
    // The initiator knows bindings, and sends zeros where it was given none.
    let path = browser.begin("both").await;
    let refused = browser.log_on(&path, Logon::default()).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(headline(&refused), "The logon was bound to no TLS connection.");
    assert!(refused.body().contains("LOGON_ZERO_BINDINGS"));
    let path = browser.begin("both").await;
    let done = browser.log_on(&path, Logon { bindings, ..Logon::default() }).await;
    assert_eq!(headline(&done), r"You are logged on as CORP\alice.");
    assert!(done.body().contains("the logon is bound to this TLS connection"));
    browser.connection = connect();
    let path = browser.begin("both").await;
    let refused = browser.log_on(&path, Logon::default()).await;
    assert_eq!(headline(&refused), "Channel bindings are demanded here, and this is not TLS.");
    assert!(refused.body().contains("LOGON_BINDINGS_REQUIRED"));
}

// PG-14
#[tokio::test]
async fn a_connection_that_changes_in_the_middle_is_named() {
    let page = page(BindingsPolicy::WhenOffered);
    for (way, scheme) in [("ntlm", Scheme::Ntlm), ("negotiate", Scheme::Negotiate)] {
        let mut browser = Client::new(&page);
        let path = browser.begin(way).await;
        let _ = browser.get(&path, None).await;
        let (client, challenge) =
            browser.challenged(&path, Logon { scheme, ..Logon::default() }).await;
        browser.connection = connect();
        let mut token = Vec::new();
        let _ = client.step(Some(&challenge), &mut token).unwrap();
        let refused = browser.get(&path, Some(&format_token(scheme, &token))).await;
        assert_eq!(refused.status(), 401);
        assert_eq!(headline(&refused), "The connection changed in the middle of the logon.");
        // A client that begins anew each time goes round in circles.
        let _ = browser.challenged(&path, Logon { scheme, ..Logon::default() }).await;
        browser.connection = connect();
        let _ = browser.challenged(&path, Logon { scheme, ..Logon::default() }).await;
        let id = path.split('/').nth(3).unwrap();
        let shown = browser.get(&format!("/.logon/show/{id}"), None).await;
        assert_eq!(headline(&shown), "The connection changed in the middle of the logon.");
    }
}

// PG-18
#[tokio::test]
async fn a_browser_that_does_not_answer_is_told_where_hosts_are_trusted() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    let path = browser.begin("both").await;
    let asked = browser.get(&path, None).await;
    assert_eq!(asked.status(), 401);
    assert_eq!(headline(&asked), "Your browser has not tried to log on.");
    let settings = ["AuthServerAllowlist", "network.automatic-ntlm-auth.trusted-uris"];
    for setting in settings.iter().chain(&["Local intranet", "http://web.corp.example"]) {
        assert!(asked.body().contains(setting), "{setting}");
    }
    let _ = browser.challenged(&path, Logon::default()).await;
    let id = path.split('/').nth(3).unwrap();
    let shown = browser.get(&format!("/.logon/show/{id}"), None).await;
    assert_eq!(headline(&shown), "Your browser sent nothing after the challenge.");
    assert!(settings.iter().all(|setting| shown.body().contains(setting)));
}

// HTTP/2 and its fields alone: a socket has no part in what is decided.
#[tokio::test]
async fn http_2_is_left_and_http_1_1_is_noticed() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    let path = browser.begin("both").await;
    browser.version = Version::HTTP_2;
    let asked = browser.get(&path, None).await;
    assert!(asked.extensions().get::<Http11Required>().is_some());
    assert_eq!(headline(&asked), "Your browser came over HTTP/2 and was sent back to HTTP/1.1.");
    browser.version = Version::HTTP_11;
    browser.connection = connect();
    let done = browser.log_on(&path, Logon::default()).await;
    assert_eq!(done.status(), 200);
    assert!(done.body().contains("came over HTTP/1.1 as it should"));
}

#[tokio::test]
async fn a_connection_that_is_logged_on_is_asked_once_more() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    for _ in 0..2 {
        let path = browser.begin("both").await;
        let asked = browser.get(&path, None).await;
        assert_eq!(asked.status(), 401);
        let done = browser.log_on(&path, Logon::default()).await;
        assert_eq!(done.status(), 200);
        // And stays logged on when the page is loaded once more.
        let again = browser.get(&path, None).await;
        assert_eq!(again.status(), 200);
        assert!(again.body().contains("This connection was logged on already"));
    }
}

/// A first token with a ticket of Kerberos, or what looks like one.
fn kerberos(mechanisms: &[MechType<'_>]) -> String {
    let list = MechTypes::encode(mechanisms).unwrap();
    let ticket = [&[0x60, 13, 6, 9][..], MechType::KRB5.0, &[1, 0]].concat();
    let init = NegTokenInit {
        mech_types: MechTypes::decode(&list).unwrap(),
        mech_token: Some(&ticket),
        neg_hints: None,
        mech_list_mic: None,
    };
    let mut token = Vec::new();
    init.encode(&mut token).unwrap();
    format_token(Scheme::Negotiate, &token)
}

#[tokio::test]
async fn a_ticket_of_kerberos_is_named_and_not_taken_apart() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    for (mechanisms, expected) in [
        (&[MechType::KRB5, MechType::NTLMSSP][..], "was asked for NTLM, and sent nothing more."),
        (&[MechType::MS_KRB5, MechType::KRB5], "The client offers Kerberos alone."),
    ] {
        let path = browser.begin("negotiate").await;
        let _ = browser.get(&path, None).await;
        let answer = browser.get(&path, Some(&kerberos(mechanisms))).await;
        assert_eq!(answer.status(), 401);
        assert!(headline(&answer).ends_with(expected), "{}", headline(&answer));
        assert!(answer.body().contains("Negotiate: Kerberos token"), "{}", answer.body());
    }
}

#[tokio::test]
async fn a_proxy_in_between_is_shown_with_what_it_says() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    browser.fields.push(("via", "1.1 squid.corp.example".into()));
    browser.fields.push(("x-forwarded-for", "198.51.100.7".into()));
    let path = browser.begin("both").await;
    let done = browser.log_on(&path, Logon::default()).await;
    assert_eq!(done.status(), 200);
    for part in ["1.1 squid.corp.example", "198.51.100.7", "counts for this request alone"] {
        assert!(done.body().contains(part), "{part}");
    }
}

#[tokio::test]
async fn digest_and_basic_show_the_name_and_nothing_else() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    let bindings = certificate();
    browser.connection = Connection::tls(None, bindings);
    let path = browser.begin("basic").await;
    // alice:wrong one
    let refused = browser.get(&path, Some("Basic YWxpY2U6d3Jvbmcgb25l")).await;
    assert_eq!(headline(&refused), "The name or the password was wrong, for alice.");
    assert!(!refused.body().contains("wrong one") && !refused.body().contains("YWxpY2U"));
    let path = browser.begin("digest").await;
    let credentials = format!(
        "Digest username=\"alice\", realm=\"corp\", nonce=\"n0nce\", uri=\"{path}\", \
         response=\"{}\", algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"cn0nce\"",
        "0123456789abcdef".repeat(4)
    );
    let refused = browser.get(&path, Some(&credentials)).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.body().contains("SHA-256") && refused.body().contains("alice"));
    for secret in ["n0nce", "0123456789abcdef"] {
        assert!(!refused.body().contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn curl_gets_text_and_needs_no_cookies() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut curl = Client::curl(&page);
    let start = curl.get("/.logon", None).await;
    assert_eq!(start.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
    assert!(start.body().contains("curl --ntlm"), "{}", start.body());
    let path = curl.begin("ntlm").await;
    curl.cookie = None;
    let done = curl.log_on(&path, Logon { scheme: Scheme::Ntlm, ..Logon::default() }).await;
    assert_eq!(done.status(), 200);
    let text = done.body();
    assert!(text.contains(r"[ok] You are logged on as CORP\alice."), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 200), "{text}");
    assert!(!text.contains(PASSWORD) && !text.contains('<'), "{text}");
}

#[tokio::test]
async fn the_start_page_asks_nobody_to_log_on() {
    let page = page(BindingsPolicy::WhenOffered);
    let browser = Client::new(&page);
    for path in ["/.logon", "/.logon/"] {
        let start = browser.get(path, None).await;
        assert_eq!(start.status(), 200);
        assert!(!start.headers().contains_key(WWW_AUTHENTICATE));
        let policy = start.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        for way in ["both", "ntlm", "negotiate", "digest", "basic"] {
            assert!(start.body().contains(&format!("href=\"/.logon/new/{way}\"")), "{way}");
        }
    }
    for path in ["/.logon/new/kerberos", "/.logon/x", "/.logon/try/x", "/.logon/show/x/y"] {
        let answer = browser.get(path, None).await;
        assert_eq!(answer.status(), 404, "{path}");
    }
    for path in ["/.logo", "/.logonx", "/", "/.LOGON", "/x/.logon"] {
        assert!(!page.holds(path), "{path}");
    }
}

/// The keys of `HTTP/name`.
fn service(name: &str) -> Arc<Service> {
    let key = Key::new(EncryptionType::Aes256CtsHmacSha1_96, &[7; 32]).unwrap();
    let principal = format!("HTTP/{name}@CORP.EXAMPLE").parse().unwrap();
    let keytab = [ServiceKey { principal, kvno: 1, key }].into_iter().collect();
    let memory = MemoryReplayCache::new(FileTime::default(), Duration::ZERO);
    Arc::new(Service::new(keytab, Arc::new(memory)))
}

// PG-13, PG-14, PG-17: a browser of the domain that falls back.
#[tokio::test]
async fn who_came_with_ntlm_where_tickets_are_taken_is_told_what_to_look_at() {
    const TITLE: &str = "Why NTLM and not Kerberos";
    const NO_KEY: &str = "has no key of HTTP/web.corp.example";
    for (name, has_no_key) in [("web.corp.example", false), ("other.corp.example", true)] {
        let page = page_of(BindingsPolicy::WhenOffered, |it| it.with_kerberos(service(name)));
        for way in ["both", "negotiate"] {
            let mut browser = Client::new(&page);
            let path = browser.begin(way).await;
            let done = browser.log_on(&path, Logon::default()).await;
            assert_eq!(headline(&done), r"You are logged on as CORP\alice.");
            for part in [
                TITLE,
                "setspn -Q HTTP/web.corp.example",
                "samba-tool spn add HTTP/web.corp.example ACCOUNT",
                "AuthServerAllowlist",
                "clock",
            ] {
                assert!(done.body().contains(part), "{part} is not in {}", done.body());
            }
            assert_eq!(done.body().contains(NO_KEY), has_no_key, "{name}");
        }
        // Where only NTLM was offered there is nothing to wonder about.
        let mut browser = Client::new(&page);
        let path = browser.begin("ntlm").await;
        let logon = Logon { scheme: Scheme::Ntlm, ..Logon::default() };
        assert!(!browser.log_on(&path, logon).await.body().contains(TITLE));
        // Tickets are for names.
        let mut browser = Client::new(&page);
        browser.fields[0].1 = "192.0.2.1:8443".into();
        let path = browser.begin("both").await;
        let done = browser.log_on(&path, Logon::default()).await;
        assert!(done.body().contains("You came to the address 192.0.2.1."), "{}", done.body());
        assert!(!done.body().contains("setspn"));
    }
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    let path = browser.begin("both").await;
    assert!(!browser.log_on(&path, Logon::default()).await.body().contains(TITLE));
}

#[tokio::test]
async fn the_command_to_try_it_with_needs_no_name_where_a_ticket_does() {
    let with_ticket = "--negotiate -u : -L -b '' http://web.corp.example/.logon/new/negotiate";
    let with_name =
        r"--negotiate -u 'DOMAIN\user' -L -b '' http://web.corp.example/.logon/new/negotiate";
    let ntlm = r"--ntlm -u 'DOMAIN\user' -L -b '' http://web.corp.example/.logon/new/both";
    let only_ntlm = r"--ntlm -u 'DOMAIN\user' -L -b '' http://web.corp.example/.logon/new/ntlm";
    for (schemes, tickets, expected) in [
        (&Scheme::INTEGRATED[..], true, with_ticket),
        (&Scheme::INTEGRATED, false, ntlm),
        (&[Scheme::Negotiate], true, with_ticket),
        // NTLM within SPNEGO.
        (&[Scheme::Negotiate], false, with_name),
        (&[Scheme::Ntlm], true, only_ntlm),
    ] {
        let page = page_for(BindingsPolicy::WhenOffered, schemes, |acceptor| match tickets {
            true => acceptor.with_kerberos(service("web.corp.example")),
            false => acceptor,
        });
        let start = Client::curl(&page).get("/.logon", None).await.into_body();
        let commands: Vec<_> = start.split("curl ").skip(1).map(str::trim).collect();
        assert_eq!(commands, [expected], "{schemes:?}, tickets: {tickets}");
    }
}

#[tokio::test]
async fn who_sent_nothing_where_tickets_are_taken_is_told_why_there_may_be_none() {
    const TITLE: &str = "Why no ticket of Kerberos";
    let page_with =
        |name| page_of(BindingsPolicy::WhenOffered, |it| it.with_kerberos(service(name)));
    let page = page_with("web.corp.example");
    for way in ["both", "negotiate"] {
        let mut curl = Client::curl(&page);
        let path = curl.begin(way).await;
        let text = curl.get(&path, None).await.into_body();
        for part in [
            "[!!] Your client has not tried to log on.",
            "it has no ticket for this host",
            TITLE,
            "`kinit`",
            "an account of the domain",
            "AuthServerAllowlist",
            "network.negotiate-auth.trusted-uris",
            "zone Local intranet",
            "setspn -S HTTP/web.corp.example ACCOUNT",
            "its clock is more than five minutes off",
        ] {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("has no key of") && !text.contains("NTLM and not"), "{text}");
    }
    let other = page_with("other.corp.example");
    let mut curl = Client::curl(&other);
    let path = curl.begin("negotiate").await;
    let text = curl.get(&path, None).await.into_body();
    assert!(text.contains("has no key of HTTP/web.corp.example"), "{text}");
    let mut curl = Client::curl(&page);
    curl.fields[0].1 = "192.0.2.1:8443".into();
    let path = curl.begin("negotiate").await;
    let text = curl.get(&path, None).await.into_body();
    assert!(text.contains("You came to the address 192.0.2.1."), "{text}");
    // Where Negotiate is not offered, or is NTLM alone, it is as it was.
    let ntlm = super::page(BindingsPolicy::WhenOffered);
    for (page, way) in [(&page, "ntlm"), (&ntlm, "negotiate")] {
        let mut curl = Client::curl(page);
        let path = curl.begin(way).await;
        let text = curl.get(&path, None).await.into_body();
        assert!(!text.contains(TITLE) && text.contains("you closed the window"), "{text}");
        assert!(!text.contains("ticket"), "{text}");
    }
}
