//! The gateway as a process, applications behind it, and clients in front of it.
//!
//! ```ignore
//! let application = Echo::start();
//! let gateway = Gateway::start(&format!("upstream = {:?}\n{LISTEN}", application.url())).await;
//! let mut client = Client::connect(gateway.address(0)).await;
//! let answered = client.log_on(Scheme::Ntlm, "/", r"CORP\alice").await;
//! assert_eq!(answered.seen().one("x-remote-user"), r"CORP\alice");
//! ```
// Each test program uses its part.
#![allow(dead_code, unused_imports)]

mod application;
mod client;
pub(crate) mod forward;
mod gateway;
pub(crate) mod get;
mod http2;
mod tls;

pub(crate) use application::{Echo, Http2, Seen};
pub(crate) use client::{Answered, Client, Logon, basic};
pub(crate) use gateway::{Ended, Folder, Gateway, USERS, hash, logon};
pub(crate) use http2::{Answered2, Client2};
pub(crate) use tls::{Authority, Certificate, trusting_file};

/// The password of everybody.
pub(crate) const PASSWORD: &str = "S3cret!pw";

/// A plain listener.
pub(crate) const LISTEN: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\n";

/// How long a test waits for anything.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

/// Waits until `what` holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
