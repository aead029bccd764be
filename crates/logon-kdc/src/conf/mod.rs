//! `krb5.conf`.
//!
//! ```text
//!  files ──▶ profile.rs: sections, braces ──▶ meaning.rs ──▶ Krb5Conf
//!              ▲  include, includedir          values.rs, address.rs
//!            read.rs, the only part that reads files
//! ```

mod address;
mod meaning;
mod profile;
mod read;
mod values;
mod warning;

pub use address::{KdcAddress, Transports};
pub use meaning::{CanonicalizeHostname, Krb5Conf, LibDefaults};
pub use read::ConfError;
pub use warning::Warning;
