//! What kind of token it is: told by its first bytes, as an acceptor does.

use super::tree::Tree;
use super::{DecodeFailure, kerberos, ntlm, spnego};
use logon::wire::ntlm::SIGNATURE;
use logon::wire::spnego::MechType;

/// Tokens within tokens are followed this far; real ones have one within another.
const DEEPEST: usize = 8;

/// Mechanisms that are not taken apart everywhere.
enum Opaque<'a> {
    Gss(MechType<'a>),
    Kerberos(&'static str),
    NegoEx,
}

/// Prints a token that stands alone.
pub(super) fn print(tree: &mut Tree<'_>, token: &[u8]) -> Result<(), DecodeFailure> {
    if token.starts_with(&SIGNATURE) {
        return ntlm::print(tree, token);
    }
    if let Some(kind) = kerberos::Kind::of(token) {
        return kind.print(tree, token);
    }
    if let Some(opaque) = opaque(token) {
        return Ok(tree.line(format_args!("{}, {} bytes", opaque.name(), token.len()))?);
    }
    match token.first() {
        Some(0x60 | 0xa0) => spnego::print_init(tree, token),
        Some(0xa1) => spnego::print_resp(tree, token),
        _ => {
            let start = token.get(..8).unwrap_or(token);
            Err(DecodeFailure::Unknown(start.to_vec()))
        }
    }
}

/// Prints a token that another one carries. What is unknown there is no mistake: mechanisms
/// are free in what they send.
pub(super) fn print_within(
    tree: &mut Tree<'_>,
    field: &str,
    token: &[u8],
) -> Result<(), DecodeFailure> {
    tree.line(format_args!("{field}, {} bytes", token.len()))?;
    let mut below = tree.below();
    if below.depth() >= DEEPEST {
        return Ok(below.line("(too deep within other tokens, not decoded)")?);
    }
    match print(&mut below, token) {
        Err(DecodeFailure::Unknown(_)) => Ok(below.line(below.secret(token))?),
        result => result,
    }
}

/// The name of a token that is neither NTLM nor SPNEGO.
pub(crate) fn opaque_name(token: &[u8]) -> Option<String> {
    opaque(token).map(|opaque| opaque.name())
}

fn opaque(token: &[u8]) -> Option<Opaque<'_>> {
    if token.starts_with(b"NEGOEXTS") {
        return Some(Opaque::NegoEx);
    }
    match token.first()? {
        0x60 => gss_mechanism(token).filter(|mech| *mech != MechType::SPNEGO).map(Opaque::Gss),
        // Kerberos messages without the GSS-API framing ([RFC 4120] §5.10).
        0x6e => Some(Opaque::Kerberos("Kerberos AP-REQ")),
        0x6f => Some(Opaque::Kerberos("Kerberos AP-REP")),
        0x7e => Some(Opaque::Kerberos("Kerberos KRB-ERROR")),
        _ => None,
    }
}

/// `thisMech` of `60 length 06 length OID …` ([RFC 2743] §3.1).
pub(super) fn gss_mechanism(token: &[u8]) -> Option<MechType<'_>> {
    let (_, length) = token.split_first()?;
    let (first, rest) = length.split_first()?;
    // From 0x80 on, the first byte says how many bytes of length follow.
    let more = usize::from(first.checked_sub(0x80).unwrap_or_default());
    let content = rest.get(more..)?;
    let [0x06, length, oid @ ..] = content else { return None };
    oid.get(..usize::from(*length)).map(MechType)
}

impl Opaque<'_> {
    fn name(&self) -> String {
        match self {
            Self::NegoEx => "NEGOEXTS token (not decoded)".into(),
            Self::Kerberos(name) => format!("{name} (not decoded)"),
            Self::Gss(MechType::KRB5 | MechType::MS_KRB5) => "Kerberos token (not decoded)".into(),
            Self::Gss(mech) => {
                let name = mech.name().unwrap_or("GSS-API");
                format!("{name} token of mechanism {mech} (not decoded)")
            }
        }
    }
}
