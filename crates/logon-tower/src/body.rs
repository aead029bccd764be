//! Bodies that come with a leg of a handshake and mean nothing.

use bytes::Buf;
use http_body::Body;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

/// Reads `body` to its end and throws it away; `false` if it is longer than `limit` bytes,
/// breaks off, or takes too long.
pub(crate) async fn drain<B: Body>(body: B, limit: u64, timeout: Duration) -> bool {
    // Most legs have no body; no timer for those.
    if body.is_end_stream() {
        return true;
    }
    let drained = async {
        let mut body = pin!(body);
        let mut left = limit;
        while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
            let Ok(frame) = frame else { return false };
            let length = frame.data_ref().map_or(0, Buf::remaining);
            match left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)) {
                Some(rest) => left = rest,
                None => return false,
            }
        }
        true
    };
    tokio::time::timeout(timeout, drained).await.unwrap_or(false)
}
