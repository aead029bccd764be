//! Channel bindings, and both sides' policies against each other.

mod support;

use logon::http::{ClientError, Scheme};
use logon::{BindingsPolicy, ChannelBindings, MicPolicy};
use logon_client::{Error, Login, Logon, Trust};
use support::{Certificate, Site, Spec, builder, get, login};

fn bound(certificate: Certificate) -> Spec {
    Spec { tls: Some(certificate), bindings: BindingsPolicy::Always, ..Spec::default() }
}

// WS-16, H-16: of the certificate that the server shows, over HTTP/1.1
#[tokio::test]
async fn a_server_that_demands_bindings_gets_those_of_its_certificate() {
    for scheme in Scheme::INTEGRATED {
        let (certificate, trust) = Certificate::make();
        let site = Site::start(Spec { schemes: vec![scheme], ..bound(certificate) }).await;
        let client = builder().trust(trust).login(login("alice")).build();
        let told = get(&client, &site.url("/")).await;
        assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
    }
}

#[tokio::test]
async fn wrong_bindings_and_none_are_refused_by_a_server_that_demands_them() {
    let (certificate, trust) = Certificate::make();
    let site = Site::start(bound(certificate)).await;
    let other = ChannelBindings::from_application_data("tls-server-end-point:other");
    for login in [login("alice").without_bindings(), login("alice").with_bindings(other)] {
        let client = builder().trust(trust.clone()).login(login).build();
        let told = get(&client, &site.url("/")).await;
        assert_eq!(told.status, 401);
        assert!(matches!(told.outcome.origin, Logon::Refused { .. }));
    }
}

// Every policy of the server with every one of the client, over sockets.
#[tokio::test]
async fn the_policies_of_both_sides_agree_or_refuse() {
    type Make = fn(Login) -> Login;
    let clients: [(&str, Make, bool); 3] = [
        ("when possible", |login| login, true),
        ("required", Login::with_bindings_required, true),
        ("never", Login::without_bindings, false),
    ];
    for bindings in [BindingsPolicy::Never, BindingsPolicy::WhenOffered, BindingsPolicy::Always] {
        for mic in [MicPolicy::Never, MicPolicy::WhenOffered, MicPolicy::Always] {
            for tls in [false, true] {
                let (certificate, trust) = Certificate::make();
                let tls_of = tls.then_some(certificate);
                let site =
                    Site::start(Spec { tls: tls_of, bindings, mic, ..Spec::default() }).await;
                for (name, make, sends) in clients {
                    let client = builder().trust(trust.clone()).login(make(login("alice"))).build();
                    let sent = client.get(&site.url("/")).await;
                    let case = format!("{bindings:?} {mic:?} tls={tls} client {name}");
                    if name == "required" && !tls {
                        let impossible = matches!(
                            &sent,
                            Err(Error::Logon { cause: ClientError::BindingsImpossible, .. })
                        );
                        assert!(impossible, "{case}: {sent:?}");
                        continue;
                    }
                    let expected = match bindings {
                        // Zeros where there is something to be bound to.
                        BindingsPolicy::WhenOffered if tls && !sends => 401,
                        BindingsPolicy::Always if !tls || !sends => 401,
                        _ => 200,
                    };
                    assert_eq!(sent.unwrap().status().as_u16(), expected, "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_nothing() {
    let (certificate, _) = Certificate::make();
    let site = Site::start(bound(certificate)).await;
    let client = builder().trust(Trust::nobody()).login(login("alice")).build();
    let sent = client.get(&site.url("/")).await;
    let Err(Error::Tls { cause, .. }) = sent else { panic!("{sent:?}") };
    assert!(cause.contains("not trusted"), "{cause}");
    assert!(site.take().is_empty());
}
