//! The processes that are measured, and their CPU clocks.

use crate::Error;
use crate::client::{DOMAIN, PASSWORD, USER};
use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server, until it is dropped.
pub(crate) struct Peer {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// One of our servers, behind the layer if there are users.
pub(crate) fn ours(under: &str, users: Option<&Path>) -> Result<Peer, Error> {
    let this = std::env::current_exe()?;
    let mut words = under.split_whitespace();
    let mut command = match words.next() {
        None => Command::new(this),
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(this);
            command
        }
    };
    command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
    if let Some(users) = users {
        command.arg("--users").arg(users);
    }
    let mut child = command.spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let address = line.trim().parse().map_err(|_| "our server did not start")?;
    Ok(Peer { child, address })
}

/// Apache httpd, with files of its own in `scratch`.
pub(crate) fn apache(config: &Path, scratch: &Path) -> Result<Peer, Error> {
    // It runs as another user, who has to get in.
    fs::set_permissions(scratch, fs::Permissions::from_mode(0o755))?;
    let documents = scratch.join("htdocs");
    fs::create_dir_all(&documents)?;
    fs::write(documents.join("hello"), "Hello\n")?;
    let users = write(scratch.join("apache.users"), 0o644)?;
    // A port that was free a moment ago.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let child = Command::new("setpriv")
        // It ends with us, however we end.
        .args(["--pdeathsig", "TERM", "/usr/sbin/apache2", "-DFOREGROUND", "-f"])
        .arg(config)
        .env("SCRATCH", scratch)
        .env("ADDRESS", address.to_string())
        .env("NTLM_USER_FILE", users)
        .env("NETBIOS_COMPUTER_NAME", "WEB01")
        .env("NETBIOS_DOMAIN_NAME", DOMAIN)
        .spawn()?;
    let mut peer = Peer { child, address };
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if let Some(status) = peer.child.try_wait()? {
            return Err(format!("Apache ended with {status}").into());
        }
        if start.elapsed() > Duration::from_secs(10) {
            return Err("Apache does not listen".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(peer)
}

/// The user file of our server.
pub(crate) fn write_users(scratch: &Path) -> Result<PathBuf, Error> {
    write(scratch.join("users"), 0o600)
}

fn write(path: PathBuf, mode: u32) -> Result<PathBuf, Error> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
    std::io::Write::write_all(&mut &file, format!("{DOMAIN}:{USER}:{PASSWORD}\n").as_bytes())?;
    Ok(path)
}

impl Peer {
    /// The time that the process and its children have had a core for.
    pub(crate) fn cpu(&self) -> Result<Duration, Error> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let mut used = Duration::ZERO;
        for id in children.split_whitespace().map(str::parse).chain([Ok(i32::try_from(id)?)]) {
            used += Duration::from(clock_getcpuclockid(Pid::from_raw(id?))?.now()?);
        }
        Ok(used)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        match self.child.stdin.take() {
            // Ours end with their input.
            Some(stdin) => drop(stdin),
            None => {
                let id = i32::try_from(self.child.id()).unwrap_or_default();
                let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
            }
        }
        let _ = self.child.wait();
    }
}

/// The time that this process has had a core for.
pub(crate) fn own_cpu() -> Result<Duration, Error> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}
