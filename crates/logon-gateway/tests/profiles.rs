//! Where who has to log on, and what the application behind learns of it.

#![cfg(unix)]

mod support;

use logon::http::Scheme;
use std::net::SocketAddr;
use support::{Authority, Client, Echo, Folder, Gateway, LISTEN, Logon, PASSWORD, basic, hash};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A listener that speaks TLS with `web.pem`.
const LISTEN_TLS: &str =
    "[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"web.pem\"\nkey = \"web.key\"\n";

async fn get(address: SocketAddr, host: &str, path: &str) -> support::Answered {
    Client::connect(address).await.to(host).get(path).await
}

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
        for path in ["/", "/style.css", "/picture.png?1"] {
            assert_eq!(client.get(path).await.user().as_deref(), Some(r"CORP\alice"));
        }
    }
    // Each got through with one request per page: the legs of a logon are none of its business.
    assert_eq!(application.text().matches("GET / ").count(), 4);
}

// PG-3
#[tokio::test]
async fn feeds_on_one_host_and_port_differ_in_their_schemes() {
    let (application, authority, folder) = (Echo::start(), Authority::new(), Folder::new());
    authority.certify(&["web.corp.example"]).save(&folder, "web");
    let routes = r#"
        [[route]]
        path = "/nuget"
        schemes = ["Negotiate"]
        [[route]]
        path = "/npm"
        schemes = ["Basic"]
        [[route]]
        path = "/docker"
        requirement = "off"
        "#;
    let config = format!("{}{LISTEN_TLS}{routes}", application.line());
    let gateway = Gateway::start_in(folder, &config).await;
    let tls = authority.client();
    let connect = || Client::connect_tls(gateway.address(0), &tls, "web.corp.example");

    let mut nuget = connect().await;
    assert_eq!(nuget.get("/nuget/index.json").await.challenges(), ["Negotiate"]);
    let answered = nuget.log_on(Scheme::Negotiate, "/nuget/index.json", r"CORP\alice").await;
    assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));

    let mut npm = connect().await;
    let refused = npm.get("/npm/left-pad").await;
    let [challenge] = refused.challenges()[..] else { panic!("{refused:?}") };
    assert!(challenge.starts_with("Basic realm="), "{challenge}");
    let credentials = basic(r"CORP\alice", PASSWORD);
    let answered = npm.get_with("/npm/left-pad", &[("Authorization", &credentials)]).await;
    assert_eq!(answered.seen().one("auth_type"), "Basic");

    let answered = connect().await.get("/docker/v2/").await;
    assert_eq!((answered.user(), answered.challenges().len()), (None, 0));

    // What is not enabled at a place gets nobody in there.
    let answered = connect().await.get_with("/nuget/x", &[("Authorization", &credentials)]).await;
    assert_eq!((answered.status, answered.challenges()), (401, vec!["Negotiate"]));
    let first = Logon::new(Scheme::Ntlm, r"CORP\alice", PASSWORD).first();
    for path in ["/nuget/x", "/npm/x"] {
        let answered = connect().await.get_with(path, &[("Authorization", &first)]).await;
        assert_eq!((answered.status, answered.challenges().len()), (401, 1), "{answered:?}");
        assert!(!answered.challenges()[0].contains("TlRM"), "{answered:?}");
    }
    // A connection that is logged on for one place is so for another only if its scheme counts.
    assert_eq!(nuget.get("/npm/left-pad").await.status, 401);
    assert_eq!(connect().await.get("/elsewhere").await.challenges(), ["Negotiate", "NTLM"]);
}

// PG-4
#[tokio::test]
async fn where_a_logon_is_optional_the_application_learns_who_it_is_or_that_it_is_nobody() {
    let application = Echo::start();
    let logon = "[logon]\nrequirement = \"optional\"\n";
    let gateway = Gateway::start(&format!("{}{logon}{LISTEN}", application.line())).await;
    let mut client = Client::connect(gateway.address(0)).await;
    let guest = client.get_with("/", &[("X-Remote-User", "alice"), ("LOGON_USER", "alice")]).await;
    assert_eq!((guest.user(), guest.seen().has("logon_user")), (None, false));
    let answered = client.log_on(Scheme::Negotiate, "/", r"CORP\alice").await;
    assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
    // Who tries and fails is not let in as a guest.
    let mut client = Client::connect(gateway.address(0)).await;
    let refused = client.log_on_with(Scheme::Ntlm, "/", r"CORP\alice", "wrong").await;
    assert_eq!(refused.status, 401);
}

// PG-4
#[tokio::test]
async fn an_application_that_refuses_brings_the_challenges_where_it_is_asked_to() {
    let application = Echo::start();
    let logon = "[logon]\nrequirement = \"app-challenges\"\n";
    let gateway = Gateway::start(&format!("{}{logon}{LISTEN}", application.line())).await;
    let mut client = Client::connect(gateway.address(0)).await;
    assert_eq!(client.get("/").await.user(), None);
    let refused = client.get("/?status=401").await;
    assert_eq!((refused.status, refused.challenges()), (401, vec!["Negotiate", "NTLM"]));
    let answered = client.log_on(Scheme::Ntlm, "/", r"CORP\alice").await;
    assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
}

// PG-5
#[tokio::test]
async fn feeds_are_taken_out_and_in_while_the_gateway_serves() {
    let application = Echo::start();
    let config = |routes: &str| format!("{}{LISTEN}{routes}", application.line());
    let off = |path: &str| format!("[[route]]\npath = \"{path}\"\nrequirement = \"off\"\n");
    let gateway = Gateway::start(&config(&off("/npm"))).await;
    let status = async |path: &str| get(gateway.address(0), "web", path).await.status;
    let mut before = Client::connect(gateway.address(0)).await;
    assert_eq!(before.log_on(Scheme::Ntlm, "/pip/x", r"CORP\alice").await.status, 200);
    assert_eq!((status("/npm/x").await, status("/pip/x").await), (200, 401));

    assert!(gateway.reload(Some(&config(&off("/pip")))).await);
    assert_eq!((status("/npm/x").await, status("/pip/x").await), (401, 200));
    let inner = "[[route]]\npath = \"/pip/private\"\nrequirement = \"required\"\n";
    assert!(gateway.reload(Some(&config(&format!("{}{inner}", off("/pip"))))).await);
    assert_eq!((status("/pip/x").await, status("/pip/private/x").await), (200, 401));
    // Who is logged on stays so: only the places have changed.
    assert_eq!(before.get("/npm/x").await.user().as_deref(), Some(r"CORP\alice"));
}

// PG-6
#[tokio::test]
async fn of_two_hosts_on_one_port_only_one_asks_for_a_logon() {
    let (wiki, files) = (Echo::start(), Echo::start());
    let config = format!(
        "{}{LISTEN}[[route]]\nhosts = [\"files.corp.example\"]\nupstream = \"{}\"\n\
         requirement = \"off\"\n",
        wiki.line(),
        files.url()
    );
    let gateway = Gateway::start(&config).await;
    let address = gateway.address(0);
    assert_eq!(get(address, "wiki.corp.example", "/").await.status, 401);
    // Also where two dots at the end make nobody's name of it: never the other's application.
    for host in [
        "files.corp.example",
        "FILES.corp.example:8443",
        "files.corp.example.",
        "files.corp.example..",
        "files.corp.example...:8443",
    ] {
        let answered = get(address, host, "/").await;
        assert_eq!(answered.seen().one("host"), host);
        assert_eq!(answered.challenges().len(), 0);
    }
    for host in ["xfiles.corp.example", "files.corp.example.evil.example", "files"] {
        assert_eq!(get(address, host, "/").await.status, 401, "{host}");
    }
    // One connection, both hosts: what was logged on at one is nobody at the other.
    let mut client = Client::connect(address).await.to("wiki.corp.example");
    assert_eq!(client.log_on(Scheme::Ntlm, "/", r"CORP\alice").await.status, 200);
    let mut client = client.to("files.corp.example");
    assert_eq!(client.get("/").await.user(), None);
    assert_eq!((wiki.received().len(), files.received().is_empty()), (1, false));
}

// PG-7
#[tokio::test]
async fn where_everybody_has_to_log_on_no_request_gets_through_without() {
    let application = Echo::start();
    let gateway = Gateway::start(&format!("{}{LISTEN}", application.line())).await;
    let mut client = Client::connect(gateway.address(0)).await;
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        for path in ["/", "/favicon.ico", "/a/../b", "/%2e%2e/", "//", "/?a=b", "/.logon"] {
            let answered = client.send(method, path, &[("Origin", "https://x")], b"").await;
            assert_eq!(answered.status, 401, "{method} {path}");
        }
    }
    let preflight = [("Origin", "https://x"), ("Access-Control-Request-Method", "PUT")];
    assert_eq!(client.send("OPTIONS", "/", &preflight, b"").await.status, 401);
    assert_eq!(client.get_with("/", &[("Authorization", "Bearer x")]).await.status, 401);
    assert_eq!(application.text(), "");
}

// PG-8
#[tokio::test]
async fn listeners_and_paths_have_profiles_of_their_own() {
    let (wiki, feeds) = (Echo::start(), Echo::start());
    let listeners = "[[listen]]\naddress = \"127.0.0.1:0\"\nname = \"people\"\n\
                     [[listen]]\naddress = \"127.0.0.1:0\"\nname = \"robots\"\n";
    let routes = format!(
        r#"
        [[route]]
        listen = ["robots"]
        requirement = "off"
        [[route]]
        listen = ["robots"]
        path = "/admin"
        requirement = "required"
        schemes = ["NTLM"]
        [[route]]
        path = "/feeds"
        upstream = "{}"
        "#,
        feeds.url()
    );
    let gateway = Gateway::start(&format!("{}{listeners}{routes}", wiki.line())).await;
    let (people, robots) = (gateway.address(0), gateway.address(1));
    for path in ["/", "/admin/x", "/feeds/x"] {
        let refused = get(people, "web", path).await;
        assert_eq!(refused.challenges(), ["Negotiate", "NTLM"], "{path}");
    }
    assert_eq!(get(robots, "web", "/").await.status, 200);
    assert_eq!(get(robots, "web", "/feeds/x").await.status, 200);
    assert_eq!(feeds.received().len(), 1);
    assert_eq!(get(robots, "web", "/admin/x").await.challenges(), ["NTLM"]);
    let mut client = Client::connect(robots).await;
    let answered = client.log_on(Scheme::Ntlm, "/admin/x", r"CORP\alice").await;
    assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
}

// PG-8
#[tokio::test]
async fn where_a_route_says_who_may_others_get_403_however_they_spell_it() {
    let application = Echo::start();
    let routes = r#"
        [[route]]
        path = "/admin"
        users = ['CORP\alice']
        [[route]]
        path = "/team"
        groups = ["Team"]
        [[route]]
        path = "/either"
        users = ["carol"]
        groups = ["Team"]
        [[route]]
        path = "/all"
        users = ["*"]
        [[route]]
        path = "/team/lead"
        users = ["alice@corp.example"]
        [identity]
        groups = ["X-Remote-Groups"]
        upn = ["X-Remote-Upn"]
        [groups]
        Team = ["bob@corp.example", 'CORP\alice']
        "#;
    let gateway = Gateway::start(&format!("{}{LISTEN}{routes}", application.line())).await;
    let mut clients = Vec::new();
    for user in ["alice", "bob", "carol"] {
        let mut client = Client::connect(gateway.address(0)).await;
        let answered = client.log_on(Scheme::Ntlm, "/", &format!(r"CORP\{user}")).await;
        assert_eq!(answered.status, 200);
        clients.push(client);
    }
    let may: [(&str, [u16; 3]); 15] = [
        ("/", [200, 200, 200]),
        ("/all/x", [200, 200, 200]),
        ("/admin", [200, 403, 403]),
        ("/admin/", [200, 403, 403]),
        ("/admin/x?y", [200, 403, 403]),
        ("/ADMIN", [200, 403, 403]),
        ("/%61dmin", [200, 403, 403]),
        ("//admin", [200, 403, 403]),
        ("/./admin", [200, 403, 403]),
        ("/x/../admin", [200, 403, 403]),
        ("/admin;x=1", [200, 403, 403]),
        ("/administrator", [200, 200, 200]),
        ("/team/x", [200, 200, 403]),
        ("/team/lead", [200, 403, 403]),
        ("/either", [200, 200, 200]),
    ];
    for (path, expected) in may {
        for (client, expected) in clients.iter_mut().zip(expected) {
            let answered = client.get(path).await;
            assert_eq!(answered.status, expected, "{path} {answered:?}");
            // 403: a browser must not ask a user whom we know for another password.
            assert_eq!(answered.challenges().len(), 0);
        }
        let refused = get(gateway.address(0), "web", path).await;
        assert_eq!(refused.status, 401, "{path}");
    }
    let seen = clients[1].get("/team/x").await.seen();
    assert_eq!(
        (seen.one("x-remote-groups"), seen.one("x-remote-upn")),
        ("Team", "bob@corp.example")
    );
    // The log says who and why; the answer does not.
    gateway.until_logged(r"CORP\carol").await;
    assert!(gateway.log().contains("not allowed here"));
    let refused = clients[2].get("/admin").await.text();
    assert!(!refused.contains("carol") && !refused.contains("alice"), "{refused}");
    // Also for the leg that logs on itself.
    let mut client = Client::connect(gateway.address(0)).await;
    assert_eq!(client.log_on(Scheme::Negotiate, "/admin", r"CORP\bob").await.status, 403);
}

// HS-7
#[tokio::test]
async fn bearer_tokens_and_preflights_pass_where_a_route_lets_them() {
    let application = Echo::start();
    let routes = "[[route]]\npath = \"/api\"\npass_schemes = [\"Bearer\"]\ncors_preflight = true\n";
    let gateway = Gateway::start(&format!("{}{LISTEN}{routes}", application.line())).await;
    let mut client = Client::connect(gateway.address(0)).await;
    let bearer = [("Authorization", "Bearer abc.def"), ("X-Remote-User", "alice")];
    let seen = client.get_with("/api/x", &bearer).await.seen();
    assert_eq!(seen.one("authorization"), "Bearer abc.def");
    assert!(!seen.has("x-remote-user"));
    let preflight = [("Origin", "https://x"), ("Access-Control-Request-Method", "PUT")];
    let answered = client.send("OPTIONS", "/api/x", &preflight, b"").await;
    assert_eq!(answered.seen().one("access-control-request-method"), "PUT");
    // Neither elsewhere, nor what only looks like it.
    assert_eq!(client.get_with("/x", &bearer).await.status, 401);
    assert_eq!(client.send("OPTIONS", "/x", &preflight, b"").await.status, 401);
    assert_eq!(client.send("GET", "/api/x", &preflight, b"").await.status, 401);
    assert_eq!(client.send("OPTIONS", "/api/x", &preflight[..1], b"").await.status, 401);
    let (bearer, first) = (bearer[0], Logon::new(Scheme::Ntlm, "x", "y").first());
    let both = [bearer, ("Authorization", first.as_str())];
    assert_ne!(client.get_with("/api/x", &both).await.status, 200);
    assert!(!application.text().contains("TlRM"));
}

// PG-10, PG-12, HS-2
#[tokio::test]
async fn the_application_learns_who_it_is_and_nothing_that_would_prove_it() {
    let (application, authority, folder) = (Echo::start(), Authority::new(), Folder::new());
    authority.certify(&["web.corp.example"]).save(&folder, "web");
    let routes = r#"
        [logon]
        schemes = ["Negotiate", "NTLM", "Basic"]
        [[route]]
        path = "/off"
        requirement = "off"
        [[route]]
        path = "/optional"
        requirement = "optional"
        "#;
    let config = format!("{}{LISTEN_TLS}{routes}", application.line());
    let gateway = Gateway::start_in(folder, &config).await;
    let tls = authority.client();
    let connect = || Client::connect_tls(gateway.address(0), &tls, "web.corp.example");
    let mut tokens = Vec::new();
    for path in ["/", "/optional"] {
        for scheme in Scheme::INTEGRATED {
            let mut client = connect().await;
            let mut logon =
                Logon::new(scheme, r"CORP\alice", PASSWORD).bound(client.bindings.clone());
            let first = logon.first();
            let answered = client.get_with(path, &[("Authorization", &first)]).await;
            let last = logon.next(&answered);
            let answered = client.get_with(path, &[("Authorization", &last)]).await;
            assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
            tokens.extend([first, last]);
        }
        let credentials = basic(r"CORP\alice", PASSWORD);
        let answered = connect().await.get_with(path, &[("Authorization", &credentials)]).await;
        assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
        tokens.push(credentials);
    }
    // Nor where nobody is asked: a client may send its token there out of habit.
    for (scheme, first) in [(Scheme::Ntlm, &tokens[2]), (Scheme::Negotiate, &tokens[0])] {
        let fields = [("Authorization", first.as_str()), ("Proxy-Authorization", first.as_str())];
        let answered = connect().await.get_with("/off", &fields).await;
        assert_eq!((answered.user(), answered.challenges().len()), (None, 0), "{scheme}");
    }
    let received = application.text();
    let lower = received.to_ascii_lowercase();
    assert!(!lower.contains("authorization:"), "{received}");
    for token in tokens {
        let token = token.split(' ').nth(1).unwrap();
        assert!(!received.contains(token), "{token} in {received}");
    }
    for secret in [PASSWORD, &hash(PASSWORD), "TlRMTVNT", "YIG"] {
        assert!(!received.contains(secret), "{secret} in {received}");
    }
    // And what the application gets of the process: nothing but connections. The user file is
    // readable by the gateway's user alone.
    use std::os::unix::fs::PermissionsExt;
    let users = std::fs::metadata(gateway.folder.path("users")).unwrap();
    assert_eq!(users.permissions().mode() & 0o077, 0);
    assert!(!gateway.log().contains(PASSWORD) && !gateway.log().contains(&hash(PASSWORD)));
}

// HS-3
#[tokio::test]
async fn several_hosts_share_one_user_file_and_each_has_its_target_name() {
    let (wiki, files) = (Echo::start(), Echo::start());
    let config = format!(
        r#"
        upstream = "{}"
        [[listen]]
        address = "127.0.0.1:0"
        [logon]
        target_names = ["HTTP/wiki.corp.example", "HTTP/files.corp.example"]
        [[route]]
        hosts = ["files.corp.example"]
        upstream = "{}"
        "#,
        wiki.url(),
        files.url()
    );
    let gateway = Gateway::start(&config).await;
    for (host, application) in [("wiki.corp.example", &wiki), ("files.corp.example", &files)] {
        assert_eq!(application.received().len(), 0);
        for scheme in Scheme::INTEGRATED {
            let mut client = Client::connect(gateway.address(0)).await.to(host);
            let answered = client.log_on(scheme, "/", r"CORP\alice").await;
            assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
            assert_eq!(answered.seen().one("host"), host);
        }
        assert_ne!(application.received().len(), 0);
    }
    // Who meant to reach another service does not get in with what he sent there.
    let mut client = Client::connect(gateway.address(0)).await.to("mail.corp.example");
    assert_eq!(client.log_on(Scheme::Ntlm, "/", r"CORP\alice").await.status, 401);
    gateway.until_logged("target").await;
}

// PG-15
#[tokio::test]
async fn this_machine_reaches_itself_by_every_alias() {
    let application = Echo::start();
    let gateway = Gateway::start(&format!("{}{LISTEN}", application.line())).await;
    let aliases =
        ["localhost", "127.0.0.1", "[::1]", "web01", "WEB01.corp.example", "proget.corp.example"];
    for alias in aliases {
        for scheme in Scheme::INTEGRATED {
            let mut client = Client::connect(gateway.address(0)).await.to(alias);
            let answered = client.log_on(scheme, "/", r"CORP\alice").await;
            assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"), "{alias} {scheme}");
        }
    }
}

// PG-16
#[tokio::test]
async fn an_application_logs_on_to_itself_through_the_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("upstream = \"http://{}\"\n", listener.local_addr().unwrap());
    let gateway = Gateway::start(&format!("{upstream}{LISTEN}")).await;
    let address = gateway.address(0);
    // For `/connector` it asks for `/feed` as bob, by an alias, before it answers.
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = vec![0; 1 << 16];
                loop {
                    let read = stream.read(&mut head).await.unwrap_or(0);
                    if read == 0 {
                        return;
                    }
                    let seen = support::Seen::of(&head[..read]);
                    let mut body = seen.one("x-remote-user").to_owned();
                    if seen.line.contains("/connector") {
                        let mut client = Client::connect(address).await.to("self.corp.example");
                        let feed = client.log_on(Scheme::Negotiate, "/feed", r"CORP\bob").await;
                        body = format!("{body} {} {}", feed.status, feed.text());
                    }
                    let length = body.len();
                    let answer =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    let mut client = Client::connect(address).await;
    let answered = client.log_on(Scheme::Negotiate, "/connector", r"CORP\alice").await;
    assert_eq!((answered.status, answered.text().as_str()), (200, r"CORP\alice 200 CORP\bob"));
}

// PG-9
#[tokio::test]
async fn behind_a_proxy_a_logon_counts_for_a_connection_only_if_the_proxy_is_trusted() {
    let application = Echo::start();
    let logon = "[logon]\ntrusted_proxies = [\"127.0.0.7/32\"]\n";
    let gateway = Gateway::start(&format!("{}{logon}{LISTEN}", application.line())).await;
    let signs: [&[(&str, &str)]; 3] = [
        &[("Via", "1.1 squid")],
        &[("X-Forwarded-For", "10.1.2.3")],
        &[("Forwarded", "for=10.1.2.3")],
    ];
    for fields in signs {
        for (from, trusted) in [("127.0.0.1", false), ("127.0.0.7", true)] {
            let from = from.parse().unwrap();
            let mut client = Client::connect_from(from, gateway.address(0)).await;
            let mut logon = Logon::new(Scheme::Ntlm, r"CORP\alice", PASSWORD);
            let first = logon.first();
            let mut with = fields.to_vec();
            with.push(("Authorization", &first));
            let challenge = client.get_with("/", &with).await;
            let last = logon.next(&challenge);
            with[fields.len()].1 = &last;
            let answered = client.get_with("/", &with).await;
            assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"), "{fields:?} {from}");
            // The next request may be anybody's, or it is the same client's.
            let next = client.get_with("/", fields).await;
            assert_eq!(next.status == 200, trusted, "{fields:?} {from}: {next:?}");
            if let ("X-Forwarded-For", true) = (fields[0].0, trusted) {
                assert!(next.seen().one("x-forwarded-for").starts_with("10.1.2.3"));
            }
        }
    }
    let received = application.text();
    assert!(received.contains("127.0.0.1"), "who it really was is passed on: {received}");
}

// PG-5
#[tokio::test]
async fn where_logons_are_off_routes_that_want_some_inherit_the_schemes() {
    let application = Echo::start();
    let rest = r#"
        [logon]
        requirement = "off"
        schemes = ["NTLM"]
        [[route]]
        path = "/users"
        requirement = "required"
        [[route]]
        path = "/both"
        requirement = "optional"
        "#;
    let gateway = Gateway::start(&format!("{}{LISTEN}{rest}", application.line())).await;
    let mut client = Client::connect(gateway.address(0)).await;
    assert_eq!(client.get("/").await.user(), None);
    assert_eq!(client.get("/both").await.user(), None);
    assert_eq!(client.get("/users").await.challenges(), ["NTLM"]);
    for path in ["/users", "/both"] {
        let mut client = Client::connect(gateway.address(0)).await;
        let answered = client.log_on(Scheme::Ntlm, path, r"CORP\alice").await;
        assert_eq!(answered.user().as_deref(), Some(r"CORP\alice"));
    }
}
