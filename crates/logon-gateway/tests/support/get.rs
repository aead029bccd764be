//! `logon get` as it is run, the demonstration that it logs on to, and servers that do what they
//! are told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// The command, with nothing of this process's environment.
pub(crate) fn get(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_logon"));
    command.env_clear().arg("get").args(arguments).stdin(Stdio::null());
    command
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) code: i32,
    pub(crate) body: Vec<u8>,
    pub(crate) said: String,
}

impl Got {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// A line of what the demonstration reports.
    pub(crate) fn fact(&self, name: &str) -> &str {
        let lines = self.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        lines.unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

impl From<Output> for Got {
    fn from(output: Output) -> Self {
        let said = String::from_utf8(output.stderr).unwrap();
        Self { code: output.status.code().unwrap_or(-1), body: output.stdout, said }
    }
}

pub(crate) fn run(command: &mut Command) -> Got {
    command.output().unwrap().into()
}

/// With what goes to its standard input.
pub(crate) fn run_with(command: &mut Command, input: Vec<u8>) -> Got {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let writing = thread::spawn(move || drop(stdin.write_all(&input)));
    let got = process.wait_with_output().unwrap().into();
    writing.join().unwrap();
    got
}

/// A `logon demo` on free ports, until it is dropped.
pub(crate) struct Demo {
    process: Child,
    pub(crate) http: String,
    pub(crate) https: String,
    folder: tempfile::TempDir,
}

impl Demo {
    /// With the user `CORP\alice`.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with these options.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_logon"))
            .args(["demo", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--no-throttle"])
            .args(["--password-env", "PW", "--cert-out", "cert.pem"])
            .args(options)
            .env("PW", super::PASSWORD)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It prints its addresses first, one a line.
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let [http, https] = [0; 2].map(|_| lines.next().unwrap().unwrap());
        thread::spawn(move || lines.for_each(drop));
        Self { process, http, https, folder }
    }

    /// The file that makes clients trust it.
    pub(crate) fn certificate(&self) -> String {
        self.folder.path().join("cert.pem").to_str().unwrap().to_owned()
    }

    /// A file with a password.
    pub(crate) fn password_file(&self, password: &str) -> String {
        let path = self.folder.path().join("password");
        std::fs::write(&path, format!("{password}\n")).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that answers each request as `answer` says, which is told its head, and that closes
/// the connection where the answer is empty or after one that says so.
pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub(crate) fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (kept, answer) = (Arc::clone(&heads), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, kept, answer) =
                    (stream.unwrap(), Arc::clone(&kept), Arc::clone(&answer));
                thread::spawn(move || {
                    loop {
                        let head = head(&mut stream);
                        if head.is_empty() {
                            return;
                        }
                        kept.lock().unwrap().push(head.clone());
                        let bytes = answer(&head);
                        let _ = stream.write_all(&bytes);
                        let text = String::from_utf8_lossy(&bytes).to_lowercase();
                        if bytes.is_empty() || text.contains("connection: close") {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, heads }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of requests since the last look, as they came.
    pub(crate) fn heads(&self) -> Vec<String> {
        std::mem::take(&mut self.heads.lock().unwrap())
    }
}

/// The head of a request; empty at the end.
pub(crate) fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// A way to `to` that keeps all that goes over it.
pub(crate) fn tap(to: &str) -> (String, Arc<Mutex<Vec<u8>>>) {
    let to = to.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::<Mutex<Vec<u8>>>::default();
    let kept = Arc::clone(&seen);
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(&to).unwrap();
            for (mut from, mut to) in
                [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
            {
                let kept = Arc::clone(&kept);
                thread::spawn(move || {
                    let mut buffer = vec![0; 65_536];
                    while let Ok(read @ 1..) = from.read(&mut buffer) {
                        kept.lock().unwrap().extend_from_slice(&buffer[..read]);
                        if to.write_all(&buffer[..read]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    (url, seen)
}
