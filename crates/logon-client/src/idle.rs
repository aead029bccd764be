//! What waits for too long is closed, also if nobody asks for it again.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Connections that wait.
pub(crate) trait Waiting: Send + Sync + 'static {
    /// Closes those that have waited for long enough. When to look again; `None` if none is left.
    fn sweep(&self) -> Option<Duration>;
}

/// Sweeps as long as something waits. Its task ends with it.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    wake: Arc<Notify>,
    task: Mutex<Option<AbortHandle>>,
}

impl Sweeper {
    /// Something waits from now on. Outside of a runtime it waits until somebody asks for it.
    pub(crate) fn wake<W: Waiting>(&self, waiting: &Arc<W>) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        // Its runtime may be gone.
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            let Ok(runtime) = Handle::try_current() else { return };
            let sweeping = sweep(Arc::downgrade(waiting), Arc::clone(&self.wake));
            *task = Some(runtime.spawn(sweeping).abort_handle());
        }
        self.wake.notify_one();
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task {
            task.abort();
        }
    }
}

async fn sweep<W: Waiting>(waiting: Weak<W>, wake: Arc<Notify>) {
    loop {
        wake.notified().await;
        while let Some(next) = waiting.upgrade().and_then(|waiting| waiting.sweep()) {
            // No sooner than it is over.
            tokio::time::sleep(next.saturating_add(Duration::from_millis(1))).await;
        }
    }
}
