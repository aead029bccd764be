//! The fields that tell the application who a request is from.

use super::config::{IdentityConfig, UserFormat};
use super::field_name::{FieldName, TokenField};
use super::jwt::Signer;
use super::removal::{RemovedFields, bare, normalized};
use super::user::User;
use http::HeaderValue;
use http::header::{AUTHORIZATION, HeaderName};
use logon::wire::Sid;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Writes the fields.
#[derive(Debug)]
pub(crate) struct IdentityFields {
    user: Vec<HeaderName>,
    scheme: Vec<HeaderName>,
    upn: Vec<HeaderName>,
    groups: Vec<HeaderName>,
    domain: Vec<HeaderName>,
    sid: Vec<HeaderName>,
    group_sids: Vec<HeaderName>,
    group_sids_bytes: usize,
    format: UserFormat,
    token: Option<(HeaderName, Signer)>,
    removed: Arc<RemovedFields>,
    /// What was written before, without the token, by users. Of two of one name in different
    /// domains it is the last one.
    known: Mutex<HashMap<String, Known>>,
}

/// The fields of a user, and what else they were written from.
#[derive(Debug)]
struct Known {
    user: User,
    groups: Vec<String>,
    fields: Arc<[(HeaderName, HeaderValue)]>,
}

/// Users that are known at a time.
const MAX_KNOWN: usize = 4096;

/// Why a user cannot be passed on. A name is refused rather than altered: what it would be altered
/// to may be the name of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IdentityError {
    /// There is no user in the name.
    Empty,
    /// A line break or another control character: the end of the field, or of a line in a log.
    ControlCharacter,
    /// A blank at an end, which receivers take away.
    OuterBlank,
    /// A backslash in one of the parts: which one was meant to be between them?
    Backslash,
    /// No user principal name, where users are passed on by it.
    NoPrincipalName,
    /// The list of the identifiers of so many groups is too long.
    TooManyGroups(usize),
    /// The signed token cannot be made.
    Token(String),
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the user's name is empty"),
            Self::ControlCharacter => f.write_str("the user's name has a control character in it"),
            Self::OuterBlank => f.write_str("the user's name has a blank at an end"),
            Self::Backslash => f.write_str("the user's name has a backslash too many"),
            Self::NoPrincipalName => f.write_str(
                "the user has no user principal name, and identity.format is \"upn\": give it one \
                 (`upn=` in a user file) or use another format",
            ),
            Self::TooManyGroups(count) => write!(
                f,
                "the identifiers of {count} groups are longer than identity.group_sids_bytes; raise \
                 it if the application takes such fields"
            ),
            Self::Token(problem) => write!(f, "the token cannot be signed: {problem}"),
        }
    }
}

impl IdentityFields {
    /// Reads the key of tokens; its path is relative to `folder`.
    ///
    /// # Errors
    /// What the administrator has to change.
    pub(crate) fn new(config: &IdentityConfig, folder: &Path) -> Result<Self, String> {
        check_names(config)?;
        let token = match &config.jwt {
            Some(jwt) => {
                let field = match &jwt.field {
                    TokenField::Authorization => AUTHORIZATION,
                    TokenField::Named(name) => name.name().clone(),
                };
                Some((field, Signer::load(jwt, folder)?))
            }
            None => None,
        };
        let mut removed = RemovedFields::new(named(config).map(|(_, name)| name));
        if let Some((field, _)) = &token {
            // A client's own `Authorization` too: it would be believed as ours.
            removed.add(field.as_str());
        }
        for name in &config.remove {
            removed.add(name.name().as_str());
        }
        let names = |names: &[FieldName]| names.iter().map(|name| name.name().clone()).collect();
        Ok(Self {
            user: names(&config.user),
            scheme: names(&config.scheme),
            upn: names(&config.upn),
            groups: names(&config.groups),
            domain: names(&config.domain),
            sid: names(&config.sid),
            group_sids: names(&config.group_sids),
            group_sids_bytes: config.group_sids_bytes,
            format: config.format,
            token,
            removed: Arc::new(removed),
            known: Mutex::default(),
        })
    }

    /// What is not passed on from clients, whether or not anybody is logged on.
    pub(crate) fn removed(&self) -> Arc<RemovedFields> {
        self.removed.clone()
    }

    /// The fields for one request, each name once. They take the place of any of the same name.
    ///
    /// # Errors
    /// [`IdentityError`]; the request must not be passed on then.
    pub(crate) fn fields(
        &self,
        user: &User,
        groups: &[String],
        now: SystemTime,
    ) -> Result<Arc<[(HeaderName, HeaderValue)]>, IdentityError> {
        let fields = match self.known(user, groups) {
            Some(fields) => fields,
            None => {
                let fields = Arc::from(self.written(user, groups)?);
                self.remember(user, groups, &fields);
                fields
            }
        };
        let Some((field, signer)) = &self.token else { return Ok(fields) };
        let token = signer.token(user, groups, now).map_err(IdentityError::Token)?;
        Ok(fields.iter().cloned().chain([(field.clone(), token)]).collect())
    }

    fn known(&self, user: &User, groups: &[String]) -> Option<Arc<[(HeaderName, HeaderValue)]>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(user.name.user())?;
        let same = known.user == *user && known.groups == groups;
        same.then(|| Arc::clone(&known.fields))
    }

    /// For the next request of the same user; most have many.
    fn remember(&self, user: &User, groups: &[String], fields: &Arc<[(HeaderName, HeaderValue)]>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        let entry =
            Known { user: user.clone(), groups: groups.to_vec(), fields: Arc::clone(fields) };
        known.insert(user.name.user().to_owned(), entry);
    }

    /// All but the token.
    fn written(
        &self,
        user: &User,
        groups: &[String],
    ) -> Result<Vec<(HeaderName, HeaderValue)>, IdentityError> {
        check_user(user)?;
        let mut fields = Vec::with_capacity(8);
        let mut add = |names: &[HeaderName], value: HeaderValue| {
            fields.extend(names.iter().map(|name| (name.clone(), value.clone())));
        };
        // A name that the application is not told need not have a form.
        if !self.user.is_empty() {
            add(&self.user, value(&self.formatted(user)?)?);
        }
        add(&self.scheme, HeaderValue::from_static(user.scheme.name()));
        if let (false, Some(upn)) = (self.upn.is_empty(), user.name.upn()) {
            add(&self.upn, value(upn)?);
        }
        if !self.groups.is_empty() && !groups.is_empty() {
            add(&self.groups, value(&listed(groups))?);
        }
        if !self.domain.is_empty() && !user.name.domain().is_empty() {
            add(&self.domain, value(user.name.domain())?);
        }
        if let Some(sids) = &user.sids {
            if !self.sid.is_empty() {
                add(&self.sid, value(&sids.user.to_string())?);
            }
            if !self.group_sids.is_empty() && !sids.groups.is_empty() {
                add(&self.group_sids, value(&self.listed_sids(&sids.groups)?)?);
            }
        }
        Ok(fields)
    }

    fn listed_sids(&self, groups: &[Sid]) -> Result<String, IdentityError> {
        let mut list = String::new();
        for sid in groups {
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(&sid.to_string());
            if list.len() > self.group_sids_bytes {
                return Err(IdentityError::TooManyGroups(groups.len()));
            }
        }
        Ok(list)
    }

    fn formatted(&self, user: &User) -> Result<String, IdentityError> {
        let (domain, name) = (user.name.domain(), user.name.user());
        match self.format {
            UserFormat::DomainUser => Ok(domain_user(user)),
            UserFormat::User if domain.is_empty() => {
                Ok(name.rsplit_once('@').map_or(name, |(local, _)| local).to_owned())
            }
            UserFormat::User => Ok(name.to_owned()),
            UserFormat::Upn => {
                let own = (domain.is_empty() && name.contains('@')).then_some(name);
                let upn = user.name.upn().or(own).ok_or(IdentityError::NoPrincipalName)?;
                Ok(upn.to_owned())
            }
        }
    }
}

/// `DOMAIN\user`, or the whole name of an account without a domain.
pub(super) fn domain_user(user: &User) -> String {
    match (user.name.domain(), user.name.user()) {
        ("", name) => name.to_owned(),
        (domain, name) => format!("{domain}\\{name}"),
    }
}

/// The groups with a comma between them; `%` and `,` in a name, and blanks at its ends, as the
/// hexadecimal digits of their bytes.
fn listed(groups: &[String]) -> String {
    let mut list = String::new();
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            list.push(',');
        }
        let inner = group.trim();
        let start = group.len().saturating_sub(group.trim_start().len());
        let end = start.saturating_add(inner.len());
        for (position, character) in group.char_indices() {
            let is_outer = position < start || position >= end;
            if is_outer || matches!(character, '%' | ',') || is_line_or_control(character) {
                let mut bytes = [0_u8; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    list.push_str(&format!("%{byte:02X}"));
                }
            } else {
                list.push(character);
            }
        }
    }
    list
}

/// Controls, and what Unicode calls line and paragraph separators.
fn is_line_or_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

fn check_user(user: &User) -> Result<(), IdentityError> {
    let (domain, name) = (user.name.domain(), user.name.user());
    if name.is_empty() || user.name.upn().is_some_and(str::is_empty) {
        return Err(IdentityError::Empty);
    }
    if domain.contains('\\') || name.contains('\\') {
        return Err(IdentityError::Backslash);
    }
    for part in [domain, name, user.name.upn().unwrap_or_default()] {
        // Most are, and the rest takes its time.
        if part.bytes().all(|byte| byte.is_ascii_graphic()) {
            continue;
        }
        if part.contains(is_line_or_control) {
            return Err(IdentityError::ControlCharacter);
        }
        if part.trim() != part {
            return Err(IdentityError::OuterBlank);
        }
    }
    Ok(())
}

fn value(text: &str) -> Result<HeaderValue, IdentityError> {
    if text.is_empty() {
        return Err(IdentityError::Empty);
    }
    if text.trim() != text {
        return Err(IdentityError::OuterBlank);
    }
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| IdentityError::ControlCharacter)
}

/// The configured names with what they are for, without those to remove.
fn named(config: &IdentityConfig) -> impl Iterator<Item = (&'static str, &FieldName)> {
    let lists = [
        ("user", &config.user),
        ("scheme", &config.scheme),
        ("upn", &config.upn),
        ("groups", &config.groups),
        ("domain", &config.domain),
        ("sid", &config.sid),
        ("group_sids", &config.group_sids),
    ];
    lists.into_iter().flat_map(|(list, names)| names.iter().map(move |name| (list, name)))
}

/// One field has one meaning, also for applications that write all spellings of it as one.
fn check_names(config: &IdentityConfig) -> Result<(), String> {
    let token = config.jwt.as_ref().and_then(|jwt| match &jwt.field {
        TokenField::Authorization => None,
        TokenField::Named(name) => Some(("jwt.field", name)),
    });
    let mut seen: Vec<(&str, &FieldName)> = Vec::new();
    for (list, name) in named(config).chain(token) {
        for (other_list, other) in &seen {
            if name.name() == other.name() {
                return Err(format!("identity: the field {name} is there twice"));
            }
            let same = |one: &FieldName, other: &FieldName| {
                let (one, other) =
                    (normalized(one.name().as_str()), normalized(other.name().as_str()));
                bare(&one) == bare(&other)
            };
            if list != *other_list && same(name, other) {
                return Err(format!(
                    "identity: {other_list} has the field {other} and {list} has {name}, which \
                     applications may take for the same; give one of them another name"
                ));
            }
        }
        seen.push((list, name));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
