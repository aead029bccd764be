//! Acceptors and initiators behind MIT's GSSAPI, in a process of its own: `gss.c`.

use crate::contender::{CPU_TIME, Contender};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Error, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A side's share of a logon as `program` measures it.
pub(crate) fn side<V: AsRef<OsStr>>(
    program: &Path,
    arguments: &[&str],
    environment: &[(&str, V)],
) -> Result<Contender, Error> {
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
    if CPU_TIME.get().is_some() {
        command.env("CPU_TIME", "yes");
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
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
