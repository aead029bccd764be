//! `logon get --output`: a file that is whole, or as it was before.

mod support;

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::get::{Script, get, head, run};

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn answer(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[test]
fn the_file_is_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let body: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    let sent = body.clone();
    let script = Script::start(move |_| answer("200 OK", sent.len(), &sent));
    let path = folder.path().join("file");
    for _ in 0..2 {
        let got = run(get(&["-o", "file", &script.url()]).current_dir(folder.path()));
        assert_eq!((got.code, got.body.len(), got.said.as_str()), (0, 0, ""));
        assert!(fs::read(&path).unwrap() == body);
        assert_eq!(names(folder.path()), ["file"]);
        fs::write(&path, "something longer before").unwrap();
    }
    let not_found = Script::start(|_| answer("404 Not Found", 4, b"none"));
    let got = run(get(&["-o", "file", &not_found.url()]).current_dir(folder.path()));
    assert_eq!((got.code, fs::read(&path).unwrap()), (3, b"none".to_vec()), "{got:?}");
}

#[test]
fn a_failure_leaves_nothing_behind_and_what_was_there_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let short = Script::start(|_| answer("200 OK", 1_000_000, &vec![b'x'; 500_000]));
    let (short, nobody) = (short.url(), "http://127.0.0.1:1/".to_owned());
    for (url, code) in [(&short, 7), (&nobody, 6)] {
        let got = run(get(&["-o", "new", url]).current_dir(folder.path()));
        assert_eq!(got.code, code, "{got:?}");
        assert!(names(folder.path()).is_empty());
    }
    fs::write(folder.path().join("old"), "as it was").unwrap();
    for (url, code) in [(&short, 7), (&nobody, 6)] {
        let got = run(get(&["-o", "old", url]).current_dir(folder.path()));
        assert_eq!(got.code, code, "{got:?}");
        assert_eq!(names(folder.path()), ["old"]);
        assert_eq!(fs::read(folder.path().join("old")).unwrap(), b"as it was");
    }
    for path in ["nowhere/file", "."] {
        let got = run(get(&["-o", path, &short]).current_dir(folder.path()));
        assert_eq!(got.code, 1, "{got:?}");
        assert!(got.said.contains(path), "{got:?}");
    }
}

#[cfg(unix)]
#[test]
fn permissions_links_and_devices_stay_what_they_are() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("file", folder.path().join("link")).unwrap();
    let script = Script::start(|_| answer("200 OK", 3, b"new"));
    assert_eq!(run(get(&["-o", "link", &script.url()]).current_dir(folder.path())).code, 0);
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(folder.path().join("link")).unwrap().is_symlink());
    assert_eq!(run(&mut get(&["-o", "/dev/null", &script.url()])).code, 0);
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[cfg(unix)]
#[test]
fn interrupted_it_leaves_nothing_behind() {
    use rustix::process::Signal;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().unwrap();
        let (process, _stream) = begun(get(&["-o", "file", &url]), &listener, folder.path());
        send(&process, signal);
        let output = process.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal:?} {output:?}");
        assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    }
}

// `nohup`
#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    use rustix::process::Signal;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" get -q -o file \"$1\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_logon"), &url]);
    let (process, mut stream) = begun(command, &listener, folder.path());
    send(&process, Signal::HUP);
    std::thread::sleep(Duration::from_millis(200));
    stream.write_all(&vec![b'x'; 999_000]).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(fs::metadata(folder.path().join("file")).unwrap().len(), 1_000_000);
}

// Nobody reads at its other end, and then somebody who does not read on.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_written_to_and_waiting_for_its_reader_can_be_interrupted() {
    use rustix::process::Signal;
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo").arg("pipe").current_dir(folder.path()).status();
    assert!(made.unwrap().success());
    let pipe = folder.path().join("pipe");
    let script = Script::start(|_| answer("200 OK", 1_000_000, &vec![b'x'; 1_000_000]));
    let start = || {
        // Where tests run in the background, shells have them ignore SIGINT.
        let mut command = Command::new("env");
        command.args([
            "--default-signal=INT",
            env!("CARGO_BIN_EXE_logon"),
            "get",
            "-q",
            "-o",
            "pipe",
        ]);
        command.arg(script.url()).env_remove("LOGON_USER").env_remove("LOGON_PASSWORD");
        command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };

    let reading = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap().len()
    });
    let output = start().wait_with_output().unwrap();
    assert_eq!((output.status.code(), reading.join().unwrap()), (Some(0), 1_000_000));
    assert_eq!(names(folder.path()), ["pipe"]);

    for read in [false, true] {
        for signal in [Signal::INT, Signal::TERM] {
            let mut process = start();
            // It is there to be opened only when the other side opens it.
            let reader = read.then(|| fs::File::open(&pipe).unwrap());
            std::thread::sleep(Duration::from_millis(300));
            assert!(process.try_wait().unwrap().is_none(), "it waits");
            send(&process, signal);
            let begin = std::time::Instant::now();
            while process.try_wait().unwrap().is_none() {
                let stuck = begin.elapsed() >= support::PATIENCE;
                if stuck {
                    process.kill().unwrap();
                }
                assert!(!stuck, "{signal:?} does not end it (read: {read})");
                std::thread::sleep(Duration::from_millis(5));
            }
            drop(reader);
        }
    }
}

#[cfg(unix)]
#[test]
fn standard_output_by_its_name_is_added_to_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let script = Script::start(|_| answer("200 OK", 3, b"new"));
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        if !Path::new(name).exists() {
            continue;
        }
        fs::write(&path, "old ").unwrap();
        let log = fs::OpenOptions::new().append(true).open(&path).unwrap();
        let got = run(get(&["-q", "-o", name, &script.url()]).stdout(log));
        assert_eq!(got.code, 0, "{got:?}");
        assert_eq!(fs::read(&path).unwrap(), b"old new", "{name}");
        assert_eq!(names(folder.path()), ["log"]);
    }
}

/// A command that has begun to write what comes of a million bytes.
#[cfg(unix)]
fn begun(mut command: Command, listener: &TcpListener, folder: &Path) -> (Child, TcpStream) {
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = command.spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    head(&mut stream);
    stream.write_all(&answer("200 OK", 1_000_000, &[b'x'; 1000])).unwrap();
    let part = || fs::read_dir(folder).unwrap().next()?.ok()?.metadata().ok();
    let begin = std::time::Instant::now();
    while part().is_none_or(|part| part.len() == 0) {
        assert!(begin.elapsed() < support::PATIENCE, "nothing is written");
        std::thread::sleep(Duration::from_millis(5));
    }
    (process, stream)
}

#[cfg(unix)]
fn send(process: &Child, signal: rustix::process::Signal) {
    use rustix::process::{Pid, kill_process};
    let id = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}
