//! A password on its way to a KDC, until somebody has read what it says of it.

use super::{State, TicketsError, locked};
use crate::transport::SendError;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::time::Instant;

/// A proof of the password. Where nobody waits for the verdict any more, it may have been wrong.
pub(super) struct Proof<'a> {
    state: &'a Mutex<State>,
    out: bool,
}

impl<'a> Proof<'a> {
    pub(super) fn new(state: &'a Mutex<State>) -> Self {
        Self { state, out: false }
    }

    /// A message is sent, which may be a proof.
    pub(super) fn goes_out(&mut self, counts: bool) {
        self.out = counts;
    }

    /// Its answer has been read.
    pub(super) fn is_judged(&mut self) {
        self.out = false;
    }

    /// There will be no answer. That is nothing about the client, but whoever asks for another
    /// service would show the same password again.
    pub(super) fn is_unanswered(&mut self, error: SendError) -> TicketsError {
        let error = TicketsError::from(error);
        if self.out {
            locked(self.state).unanswered = Some((Instant::now(), error.clone()));
        }
        self.out = false;
        error
    }
}

impl Drop for Proof<'_> {
    fn drop(&mut self) {
        if self.out {
            locked(self.state).refused = Some((Some(Instant::now()), TicketsError::Unjudged));
        }
    }
}

/// Does what takes long where it keeps nobody waiting.
pub(super) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TicketsError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => TicketsError::Ending,
    })
}
