//! User files as a [`logon::CredentialStore`], for servers without a domain controller.
//!
//! [`UserFile`] reads one file, [`WatchedUserFile`] follows its changes, [`MemoryStore`] has its
//! accounts from the program, and [`edit`] writes files for a command line. All look accounts up
//! by the same rules, see [`Options`].
//!
//! ```
//! use logon::{Account, Answer, CredentialStore};
//! use logon_users::MemoryStore;
//!
//! let store = MemoryStore::new().with_password("CORP\\alice", "correct horse");
//! let answer = store.lookup(Account::new("corp", "ALICE"))?;
//! assert!(matches!(answer, Answer::Known(known) if known.name().to_string() == "CORP\\alice"));
//! # Ok::<(), logon::StoreError>(())
//! ```
//!
//! # The three formats
//!
//! A file has one format throughout; which one is seen from its first line that says something.
//! Blank lines, and lines whose first visible character is `#`, are skipped. Text is UTF-8, names
//! compare without regard to case. Everything else that is out of order is an error which names
//! the line, and no account of the file is used: a line passed over in silence is an account that
//! cannot log on, and nobody knows why.
//!
//! Whoever reads a user file can log on as every account in it, also where it has hashes and no
//! passwords. A file that users outside its owner and group may touch is therefore refused.
//!
//! ## Our own
//!
//! The header, then one line per account. A TAB ends the account name and each field after it, so
//! that names may have blanks in them.
//!
//! ```text
//! logon-users 1
//! # account ⇥ fields
//! CORP\alice ⇥ nt=8846f7eaee8fb117ad06bdd830b7586c ⇥ upn=alice@corp.example
//! CORP\Bob Builder ⇥ nt=cd06ca7c7e10c99b1d33b7485a2ed808 ⇥ disabled
//! carol@lab.example ⇥ nt=c3c6f4fd8a02a6c1268f1a8074b6e7e0
//! ```
//!
//! (`⇥` stands for the TAB alone, without the blanks around it.)
//!
//! | field | |
//! |---|---|
//! | `nt=` | the NT hash of the password in 32 hexadecimal digits; required |
//! | `upn=` | another name for the account, a user principal name |
//! | `disabled` | the account may not log on |
//!
//! The name is `DOMAIN\user`, `user@dns.domain`, or `user` alone. [`edit`] writes this format.
//!
//! ## smbpasswd
//!
//! What Samba writes (smbpasswd(5)), where the name may also be `DOMAIN\user` or
//! `user@dns.domain`. The LM hash is never used. Of the flags, `D` disables the account, `L` locks
//! it, `N` says that it has no password, and `W`, `S` and `I` that it is the trust account of a
//! machine or a domain; none of these may log on, nor may an account whose NT hash is crossed out
//! with `X` or `*`, or is `NO PASSWORD…`.
//!
//! ```text
//! alice:1000:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846F7EAEE8FB117AD06BDD830B7586C:[U          ]:LCT-3F0F0C60:
//! ```
//!
//! ## `NTLM_USER_FILE`
//!
//! What the environment variable of that name means to Heimdal, gss-ntlmssp and pyspnego: domain,
//! user and password. The domain is empty where the user is a user principal name. The password
//! is the rest of the line, colons and blanks included; `LMHASH:NTHASH` of 32 hexadecimal digits
//! each is the hash of a password. The same variable may name an smbpasswd file.
//!
//! ```text
//! CORP:alice:correct horse
//! :carol@lab.example:battery:staple
//! ```

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

mod accounts;
pub mod edit;
mod error;
mod file;
mod format;
mod memory;
mod name;
mod read;
mod watch;

pub use accounts::{ListedAccount, Options};
pub use error::{UserFileError, UserFileErrorKind};
pub use file::UserFile;
pub use format::Format;
pub use memory::MemoryStore;
pub use name::NameProblem;
pub use watch::WatchedUserFile;
