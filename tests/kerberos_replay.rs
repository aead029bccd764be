//! Authenticators that come a second time.
#![cfg(feature = "kerberos")]

#[path = "support/ticket.rs"]
mod ticket;

use logon::kerberos::{KerberosRefusal, MemoryReplayCache, ReplayCache, Service};
use logon::{
    Acceptor, AcceptorStep, ChannelBindings, Error, FileTime, Policy, Refusal, StoreError,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ticket::{Forge, NOW, accept_with, config, service};

//
#[test]
fn an_authenticator_serves_once() {
    let config = config(service(), Policy::default());
    let token = Forge::default().token();
    let step = |token: &[u8]| {
        let acceptor = Acceptor::new(Arc::clone(&config), ChannelBindings::none());
        acceptor.step(token, &mut Vec::new())
    };
    assert!(matches!(step(&token), Ok(AcceptorStep::Complete(_))));
    // In another framing it is the same authenticator.
    for again in [token.clone(), Forge::default().message()] {
        let Err(Error::Denied(denial)) = step(&again) else { panic!("let in twice") };
        assert_eq!(denial.refusal(), Refusal::Kerberos(KerberosRefusal::Replay));
        assert_eq!(denial.account().user(), "alice");
    }
    let next = Forge { cusec: 8, ..Forge::default() }.token();
    assert!(matches!(step(&next), Ok(AcceptorStep::Complete(_))));
}

// all workers of a service share what they remember.
#[test]
fn an_authenticator_serves_once_for_all_workers_that_share_a_memory() {
    let memory = Arc::new(MemoryReplayCache::new(FileTime::default(), Duration::ZERO));
    let worker =
        || Service::new(ticket::keytab(), Arc::clone(&memory) as _).with_pac_required(false);
    let token = Forge::default().token();
    let ask = || accept_with(worker(), Policy::default(), ChannelBindings::none(), &token).0;
    assert!(ask().is_ok());
    let Err(Error::Denied(denial)) = ask() else { panic!("let in twice") };
    assert_eq!(denial.refusal(), Refusal::Kerberos(KerberosRefusal::Replay));
}

#[test]
fn what_is_older_than_the_memory_of_replays_is_refused() {
    let at = |seconds| FileTime::from_unix(Duration::from_secs(seconds));
    let begun_now = MemoryReplayCache::new(at(NOW - 301), Duration::from_secs(300));
    assert_eq!(begun_now.is_new([1; 32], at(NOW), at(NOW + 300), at(NOW)), Ok(true));
    let begun_now = MemoryReplayCache::new(at(NOW), Duration::ZERO);
    let service = Service::new(ticket::keytab(), Arc::new(begun_now)).with_pac_required(false);
    let token = Forge::default().token();
    let (result, _) = accept_with(service, Policy::default(), ChannelBindings::none(), &token);
    let Err(Error::Denied(denial)) = result else { panic!("{result:?}") };
    assert_eq!(denial.refusal(), Refusal::Kerberos(KerberosRefusal::Replay));
}

#[test]
fn the_memory_of_replays_forgets_what_is_too_old_to_be_sent() {
    let at = |seconds| FileTime::from_unix(Duration::from_secs(seconds));
    let cache = MemoryReplayCache::new(at(0), Duration::ZERO);
    assert_eq!(cache.is_new([1; 32], at(10), at(20), at(10)), Ok(true));
    assert_eq!(cache.is_new([1; 32], at(10), at(20), at(20)), Ok(false));
    assert_eq!(cache.is_new([1; 32], at(11), at(21), at(21)), Ok(true));
    // A clock that is set back, a request that looked at it before, a skew that was raised: it does
    // not come back.
    assert_eq!(cache.is_new([1; 32], at(10), at(20), at(20)), Ok(false));
    assert_eq!(cache.is_new([1; 32], at(10), at(40), at(21)), Ok(false));
}

#[derive(Debug)]
struct NoMemory;

impl ReplayCache for NoMemory {
    fn is_new(
        &self,
        _: [u8; 32],
        _: FileTime,
        _: FileTime,
        _: FileTime,
    ) -> Result<bool, StoreError> {
        Err(StoreError::new("out of reach"))
    }
}

#[test]
fn without_a_memory_of_replays_nobody_logs_on() {
    let service = Service::new(ticket::keytab(), Arc::new(NoMemory)).with_pac_required(false);
    let token = Forge::default().token();
    let (result, out) = accept_with(service, Policy::default(), ChannelBindings::none(), &token);
    assert!(matches!(result, Err(Error::Store(_))), "{result:?}");
    assert!(out.is_empty());
}

/// Remembers when something was made, and until when it is kept.
#[derive(Debug, Default)]
struct Times(Mutex<Vec<(FileTime, FileTime)>>);

impl ReplayCache for Times {
    fn is_new(
        &self,
        _: [u8; 32],
        made: FileTime,
        until: FileTime,
        _: FileTime,
    ) -> Result<bool, StoreError> {
        self.0.lock().unwrap().push((made, until));
        Ok(true)
    }
}

// not from now on: the clock of a client that is ahead would outlive its memory.
#[test]
fn an_authenticator_is_remembered_for_as_long_as_its_clients_clock_lets_it_be_sent() {
    let at = |seconds| FileTime::from_unix(Duration::from_secs(seconds));
    for ctime in [NOW - 300, NOW, NOW + 300] {
        let times = Arc::new(Times::default());
        let service = Service::new(ticket::keytab(), Arc::clone(&times) as _);
        let token = Forge { ctime, cusec: 0, ..Forge::default() }.token();
        let service = service.with_pac_required(false);
        let (result, _) = accept_with(service, Policy::default(), ChannelBindings::none(), &token);
        assert!(result.is_ok(), "{result:?}");
        let seen = times.0.lock().unwrap();
        let [(made, until)] = seen[..] else { panic!("{seen:?}") };
        assert!(made == at(ctime) && until >= at(ctime + 300), "{ctime}: {until:?}");
    }
}
