//! Authorization data ([RFC 4120] §5.2.6), of tickets and of authenticators.

use super::words::ad_type;
use super::{decoded, pac};
use crate::decode::tree::Tree;
use logon::wire::Utf16Le;
use logon::wire::krb5::{Element, decode_authorization_data};
use std::io;

const AD_IF_RELEVANT: i32 = 1;
const AD_WIN2K_PAC: i32 = 128;
const AP_OPTIONS: i32 = 143;
const TARGET_NAME: i32 = 144;

/// `KERB_AP_OPTIONS_CBT`: the client binds wherever it can ([MS-KILE] §3.2.5.8).
const BINDS: u32 = 0x4000;

/// Elements within elements are followed this far.
const DEEPEST: usize = 16;

/// `subject` is the ticket that it is in; absent in an authenticator, where a PAC is the client's
/// own word.
pub(super) fn print(
    tree: &mut Tree<'_>,
    elements: &[Element<'_>],
    subject: Option<&pac::Subject<'_>>,
) -> io::Result<()> {
    if !elements.is_empty() {
        tree.line("authorization-data")?;
        print_elements(&mut tree.below(), elements, subject)?;
    }
    Ok(())
}

fn print_elements(
    tree: &mut Tree<'_>,
    elements: &[Element<'_>],
    subject: Option<&pac::Subject<'_>>,
) -> io::Result<()> {
    for Element { kind, data } in elements {
        let name = ad_type(*kind);
        match (*kind, subject) {
            (AD_IF_RELEVANT, _) if tree.depth() < DEEPEST => {
                tree.line(name)?;
                let mut below = tree.below();
                if let Some(inner) = decoded(&mut below, decode_authorization_data(data))? {
                    print_elements(&mut below, &inner, subject)?;
                }
            }
            (AD_WIN2K_PAC, Some(subject)) => {
                tree.line(format_args!("{name}, {} bytes", data.len()))?;
                pac::print(&mut tree.below(), data, subject)?;
            }
            (AP_OPTIONS, None) => {
                let options = data.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                let binds = if options & BINDS == 0 { "" } else { " channel-bindings-supported" };
                tree.line(format_args!("{name} 0x{options:08x}{binds}"))?;
            }
            (TARGET_NAME, None) => match Utf16Le::new(data) {
                Some(text) => tree.line(format_args!("{name} {:?}", text.to_string()))?,
                None => tree.line(format_args!("{name}, {} bytes: not UTF-16", data.len()))?,
            },
            _ => tree.line(format_args!("{name}, {} bytes", data.len()))?,
        }
    }
    Ok(())
}
