//! Tokens that establish a context ([RFC 4121] §4.1).

use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use crate::wire::cursor::Cursor;
use crate::wire::der::{Defect, nested, primitive, push_header, tlv_length};
use crate::wire::spnego::MechType;
use alloc::vec::Vec;
use der::{Reader, SliceReader, Tag, TagNumber};

/// `TOK_ID` of a token that establishes a context.
/// See [RFC 4121] §4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenId {
    /// `KRB_AP_REQ`, 01 00.
    ApReq,
    /// `KRB_AP_REP`, 02 00.
    ApRep,
    /// `KRB_ERROR`, 03 00.
    Error,
}

/// A token that establishes a context: a Kerberos message in its framing.
/// See [RFC 4121] §4.1.
///
/// ```text
/// [APPLICATION 0] IMPLICIT SEQUENCE { thisMech MechType, 2 bytes TOK_ID, message }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GssToken<'a> {
    /// `thisMech`; `None` for a message without framing, as `DCE_STYLE` has it ([MS-KILE]
    /// §3.4.5.1).
    pub mech: Option<MechType<'a>>,
    /// Which message it is.
    pub id: TokenId,
    /// The message in DER, its tag included.
    pub message: &'a [u8],
}

const APPLICATION_0: Tag = Tag::Application { constructed: true, number: TagNumber(0) };

impl TokenId {
    const ALL: [Self; 3] = [Self::ApReq, Self::ApRep, Self::Error];

    fn bytes(self) -> [u8; 2] {
        match self {
            Self::ApReq => [1, 0],
            Self::ApRep => [2, 0],
            Self::Error => [3, 0],
        }
    }

    /// The first byte of the message's DER: its application tag ([RFC 4120] §5.10).
    fn tag(self) -> u8 {
        match self {
            Self::ApReq => 0x6e,
            Self::ApRep => 0x6f,
            Self::Error => 0x7e,
        }
    }
}

impl<'a> GssToken<'a> {
    /// Decodes a token; the message is not looked into.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none of Kerberos, or if identifier and message do not agree.
    pub fn decode(token: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(token).map_err(|defect| defect.of("Kerberos token"))
    }

    fn read(token: &'a [u8]) -> Result<Self, Defect> {
        let mut reader = SliceReader::new(token)?;
        let bad = Defect::new(&reader, "TOK_ID", DecodeErrorKind::BadValue);
        if token.first() != Some(&0x60) {
            let mut all = TokenId::ALL.into_iter();
            let id = all.find(|id| token.first() == Some(&id.tag())).ok_or(bad)?;
            return Ok(Self { mech: None, id, message: token });
        }
        let this = nested(&mut reader, "GSS-API token", APPLICATION_0, |framed| {
            let bad = Defect::new(framed, "thisMech", DecodeErrorKind::BadValue);
            let mech = MechType(primitive(framed, "thisMech", Tag::ObjectIdentifier)?);
            if mech != MechType::KRB5 && mech != MechType::MS_KRB5 {
                return Err(bad);
            }
            let bad = Defect::new(framed, "TOK_ID", DecodeErrorKind::BadValue);
            let bytes = [framed.read_byte()?, framed.read_byte()?];
            let message = framed.read_slice(framed.remaining_len())?;
            let mut all = TokenId::ALL.into_iter();
            let agrees = |id: &TokenId| id.bytes() == bytes && message.first() == Some(&id.tag());
            let id = all.find(agrees).ok_or(bad)?;
            Ok(Self { mech: Some(mech), id, message })
        })?;
        reader.finish()?;
        Ok(this)
    }

    /// Appends the token.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        if let Some(mech) = self.mech {
            let length = tlv_length(Tag::ObjectIdentifier, mech.0.len())?
                .checked_add(2)
                .and_then(|length| length.checked_add(self.message.len()));
            push_header(out, APPLICATION_0, length.ok_or(ApiMisuse::FieldTooLong("token"))?)?;
            push_header(out, Tag::ObjectIdentifier, mech.0.len())?;
            out.extend(mech.0);
            out.extend(self.id.bytes());
        }
        out.extend(self.message);
        Ok(())
    }
}

bitflags::bitflags! {
    /// What the initiator asks of the context ([RFC 4121] §4.1.1.1, [RFC 4757] §7.1,
    /// [MS-KILE] §2.2.3).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct GssFlags: u32 {
        /// `GSS_C_DELEG_FLAG`: a ticket of the client comes with it.
        const DELEG = 1;
        /// `GSS_C_MUTUAL_FLAG`: the acceptor is to prove itself.
        const MUTUAL = 2;
        /// `GSS_C_REPLAY_FLAG`.
        const REPLAY = 4;
        /// `GSS_C_SEQUENCE_FLAG`.
        const SEQUENCE = 8;
        /// `GSS_C_CONF_FLAG`.
        const CONF = 0x10;
        /// `GSS_C_INTEG_FLAG`.
        const INTEG = 0x20;
        /// `GSS_C_DCE_STYLE`.
        const DCE_STYLE = 0x1000;
        /// `GSS_C_IDENTIFY_FLAG`: for identification, not for impersonation.
        const IDENTIFY = 0x2000;
        /// `GSS_C_EXTENDED_ERROR_FLAG`: the client takes `KERB-ERROR-DATA`.
        const EXTENDED_ERROR = 0x4000;
    }
}

/// The checksum of type 0x8003 in the authenticator, which is none.
/// See [RFC 4121] §4.1.1.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | `Lgth` = 16, little-endian as the rest |
/// | 4 | 16 | `Bnd` |
/// | 20 | 4 | `Flags` |
/// | 24 | 2 | `DlgOpt` = 1, if `Flags` has `DELEG` |
/// | 26 | 2 | `Dlgth`, likewise |
/// | 28 | n | `Deleg`, likewise |
/// | | | `Exts` |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticatorChecksum<'a> {
    /// `Bnd`, the hash of the channel bindings; zeros if there are none.
    pub bindings: [u8; 16],
    /// `Flags`, with those that have no name here.
    pub flags: GssFlags,
    /// `Deleg`, a `KRB_CRED`.
    pub delegation: Option<&'a [u8]>,
    /// `Exts`, which are to be ignored.
    pub extensions: &'a [u8],
}

const BINDINGS_LENGTH: u32 = 16;
const DELEGATION_OPTION: u16 = 1;

impl<'a> AuthenticatorChecksum<'a> {
    /// `cksumtype` of it.
    pub const CHECKSUM_TYPE: i32 = 0x8003;

    /// Decodes the checksum. A ticket that is said to be delegated, and is not there in its
    /// length, is none: it belongs to the extensions then, and `DELEG` is gone from the flags.
    ///
    /// # Errors
    /// [`DecodeError`] if it has less than 24 bytes, or `Lgth` is wrong.
    pub fn decode(checksum: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("authenticator checksum", checksum);
        cursor.expect("Lgth", &BINDINGS_LENGTH.to_le_bytes())?;
        let bindings = cursor.array("Bnd")?;
        let mut flags = GssFlags::from_bits_retain(cursor.u32_le("Flags")?);
        let mut delegation = None;
        if flags.contains(GssFlags::DELEG) {
            let mut behind = cursor.clone();
            delegation = Self::delegation(&mut behind).ok();
            match delegation {
                Some(_) => cursor = behind,
                None => flags.remove(GssFlags::DELEG),
            }
        }
        Ok(Self { bindings, flags, delegation, extensions: cursor.rest() })
    }

    fn delegation(cursor: &mut Cursor<'a>) -> Result<&'a [u8], DecodeError> {
        cursor.expect("DlgOpt", &DELEGATION_OPTION.to_le_bytes())?;
        let length = cursor.u16_le("Dlgth")?;
        cursor.take("Deleg", length.into())
    }

    /// Appends the checksum. `DELEG` is written as `delegation` says, whatever is in `flags`.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if `delegation` is longer than 65535 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let mut flags = self.flags;
        flags.set(GssFlags::DELEG, self.delegation.is_some());
        out.extend(BINDINGS_LENGTH.to_le_bytes());
        out.extend(self.bindings);
        out.extend(flags.bits().to_le_bytes());
        if let Some(delegation) = self.delegation {
            let length = u16::try_from(delegation.len());
            out.extend(DELEGATION_OPTION.to_le_bytes());
            out.extend(length.map_err(|_| ApiMisuse::FieldTooLong("Deleg"))?.to_le_bytes());
            out.extend(delegation);
        }
        out.extend(self.extensions);
        Ok(())
    }
}
