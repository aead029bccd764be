//! Which scope holds for a request.

use super::host::Host;
use super::path::{Prefix, Readings};
use super::{Requirement, Scheme, Scope, ScopeRule};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The scopes of a server, by host and path. It does not change: to change them, build a new one
/// and put it in the place of the old; requests that have asked keep the answer they got.
///
/// A rule changes what it sets and inherits the rest, in this order, the last one has the last
/// word:
///
/// | | rule | of several |
/// |---|---|---|
/// | 1 | the base | |
/// | 2 | of a path, on every host | from the shorter path to the longer |
/// | 3 | of a host | in the order given |
/// | 4 | of a path on a host | from the shorter path to the longer |
///
/// So a host's rule outweighs the paths of all hosts: `/api` can be off everywhere but on the
/// host that requires a logon for everything. Paths match by whole segments: `/admin` is for
/// `/admin` and `/admin/x`, not for `/administrator`. Hosts match without regard to case, port and
/// a dot at the end. A host without a rule, or none, has the base and the rules of paths.
///
/// ```
/// use logon::http::{Requirement, Scheme, Scope, ScopeRule, Scopes};
///
/// let scopes = Scopes::builder(Scope::required(&Scheme::ALL))
///     .path("/npm", ScopeRule::off())
///     .host_path("wiki.corp.example", "/npm/private", ScopeRule::required())
///     .build()?;
/// let requirement = |target| scopes.find(Some(b"wiki.corp.example"), target).requirement();
/// assert_eq!(requirement("/npm/left-pad"), Requirement::Off);
/// assert_eq!(requirement("/npm/private/x"), Requirement::Required);
/// assert_eq!(requirement("/npm/%70rivate/x"), Requirement::Required);
/// assert_eq!(requirement("/NPM/left-pad"), Requirement::Required);
/// # Ok::<(), logon::http::ScopeError>(())
/// ```
///
/// # Security
/// Whoever routes requests behind this server may read a path differently from how it is written.
/// So a path counts in every reading there is: decoded once or twice or not at all, with `\` for
/// `/`, slashes merged, dots resolved, parameters behind `;` cut off, dots and blanks dropped at
/// the end of a segment, with and without regard to case. **Where readings differ, the strictest
/// scope that one of them leads to holds.**
///
/// The leading segments that nobody reads differently select their rule alone, so
/// `/npm/@scope%2fname` stays below `/npm` and is not held against the base. What may lead
/// anywhere gets the strictest scope of its host: a path with `..`, with two slashes at its front,
/// with broken or threefold encoding, control characters or bytes that are not UTF-8, and a
/// target that is no path, such as `*`. A `Host` that is no host gets the strictest of all.
///
/// A rule that opens something holds for its exact spelling alone, and one that closes something
/// for every spelling.
///
/// Not covered, because no server in front can know it: an application with an encoding of its
/// own, such as base64 in a path; Unicode normalisation and look-alikes beyond case (`／`, `é` in
/// two characters); short names and streams of Windows file systems; rewriting rules; a path that
/// is taken from elsewhere than the target, such as `X-Original-URL`. And if a default host behind
/// this server answers to unknown names, the base has to be as strict as that host.
#[derive(Debug, Clone)]
pub struct Scopes {
    hosts: Vec<(Host<'static>, Table)>,
    others: Table,
    strictest: Arc<Scope>,
}

/// The scopes of a host.
#[derive(Debug, Clone)]
struct Table {
    root: Arc<Scope>,
    /// Those of prefixes, the longer ones first.
    below: Vec<(Prefix, Arc<Scope>)>,
}

/// Collects the rules of [`Scopes`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ScopesBuilder {
    base: Scope,
    rules: Vec<Rule>,
    error: Option<ScopeError>,
}

#[derive(Debug, Clone)]
struct Rule {
    host: Option<Host<'static>>,
    prefix: Prefix,
    rule: ScopeRule,
}

/// Why rules are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeError {
    /// The path of a rule does not begin with a slash, or has an empty segment, `%`, `;`, `\`,
    /// `?`, `#`, a control character, or a segment that ends in a dot or a blank. Paths of rules
    /// are written decoded.
    BadPath(String),
    /// The host of a rule is not a name, an IPv4 address or an IPv6 address in brackets.
    BadHost(String),
    /// A logon is required at this path and no scheme enabled, so nobody could log on. For no
    /// authentication say [`Requirement::Off`].
    NoScheme(String),
}

impl Scopes {
    /// Begins with what holds where no rule does.
    pub fn builder(base: Scope) -> ScopesBuilder {
        ScopesBuilder { base, rules: Vec::new(), error: None }
    }

    /// The scope of a request with this value of `Host` (HTTP/2: `:authority`) and this request
    /// target, as it was sent: neither decoded nor normalised, with or without query, in any of
    /// the forms of [RFC 9112] §3.2. A host in the target is looked up beside that in `Host`, and
    /// the stricter scope holds.
    ///
    /// A request with several `Host` lines is to be answered with 400 ([RFC 9112] §3.2) before
    /// it comes here.
    #[must_use]
    pub fn find(&self, host: Option<&[u8]>, target: &str) -> Arc<Scope> {
        match split_absolute(target) {
            Some((authority, path)) => self.find_apart(host, Some(authority), path),
            None => self.find_apart(host, None, target),
        }
    }

    /// The same for a target that an HTTP library has taken apart: the authority, if it had one
    /// (HTTP/2: `:authority`), and what stands behind.
    #[must_use]
    pub fn find_apart(
        &self,
        host: Option<&[u8]>,
        authority: Option<&str>,
        path: &str,
    ) -> Arc<Scope> {
        if let Some(scope) = self.only() {
            return Arc::clone(scope);
        }
        let host = host.filter(|host| !host.is_empty());
        let readings = Readings::of(path.split('?').next().unwrap_or_default());
        let authority = authority.map(str::as_bytes);
        match (authority, host) {
            // Nobody knows which of the two the application goes by.
            (Some(_), Some(_)) => {
                Scope::stricter(&self.on_host(authority, &readings), &self.on_host(host, &readings))
            }
            (host, None) | (None, host) => self.on_host(host, &readings),
        }
    }

    /// Whether `scheme` is enabled anywhere that a logon counts.
    #[must_use]
    pub fn enables(&self, scheme: Scheme) -> bool {
        let tables = self.hosts.iter().map(|(_, table)| table).chain([&self.others]);
        let scopes = tables
            .flat_map(|table| table.below.iter().map(|(_, scope)| scope).chain([&table.root]));
        scopes
            .filter(|scope| scope.requirement() != Requirement::Off)
            .any(|scope| scope.schemes().contains(&scheme))
    }

    /// The scope that holds for every host and path, if one does.
    #[must_use]
    pub fn only(&self) -> Option<&Arc<Scope>> {
        let one = self.hosts.is_empty() && self.others.below.is_empty();
        one.then_some(&self.others.root)
    }

    fn on_host(&self, host: Option<&[u8]>, path: &Readings<'_>) -> Arc<Scope> {
        let Some(host) = host else { return self.others.find(path) };
        let Some(host) = Host::parse(host) else { return Arc::clone(&self.strictest) };
        let table = self.hosts.iter().find(|(known, _)| *known == host);
        table.map_or(&self.others, |(_, table)| table).find(path)
    }
}

/// The same everywhere.
impl From<Scope> for Scopes {
    fn from(scope: Scope) -> Self {
        let strictest = Arc::new(scope);
        let others = Table { root: Arc::clone(&strictest), below: Vec::new() };
        Self { hosts: Vec::new(), others, strictest }
    }
}

impl Table {
    /// The scope of the longest prefix that the path is below in every reading, or a stricter one
    /// of a prefix as long or longer that it is below in some.
    fn find(&self, path: &Readings<'_>) -> Arc<Scope> {
        let certain = self.below.iter().find(|(prefix, _)| path.are_below(prefix));
        let (depth, scope) =
            certain.map_or((0, &self.root), |(prefix, scope)| (prefix.depth(), scope));
        let longer = self.below.iter().take_while(|(prefix, _)| prefix.depth() >= depth);
        longer
            .filter(|(prefix, _)| path.may_be_below(prefix))
            .fold(Arc::clone(scope), |found, (_, scope)| Scope::stricter(&found, scope))
    }
}

impl ScopesBuilder {
    /// A rule for a path and what lies below it, on every host. The path is written decoded:
    /// `/my files`, not `/my%20files`.
    pub fn path(self, path: &str, rule: ScopeRule) -> Self {
        self.rule(None, path, rule)
    }

    /// A rule for a host: a name, an IPv4 address, or an IPv6 address in brackets. A port does not
    /// count. An internationalised name is written as it is sent (`xn--…`).
    pub fn host(self, host: &str, rule: ScopeRule) -> Self {
        self.rule(Some(host), "/", rule)
    }

    /// A rule for a path and what lies below it on one host.
    pub fn host_path(self, host: &str, path: &str, rule: ScopeRule) -> Self {
        self.rule(Some(host), path, rule)
    }

    fn rule(mut self, host: Option<&str>, path: &str, rule: ScopeRule) -> Self {
        let parsed = match host {
            None => Ok(None),
            Some(name) => match Host::parse(name.as_bytes()) {
                Some(host) => Ok(Some(host.into_owned())),
                None => Err(ScopeError::BadHost(String::from(name))),
            },
        };
        let prefix = Prefix::parse(path).ok_or_else(|| ScopeError::BadPath(String::from(path)));
        match parsed.and_then(|host| Ok(Rule { host, prefix: prefix?, rule })) {
            Ok(rule) => self.rules.push(rule),
            Err(error) => self.error = self.error.or(Some(error)),
        }
        self
    }

    /// Settles what holds where.
    ///
    /// # Errors
    /// [`ScopeError`] for the first rule whose path or host cannot be read, and if a logon is
    /// required where there is no scheme to log on with.
    pub fn build(mut self) -> Result<Scopes, ScopeError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        // Stable: rules for one and the same path stay in the order given.
        self.rules.sort_by(|one, other| one.prefix.cmp(&other.prefix));
        let mut hosts: Vec<(Host<'static>, Table)> = Vec::new();
        for host in self.rules.iter().filter_map(|rule| rule.host.as_ref()) {
            if !hosts.iter().any(|(known, _)| known == host) {
                hosts.push((host.clone(), self.table(Some(host))));
            }
        }
        let others = self.table(None);
        let mut strictest = Arc::clone(&others.root);
        for table in hosts.iter().map(|(_, table)| table).chain([&others]) {
            let below = table.below.iter().map(|(prefix, scope)| (prefix.as_str(), scope));
            for (path, scope) in below.chain([("/", &table.root)]) {
                if scope.requirement() == Requirement::Required && scope.schemes().is_empty() {
                    return Err(ScopeError::NoScheme(String::from(path)));
                }
                strictest = Scope::stricter(&strictest, scope);
            }
        }
        Ok(Scopes { hosts, others, strictest })
    }

    fn table(&self, host: Option<&Host<'_>>) -> Table {
        let of_all = |rule: &&Rule| rule.host.is_none();
        let of_host = |rule: &&Rule| rule.host.is_some() && rule.host.as_ref() == host;
        let scope = |prefix: &Prefix| {
            let rules = self.rules.iter().filter(of_all).chain(self.rules.iter().filter(of_host));
            let above = rules.filter(|rule| prefix.is_below(&rule.prefix));
            Arc::new(above.fold(self.base.clone(), |scope, rule| rule.rule.applied_to(&scope)))
        };
        let here = self.rules.iter().filter(|rule| of_all(rule) || of_host(rule));
        let mut prefixes: Vec<&Prefix> = here.map(|rule| &rule.prefix).collect();
        prefixes.retain(|prefix| prefix.depth() > 0);
        prefixes.dedup();
        let below = prefixes.iter().rev().map(|prefix| ((*prefix).clone(), scope(prefix)));
        Table { root: scope(&Prefix::ROOT), below: below.collect() }
    }
}

/// The authority and the path of a target in absolute form ([RFC 9112] §3.2.2).
fn split_absolute(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    if scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        return None;
    }
    let (rest, _) = rest.split_once('?').unwrap_or((rest, ""));
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    Some((authority, if path.is_empty() { "/" } else { path }))
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPath(path) => write!(f, "not a path that a rule can have: {path:?}"),
            Self::BadHost(host) => write!(f, "not a host: {host:?}"),
            Self::NoScheme(path) => write!(f, "a logon is required but no scheme enabled: {path}"),
        }
    }
}

impl core::error::Error for ScopeError {}
