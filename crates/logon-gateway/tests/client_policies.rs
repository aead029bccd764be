//! Our client against our gateway and our demonstration server: the policies of both sides.

#![cfg(unix)]

mod support;

use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::BodyExt;
use logon::http::{ClientError, Scheme};
use logon_client::credentials::Credentials;
use logon_client::{Body, Client, Error, Login, Logon, Trust};
use support::get::Demo;
use support::{Authority, Echo, Folder, Gateway, LISTEN, PASSWORD, Seen};

const ALICE: &str = r"CORP\alice";

const TLS: &str =
    "[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"web.pem\"\nkey = \"web.key\"\n";

type Make = fn(Login) -> Login;

/// What a client may do about bindings, and whether it sends any.
const CLIENTS: [(&str, Make, bool); 3] = [
    ("when possible", |login| login, true),
    ("required", Login::with_bindings_required, true),
    ("never", Login::without_bindings, false),
];

fn login() -> Login {
    Login::new(Credentials::password(ALICE, PASSWORD.to_owned()))
}

fn client(gateway: &Gateway, login: Login) -> Client {
    let trust = Trust::pem_file(&gateway.folder.path("authority.pem")).unwrap();
    Client::builder().trust(trust).login(login).build()
}

/// A gateway with a plain listener and one with TLS, and what both of them have in `[logon]`.
async fn gateway(application: &Echo, logon: &str) -> Gateway {
    let folder = Folder::new();
    let authority = Authority::new();
    folder.write("authority.pem", authority.pem());
    authority.certify(&["127.0.0.1"]).save(&folder, "web");
    let config = format!("{}{LISTEN}{TLS}[logon]\n{logon}", application.line());
    Gateway::start_in(folder, &config).await
}

/// The status and whom the application was told.
async fn asked(client: &Client, request: Request<Body>) -> Result<(u16, String, Logon), Error> {
    let response = client.send(request).await?;
    let status = response.status().as_u16();
    let logon = response.extensions().get::<logon_client::Outcome>().unwrap().origin.clone();
    let body = response.into_body().collect().await?.to_bytes();
    let user = if status == 200 {
        Seen::of(&body).all("x-remote-user").first().map_or(String::new(), |it| (*it).to_owned())
    } else {
        String::new()
    };
    Ok((status, user, logon))
}

fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn the_gateway_and_the_client_agree_or_refuse_under_every_policy_of_bindings_and_mic() {
    let application = Echo::start();
    for bindings in ["never", "when-offered", "always"] {
        for mic in ["never", "when-offered", "always"] {
            let policy = format!("channel_bindings = \"{bindings}\"\nmic = \"{mic}\"\n");
            let gateway = gateway(&application, &policy).await;
            for (url, tls) in [(&gateway.urls[0], false), (&gateway.urls[1], true)] {
                for (name, make, sends) in CLIENTS {
                    for scheme in Scheme::INTEGRATED {
                        let case = format!("{bindings}, {mic}, TLS {tls}: {name}, {scheme}");
                        let login = make(login()).with_schemes(&[scheme]);
                        let answered = asked(&client(&gateway, login), get(url)).await;
                        if name == "required" && !tls {
                            let impossible = matches!(
                                &answered,
                                Err(Error::Logon { cause: ClientError::BindingsImpossible, .. })
                            );
                            assert!(impossible, "{case}: {answered:?}");
                            continue;
                        }
                        let (status, user, logon) = answered.unwrap();
                        let passes = match bindings {
                            // Zeros where there is something to be bound to.
                            "when-offered" => !tls || sends,
                            "always" => tls && sends,
                            _ => true,
                        };
                        let refused = matches!(logon, Logon::Refused { .. });
                        assert_eq!((status == 200, refused), (passes, !passes), "{case}: {status}");
                        assert_eq!(user, if passes { ALICE } else { "" }, "{case}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_service_that_the_gateway_is_not_called_refuses_what_was_meant_for_it() {
    let application = Echo::start();
    for (names, status) in [("HTTP/127.0.0.1", 200), ("HTTP/other.corp.example", 401)] {
        let policy = format!("target_names = [{names:?}]\n");
        let gateway = gateway(&application, &policy).await;
        for scheme in Scheme::INTEGRATED {
            let client = client(&gateway, login().with_schemes(&[scheme]));
            let answered = asked(&client, get(&gateway.urls[1])).await.unwrap();
            assert_eq!(answered.0, status, "{names} {scheme}");
        }
    }
}

#[tokio::test]
async fn every_request_is_logged_on_whether_or_not_a_logon_counts_for_its_connection() {
    let application = Echo::start();
    for persistent in [true, false] {
        let policy = format!("persistent = {persistent}\n");
        let gateway = gateway(&application, &policy).await;
        for scheme in Scheme::INTEGRATED {
            let client = client(&gateway, login().with_schemes(&[scheme]));
            for number in 0..6 {
                let body = Body::from(vec![b'x'; number * 10_000]);
                let request = Request::post(&gateway.urls[1]).body(body).unwrap();
                let (status, user, _) = asked(&client, request).await.unwrap();
                assert_eq!((status, user.as_str()), (200, ALICE), "{persistent} {scheme} {number}");
            }
        }
    }
}

#[tokio::test]
async fn where_nobody_has_to_log_on_the_client_is_a_guest_until_it_is_asked() {
    let application = Echo::start();
    for (requirement, unasked, challenged) in [
        ("required", ALICE, ALICE),
        ("optional", "", ALICE),
        ("app-challenges", "", ALICE),
        ("off", "", ""),
    ] {
        let policy = format!("requirement = {requirement:?}\n");
        let gateway = gateway(&application, &policy).await;
        let client = client(&gateway, login());
        let url = &gateway.urls[1];
        let (status, user, _) = asked(&client, get(url)).await.unwrap();
        assert_eq!((status, user.as_str()), (200, unasked), "{requirement}");
        // With a 401 of the application the gateway offers its schemes.
        let (status, _, logon) = asked(&client, get(&format!("{url}?status=401"))).await.unwrap();
        assert_eq!(status, 401, "{requirement}");
        let asked = !matches!(logon, Logon::NotAsked | Logon::NotOffered { .. });
        assert_eq!(asked, !challenged.is_empty(), "{requirement}: {logon:?}");
        let received = application.received();
        let last = Seen::of(last_request(received.last().unwrap()));
        let user = last.all("x-remote-user").first().map_or("", |user| *user).to_owned();
        assert_eq!(user, challenged, "{requirement}");
    }
}

/// The last request of a connection.
fn last_request(received: &[u8]) -> &[u8] {
    let mut starts = received.windows(4).enumerate().filter(|(_, it)| *it == b"GET ");
    starts.next_back().map_or(received, |(at, _)| &received[at..])
}

#[tokio::test]
async fn a_client_that_wants_the_server_proven_logs_on_to_nobody_by_ntlm() {
    let application = Echo::start();
    let gateway = gateway(&application, "").await;
    for scheme in Scheme::INTEGRATED {
        let login = login().with_schemes(&[scheme]).with_mutual_auth(true);
        let answered = asked(&client(&gateway, login), get(&gateway.urls[1])).await;
        let missing =
            matches!(&answered, Err(Error::Logon { cause: ClientError::MutualAuthMissing, .. }));
        assert!(missing, "{scheme}: {answered:?}");
        assert!(application.received().is_empty());
    }
}

#[tokio::test]
async fn callers_own_credentials_are_nobody_elses() {
    let application = Echo::start();
    let gateway = gateway(&application, "").await;
    let client = client(&gateway, login());
    let mut request = get(&gateway.urls[1]);
    request.headers_mut().insert(AUTHORIZATION, "NTLM AAAA".parse().unwrap());
    assert_eq!(asked(&client, request).await.unwrap().0, 401);
    assert_eq!(asked(&client, get(&gateway.urls[1])).await.unwrap().1, ALICE);
}

#[tokio::test]
async fn the_demonstration_server_and_the_client_agree_or_refuse_under_every_policy() {
    for bindings in ["when-offered", "always"] {
        for mic in ["when-offered", "always"] {
            let demo = Demo::start_with(&["--bindings", bindings, "--mic", mic]);
            let certificate = demo.certificate();
            for (url, tls) in [(&demo.http, false), (&demo.https, true)] {
                for (path, scheme) in
                    [("ntlm", Scheme::Ntlm), ("nego", Scheme::Negotiate), ("both", Scheme::Ntlm)]
                {
                    for (name, make, sends) in CLIENTS {
                        let case = format!("{bindings}, {mic}, {url}/{path}/: {name}");
                        let login = make(login()).with_schemes(&[scheme]);
                        let trust = Trust::pem_file(certificate.as_ref()).unwrap();
                        let client = Client::builder().trust(trust).login(login).build();
                        let answered = client.get(&format!("{url}/{path}/")).await;
                        if name == "required" && !tls {
                            assert!(matches!(answered, Err(Error::Logon { .. })), "{case}");
                            continue;
                        }
                        let response = answered.unwrap();
                        let status = response.status();
                        let body = response.into_body().collect().await.unwrap().to_bytes();
                        let told = String::from_utf8_lossy(&body);
                        let passes =
                            if bindings == "always" { tls && sends } else { !tls || sends };
                        assert_eq!(status == 200, passes, "{case}: {status}");
                        assert_eq!(told.contains(ALICE), passes, "{case}: {told}");
                    }
                }
            }
        }
    }
}
