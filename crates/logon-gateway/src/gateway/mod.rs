//! `logon gateway`: logs clients on in front of an application that need not know how.
//!
//! ```text
//! listeners ── place ── session cookie? ── LogonLayer ── application: may it? identity fields ── proxy
//!                 └──── diagnosis page
//! ```
//!
//! A configuration (`config`) becomes parts (`parts`): one place for each listener. A new
//! configuration becomes new ones, which take the place of the old while requests go on.

mod admin;
mod application;
pub(crate) mod certificates;
pub(crate) mod config;
pub(crate) mod diagnosis;
mod identity;
pub(crate) mod kerberos;
mod listeners;
mod parts;
mod place;
mod proxy;
mod refused;
mod routes;
pub(crate) mod rules;
mod run;
mod secret_file;
pub(crate) mod session;
pub(crate) mod target;
mod watch;

pub(crate) use parts::{Parts, options};
pub(crate) use run::run;
