//! Security identifiers in a cookie: those of one domain share its part of them.
//!
//! ```text
//! 1+n   the account's, its length before it
//! 2     number of runs of groups
//!       1+n  what the groups of a run have in common
//!       2    their number
//!       4 n  the last parts of them
//! ```

use super::contents::array;
use crate::gateway::identity::Sids;
use logon::wire::Sid;

/// `None` for what has no place.
pub(super) fn encode(sids: &Sids, bytes: &mut Vec<u8>) -> Option<()> {
    push(&sids.user, bytes)?;
    let mut runs: Vec<(Sid, Vec<u32>)> = Vec::new();
    for group in &sids.groups {
        let (last, parent) = group.sub_authorities().split_last()?;
        let parent = Sid::new(group.authority(), parent)?;
        match runs.last_mut() {
            Some((of, parts)) if *of == parent => parts.push(*last),
            _ => runs.push((parent, vec![*last])),
        }
    }
    bytes.extend(u16::try_from(runs.len()).ok()?.to_be_bytes());
    for (parent, parts) in runs {
        push(&parent, bytes)?;
        bytes.extend(u16::try_from(parts.len()).ok()?.to_be_bytes());
        bytes.extend(parts.iter().flat_map(|part| part.to_be_bytes()));
    }
    Some(())
}

pub(super) fn decode(rest: &mut &[u8]) -> Option<Sids> {
    let user = take(rest)?;
    let mut groups = Vec::new();
    for _ in 0..u16::from_be_bytes(array(rest)?) {
        let parent = take(rest)?;
        for _ in 0..u16::from_be_bytes(array(rest)?) {
            groups.push(parent.with_rid(u32::from_be_bytes(array(rest)?))?);
        }
    }
    Some(Sids { user, groups })
}

fn push(sid: &Sid, bytes: &mut Vec<u8>) -> Option<()> {
    let encoded = sid.encode();
    bytes.push(u8::try_from(encoded.len()).ok()?);
    bytes.extend(encoded);
    Some(())
}

fn take(rest: &mut &[u8]) -> Option<Sid> {
    let [length] = array(rest)?;
    let (encoded, after) = rest.split_at_checked(usize::from(length))?;
    *rest = after;
    Sid::decode(encoded).ok()
}
