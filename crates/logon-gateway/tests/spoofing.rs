//! A client may write whatever it likes: the application learns who a request is from by the
//! gateway alone. What is held against each other is the whole head that arrives with and without
//! the lie.

#![cfg(unix)]

mod support;

use http::HeaderMap;
use logon::http::Scheme;
use support::{Authority, Client, Client2, Echo, Folder, Gateway, Http2, LISTEN, Seen, basic};
use tokio::io::{AsyncRead, AsyncWrite};

/// Whom nobody here is.
const LIE: &str = r"CORP\mallory";

/// Names that applications may read as one that the gateway sets, or believe anyway.
const SPELLINGS: [&str; 62] = [
    // The gateway's own, in other cases.
    "LOGON_USER",
    "logon_user",
    "Logon_User",
    "lOGON_uSER",
    "REMOTE_USER",
    "remote_user",
    "AUTH_USER",
    "Auth_User",
    "AUTH_TYPE",
    "auth_type",
    "X-Remote-User",
    "x-remote-user",
    "X-REMOTE-USER",
    // What stands between the words.
    "LOGON-USER",
    "Logon-User",
    "logon.user",
    "logon~user",
    "logon!user",
    "LOGON__USER",
    "LOGON_-USER",
    "REMOTE-USER",
    "Remote-User",
    "remote.user",
    "remote+user",
    "REMOTE__USER",
    "AUTH-USER",
    "auth.user",
    "AUTH-TYPE",
    "auth.type",
    "X_Remote_User",
    "X_REMOTE-USER",
    "X-Remote_User",
    "x.remote.user",
    "X--Remote--User",
    // What stands before them, as CGI and others write it.
    "X-Logon-User",
    "X_LOGON_USER",
    "X-Auth-User",
    "X-Auth-Type",
    "HTTP_LOGON_USER",
    "HTTP_REMOTE_USER",
    "HTTP_AUTH_USER",
    "HTTP_AUTH_TYPE",
    "HTTP-REMOTE-USER",
    "Http-Remote-User",
    "HTTP_X_REMOTE_USER",
    "HTTP_HTTP_REMOTE_USER",
    "X-HTTP-Remote-User",
    "X-X-Remote-User",
    // What stands around them.
    "_REMOTE_USER",
    "REMOTE_USER_",
    "-Remote-User",
    "Remote-User-",
    "__LOGON_USER__",
    "$REMOTE_USER",
    // What others set, and applications have been told to believe.
    "X-WEBAUTH-USER",
    "X-Authenticated-User",
    "X-Auth-Request-User",
    "Remote-Groups",
    "REMOTE_USER_GROUPS",
    "X-MS-CLIENT-PRINCIPAL-NAME",
    "SSL_CLIENT_S_DN",
    "Client-Cert",
];

/// Required at `/`, nobody asked at `/off`, whoever likes at `/optional`.
fn config(listen: &str, upstream: &str) -> String {
    format!(
        "{upstream}{listen}\n\
         [logon]\nschemes = [\"Negotiate\", \"NTLM\", \"Basic\"]\n\
         [[route]]\npath = \"/off\"\nrequirement = \"off\"\n\
         [[route]]\npath = \"/optional\"\nrequirement = \"optional\"\n"
    )
}

/// The head as it arrived, for comparison.
fn head(body: &[u8]) -> Vec<(String, String)> {
    let mut fields = Seen::of(body).fields;
    fields.sort();
    fields
}

fn assert_no_lie(received: &[u8], what: &str) {
    let text = String::from_utf8_lossy(received).to_ascii_lowercase();
    assert!(!text.contains("mallory"), "{what}: {text}");
}

/// Tells the lie in every spelling, alone, twice, empty, and all spellings at once.
async fn lie_in_every_spelling<S>(client: &mut Client<S>, path: &str, user: Option<&str>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let kept = ("X-Kept", "yes");
    let honest = client.get_with(path, &[kept]).await;
    assert_eq!(honest.user().as_deref(), user, "{path}");
    assert_eq!(honest.seen().one("x-kept"), "yes");
    let honest = head(&honest.body);
    let every: Vec<(&str, &str)> = SPELLINGS.iter().map(|name| (*name, LIE)).collect();
    let mut lies = vec![every];
    for name in SPELLINGS {
        lies.extend([vec![(name, LIE)], vec![(name, "")], vec![(name, LIE), (name, "x")]]);
    }
    for mut lie in lies {
        lie.push(kept);
        let answered = client.get_with(path, &lie).await;
        assert_eq!(answered.status, 200, "{lie:?}");
        assert_no_lie(&answered.body, &format!("{lie:?}"));
        assert_eq!(head(&answered.body), honest, "{path} {lie:?}");
    }
}

// PG-12
#[tokio::test]
async fn no_spelling_of_an_identity_reaches_the_application_with_or_without_a_logon() {
    let application = Echo::start();
    let gateway = Gateway::start(&config(LISTEN, &application.line())).await;
    let address = gateway.address(0);
    for path in ["/off", "/optional"] {
        lie_in_every_spelling(&mut Client::connect(address).await, path, None).await;
    }
    for path in ["/", "/optional"] {
        let client = &mut Client::connect(address).await;
        let answered = client.log_on(Scheme::Ntlm, path, r"CORP\alice").await;
        assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
        lie_in_every_spelling(client, path, Some(r"CORP\alice")).await;
        // Somebody who has logged on is a stranger where nobody is asked.
        client.get_with("/off", &[("X-Kept", "yes")]).await;
    }
    assert_no_lie(application.text().as_bytes(), "all that arrived");
}

// PG-12
#[tokio::test]
async fn what_only_proxies_say_ends_a_logon_and_is_not_passed_on() {
    let application = Echo::start();
    let gateway = Gateway::start(&config(LISTEN, &application.line())).await;
    let names = ["X-Forwarded-User", "x-forwarded-email", "X-Forwarded-Preferred-Username"];
    for name in names {
        let client = &mut Client::connect(gateway.address(0)).await;
        let guest = client.get_with("/off", &[(name, LIE)]).await;
        assert_no_lie(&guest.body, name);
        client.log_on(Scheme::Ntlm, "/", r"CORP\alice").await;
        // Whoever says so shares the connection with others.
        assert_eq!(client.get_with("/", &[(name, LIE)]).await.status, 401, "{name}");
        assert_eq!(client.get("/").await.status, 401, "{name}");
    }
    assert_no_lie(application.text().as_bytes(), "all that arrived");
}

// PG-12
#[tokio::test]
async fn the_request_that_logs_on_carries_no_lie_either() {
    let application = Echo::start();
    let gateway = Gateway::start(&config(LISTEN, &application.line())).await;
    for name in SPELLINGS {
        let client = &mut Client::connect(gateway.address(0)).await;
        let mut logon = support::Logon::new(Scheme::Negotiate, r"CORP\bob", support::PASSWORD);
        let first = logon.first();
        let first = client.get_with("/", &[("Authorization", &first), (name, LIE)]).await;
        let last = logon.next(&first);
        let answered = client.get_with("/", &[(name, LIE), ("Authorization", &last)]).await;
        assert_eq!(answered.user().as_deref(), Some(r"CORP\bob"), "{name}");
        assert_no_lie(&answered.body, name);
    }
}

// PG-12
#[tokio::test]
async fn a_head_that_could_be_read_in_two_ways_is_refused_and_not_passed_on() {
    let application = Echo::start();
    let gateway = Gateway::start(&config(LISTEN, &application.line())).await;
    let malformed: [&[u8]; 14] = [
        // Folded lines.
        b"X-Kept: a\r\n REMOTE_USER: CORP\\mallory\r\n",
        b"X-Kept: a\r\n\tCORP\\mallory\r\n",
        b"REMOTE_USER:\r\n CORP\\mallory\r\n",
        b" REMOTE_USER: CORP\\mallory\r\n",
        // Blanks before the colon.
        b"REMOTE_USER : CORP\\mallory\r\n",
        b"REMOTE_USER\t: CORP\\mallory\r\n",
        b"REMOTE USER: CORP\\mallory\r\n",
        // Characters that end a line for some.
        b"REMOTE_USER\0: CORP\\mallory\r\n",
        b"X-Kept: a\0REMOTE_USER: CORP\\mallory\r\n",
        b"X-Kept: a\rREMOTE_USER: CORP\\mallory\r\n",
        b"X-Kept\r: a\r\n",
        // No name.
        b": CORP\\mallory\r\n",
        b"REMOTE_USER\r\n",
        b"REMOTE_US\xc3\x8bR: CORP\\mallory\r\n",
    ];
    for fields in malformed {
        for path in ["/off", "/"] {
            let client = &mut Client::connect(gateway.address(0)).await;
            if path == "/" {
                let answered = client.log_on(Scheme::Ntlm, path, r"CORP\alice").await;
                assert_eq!(answered.status, 200);
            }
            let arrived = application.text().len();
            let head = format!("GET {path} HTTP/1.1\r\nHost: web.corp.example\r\n");
            client.write(&[head.as_bytes(), fields, b"\r\n"].concat()).await;
            let answered = client.read().await.expect("an answer");
            let fields = String::from_utf8_lossy(fields);
            assert_eq!(answered.status, 400, "{fields:?}");
            assert!(client.is_closed().await, "{fields:?}");
            assert_eq!(application.text().len(), arrived, "{fields:?}");
        }
    }
}

// PG-12
#[tokio::test]
async fn lines_that_end_with_a_line_feed_alone_are_fields_of_their_own() {
    let application = Echo::start();
    let gateway = Gateway::start(&config(LISTEN, &application.line())).await;
    let client = &mut Client::connect(gateway.address(0)).await;
    client
        .write(
            b"GET /off HTTP/1.1\r\nHost: web.corp.example\nX-Kept: a\nREMOTE_USER: CORP\\mallory\n\
              Remote-User: CORP\\mallory\r\n\r\n",
        )
        .await;
    match client.read().await {
        Some(answered) if answered.status == 200 => {
            assert_eq!(answered.seen().one("x-kept"), "a");
            assert_no_lie(&answered.body, "line feeds");
        }
        answered => assert_eq!(answered.map(|it| it.status), Some(400)),
    }
    assert_no_lie(application.text().as_bytes(), "line feeds");
}

// PG-12
#[tokio::test]
async fn trailers_are_no_way_around() {
    let application = Echo::start();
    let gateway = Gateway::start(&config(LISTEN, &application.line())).await;
    for (path, user) in [("/off", None), ("/", Some(r"CORP\alice"))] {
        let client = &mut Client::connect(gateway.address(0)).await;
        if user.is_some() {
            client.log_on(Scheme::Ntlm, path, r"CORP\alice").await;
        }
        for name in SPELLINGS {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: web.corp.example\r\nTE: trailers\r\n\
                 Trailer: {name}, X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5\r\nhello\r\n0\r\n{name}: {LIE}\r\nX-Sum: 7\r\n{name}: {LIE}\r\n\r\n"
            );
            client.write(request.as_bytes()).await;
            let answered = client.read().await.expect("an answer");
            assert_eq!(answered.user().as_deref(), user, "{name}");
            assert_no_lie(&answered.body, name);
            // That trailers arrive at all is what makes this a test.
            let body = String::from_utf8(answered.seen().body).unwrap().to_ascii_lowercase();
            assert!(body.contains("x-sum: 7"), "{name}: {body:?}");
        }
    }
}

// PG-12
#[tokio::test]
async fn a_connection_field_takes_nothing_away_that_the_gateway_says() {
    let application = Echo::start();
    let gateway = Gateway::start(&config(LISTEN, &application.line())).await;
    let client = &mut Client::connect(gateway.address(0)).await;
    client.log_on(Scheme::Ntlm, "/", r"CORP\alice").await;
    let honest = head(&client.get("/").await.body);
    for list in [
        "X-Remote-User",
        "keep-alive, x-remote-user",
        "LOGON_USER, REMOTE_USER, AUTH_USER, AUTH_TYPE",
        "logon-user, remote-user, auth-user, auth-type",
        "x_remote_user",
        "HTTP_X_REMOTE_USER",
        "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, Forwarded, Via",
    ] {
        let answered = client.get_with("/", &[("Connection", list)]).await;
        assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"), "{list}");
        assert_eq!(head(&answered.body), honest, "{list}");
        let lie = [("Connection", list), ("X-Remote-User", LIE), ("REMOTE_USER", LIE)];
        assert_eq!(head(&client.get_with("/", &lie).await.body), honest, "{list}");
        let guest = client.get_with("/off", &lie).await;
        assert_eq!(guest.user(), None, "{list}");
        assert_no_lie(&guest.body, list);
    }
    // Neither the host nor the credentials of another scheme are of the connection, but a field
    // that is named goes.
    let answered = client.get_with("/", &[("Connection", "X-Hop"), ("X-Hop", "1")]).await;
    assert!(!answered.seen().has("x-hop"));
}

// PG-12
#[tokio::test]
async fn a_request_for_another_protocol_tells_the_truth_as_well() {
    let application = Echo::start();
    let gateway = Gateway::start(&config(LISTEN, &application.line())).await;
    for (path, user) in [("/off", None), ("/", Some(r"CORP\alice"))] {
        for name in SPELLINGS {
            let client = &mut Client::connect(gateway.address(0)).await;
            if user.is_some() {
                client.log_on(Scheme::Ntlm, path, r"CORP\alice").await;
            }
            let tag = name.replace(|byte: char| !byte.is_ascii_alphanumeric(), "-");
            let path =
                format!("{path}?status=101&field=Upgrade:lines&field=Connection:upgrade&{tag}");
            let connection = "Upgrade";
            let fields =
                [("Upgrade", "lines"), ("Connection", connection), (name, LIE), ("X-Kept", "yes")];
            let answered = client.get_with(&path, &fields).await;
            assert_eq!(answered.status, 101, "{name}");
            let text = application.text();
            let from = text.rfind(&format!("GET {path} ")).expect("it arrived");
            let seen = Seen::of(&text.as_bytes()[from..]);
            assert_no_lie(&text.as_bytes()[from..], name);
            assert_eq!((seen.one("upgrade"), seen.one("x-kept")), ("lines", "yes"));
            assert_eq!(seen.all("x-remote-user"), Vec::from_iter(user), "{name}");
        }
    }
}

/// A gateway with TLS and HTTP/2.
async fn over_http_2(upstream: &str) -> (Authority, Gateway) {
    let authority = Authority::new();
    let folder = Folder::new();
    authority.certify(&["web.corp.example"]).save(&folder, "tls");
    let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"tls.pem\"\n\
                  key = \"tls.key\"\nhttp2 = true\n";
    let gateway = Gateway::start_in(folder, &config(listen, upstream)).await;
    (authority, gateway)
}

// PG-12
#[tokio::test]
async fn over_http_2_no_spelling_reaches_the_application_either() {
    let application = Echo::start();
    let (authority, gateway) = over_http_2(&application.line()).await;
    let client =
        Client2::connect(gateway.address(0), &authority.client2(), "web.corp.example").await;
    let password = basic(r"CORP\alice", support::PASSWORD);
    for (path, user) in [("/off", None), ("/optional", None), ("/", Some(r"CORP\alice"))] {
        let logon = user.map(|_| ("authorization", password.as_str()));
        let honest: Vec<_> = logon.into_iter().collect();
        let honest = head(&client.get(path, &honest).await.unwrap().body);
        for name in SPELLINGS {
            // Names are in lower case there; the client sees to that.
            let mut fields = vec![(name, LIE), (name, "x")];
            fields.extend(logon);
            let answered = client.get(path, &fields).await.unwrap();
            assert_eq!(answered.head.status, 200, "{name}");
            assert_no_lie(&answered.body, name);
            assert_eq!(head(&answered.body), honest, "{path} {name}");
            let told = Seen::of(&answered.body);
            assert_eq!(told.all("x-remote-user"), Vec::from_iter(user), "{name}");

            let mut trailers = HeaderMap::new();
            let field = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            trailers.insert(field, http::HeaderValue::from_static(LIE));
            trailers.insert("x-sum", http::HeaderValue::from_static("7"));
            let announced = format!("{name}, x-sum");
            let mut fields = vec![("trailer", announced.as_str())];
            fields.extend(logon);
            let answered = client.post(path, &fields, b"hello", trailers).await.unwrap();
            assert_eq!(answered.head.status, 200, "{name}");
            assert_no_lie(&answered.body, name);
            let body = Seen::of(&answered.body).body;
            let body = String::from_utf8(body).unwrap().to_ascii_lowercase();
            assert!(body.contains("x-sum: 7"), "{name}: {body:?}");
        }
    }
}

// PG-12
#[tokio::test]
async fn an_application_that_speaks_http_2_is_told_no_lie() {
    let application = Http2::start();
    let upstream = format!(
        "upstream = \"app\"\n[upstreams.app]\nurls = [\"{}\"]\nhttp2 = true\n",
        application.url()
    );
    let (authority, gateway) = over_http_2(&upstream).await;
    let config = authority.client2();
    let client = Client2::connect(gateway.address(0), &config, "web.corp.example").await;
    let client_1 =
        &mut Client::connect_tls(gateway.address(0), &authority.client(), "web.corp.example").await;
    client_1.log_on(Scheme::Ntlm, "/", r"CORP\alice").await;
    for name in SPELLINGS {
        let answered = client.get("/off", &[(name, LIE)]).await.unwrap();
        assert_no_lie(&answered.body, name);
        assert!(!Seen::of(&answered.body).has("x-remote-user"), "{name}");
        let answered = client_1.get_with("/", &[(name, LIE)]).await;
        assert_no_lie(&answered.body, name);
        let seen = answered.seen();
        assert!(seen.line.ends_with("HTTP/2.0"), "{}", seen.line);
        assert_eq!(seen.one("x-remote-user"), r"CORP\alice", "{name}");
        assert_eq!(seen.one("logon_user"), r"CORP\alice", "{name}");
    }
}

// PG-12
#[tokio::test]
async fn configured_names_have_twins_as_well() {
    let application = Echo::start();
    let identity = "[identity]\nuser = [\"X-Employee\"]\nscheme = []\ngroups = [\"X-Teams\"]\n\
                    [groups]\nstaff = [\"*\"]\n";
    let identity = identity.replace("[\"*\"]", "['CORP\\alice']");
    let config = config(LISTEN, &application.line());
    let gateway = Gateway::start(&format!("{config}{identity}")).await;
    let client = &mut Client::connect(gateway.address(0)).await;
    client.log_on(Scheme::Ntlm, "/", r"CORP\alice").await;
    let honest = client.get("/").await;
    assert_eq!(honest.seen().one("x-employee"), r"CORP\alice");
    assert_eq!(honest.seen().one("x-teams"), "staff");
    for name in [
        "X-Employee",
        "x_employee",
        "X_EMPLOYEE",
        "Employee",
        "EMPLOYEE",
        "HTTP_X_EMPLOYEE",
        "HTTP_EMPLOYEE",
        "x.employee",
        "X-Teams",
        "TEAMS",
        "X_TEAMS",
        "HTTP_TEAMS",
        "Remote-User",
        "LOGON_USER",
    ] {
        let answered = client.get_with("/", &[(name, LIE)]).await;
        assert_eq!(head(&answered.body), head(&honest.body), "{name}");
        let guest = client.get_with("/off", &[(name, LIE)]).await;
        assert_no_lie(&guest.body, name);
        assert_eq!((guest.seen().has("x-employee"), guest.seen().has("x-teams")), (false, false));
    }
}
