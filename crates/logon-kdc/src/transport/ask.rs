//! One KDC, over one protocol, at all its addresses.

use super::error::{Outcome, Protocol, Try};
use super::race::race;
use super::{tcp, udp};
use crate::conf::{KdcAddress, Transports};
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::lookup_host;
use tokio::time::timeout;

/// Of one name.
const MAX_ADDRESSES: usize = 8;

/// How long a connection may take, in times that a KDC has before the next one is asked, too.
const TCP_WAITS: u32 = 10;

/// What was tried so far, by attempts that run side by side.
#[derive(Debug, Clone, Default)]
pub(super) struct Tries(Arc<Mutex<Vec<Try>>>);

impl Tries {
    fn lock(&self) -> MutexGuard<'_, Vec<Try>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down an attempt, without an answer so far.
    fn start(&self, kdc: &KdcAddress, address: Option<SocketAddr>, protocol: Protocol) -> usize {
        let mut tries = self.lock();
        let outcome = Outcome::NoAnswer;
        tries.push(Try { kdc: kdc.clone(), address, protocol, outcome });
        tries.len().saturating_sub(1)
    }

    fn end(&self, index: usize, outcome: Outcome) {
        if let Some(attempt) = self.lock().get_mut(index) {
            attempt.outcome = outcome;
        }
    }

    pub(super) fn all(&self) -> Vec<Try> {
        self.lock().clone()
    }
}

/// A question to a KDC.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) kdc: KdcAddress,
    /// The address that answered the last time.
    pub(super) known: Option<SocketAddr>,
    pub(super) protocol: Protocol,
    pub(super) message: Arc<[u8]>,
    pub(super) wait: Duration,
    pub(super) tries: Tries,
}

/// An answer, and who gave it.
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    pub(super) kdc: KdcAddress,
    pub(super) address: SocketAddr,
    /// What the KDC was asked over first; if the answer was too long for UDP, it came over TCP.
    pub(super) protocol: Protocol,
}

impl Question {
    /// Asks at one address after the other.
    pub(super) async fn ask(self) -> Option<Answer> {
        let addresses = match self.addresses().await {
            Ok(addresses) => addresses,
            Err(cause) => {
                let index = self.tries.start(&self.kdc, None, self.protocol);
                self.tries.end(index, Outcome::NoAddress(cause));
                return None;
            }
        };
        let wait = self.wait;
        race(addresses.into_iter().map(|address| self.clone().ask_at(address)), wait).await
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        let found = lookup_host((self.kdc.host.as_str(), self.kdc.port)).await;
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found.map_err(|error| error.to_string())?.take(MAX_ADDRESSES) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses.sort_by_key(|address| Some(*address) != self.known);
        Ok(addresses)
    }

    async fn ask_at(self, address: SocketAddr) -> Option<Answer> {
        let bytes = match self.protocol {
            Protocol::Udp => match self.over_udp(address).await {
                Err(Outcome::TooBigForUdp) if self.kdc.transports == Transports::Both => {
                    self.over_tcp(address).await
                }
                other => other,
            },
            Protocol::Tcp => self.over_tcp(address).await,
        };
        let Self { kdc, protocol, .. } = self;
        Some(Answer { bytes: bytes.ok()?, kdc, address, protocol })
    }

    async fn over_udp(&self, address: SocketAddr) -> Result<Vec<u8>, Outcome> {
        let index = self.tries.start(&self.kdc, Some(address), Protocol::Udp);
        let result = udp::exchange(address, &self.message, self.wait).await;
        result.inspect_err(|outcome| self.tries.end(index, outcome.clone()))
    }

    async fn over_tcp(&self, address: SocketAddr) -> Result<Vec<u8>, Outcome> {
        let index = self.tries.start(&self.kdc, Some(address), Protocol::Tcp);
        let limit = self.wait.saturating_mul(TCP_WAITS);
        let result = timeout(limit, tcp::exchange(address, &self.message)).await;
        let result = result.unwrap_or(Err(Outcome::NoAnswer));
        result.inspect_err(|outcome| self.tries.end(index, outcome.clone()))
    }
}
