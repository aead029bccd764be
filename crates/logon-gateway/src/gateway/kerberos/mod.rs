//! Kerberos: the keys that tickets are accepted with, and the memory that has each authenticator
//! serve once.
//!
//! Keys are files that change while the gateway runs (`keys`); the memory outlives reloads and
//! restarts (`replay_file`), which keys and rules do not.

mod config;
mod keys;
mod replay_file;
mod replays;

pub(crate) use config::KerberosConfig;
pub(crate) use keys::Keys;
pub(crate) use replays::Replays;
