//! Attempts one after the other, of which the first success counts.

use core::future::Future;
use core::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Starts each attempt when the one before it has failed or has had its time, and goes on
/// listening to all of them. Those that are under way end with the first success.
pub(super) async fn race<T, F>(attempts: impl IntoIterator<Item = F>, each: Duration) -> Option<T>
where
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send + 'static,
{
    let mut attempts = attempts.into_iter().fuse();
    let mut running = JoinSet::new();
    loop {
        let ended = match attempts.next() {
            Some(attempt) => {
                running.spawn(attempt);
                match timeout(each, running.join_next()).await {
                    Ok(ended) => ended,
                    Err(_) => continue,
                }
            }
            None => running.join_next().await,
        };
        match ended {
            Some(Ok(Some(success))) => return Some(success),
            Some(_) => {}
            // Nothing runs any more, and nothing was left to be started.
            None => return None,
        }
    }
}
