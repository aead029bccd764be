//! KRB-ERROR ([RFC 4120] §5.9.1).

use super::codes::{error_code, status};
use super::padata;
use super::ticket::print_name;
use super::words::Moment;
use crate::decode::DecodeFailure;
use crate::decode::tree::Tree;
use logon::wire::krb5::{Element, KrbError, decode_method_data};
use std::io;

pub(super) fn print(tree: &mut Tree<'_>, message: &[u8]) -> Result<(), DecodeFailure> {
    let error = KrbError::decode(message)?;
    match error_code(error.error_code) {
        Some(code) => {
            tree.line(format_args!("error-code {} ({})", code.name, error.error_code))?;
            tree.below().line(code.meaning)?;
        }
        None => tree.line(format_args!("error-code {}, not known", error.error_code))?,
    }
    if let Some(ctime) = error.ctime {
        let micros = error.cusec.unwrap_or_default();
        tree.line(format_args!("ctime {} and {micros} µs", Moment::from(ctime)))?;
    }
    let stime = Moment::from(error.stime);
    tree.line(format_args!("stime {stime} and {} µs: the server's clock", error.susec))?;
    if !error.client.realm.is_empty() || !error.client.components.is_empty() {
        print_name(tree, "cname", &error.client)?;
    }
    print_name(tree, "sname", &error.server)?;
    if let Some(text) = error.e_text {
        tree.line(format_args!("e-text {text:?}"))?;
    }
    Ok(print_data(tree, error.e_data)?)
}

/// `data-type` of `KERB-ERROR-DATA` ([MS-KILE] §2.2.2).
const KERB_AP_ERR_TYPE_SKEW_RECOVERY: i32 = 2;
const KERB_ERR_TYPE_EXTENDED: i32 = 3;

/// `KERB-ERROR-DATA` without a value: the service takes a second token with the time above.
const SKEW_RECOVERY: [u8; 7] = [0x30, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x02];

/// METHOD-DATA of KDCs that want another proof, `KERB-ERROR-DATA` of Windows, or something else.
fn print_data(tree: &mut Tree<'_>, data: Option<&[u8]>) -> io::Result<()> {
    let Some(data) = data else { return Ok(()) };
    if data == SKEW_RECOVERY {
        return tree.line("e-data KERB-ERROR-DATA: the clock can be corrected by stime");
    }
    if let Ok(methods) = decode_method_data(data) {
        tree.line(format_args!("e-data METHOD-DATA, {} bytes", data.len()))?;
        return padata::print(&mut tree.below(), &methods);
    }
    let wrapped = alone(data);
    match wrapped.as_deref().map(decode_method_data) {
        Some(Ok(elements)) => {
            tree.line(format_args!("e-data KERB-ERROR-DATA, {} bytes", data.len()))?;
            elements.iter().try_for_each(|one| print_windows(&mut tree.below(), one))
        }
        _ => {
            let bytes = tree.secret(data);
            tree.line(format_args!("e-data, {} bytes, of no known form: {bytes}", data.len()))
        }
    }
}

/// `KERB-ERROR-DATA` looks as one element of METHOD-DATA does, without the list around it.
fn alone(data: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(data.len()).ok().filter(|length| *length < 0x80)?;
    Some([&[0x30, length], data].concat())
}

fn print_windows(tree: &mut Tree<'_>, data: &Element<'_>) -> io::Result<()> {
    match (data.kind, data.data.first_chunk::<4>()) {
        (KERB_ERR_TYPE_EXTENDED, Some(bytes)) => {
            let number = u32::from_le_bytes(*bytes);
            tree.line(format_args!("status {} (0x{number:08X})", status(number)))
        }
        (KERB_AP_ERR_TYPE_SKEW_RECOVERY, _) => tree.line("the clock can be corrected by stime"),
        (kind, _) => tree.line(format_args!("data-type {kind}, {} bytes", data.data.len())),
    }
}
