//! Messages to KDCs that answer, or do not, in every way.

mod support;

use logon_kdc::{KdcClient, Krb5Conf, NoKdc, Outcome, Protocol, SendError};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;
use support::{Kdc, Tcp, Udp, WAIT, client, client_with, framed, krb_error, reply};
use tokio::net::{TcpListener, UdpSocket};

const ASK: &[u8] = b"a message of some kind";

/// The outcome of each try.
fn outcomes(error: SendError) -> Vec<(Protocol, Outcome)> {
    let SendError::NoAnswer { tries, .. } = error else { panic!("{error}") };
    tries.into_iter().map(|each| (each.protocol, each.outcome)).collect()
}

async fn failure(udp: Udp, tcp: Tcp) -> Vec<(Protocol, Outcome)> {
    let kdc = Kdc::start(udp, tcp).await;
    outcomes(client(&[kdc.address.to_string()]).send("R", ASK).await.unwrap_err())
}

#[tokio::test]
async fn a_short_message_goes_over_udp_alone() {
    let kdc = Kdc::start(Udp::Answers(reply(1, 900)), Tcp::Answers(reply(2, 9))).await;
    let client = client(&[kdc.address.to_string()]);
    assert_eq!(client.send("R", ASK).await, Ok(reply(1, 900)));
    assert_eq!(kdc.asked(), (1, 0));
    assert_eq!(*kdc.last.lock().unwrap(), ASK);
}

#[tokio::test]
async fn a_message_above_the_limit_goes_over_tcp_first() {
    let kdc = Kdc::start(Udp::Answers(reply(1, 9)), Tcp::Answers(reply(2, 40_000))).await;
    let at = [kdc.address.to_string()];
    let preferred = client(&at);
    assert_eq!(preferred.send("R", &[7; 1466]).await, Ok(reply(2, 40_000)));
    assert_eq!(*kdc.last.lock().unwrap(), [7; 1466]);
    assert_eq!(kdc.asked(), (0, 1));
    assert_eq!(preferred.send("R", &[7; 1465]).await, Ok(reply(1, 9)));
    assert_eq!(
        client_with("udp_preference_limit = 0", &at).send("R", ASK).await,
        Ok(reply(2, 40_000))
    );
    assert_eq!(
        client_with("udp_preference_limit = 99999", &at).send("R", &[7; 32_701]).await,
        Ok(reply(2, 40_000))
    );
    assert_eq!(kdc.asked(), (1, 3));
}

#[tokio::test]
async fn a_long_message_goes_over_udp_where_there_is_no_tcp() {
    let kdc = Kdc::start(Udp::Answers(reply(1, 9)), Tcp::Refuses).await;
    let client = client(&[format!("udp/{}", kdc.address)]);
    assert_eq!(client.send("R", &[7; 3000]).await, Ok(reply(1, 9)));
    assert_eq!(client.send("R", &[7; 40_000]).await, Err(SendError::TooLong(40_000)));
}

#[tokio::test]
async fn an_answer_too_big_for_udp_is_fetched_over_tcp() {
    let kdc = Kdc::start(Udp::Answers(krb_error(52)), Tcp::Answers(reply(2, 60_000))).await;
    let client = client(&[kdc.address.to_string()]);
    for times in 1..=2 {
        assert_eq!(client.send("R", ASK).await, Ok(reply(2, 60_000)));
        assert_eq!(kdc.asked(), (times, times));
    }
}

#[tokio::test]
async fn an_answer_too_big_for_a_kdc_of_udp_only_is_an_error() {
    let kdc = Kdc::start(Udp::Answers(krb_error(52)), Tcp::Answers(reply(2, 9))).await;
    let client = client(&[format!("udp/{}", kdc.address)]);
    let error = client.send("R", ASK).await.unwrap_err();
    assert_eq!(outcomes(error), [(Protocol::Udp, Outcome::TooBigForUdp)]);
    assert_eq!(kdc.asked(), (1, 0));
}

#[tokio::test]
async fn silence_over_udp_is_followed_by_tcp_and_remembered() {
    let kdc = Kdc::start(Udp::Silent, Tcp::Answers(reply(2, 9))).await;
    let client = client(&[kdc.address.to_string()]);
    let begin = Instant::now();
    assert_eq!(client.send("R", ASK).await, Ok(reply(2, 9)));
    assert!(begin.elapsed() >= WAIT && begin.elapsed() < WAIT * 8, "{:?}", begin.elapsed());
    let asked = kdc.asked();
    assert_eq!(client.send("R", ASK).await, Ok(reply(2, 9)));
    assert_eq!(kdc.asked(), (asked.0, asked.1 + 1));
}

#[tokio::test]
async fn other_errors_of_a_kdc_are_answers() {
    let preauth_required = krb_error(25);
    let kdc = Kdc::start(Udp::Answers(preauth_required.clone()), Tcp::Refuses).await;
    let client = client(&[kdc.address.to_string()]);
    assert_eq!(client.send("R", ASK).await, Ok(preauth_required));
}

#[tokio::test]
async fn a_datagram_that_is_lost_is_sent_again() {
    let kdc = Kdc::start(Udp::AnswersLate(reply(1, 9)), Tcp::Refuses).await;
    let client = client(&[format!("udp/{}", kdc.address)]);
    assert_eq!(client.send("R", ASK).await, Ok(reply(1, 9)));
    assert_eq!(kdc.asked().0, 2);
}

#[tokio::test]
async fn the_next_kdc_is_asked_when_one_is_silent_refuses_or_cannot_serve() {
    let good = Kdc::start(Udp::Answers(reply(1, 9)), Tcp::Refuses).await;
    let silent = Kdc::start(Udp::Silent, Tcp::Silent).await;
    let absent = Kdc::start(Udp::Refuses, Tcp::Refuses).await;
    let busy = Kdc::start(Udp::Answers(krb_error(29)), Tcp::Refuses).await;
    for (first, at_once) in [(&silent, false), (&absent, true), (&busy, true)] {
        let client = client(&[first.address.to_string(), good.address.to_string()]);
        let begin = Instant::now();
        assert_eq!(client.send("R", ASK).await, Ok(reply(1, 9)));
        assert_eq!(begin.elapsed() < WAIT, at_once, "{:?}", begin.elapsed());
        // The second time the one that answered is the first.
        let (before, begin) = (first.asked(), Instant::now());
        assert_eq!(client.send("R", ASK).await, Ok(reply(1, 9)));
        assert!(begin.elapsed() < WAIT && first.asked() == before);
    }
    let names = ["kdc.invalid".to_owned(), good.address.to_string()];
    assert_eq!(client(&names).send("R", ASK).await, Ok(reply(1, 9)));
}

#[tokio::test]
async fn a_kdc_that_is_remembered_and_gone_is_forgotten() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let other = Kdc::start(Udp::Answers(reply(2, 9)), Tcp::Refuses).await;
    let client = client(&[format!("udp/{address}"), other.address.to_string()]);
    let once = tokio::spawn(async move {
        let mut buffer = [0; 100];
        let (_, from) = socket.recv_from(&mut buffer).await.unwrap();
        socket.send_to(&reply(1, 9), from).await.unwrap();
    });
    assert_eq!(client.send("R", ASK).await, Ok(reply(1, 9)));
    once.await.unwrap();
    assert_eq!(client.send("R", ASK).await, Ok(reply(2, 9)));
}

#[tokio::test]
async fn an_answer_that_comes_late_is_heard_all_the_same() {
    // The second one is silent, so the answer of the first is the only one.
    let late = Kdc::start(Udp::AnswersLate(reply(1, 9)), Tcp::Refuses).await;
    let silent = Kdc::start(Udp::Silent, Tcp::Silent).await;
    let client = client(&[late.address.to_string(), silent.address.to_string()]);
    assert_eq!(client.send("R", ASK).await, Ok(reply(1, 9)));
    assert_eq!(late.asked().0, 2);
}

#[tokio::test]
async fn an_answer_from_another_port_is_not_heard() {
    let kdc = Kdc::start(Udp::AnswersFromElsewhere(reply(1, 9)), Tcp::Refuses).await;
    let client = client(&[format!("udp/{}", kdc.address)]);
    let error = client.send("R", ASK).await.unwrap_err();
    assert_eq!(outcomes(error), [(Protocol::Udp, Outcome::NoAnswer)]);
    assert_eq!(kdc.asked().0, 3);
}

#[tokio::test]
async fn garbage_over_udp_is_passed_over() {
    let mut trailing = reply(1, 9);
    trailing.push(0);
    for garbage in [&b"nonsense"[..], &trailing, &trailing[..5], &[0x7E, 2, 1, 1], &[]] {
        let udp = Udp::AnswersAfter(garbage.to_vec(), reply(1, 9));
        let kdc = Kdc::start(udp, Tcp::Refuses).await;
        let client = client(&[kdc.address.to_string()]);
        assert_eq!(client.send("R", ASK).await, Ok(reply(1, 9)), "{garbage:?}");
    }
    let refused = (Protocol::Tcp, Outcome::Io(io::ErrorKind::ConnectionRefused));
    let tries = failure(Udp::Answers(b"nonsense".to_vec()), Tcp::Refuses).await;
    assert_eq!(tries, [(Protocol::Udp, Outcome::NotAReply), refused]);
}

#[tokio::test]
async fn whatever_a_connection_brings_instead_of_an_answer_is_named() {
    let over = |length: u32| length.to_be_bytes().to_vec();
    for (sent, outcome) in [
        (vec![], Outcome::Closed),
        (vec![0, 0], Outcome::Closed),
        (framed(&reply(1, 900))[..500].to_vec(), Outcome::Closed),
        (framed(b"HTTP/1.1 400 Bad Request"), Outcome::NotAReply),
        (framed(&[]), Outcome::NotAReply),
        (b"HTTP/1.1 400".to_vec(), Outcome::TooLarge(0x4854_5450)),
        (over(0x8000_0009), Outcome::TooLarge(0x8000_0009)),
        (over((1 << 20) + 1), Outcome::TooLarge((1 << 20) + 1)),
        (framed(&krb_error(29)), Outcome::Unavailable),
    ] {
        let kdc = Kdc::start(Udp::Refuses, Tcp::Sends(sent.clone())).await;
        let client = client(&[format!("tcp/{}", kdc.address)]);
        let error = client.send("R", ASK).await.unwrap_err();
        assert_eq!(outcomes(error), [(Protocol::Tcp, outcome)], "{sent:?}");
    }
}

#[tokio::test]
async fn the_limit_holds_over_all_and_the_error_says_what_was_tried() {
    let kdc = Kdc::start(Udp::Silent, Tcp::Silent).await;
    let name = format!("localhost:{}", kdc.address.port());
    let client = client(std::slice::from_ref(&name)).limit(WAIT * 4);
    let begin = Instant::now();
    let error = client.send("R", ASK).await.unwrap_err();
    assert!(begin.elapsed() >= WAIT * 4 && begin.elapsed() < WAIT * 12, "{:?}", begin.elapsed());
    let text = error.to_string();
    for part in [
        "no KDC of realm R answered",
        &format!("{name} ({}, UDP): no answer", kdc.address),
        &format!("{name} ({}, TCP): no answer", kdc.address),
        "[realms] of krb5.conf",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_name_with_addresses_of_both_families_is_asked_at_both() {
    // Only over IPv6, at a name that most systems have for both.
    let Ok(socket) = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await else { return };
    let port = socket.local_addr().unwrap().port();
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap();
    let _kdc = Kdc::on(socket, listener, Udp::Answers(reply(6, 9)), Tcp::Refuses);
    assert_eq!(client(&[format!("[::1]:{port}")]).send("R", ASK).await, Ok(reply(6, 9)));
    let mut addresses = tokio::net::lookup_host(("localhost", port)).await.unwrap();
    if addresses.any(|address| address.is_ipv6()) {
        assert_eq!(client(&[format!("localhost:{port}")]).send("R", ASK).await, Ok(reply(6, 9)));
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_named() {
    let error = client(&["kdc.invalid".to_owned()]).send("R", ASK).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("kdc.invalid:88 (UDP): no address"), "{text}");
}

#[tokio::test]
async fn a_realm_without_a_kdc_is_an_error_that_says_where_to_write_it() {
    let conf = Krb5Conf::parse("[libdefaults]\ndns_lookup_kdc = false\n");
    let client = KdcClient::new(Arc::new(conf));
    let error = client.send("OTHER", ASK).await.unwrap_err();
    let reason = NoKdc::NotConfigured;
    assert_eq!(error, SendError::NoKdc { realm: "OTHER".to_owned(), reason });
    assert!(error.to_string().contains("[realms]"), "{error}");
    assert_eq!(client.realm_of("web.corp.example").await, None);
}

#[cfg(not(feature = "dns"))]
#[tokio::test]
async fn without_the_feature_dns_the_error_says_so() {
    let error = KdcClient::new(Arc::default()).send("OTHER", ASK).await.unwrap_err();
    let reason = NoKdc::WithoutDns;
    assert_eq!(error, SendError::NoKdc { realm: "OTHER".to_owned(), reason });
    assert!(error.to_string().contains("does not look into DNS"), "{error}");
}

#[tokio::test]
async fn a_message_that_is_too_long_for_any_kdc_is_not_sent() {
    let kdc = Kdc::start(Udp::Silent, Tcp::Silent).await;
    let message = vec![0; (1 << 20) + 1];
    let error = client(&[kdc.address.to_string()]).send("R", &message).await.unwrap_err();
    assert_eq!(error, SendError::TooLong(message.len()));
    assert_eq!(kdc.asked(), (0, 0));
}

#[tokio::test]
async fn many_messages_at_once_do_not_mix() {
    let kdc = Kdc::start(Udp::Silent, Tcp::Answers(reply(2, 9))).await;
    let other = Kdc::start(Udp::Answers(reply(1, 9)), Tcp::Refuses).await;
    let client = Arc::new(client(&[format!("udp/{}", other.address)]));
    let tcp = Arc::new(support::client(&[format!("tcp/{}", kdc.address)]));
    let tasks = (0..40).map(|n| {
        let client = if n % 2 == 0 { client.clone() } else { tcp.clone() };
        tokio::spawn(async move { (n, client.send("R", ASK).await) })
    });
    for task in tasks.collect::<Vec<_>>() {
        let (n, answer) = task.await.unwrap();
        assert_eq!(answer, Ok(reply(if n % 2 == 0 { 1 } else { 2 }, 9)));
    }
}
