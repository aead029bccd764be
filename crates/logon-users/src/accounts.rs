//! The table of accounts that all stores of this crate share, and the rules to find one.

use crate::digest::{DigestSecret, spellings};
use crate::name::{fold, split_principal};
use logon::{Account, AccountName, Answer, KnownAccount, NtHash, Refusal};
use logon::{DigestAccount, DigestAnswer, DigestUsername, digest_user_hash};
use std::collections::{HashMap, HashSet};

/// What the accounts of a store do not say themselves.
///
/// An account is found without regard to case (lower case, character by character)
///
/// - by `DOMAIN\user`, where the domain may be sent as a DNS domain of [`Options::dns_domains`],
///   which some clients do;
/// - by a user principal name sent without a domain, if it is the account's name or its `upn=`;
///   else by what stands before the `@` in the domain that stands after it;
/// - by `user` alone: in the default domain if there is one; without one, if the account has no
///   domain either, or no other account has that user name.
///
/// An account without a domain belongs to the default domain. Where there is none, it is found
/// only if the client sends no domain: a domain that nobody knows is an unknown account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The domain of whoever names none, a NetBIOS name as a rule: `CORP`.
    pub default_domain: Option<String>,
    /// DNS domains and the NetBIOS names of the same domains: `("corp.example", "CORP")`.
    pub dns_domains: Vec<(String, String)>,
}

impl Options {
    /// Sets [`Options::default_domain`].
    #[must_use]
    pub fn default_domain(mut self, domain: impl Into<String>) -> Self {
        self.default_domain = Some(domain.into());
        self
    }

    /// Adds to [`Options::dns_domains`].
    #[must_use]
    pub fn dns_domain(mut self, dns: impl Into<String>, netbios: impl Into<String>) -> Self {
        self.dns_domains.push((dns.into(), netbios.into()));
        self
    }
}

/// An account of a store, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedAccount {
    /// The name as the store spells it.
    pub name: AccountName,
    /// The user principal name that it has beside its name.
    pub upn: Option<String>,
    /// Why it may not log on, if it may not.
    pub refusal: Option<Refusal>,
    /// The realms in which it can log on by HTTP's Digest scheme, each once.
    pub digest_realms: Vec<String>,
}

/// One account as a file or the program gives it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: AccountName,
    pub(crate) upn: Option<String>,
    pub(crate) logon: Logon,
    pub(crate) digest: DigestSecret,
}

/// Whether an account may log on.
#[derive(Clone)]
pub(crate) enum Logon {
    With(NtHash),
    Refused(Refusal),
}

/// Accounts and the ways to find them.
pub(crate) struct Accounts {
    default_domain: Option<DefaultDomain>,
    /// NetBIOS name by DNS domain, both folded.
    dns_domains: HashMap<String, String>,
    entries: Vec<Entry>,
    by_name: HashMap<Key, usize>,
    /// `None` where several accounts have the user name.
    by_user: HashMap<String, Option<usize>>,
    /// Spelling by its hash for the Digest scheme, of those that are known beforehand.
    user_hashes: HashMap<String, String>,
    digest_realms: HashSet<String>,
    any_password: bool,
}

struct DefaultDomain {
    spelling: String,
    folded: String,
}

/// Domain and user, folded. The domain of a user principal name is empty.
type Key = (String, String);

impl Accounts {
    pub(crate) fn new(options: &Options) -> Self {
        let pairs = options.dns_domains.iter();
        let dns_domains = pairs.map(|(dns, netbios)| (fold(dns), fold(netbios))).collect();
        let mut accounts = Self {
            default_domain: None,
            dns_domains,
            entries: Vec::new(),
            by_name: HashMap::new(),
            by_user: HashMap::new(),
            user_hashes: HashMap::new(),
            digest_realms: HashSet::new(),
            any_password: false,
        };
        let default_domain = options.default_domain.as_ref().filter(|name| !name.is_empty());
        accounts.default_domain = default_domain
            .map(|name| DefaultDomain { spelling: name.clone(), folded: accounts.domain(name) });
        accounts
    }

    /// Adds an account, unless one with the same name is there: `Err` has its position.
    pub(crate) fn insert(&mut self, mut entry: Entry) -> Result<(), usize> {
        let is_principal = split_principal(entry.name.user()).is_some();
        if entry.name.domain().is_empty() && !is_principal {
            // The identity has its domain too: whoever decides by it needs one spelling.
            if let Some(domain) = &self.default_domain {
                entry.name = AccountName::new(domain.spelling.clone(), entry.name.user());
            }
        }
        let upn = entry.upn.clone().or(is_principal.then(|| entry.name.user().to_owned()));
        if let Some(upn) = upn {
            entry.name = entry.name.with_upn(upn);
        }
        let keys = self.keys(&entry);
        if let Some(taken) = keys.iter().find_map(|key| self.by_name.get(key)) {
            return Err(*taken);
        }
        let position = self.entries.len();
        self.by_name.extend(keys.into_iter().map(|key| (key, position)));
        let user = entry.name.user();
        let user = fold(split_principal(user).map_or(user, |(user, _)| user));
        self.by_user.entry(user).and_modify(|found| *found = None).or_insert(Some(position));
        let hashes = entry.digest.hashes();
        let user_hashes = hashes.iter().map(|hash| (hash.user_hash(), hash.spelling.clone()));
        self.user_hashes.extend(user_hashes);
        self.digest_realms.extend(realms(&entry));
        self.any_password |= matches!(entry.digest, DigestSecret::Password(_));
        self.entries.push(entry);
        Ok(())
    }

    pub(crate) fn answer(&self, account: Account<'_>) -> Answer {
        match self.find(account) {
            Some(Entry { logon: Logon::With(hash), name, .. }) => {
                Answer::Known(KnownAccount::new(hash.clone(), name.clone()))
            }
            Some(Entry { logon: Logon::Refused(refusal), .. }) => Answer::Refused(*refusal),
            None => Answer::Unknown,
        }
    }

    pub(crate) fn has_digest(&self, realm: &str) -> bool {
        self.any_password || self.digest_realms.contains(realm)
    }

    pub(crate) fn digest_answer(&self, account: DigestAccount<'_>) -> DigestAnswer {
        let DigestAccount { username, realm, algorithm, .. } = account;
        let spelling = match username {
            DigestUsername::Plain(spelling) => Some(spelling.to_owned()),
            DigestUsername::Hash(hash) => self.unhashed(hash, account),
        };
        let Some(spelling) = spelling else { return DigestAnswer::Unknown };
        // Who is meant is said by the same rules as for any other logon; a name that two
        // accounts share is nobody's.
        let (domain, user) = spelling.split_once('\\').unwrap_or(("", &spelling));
        match self.find(Account::new(domain, user)) {
            Some(Entry { logon: Logon::Refused(refusal), .. }) => DigestAnswer::Refused(*refusal),
            Some(Entry { digest, name, .. }) => match digest.ha1(algorithm, &spelling, realm) {
                Some(ha1) => DigestAnswer::Known { ha1, name: name.clone() },
                None => DigestAnswer::Unknown,
            },
            None => DigestAnswer::Unknown,
        }
    }

    /// The spelling that has this hash.
    fn unhashed(&self, hash: &str, account: DigestAccount<'_>) -> Option<String> {
        let has_password = |entry: &&Entry| matches!(entry.digest, DigestSecret::Password(_));
        let others = self.entries.iter().filter(has_password);
        let others = others.flat_map(|entry| spellings(&entry.name, entry.upn.as_deref()));
        let mut names = self.user_hashes.get(hash).cloned().into_iter().chain(others);
        // Also of what the table has: that may be of another realm or algorithm.
        names.find(|name| digest_user_hash(account.algorithm, name, account.realm) == hash)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn list(&self) -> Vec<ListedAccount> {
        let listed = |entry: &Entry| ListedAccount {
            name: entry.name.clone(),
            upn: entry.upn.clone(),
            refusal: match entry.logon {
                Logon::With(_) => None,
                Logon::Refused(refusal) => Some(refusal),
            },
            digest_realms: realms(entry),
        };
        self.entries.iter().map(listed).collect()
    }

    fn find(&self, account: Account<'_>) -> Option<&Entry> {
        let user = fold(account.user());
        let position = if !account.domain().is_empty() {
            self.position(self.domain(account.domain()), user)
        } else if let Some((local, dns_domain)) = split_principal(&user) {
            let implicit = (self.domain(dns_domain), local.to_owned());
            let explicit = self.position(String::new(), user);
            explicit.or_else(|| self.position(implicit.0, implicit.1))
        } else if let Some(domain) = &self.default_domain {
            self.position(domain.folded.clone(), user)
        } else {
            let only = self.by_user.get(&user).copied().flatten();
            self.position(String::new(), user).or(only)
        };
        self.entries.get(position?)
    }

    fn position(&self, domain: String, user: String) -> Option<usize> {
        self.by_name.get(&(domain, user)).copied()
    }

    /// Every name an account is found by, its user name alone excepted.
    fn keys(&self, entry: &Entry) -> Vec<Key> {
        let (domain, user) = (self.domain(entry.name.domain()), fold(entry.name.user()));
        let mut keys = Vec::with_capacity(3);
        if let (true, Some((local, dns_domain))) = (domain.is_empty(), split_principal(&user)) {
            // `CORP\alice` finds alice@corp.example, if we know that the domains are one.
            if let Some(netbios) = self.dns_domains.get(dns_domain) {
                keys.push((netbios.clone(), local.to_owned()));
            }
        }
        keys.push((domain, user));
        keys.extend(entry.upn.as_deref().map(|upn| (String::new(), fold(upn))));
        keys
    }

    /// A domain, folded, by its NetBIOS name if that is known.
    fn domain(&self, name: &str) -> String {
        let folded = fold(name);
        self.dns_domains.get(&folded).cloned().unwrap_or(folded)
    }
}

fn realms(entry: &Entry) -> Vec<String> {
    let mut realms = Vec::new();
    for hash in entry.digest.hashes() {
        if !realms.contains(&hash.realm) {
            realms.push(hash.realm.clone());
        }
    }
    realms
}
