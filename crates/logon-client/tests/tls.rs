//! TLS that does not come about, and what is said of it.

mod support;

use logon_client::Error;
use support::script::{self, Peer};
use support::{Certificate, Site, Spec, builder, get};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_server_with_the_certificate_of_an_authority_is_told_from_one_that_is_not_trusted() {
    let (certificate, trust) = Certificate::of_authority();
    let site = Site::start(Spec { tls: Some(certificate), ..Spec::default() }).await;
    let error = builder().trust(trust).build().get(&site.url("/open")).await.unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::Tls { .. }), "{said}");
    assert!(said.contains("is that of an authority") && said.contains("CA:FALSE"), "{said}");
    // One of somebody else.
    let (certificate, _) = Certificate::make();
    let site = Site::start(Spec { tls: Some(certificate), ..Spec::default() }).await;
    let client = builder().trust(Certificate::make().1).build();
    let said = client.get(&site.url("/open")).await.unwrap_err().to_string();
    assert!(said.contains("not trusted here"), "{said}");
}

#[tokio::test]
async fn the_other_scheme_is_thought_of_where_a_server_speaks_or_does_not_speak_tls() {
    let (certificate, trust) = Certificate::make();
    let tls = Site::start(Spec { tls: Some(certificate), ..Spec::default() }).await;
    let plain = Site::start(Spec::default()).await;
    let client = builder().trust(trust).build();
    let url = tls.url("/").replace("https://", "http://");
    let error = client.get(&url).await.unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::NotHttp { .. }), "{said}");
    assert!(said.contains("should the URL begin with https://?"), "{said}");
    let error = client.get(&plain.url("/").replace("http://", "https://")).await.unwrap_err();
    assert!(error.to_string().contains("should the URL begin with http://?"), "{error}");
    // They do answer where they are asked as they want it.
    for site in [tls, plain] {
        assert_eq!(get(&client, &site.url("/")).await.status, 401);
    }
}

#[tokio::test]
async fn an_answer_of_http_that_is_wrong_is_none_of_tls() {
    // An alert as OpenSSL sends it, and answers that begin well.
    for (answer, is_http) in [
        (&b"\x15\x03\x01\x00\x02\x02\x46"[..], false),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", true),
        (b"HTTP/1.1 200 OK\r\na\0b: c\r\n\r\n", true),
    ] {
        let address = script::serve(move |mut peer: Peer| async move {
            let _ = peer.head().await;
            peer.stream.write_all(answer).await.unwrap();
        })
        .await;
        let error = builder().build().get(&format!("http://{address}/")).await.unwrap_err();
        let said = error.to_string();
        assert_eq!(matches!(error, Error::Broken(_)), is_http, "{said}");
        assert_eq!(said.contains("https://"), !is_http, "{said}");
    }
}
