//! What a Kerberos client needs of its surroundings: `krb5.conf`, the files that tickets and keys
//! are kept in, and the way to the KDC.
//!
//! What the messages say is for the core, the crate `logon`; here they are bytes.
//!
//! ```text
//!  KRB5_CONFIG, /etc/krb5.conf ──▶ Krb5Conf ─┬─▶ credential_cache, client_keytab ──▶ CredentialCache, Keytab
//!                                            └─▶ KdcClient::send(realm, message) ──▶ answer
//!                                                  UDP, TCP, fail-over, DNS
//! ```
//!
//! ```
//! use logon_kdc::Krb5Conf;
//!
//! let conf = Krb5Conf::parse(
//!     "[libdefaults]
//!          default_realm = CORP.EXAMPLE
//!          forwardable = perhaps
//!      [realms]
//!          CORP.EXAMPLE = {
//!              kdc = dc1.corp.example
//!              kdc = tcp/dc2.corp.example:8888
//!          }
//!      [domain_realm]
//!          .corp.example = CORP.EXAMPLE",
//! );
//! let realm = conf.realm_of("web.corp.example").expect("it stands there");
//! assert_eq!(conf.kdcs_of(realm)[0].to_string(), "dc1.corp.example:88");
//! assert_eq!(
//!     conf.warnings()[0].to_string(),
//!     "krb5.conf, line 3: `forwardable` is `true` or `false`, not \"perhaps\""
//! );
//! ```
//!
//! A ticket of the user, or else a message for a KDC:
//!
//! ```no_run
//! # async fn run(as_req: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
//! use logon_kdc::{KdcClient, Krb5Conf, credential_cache, read_credential_cache};
//! use std::sync::Arc;
//!
//! let environment = |name: &str| std::env::var_os(name);
//! let conf = Arc::new(Krb5Conf::load(&environment)?);
//! for warning in conf.warnings() {
//!     eprintln!("{warning}");
//! }
//! let cache = read_credential_cache(&credential_cache(&conf, &environment)?)?;
//! println!("{} has {} tickets", cache.default_principal(), cache.tickets().len());
//!
//! let kdcs = KdcClient::new(conf);
//! let answer = kdcs.send("CORP.EXAMPLE", &as_req).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The feature `dns` looks up SRV records of realms whose KDCs the file does not name, as MIT krb5
//! does unless `dns_lookup_kdc` is false; TXT records, if `dns_lookup_realm` is true; and what hosts
//! are aliases of, if `dns_canonicalize_hostname` is `true` or `fallback`.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

mod conf;
#[cfg(feature = "dns")]
mod dns;
mod expand;
mod file;
mod place;
mod place_error;
mod tickets;
mod transport;

pub use conf::{
    CanonicalizeHostname, ConfError, KdcAddress, Krb5Conf, LibDefaults, Transports, Warning,
};
pub use file::{ReadError, ReadErrorKind};
pub use place::{
    client_keytab, credential_cache, read_credential_cache, read_keytab, service_keytab,
};
pub use place_error::PlaceError;
pub use tickets::{Tickets, TicketsError, principal_of};
pub use transport::{KdcClient, NoKdc, Outcome, Protocol, SendError, Try};

/// Looks up an environment variable: [`std::env::var_os`], or something else in its place.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<std::ffi::OsString>;
