//! The memory of nonce counts: whatever comes in whatever order, nothing is taken twice.

use logon::FileTime;
use logon::http::{NonceCounts, RecentNonces};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::{prop_assert, proptest};
use std::collections::HashSet;
use std::sync::Arc;

fn at(ticks: u64) -> FileTime {
    FileTime::from_ticks(ticks)
}

fn nonce(random: u8) -> [u8; 12] {
    [random; 12]
}

/// Nonces of a few times of issue, counts that are near each other, far apart, or at an end.
fn uses() -> impl Strategy<Value = Vec<(u8, u64, u32)>> {
    let nc = prop_oneof![0..200_u32, any::<u32>(), (u32::MAX - 100)..=u32::MAX];
    vec((0..4_u8, 0..6_u64, nc), 0..300)
}

proptest! {
    #[test]
    fn no_count_is_taken_twice(uses in uses(), capacity in 0..30_usize) {
        let counts = RecentNonces::with_capacity(capacity);
        let mut taken = HashSet::new();
        for (random, time, nc) in uses {
            if counts.first_use(nonce(random), at(time), nc) {
                prop_assert!(nc != 0);
                prop_assert!(taken.insert((random, time, nc)), "{random} {time} {nc}");
            }
        }
    }

    #[test]
    fn with_enough_room_a_count_is_taken_that_is_new_and_in_the_window(uses in uses()) {
        let counts = RecentNonces::with_capacity(24);
        let mut taken: HashSet<(u8, u64, u32)> = HashSet::new();
        for (random, time, nc) in uses {
            let same = taken.iter().filter(|(r, t, _)| (*r, *t) == (random, time));
            let highest = same.map(|(_, _, nc)| *nc).max().unwrap_or(0);
            let expected = nc != 0
                && !taken.contains(&(random, time, nc))
                && (nc > highest || highest - nc < 64);
            let first = counts.first_use(nonce(random), at(time), nc);
            prop_assert!(first == expected, "{random} {time} {nc}");
            if first {
                taken.insert((random, time, nc));
            }
        }
    }
}

#[test]
fn counts_that_overtake_each_other_are_taken_once_each() {
    let counts = RecentNonces::default();
    for nc in [5, 1, 3, 64, 2, 4] {
        assert!(counts.first_use(nonce(1), at(1), nc), "{nc}");
        assert!(!counts.first_use(nonce(1), at(1), nc), "{nc}");
    }
}

#[test]
fn a_count_below_the_window_is_not_taken() {
    let counts = RecentNonces::default();
    assert!(counts.first_use(nonce(1), at(1), 100));
    assert!(counts.first_use(nonce(1), at(1), 37));
    assert!(!counts.first_use(nonce(1), at(1), 36));
}

#[test]
fn zero_is_no_count_and_there_is_none_behind_the_last() {
    let counts = RecentNonces::default();
    assert!(!counts.first_use(nonce(1), at(1), 0));
    assert!(counts.first_use(nonce(1), at(1), u32::MAX));
    assert!(!counts.first_use(nonce(1), at(1), 0));
    assert!(!counts.first_use(nonce(1), at(1), 1));
}

#[test]
fn what_was_forgotten_is_not_taken_again() {
    let counts = RecentNonces::with_capacity(2);
    for time in 1..=3 {
        assert!(counts.first_use(nonce(1), at(time), 1));
    }
    // The nonce of the first moment is gone, and with it all that could have been there.
    assert!(!counts.first_use(nonce(1), at(1), 2));
    assert!(!counts.first_use(nonce(9), at(1), 1));
    assert!(!counts.first_use(nonce(9), at(0), 1));
    assert!(counts.first_use(nonce(1), at(2), 2));
    assert!(counts.first_use(nonce(1), at(3), 2));
}

#[test]
fn of_many_at_once_one_is_taken() {
    let counts = Arc::new(RecentNonces::default());
    let threads = (0..4).map(|_| {
        let counts = Arc::clone(&counts);
        std::thread::spawn(move || {
            (1..=64).filter(|nc| counts.first_use(nonce(1), at(1), *nc)).count()
        })
    });
    let threads: Vec<_> = threads.collect();
    let taken: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(taken, 64);
}

#[test]
fn it_does_not_show_what_it_remembers() {
    assert_eq!(format!("{:?}", RecentNonces::default()), "RecentNonces { .. }");
}
