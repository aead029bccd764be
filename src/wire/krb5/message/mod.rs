//! The messages of Kerberos ([RFC 4120] §5), in DER.
//!
//! They are read with the `der` crate as the SPNEGO tokens are: borrowed, each field once and in
//! order, nothing left over. What is not in a message's definition is refused; numbers may be
//! signed where somebody is known to send them so. No list is longer than 128 elements.

mod ap;
mod asn1;
mod flags;
mod kdc;
mod kdc_rep;
mod krb_error;
mod ticket;
mod types;

pub use ap::{ApRep, ApReq, Authenticator, EncApRepPart};
pub use flags::{ApOptions, KdcOptions, TicketFlags};
pub use kdc::{KdcReq, KdcReqBody, KdcReqKind, PaEncTsEnc};
pub use kdc_rep::{EncKdcRepPart, EtypeInfo2Entry, KdcRep, LastReq};
pub use krb_error::KrbError;
pub use ticket::{EncTicketPart, Ticket, TransitedEncoding};
pub use types::{
    Checksum, Element, EncryptedData, EncryptionKey, KerberosTime, decode_authorization_data,
    decode_method_data, encode_authorization_data, encode_method_data,
};
