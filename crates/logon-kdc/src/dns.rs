//! What DNS says of realms: SRV records of their KDCs ([RFC 4120] §7.2.3.2), TXT records of hosts.
//! And of hosts: what they are an alias of.

use crate::conf::{KdcAddress, Transports};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use logon::{OsRandom, SecureRandom};
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

/// Of one realm and protocol.
const MAX_RECORDS: usize = 32;
/// Of the name of a host.
const MAX_LABELS: usize = 8;

/// A resolver, made when it is first needed.
#[derive(Default)]
pub(crate) struct Dns {
    at: Option<SocketAddr>,
    resolver: OnceLock<TokioResolver>,
}

impl core::fmt::Debug for Dns {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Dns").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Dns {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { at: Some(address), resolver: OnceLock::new() }
    }

    fn resolver(&self) -> Result<&TokioResolver, String> {
        if let Some(resolver) = self.resolver.get() {
            return Ok(resolver);
        }
        let made = match self.at {
            None => TokioResolver::builder_tokio().and_then(ResolverBuilder::build),
            Some(address) => {
                let mut ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                ways.iter_mut().for_each(|way| way.port = address.port());
                let server = NameServerConfig::new(address.ip(), true, ways.into());
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                let runtime = TokioRuntimeProvider::default();
                TokioResolver::builder_with_config(config, runtime).build()
            }
        };
        let made = made.map_err(|error| error.to_string())?;
        Ok(self.resolver.get_or_init(|| made))
    }

    /// The KDCs of a realm, those first that are to be asked first.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn kdcs_of(&self, realm: &str) -> Result<Vec<KdcAddress>, String> {
        let over_udp = self.services(realm, Transports::Udp).await;
        let over_tcp = self.services(realm, Transports::Tcp).await;
        let (mut kdcs, over_tcp) = match (over_udp, over_tcp) {
            (Err(cause), Err(_)) => return Err(cause),
            (udp, tcp) => (udp.unwrap_or_default(), tcp.unwrap_or_default()),
        };
        for kdc in over_tcp {
            let same = |other: &&mut KdcAddress| (&other.host, other.port) == (&kdc.host, kdc.port);
            match kdcs.iter_mut().find(same) {
                Some(same) => same.transports = Transports::Both,
                None => kdcs.push(kdc),
            }
        }
        match kdcs.is_empty() {
            true => Err("the realm has none, it says".to_owned()),
            false => Ok(kdcs),
        }
    }

    async fn services(
        &self,
        realm: &str,
        transports: Transports,
    ) -> Result<Vec<KdcAddress>, String> {
        let protocol = if transports == Transports::Udp { "_udp" } else { "_tcp" };
        let name = format!("_kerberos.{protocol}.{realm}.");
        let found = self.resolver()?.srv_lookup(name.as_str()).await;
        let found = found.map_err(|error| match error.is_no_records_found() {
            true => format!("there is no {name}"),
            false => error.to_string(),
        })?;
        let records = found.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(service) => Some(service.clone()),
            _ => None,
        });
        let in_order = order(records.take(MAX_RECORDS).collect(), random_up_to);
        let kdc = |service: SRV| {
            let host = service.target.to_ascii();
            let host = host.trim_end_matches('.').to_owned();
            // `.` is to say that there is no such service.
            let is_there = !host.is_empty() && service.port != 0;
            is_there.then_some(KdcAddress { host, port: service.port, transports })
        };
        Ok(in_order.into_iter().filter_map(kdc).collect())
    }

    /// The realm by the TXT records of a host and of the domains above it.
    pub(crate) async fn realm_of(&self, host: &str) -> Option<String> {
        let mut name = host.trim_end_matches('.');
        if name.is_empty() || name.parse::<IpAddr>().is_ok() {
            return None;
        }
        for _ in 0..MAX_LABELS {
            let found = self.resolver().ok()?.txt_lookup(format!("_kerberos.{name}.")).await;
            let texts = found.iter().flat_map(Lookup::answers).find_map(|record| {
                let RData::TXT(text) = &record.data else { return None };
                let bytes = text.txt_data.concat();
                let realm = String::from_utf8(bytes).ok()?;
                Some(realm.trim_end_matches('.').to_owned()).filter(|realm| !realm.is_empty())
            });
            if texts.is_some() {
                return texts;
            }
            name = name.split_once('.')?.1;
        }
        None
    }

    /// What a host is called that has addresses: the end of its aliases, with its domain.
    pub(crate) async fn canonical_name(&self, host: &str) -> Option<String> {
        if !is_name(host) {
            return None;
        }
        let found = self.resolver().ok()?.lookup_ip(host).await.ok()?;
        let of_host = |data: &RData| matches!(data, RData::A(_) | RData::AAAA(_));
        let record = found.as_lookup().answers().iter().find(|record| of_host(&record.data))?;
        let name = record.name.to_ascii().to_ascii_lowercase();
        Some(name.trim_end_matches('.').to_owned()).filter(|name| is_name(name))
    }
}

/// No address, nothing with a port, not the root, and nothing that DNS escapes.
fn is_name(host: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !host.is_empty() && host.parse::<IpAddr>().is_err() && host.bytes().all(usual)
}

/// By priority, and within one by chance, those with more weight more often ([RFC 2782]).
fn order(mut records: Vec<SRV>, mut random: impl FnMut(u64) -> u64) -> Vec<SRV> {
    // Those without weight have their chance if they stand first.
    records.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let candidates = records.iter().take_while(|record| record.priority == priority);
        let total = candidates.clone().map(|record| u64::from(record.weight)).sum();
        let chosen = random(total);
        let mut sum = 0u64;
        let index = candidates.map(|record| u64::from(record.weight)).position(|weight| {
            sum = sum.saturating_add(weight);
            sum >= chosen
        });
        ordered.push(records.remove(index.unwrap_or(0)));
    }
    ordered
}

/// 0 up to `max`; without randomness, 0.
fn random_up_to(max: u64) -> u64 {
    let mut bytes = [0; 8];
    let random = OsRandom.fill(&mut bytes).map(|()| u64::from_le_bytes(bytes));
    // `max` is far below 2^64: that makes no difference to anybody.
    random.ok().and_then(|random| random.checked_rem(max.saturating_add(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::order;
    use hickory_resolver::proto::rr::Name;
    use hickory_resolver::proto::rr::rdata::SRV;

    fn ordered(records: &[(u16, u16)], random: impl FnMut(u64) -> u64) -> Vec<(u16, u16)> {
        let record =
            |(priority, weight): &(u16, u16)| SRV::new(*priority, *weight, 88, Name::root());
        let records = order(records.iter().map(record).collect(), random);
        records.into_iter().map(|record| (record.priority, record.weight)).collect()
    }

    #[test]
    fn priority_is_before_weight_and_weight_is_a_chance() {
        let records = [(20, 5), (10, 30), (10, 0), (10, 70), (0, 0)];
        let least = [(0, 0), (10, 0), (10, 30), (10, 70), (20, 5)];
        assert_eq!(ordered(&records, |_| 0), least);
        let most = [(0, 0), (10, 70), (10, 30), (10, 0), (20, 5)];
        assert_eq!(ordered(&records, |max| max), most);
        // 1 to 30 is the one with 30 of 100, 31 to 100 the other one.
        assert_eq!(ordered(&records, |max| max.min(30))[1], (10, 30));
        assert_eq!(ordered(&records, |max| max.min(31))[1], (10, 70));
        assert_eq!(ordered(&[], |_| 0), []);
    }
}
