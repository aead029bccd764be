//! Clients that mean no good.

use super::{Client, Logon, headline, page};
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{Method, Request};
use logon::BindingsPolicy;
use logon::http::{Scheme, format_token};

const SCRIPT: &str = "\"><script>alert(1)</script><img src=x onerror='y'>";

/// Names, agents and proxies come from the client, and so does the host.
#[tokio::test]
async fn what_a_client_writes_is_text_and_nothing_else() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    browser.fields[0].1 = format!("web{SCRIPT}");
    browser.fields[2].1 = format!("Mozilla {SCRIPT}");
    browser.fields.push(("via", SCRIPT.into()));
    browser.fields.push(("x-forwarded-<b>", SCRIPT.into()));
    browser.fields.pop();
    let path = browser.begin("both").await;
    let user = format!("CORP\\{SCRIPT}\u{202e}");
    let logon = Logon { user: &user, password: "x", ..Logon::default() };
    let mut pages = vec![browser.log_on(&path, logon).await];
    for credentials in [
        format!("<b>{SCRIPT} x"),
        format!("Digest username=\"{}\", realm=<i>, qop=\"a,b\"", "<u>&".repeat(5000)),
        format_token(Scheme::Basic, format!("{SCRIPT}:x").as_bytes()),
        format_token(Scheme::Ntlm, &[0xff; 40_000]),
        format_token(Scheme::Negotiate, b"NTLMSSP\0\x03\0\0\0<script>"),
        "Negotiate".to_owned(),
        "Negotiate %%%".to_owned(),
    ] {
        pages.push(browser.get(&path, Some(&credentials)).await);
    }
    pages.push(browser.get("/.logon", None).await);
    let escaped = "&lt;script&gt;alert(1)&lt;/script&gt;";
    assert!(pages[0].body().contains(escaped));
    for page in &pages {
        let body = page.body();
        for raw in ["<script", "<img", "<b>web", "<u>", "<i>", "onerror='", "\u{202e}"] {
            assert!(!body.contains(raw), "{raw} in {body}");
        }
        assert!(body.len() < 200_000, "{} bytes", body.len());
    }
}

/// Somebody sends a link to a try of their own, to read the names of whoever follows it.
#[tokio::test]
async fn a_try_of_somebody_else_learns_nothing_of_who_follows_its_link() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut eve = Client::new(&page);
    let path = eve.begin("both").await;
    let mut victim = Client::new(&page);
    let _ = victim.begin("both").await;
    let answer = victim.get(&path, None).await;
    assert_eq!(answer.status(), 404);
    assert!(!answer.headers().contains_key(WWW_AUTHENTICATE));
    let id = path.split('/').nth(3).unwrap();
    let shown = eve.get(&format!("/.logon/show/{id}"), None).await;
    assert_eq!(headline(&shown), "Nothing has come yet.");
    // Not even over a connection that a proxy shares among its clients.
    let mut behind = Client::new(&page);
    behind.fields.push(("via", "1.1 proxy".into()));
    let path = behind.begin("both").await;
    behind.cookie = None;
    assert_eq!(behind.get(&path, None).await.status(), 404);
}

#[tokio::test]
async fn a_number_that_nobody_was_given_is_of_no_try() {
    let page = page(BindingsPolicy::WhenOffered);
    let browser = Client::new(&page);
    for id in ["0", "00000000000000000000000000000000", "../..", "%2e%2e"] {
        for path in [format!("/.logon/try/{id}/both"), format!("/.logon/show/{id}")] {
            assert_eq!(browser.get(&path, None).await.status(), 404, "{path}");
        }
    }
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let page = page(BindingsPolicy::WhenOffered);
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let request = Request::builder().method(method).uri("/.logon/new/both");
        let answer = page.answer(request.body(String::new()).unwrap()).await;
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers()[ALLOW], "GET, HEAD");
    }
}
