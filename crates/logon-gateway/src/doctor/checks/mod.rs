//! What can be looked at from the configuration: one thing a file.

mod certificate;
mod clock;
mod identity;
mod limits;
mod listeners;
mod names;
pub(super) mod permissions;
mod schemes;
mod session;
#[cfg(test)]
mod testing;
mod tls;
mod upstreams;
mod users;

pub(super) use certificate::Facts;
pub(super) use clock::{Clock, difference, skew};
pub(super) use names::{Resolved, host, resolved};
pub(super) use upstreams::TOPIC as UPSTREAM;

use super::report::Findings;
use crate::gateway::config::Config;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the checks look at.
pub(super) struct Subject<'a> {
    pub(super) config: &'a Config,
    /// The folder that paths are relative to.
    pub(super) folder: &'a Path,
    /// Names that clients use, as whoever asks says.
    pub(super) hosts: &'a [String],
    pub(super) clock: Clock,
}

impl Subject<'_> {
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

/// All of them. Gives the names that clients may know this server by.
pub(super) async fn all(subject: &Subject<'_>, out: &mut Findings) -> BTreeSet<String> {
    users::check(subject, out);
    let of_certificates = tls::check(subject, out);
    schemes::check(subject.config, out);
    listeners::check(subject.config, out);
    limits::check(subject.config, out);
    session::check(subject, out);
    identity::check(subject, out);
    let served = names::served(subject.config, of_certificates);
    names::check(subject.config, &served, out);
    clock::check(subject, out);
    upstreams::check(subject, out).await;
    served
}
