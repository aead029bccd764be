//! What the types of the values cannot say: that things fit together.

use super::read::Finding;
use super::schema::{Config, Listen, Route};
use crate::gateway::identity::{Groups, JwtConfig};
use crate::gateway::proxy::UpstreamUrl;
use crate::gateway::rules;
use logon::http::{Requirement, Scope, ScopeError, ScopeRule, Scopes};
use std::collections::BTreeSet;
use toml::Spanned;

pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    listeners(config, &mut findings);
    upstreams(config, &mut findings);
    passes(config, &mut findings);
    for route in &config.route {
        names(config, route, &mut findings);
        place(route, &mut findings);
    }
    if let Some(kerberos) = &config.kerberos {
        let found = kerberos.findings().into_iter();
        findings.extend(found.map(|(span, message)| Finding::at(span, message)));
    }
    ntlm(config, &mut findings);
    if let Err(error) = Groups::new(&config.groups, Some(&config.server.domain)) {
        findings.push(Finding::new(format!("[groups]: {error}")));
    }
    if let Err(error) = rules::Restrictions::of(config) {
        findings.push(Finding::new(error));
    }
    // The rest is about how routes work together, and needs each of them to be right.
    if findings.is_empty() {
        scopes(config, &mut findings);
    }
    findings
}

/// Without NTLM and without keys there is nothing left of `Negotiate`.
fn ntlm(config: &Config, findings: &mut Vec<Finding>) {
    if config.kerberos.is_some() {
        return;
    }
    const WHY: &str = "without NTLM only Kerberos is left of Negotiate, and there is no [kerberos]";
    if !config.logon.ntlm {
        findings.push(Finding::new(format!("[logon] ntlm: {WHY}")));
    }
    let routes = config.route.iter().filter_map(|route| route.ntlm.as_ref());
    let off = routes.filter(|ntlm| !ntlm.get_ref());
    findings.extend(off.map(|ntlm| Finding::at(ntlm.span(), WHY)));
}

fn listeners(config: &Config, findings: &mut Vec<Finding>) {
    if config.listen.is_empty() {
        findings.push(Finding::new(
            "there is no [[listen]]: say `[[listen]]` and `address = \"127.0.0.1:8080\"`",
        ));
    }
    let mut addresses = BTreeSet::new();
    let mut listener_names = BTreeSet::new();
    for listen in &config.listen {
        let address = *listen.address.get_ref();
        if address.port() != 0 && !addresses.insert(address) {
            let message = format!("another listener has the address {address}");
            findings.push(Finding::at(listen.address.span(), message));
        }
        if let Some(name) = &listen.name
            && !listener_names.insert(name)
        {
            let message = format!("another listener is called {name:?}");
            findings.push(Finding::at(listen.address.span(), message));
        }
        if let Some(wrong) = tls(listen) {
            findings.push(Finding::at(listen.address.span(), wrong));
        }
        if config
            .admin
            .as_ref()
            .is_some_and(|admin| admin.address == address && address.port() != 0)
        {
            let message = "[admin] has the same address: give it one that only operators reach";
            findings.push(Finding::at(listen.address.span(), message));
        }
    }
    if config.limits.connections == 0 || config.limits.streams == 0 {
        findings.push(Finding::new("[limits]: with none allowed, nobody could connect"));
    }
    if config.limits.head_bytes < 8192 {
        findings.push(Finding::new(
            "[limits] head_bytes: a request with a token and cookies needs 8192 or more",
        ));
    }
}

fn tls(listen: &Listen) -> Option<&'static str> {
    let has_certificate = listen.certificate.is_some() || listen.self_signed.is_some();
    match (&listen.certificate, &listen.key, &listen.self_signed) {
        (Some(_), _, Some(_)) => Some("say either `certificate` and `key`, or `self_signed`"),
        (Some(_), None, _) => Some("`certificate` needs the `key` that belongs to it"),
        (None, Some(_), _) => Some("`key` needs the `certificate` that it belongs to"),
        _ if listen.tls_in_front.is_some() && has_certificate => {
            Some("`tls_in_front` is for a listener that does not speak TLS itself")
        }
        _ if !listen.site.is_empty() && !has_certificate => {
            Some("`site` needs a `certificate` for clients that ask for another name")
        }
        _ if listen.http2 && !has_certificate => {
            Some("`http2` needs TLS: set `certificate` and `key`")
        }
        _ => None,
    }
}

fn upstreams(config: &Config, findings: &mut Vec<Finding>) {
    if let Some(upstream) = &config.upstream {
        target(config, upstream, findings);
    }
    let has_target = |route: &Route| route.upstream.is_some();
    if config.upstream.is_none() && !config.route.iter().any(has_target) {
        findings.push(Finding::new(
            "no request would go anywhere: say `upstream = \"http://127.0.0.1:3000\"`",
        ));
    }
    for (name, upstream) in &config.upstreams {
        if upstream.urls.is_empty() {
            findings.push(Finding::new(format!("[upstreams.{name}]: `urls` is empty")));
        }
    }
}

/// Credentials that the application has to verify must reach it.
fn passes(config: &Config, findings: &mut Vec<Finding>) {
    let jwt = config.identity.jwt.as_ref();
    let taken = jwt.is_some_and(JwtConfig::takes_authorization);
    let routes = config.route.iter().filter_map(|route| route.pass_schemes.as_ref());
    let any = routes.chain([&config.logon.pass_schemes]).any(|schemes| !schemes.is_empty());
    if taken && any {
        findings.push(Finding::new(
            "[identity.jwt] takes the field Authorization, so credentials of `pass_schemes` would \
             never reach the application that has to verify them: say `field = \"X-Logon-Token\"` \
             under [identity.jwt], or leave `pass_schemes` out",
        ));
    }
}

/// A URL, or a name of `[upstreams]`.
fn target(config: &Config, upstream: &Spanned<String>, findings: &mut Vec<Finding>) {
    let text = upstream.get_ref();
    if config.upstreams.contains_key(text) {
        return;
    }
    let message = if text.contains("://") {
        match text.parse::<UpstreamUrl>() {
            Ok(_) => return,
            Err(error) => error.to_string(),
        }
    } else {
        format!("there is no [upstreams.{text}], and it is no URL such as http://127.0.0.1:3000")
    };
    findings.push(Finding::at(upstream.span(), message));
}

/// What a route names has to exist.
fn names(config: &Config, route: &Route, findings: &mut Vec<Finding>) {
    if let Some(upstream) = &route.upstream {
        target(config, upstream, findings);
    }
    for name in &route.listen {
        let is_it = |listen: &Listen| listen.name.as_ref() == Some(name.get_ref());
        if !config.listen.iter().any(is_it) {
            let message = format!("no [[listen]] has `name = {:?}`", name.get_ref());
            findings.push(Finding::at(name.span(), message));
        }
    }
    for list in [&route.users, &route.groups].into_iter().flatten() {
        if list.get_ref().is_empty() {
            let message = "nobody could pass; leave it out, or say `users = [\"*\"]` for everybody \
                           who has logged on";
            findings.push(Finding::at(list.span(), message));
        }
    }
    if let Some(groups) = &route.groups {
        for group in groups.get_ref() {
            if !config.groups.contains_key(group) {
                let message = format!("[groups] has no {group:?}, so nobody is a member");
                findings.push(Finding::at(groups.span(), message));
            }
        }
    }
}

/// Hosts and path have to be such that a rule can have.
fn place(route: &Route, findings: &mut Vec<Finding>) {
    let rule = || Scopes::builder(Scope::off());
    for host in &route.hosts {
        if let Err(error) = rule().host(host.get_ref(), ScopeRule::new()).build() {
            let message = format!("{error}: a name such as web.corp.example, without a port");
            findings.push(Finding::at(host.span(), message));
        }
    }
    if let Some(path) = &route.path
        && let Err(error) = rule().path(path.get_ref(), ScopeRule::new()).build()
    {
        let message = format!("{error}: it begins with a slash and is written decoded");
        findings.push(Finding::at(path.span(), message));
    }
}

fn scopes(config: &Config, findings: &mut Vec<Finding>) {
    for listen in &config.listen {
        let scopes = match rules::scopes(config, listen.name.as_deref()) {
            Ok(scopes) => scopes,
            Err(error) => {
                findings.push(Finding::new(no_scheme(&error)));
                return;
            }
        };
        let routes = || {
            let is_here = |route: &&Route| rules::is_of(route, listen.name.as_deref());
            config.route.iter().filter(is_here)
        };
        let hosts = routes().flat_map(|route| &route.hosts);
        let hosts: BTreeSet<&str> = hosts.map(|host| host.get_ref().as_str()).collect();
        for restricted in routes() {
            let Some(span) = restriction(restricted) else { continue };
            for host in [None].into_iter().chain(hosts.iter().map(Some)) {
                let is_own = |own: &Spanned<String>| host.is_some_and(|host| own.get_ref() == host);
                if !restricted.hosts.is_empty() && !restricted.hosts.iter().any(is_own) {
                    continue;
                }
                if let Some(message) = passed_by_strangers(config, &scopes, restricted, host) {
                    findings.push(Finding::at(span, message));
                    return;
                }
            }
        }
    }
}

/// Where strangers pass although a restriction holds there: at its own place, or at one below
/// where another route lets them in and leaves the restriction in force. The user it names would
/// be let in there, others who have logged on would not, and whoever does not log on would.
fn passed_by_strangers(
    config: &Config,
    scopes: &Scopes,
    restricted: &Route,
    host: Option<&&str>,
) -> Option<String> {
    let own = path(restricted);
    let number = config.route.iter().position(|route| std::ptr::eq(route, restricted))?;
    let number = u32::try_from(number).ok()?;
    let host_bytes = host.map(|host| host.as_bytes());
    let below = config.route.iter().map(path).filter(|path| is_below(path, own));
    for path in [own].into_iter().chain(below) {
        let scope = scopes.find(host_bytes, path);
        let holds = scope.restrictions().contains(&number);
        // Who opens a place below altogether has said so, and nobody is looked at there.
        let is_opened = scope.requirement() == Requirement::Off && path != own;
        if holds && scope.requirement() != Requirement::Required && !is_opened {
            return Some(if path == own && (restricted.hosts.len() == 1 || host.is_none()) {
                "strangers pass here, and these would have to: say `requirement = \"required\"`"
                    .to_owned()
            } else {
                let host = host.copied().unwrap_or_default();
                format!(
                    "strangers pass at {host}{path}, where this holds, too: say `requirement = \
                     \"required\"` in a route for that place, or `users = [\"*\"]` if they may"
                )
            });
        }
    }
    None
}

fn path(route: &Route) -> &str {
    route.path.as_ref().map_or("/", |path| path.get_ref())
}

fn is_below(path: &str, above: &str) -> bool {
    let above = above.trim_end_matches('/');
    path.strip_prefix(above).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}

fn no_scheme(error: &ScopeError) -> String {
    format!("{error}; enable one with `schemes`, or say `requirement = \"off\"`")
}

/// Where a route says who may.
fn restriction(route: &Route) -> Option<std::ops::Range<usize>> {
    let lists = [&route.users, &route.groups];
    let everybody = |list: &&Spanned<Vec<String>>| !list.get_ref().iter().any(|name| name == "*");
    lists.into_iter().flatten().find(everybody).map(Spanned::span)
}
