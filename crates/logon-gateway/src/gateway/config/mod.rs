//! The configuration file.

pub(crate) mod values;
