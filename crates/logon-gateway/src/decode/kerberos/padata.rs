//! Pre-authentication data ([RFC 4120] §5.2.7).

use super::words::{Etype, padata_type};
use super::{decoded, ticket};
use crate::decode::tree::Tree;
use logon::kerberos::Iterations;
use logon::wire::krb5::{Element, EncryptedData, EtypeInfo2Entry};
use std::io;

pub(super) const PA_TGS_REQ: i32 = 1;
pub(super) const PA_ENC_TIMESTAMP: i32 = 2;
const PA_ETYPE_INFO2: i32 = 19;
const PA_PAC_REQUEST: i32 = 128;
const PA_SUPPORTED_ENCTYPES: i32 = 165;

/// `KERB-PA-PAC-REQUEST` up to its truth value ([MS-KILE] §2.2.3).
const INCLUDE_PAC: [u8; 6] = [0x30, 0x05, 0xa0, 0x03, 0x01, 0x01];

/// Elements that need nothing else to be understood.
pub(super) fn print(tree: &mut Tree<'_>, elements: &[Element<'_>]) -> io::Result<()> {
    elements.iter().try_for_each(|element| print_one(tree, element))
}

pub(super) fn print_one(tree: &mut Tree<'_>, element: &Element<'_>) -> io::Result<()> {
    let Element { kind, data } = *element;
    let name = padata_type(kind);
    match kind {
        // What a KDC offers has no content.
        _ if data.is_empty() => tree.line(name),
        PA_ENC_TIMESTAMP => {
            tree.line(&name)?;
            let mut below = tree.below();
            match decoded(&mut below, EncryptedData::decode(data))? {
                Some(data) => ticket::print_cipher(&mut below, "the client's time:", &data),
                None => Ok(()),
            }
        }
        PA_ETYPE_INFO2 => {
            tree.line(&name)?;
            let mut below = tree.below();
            let entries = decoded(&mut below, EtypeInfo2Entry::decode_list(data))?;
            entries.iter().flatten().try_for_each(|entry| print_info(&mut below, entry))
        }
        PA_PAC_REQUEST => match data.strip_prefix(&INCLUDE_PAC) {
            Some([value]) => tree.line(format_args!("{name} include-pac {}", *value != 0)),
            _ => tree.line(format_args!("{name}, {} bytes", data.len())),
        },
        PA_SUPPORTED_ENCTYPES => match data.first_chunk() {
            Some(bytes) => tree.line(format_args!("{name} 0x{:08x}", u32::from_le_bytes(*bytes))),
            None => tree.line(format_args!("{name}, {} bytes", data.len())),
        },
        _ => tree.line(format_args!("{name}, {} bytes", data.len())),
    }
}

fn print_info(tree: &mut Tree<'_>, entry: &EtypeInfo2Entry<'_>) -> io::Result<()> {
    let salt = match entry.salt {
        Some(salt) => format!("salt {salt:?}"),
        None => "the default salt".to_owned(),
    };
    let params = match entry.s2kparams {
        None => String::new(),
        Some(bytes) => match (bytes.first_chunk::<4>(), Iterations::from_s2kparams(bytes)) {
            (Some(count), Ok(_)) => format!(", {} iterations", u32::from_be_bytes(*count)),
            _ => ", with parameters that cannot be used".to_owned(),
        },
    };
    tree.line(format_args!("{}, {salt}{params}", Etype(entry.etype)))
}
