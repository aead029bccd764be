//! `logon session-key`: keeps the keys of session cookies.

use crate::failure::Failure;
use crate::gateway::session::{Rotated, rotate};
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

pub(crate) fn run(file: &Path, keep: u16, out: &mut dyn Write) -> Result<(), Failure> {
    let is_new = !file.exists();
    let rotated = rotate(file, usize::from(keep), SystemTime::now()).map_err(Failure::message)?;
    let Rotated { id, kept, dropped } = rotated;
    let file = file.display();
    writeln!(out, "made the key {id} in {file}; older keys: {kept} kept, {dropped} dropped")?;
    if is_new {
        writeln!(
            out,
            "Now name it in the configuration of the gateway, `keys = \"{file}\"` in [session], and \
             let the gateway's user read it: it is only for its owner."
        )?;
    } else {
        writeln!(
            out,
            "Now send the gateway SIGHUP to read it (`systemctl reload logon-gateway`); where several \
             gateways share the file, give it to all of them first."
        )?;
    }
    if dropped > 0 {
        writeln!(out, "Cookies of the dropped keys are void then, and their users log on again.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::run;
    use std::path::Path;

    fn output(file: &Path, keep: u16) -> String {
        let mut out = Vec::new();
        run(file, keep, &mut out).map_err(|failure| failure.to_string()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_says_what_was_done_and_what_to_do_next() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session.keys");
        let first = output(&file, 2);
        assert!(first.contains("older keys: 0 kept, 0 dropped"), "{first}");
        assert!(first.contains("session.keys\"` in [session]"), "{first}");
        let second = output(&file, 2);
        assert!(second.contains("older keys: 1 kept, 0 dropped"), "{second}");
        assert!(second.contains("SIGHUP") && !second.contains("void"), "{second}");
        let third = output(&file, 2);
        assert!(third.contains("older keys: 1 kept, 1 dropped") && third.contains("void"));
        // The keys themselves are not said.
        let text = std::fs::read_to_string(&file).unwrap();
        let key = text.lines().find(|line| !line.starts_with('#')).unwrap();
        assert!(!third.contains(key.split(' ').next().unwrap()));
    }
}
