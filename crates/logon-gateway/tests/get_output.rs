//! `logon get --output`: a file that is whole, or as it was before.

mod support;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
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
    use rustix::process::{Pid, Signal, kill_process};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    for signal in [Signal::INT, Signal::TERM] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = get(&["-o", "file", &url]);
        command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let process = command.spawn().unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        head(&mut stream);
        stream.write_all(&answer("200 OK", 1_000_000, &[b'x'; 1000])).unwrap();
        let part = || fs::read_dir(folder.path()).unwrap().next()?.ok()?.metadata().ok();
        let begin = std::time::Instant::now();
        while part().is_none_or(|part| part.len() == 0) {
            assert!(begin.elapsed() < support::PATIENCE, "nothing is written");
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
        let output = process.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    }
}
