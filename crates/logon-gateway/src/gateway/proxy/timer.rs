//! A limit for each of many waits, of which hardly any is reached.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

/// Made when it is first needed, and left running then: it is looked at when it fires. Setting one
/// up for each wait costs more.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready at the `end` of the present wait; never if there is none.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, end: Option<Instant>) -> Poll<()> {
        let Some(end) = end else { return Poll::Pending };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if end < sleep.deadline() {
            sleep.as_mut().reset(end);
        }
        while sleep.as_mut().poll(context).is_ready() {
            if end <= Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(end);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::time::Duration;

    /// How long a wait of so many milliseconds takes.
    async fn wait(timer: &mut Timer, milliseconds: u64) -> Duration {
        let begun = Instant::now();
        let end = begun.checked_add(Duration::from_millis(milliseconds));
        poll_fn(|context| timer.poll(context, end)).await;
        begun.elapsed()
    }

    /// As if the wait was over before its end.
    async fn begin(timer: &mut Timer, milliseconds: u64) {
        let end = Instant::now().checked_add(Duration::from_millis(milliseconds));
        let polled = poll_fn(|context| Poll::Ready(timer.poll(context, end))).await;
        assert!(polled.is_pending());
    }

    #[tokio::test]
    async fn a_timer_that_was_left_running_does_not_cut_the_next_wait_short() {
        let mut timer = Timer::default();
        begin(&mut timer, 20).await;
        assert!(wait(&mut timer, 100).await >= Duration::from_millis(100));
        assert!(wait(&mut timer, 50).await >= Duration::from_millis(50));
    }

    #[tokio::test]
    async fn a_shorter_wait_does_not_take_as_long_as_the_one_before_would_have() {
        let mut timer = Timer::default();
        begin(&mut timer, 60_000).await;
        assert!(wait(&mut timer, 20).await < Duration::from_secs(30));
    }
}
