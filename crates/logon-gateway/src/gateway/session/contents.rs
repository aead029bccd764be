//! What is sealed in a cookie.
//!
//! ```text
//! offset  size  field
//!      0     8  start of the session, seconds since 1970, big-endian like all numbers here
//!      8     8  last renewal
//!     16     1  scheme of the logon: 1 Negotiate, 2 NTLM, 3 Digest, 4 Basic, 5 Negotiate by Kerberos
//!     17     1  1: there is a user principal name; 2: there are security identifiers
//!     18   2+n  domain, its length before it
//!          2+n  user
//!          2+n  user principal name, if there is one
//!            n  security identifiers, if there are some (`sids`)
//! ```

use super::sids;
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
            Scheme::Negotiate if self.user.kerberos => 5,
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
        let sids = self.user.sids.as_deref();
        bytes.push(u8::from(name.upn().is_some()) | u8::from(sids.is_some()) << 1);
        for text in [Some(name.domain()), Some(name.user()), name.upn()].into_iter().flatten() {
            bytes.extend(u16::try_from(text.len()).ok()?.to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        if let Some(sids) = sids {
            sids::encode(sids, &mut bytes)?;
        }
        Some(bytes)
    }

    /// `None` for anything that [`Contents::encode`] does not write.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let issued = u64::from_be_bytes(array(&mut rest)?);
        let renewed = u64::from_be_bytes(array(&mut rest)?);
        let [number, parts] = array(&mut rest)?;
        let scheme = match number {
            1 | 5 => Scheme::Negotiate,
            2 => Scheme::Ntlm,
            3 => Scheme::Digest,
            4 => Scheme::Basic,
            _ => return None,
        };
        let (domain, user) = (text(&mut rest)?, text(&mut rest)?);
        let mut name = AccountName::new(domain, user);
        if parts & 1 != 0 {
            name = name.with_upn(text(&mut rest)?);
        }
        let mut user = User { kerberos: number == 5, ..User::new(name, scheme) };
        if parts & 2 != 0 {
            user.sids = Some(sids::decode(&mut rest)?.into());
        }
        let contents = Self { issued, renewed, user };
        // There is one way to write it.
        let is_ours = parts <= 3 && rest.is_empty();
        let again = || contents.user.sids.is_none() || contents.encode().as_deref() == Some(bytes);
        (is_ours && again()).then_some(contents)
    }
}

pub(super) fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
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
    use crate::gateway::identity::{Sids, User};
    use logon::AccountName;
    use logon::http::Scheme;
    use logon::wire::Sid;
    use proptest::prelude::*;
    use std::sync::Arc;

    pub(in crate::gateway::session) fn any_user() -> impl Strategy<Value = User> {
        let sid = (0_u32..3, 0_u32..9)
            .prop_map(|(domain, rid)| Sid::new(5, &[21, 1, 2, domain, rid]).unwrap());
        let sids = (sid.clone(), proptest::collection::vec(sid, 0..20));
        let sids = sids.prop_map(|(user, groups)| Arc::new(Sids { user, groups }));
        let scheme = (0_usize..4, any::<bool>(), proptest::option::of(sids));
        (".{0,40}", ".{0,40}", proptest::option::of(".{0,40}"), scheme).prop_map(
            |(domain, user, upn, (scheme, kerberos, sids))| {
                let mut name = AccountName::new(domain, user);
                if let Some(upn) = upn {
                    name = name.with_upn(upn);
                }
                let kerberos = kerberos && scheme == 0;
                User { kerberos, sids, ..User::new(name, Scheme::ALL[scheme]) }
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
        let user = User::new(name, Scheme::Ntlm);
        assert_eq!(Contents { issued: 0, renewed: 0, user }.encode(), None);
    }
}
