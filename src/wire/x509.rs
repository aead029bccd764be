//! The one thing wanted of a certificate: which hash its signature uses ([RFC 5280] §4.1.1.2).

use super::der::{Defect, nested, primitive};
use crate::error::{DecodeError, DecodeErrorKind};
use der::oid::ObjectIdentifier;
use der::{Reader, SliceReader, Tag};

/// The hash for `tls-server-end-point`, with MD5 and SHA-1 raised to SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureHash {
    Sha256,
    Sha384,
    Sha512,
}

use SignatureHash::{Sha256, Sha384, Sha512};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// Signature algorithms with one hash ([RFC 4055] §5, [RFC 5758] §3, [RFC 3279] §2.2).
const SIGNATURES: [(ObjectIdentifier, SignatureHash); 12] = [
    (oid("1.2.840.113549.1.1.4"), Sha256),   // md5WithRSAEncryption
    (oid("1.2.840.113549.1.1.5"), Sha256),   // sha1WithRSAEncryption
    (oid("1.2.840.113549.1.1.11"), Sha256),  // sha256WithRSAEncryption
    (oid("1.2.840.113549.1.1.12"), Sha384),  // sha384WithRSAEncryption
    (oid("1.2.840.113549.1.1.13"), Sha512),  // sha512WithRSAEncryption
    (oid("1.2.840.10045.4.1"), Sha256),      // ecdsa-with-SHA1
    (oid("1.2.840.10045.4.3.2"), Sha256),    // ecdsa-with-SHA256
    (oid("1.2.840.10045.4.3.3"), Sha384),    // ecdsa-with-SHA384
    (oid("1.2.840.10045.4.3.4"), Sha512),    // ecdsa-with-SHA512
    (oid("1.2.840.10040.4.3"), Sha256),      // dsa-with-sha1
    (oid("2.16.840.1.101.3.4.3.2"), Sha256), // dsa-with-sha256
    (oid("1.2.840.113549.1.1.2"), Sha256),   // md2WithRSAEncryption
];

const RSASSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");

/// Hashes that RSASSA-PSS parameters may name ([RFC 4055] §2.1).
const HASHES: [(ObjectIdentifier, SignatureHash); 4] = [
    (oid("1.3.14.3.2.26"), Sha256), // SHA-1
    (oid("2.16.840.1.101.3.4.2.1"), Sha256),
    (oid("2.16.840.1.101.3.4.2.2"), Sha384),
    (oid("2.16.840.1.101.3.4.2.3"), Sha512),
];

fn find(table: &[(ObjectIdentifier, SignatureHash)], bytes: &[u8]) -> Option<SignatureHash> {
    table.iter().find(|(oid, _)| oid.as_bytes() == bytes).map(|(_, hash)| *hash)
}

/// The hash of the signature over `certificate`; `None` if it has not exactly one.
pub(crate) fn signature_hash(certificate: &[u8]) -> Result<Option<SignatureHash>, DecodeError> {
    read(certificate).map_err(|defect| defect.of("Certificate"))
}

fn read(certificate: &[u8]) -> Result<Option<SignatureHash>, Defect> {
    let mut reader = SliceReader::new(certificate)?;
    let hash = nested(&mut reader, "Certificate", Tag::Sequence, |outer| {
        primitive(outer, "tbsCertificate", Tag::Sequence)?;
        let hash = nested(outer, "signatureAlgorithm", Tag::Sequence, algorithm)?;
        primitive(outer, "signatureValue", Tag::BitString)?;
        Ok(hash)
    })?;
    if !reader.is_finished() {
        return Err(Defect::new(&reader, "Certificate", DecodeErrorKind::TrailingData));
    }
    Ok(hash)
}

/// `AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }`
fn algorithm(reader: &mut SliceReader<'_>) -> Result<Option<SignatureHash>, Defect> {
    let oid = primitive(reader, "algorithm", Tag::ObjectIdentifier)?;
    if oid != RSASSA_PSS.as_bytes() {
        reader.read_slice(reader.remaining_len())?;
        return Ok(find(&SIGNATURES, oid));
    }
    // RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] DEFAULT sha1, … }
    nested(reader, "parameters", Tag::Sequence, |params| {
        let named = Tag::peek(params).is_ok_and(|tag| tag == super::der::context(0));
        let hash = if named {
            nested(params, "hashAlgorithm", super::der::context(0), |tagged| {
                nested(tagged, "hashAlgorithm", Tag::Sequence, |hash| {
                    let oid = primitive(hash, "algorithm", Tag::ObjectIdentifier)?;
                    hash.read_slice(hash.remaining_len())?;
                    Ok(find(&HASHES, oid))
                })
            })?
        } else {
            Some(Sha256)
        };
        params.read_slice(params.remaining_len())?;
        Ok(hash)
    })
}
