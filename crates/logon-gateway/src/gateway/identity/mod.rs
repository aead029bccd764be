//! Who a request is from, and how the application learns it.
//!
//! ```text
//! client's fields ── RemovedFields ──┐
//!                                    ├── request to the application
//! User, Groups ──── IdentityFields ──┘
//! ```
//!
//! An application behind the gateway believes what these fields say, so nothing that a client sent
//! may reach it under a name that it could take for one of them.

mod config;
mod field_name;
mod fields;
mod groups;
mod jwt;
mod removal;
mod user;

pub(crate) use config::{IdentityConfig, JwtConfig};
pub(crate) use fields::IdentityFields;
pub(crate) use groups::Groups;
pub(crate) use removal::RemovedFields;
pub(crate) use user::{Sids, User};
