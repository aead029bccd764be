//! Who runs where: servers on one core, the client on another, so that neither moves nor takes
//! the other's time.

use crate::Error;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The calling thread, and what it starts.
const THIS: Pid = Pid::from_raw(0);

pub(crate) struct Cores {
    server: CpuSet,
    client: CpuSet,
}

impl Cores {
    /// Takes the first core that we may use for servers, and the last for this process.
    pub(crate) fn assign() -> Result<Self, Error> {
        let allowed = sched_getaffinity(THIS)?;
        let mut cores = (0..CpuSet::count()).filter(|core| allowed.is_set(*core) == Ok(true));
        let first = cores.next().ok_or("no core to run on")?;
        let last = cores.next_back().unwrap_or(first);
        let cores = Self { server: only(first)?, client: only(last)? };
        sched_setaffinity(THIS, &cores.client)?;
        Ok(cores)
    }

    /// What `start` starts inherits the servers' core.
    pub(crate) fn as_server<T>(
        &self,
        start: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        sched_setaffinity(THIS, &self.server)?;
        let started = start();
        sched_setaffinity(THIS, &self.client)?;
        started
    }
}

fn only(core: usize) -> Result<CpuSet, Error> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(set)
}
