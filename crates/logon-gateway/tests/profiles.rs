//! Where who has to log on, and what the application behind learns of it.

#![cfg(unix)]

mod support;

use logon::http::Scheme;
use support::{Client, Echo, Gateway, LISTEN};

// PG-1
#[tokio::test]
async fn a_browser_sees_one_401_and_is_logged_on_for_the_rest_of_its_connection() {
    let application = Echo::start();
    let gateway = Gateway::start(&format!("{}{LISTEN}", application.line())).await;
    for scheme in Scheme::INTEGRATED {
        let mut client = Client::connect(gateway.address(0)).await;
        let refused = client.get("/").await;
        assert_eq!((refused.status, refused.challenges()), (401, vec!["Negotiate", "NTLM"]));
        let answered = client.log_on(scheme, "/", r"CORP\alice").await;
        let seen = answered.seen();
        assert_eq!(seen.one("LOGON_USER"), r"CORP\alice");
        assert_eq!(seen.one("AUTH_TYPE"), scheme.name());
        assert!(!seen.has("authorization"));
        for path in ["/", "/style.css", "/picture.png?1"] {
            assert_eq!(client.get(path).await.user().as_deref(), Some(r"CORP\alice"));
        }
    }
}
