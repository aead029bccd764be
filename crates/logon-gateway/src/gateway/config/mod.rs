//! The configuration file: what it may say (`schema`), how it is read and checked, and values that
//! check themselves.

mod check;
mod logon;
mod read;
mod schema;
#[cfg(test)]
mod tests;
pub(crate) mod values;

pub(crate) use logon::{Logon, Names, RequirementName, SchemeName, host_name};
pub(crate) use read::load;
pub(crate) use schema::{Admin, Config, Limits, Listen, LogFormat, LogLevel, Route};
