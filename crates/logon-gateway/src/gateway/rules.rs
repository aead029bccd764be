//! What routes demand: scopes by host and path, and who may pass.

use super::config::{Config, RequirementName, Route};
use super::identity::{Groups, User};
use logon::http::{Scheme, Scope, ScopeError, ScopeRule, Scopes};
use std::collections::BTreeMap;

/// Whether a route is for the listener of this name.
pub(crate) fn is_of(route: &Route, listener: Option<&str>) -> bool {
    route.listen.is_empty()
        || route.listen.iter().any(|name| Some(name.get_ref().as_str()) == listener)
}

/// The scopes of the listener of this name.
pub(crate) fn scopes(config: &Config, listener: Option<&str>) -> Result<Scopes, ScopeError> {
    let mut builder = Scopes::builder(config.logon.scope());
    if config.logon.requirement == RequirementName::Off {
        builder = builder.path("/", ScopeRule::off());
    }
    for (number, route) in (0_u32..).zip(&config.route) {
        if !is_of(route, listener) {
            continue;
        }
        let path = route.path.as_ref().map_or("/", |path| path.get_ref());
        let rule = rule(route, number);
        if route.hosts.is_empty() {
            builder = builder.path(path, rule);
            continue;
        }
        for host in &route.hosts {
            builder = builder.host_path(host.get_ref(), path, rule.clone());
        }
    }
    builder.build()
}

/// What a route changes. Its number is that of its restriction.
fn rule(route: &Route, number: u32) -> ScopeRule {
    let mut rule = ScopeRule::new();
    if let Some(requirement) = route.requirement {
        rule = rule.requirement(requirement.requirement());
    }
    if let Some(schemes) = &route.schemes {
        let schemes: Vec<Scheme> = schemes.iter().map(|name| name.scheme()).collect();
        rule = rule.schemes(&schemes);
    }
    if let Some(passes) = route.cors_preflight {
        rule = rule.cors_preflight(passes);
    }
    if let Some(schemes) = &route.pass_schemes {
        let schemes: Vec<&str> = schemes.iter().map(String::as_str).collect();
        rule = rule.pass_schemes(&schemes);
    }
    if let Some(ntlm) = &route.ntlm {
        rule = rule.ntlm(*ntlm.get_ref());
    }
    if route.users.is_some() || route.groups.is_some() {
        rule = rule.restrictions(&[number]);
    }
    rule
}

/// Who may pass where a route says who may, by the number of the route.
#[derive(Debug, Default)]
pub(crate) struct Restrictions(Vec<Option<Restriction>>);

#[derive(Debug)]
struct Restriction {
    everybody: bool,
    users: Groups,
    groups: Vec<String>,
}

impl Restrictions {
    pub(crate) fn of(config: &Config) -> Result<Self, String> {
        let domain = config.server.domain.as_str();
        let restrictions = config.route.iter().map(|route| Restriction::of(route, domain));
        restrictions.collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are any at all.
    pub(crate) fn exist(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// Whether every restriction of `scope` lets `user` pass. One that is not known lets nobody.
    pub(crate) fn allow(&self, scope: &Scope, user: &User, groups: &[String]) -> bool {
        scope.restrictions().iter().all(|number| {
            let index = usize::try_from(*number).unwrap_or(usize::MAX);
            let restriction = self.0.get(index).and_then(Option::as_ref);
            restriction.is_some_and(|restriction| restriction.allows(user, groups))
        })
    }
}

impl Restriction {
    fn of(route: &Route, domain: &str) -> Result<Option<Self>, String> {
        if route.users.is_none() && route.groups.is_none() {
            return Ok(None);
        }
        let list = |list: &Option<toml::Spanned<Vec<String>>>| {
            list.as_ref().map(|list| list.get_ref().clone()).unwrap_or_default()
        };
        let mut users = list(&route.users);
        let named = users.len();
        users.retain(|name| name != "*");
        let everybody = users.len() < named;
        let users = Groups::new(&BTreeMap::from([(USERS.to_owned(), users)]), Some(domain))
            .map_err(|error| format!("`users` of a route: {error}"))?;
        Ok(Some(Self { everybody, users, groups: list(&route.groups) }))
    }

    fn allows(&self, user: &User, groups: &[String]) -> bool {
        self.everybody
            || !self.users.of(user).is_empty()
            || self.groups.iter().any(|group| groups.contains(group))
    }
}

/// The users of a restriction, as a group.
const USERS: &str = "users";
