//! What is sealed in a cookie.
//!
//! ```text
//! offset  size  field
//!      0     8  start of the session, seconds since 1970, big-endian like all numbers here
//!      8     8  last renewal
//!     16     1  scheme of the logon: 1 Negotiate, 2 NTLM, 3 Digest, 4 Basic
//!     17     1  whether there is a user principal name: 0, 1
//!     18   2+n  domain, its length before it
//!          2+n  user
//!          2+n  user principal name, if there is one
//! ```

use crate::gateway::identity::User;
use logon::AccountName;
use logon::http::Scheme;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    /// The logon, in seconds since 1970.
    pub(super) issued: u64,
    /// The last time that the cookie was made anew.
    pub(super) renewed: u64,
    pub(super) user: User,
}

impl Contents {
    /// `None` if a name is too long or the scheme is none of ours.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let name = &self.user.name;
        let scheme = match self.user.scheme {
            Scheme::Negotiate => 1,
            Scheme::Ntlm => 2,
            Scheme::Digest => 3,
            Scheme::Basic => 4,
            _ => return None,
        };
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(self.issued.to_be_bytes());
        bytes.extend(self.renewed.to_be_bytes());
        bytes.push(scheme);
        bytes.push(u8::from(name.upn().is_some()));
        for text in [Some(name.domain()), Some(name.user()), name.upn()].into_iter().flatten() {
            bytes.extend(u16::try_from(text.len()).ok()?.to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        Some(bytes)
    }

    /// `None` for anything that [`Contents::encode`] does not write.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let issued = u64::from_be_bytes(array(&mut rest)?);
        let renewed = u64::from_be_bytes(array(&mut rest)?);
        let [scheme, has_upn] = array(&mut rest)?;
        let scheme = match scheme {
            1 => Scheme::Negotiate,
            2 => Scheme::Ntlm,
            3 => Scheme::Digest,
            4 => Scheme::Basic,
            _ => return None,
        };
        let (domain, user) = (text(&mut rest)?, text(&mut rest)?);
        let mut name = AccountName::new(domain, user);
        match has_upn {
            0 => {}
            1 => name = name.with_upn(text(&mut rest)?),
            _ => return None,
        }
        rest.is_empty().then_some(Self { issued, renewed, user: User { name, scheme } })
    }
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (array, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*array)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = u16::from_be_bytes(array(rest)?);
    let (text, after) = rest.split_at_checked(usize::from(length))?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::Contents;
    use crate::gateway::identity::User;
    use logon::AccountName;
    use logon::http::Scheme;
    use proptest::prelude::*;

    pub(in crate::gateway::session) fn any_user() -> impl Strategy<Value = User> {
        (".{0,40}", ".{0,40}", proptest::option::of(".{0,40}"), 0_usize..4).prop_map(
            |(domain, user, upn, scheme)| {
                let mut name = AccountName::new(domain, user);
                if let Some(upn) = upn {
                    name = name.with_upn(upn);
                }
                User { name, scheme: Scheme::ALL[scheme] }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(user in any_user(), issued: u64, renewed: u64) {
            let contents = Contents { issued, renewed, user };
            let bytes = contents.encode().unwrap();
            prop_assert_eq!(Contents::decode(&bytes), Some(contents));
            for length in 0..bytes.len() {
                prop_assert_eq!(Contents::decode(&bytes[..length]), None);
            }
            prop_assert_eq!(Contents::decode(&[&bytes[..], &[0]].concat()), None);
        }

        #[test]
        fn there_is_one_way_to_write_it(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(contents) = Contents::decode(&bytes) {
                prop_assert_eq!(contents.encode().unwrap(), bytes);
            }
        }
    }

    #[test]
    fn a_name_that_has_no_place_is_not_cut_off() {
        let name = AccountName::new("CORP", "a".repeat(65_536));
        let user = User { name, scheme: Scheme::Ntlm };
        assert_eq!(Contents { issued: 0, renewed: 0, user }.encode(), None);
    }
}
