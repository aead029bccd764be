//! What tries cost, whatever clients do.

use super::super::leg::{Answer, Carried, Leg, Sent};
use super::super::tries::{AGE, MOST_BYTES, MOST_LEGS, MOST_TRIES, Random, Tries, Try};
use super::{Client, page};
use http::{Response, Version};
use logon::BindingsPolicy;
use logon::http::{Scheme, format_token};
use std::time::{Duration, Instant, SystemTime};

#[tokio::test]
async fn ten_thousand_tries_take_no_more_room_than_a_thousand() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    browser.fields[2].1 = format!("Mozilla/5.0 {}", "ü".repeat(4000));
    browser.fields.push(("via", "v".repeat(4000)));
    let path = browser.begin("ntlm").await;
    let junk = format_token(Scheme::Ntlm, &[0xff; 2000]);
    let answer = browser.get(&path, Some(&junk)).await;
    assert!(answer.body().len() < 20_000, "{}", answer.body());
    let leg = {
        let seen = page.tries().find(path.split('/').nth(3).unwrap(), Instant::now());
        Leg::clone(&seen.unwrap().legs[0])
    };
    let mut last = String::new();
    for round in 0..10_000 {
        last = browser.begin("ntlm").await;
        let id = last.split('/').nth(3).unwrap();
        for _ in 0..4 {
            let _ = page.tries().add(id, leg.clone(), Instant::now()).unwrap();
        }
        let (tries, bytes) = page.tries().usage();
        assert!(tries <= MOST_TRIES && bytes <= MOST_BYTES, "{round}: {tries} tries, {bytes} B");
    }
    let (tries, bytes) = page.tries().usage();
    assert!(tries > 100 && bytes > MOST_BYTES / 2, "{tries} tries, {bytes} B");
    // The latest is still there.
    let id = last.split('/').nth(3).unwrap();
    assert_eq!(browser.get(&format!("/.logon/show/{id}"), None).await.status(), 200);
}

#[tokio::test]
async fn a_browser_that_goes_round_in_circles_fills_one_try() {
    let page = page(BindingsPolicy::WhenOffered);
    let mut browser = Client::new(&page);
    let path = browser.begin("ntlm").await;
    let mut answer = browser.get(&path, None).await;
    for _ in 0..MOST_LEGS + 4 {
        answer = browser.get(&path, None).await;
    }
    assert!(answer.body().contains("5 more requests came than are shown"), "{}", answer.body());
    assert_eq!(answer.body().matches("<details").count(), MOST_LEGS);
}

fn some_try(begun: Instant) -> Try {
    Try {
        id: Random::new().unwrap(),
        key: Random::new().unwrap(),
        connection: None,
        begun,
        begun_at: SystemTime::now(),
        legs: Vec::new(),
        more: 0,
    }
}

#[test]
fn a_try_is_forgotten_with_all_that_it_took() {
    let begun = Instant::now();
    let mut tries = Tries::default();
    let new = some_try(begun);
    let id = new.id.as_str().to_owned();
    tries.begin(new);
    let carried = Carried {
        connection: 1,
        version: Version::HTTP_11,
        secure: false,
        intermediaries: Vec::new(),
        user_agent: Some("x".into()),
    };
    let answer = Answer::of(&Response::new(()));
    let leg = Leg { after: Duration::ZERO, carried, sent: Sent::Nothing, answer };
    assert_eq!(tries.add(&id, leg, begun).unwrap().legs.len(), 1);
    assert!(tries.find(&id, begun + AGE).is_some());
    assert!(tries.find(&id, begun + AGE + Duration::from_secs(1)).is_none());
    assert_eq!(tries.usage(), (0, 0));
}
