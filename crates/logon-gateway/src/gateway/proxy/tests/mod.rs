//! The proxy over real sockets.

mod bodies;
mod config;
mod expect;
mod faults;
mod framing;
mod heads;
mod http2;
mod pool;
mod support;
mod tls;
mod upgrades;
mod urls;
