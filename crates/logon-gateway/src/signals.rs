//! Being told to stop.

/// As [`interrupted`], and when the terminal is gone.
pub(crate) async fn interrupted_or_hung_up() {
    tokio::select! {
        () = interrupted() => {}
        () = hung_up() => {}
    }
}

#[cfg(unix)]
async fn hung_up() {
    use tokio::signal::unix::{SignalKind, signal};
    let kind = SignalKind::hangup();
    // To listen would undo what `nohup` does.
    let signal = (!is_ignored(kind)).then(|| signal(kind));
    match signal {
        Some(Ok(mut signal)) => {
            signal.recv().await;
        }
        _ => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn hung_up() {
    std::future::pending().await
}

/// Whether a signal does nothing to this process. Taken for granted where Linux does not say it.
#[cfg(unix)]
fn is_ignored(kind: tokio::signal::unix::SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(kind.as_raw_value()).ok().and_then(|number| number.checked_sub(1));
    match (mask, bit.and_then(|bit| 1_u64.checked_shl(bit))) {
        (Some(mask), Some(bit)) => mask & bit != 0,
        _ => true,
    }
}

/// Ctrl-C, or SIGTERM where there is such a thing.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    // Without a signal to wait for there is nothing to stop at.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
