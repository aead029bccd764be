//! The acceptor of gss-ntlmssp behind MIT's GSSAPI, in a process of its own: `gss.c`.

use crate::contender::Contender;
use std::io::{BufRead, BufReader, Error, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The acceptor's share of a logon as `program` measures it.
pub(crate) fn acceptor(program: &Path, mechanism: &str) -> Result<Contender, Error> {
    let mut child = Command::new(program)
        .arg(mechanism)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ask = child.stdin.take().ok_or(Error::other("no pipe"))?;
    let mut answers = BufReader::new(child.stdout.take().ok_or(Error::other("no pipe"))?).lines();
    // It ends when its input does.
    Ok(Contender::of(move |runs| {
        writeln!(ask, "{runs}").expect("the GSSAPI bench has ended; its message is above");
        let line = answers.next().expect("the GSSAPI bench has ended; its message is above");
        let nanoseconds = line.unwrap().parse().expect("a number");
        Duration::from_nanos(nanoseconds)
    }))
}
