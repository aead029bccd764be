//! What commands that log on to servers and proxies have in common.

mod failed;
mod names;
mod tickets;
mod trace;
mod way;
mod who;

pub(crate) use failed::{failure, failure_of};
pub(crate) use way::{builder, proxy};
pub(crate) use who::{Known, Who};
