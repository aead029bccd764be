//! An HTTP client that logs on by `Negotiate` and `NTLM`, to servers and to proxies, on any
//! platform and without a library of the operating system.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

mod answer;
mod attempt;
mod body;
mod client;
mod connect;
pub mod credentials;
mod error;
mod exchange;
mod hop;
mod hosts;
mod http2;
mod id;
mod idle;
mod layer;
mod login;
mod memory;
mod outcome;
mod party;
mod pool;
mod proxy;
mod proxy_environment;
mod redirect;
mod response;
mod tls;
mod trace;
mod tunnel;

pub use body::{Body, RequestBody};
pub use client::{Client, ClientBuilder};
pub use error::Error;
pub use hosts::{Hosts, HostsError};
pub use layer::{Pinned, PinnedLayer};
pub use login::Login;
pub use logon_kdc;
pub use outcome::{Logon, NoTicket, Outcome};
pub use proxy::{Proxy, ProxyError};
pub use redirect::{AnsweredUrl, Redirects};
pub use response::ResponseBody;
pub use tls::{TlsError, Trust};
pub use trace::{Event, Observer};
pub use tunnel::Tunnel;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
