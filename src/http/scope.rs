//! What is demanded of requests for one resource.

use super::Scheme;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What happens to a request without a logon, and to one whose logon fails.
/// See [RFC 9110] §11.6.1.
///
/// | | no credentials | a logon that fails | a logon that succeeds |
/// |---|---|---|---|
/// | `Off` | passes | is not looked at, passes | is not looked at, passes |
/// | `AppChallenges` | passes | passes, anonymous | passes with the identity |
/// | `Optional` | passes | 401 | passes with the identity |
/// | `Required` | 401 | 401 | passes with the identity |
///
/// They are ordered by how much they refuse, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Requirement {
    /// Nothing is looked at, everything passes.
    Off,
    /// Everything passes, failed logons too, and the application answers 401 itself or serves
    /// anonymously. Its 401 gets the challenges.
    AppChallenges,
    /// Whoever does not log on passes anonymously; whoever tries and fails gets 401.
    Optional,
    /// Nobody passes without a logon.
    Required,
}

/// What is demanded of requests for one resource: the schemes that are enabled, and what happens
/// without a logon ([RFC 9110] §11.5, §11.6.1).
///
/// ```
/// use logon::http::{Requirement, Scheme, Scope};
///
/// let scope = Scope::required(&[Scheme::Negotiate]).with_pass_schemes(&["Bearer"]);
/// assert_eq!(scope.requirement(), Requirement::Required);
/// assert!(scope.passes(b"bearer"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    schemes: Arc<[Scheme]>,
    requirement: Requirement,
    cors_preflight: bool,
    pass_schemes: Arc<[String]>,
    restrictions: Arc<[u32]>,
    ntlm: bool,
}

impl Scope {
    /// Nothing is looked at.
    #[must_use]
    pub fn off() -> Self {
        Self::new(Requirement::Off, &[])
    }

    /// The application says who needs a logon, by answering 401.
    #[must_use]
    pub fn app_challenges(schemes: &[Scheme]) -> Self {
        Self::new(Requirement::AppChallenges, schemes)
    }

    /// Who wants to may log on.
    #[must_use]
    pub fn optional(schemes: &[Scheme]) -> Self {
        Self::new(Requirement::Optional, schemes)
    }

    /// Everybody has to log on. With no scheme nobody can, and [`super::ScopesBuilder::build`]
    /// takes that for an error.
    #[must_use]
    pub fn required(schemes: &[Scheme]) -> Self {
        Self::new(Requirement::Required, schemes)
    }

    fn new(requirement: Requirement, schemes: &[Scheme]) -> Self {
        Self {
            schemes: distinct(schemes),
            requirement,
            cors_preflight: false,
            pass_schemes: Arc::from([]),
            restrictions: Arc::from([]),
            ntlm: true,
        }
    }

    /// Whether a CORS preflight passes without a logon, as browsers send it: see
    /// [`is_cors_preflight`]. Default: no.
    #[must_use]
    pub fn with_cors_preflight(self, passes: bool) -> Self {
        Self { cors_preflight: passes, ..self }
    }

    /// Schemes whose credentials pass to the application untouched and anonymously even where a
    /// logon is required, such as `Bearer`. Default: none.
    ///
    /// # Security
    /// Anybody can write `Bearer x`. The application has to verify such credentials, and refuse
    /// the request if it cannot.
    #[must_use]
    pub fn with_pass_schemes(self, names: &[&str]) -> Self {
        Self { pass_schemes: names.iter().map(|name| String::from(*name)).collect(), ..self }
    }

    /// Numbers of restrictions of the embedder's own on who may pass: users, groups. They change
    /// nothing here; whoever hands requests to the application has to hold the identity against
    /// every one of [`Self::restrictions`], and answers 403 ([RFC 9110] §15.5.4) if one forbids
    /// it. Default: none.
    #[must_use]
    pub fn with_restrictions(self, numbers: &[u32]) -> Self {
        Self { restrictions: Arc::from(numbers), ..self }
    }

    /// Whether NTLM is taken here, by itself and within `Negotiate`; without, `Negotiate` is
    /// Kerberos and nothing else, and a logon by NTLM from elsewhere does not count. Default: yes,
    /// as far as [`crate::AcceptorConfig::with_ntlm`] has it.
    #[must_use]
    pub fn with_ntlm(self, ntlm: bool) -> Self {
        Self { ntlm, ..self }
    }

    /// The enabled schemes, in the order to offer them. Credentials of another are not looked at.
    #[must_use]
    pub fn schemes(&self) -> &Arc<[Scheme]> {
        &self.schemes
    }

    /// What happens without a logon.
    #[must_use]
    pub fn requirement(&self) -> Requirement {
        self.requirement
    }

    /// Whether a CORS preflight passes without a logon.
    #[must_use]
    pub fn cors_preflight(&self) -> bool {
        self.cors_preflight
    }

    /// Whether NTLM is taken, as far as the configuration has it.
    #[must_use]
    pub fn ntlm(&self) -> bool {
        self.ntlm
    }

    /// Whether credentials of the scheme of this name pass even where a logon is required. Those
    /// of an enabled scheme never do.
    #[must_use]
    pub fn passes(&self, scheme: &[u8]) -> bool {
        let enabled = Scheme::from_name(scheme).is_some_and(|known| self.schemes.contains(&known));
        !enabled && self.pass_schemes.iter().any(|name| is_same(name, scheme))
    }

    /// The restrictions to hold an identity against. Where a path can be read in several ways,
    /// those of all that it can lead to.
    #[must_use]
    pub fn restrictions(&self) -> &[u32] {
        &self.restrictions
    }

    /// The scope that demands what both demand.
    ///
    /// Of two requirements the stricter one wins, with its schemes and exceptions: the laxer lets
    /// everybody pass anyway. Of the same requirement, only what both allow is allowed; if they
    /// have no scheme in common, the schemes of that which forbids the weaker ones. The
    /// restrictions of both hold in any case.
    pub(super) fn stricter(one: &Arc<Self>, other: &Arc<Self>) -> Arc<Self> {
        if one == other {
            return Arc::clone(one);
        }
        if one.requirement != other.requirement {
            let (winner, loser) =
                if one.requirement > other.requirement { (one, other) } else { (other, one) };
            return Self::restricted_as(winner, loser);
        }
        let both = |name: &&String| other.pass_schemes.iter().any(|n| is_same(n, name.as_bytes()));
        Arc::new(Self {
            schemes: common(&one.schemes, &other.schemes),
            requirement: one.requirement,
            cors_preflight: one.cors_preflight && other.cors_preflight,
            pass_schemes: one.pass_schemes.iter().filter(both).cloned().collect(),
            restrictions: union(&one.restrictions, &other.restrictions),
            ntlm: one.ntlm && other.ntlm,
        })
    }

    fn restricted_as(scope: &Arc<Self>, other: &Self) -> Arc<Self> {
        if other.restrictions.iter().all(|number| scope.restrictions.contains(number)) {
            return Arc::clone(scope);
        }
        let restrictions = union(&scope.restrictions, &other.restrictions);
        Arc::new(Self { restrictions, ..Self::clone(scope) })
    }
}

/// What a rule changes. What it leaves unset, it inherits from the rules above it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeRule {
    schemes: Option<Arc<[Scheme]>>,
    requirement: Option<Requirement>,
    cors_preflight: Option<bool>,
    pass_schemes: Option<Arc<[String]>>,
    restrictions: Option<Arc<[u32]>>,
    ntlm: Option<bool>,
}

impl ScopeRule {
    /// Changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing is looked at.
    #[must_use]
    pub fn off() -> Self {
        Self::default().requirement(Requirement::Off)
    }

    /// Everybody has to log on, with the schemes inherited.
    #[must_use]
    pub fn required() -> Self {
        Self::default().requirement(Requirement::Required)
    }

    /// Whoever has not logged on passes, too.
    #[must_use]
    pub fn optional() -> Self {
        Self::default().requirement(Requirement::Optional)
    }

    /// The application sees everybody, those too whose logon failed, and challenges by itself.
    #[must_use]
    pub fn app_challenges() -> Self {
        Self::default().requirement(Requirement::AppChallenges)
    }

    /// What happens without a logon.
    #[must_use]
    pub fn requirement(self, requirement: Requirement) -> Self {
        Self { requirement: Some(requirement), ..self }
    }

    /// The enabled schemes, in the order to offer them.
    #[must_use]
    pub fn schemes(self, schemes: &[Scheme]) -> Self {
        Self { schemes: Some(distinct(schemes)), ..self }
    }

    /// See [`Scope::with_cors_preflight`].
    #[must_use]
    pub fn cors_preflight(self, passes: bool) -> Self {
        Self { cors_preflight: Some(passes), ..self }
    }

    /// See [`Scope::with_pass_schemes`].
    ///
    /// # Security
    /// The same as there: the application has to verify these credentials.
    #[must_use]
    pub fn pass_schemes(self, names: &[&str]) -> Self {
        let names = names.iter().map(|name| String::from(*name)).collect();
        Self { pass_schemes: Some(names), ..self }
    }

    /// See [`Scope::with_restrictions`]; they take the place of those inherited.
    #[must_use]
    pub fn restrictions(self, numbers: &[u32]) -> Self {
        Self { restrictions: Some(Arc::from(numbers)), ..self }
    }

    /// See [`Scope::with_ntlm`].
    #[must_use]
    pub fn ntlm(self, ntlm: bool) -> Self {
        Self { ntlm: Some(ntlm), ..self }
    }

    /// `scope` with this rule's changes.
    pub(super) fn applied_to(&self, scope: &Scope) -> Scope {
        Scope {
            schemes: self.schemes.clone().unwrap_or_else(|| Arc::clone(&scope.schemes)),
            requirement: self.requirement.unwrap_or(scope.requirement),
            cors_preflight: self.cors_preflight.unwrap_or(scope.cors_preflight),
            pass_schemes: self.pass_schemes.clone().unwrap_or_else(|| scope.pass_schemes.clone()),
            restrictions: self.restrictions.clone().unwrap_or_else(|| scope.restrictions.clone()),
            ntlm: self.ntlm.unwrap_or(scope.ntlm),
        }
    }
}

/// Whether a request is what a browser sends to ask whether it may send another one across
/// origins: it carries no credentials, ever, and a 401 to it means no ([Fetch] §3.3.2, "CORS
/// preflight request"). `has_origin` and `has_request_method` say whether there are the fields
/// `Origin` and `Access-Control-Request-Method`.
///
/// [Fetch]: https://fetch.spec.whatwg.org/#cors-preflight-request
///
/// # Security
/// Anybody can write such a request. Let it pass only where `OPTIONS` does nothing.
#[must_use]
pub fn is_cors_preflight(method: &str, has_origin: bool, has_request_method: bool) -> bool {
    method == "OPTIONS" && has_origin && has_request_method
}

fn is_same(name: &str, other: &[u8]) -> bool {
    name.as_bytes().eq_ignore_ascii_case(other)
}

/// A scheme that stands twice would be offered twice.
fn distinct(schemes: &[Scheme]) -> Arc<[Scheme]> {
    let mut distinct = Vec::with_capacity(schemes.len());
    for scheme in schemes {
        if !distinct.contains(scheme) {
            distinct.push(*scheme);
        }
    }
    Arc::from(distinct)
}

fn union(one: &Arc<[u32]>, other: &Arc<[u32]>) -> Arc<[u32]> {
    let more = other.iter().filter(|number| !one.contains(number));
    one.iter().chain(more).copied().collect()
}

/// The schemes that are in both lists; if there is none, the list whose weakest is the stronger.
fn common(one: &Arc<[Scheme]>, other: &Arc<[Scheme]>) -> Arc<[Scheme]> {
    let common: Vec<Scheme> = one.iter().filter(|scheme| other.contains(scheme)).copied().collect();
    if !common.is_empty() {
        return Arc::from(common);
    }
    let rank = |scheme: &Scheme| Scheme::ALL.iter().position(|known| known == scheme);
    let weakest = |schemes: &[Scheme]| schemes.iter().map(rank).max();
    Arc::clone(if weakest(other) < weakest(one) { other } else { one })
}
