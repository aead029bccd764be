//! `NegTokenInit` and `NegTokenResp` as trees.

use super::DecodeFailure;
use super::token;
use super::tree::{Hex, Tree};
use logon::wire::krb5::MicToken;
use logon::wire::ntlm::MessageSignature;
use logon::wire::spnego::{MechType, NegHints, NegTokenInit, NegTokenResp};
use std::io;

/// Acceptors of Windows write this for a name they do not tell ([MS-SPNG] §2.2.1).
const NO_NAME: &[u8] = b"not_defined_in_RFC4178@please_ignore";

pub(super) fn print_init(tree: &mut Tree<'_>, token: &[u8]) -> Result<(), DecodeFailure> {
    let framing = if token.starts_with(&[0x60]) { "" } else { " without GSS-API framing" };
    let init = NegTokenInit::decode(token)?;
    tree.line(format_args!("SPNEGO NegTokenInit, {} bytes{framing}", token.len()))?;
    let mut fields = tree.below();
    fields.line("mechTypes")?;
    for mech in init.mech_types.iter() {
        print_mech(&mut fields.below(), mech)?;
    }
    if let Some(inner) = init.mech_token {
        token::print_within(&mut fields, "mechToken", inner)?;
    }
    if let Some(hints) = init.neg_hints {
        print_hints(&mut fields, hints)?;
    }
    Ok(print_mic(&mut fields, init.mech_list_mic)?)
}

pub(super) fn print_resp(tree: &mut Tree<'_>, token: &[u8]) -> Result<(), DecodeFailure> {
    let resp = NegTokenResp::decode(token)?;
    tree.line(format_args!("SPNEGO NegTokenResp, {} bytes", token.len()))?;
    let mut fields = tree.below();
    if let Some(state) = resp.neg_state {
        fields.line(format_args!("negState {}", state.name()))?;
    }
    if let Some(mech) = resp.supported_mech {
        fields.line("supportedMech")?;
        print_mech(&mut fields.below(), mech)?;
    }
    if let Some(inner) = resp.response_token {
        token::print_within(&mut fields, "responseToken", inner)?;
    }
    Ok(print_mic(&mut fields, resp.mech_list_mic)?)
}

fn print_mech(tree: &mut Tree<'_>, mech: MechType<'_>) -> io::Result<()> {
    tree.line(format_args!("{} {mech}", mech.name().unwrap_or("(unknown)")))
}

fn print_hints(tree: &mut Tree<'_>, hints: NegHints<'_>) -> io::Result<()> {
    tree.line("negHints")?;
    let mut fields = tree.below();
    if let Some(name) = hints.name {
        let remark = if name == NO_NAME { " (means nothing)" } else { "" };
        let name = String::from_utf8_lossy(name);
        fields.line(format_args!("hintName {name:?}{remark}"))?;
    }
    if let Some(address) = hints.address {
        fields.line(format_args!("hintAddress {}", Hex(address)))?;
    }
    Ok(())
}

fn print_mic(tree: &mut Tree<'_>, mic: Option<&[u8]>) -> io::Result<()> {
    let Some(mic) = mic else { return Ok(()) };
    let bytes = tree.secret(mic);
    tree.line(format_args!("mechListMIC {bytes}"))?;
    let mut fields = tree.below();
    // Only NTLM has signatures of this form; those of Kerberos begin otherwise.
    if let Ok(signature) = MessageSignature::decode(mic) {
        let checksum = fields.secret(&signature.checksum);
        fields.line(format_args!("Checksum {checksum}"))?;
        fields.line(format_args!("SeqNum {}", signature.seq_num))?;
    } else if let Ok(token) = MicToken::decode(mic) {
        let names = token.flags.iter_names().map(|(name, _)| format!(" {name}"));
        let names = names.collect::<String>();
        fields.line(format_args!("Flags 0x{:02x}{names} (of Kerberos)", token.flags.bits()))?;
        fields.line(format_args!("SND_SEQ {}", token.sequence_number))?;
    }
    Ok(())
}
