//! Which KDCs, in which order.

use super::ask::{Answer, Question, Tries};
use super::error::{NoKdc, Protocol, SendError};
use super::race::race;
use super::tcp::MAX_MESSAGE;
use crate::conf::{KdcAddress, Krb5Conf, Transports};
#[cfg(feature = "dns")]
use crate::dns::Dns;
use core::time::Duration;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::timeout;

/// Longer messages never go over UDP, whatever the configuration says (as in MIT krb5).
const MAX_DATAGRAM: usize = 32_700;

/// Realms whose KDC is remembered.
const MAX_REMEMBERED: usize = 64;

/// Sends messages to the KDCs of a realm. Best kept for a long time, because it remembers which
/// KDC answers.
///
/// Messages up to `udp_preference_limit` go over UDP and, if there is no answer or a longer one,
/// over TCP; others go over TCP first. One KDC after the other is asked, each at all its
/// addresses; the next one begins when the one before it failed or had a second, but whoever of
/// them answers first is heard. A datagram is sent three times, after one and after two more
/// seconds.
///
/// An answer is one in form only: a KDC proves who it is by what is in it. Needs a runtime of tokio
/// with IO and time.
#[derive(Debug)]
pub struct KdcClient {
    conf: Arc<Krb5Conf>,
    wait: Duration,
    limit: Duration,
    remembered: Mutex<HashMap<String, Remembered>>,
    #[cfg(feature = "dns")]
    dns: Dns,
}

/// Who answered the last time.
#[derive(Debug, Clone)]
struct Remembered {
    kdc: KdcAddress,
    address: SocketAddr,
    /// UDP would have come first, but TCP it was.
    tcp_only: bool,
}

impl KdcClient {
    /// One that finds KDCs by this configuration.
    #[must_use]
    pub fn new(conf: Arc<Krb5Conf>) -> Self {
        Self {
            conf,
            wait: Duration::from_secs(1),
            limit: Duration::from_secs(15),
            remembered: Mutex::default(),
            #[cfg(feature = "dns")]
            dns: Dns::default(),
        }
    }

    /// How long a KDC is the only one asked: a second, unless this says otherwise.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long a message may wait for its answer, all KDCs together: fifteen seconds, unless this
    /// says otherwise.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The name server to ask, instead of those of the system.
    #[cfg(feature = "dns")]
    #[must_use]
    pub fn name_server(mut self, address: SocketAddr) -> Self {
        self.dns = Dns::at(address);
        self
    }

    /// The configuration.
    #[must_use]
    pub fn conf(&self) -> &Krb5Conf {
        &self.conf
    }

    /// Sends a message (AS-REQ, TGS-REQ) to a KDC of `realm`, and gives its answer: an AS-REP, a
    /// TGS-REP or a KRB-ERROR, so far in form only.
    ///
    /// # Errors
    /// [`SendError`] if no KDC is known or none answers.
    pub async fn send(&self, realm: &str, message: &[u8]) -> Result<Vec<u8>, SendError> {
        if message.len() > MAX_MESSAGE {
            return Err(SendError::TooLong(message.len()));
        }
        let tries = Tries::default();
        let answer = timeout(self.limit, self.ask(realm, message, &tries)).await;
        match answer {
            Ok(Ok(Some(Answer { bytes, kdc, address, protocol }))) => {
                let tcp_only = protocol == Protocol::Tcp && self.prefers_udp(message.len());
                self.remember(realm, Some(Remembered { kdc, address, tcp_only }));
                return Ok(bytes);
            }
            Ok(Err(error)) => return Err(error),
            Ok(Ok(None)) | Err(_) => {}
        }
        self.remember(realm, None);
        let (realm, tries) = (realm.to_owned(), tries.all());
        Err(if tries.is_empty() {
            let reason = NoKdc::NotInDns("no answer in time".to_owned());
            SendError::NoKdc { realm, reason }
        } else {
            SendError::NoAnswer { realm, tries }
        })
    }

    async fn ask(
        &self,
        realm: &str,
        message: &[u8],
        tries: &Tries,
    ) -> Result<Option<Answer>, SendError> {
        let unknown = |reason| SendError::NoKdc { realm: realm.to_owned(), reason };
        let kdcs = self.kdcs_of(realm).await.map_err(unknown)?;
        let message: Arc<[u8]> = message.into();
        let last = self.memory().get(realm).cloned();
        let plan = self.plan(&kdcs, last.as_ref(), message.len());
        if plan.is_empty() {
            return Err(SendError::TooLong(message.len()));
        }
        let questions = plan.into_iter().map(|(kdc, protocol)| {
            let known = last.as_ref().filter(|last| last.kdc == kdc).map(|last| last.address);
            let (message, tries) = (message.clone(), tries.clone());
            Question { kdc, known, protocol, message, wait: self.wait, tries }.ask()
        });
        Ok(race(questions, self.wait).await)
    }

    fn prefers_udp(&self, length: usize) -> bool {
        length <= self.conf.libdefaults().udp_preference_limit.min(MAX_DATAGRAM)
    }

    /// All KDCs over the protocol that fits better, then all over the other one; before them all
    /// the one that answered the last time.
    fn plan(
        &self,
        kdcs: &[KdcAddress],
        last: Option<&Remembered>,
        length: usize,
    ) -> Vec<(KdcAddress, Protocol)> {
        let udp_first = self.prefers_udp(length);
        let protocols = match udp_first {
            true => [Protocol::Udp, Protocol::Tcp],
            false => [Protocol::Tcp, Protocol::Udp],
        };
        let mut plan = Vec::new();
        for protocol in protocols {
            let possible = |kdc: &&KdcAddress| match (protocol, kdc.transports) {
                (Protocol::Udp, Transports::Tcp) | (Protocol::Tcp, Transports::Udp) => false,
                (Protocol::Udp, _) => length <= MAX_DATAGRAM,
                (Protocol::Tcp, _) => true,
            };
            plan.extend(kdcs.iter().filter(possible).map(|kdc| (kdc.clone(), protocol)));
        }
        if let Some(last) = last {
            let udp = udp_first && !last.tcp_only;
            let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
            // Stable: the others keep their order.
            plan.sort_by_key(|(kdc, over)| (*kdc != last.kdc) || (*over != protocol));
        }
        plan
    }

    /// The KDCs of a realm: those of the configuration, else those of DNS, if it may be asked.
    async fn kdcs_of(&self, realm: &str) -> Result<Vec<KdcAddress>, NoKdc> {
        let named = self.conf.kdcs_of(realm);
        if !named.is_empty() {
            return Ok(named.to_vec());
        }
        if !self.conf.libdefaults().dns_lookup_kdc {
            return Err(NoKdc::NotConfigured);
        }
        #[cfg(feature = "dns")]
        return self.dns.kdcs_of(realm).await.map_err(NoKdc::NotInDns);
        #[cfg(not(feature = "dns"))]
        Err(NoKdc::WithoutDns)
    }

    /// The realm of a host: that of `[domain_realm]`, else that of TXT records, if
    /// `dns_lookup_realm` and the feature `dns` are there. `None` if neither says.
    ///
    /// # Security
    /// Anybody can forge an answer of DNS, and so choose among the realms that trust each other
    /// the one whose KDC makes the ticket.
    pub async fn realm_of(&self, host: &str) -> Option<String> {
        if let Some(realm) = self.conf.realm_of(host) {
            return Some(realm.to_owned());
        }
        #[cfg(feature = "dns")]
        if self.conf.libdefaults().dns_lookup_realm {
            return timeout(self.limit, self.dns.realm_of(host)).await.ok().flatten();
        }
        None
    }

    /// What a host is called by DNS: what it is an alias of, with its domain, in lower case. `None`
    /// if DNS does not know it, for an address, and without the feature `dns`.
    ///
    /// # Security
    /// Whoever can forge an answer of DNS can name another host.
    pub async fn canonical_name(&self, host: &str) -> Option<String> {
        #[cfg(feature = "dns")]
        return timeout(self.limit, self.dns.canonical_name(host)).await.ok().flatten();
        #[cfg(not(feature = "dns"))]
        {
            let _ = host;
            None
        }
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<String, Remembered>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, realm: &str, who: Option<Remembered>) {
        let mut memory = self.memory();
        let Some(who) = who else {
            memory.remove(realm);
            return;
        };
        if memory.len() >= MAX_REMEMBERED && !memory.contains_key(realm) {
            memory.clear();
        }
        memory.insert(realm.to_owned(), who);
    }
}
