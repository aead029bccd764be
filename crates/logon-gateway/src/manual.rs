//! `logon completions` and `logon man`: the command line, for shells and for readers.

use crate::cli::Cli;
use crate::failure::Failure;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use std::io::{self, Write};
use std::path::Path;

pub(crate) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    // It does not tell when writing fails, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "logon", &mut script);
    out.write_all(&script)?;
    out.flush()
}

/// The page of the command itself.
pub(crate) fn print(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&page(command())?)?;
    out.flush()
}

/// A page for each command.
pub(crate) fn write(folder: &Path) -> Result<(), Failure> {
    for (name, page) in pages()? {
        let path = folder.join(format!("{name}.1"));
        std::fs::write(&path, page)
            .map_err(|error| Failure::message(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// With the whole name of each command in its usage, and without `help`, which has no page.
fn command() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    fn add(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        pages.push((name, page(command.clone())?));
        command.get_subcommands().try_for_each(|command| add(command, pages))
    }
    let mut pages = Vec::new();
    add(&command(), &mut pages)?;
    Ok(pages)
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::{command, completions, pages, print, write};
    use clap::{Command, ValueEnum};
    use clap_complete::Shell;

    /// Every command with its options, as they are typed.
    fn words(command: &Command) -> Vec<(String, Vec<String>)> {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let options = command.get_arguments().filter_map(|argument| argument.get_long());
        let own = (name, options.map(str::to_owned).collect());
        std::iter::once(own).chain(command.get_subcommands().flat_map(words)).collect()
    }

    #[test]
    fn every_shell_completes_every_command_and_option() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            completions(*shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            for (name, options) in words(&command()) {
                let last = name.rsplit('-').next().unwrap();
                assert!(script.contains(last), "{shell}: {name}");
                for option in options {
                    assert!(script.contains(&option), "{shell}: {name} --{option}");
                }
            }
        }
    }

    #[test]
    fn every_command_has_a_page_with_its_options_and_an_example() {
        let pages = pages().unwrap();
        let words = words(&command());
        assert_eq!(pages.len(), words.len());
        assert!(words.iter().any(|(name, _)| name == "logon-users-add"), "{words:?}");
        for ((name, page), (expected, options)) in pages.iter().zip(words) {
            assert_eq!(*name, expected);
            // As roff writes a hyphen.
            let page = String::from_utf8(page.clone()).unwrap().replace("\\-", "-");
            for option in options {
                assert!(page.contains(&format!("--{option}")), "{name}: --{option}\n{page}");
            }
            let is_leaf = !page.contains(".SH SUBCOMMANDS");
            assert_eq!(page.contains("Example"), is_leaf, "{page}");
        }
    }

    #[test]
    fn pages_go_into_a_folder_or_to_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let mut printed = Vec::new();
        print(&mut printed).unwrap();
        assert_eq!(std::fs::read(folder.path().join("logon.1")).unwrap(), printed);
        assert!(folder.path().join("logon-doctor.1").exists());
        assert!(write(&folder.path().join("none")).is_err());
    }
}
