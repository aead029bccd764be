//! What servers saw, held against who should have been meant.

use logon::http::{Scheme, parse_token};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

const USERS: [&str; 3] = ["alice", "bob", "carol"];

/// Whom a request means at one server: a client, and one of its logins. In a path `0alice`;
/// `6!bob` if the password is wrong; `0-` without a login, `0+` with a token of the caller's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meant(pub(crate) String);

impl Meant {
    /// Whose name credentials may have.
    fn user(&self) -> Option<&'static str> {
        USERS.into_iter().find(|user| self.0.ends_with(user))
    }

    /// Who may be said to have asked.
    pub(crate) fn provable(&self) -> Option<&'static str> {
        self.user().filter(|_| !self.0.contains('!'))
    }

    /// What the caller writes, if anything.
    pub(crate) fn token(&self) -> Option<String> {
        self.0.ends_with('+').then(|| format!("Bearer {}", self.0))
    }
}

/// Credentials, as far as a server can read them.
#[derive(Debug)]
pub(crate) enum Shown {
    Nothing,
    Begin,
    Name(&'static str),
    Other(String),
}

impl Shown {
    pub(crate) fn read(value: Option<&[u8]>) -> Self {
        let Some(value) = value else { return Self::Nothing };
        let text = String::from_utf8_lossy(value).into_owned();
        let Some((scheme, rest)) = text.split_once(' ') else { return Self::Other(text) };
        if scheme == "Basic" {
            // The same base64.
            let as_token = format!("NTLM {rest}");
            let text = parse_token(Scheme::Ntlm, as_token.as_bytes()).unwrap().unwrap();
            let text = String::from_utf8(text).unwrap();
            let user = USERS.into_iter().find(|user| text.starts_with(&format!(r"CORP\{user}:")));
            return user.map_or(Self::Other(text), Self::Name);
        }
        for scheme in Scheme::INTEGRATED {
            let Ok(Some(token)) = parse_token(scheme, value) else { continue };
            let at = token.windows(8).position(|bytes| bytes == b"NTLMSSP\0");
            if at.and_then(|at| token.get(at + 8)) != Some(&3) {
                return Self::Begin;
            }
            let has = |user: &str| {
                let user: Vec<_> = user.encode_utf16().flat_map(u16::to_le_bytes).collect();
                token.windows(user.len()).any(|bytes| bytes == user)
            };
            let named: Vec<_> = USERS.into_iter().filter(|user| has(user)).collect();
            return match named[..] {
                [user] => Self::Name(user),
                _ => Self::Other(format!("{scheme} that names {named:?}")),
            };
        }
        Self::Other(text)
    }
}

/// Of all servers of a world.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<State>);

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Whose credentials went over a connection.
    owners: HashMap<u64, Meant>,
    /// Faults that have happened, each of which happens once.
    spent: HashSet<String>,
    pub(crate) violations: Vec<String>,
    pub(crate) tally: Tally,
}

/// How often what happened: a test in which nothing does shows nothing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally(pub(crate) HashMap<&'static str, usize>);

impl Tally {
    pub(crate) fn add(&mut self, what: &'static str, times: usize) {
        *self.0.entry(what).or_default() += times;
    }
}

impl Log {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// A request has come.
    pub(crate) fn request(&self, what: &str, connection: u64, meant: &Meant, shown: &Shown) {
        let mut state = self.state();
        let owner = state.owners.get(&connection).cloned();
        if let Some(owner) = owner.as_ref().filter(|owner| *owner != meant) {
            state.violations.push(format!(
                "{what}: connection {connection}, which {owner:?} sent credentials over, has a \
                 request that means {meant:?}"
            ));
        }
        let allowed = match shown {
            Shown::Nothing => meant.token().is_none(),
            Shown::Begin => meant.user().is_some(),
            Shown::Name(user) => meant.user() == Some(*user),
            Shown::Other(text) => meant.token().is_some_and(|token| token == *text),
        };
        if !allowed {
            state.violations.push(format!("{what}: {shown:?} where {meant:?} is meant"));
        }
        match shown {
            Shown::Begin | Shown::Name(_) => {
                state.owners.insert(connection, meant.clone());
                state.tally.add("credentials", 1);
            }
            Shown::Nothing if owner.is_some() => {
                state.tally.add("requests on a connection that has an owner", 1);
            }
            Shown::Nothing | Shown::Other(_) => {}
        }
    }

    /// An answer goes out, to whom the server takes for `user`.
    pub(crate) fn proven(&self, what: &str, meant: &Meant, user: &str) {
        if user != "-" && meant.provable() != Some(user) {
            let violation = format!("{what}: {user} is said to ask, and {meant:?} is meant");
            self.state().violations.push(violation);
        }
    }

    /// Whether this fault is to happen now: the first time.
    pub(crate) fn once(&self, fault: &str) -> bool {
        let mut state = self.state();
        let first = state.spent.insert(fault.to_owned());
        if first {
            state.tally.add("faults of servers", 1);
        }
        first
    }
}
