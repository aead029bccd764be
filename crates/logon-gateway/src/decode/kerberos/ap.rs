//! AP-REQ and AP-REP ([RFC 4120] §5.5).

use super::words::{AP_OPTIONS, Bits, Etype};
use super::{authenticator, ticket};
use crate::decode::DecodeFailure;
use crate::decode::tree::Tree;
use logon::kerberos::KeyUsage;
use logon::wire::krb5::{ApRep, ApReq};

/// The fields; `usage` is what the authenticator is for.
pub(super) fn print_request(
    tree: &mut Tree<'_>,
    message: &[u8],
    usage: KeyUsage,
) -> Result<(), DecodeFailure> {
    let request = ApReq::decode(message)?;
    tree.line(format_args!("ap-options {}", Bits(request.ap_options.bits(), AP_OPTIONS)))?;
    tree.line(format_args!("ticket, {} bytes", request.ticket.as_der().len()))?;
    let inside = ticket::print_fields(&mut tree.below(), &request.ticket)?;
    authenticator::print(tree, &request.authenticator, inside.as_ref(), usage)
}

pub(super) fn print_reply(tree: &mut Tree<'_>, message: &[u8]) -> Result<(), DecodeFailure> {
    let ApRep { enc_part } = ApRep::decode(message)?;
    let (etype, length) = (Etype(enc_part.etype), enc_part.cipher.len());
    tree.line(format_args!("enc-part {etype}, {length} bytes"))?;
    // No keytab helps here.
    Ok(tree.below().line("encrypted in the session key, which only client and server have")?)
}
