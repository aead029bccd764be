//! `logon gateway`: logs clients on in front of an application that need not know how.
//!
//! ```text
//! listener ── session cookie ── LogonLayer ── route: who may? ── identity headers ── upstream
//! ```

mod config;
mod diagnosis;
mod identity;
mod proxy;
mod secret_file;
mod session;
