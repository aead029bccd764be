//! Whether the addresses to listen at can be had.

use crate::doctor::report::Findings;
use crate::gateway::config::Config;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

const TOPIC: &str = "listen";

pub(super) fn check(config: &Config, out: &mut Findings) {
    for listen in &config.listen {
        address(*listen.address.get_ref(), out);
    }
    if let Some(admin) = &config.admin {
        address(admin.address, out);
        if !admin.address.ip().is_loopback() {
            out.note(
                TOPIC,
                format_args!("[admin] {} is open to the network", admin.address),
                "anybody there can read the metrics: use 127.0.0.1, or a firewall",
            );
        }
    }
}

fn address(address: SocketAddr, out: &mut Findings) {
    let error = match TcpListener::bind(address) {
        Ok(_) => return free(address, out),
        Err(error) => error,
    };
    match error.kind() {
        io::ErrorKind::AddrInUse => taken(address, out),
        io::ErrorKind::PermissionDenied => out.warn(
            TOPIC,
            format_args!("{address}: whoever runs this may not listen at a port below 1024"),
            "start it by systemd with packaging/logon-gateway.service, which gives \
             CAP_NET_BIND_SERVICE; or `setcap cap_net_bind_service=+ep` the binary",
        ),
        io::ErrorKind::AddrNotAvailable => out.fail(
            TOPIC,
            format_args!("{address}: this machine does not have that address"),
            "use 0.0.0.0 or [::] for all that it has; `ip address` lists them",
        ),
        _ => out.fail(TOPIC, format_args!("{address}: {error}"), "use another address"),
    }
}

fn free(address: SocketAddr, out: &mut Findings) {
    if (1..1024).contains(&address.port()) {
        return out.note(
            TOPIC,
            format_args!("{address} is free; a port below 1024 needs root or CAP_NET_BIND_SERVICE"),
            "the user that the gateway runs as may lack it: packaging/logon-gateway.service has it",
        );
    }
    out.ok(TOPIC, format_args!("{address} is free"));
}

fn taken(address: SocketAddr, out: &mut Findings) {
    match answer(reachable(address)) {
        Ok(Some(what)) => out.note(
            TOPIC,
            format_args!("{address} is taken, by something that speaks {what}"),
            "well if that is this gateway, running; else stop it, or use another port",
        ),
        _ => out.warn(
            TOPIC,
            format_args!("{address} is taken, by something that speaks neither HTTP nor TLS"),
            format_args!(
                "`ss -ltnp 'sport = {}'` says what; stop it, or use another port",
                address.port()
            ),
        ),
    }
}

/// Nobody connects to "all addresses".
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

const PATIENCE: Duration = Duration::from_secs(2);

fn answer(address: SocketAddr) -> io::Result<Option<&'static str>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut start = Vec::new();
    // A TLS alert is 7 bytes; one that is closed early says enough as well.
    let _ = stream.take(7).read_to_end(&mut start);
    Ok(match start.as_slice() {
        [b'H', b'T', b'T', b'P', b'/', ..] => Some("HTTP"),
        // ContentType alert, and the major version (RFC 8446 §5.1).
        [21, 3, ..] => Some("TLS"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{address, check};
    use crate::doctor::checks::testing::config;
    use crate::doctor::report::{Findings, Level};
    use std::io::Write;
    use std::net::{SocketAddr, TcpListener};

    fn findings(at: SocketAddr) -> Findings {
        let mut out = Findings::default();
        address(at, &mut out);
        out
    }

    /// Something that says this to the first who connects, and stops.
    fn says(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert_ne!(std::io::Read::read(&mut stream, &mut [0; 1024]).unwrap(), 0);
            stream.write_all(answer).unwrap();
        });
        address
    }

    #[test]
    fn a_free_address_is_ok() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        findings(address).assert(Level::Ok, "is free");
    }

    #[test]
    fn what_has_the_address_is_asked() {
        findings(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")).assert(Level::Note, "speaks HTTP");
        findings(says(&[21, 3, 3, 0, 2, 2, 70])).assert(Level::Note, "speaks TLS");
        findings(says(b"220 smtp")).assert(Level::Warn, "neither");
    }

    #[test]
    fn an_address_of_another_machine_fails() {
        let address = "192.0.2.1:8080".parse().unwrap();
        findings(address).assert(Level::Fail, "does not have that address");
    }

    #[test]
    fn what_operators_see_is_not_for_everybody() {
        let mut out = Findings::default();
        check(&config("admin.address = \"0.0.0.0:0\""), &mut out);
        out.assert(Level::Note, "open to the network");
    }
}
