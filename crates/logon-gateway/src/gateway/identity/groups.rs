//! Which groups a user is in, by a table of the configuration file.

use super::user::User;
use logon::wire::Sid;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The groups of each member, worked out beforehand.
///
/// A member is `DOMAIN\user`; a user principal name, of users who have it for a name or beside
/// their name; or `user`, of the default domain, and if there is none, of an account without a
/// domain. `user` alone is never somebody of any domain: with two domains, a group that says
/// `admin` would have two of them. `S-1-5-21-…` is an account or a group of a domain, of users whose
/// tickets say so. Names compare without regard to case, as user files do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    names: Vec<String>,
    /// Domain and user, folded.
    by_name: HashMap<(String, String), Arc<[String]>>,
    /// User principal name, folded.
    by_upn: HashMap<String, Arc<[String]>>,
    by_sid: HashMap<Sid, Arc<[String]>>,
    nobodys: Arc<[String]>,
}

impl Groups {
    /// The groups of a table of group and members.
    ///
    /// # Errors
    /// What is wrong with it, for the administrator.
    pub(crate) fn new(
        table: &BTreeMap<String, Vec<String>>,
        default_domain: Option<&str>,
    ) -> Result<Self, String> {
        let mut names: Vec<String> = Vec::with_capacity(table.len());
        let mut by_name: HashMap<_, Vec<String>> = HashMap::new();
        let mut by_upn: HashMap<_, Vec<String>> = HashMap::new();
        let mut by_sid: HashMap<_, Vec<String>> = HashMap::new();
        for (group, members) in table {
            check_group(group)?;
            if let Some(same) = names.iter().find(|name| fold(name) == fold(group)) {
                return Err(format!("the groups {same:?} and {group:?} differ in case only"));
            }
            names.push(group.clone());
            for member in members {
                let problem = |what| format!("group {group:?}, member {member:?}: {what}");
                let groups = match Member::parse(member, default_domain).map_err(problem)? {
                    Member::Account(domain, user) => by_name.entry((domain, user)).or_default(),
                    Member::Principal(upn) => by_upn.entry(upn).or_default(),
                    Member::Sid(sid) => by_sid.entry(sid).or_default(),
                };
                if groups.last() == Some(group) {
                    return Err(problem("is there twice"));
                }
                groups.push(group.clone());
            }
        }
        Ok(Self {
            names,
            by_name: by_name.into_iter().map(|(key, groups)| (key, groups.into())).collect(),
            by_upn: by_upn.into_iter().map(|(key, groups)| (key, groups.into())).collect(),
            by_sid: by_sid.into_iter().map(|(key, groups)| (key, groups.into())).collect(),
            nobodys: Arc::default(),
        })
    }

    /// The groups of a user, in the order of their names.
    pub(crate) fn of(&self, user: &User) -> Arc<[String]> {
        if self.names.is_empty() {
            return self.nobodys.clone();
        }
        let key = (fold(user.name.domain()), fold(user.name.user()));
        // An account may be named by a principal name without having one beside it.
        let own = user.name.domain().is_empty().then_some(user.name.user());
        let upn = user.name.upn().or(own).map(fold);
        let by_upn = upn.and_then(|upn| self.by_upn.get(&upn));
        let by_sid = user.all_sids().filter_map(|sid| self.by_sid.get(sid));
        let mut found = self.by_name.get(&key).into_iter().chain(by_upn).chain(by_sid);
        let Some(first) = found.next() else { return self.nobodys.clone() };
        let Some(second) = found.next() else { return first.clone() };
        let lists = [first, second].into_iter().chain(found);
        let mut all: Vec<_> = lists.flat_map(|groups| groups.iter()).cloned().collect();
        all.sort();
        all.dedup();
        all.into()
    }
}

enum Member {
    Account(String, String),
    Principal(String),
    Sid(Sid),
}

impl Member {
    fn parse(name: &str, default_domain: Option<&str>) -> Result<Self, &'static str> {
        const FORM: &str =
            "is no name: write `DOMAIN\\user`, `user@dns.domain`, `user` or `S-1-5-21-…`";
        if name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("S-1-")) {
            return name.parse().map(Self::Sid).map_err(|_| FORM);
        }
        let (domain, user) = name.split_once('\\').unwrap_or(("", name));
        let parts = [name, domain, user];
        let is_wrong = |part: &&str| part.trim() != *part || part.contains(char::is_control);
        if user.is_empty() || user.contains('\\') || parts.iter().any(is_wrong) {
            return Err(FORM);
        }
        if name.contains('\\') {
            let is_account = !domain.is_empty() && !name.contains('@');
            return is_account.then(|| Self::Account(fold(domain), fold(user))).ok_or(FORM);
        }
        match name.rsplit_once('@') {
            Some(("", _) | (_, "")) => Err(FORM),
            Some(_) => Ok(Self::Principal(fold(name))),
            None => Ok(Self::Account(fold(default_domain.unwrap_or_default()), fold(name))),
        }
    }
}

fn check_group(name: &str) -> Result<(), String> {
    if name.is_empty() || name.trim() != name || name.contains(char::is_control) {
        return Err(format!(
            "{name:?} is no name of a group: it is empty, has a blank at an end, or a control \
             character"
        ));
    }
    Ok(())
}

/// As `logon_users` compares names: lower case character by character, whatever the locale.
fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::Groups;
    use crate::gateway::identity::{Sids, User};
    use logon::AccountName;
    use logon::http::Scheme;
    use std::collections::BTreeMap;

    fn table(groups: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let owned = |members: &[&str]| members.iter().map(|name| (*name).to_owned()).collect();
        groups.iter().map(|(name, members)| ((*name).to_owned(), owned(members))).collect()
    }

    fn user(domain: &str, user: &str, upn: Option<&str>) -> User {
        let mut name = AccountName::new(domain, user);
        if let Some(upn) = upn {
            name = name.with_upn(upn);
        }
        User::new(name, Scheme::Negotiate)
    }

    fn groups() -> Groups {
        let table = table(&[
            ("Wiki", &["corp\\Alice", "carol@lab.example", "Сергей", "dave"]),
            ("Admins", &["A.Lee@corp.example", "CORP\\bob"]),
            ("Empty", &[]),
        ]);
        Groups::new(&table, None).unwrap()
    }

    #[test]
    fn members_are_found_without_regard_to_case() {
        let groups = groups();
        assert_eq!(*groups.of(&user("CORP", "alice", None)), ["Wiki"]);
        assert_eq!(*groups.of(&user("Corp", "BOB", None)), ["Admins"]);
        assert_eq!(*groups.of(&user("", "СЕРГЕЙ", None)), ["Wiki"]);
        assert_eq!(groups.of(&user("CORP", "mallory", None)).len(), 0);
    }

    #[test]
    fn a_principal_name_finds_those_who_have_it_and_those_who_are_named_by_it() {
        let groups = groups();
        assert_eq!(*groups.of(&user("LAB", "c", Some("Carol@Lab.Example"))), ["Wiki"]);
        assert_eq!(*groups.of(&user("", "carol@lab.example", None)), ["Wiki"]);
        assert_eq!(groups.of(&user("LAB", "carol", None)).len(), 0);
        // By both names, each group once and in order.
        let both = user("CORP", "alice", Some("a.lee@corp.example"));
        assert_eq!(*groups.of(&both), ["Admins", "Wiki"]);
    }

    #[test]
    fn a_user_alone_is_of_the_default_domain_and_never_of_any() {
        let table = table(&[("Admins", &["dave"])]);
        let without = Groups::new(&table, None).unwrap();
        assert_eq!(*without.of(&user("", "dave", None)), ["Admins"]);
        assert_eq!(without.of(&user("EVIL", "dave", None)).len(), 0);
        let with = Groups::new(&table, Some("CORP")).unwrap();
        assert_eq!(*with.of(&user("corp", "Dave", None)), ["Admins"]);
        assert_eq!(with.of(&user("EVIL", "dave", None)).len(), 0);
        assert_eq!(with.of(&user("", "dave", None)).len(), 0);
    }

    // BX-6
    #[test]
    fn an_identifier_is_a_member_whoever_has_it() {
        let sid = |rid: u32| logon::wire::Sid::new(5, &[21, 1, 2, 3, rid]).unwrap();
        let members = ["S-1-5-21-1-2-3-513", "s-1-5-21-1-2-3-1104"];
        let groups =
            Groups::new(&table(&[("Staff", &members[..1]), ("Wiki", &members[1..])]), None)
                .unwrap();
        let sids = |user, groups: &[u32]| {
            let groups = groups.iter().map(|rid| sid(*rid)).collect();
            Some(Sids { user: sid(user), groups }.into())
        };
        let alice = user("CORP", "alice", None);
        assert!(groups.of(&alice).is_empty());
        let alice = User { sids: sids(1104, &[512, 513]), ..alice };
        assert_eq!(*groups.of(&alice), ["Staff", "Wiki"]);
        let bob = User { sids: sids(1105, &[513]), ..user("CORP", "bob", None) };
        assert_eq!(*groups.of(&bob), ["Staff"]);
        assert!(Groups::new(&table(&[("Wiki", &["S-1-5-x"])]), None).is_err());
    }

    #[test]
    fn wrong_tables_are_refused() {
        for (groups, part) in [
            (&[("Wiki", &["CORP\\"] as &[&str])] as &[(&str, &[&str])], "is no name"),
            (&[("Wiki", &["\\alice"])], "is no name"),
            (&[("Wiki", &["A\\B\\c"])], "is no name"),
            (&[("Wiki", &["CORP\\alice@corp"])], "is no name"),
            (&[("Wiki", &["@corp"])], "is no name"),
            (&[("Wiki", &[" alice"])], "is no name"),
            (&[("Wiki", &["alice\n"])], "is no name"),
            (&[("Wiki", &[""])], "is no name"),
            (&[("Wiki", &["CORP\\alice", "corp\\ALICE"])], "is there twice"),
            (&[("Wiki", &[]), ("wiki", &[])], "differ in case only"),
            (&[("", &[])], "no name of a group"),
            (&[("Wi\nki", &[])], "no name of a group"),
        ] {
            let error = Groups::new(&table(groups), None).unwrap_err();
            assert!(error.contains(part), "{groups:?}: {error}");
        }
    }
}
