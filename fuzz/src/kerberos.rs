//! The decoders of Kerberos: files, messages, PAC.

use logon::DecodeError;
use logon::kerberos::{CredentialCache, EncryptionType, Key, Keytab, Pac, PacError};
use logon::wire::Sid;
use logon::wire::krb5::{
    ApRep, ApReq, Authenticator, AuthenticatorChecksum, CredentialCacheFile, Element, EncApRepPart,
    EncKdcRepPart, EncTicketPart, EncryptionKey, EtypeInfo2Entry, GssToken, KdcRep, KdcReq,
    KdcReqBody, KdcReqKind, KerberosTime, KeytabFile, KrbError, MicToken, PaEncTsEnc, Principal,
    TicketFlags, TransitedEncoding, WrapToken, decode_authorization_data,
    encode_authorization_data,
};
use logon::wire::pac::PacType;

fn encoded<E: std::fmt::Debug>(encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out).expect("what was decoded can be encoded");
    out
}

/// A keytab of any version: written in version 2 it has the same entries, and none is lost on the
/// way to keys.
pub fn keytab(data: &[u8]) {
    let file = KeytabFile::decode(data);
    let keytab = Keytab::decode(data);
    let Ok(file) = file else {
        assert!(keytab.is_err());
        return;
    };
    let bytes = file.encode().expect("what was decoded can be encoded");
    assert_eq!(KeytabFile::decode(&bytes).expect("our own encoding"), file);
    let keytab = keytab.expect("the same file");
    assert_eq!(keytab.keys().len() + keytab.left_out(), file.entries.len());
    for entry in &file.entries {
        assert!(entry.key.len() < data.len());
        assert!(entry.principal.to_string().contains('@'));
    }
    let bytes = keytab.encode().expect("what was decoded can be encoded");
    let again = Keytab::decode(&bytes).expect("our own encoding");
    assert_eq!((again.keys().len(), again.left_out()), (keytab.keys().len(), 0));
}

/// A credential cache of any version: written in version 4 it is the same.
pub fn ccache(data: &[u8]) {
    let file = CredentialCacheFile::decode(data);
    let cache = CredentialCache::decode(data);
    let Ok(file) = file else {
        assert!(cache.is_err());
        return;
    };
    let bytes = file.encode().expect("what was decoded can be encoded");
    assert_eq!(CredentialCacheFile::decode(&bytes).expect("our own encoding"), file);
    let cache = cache.expect("the same file");
    assert!(cache.tickets().len() <= file.credentials.len());
    for ticket in cache.tickets() {
        if let Some(found) = cache.ticket_for(&ticket.server, ticket.start_time) {
            assert!(found.client == *cache.default_principal());
            assert!(found.server.components() == ticket.server.components());
            let realm = ticket.server.realm();
            assert!(realm.is_empty() || found.server.realm() == realm);
            assert!(ticket.start_time < found.end_time);
        }
    }
}

/// Reads, writes, reads and writes again: the second time nothing changes.
fn settled<'a, T>(
    data: &'a [u8],
    decode: impl Fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
    read: impl Fn(&'a [u8]) -> Result<T, DecodeError>,
) -> Option<T> {
    let this = read(data).ok()?;
    let once = decode(data).expect("it was just decoded");
    assert_eq!(decode(&once).expect("our own encoding"), once);
    Some(this)
}

macro_rules! settles {
    ($message:ident, $data:expr) => {
        settled(
            $data,
            |bytes| $message::decode(bytes).map(|this| encoded(|out| this.encode(out))),
            $message::decode,
        )
    };
}

/// The messages: what decodes can be encoded, and from then on nothing changes. A ticket keeps
/// its bytes.
pub fn ap_req(data: &[u8]) {
    if let Ok(token) = GssToken::decode(data) {
        let bytes = encoded(|out| token.encode(out));
        assert!(bytes.len() <= data.len());
        assert_eq!(GssToken::decode(&bytes).expect("our own encoding"), token);
        messages(token.message);
    } else {
        messages(data);
    }
}

fn messages(data: &[u8]) {
    if let Some(this) = settles!(ApReq, data) {
        assert!(data.windows(this.ticket.as_der().len()).any(|part| part == this.ticket.as_der()));
        let bytes = encoded(|out| this.encode(out));
        assert_eq!(ApReq::decode(&bytes).expect("our own encoding"), this);
    }
    settles!(ApRep, data);
    settles!(KrbError, data);
    settles!(PaEncTsEnc, data);
    settles!(EncApRepPart, data);
    settles!(EncryptionKey, data);
    settles!(KdcReqBody, data);
    if let Some(this) = settles!(EncTicketPart, data) {
        let bytes = encoded(|out| this.encode(out));
        assert_eq!(EncTicketPart::decode(&bytes).expect("our own encoding"), this);
    }
    if let Some(this) = settles!(Authenticator, data) {
        let bytes = encoded(|out| this.encode(out));
        assert_eq!(Authenticator::decode(&bytes).expect("our own encoding"), this);
    }
    for kind in [KdcReqKind::As, KdcReqKind::Tgs] {
        if let Ok(this) = KdcReq::decode(kind, data) {
            let bytes = encoded(|out| this.encode(out));
            assert_eq!(KdcReq::decode(kind, &bytes).expect("our own encoding"), this);
            settles!(KdcReqBody, this.req_body);
        }
        if let Ok(this) = KdcRep::decode(kind, data) {
            let bytes = encoded(|out| this.encode(out));
            assert_eq!(KdcRep::decode(kind, &bytes).expect("our own encoding"), this);
        }
        if let Ok(this) = EncKdcRepPart::decode(data) {
            let bytes = encoded(|out| this.encode(kind, out));
            assert_eq!(EncKdcRepPart::decode(&bytes).expect("our own encoding"), this);
        }
    }
    if let Ok(list) = EtypeInfo2Entry::decode_list(data) {
        let bytes = encoded(|out| EtypeInfo2Entry::encode_list(&list, out));
        assert_eq!(EtypeInfo2Entry::decode_list(&bytes).expect("our own encoding"), list);
    }
    if let Ok(list) = decode_authorization_data(data) {
        assert!(list.len() <= 128);
        let bytes = encoded(|out| encode_authorization_data(&list, out));
        assert_eq!(decode_authorization_data(&bytes).expect("our own encoding"), list);
    }
    tokens(data);
}

/// What has no DER in it comes back to the byte.
fn tokens(data: &[u8]) {
    if let Ok(this) = AuthenticatorChecksum::decode(data) {
        let bytes = encoded(|out| this.encode(out));
        // What is said to be delegated and is not there, is gone from the flags.
        let deleg = data.get(20).is_some_and(|flags| flags & 1 != 0);
        assert!(bytes == data || deleg && this.delegation.is_none());
        assert_eq!(AuthenticatorChecksum::decode(&bytes).expect("our own encoding"), this);
    }
    if let Ok(this) = MicToken::decode(data) {
        let mut bytes = Vec::new();
        this.encode(&mut bytes);
        assert_eq!(bytes, data);
    }
    if let Ok(this) = WrapToken::decode(data) {
        let mut bytes = Vec::new();
        this.encode(&mut bytes);
        assert_eq!(bytes, data);
        let [front, back] = this.unrotated();
        assert_eq!([back, front].concat(), this.data);
    }
}

/// A PAC: its buffers lie in it; what is signed differs from it in the two signatures alone;
/// and without the key nothing is believed.
pub fn pac(data: &[u8]) {
    let Ok(pac) = PacType::decode(data) else { return };
    for buffer in pac.buffers() {
        assert_eq!(&data[buffer.offset..][..buffer.data.len()], buffer.data);
        assert!(buffer.offset >= 8 + 16 * pac.buffers().len());
        if let Ok(sid) = Sid::decode(buffer.data) {
            assert_eq!(sid.encode(), buffer.data);
            assert_eq!(sid.to_string().parse(), Ok(sid));
        }
    }
    if let Ok(Some(logon)) = pac.logon_info() {
        assert!(logon.group_ids.len() <= 1024 && logon.extra_sids.len() <= 1024);
        assert!(logon.resource_group_ids.len() <= 1024);
    }
    let _ = (pac.upn_dns_info(), pac.requestor(), pac.attributes());
    if let (Ok(server), Ok(kdc)) = (pac.server_signature(), pac.kdc_signature()) {
        let signed = pac.signed_parts(&server, &kdc).concat();
        let changed = signed.iter().zip(data).filter(|(one, other)| one != other).count();
        assert!(changed <= server.signature.len() + kdc.signature.len());
    }
    believed_by_nobody(data);
}

fn believed_by_nobody(data: &[u8]) {
    let element = Element { kind: 128, data };
    let if_relevant = encoded(|out| encode_authorization_data(&[element], out));
    let info = PacType::decode(data).ok().and_then(|pac| pac.client_info().ok().flatten());
    let name = info.map(|info| info.name.to_string()).unwrap_or_default();
    let time = info.map_or(0, |info| info.client_id / 10_000_000);
    let time = KerberosTime::from_unix(time.saturating_sub(11_644_473_600));
    let ticket = EncTicketPart {
        flags: TicketFlags::empty(),
        key: EncryptionKey { key_type: 18, value: &[] },
        client: Principal { realm: "R", components: vec![&name], name_type: 1 },
        transited: TransitedEncoding { kind: 0, contents: &[] },
        auth_time: time,
        start_time: None,
        end_time: time,
        renew_till: None,
        addresses: vec![],
        authorization_data: vec![Element { kind: 1, data: &if_relevant }],
    };
    for kind in EncryptionType::DEFAULT {
        let key = Key::new(kind, &vec![0x42; kind.key_length()]).expect("its length");
        let refused = Pac::of_ticket(&ticket, &key, None);
        assert!(matches!(refused, Err(PacError::WrongSignature | PacError::Decode(_))));
    }
}
