//! Finds the KDCs of a Kerberos realm and talks to them.
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
