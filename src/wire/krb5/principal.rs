//! Principals: a name and its realm.

use alloc::vec::Vec;
use core::fmt::{self, Write};

/// A name in a realm ([RFC 4120] §6.1, §6.2): `HTTP/web01.corp.example@CORP.EXAMPLE`.
///
/// `KerberosString` has no fixed character set, but whoever writes more than ASCII writes UTF-8;
/// a name that is not UTF-8 is not decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Principal<'a> {
    /// The realm.
    pub realm: &'a str,
    /// `name-string`, its components.
    pub components: Vec<&'a str>,
    /// `name-type`, a hint that is not part of the name ([RFC 4120] §6.2).
    pub name_type: i32,
}

impl Principal<'_> {
    /// Whether `other` is the same principal: `name-type` does not count.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.realm == other.realm && self.components == other.components
    }
}

/// As MIT writes it ([RFC 1964] §2.1.1): separators within a part after a backslash, control
/// characters escaped.
impl fmt::Display for Principal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, component) in self.components.iter().enumerate() {
            if index > 0 {
                f.write_char('/')?;
            }
            write_part(f, component)?;
        }
        f.write_char('@')?;
        write_part(f, self.realm)
    }
}

fn write_part(f: &mut fmt::Formatter<'_>, part: &str) -> fmt::Result {
    part.chars().try_for_each(|c| match c {
        '/' | '@' | '\\' => write!(f, "\\{c}"),
        '"' | '\'' => f.write_char(c),
        _ => write!(f, "{}", c.escape_debug()),
    })
}
