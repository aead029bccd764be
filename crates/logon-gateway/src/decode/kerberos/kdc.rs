//! What clients and KDCs say to each other ([RFC 4120] §5.4).

use super::padata::{self, PA_ENC_TIMESTAMP, PA_TGS_REQ};
use super::ticket::{print_cipher, print_encrypted, print_key, print_name, print_times};
use super::words::{Bits, Etype, KDC_OPTIONS, Moment, TICKET_FLAGS};
use super::{ap, ticket};
use crate::decode::DecodeFailure;
use crate::decode::tree::{Hex, Tree};
use logon::kerberos::KeyUsage;
use logon::wire::krb5::{
    EncKdcRepPart, EncryptedData, KdcRep, KdcReq, KdcReqBody, KdcReqKind, PaEncTsEnc, Principal,
};

pub(super) fn print_request(
    tree: &mut Tree<'_>,
    kind: KdcReqKind,
    message: &[u8],
) -> Result<(), DecodeFailure> {
    let request = KdcReq::decode(kind, message)?;
    let body = KdcReqBody::decode(request.req_body)?;
    let client = body.client.as_ref();
    let client = client.map(|client| Principal { realm: body.server.realm, ..client.clone() });
    tree.line("padata")?;
    for element in &request.padata {
        let mut below = tree.below();
        match (element.kind, &client) {
            (PA_TGS_REQ, _) => {
                below.line(format_args!("PA-TGS-REQ (1): AP-REQ, {} bytes", element.data.len()))?;
                let usage = KeyUsage::TGS_REQ_AUTHENTICATOR;
                ap::print_request(&mut below.below(), element.data, usage)?;
            }
            (PA_ENC_TIMESTAMP, Some(client)) if !element.data.is_empty() => {
                print_timestamp(&mut below, client, element.data)?;
            }
            _ => padata::print_one(&mut below, element)?,
        }
    }
    tree.line("req-body")?;
    print_body(&mut tree.below(), &body, client.as_ref())
}

/// The client's proof, which a keytab of the client opens.
fn print_timestamp(
    tree: &mut Tree<'_>,
    client: &Principal<'_>,
    data: &[u8],
) -> Result<(), DecodeFailure> {
    let data = EncryptedData::decode(data)?;
    let usage = KeyUsage::AS_REQ_PA_ENC_TIMESTAMP;
    if let Some(opened) = print_encrypted(tree, "PA-ENC-TIMESTAMP (2)", client, usage, &data)? {
        let this = PaEncTsEnc::decode(&opened.plain)?;
        let micros = this.pausec.unwrap_or_default();
        let time = Moment::from(this.patimestamp);
        tree.below().line(format_args!("patimestamp {time} and {micros} µs"))?;
    }
    Ok(())
}

fn print_body(
    tree: &mut Tree<'_>,
    body: &KdcReqBody<'_>,
    client: Option<&Principal<'_>>,
) -> Result<(), DecodeFailure> {
    tree.line(format_args!("kdc-options {}", Bits(body.kdc_options.bits(), KDC_OPTIONS)))?;
    if let Some(client) = client {
        print_name(tree, "cname", client)?;
    }
    print_name(tree, "sname", &body.server)?;
    for (field, time) in [("from", body.from), ("till", Some(body.till)), ("rtime", body.rtime)] {
        if let Some(time) = time {
            tree.line(format_args!("{field} {}", Moment::from(time)))?;
        }
    }
    tree.line(format_args!("nonce {}", body.nonce))?;
    let etypes: Vec<_> = body.etypes.iter().map(|etype| Etype(*etype).to_string()).collect();
    tree.line(format_args!("etype {}", etypes.join(", ")))?;
    for address in &body.addresses {
        tree.line(format_args!("addresses, type {}: {}", address.kind, Hex(address.data)))?;
    }
    if let Some(data) = &body.enc_authorization_data {
        print_cipher(tree, "enc-authorization-data", data)?;
    }
    for additional in &body.additional_tickets {
        tree.line(format_args!("additional ticket, {} bytes", additional.as_der().len()))?;
        ticket::print_fields(&mut tree.below(), additional)?;
    }
    Ok(())
}

pub(super) fn print_reply(
    tree: &mut Tree<'_>,
    kind: KdcReqKind,
    message: &[u8],
) -> Result<(), DecodeFailure> {
    let reply = KdcRep::decode(kind, message)?;
    if !reply.padata.is_empty() {
        tree.line("padata")?;
        padata::print(&mut tree.below(), &reply.padata)?;
    }
    print_name(tree, "cname", &reply.client)?;
    tree.line(format_args!("ticket, {} bytes", reply.ticket.as_der().len()))?;
    ticket::print_fields(&mut tree.below(), &reply.ticket)?;
    if kind == KdcReqKind::Tgs {
        print_cipher(tree, "enc-part", &reply.enc_part)?;
        let why = "encrypted in the session key of the ticket-granting ticket, or a subkey of it";
        return Ok(tree.below().line(why)?);
    }
    let usage = KeyUsage::AS_REP_ENC_PART;
    match print_encrypted(tree, "enc-part", &reply.client, usage, &reply.enc_part)? {
        Some(opened) => print_part(&mut tree.below(), &EncKdcRepPart::decode(&opened.plain)?),
        None => Ok(()),
    }
}

fn print_part(tree: &mut Tree<'_>, part: &EncKdcRepPart<'_>) -> Result<(), DecodeFailure> {
    print_key(tree, "key", &part.key)?;
    tree.line(format_args!("nonce {}", part.nonce))?;
    tree.line(format_args!("flags {}", Bits(part.flags.bits(), TICKET_FLAGS)))?;
    if let Some(time) = part.key_expiration {
        tree.line(format_args!("key-expiration {}", Moment::from(time)))?;
    }
    let [begin, end] = [part.auth_time, part.end_time].map(Some);
    print_times(tree, [begin, part.start_time, end, part.renew_till])?;
    print_name(tree, "sname", &part.server)?;
    Ok(padata::print(tree, &part.encrypted_pa_data)?)
}
