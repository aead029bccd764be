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

/// Apache httpd, with files of its own in `scratch`: serves one of them, or is a proxy.
pub(crate) fn apache(
    config: &Path,
    scratch: &Path,
    upstream: Option<SocketAddr>,
) -> Result<Peer, Error> {
    // It runs as another user, who has to get in.
    fs::set_permissions(scratch, fs::Permissions::from_mode(0o755))?;
    let documents = scratch.join("htdocs");
    fs::create_dir_all(&documents)?;
    fs::write(documents.join("hello"), "Hello\n")?;
    let users = scratch.join("apache.users");
    if !users.exists() {
        write(&users, 0o644)?;
    }
    let address = free_address()?;
    let mut command = tied("/usr/sbin/apache2");
    if let Some(upstream) = upstream {
        command.arg("-DPROXY").env("UPSTREAM", upstream.to_string());
    }
    command
        .args(["-DFOREGROUND", "-f"])
        .arg(config)
        .env("SCRATCH", scratch)
        .env("ADDRESS", address.to_string())
        .env("NTLM_USER_FILE", users)
        .env("NETBIOS_COMPUTER_NAME", "WEB01")
        .env("NETBIOS_DOMAIN_NAME", DOMAIN);
    Peer { child: command.spawn()?, address }.once_it_listens("Apache")
}

/// nginx with this configuration, in which it finds its address and its folder.
pub(crate) fn nginx(config: &str, scratch: &Path) -> Result<Peer, Error> {
    let folder = tempfile::tempdir_in(scratch)?.keep();
    let address = free_address()?;
    let config = config
        .replace("${ADDRESS}", &address.to_string())
        .replace("${SCRATCH}", folder.to_str().ok_or("a folder with an odd name")?);
    let file = folder.join("nginx.conf");
    fs::write(&file, config)?;
    let child = tied("/usr/sbin/nginx").arg("-c").arg(file).spawn()?;
    Peer { child, address }.once_it_listens("nginx")
}

/// `logon gateway`, the program at this path.
pub(crate) fn gateway(
    program: &Path,
    under: &str,
    users: &Path,
    upstream: SocketAddr,
) -> Result<Peer, Error> {
    let folder = users.parent().ok_or("users without a folder")?;
    let file = folder.join("logon.toml");
    fs::write(
        &file,
        format!(
            "users = {users:?}\nupstream = \"http://{upstream}\"\n\
             [[listen]]\naddress = \"127.0.0.1:0\"\n\
             [server]\ndomain = \"{DOMAIN}\"\ncomputer = \"WEB01\"\n\
             [log]\nlevel = \"warn\"\n[limits]\ndrain = \"1s\"\n"
        ),
    )?;
    let mut command = tied(under.split_whitespace().next().unwrap_or("env"));
    command.args(under.split_whitespace().skip(1));
    let mut child = command
        .arg(program)
        .args(["gateway", "--config"])
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().ok_or("no output")?).read_line(&mut line)?;
    let address = line.trim().trim_end_matches('/').strip_prefix("http://");
    let address = address.and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| format!("the gateway did not start: {line:?}"))?;
    Ok(Peer { child, address })
}

/// A program that ends with us, however we end.
fn tied(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", program]);
    command
}

/// With a port that was free a moment ago.
fn free_address() -> Result<SocketAddr, Error> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// The user file of our server.
pub(crate) fn write_users(scratch: &Path) -> Result<PathBuf, Error> {
    let path = scratch.join("users");
    write(&path, 0o600)?;
    Ok(path)
}

fn write(path: &Path, mode: u32) -> Result<(), Error> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    Ok(std::io::Write::write_all(&mut &file, format!("{DOMAIN}:{USER}:{PASSWORD}\n").as_bytes())?)
}

impl Peer {
    fn once_it_listens(mut self, name: &str) -> Result<Self, Error> {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{name} ended with {status}").into());
            }
            if start.elapsed() > Duration::from_secs(10) {
                return Err(format!("{name} does not listen").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(self)
    }

    /// The process and its children.
    fn ids(&self) -> Result<Vec<i32>, Error> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let children = children.split_whitespace().map(str::parse);
        Ok(children.chain([Ok(i32::try_from(id)?)]).collect::<Result<_, _>>()?)
    }

    /// The time that the process and its children have had a core for.
    pub(crate) fn cpu(&self) -> Result<Duration, Error> {
        let mut used = Duration::ZERO;
        for id in self.ids()? {
            used += Duration::from(clock_getcpuclockid(Pid::from_raw(id))?.now()?);
        }
        Ok(used)
    }

    /// Memory of the process and its children, in KiB; of pages that they share, their part.
    pub(crate) fn resident(&self) -> Result<f64, Error> {
        let mut resident = 0.0;
        for id in self.ids()? {
            let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
            resident += number.ok_or("no Pss")?.parse::<f64>()?;
        }
        Ok(resident)
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
