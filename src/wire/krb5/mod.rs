//! Kerberos: its messages ([RFC 4120]), the tokens of its GSS-API mechanism ([RFC 4121]), and the
//! files that keys and tickets are kept in.

mod ccache;
mod file;
mod gss;
mod keytab;
mod message;
mod per_message;
mod principal;

pub use ccache::{CachedCredential, CredentialCacheFile, TypedData};
pub use gss::{AuthenticatorChecksum, GssFlags, GssToken, TokenId};
pub use keytab::{KeytabEntry, KeytabFile};
pub use message::{
    ApOptions, ApRep, ApReq, Authenticator, Checksum, Element, EncApRepPart, EncKdcRepPart,
    EncTicketPart, EncryptedData, EncryptionKey, EtypeInfo2Entry, KdcOptions, KdcRep, KdcReq,
    KdcReqBody, KdcReqKind, KerberosTime, KrbError, LastReq, PaEncTsEnc, Ticket, TicketFlags,
    TransitedEncoding, decode_authorization_data, decode_method_data, encode_authorization_data,
    encode_method_data,
};
pub use per_message::{MicToken, PerMessageFlags, WrapToken};
pub use principal::Principal;
