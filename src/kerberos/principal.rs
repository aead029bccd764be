//! Names of principals that outlive what they were read from.

use crate::wire::krb5::Principal;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// A principal: a name of components in a realm ([RFC 4120] §6.1, §6.2).
///
/// Two are equal if realm and components are, to the letter: `name-type` is a hint. It is parsed
/// from and written as `HTTP/web01.corp.example@CORP.EXAMPLE` ([RFC 1964] §2.1.1).
#[derive(Debug, Clone)]
pub struct PrincipalName {
    realm: String,
    components: Vec<String>,
    name_type: i32,
}

impl PrincipalName {
    /// `NT-UNKNOWN` ([RFC 4120] §6.2).
    pub const UNKNOWN: i32 = 0;
    /// `NT-PRINCIPAL`: a user or another single name ([RFC 4120] §6.2).
    pub const PRINCIPAL: i32 = 1;
    /// `NT-SRV-INST`: a service and its instance, such as `krbtgt` ([RFC 4120] §6.2).
    pub const SRV_INST: i32 = 2;
    /// `NT-SRV-HST`: a service and its host ([RFC 4120] §6.2).
    pub const SRV_HST: i32 = 3;
    /// `NT-ENTERPRISE`: a user principal name in one component ([RFC 4120] §6.2).
    pub const ENTERPRISE: i32 = 10;

    /// A name of its parts. The realm may be empty where another one is to be found out.
    #[must_use]
    pub fn new<'a>(
        name_type: i32,
        components: impl IntoIterator<Item = &'a str>,
        realm: &str,
    ) -> Self {
        let components = components.into_iter().map(ToOwned::to_owned).collect();
        Self { realm: realm.to_owned(), components, name_type }
    }

    /// The ticket-granting service of `realm`, as the clients of `of` know it
    /// ([RFC 4120] §7.3): `krbtgt/REALM@OF`.
    #[must_use]
    pub fn ticket_granting(realm: &str, of: &str) -> Self {
        Self::new(Self::SRV_INST, ["krbtgt", realm], of)
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The components of the name.
    #[must_use]
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// `name-type`.
    #[must_use]
    pub fn name_type(&self) -> i32 {
        self.name_type
    }

    /// The same name in another realm.
    #[must_use]
    pub fn in_realm(&self, realm: &str) -> Self {
        Self { realm: realm.to_owned(), ..self.clone() }
    }

    /// Whether it is a user principal name, which the KDC makes an account's name of
    /// ([RFC 6806] §5).
    #[must_use]
    pub fn is_enterprise(&self) -> bool {
        self.name_type == Self::ENTERPRISE
    }

    /// The realm that it grants tickets in, if it is a ticket-granting service.
    pub(super) fn grants_in(&self) -> Option<&str> {
        match self.components.as_slice() {
            [service, realm] if service == "krbtgt" => Some(realm),
            _ => None,
        }
    }

    /// Whether it is the same but for the case of its letters, as Active Directory compares.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        let components = other.components.iter().map(String::as_str);
        self.realm.eq_ignore_ascii_case(&other.realm) && self.is_called(components)
    }

    /// Whether these are its components but for the case of their letters, as Active Directory
    /// compares.
    pub(super) fn is_called<'a>(&self, components: impl ExactSizeIterator<Item = &'a str>) -> bool {
        self.components.len() == components.len()
            && self.components.iter().zip(components).all(|(one, it)| one.eq_ignore_ascii_case(it))
    }

    /// The salt that string-to-key takes if the KDC does not name another: realm and components
    /// one behind the other ([RFC 4120] §4).
    #[must_use]
    pub fn default_salt(&self) -> Vec<u8> {
        let parts = core::iter::once(&self.realm).chain(&self.components);
        parts.flat_map(|part| part.bytes()).collect()
    }

    /// The same, borrowed.
    #[must_use]
    pub fn as_wire(&self) -> Principal<'_> {
        Principal {
            realm: &self.realm,
            components: self.components.iter().map(String::as_str).collect(),
            name_type: self.name_type,
        }
    }
}

impl PartialEq for PrincipalName {
    fn eq(&self, other: &Self) -> bool {
        self.realm == other.realm && self.components == other.components
    }
}

impl Eq for PrincipalName {}

impl From<&Principal<'_>> for PrincipalName {
    fn from(principal: &Principal<'_>) -> Self {
        let components = principal.components.iter().copied();
        Self::new(principal.name_type, components, principal.realm)
    }
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_wire().fmt(f)
    }
}

/// A text that is no principal: it has an empty component, a second realm, or ends with a
/// backslash.
/// See [RFC 1964] §2.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPrincipalName;

impl fmt::Display for BadPrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of a principal")
    }
}

impl core::error::Error for BadPrincipalName {}

impl FromStr for PrincipalName {
    type Err = BadPrincipalName;

    fn from_str(text: &str) -> Result<Self, BadPrincipalName> {
        let mut components = Vec::new();
        let mut in_realm = false;
        let mut part = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => part.push(chars.next().ok_or(BadPrincipalName)?),
                '/' | '@' if !in_realm => {
                    components.push(core::mem::take(&mut part));
                    in_realm = c == '@';
                }
                '@' => return Err(BadPrincipalName),
                c => part.push(c),
            }
        }
        let mut realm = String::new();
        if in_realm {
            realm = part;
        } else {
            components.push(part);
        }
        if components.iter().any(String::is_empty) {
            return Err(BadPrincipalName);
        }
        let name_type = match components.len() {
            1 => Self::PRINCIPAL,
            _ => Self::SRV_INST,
        };
        Ok(Self { realm, components, name_type })
    }
}
