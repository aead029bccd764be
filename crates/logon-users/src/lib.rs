//! User files as a [`logon::CredentialStore`], for servers without a domain controller.
//!
//! [`UserFile`] reads one file, [`WatchedUserFile`] follows its changes, [`MemoryStore`] has its
//! accounts from the program, and [`edit`] writes files for a command line. All look accounts up
//! by the same rules, see [`Options`]. [`client`] is for the other side: it finds in a file what to
//! log on with.
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
//! passwords. A file that users outside its owner and group may touch is therefore refused; for a
//! client, that is a warning.
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
//! | `ha1=` | a hash of the password for HTTP's Digest scheme; as many as are needed |
//! | `disabled` | the account may not log on |
//!
//! The name is `DOMAIN\user`, `user@dns.domain`, or `user` alone. [`edit`] writes this format.
//!
//! ### Digest
//!
//! `ha1=` has four parts with a colon after each but the last:
//!
//! ```text
//! ha1=SHA-256:0f3564cfa54b0006da94ce388475ced3634acd9015aecb9f5873b04e21e62e4b:alice:corp
//! ```
//!
//! | part | |
//! |---|---|
//! | algorithm | `SHA-256`, `SHA-512-256` or `MD5` |
//! | hash | `H(A1)` ([RFC 7616] §3.4.2) in 64 hexadecimal digits, of MD5 in 32 |
//! | name | one of the account's own, as the user types it: `DOMAIN\user`, `user`, or that of `upn=` |
//! | realm | the server's; it may have colons in it, the name may not |
//!
//! The hash covers the name and the realm letter by letter. So each way to write the name needs
//! one of its own in each realm, and a name typed in another case than the file has it does not
//! log on. Who is meant is said by the rules of [`Options`] here too: where `CORP\alice` and
//! `LAB\alice` both have a hash for `alice`, it serves the one of the default domain; without a
//! default domain it serves neither of them, and they log on by their whole names.
//!
//! Whoever changes `nt=` by hand has to take the `ha1=` of that line away, or the old password
//! still logs on by Digest. [`edit`] sees to that itself. The other two formats have no place for
//! these hashes, and their accounts cannot log on by Digest.
//!
//! [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616
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
pub mod client;
mod digest;
pub mod edit;
mod error;
mod file;
mod format;
mod memory;
mod name;
mod read;
mod watch;

pub use accounts::{ListedAccount, Options};
pub use digest::DigestProblem;
pub use error::{UserFileError, UserFileErrorKind};
pub use file::UserFile;
pub use format::Format;
pub use memory::MemoryStore;
pub use name::NameProblem;
pub use watch::WatchedUserFile;
