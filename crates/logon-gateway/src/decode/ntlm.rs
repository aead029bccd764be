//! The three NTLM messages as trees.

use super::DecodeFailure;
use super::av_pairs::{self, Time};
use super::tree::{Shows, Tree};
use logon::wire::ntlm::{
    Authenticate, AvFlags, Challenge, MessageType, Negotiate, NegotiateFlags, NtlmV2Response,
    SIGNATURE, Version,
};
use logon::wire::{Text, Utf16Le};
use std::fmt;
use std::io;

pub(super) fn print(tree: &mut Tree<'_>, message: &[u8]) -> Result<(), DecodeFailure> {
    let Some(kind) = MessageType::of(message) else {
        let code = message.strip_prefix(&SIGNATURE).and_then(<[u8]>::first_chunk::<4>);
        return Err(DecodeFailure::MessageType(code.map(|code| u32::from_le_bytes(*code))));
    };
    tree.line(format_args!("NTLM {}, {} bytes", kind.name(), message.len()))?;
    let fields = &mut tree.below();
    match kind {
        MessageType::Negotiate => print_negotiate(fields, &Negotiate::decode(message)?),
        MessageType::Challenge => print_challenge(fields, &Challenge::decode(message)?),
        MessageType::Authenticate => print_authenticate(fields, &Authenticate::decode(message)?),
    }
}

fn print_negotiate(tree: &mut Tree<'_>, message: &Negotiate<'_>) -> Result<(), DecodeFailure> {
    print_flags(tree, Some(message.flags))?;
    tree.line(format_args!("DomainName {}", Name::oem(message.domain)))?;
    tree.line(format_args!("Workstation {}", Name::oem(message.workstation)))?;
    Ok(print_version(tree, message.version)?)
}

fn print_challenge(tree: &mut Tree<'_>, message: &Challenge<'_>) -> Result<(), DecodeFailure> {
    let name = Name { flags: Some(message.flags), bytes: message.target_name };
    tree.line(format_args!("TargetName {name}"))?;
    print_flags(tree, Some(message.flags))?;
    let challenge = tree.secret(&message.server_challenge);
    tree.line(format_args!("ServerChallenge {challenge}"))?;
    match &message.target_info {
        Some(list) => av_pairs::print(tree, "TargetInfo", list)?,
        None => tree.line("TargetInfo (absent)")?,
    }
    Ok(print_version(tree, message.version)?)
}

fn print_authenticate(
    tree: &mut Tree<'_>,
    message: &Authenticate<'_>,
) -> Result<(), DecodeFailure> {
    let flags = message.flags;
    print_lm_response(tree, message)?;
    let announced = print_nt_response(tree, message)?;
    for (field, bytes) in [
        ("DomainName", message.domain),
        ("UserName", message.user),
        ("Workstation", message.workstation),
    ] {
        tree.line(format_args!("{field} {}", Name { flags, bytes }))?;
    }
    match message.encrypted_random_session_key {
        [] => tree.line("EncryptedRandomSessionKey (absent)")?,
        key => {
            let key = tree.secret(key);
            tree.line(format_args!("EncryptedRandomSessionKey {key}"))?;
        }
    }
    print_flags(tree, flags)?;
    print_version(tree, message.version)?;
    match (message.mic.as_ref().map(|mic| tree.secret(mic)), announced) {
        (Some(mic), true) => tree.line(format_args!("MIC {mic} (announced by MsvAvFlags)")),
        // Room before the payload may be a MIC or anything else: only the announcement tells.
        (Some(mic), false) => tree.line(format_args!("MIC {mic} (not announced)")),
        (None, true) => tree.line("MIC (announced by MsvAvFlags, but absent: stripped)"),
        (None, false) => tree.line("MIC (absent, not announced)"),
    }?;
    Ok(())
}

fn print_lm_response(tree: &mut Tree<'_>, message: &Authenticate<'_>) -> io::Result<()> {
    let response = message.lm_response;
    let kind = lm_kind(message);
    tree.line(format_args!("LmChallengeResponse, {} bytes: {kind}", response.len()))?;
    let mut below = tree.below();
    match response.split_at_checked(16) {
        Some((proof, challenge)) if kind == "LMv2" => {
            let (proof, challenge) = (below.secret(proof), below.secret(challenge));
            below.line(format_args!("Response {proof}"))?;
            below.line(format_args!("ChallengeFromClient {challenge}"))
        }
        _ if is_zero(response) => Ok(()),
        _ => below.line(below.secret(response)),
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// What the LM response of a message is.
pub(crate) fn lm_kind(message: &Authenticate<'_>) -> &'static str {
    let response = message.lm_response;
    match (response.split_at_checked(8), message.nt_response.len()) {
        _ if response.is_empty() => "absent",
        _ if response == [0] => "one zero byte: anonymous",
        _ if response.len() != 24 => "of no known kind",
        _ if is_zero(response) => "all zero: none",
        (Some((_, rest)), 24) if is_zero(rest) => "client challenge of an NTLM2 session response",
        (_, length) if length > 24 => "LMv2",
        _ => "LMv1",
    }
}

/// What the NT response of a message is.
pub(crate) fn nt_kind(message: &Authenticate<'_>) -> &'static str {
    let extended = NegotiateFlags::EXTENDED_SESSIONSECURITY;
    match message.nt_response.len() {
        0 => "absent",
        24 if message.flags.is_some_and(|flags| flags.contains(extended)) => {
            "NTLMv1 with extended session security (NTLM2 session response)"
        }
        24 => "NTLMv1",
        _ => "NTLMv2",
    }
}

/// Whether a MIC is announced in it.
fn print_nt_response(
    tree: &mut Tree<'_>,
    message: &Authenticate<'_>,
) -> Result<bool, DecodeFailure> {
    let response = message.nt_response;
    let kind = nt_kind(message);
    tree.line(format_args!("NtChallengeResponse, {} bytes: {kind}", response.len()))?;
    let mut below = tree.below();
    if response.is_empty() {
        return Ok(false);
    }
    if response.len() == 24 {
        below.line(below.secret(response))?;
        return Ok(false);
    }
    let response = NtlmV2Response::decode(response)?;
    let proof = below.secret(&response.nt_proof_str);
    below.line(format_args!("NTProofStr {proof}"))?;
    below.line(format_args!("TimeStamp {}", Time(response.timestamp)))?;
    let challenge = below.secret(&response.client_challenge);
    below.line(format_args!("ChallengeFromClient {challenge}"))?;
    av_pairs::print(&mut below, "AvPairs", &response.target_info)?;
    Ok(response.target_info.flags().contains(AvFlags::MIC_PRESENT))
}

fn print_version(tree: &mut Tree<'_>, version: Option<Version>) -> io::Result<()> {
    match version {
        Some(version) => tree.line(format_args!("Version {version}")),
        None => tree.line("Version (absent)"),
    }
}

fn print_flags(tree: &mut Tree<'_>, flags: Option<NegotiateFlags>) -> io::Result<()> {
    let Some(flags) = flags else { return tree.line("NegotiateFlags (absent)") };
    let names =
        (0..32).map(|place| 1_u32 << place).filter(|bit| flags.bits() & bit != 0).map(|bit| {
            match NegotiateFlags::from_bits_retain(bit).iter_names().next() {
                Some((name, _)) => name.to_owned(),
                None => format!("{} (reserved, 0x{bit:08x})", reserved(bit)),
            }
        });
    let line = format!("NegotiateFlags 0x{:08x}", flags.bits());
    if tree.shows() == Shows::NoSecrets {
        return tree.line(format_args!("{line} {}", names.collect::<Vec<_>>().join(" ")));
    }
    tree.line(line)?;
    let mut below = tree.below();
    for name in names {
        below.line(name)?;
    }
    Ok(())
}

/// What [MS-NLMP] §2.2.2.5 calls the bits that mean nothing, from the highest down.
fn reserved(bit: u32) -> &'static str {
    match bit {
        0x1000_0000 => "R1",
        0x0800_0000 => "R2",
        0x0400_0000 => "R3",
        0x0100_0000 => "R4",
        0x0020_0000 => "R5",
        0x0004_0000 => "R6",
        0x0000_4000 => "R7",
        0x0000_0400 => "R8",
        0x0000_0100 => "R9",
        0x0000_0008 => "R10",
        _ => "R",
    }
}

/// A name in the character set that the flags of its message tell.
struct Name<'a> {
    flags: Option<NegotiateFlags>,
    bytes: &'a [u8],
}

impl<'a> Name<'a> {
    fn oem(bytes: &'a [u8]) -> Self {
        Self { flags: None, bytes }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flags, bytes } = *self;
        let unicode = flags.is_some_and(|flags| flags.contains(NegotiateFlags::UNICODE));
        let oem = Text::Oem(bytes).to_text();
        if !unicode {
            return write!(f, "{oem:?}");
        }
        let Some(text) = Utf16Le::new(bytes) else {
            return write!(f, "{oem:?} (OEM, although the flags say Unicode)");
        };
        write!(f, "{:?}", text.to_string())?;
        // Some clients set the flag over OEM strings, because the CHALLENGE said OEM; that one
        // is not at hand. Letters of Latin script alternate with zeros if it is Unicode.
        if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic) {
            write!(f, " (if the CHALLENGE said OEM: {oem:?})")?;
        }
        Ok(())
    }
}
