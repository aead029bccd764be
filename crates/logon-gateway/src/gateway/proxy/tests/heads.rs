//! What the application is told.

use super::support::{echo, front, front_with, passage, saying, talk, text, upstream, values};
use super::support::{pass, request};
use crate::gateway::proxy::forward;
use http::header::{HeaderName, HeaderValue};

/// The head that the application got.
async fn told(fields: &str) -> String {
    let front = front(&upstream(echo().await)).await;
    let start = "GET /a?b=c HTTP/1.1\r\nHost: web.corp.example\r\nConnection: close";
    let answer = talk(front, &format!("{start}\r\n{fields}\r\n")).await;
    let (_, told) = answer.split_once("\r\n\r\n").unwrap();
    told.to_owned()
}

#[tokio::test]
async fn the_way_of_a_request_is_told() {
    let head = told("").await;
    assert!(head.contains("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    assert_eq!(values(&head, "host"), ["web.corp.example"]);
    assert_eq!(values(&head, "x-forwarded-for"), ["192.0.2.7"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["https"]);
    assert_eq!(values(&head, "x-forwarded-host"), ["web.corp.example"]);
    assert_eq!(values(&head, "forwarded"), ["for=192.0.2.7;host=\"web.corp.example\";proto=https"]);
    assert_eq!(values(&head, "via"), ["1.1 logon"]);
    assert_eq!(values(&head, "logon_user"), ["alice"]);
}

#[tokio::test]
async fn strangers_do_not_say_where_they_come_from() {
    let head = told(
        "X-Forwarded-For: 10.0.0.1\r\nX_Forwarded_For: 10.0.0.1\r\nX.Forwarded-Proto: http\r\n\
         X-Forwarded-Port: 1\r\nx_forwarded-prefix: /evil\r\nForwarded: for=10.0.0.1\r\n\
         X-Real-IP: 10.0.0.1\r\nX_Real_Ip: 10.0.0.1\r\nX-Original-URL: /evil\r\n\
         X-Rewrite-URL: /evil\r\nVia: 1.1 evil\r\nX-Forwarder: kept\r\n",
    )
    .await;
    assert!(!head.contains("10.0.0.1"), "{head}");
    assert!(!head.contains("evil"), "{head}");
    assert!(!head.contains("ort: 1"), "{head}");
    assert_eq!(values(&head, "x-forwarded-for"), ["192.0.2.7"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["https"]);
    assert_eq!(values(&head, "via"), ["1.1 logon"]);
    assert_eq!(values(&head, "x-forwarder"), ["kept"]);
}

#[tokio::test]
async fn a_trusted_proxy_is_added_to() {
    let mut passage = passage();
    passage.trusted = true;
    passage.client = Some("[2001:db8::1]:4711".parse().unwrap());
    let front = front_with(&upstream(echo().await), passage).await;
    let head = talk(
        front,
        "GET / HTTP/1.1\r\nHost: web.corp.example\r\nConnection: close\r\nX-Forwarded-For: 10.0.0.1\r\n\
         X-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: other\r\n\
         X_Forwarded_Host: evil\r\nForwarded: for=10.0.0.1\r\nVia: 1.1 edge\r\n\
         X-Real-IP: 10.0.0.1\r\n\r\n",
    )
    .await;
    assert_eq!(values(&head, "x-forwarded-for"), ["10.0.0.1, 10.0.0.2, 2001:db8::1"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["http"]);
    assert_eq!(values(&head, "x-forwarded-host"), ["other"]);
    assert_eq!(
        values(&head, "forwarded"),
        ["for=10.0.0.1, for=\"[2001:db8::1]\";host=\"web.corp.example\";proto=https"]
    );
    assert_eq!(values(&head, "via"), ["1.1 edge, 1.1 logon"]);
    assert_eq!(values(&head, "x-real-ip"), ["10.0.0.1"]);
    assert!(!head.contains("evil"), "{head}");
}

#[tokio::test]
async fn what_concerns_a_connection_stays_there() {
    let head = told(
        "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\n\
         Proxy-Authenticate: Basic\r\nTE: gzip, trailers;q=0.5\r\nUpgrade: websocket\r\n\
         HTTP2-Settings: AAMAAABkAAQAAP__\r\nX-Other: 2\r\n",
    )
    .await;
    for gone in ["x-mine", "keep-alive", "proxy-connection", "proxy-authorization"] {
        assert_eq!(values(&head, gone), [""; 0], "{gone}");
    }
    for gone in ["proxy-authenticate", "upgrade", "http2-settings", "transfer-encoding"] {
        assert_eq!(values(&head, gone), [""; 0], "{gone}");
    }
    assert_eq!(values(&head, "te"), ["trailers"]);
    assert_eq!(values(&head, "connection"), ["te"]);
    assert_eq!(values(&head, "x-other"), ["2"]);
}

#[tokio::test]
async fn a_client_cannot_name_away_what_the_gateway_says() {
    let head = told(
        "Connection: LOGON_USER, X-Forwarded-For, Forwarded, Via, Host, close\r\n\
         Logon-User: mallory\r\nlogon_user: mallory\r\n",
    )
    .await;
    assert!(!head.contains("mallory"), "{head}");
    assert_eq!(values(&head, "logon_user"), ["alice"]);
    assert_eq!(values(&head, "x-forwarded-for"), ["192.0.2.7"]);
    assert_eq!(values(&head, "via"), ["1.1 logon"]);
    assert_eq!(values(&head, "host"), ["web.corp.example"]);
    assert_eq!(values(&head, "forwarded").len(), 1);
}

#[tokio::test]
async fn the_host_is_the_one_asked_for_and_only_one() {
    let front = front(&upstream(echo().await)).await;
    let head = talk(
        front,
        "GET http://web.corp.example/x HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(head.contains("GET /x HTTP/1.1\r\n"), "{head}");
    assert_eq!(values(&head, "host"), ["web.corp.example"]);
}

#[tokio::test]
async fn the_application_may_have_its_own_host() {
    let application = echo().await;
    let mut config = super::support::config(application);
    config.host = crate::gateway::proxy::config::HostHeader::Upstream;
    let upstream = crate::gateway::proxy::Upstream::new("app", &config).unwrap();
    let head = text(pass(&upstream, request("GET", "/", "")).await).await;
    assert_eq!(values(&head, "host"), [application.to_string()]);
    assert_eq!(values(&head, "x-forwarded-host"), ["web.corp.example"]);
}

#[tokio::test]
async fn what_is_set_takes_the_place_of_whatever_came_under_its_name() {
    let mut passage = passage();
    let name = HeaderName::from_static("logon-user");
    let one = (name.clone(), HeaderValue::from_static("1"));
    passage.set = passage.set.iter().cloned().chain([one]).collect();
    let mut request = request("GET", "/", "");
    request.headers_mut().append(name.clone(), HeaderValue::from_static("mallory"));
    request.headers_mut().append(name, HeaderValue::from_static("mallory"));
    request.headers_mut().insert("logon_user", HeaderValue::from_static("mallory"));
    let head = text(forward(&upstream(echo().await), request, passage).await).await;
    assert_eq!(values(&head, "logon-user"), ["1"]);
    assert_eq!(values(&head, "logon_user"), ["alice"]);
}

#[tokio::test]
async fn connect_and_trace_are_not_passed_on() {
    let front = front(&upstream(echo().await)).await;
    for method in ["TRACE / HTTP/1.1", "CONNECT web.corp.example:443 HTTP/1.1"] {
        let answer = talk(
            front,
            &format!("{method}\r\nHost: web.corp.example\r\nConnection: close\r\n\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
        assert!(!answer.contains("alice"), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_keeps_its_fields_but_not_those_of_the_connection() {
    let application = saying(
        "HTTP/1.1 299 Fine Indeed\r\nContent-Length: 2\r\nConnection: X-Mine\r\nX-Mine: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nSet-Cookie: a=1\r\n\
         Set-Cookie: b=2\r\nWWW-Authenticate: Basic\r\n\r\nok",
    )
    .await;
    let front = front(&upstream(application)).await;
    let answer =
        talk(front, "GET / HTTP/1.1\r\nHost: web.corp.example\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 299 Fine Indeed\r\n"), "{answer}");
    assert_eq!(values(&answer, "set-cookie"), ["a=1", "b=2"]);
    assert_eq!(values(&answer, "www-authenticate"), ["Basic"]);
    for gone in ["x-mine", "keep-alive", "proxy-authenticate", "upgrade"] {
        assert_eq!(values(&answer, gone), [""; 0], "{gone}");
    }
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
}
