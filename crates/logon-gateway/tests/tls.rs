//! TLS: which certificate a client sees, what its logon is bound to, and HTTP/2.

#![cfg(unix)]

mod support;

use logon::ChannelBindings;
use logon::http::Scheme;
use logon::kerberos::{EncryptionType, Key, Keytab, ServiceKey};
use logon_hyper::rustls::pki_types::CertificateDer;
use logon_hyper::rustls::pki_types::pem::PemObject;
use std::os::unix::fs::PermissionsExt;
use support::{
    Authority, Client, Client2, Echo, Folder, Gateway, Http2, LISTEN, PASSWORD, basic, logon,
    trusting_file,
};

const ALICE: &str = r"CORP\alice";
const HOST: &str = "web.corp.example";

/// A listener that speaks TLS with `web.pem`.
const LISTEN_TLS: &str =
    "[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"web.pem\"\nkey = \"web.key\"\n";

/// A folder with a certificate for [`HOST`].
fn with_certificate(authority: &Authority) -> Folder {
    let folder = Folder::new();
    authority.certify(&[HOST]).save(&folder, "web");
    folder
}

/// Adds a file of keys for session cookies.
fn add_session_keys(folder: &Folder) {
    let output = logon().args(["session-key", "--file"]).arg(folder.path("keys")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn each_site_has_its_certificate_and_logons_are_bound_to_the_one_shown() {
    let (application, authority, folder) = (Echo::start(), Authority::new(), Folder::new());
    let web = authority.certify(&[HOST, "other.example", "deep.er.apps.corp.example"]);
    let wiki = authority.certify(&["wiki.corp.example"]);
    let apps = authority.certify(&["*.apps.corp.example"]);
    web.save(&folder, "web");
    wiki.save(&folder, "wiki");
    apps.save(&folder, "apps");
    let sites = r#"
        [[listen.site]]
        names = ["wiki.corp.example"]
        certificate = "wiki.pem"
        key = "wiki.key"
        [[listen.site]]
        names = ["*.apps.corp.example"]
        certificate = "apps.pem"
        key = "apps.key"
        [logon]
        channel_bindings = "always"
        "#;
    let config = format!("{}{LISTEN_TLS}{sites}", application.line());
    let gateway = Gateway::start_in(folder, &config).await;
    let tls = authority.client();
    for (host, expected) in [
        (HOST, &web),
        ("wiki.corp.example", &wiki),
        ("one.apps.corp.example", &apps),
        ("TWO.apps.corp.example", &apps),
        ("deep.er.apps.corp.example", &web),
        ("other.example", &web),
    ] {
        let mut client = Client::connect_tls(gateway.address(0), &tls, host).await;
        assert_eq!(client.certificate(), expected.der, "{host}");
        let answered = client.log_on(Scheme::Negotiate, "/", ALICE).await;
        assert_eq!(answered.user().as_deref(), Some(ALICE), "{host}");
        // Bound to the certificate of another site: a relay that has one of its own.
        for other in [&web, &wiki, &apps] {
            let mut client = Client::connect_tls(gateway.address(0), &tls, host).await;
            client.bindings = other.bindings();
            let status = client.log_on(Scheme::Ntlm, "/", ALICE).await.status;
            assert_eq!(status == 200, other.der == expected.der, "{host}");
        }
    }
}

#[tokio::test]
async fn bindings_are_demanded_checked_or_not_looked_at_as_configured() {
    let authority = Authority::new();
    let (application, other) = (Echo::start(), authority.certify(&[HOST]));
    for (demand, wrong) in [("always", 401), ("when-offered", 401), ("never", 200)] {
        let config = format!(
            "{}{LISTEN_TLS}{LISTEN}[logon]\nchannel_bindings = \"{demand}\"\n",
            application.line()
        );
        let gateway = Gateway::start_in(with_certificate(&authority), &config).await;
        let tls = authority.client();
        for scheme in Scheme::INTEGRATED {
            let connect = || Client::connect_tls(gateway.address(0), &tls, HOST);
            let mut client = connect().await;
            assert_eq!(client.log_on(scheme, "/", ALICE).await.status, 200, "{demand}");
            let mut client = connect().await;
            client.bindings = other.bindings();
            assert_eq!(client.log_on(scheme, "/", ALICE).await.status, wrong, "{demand}");
            let mut client = connect().await;
            // Sixteen zero bytes: a client that thinks that its connection is a plain one.
            client.bindings = ChannelBindings::none();
            assert_eq!(client.log_on(scheme, "/", ALICE).await.status, wrong, "{demand}");
            // Without TLS there is nothing to bind to: whoever demands it gets nobody.
            let mut client = Client::connect(gateway.address(1)).await;
            let status = client.log_on(scheme, "/", ALICE).await.status;
            assert_eq!(status, if demand == "always" { 401 } else { 200 }, "{demand}");
        }
        let log = gateway.log().to_lowercase();
        assert_eq!(log.contains("bad_bindings"), demand != "never", "{log}");
    }
}

#[tokio::test]
async fn behind_a_box_that_speaks_tls_its_certificate_counts_and_connections_are_secure() {
    let (application, authority, folder) = (Echo::start(), Authority::new(), Folder::new());
    let [front, other] = [(); 2].map(|()| authority.certify(&[HOST]));
    folder.write("front.pem", &front.pem);
    add_session_keys(&folder);
    let logon = "[logon]\nchannel_bindings = \"always\"\nschemes = [\"Negotiate\", \"Basic\"]\n\
                 [session]\nkeys = \"keys\"\n";
    let config =
        format!("{}{LISTEN}tls_in_front = \"front.pem\"\n{LISTEN}{logon}", application.line());
    let gateway = Gateway::start_in(folder, &config).await;
    let (front_address, plain) = (gateway.address(0), gateway.address(1));

    for (bindings, expected) in
        [(front.bindings(), 200), (other.bindings(), 401), (ChannelBindings::none(), 401)]
    {
        let mut client = Client::connect(front_address).await;
        client.bindings = bindings;
        let answered = client.log_on(Scheme::Negotiate, "/", ALICE).await;
        assert_eq!(answered.status, expected);
        // The box's connection is secure: the cookie comes back over TLS.
        assert_eq!(answered.all("set-cookie").len(), usize::from(expected == 200));
        if expected == 200 {
            assert_eq!(answered.seen().one("x-forwarded-proto"), "https");
        }
    }
    let credentials = basic(ALICE, PASSWORD);
    let fields = [("Authorization", credentials.as_str())];
    let mut client = Client::connect(front_address).await;
    assert!(client.get("/").await.challenges().iter().any(|it| it.starts_with("Basic ")));
    let answered = client.get_with("/", &fields).await;
    assert_eq!(answered.user().as_deref(), Some(ALICE));
    let cookie = answered.all("set-cookie")[0].split(';').next().unwrap().to_owned();
    let session = [("Cookie", cookie.as_str())];
    let mut client = Client::connect(front_address).await;
    assert_eq!(client.get_with("/", &session).await.user().as_deref(), Some(ALICE));

    let mut client = Client::connect(plain).await;
    // Where everybody could read it, it is worth nothing.
    assert_eq!(client.get_with("/", &session).await.status, 401);
    assert_eq!(client.get("/").await.challenges(), ["Negotiate"]);
    assert_eq!(client.get_with("/", &fields).await.status, 401);
    // Whoever may say so: the peer is no trusted proxy.
    let fields = [fields[0], ("X-Forwarded-Proto", "https")];
    assert_eq!(client.get_with("/", &fields).await.status, 401);
}

#[tokio::test]
async fn a_self_signed_certificate_is_made_once_and_only_its_owner_can_read_the_key() {
    let application = Echo::start();
    let config = format!(
        "{}{LISTEN}self_signed = \"tls.pem\"\n[[route]]\nhosts = [\"{HOST}\"]\n\
         schemes = [\"Negotiate\"]\n",
        application.line()
    );
    let gateway = Gateway::start(&config).await;
    let path = gateway.folder.path("tls.pem");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let made = std::fs::read(&path).unwrap();
    let tls = trusting_file(&path);
    for host in ["localhost", HOST] {
        let mut client = Client::connect_tls(gateway.address(0), &tls, host).await;
        assert_eq!(client.certificate(), CertificateDer::from_pem_file(&path).unwrap());
        assert_eq!(client.log_on(Scheme::Negotiate, "/", ALICE).await.status, 200);
    }
    assert!(gateway.log().contains("made a self-signed certificate"));
    assert!(gateway.reload(None).await);
    let (code, folder, _) = gateway.stop().await;
    assert_eq!(code, Some(0));
    let gateway = Gateway::start_in(folder, &config).await;
    assert_eq!(std::fs::read(&path).unwrap(), made);
    assert!(!gateway.log().contains("made a self-signed certificate"));
    Client::connect_tls(gateway.address(0), &tls, "localhost").await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_for_the_names_that_tickets_are_for() {
    let (application, folder) = (Echo::start(), Folder::new());
    let keys = ["HTTP/Web.corp.example", "host/other.corp.example", "HTTP/web"].map(|name| {
        let principal = format!("{name}@CORP.EXAMPLE").parse().unwrap();
        let key = Key::new(EncryptionType::Aes256CtsHmacSha1_96, &[7; 32]).unwrap();
        ServiceKey { principal, kvno: 1, key }
    });
    folder.write("web.keytab", keys.into_iter().collect::<Keytab>().encode().unwrap());
    let config = format!(
        "{}{LISTEN}self_signed = \"tls.pem\"\n[kerberos]\nkeytabs = [\"web.keytab\"]\n\
         [logon]\ntarget_names = [\"HTTP/wiki.corp.example\", \"cifs/files.corp.example\"]\n",
        application.line()
    );
    let gateway = Gateway::start_in(folder, &config).await;
    let tls = trusting_file(&gateway.folder.path("tls.pem"));
    for host in ["localhost", "web.corp.example", "web", "wiki.corp.example"] {
        Client::connect_tls(gateway.address(0), &tls, host).await;
    }
    let log = gateway.log();
    assert!(!log.contains("other.corp") && !log.contains("files.corp"), "{log}");
}

#[tokio::test]
async fn over_http_2_guests_and_basic_pass_and_logons_by_connection_are_sent_to_http_1_1() {
    let (application, authority) = (Echo::start(), Authority::new());
    let folder = with_certificate(&authority);
    add_session_keys(&folder);
    let rest = r#"
        [session]
        keys = "keys"
        [[route]]
        path = "/guests"
        requirement = "off"
        [[route]]
        path = "/basic"
        schemes = ["Basic"]
        "#;
    let config = format!("{}{LISTEN_TLS}http2 = true\n{rest}", application.line());
    let gateway = Gateway::start_in(folder, &config).await;
    let address = gateway.address(0);
    let client = Client2::connect(address, &authority.client2(), HOST).await;

    let answered = client.get("/guests/x", &[("X-Remote-User", "alice")]).await.unwrap();
    let seen = answered.seen();
    assert_eq!((seen.line.as_str(), seen.one("host")), ("GET /guests/x HTTP/1.1", HOST));
    assert!(!seen.has("x-remote-user"));

    let error = client.get("/", &[]).await.unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::HTTP_1_1_REQUIRED), "{error}");
    let token = support::Logon::new(Scheme::Ntlm, ALICE, PASSWORD).first();
    let error = client.get("/", &[("authorization", &token)]).await.unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::HTTP_1_1_REQUIRED), "{error}");

    let refused = client.get("/basic", &[]).await.unwrap();
    assert_eq!(refused.head.status, 401);
    let credentials = basic(ALICE, PASSWORD);
    let answered = client.get("/basic", &[("authorization", &credentials)]).await.unwrap();
    assert_eq!(answered.seen().one("x-remote-user"), ALICE);
    // Nobody is logged on by that but the request itself.
    assert_eq!(client.get("/basic", &[]).await.unwrap().head.status, 401);

    // A client that is sent back logs on over HTTP/1.1, and its cookie counts over HTTP/2.
    let mut back = Client::connect_tls(address, &authority.client(), HOST).await;
    let answered = back.log_on(Scheme::Negotiate, "/", ALICE).await;
    assert_eq!(answered.user().as_deref(), Some(ALICE));
    let cookie = answered.all("set-cookie")[0].split(';').next().unwrap().to_owned();
    let answered = client.get("/", &[("cookie", &cookie)]).await.unwrap();
    let seen = answered.seen();
    assert_eq!(seen.one("x-remote-user"), ALICE);
    assert!(!seen.has("cookie"), "{seen:?}");
}

#[tokio::test]
async fn an_application_of_http_2_learns_the_same() {
    let (application, authority) = (Http2::start(), Authority::new());
    let config = format!(
        "upstream = \"it\"\n{LISTEN_TLS}http2 = true\n[upstreams.it]\nurls = [\"{}\"]\nhttp2 = true\n\
         [[route]]\npath = \"/guests\"\nrequirement = \"off\"\n",
        application.url()
    );
    let gateway = Gateway::start_in(with_certificate(&authority), &config).await;
    let mut client = Client::connect_tls(gateway.address(0), &authority.client(), HOST).await;
    let seen = client.log_on(Scheme::Negotiate, "/a?b", ALICE).await.seen();
    assert!(seen.line.ends_with(" HTTP/2.0") && seen.line.contains("/a?b"), "{seen:?}");
    assert_eq!((seen.one("logon_user"), seen.one("auth_type")), (ALICE, "Negotiate"));
    assert!(!seen.has("authorization") && !seen.has("connection"));
    let client = Client2::connect(gateway.address(0), &authority.client2(), HOST).await;
    let answered = client.get("/guests", &[]).await.unwrap();
    assert!(answered.seen().line.ends_with(" HTTP/2.0"));
    assert!(!answered.seen().has("logon_user"));
}

#[tokio::test]
async fn what_is_no_tls_disturbs_nobody() {
    let (application, authority) = (Echo::start(), Authority::new());
    let config = format!("{}{LISTEN_TLS}", application.line());
    let mut gateway = Gateway::start_in(with_certificate(&authority), &config).await;
    let address = gateway.address(0);
    for bytes in [&b"GET / HTTP/1.1\r\nHost: web\r\n\r\n"[..], &[0x16, 3, 1, 0xff, 0xff], &[0; 500]]
    {
        let mut client = Client::connect(address).await;
        client.write(bytes).await;
        drop(client);
        let mut client = Client::connect_tls(address, &authority.client(), HOST).await;
        assert_eq!(client.log_on(Scheme::Ntlm, "/", ALICE).await.status, 200);
    }
    let stranger = Authority::new();
    assert!(Client::try_connect_tls(address, &stranger.client(), HOST).await.is_err());
    assert!(gateway.is_running());
}
