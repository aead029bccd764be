//! Failed logons are slowed down, and nobody is locked out by others elsewhere.

use logon::http::{Throttle, ThrottleConfig, Throttled};
use logon::{Account, FileTime};
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

const START: u64 = 1_800_000_000;
const MINUTE: u64 = 60;

fn at(seconds: u64) -> FileTime {
    FileTime::from_unix(Duration::from_secs(START + seconds))
}

fn from(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn account(user: &str) -> Account<'_> {
    Account::new("CORP", user)
}

fn throttle() -> Throttle {
    Throttle::new(ThrottleConfig::default())
}

fn with(change: impl FnOnce(&mut ThrottleConfig)) -> Throttle {
    let mut config = ThrottleConfig::default();
    change(&mut config);
    Throttle::new(config)
}

/// `times` failures at once.
fn fail(throttle: &mut Throttle, times: u32, seconds: u64, address: &str, user: &str) {
    for _ in 0..times {
        throttle.failed(at(seconds), from(address), account(user));
    }
}

/// As many failures as the address has left, each of another account.
fn exhaust(throttle: &mut Throttle, seconds: u64, address: &str) {
    for number in 0..100 {
        fail(throttle, 1, seconds, address, &format!("user{number}"));
    }
}

fn seconds(checked: Result<(), Throttled>) -> u32 {
    checked.unwrap_err().retry_after_seconds
}

// S-24
#[test]
fn after_ten_failures_an_account_is_refused_from_that_address() {
    let mut throttle = throttle();
    let (here, alice) = (from("192.0.2.1"), account("alice"));
    fail(&mut throttle, 9, 0, "192.0.2.1", "alice");
    assert_eq!(throttle.check(at(0), here, alice), Ok(()));
    fail(&mut throttle, 1, 0, "192.0.2.1", "alice");
    assert_eq!(seconds(throttle.check(at(0), here, alice)), 900);
    assert_eq!(seconds(throttle.check(at(899), here, alice)), 1);
    let half = FileTime::from_unix(Duration::from_millis(1000 * (START + 898) + 500));
    assert_eq!(seconds(throttle.check(half, here, alice)), 2, "rounded up");
    assert_eq!(throttle.check(at(0), here, account("bob")), Ok(()), "another account");
    assert_eq!(throttle.check(at(0), from("192.0.2.2"), alice), Ok(()), "another address");
    assert_eq!(throttle.check_address(at(0), here), Ok(()));
}

// S-24
#[test]
fn after_a_hundred_failures_an_address_is_refused_whatever_the_account() {
    let mut throttle = throttle();
    let here = from("192.0.2.1");
    for number in 0..99 {
        fail(&mut throttle, 1, 0, "192.0.2.1", &format!("user{number}"));
    }
    assert_eq!(throttle.check_address(at(0), here), Ok(()));
    fail(&mut throttle, 1, 0, "192.0.2.1", "user99");
    assert_eq!(seconds(throttle.check_address(at(0), here)), 900);
    assert_eq!(seconds(throttle.check(at(0), here, account("alice"))), 900);
    assert_eq!(throttle.check_address(at(0), from("192.0.2.2")), Ok(()));
}

#[test]
fn when_the_lock_out_is_over_all_guesses_are_there_again() {
    let mut throttle = throttle();
    let (here, alice) = (from("192.0.2.1"), account("alice"));
    fail(&mut throttle, 10, 0, "192.0.2.1", "alice");
    exhaust(&mut throttle, 0, "192.0.2.3");
    assert_eq!(throttle.check(at(15 * MINUTE), here, alice), Ok(()));
    assert_eq!(throttle.check_address(at(15 * MINUTE), from("192.0.2.3")), Ok(()));
    fail(&mut throttle, 9, 15 * MINUTE, "192.0.2.1", "alice");
    assert_eq!(throttle.check(at(15 * MINUTE), here, alice), Ok(()));
    fail(&mut throttle, 1, 15 * MINUTE, "192.0.2.1", "alice");
    assert!(throttle.check(at(15 * MINUTE), here, alice).is_err());
}

#[test]
fn failures_while_locked_out_do_not_prolong_it() {
    let mut throttle = throttle();
    let (here, alice) = (from("192.0.2.1"), account("alice"));
    fail(&mut throttle, 10, 0, "192.0.2.1", "alice");
    fail(&mut throttle, 10, 10 * MINUTE, "192.0.2.1", "alice");
    assert_eq!(throttle.check(at(15 * MINUTE), here, alice), Ok(()));
}

#[test]
fn failures_add_up_within_the_window_alone() {
    let mut throttle = throttle();
    let (here, alice) = (from("192.0.2.1"), account("alice"));
    fail(&mut throttle, 9, 0, "192.0.2.1", "alice");
    fail(&mut throttle, 9, 15 * MINUTE, "192.0.2.1", "alice");
    assert_eq!(throttle.check(at(15 * MINUTE), here, alice), Ok(()));
    fail(&mut throttle, 1, 30 * MINUTE - 1, "192.0.2.1", "alice");
    assert_eq!(seconds(throttle.check(at(30 * MINUTE - 1), here, alice)), 900, "from the last on");
}

#[test]
fn a_success_clears_the_counter_of_the_account_and_no_other() {
    let mut throttle = throttle();
    let (here, alice) = (from("192.0.2.1"), account("alice"));
    fail(&mut throttle, 9, 0, "192.0.2.1", "alice");
    fail(&mut throttle, 9, 0, "192.0.2.1", "bob");
    throttle.succeeded(here, alice);
    fail(&mut throttle, 9, 0, "192.0.2.1", "alice");
    assert_eq!(throttle.check(at(0), here, alice), Ok(()));
    fail(&mut throttle, 1, 0, "192.0.2.1", "bob");
    assert!(throttle.check(at(0), here, account("bob")).is_err());
}

// The same user name in another domain, and a failure of one's own in between.
#[test]
fn a_namesake_in_another_domain_buys_no_guesses() {
    let (victim, namesake) = (Account::new("CORP", "alice"), Account::new("LAB", "alice"));
    for own_failure in [false, true] {
        let mut throttle = throttle();
        let address = from("192.0.2.1");
        let mut guesses = 0;
        for _ in 0..50 {
            if throttle.check(at(0), address, victim).is_ok() {
                throttle.failed(at(0), address, victim);
                guesses += 1;
            }
            if own_failure && throttle.check(at(0), address, namesake).is_ok() {
                throttle.failed(at(0), address, namesake);
            }
            throttle.succeeded(address, namesake);
        }
        assert!(guesses <= 10, "{guesses}");
    }
}

#[test]
fn successes_of_ones_own_account_buy_no_guesses_at_others() {
    let mut throttle = throttle();
    let here = from("192.0.2.1");
    for number in 0..100 {
        fail(&mut throttle, 1, 0, "192.0.2.1", &format!("user{number}"));
        throttle.succeeded(here, account("mallory"));
    }
    assert!(throttle.check_address(at(0), here).is_err());
}

#[test]
fn all_spellings_of_a_user_share_the_guesses() {
    let spellings = [
        Account::new("CORP", "alice"),
        Account::new("corp", "ALICE"),
        Account::new("", "alice"),
        Account::new("", "Alice@corp.example"),
        Account::new("ELSEWHERE", "aLICE"),
        Account::new("", "CORP\\alice"),
    ];
    for other in spellings {
        let mut throttle = throttle();
        let here = from("192.0.2.1");
        for _ in 0..10 {
            throttle.failed(at(0), here, other);
        }
        for spelling in spellings {
            assert!(throttle.check(at(0), here, spelling).is_err(), "{other} {spelling}");
        }
    }
    let mut throttle = throttle();
    fail(&mut throttle, 10, 0, "192.0.2.1", "jürgen");
    assert!(throttle.check(at(0), from("192.0.2.1"), account("JÜRGEN")).is_err());
    assert_eq!(throttle.check(at(0), from("192.0.2.1"), account("jurgen")), Ok(()));
}

#[test]
fn an_ipv6_network_is_one_source_and_ipv4_is_ipv4_in_any_notation() {
    let mut throttle = throttle();
    exhaust(&mut throttle, 0, "2001:db8:1:2::1");
    assert!(throttle.check_address(at(0), from("2001:db8:1:2:ffff::9")).is_err());
    assert_eq!(throttle.check_address(at(0), from("2001:db8:1:3::1")), Ok(()));
    exhaust(&mut throttle, 0, "::ffff:192.0.2.1");
    assert!(throttle.check_address(at(0), from("192.0.2.1")).is_err());
    assert_eq!(throttle.check_address(at(0), from("::ffff:192.0.2.2")), Ok(()));
    // Behind a translator is all of IPv4, not one customer.
    assert!(throttle.check_address(at(0), from("64:ff9b::192.0.2.1")).is_err());
    assert_eq!(throttle.check_address(at(0), from("64:ff9b::192.0.2.2")), Ok(()));
}

#[test]
fn who_is_exempt_is_never_refused_and_takes_no_room() {
    let mut throttle = with(|config| config.exempt.push(from("::ffff:10.0.0.7")));
    exhaust(&mut throttle, 0, "10.0.0.7");
    fail(&mut throttle, 1000, 0, "10.0.0.7", "alice");
    assert_eq!(throttle.check(at(0), from("10.0.0.7"), account("alice")), Ok(()));
    assert_eq!(throttle.check_address(at(0), from("10.0.0.7")), Ok(()));
    assert_eq!(throttle.entries(), 0);
    exhaust(&mut throttle, 0, "10.0.0.8");
    assert!(throttle.check_address(at(0), from("10.0.0.8")).is_err());
}

#[test]
fn a_clock_that_is_set_back_locks_out_for_no_longer_than_the_lock_out() {
    let mut throttle = throttle();
    let (here, alice) = (from("192.0.2.1"), account("alice"));
    fail(&mut throttle, 10, 1_000_000, "192.0.2.1", "alice");
    assert_eq!(seconds(throttle.check(at(0), here, alice)), 900);
    assert_eq!(throttle.check(at(15 * MINUTE), here, alice), Ok(()));
    assert!(throttle.check(FileTime::default(), here, alice).is_ok(), "its time was over");

    fail(&mut throttle, 9, 1_000_000, "192.0.2.1", "bob");
    fail(&mut throttle, 1, 0, "192.0.2.1", "bob");
    assert_eq!(seconds(throttle.check(at(0), here, account("bob"))), 900, "still counted");
    throttle.failed(FileTime::from_ticks(u64::MAX), here, account("bob"));
    throttle.failed(FileTime::default(), here, account("bob"));
}

#[test]
fn limits_of_zero_refuse_nobody_without_a_failure() {
    let mut throttle = with(|config| {
        config.account_failures = 0;
        config.address_failures = 0;
        config.max_entries = 0;
    });
    let here = from("192.0.2.1");
    assert_eq!(throttle.check(at(0), here, account("alice")), Ok(()));
    fail(&mut throttle, 1, 0, "192.0.2.1", "alice");
    assert!(throttle.check(at(0), here, account("bob")).is_err());
    fail(&mut throttle, 1, 0, "192.0.2.2", "alice");
    assert_eq!(throttle.entries(), 2);
}

/// A number that looks random, the same every time.
fn scatter(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b1).rotate_left(13).wrapping_mul(0x85eb_ca6b)
}

#[test]
fn a_flood_of_failures_keeps_within_the_bound_and_lock_out_nobody_else() {
    let mut throttle = with(|config| config.max_entries = 1000);
    let bystander = from("203.0.113.9");
    for number in 0..100_000_u32 {
        let bits = scatter(number);
        let address = match number % 2 {
            0 => IpAddr::V4(Ipv4Addr::from(bits & 0x0fff_ffff)),
            _ => IpAddr::V6(Ipv6Addr::from(u128::from(bits) << 64)),
        };
        let user = format!("user{}", scatter(bits) % 5000);
        throttle.failed(at(u64::from(number / 100)), address, account(&user));
        if number % 100 == 0 {
            assert!(throttle.entries() <= 2000);
            let alice = account("alice");
            assert_eq!(throttle.check(at(u64::from(number / 100)), bystander, alice), Ok(()));
        }
    }
    assert!(throttle.entries() <= 2000);
    assert_eq!(format!("{throttle:?}"), "Throttle { addresses: 1000, accounts: 1000, .. }");
}

#[test]
fn a_flood_of_first_failures_does_not_make_a_lock_out_forgotten() {
    let mut throttle = with(|config| config.max_entries = 100);
    exhaust(&mut throttle, 0, "192.0.2.1");
    fail(&mut throttle, 10, 0, "192.0.2.2", "alice");
    fail(&mut throttle, 9, 0, "192.0.2.2", "bob");
    for number in 0..10_000 {
        let address = IpAddr::V4(Ipv4Addr::from(scatter(number)));
        throttle.failed(at(1), address, account(&format!("user{number}")));
    }
    assert!(throttle.check_address(at(1), from("192.0.2.1")).is_err());
    assert!(throttle.check(at(1), from("192.0.2.2"), account("alice")).is_err());
    fail(&mut throttle, 1, 1, "192.0.2.2", "bob");
    assert!(throttle.check(at(1), from("192.0.2.2"), account("bob")).is_err(), "nor a near one");
}

#[test]
fn what_has_run_out_makes_room_first() {
    let mut throttle = with(|config| config.max_entries = 20);
    for number in 0..20_u8 {
        fail(&mut throttle, 10, 0, &format!("192.0.2.{number}"), "alice");
    }
    assert_eq!(throttle.entries(), 40);
    fail(&mut throttle, 10, 15 * MINUTE, "198.51.100.1", "alice");
    assert!(throttle.entries() < 40);
    let there = from("198.51.100.1");
    assert!(throttle.check(at(15 * MINUTE), there, account("alice")).is_err());
}

#[test]
fn what_has_run_out_is_found_wherever_it_is() {
    let mut throttle = with(|config| config.max_entries = 100);
    for number in 0..80_u8 {
        fail(&mut throttle, 1, 0, &format!("198.51.100.{number}"), "alice");
    }
    for number in 0..80_u8 {
        let seconds = if number < 20 { 14 * MINUTE } else { 15 * MINUTE };
        fail(&mut throttle, 10, seconds, &format!("192.0.2.{number}"), "alice");
    }
    for number in 0..80_u8 {
        let there = from(&format!("192.0.2.{number}"));
        assert!(throttle.check(at(15 * MINUTE), there, account("alice")).is_err(), "{number}");
    }
    assert_eq!(throttle.entries(), 2 * 80, "nothing else is left");
}

#[test]
fn of_a_name_without_end_only_the_beginning_counts() {
    let mut throttle = throttle();
    let long = "x".repeat(100_000);
    fail(&mut throttle, 10, 0, "192.0.2.1", &format!("{long}1"));
    assert!(throttle.check(at(0), from("192.0.2.1"), account(&long)).is_err());
    assert_eq!(throttle.check(at(0), from("192.0.2.1"), account(&long[..255])), Ok(()));
}

#[test]
fn neither_names_nor_addresses_show_in_logs() {
    let mut throttle = throttle();
    fail(&mut throttle, 10, 0, "192.0.2.1", "alice");
    let refused = throttle.check(at(0), from("192.0.2.1"), account("alice")).unwrap_err();
    assert_eq!(format!("{throttle:?}"), "Throttle { addresses: 1, accounts: 1, .. }");
    assert_eq!(refused.to_string(), "too many failed logons, refused for another 900 s");
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Failed { user: u8 },
    Succeeded { user: u8 },
    Checked { user: u8 },
}

fn event() -> impl Strategy<Value = (u64, u8, Event)> {
    let user = 0_u8..3;
    let event = (user, 0..8).prop_map(|(user, kind)| match kind {
        0 => Event::Succeeded { user },
        1 => Event::Checked { user },
        _ => Event::Failed { user },
    });
    // The clock goes anywhere.
    (0_u64..4000, 0_u8..3, event)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn nobody_is_refused_for_what_happens_elsewhere(
        events in vec(event(), 0..300),
        max_entries in 1_usize..10,
    ) {
        let mut throttle = with(|config| {
            config.account_failures = 3;
            config.address_failures = 10;
            config.max_entries = max_entries;
        });
        for (now, address, event) in events {
            let address = IpAddr::from([10, 0, 0, address]);
            let name = |user| format!("user{user}");
            match event {
                Event::Failed { user } => throttle.failed(at(now), address, account(&name(user))),
                Event::Succeeded { user } => throttle.succeeded(address, account(&name(user))),
                Event::Checked { user } => {
                    let mut now = now;
                    let name = name(user);
                    // Refused for the address, then perhaps for the account, then no more.
                    for _ in 0..2 {
                        let checked = throttle.check(at(now), address, account(&name));
                        let wait = checked.map_or_else(|refused| refused.retry_after_seconds, |()| 0);
                        prop_assert!(wait <= 900);
                        now += u64::from(wait);
                    }
                    prop_assert_eq!(throttle.check(at(now), address, account(&name)), Ok(()));
                }
            }
            for user in 0..3 {
                let elsewhere = IpAddr::from([10, 0, 1, 0]);
                prop_assert!(throttle.check(at(now), elsewhere, account(&name(user))).is_ok());
            }
            prop_assert!(throttle.entries() <= 2 * max_entries);
        }
    }

    #[test]
    fn any_name_is_taken(user in "\\PC{0,600}", domain in "\\PC{0,20}") {
        let mut throttle = throttle();
        let (here, account) = (from("192.0.2.1"), Account::new(&domain, &user));
        for _ in 0..10 {
            prop_assert_eq!(throttle.check(at(0), here, account), Ok(()));
            throttle.failed(at(0), here, account);
        }
        prop_assert!(throttle.check(at(0), here, account).is_err());
    }
}
