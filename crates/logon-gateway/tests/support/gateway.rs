//! `logon gateway` in a folder of its own.

use super::{PASSWORD, until};
use logon::NtHash;
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// The first part of every configuration.
pub(crate) const USERS: &str = "users = \"users\"\n";

/// The names of this server, so that tests need not know the machine's.
const SERVER: &str = "\n[server]\ndomain = \"CORP\"\ncomputer = \"WEB01\"\n\
                      dns_domain = \"corp.example\"\n";

/// The program, without arguments.
pub(crate) fn logon() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_logon"));
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// The NT hash of a password as a user file has it.
pub(crate) fn hash(password: &str) -> String {
    NtHash::of_password(password).expose().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Where a gateway has its files.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// With the user file `users`: `CORP\alice` (alice@corp.example), `CORP\bob`
    /// (bob@corp.example), `CORP\carol`.
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.users(&[
            (r"CORP\alice", Some("alice@corp.example")),
            (r"CORP\bob", Some("bob@corp.example")),
            (r"CORP\carol", None),
        ]);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, in one step.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        let new = self.path(&format!("{name}.new"));
        std::fs::write(&new, content).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::rename(new, &path).unwrap();
        path
    }

    /// Writes the user file: account and user principal name, the password is [`PASSWORD`].
    pub(crate) fn users(&self, users: &[(&str, Option<&str>)]) {
        let mut text = "logon-users 1\n".to_owned();
        for (account, upn) in users {
            write!(text, "{account}\tnt={}", hash(PASSWORD)).unwrap();
            if let Some(upn) = upn {
                write!(text, "\tupn={upn}").unwrap();
            }
            text.push('\n');
        }
        self.write("users", text);
    }

    /// Writes `logon.toml`: `config`, with what every configuration has unless it says it itself.
    pub(crate) fn config(&self, config: &str) -> PathBuf {
        let users = if config.contains("users = \"") { "" } else { USERS };
        let server = if config.contains("[server]") { "" } else { SERVER };
        self.write("logon.toml", format!("{users}{config}{server}"))
    }

    /// A command that has `logon gateway --config` of the configuration here.
    pub(crate) fn command(&self) -> Command {
        let mut command = logon();
        command.arg("gateway").arg("--config").arg(self.path("logon.toml"));
        command
    }

    /// Runs a gateway that is expected to end by itself.
    pub(crate) fn run(&self, options: &[&str]) -> Ended {
        let output = self.command().args(options).output().unwrap();
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            log: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) log: String,
}

/// One that runs. It is killed when this is dropped.
pub(crate) struct Gateway {
    pub(crate) folder: Folder,
    child: Child,
    out: Lines,
    log: Lines,
    /// The URLs that it said at the start: the listeners in the order of the configuration.
    pub(crate) urls: Vec<String>,
    /// Where `/metrics`, `/healthz` and `/readyz` are.
    pub(crate) admin: Option<SocketAddr>,
}

/// The lines that a process has written so far.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let written = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                written.0.lock().unwrap().push(line);
            }
        });
        lines
    }

    fn get(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Gateway {
    /// Starts with a configuration as for [`Folder::config`].
    pub(crate) async fn start(config: &str) -> Self {
        Self::start_in(Folder::new(), config).await
    }

    /// The same in a folder that has files already.
    pub(crate) async fn start_in(folder: Folder, config: &str) -> Self {
        folder.config(config);
        let mut child =
            folder.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = Lines::of(child.stdout.take().unwrap());
        let log = Lines::of(child.stderr.take().unwrap());
        let mut gateway = Self { folder, child, out, log, urls: Vec::new(), admin: None };
        until("the gateway starts", || {
            if let Some(status) = gateway.child.try_wait().unwrap() {
                panic!("it ended: {status}\n{}", gateway.log());
            }
            gateway.log().contains(" ready config=")
        })
        .await;
        let listeners = config.matches("[[listen]]").count();
        let admin = usize::from(config.contains("[admin]"));
        until("the gateway says where it listens", || gateway.out.get().len() == listeners + admin)
            .await;
        for line in gateway.out.get() {
            match line.strip_prefix("admin http://") {
                Some(address) => gateway.admin = Some(address.parse().unwrap()),
                None => gateway.urls.push(line),
            }
        }
        gateway
    }

    /// Where the listener of this number listens.
    pub(crate) fn address(&self, number: usize) -> SocketAddr {
        self.urls[number].split("://").nth(1).unwrap().parse().unwrap()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.get().join("\n")
    }

    /// Waits for a line of the log that contains `text`.
    pub(crate) async fn until_logged(&self, text: &str) {
        until(&format!("{text:?} in the log"), || self.log().contains(text)).await;
    }

    /// Where it said in the log that it listens, the last one at the end.
    pub(crate) fn listened(&self) -> Vec<SocketAddr> {
        let log = self.log.get();
        let lines = log.iter().filter_map(|line| line.split_once(" listening address="));
        lines.map(|(_, rest)| rest.split(' ').next().unwrap().parse().unwrap()).collect()
    }

    /// Has the configuration read again, `config` if it is given, and says whether the gateway
    /// took it.
    pub(crate) async fn reload(&self, config: Option<&str>) -> bool {
        if let Some(config) = config {
            self.folder.config(config);
        }
        let count = |what: &str| self.log.get().iter().filter(|line| line.contains(what)).count();
        let (taken, refused) = (count(" reloaded config="), count("not reloaded, "));
        self.signal(Signal::HUP);
        until("the gateway reloads", || {
            count(" reloaded config=") > taken || count("not reloaded, ") > refused
        })
        .await;
        count("not reloaded, ") == refused
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until the process has ended, and gives its exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        until("the gateway ends", || self.child.try_wait().unwrap().is_some()).await;
        self.child.wait().unwrap().code()
    }

    /// Ends it without a word, and waits.
    pub(crate) async fn kill(mut self) -> Folder {
        self.signal(Signal::KILL);
        self.ended().await;
        std::mem::replace(&mut self.folder, Folder(tempfile::tempdir().unwrap()))
    }

    /// Tells it to stop, and waits.
    pub(crate) async fn stop(mut self) -> (Option<i32>, Folder, String) {
        self.signal(Signal::TERM);
        let code = self.ended().await;
        let log = self.log();
        let folder = std::mem::replace(&mut self.folder, Folder(tempfile::tempdir().unwrap()));
        (code, folder, log)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the gateway\n{}\n---", self.log());
        }
    }
}
