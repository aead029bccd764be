//! Credentials, and the verdict on them once the store has answered ([RFC 7616] §3.4, §3.6).

use super::config::DigestConfig;
use super::nonce::Nonce;
use super::parameters::{Parameters, extended_value};
use crate::credential::StoreError;
use crate::digest::{DigestAccount, DigestAlgorithm, DigestAnswer, DigestUsername, HexHash};
use crate::env::FileTime;
use crate::error::{Denial, Error, HeaderError, ParameterProblem, PeerIncompatible, Refusal};
use crate::evidence::ProofVerified;
use crate::http::header::push_quoted;
use crate::identity::{Account, AccountName};
use crate::policy::Policy;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use subtle::ConstantTimeEq;

/// What has to be known of the request that the credentials came with.
#[derive(Clone, Copy)]
pub(crate) struct DigestRequest<'a> {
    /// The method, as on the request line.
    pub(crate) method: &'a str,
    /// The request target, as on the request line.
    pub(crate) target: &'a str,
    /// The body, if it has been read; only `auth-int` needs it.
    pub(crate) entity_body: Option<&'a [u8]>,
    /// For its limits.
    pub(crate) policy: &'a Policy,
}

/// Credentials have come; who they are from has to be looked up. Owns whatever has to outlive
/// the request.
pub(crate) struct PendingDigest {
    realm: Arc<str>,
    algorithm: DigestAlgorithm,
    username: Username,
    /// As sent, for the hash.
    nonce_text: Vec<u8>,
    /// `None` if it is none of ours.
    nonce: Option<Nonce>,
    /// As sent, for the hash: digits of either case.
    nc_text: String,
    nc: u32,
    cnonce: String,
    qop: Qop,
    uri: Vec<u8>,
    /// In lower case.
    response: String,
    /// `H(A2)` of the request.
    request_hash: HexHash,
}

enum Username {
    Plain(String),
    /// `userhash:` and the digits: how a log calls somebody who withholds the name.
    Hash(String),
}

const HASH_LABEL: &str = "userhash:";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Qop {
    Auth,
    AuthInt,
}

/// What credentials are worth.
pub(crate) enum DigestVerdict {
    /// The password is proven for this request.
    Proven {
        proof: ProofVerified,
        name: AccountName,
        /// The value of `Authentication-Info`.
        authentication_info: String,
    },
    /// The password is right, but the nonce is too old, not ours (any more), or its count was
    /// used: the client gets a challenge with `stale=true`, and does not ask for the password.
    Stale,
}

/// What stands in for `H(A1)` of an account that may not log on, so that refusing it costs the
/// same. Nothing can match it: the refusal is decided before the proof is looked at.
const NOBODY: [u8; 64] = [b'0'; 64];

/// Longest `nonce` and `cnonce` in bytes: ours have 48, and it may be one of whatever served
/// here before.
const MAX_NONCE: usize = 1024;

impl DigestConfig {
    /// Reads credentials: `parameters` is what stands behind `Digest`.
    ///
    /// # Errors
    /// - [`Error::TokenTooLong`] over [`Policy::max_token`].
    /// - [`Error::Header`] if they are malformed, or belong to another request.
    /// - [`PeerIncompatible::DigestNotOffered`] if they answer another challenge than this
    ///   configuration makes. Not a malformed request: it heals with the next challenge, while
    ///   clients repeat what they once learned until they get one.
    pub(crate) fn read(
        &self,
        parameters: &[u8],
        request: &DigestRequest<'_>,
    ) -> Result<PendingDigest, Error> {
        let (length, limit) = (parameters.len(), request.policy.max_token);
        if length > limit {
            return Err(Error::TokenTooLong { length, limit });
        }
        let mut found = Parameters::parse(parameters)?;
        let username = username(&mut found, request.policy.max_name)?;
        let realm = found.required("realm")?;
        let nonce_text = at_most_nonce("nonce", found.required("nonce")?)?;
        let uri = found.required("uri")?;
        let response = found.required("response")?;
        let qop_text = found.required("qop")?;
        let (nc_text, nc) = count(found.required("nc")?)?;
        let cnonce = at_most_nonce("cnonce", found.required("cnonce")?)?;
        let cnonce = ascii(cnonce).ok_or(bad_value("cnonce"))?;
        if !is_same_target(&uri, request.target.as_bytes()) {
            return Err(HeaderError::Parameter("uri", ParameterProblem::OtherRequest).into());
        }

        offered("realm", realm == self.realm.as_bytes())?;
        offered("opaque", found.take("opaque").is_none_or(|opaque| opaque.is_empty()))?;
        let algorithm = match found.take("algorithm") {
            Some(name) => core::str::from_utf8(&name).ok().and_then(DigestAlgorithm::from_name),
            None => Some(DigestAlgorithm::Md5),
        };
        let algorithm = algorithm.filter(|algorithm| self.algorithms.contains(algorithm));
        let algorithm = algorithm.ok_or(PeerIncompatible::DigestNotOffered("algorithm"))?;
        let (qop, request_hash) = self.request_hash(algorithm, &qop_text, &uri, request)?;
        let username = match username {
            Username::Hash(_) if !self.user_hash => {
                return Err(PeerIncompatible::DigestNotOffered("userhash").into());
            }
            Username::Hash(digits) => {
                let digits = lower_hex("username", algorithm.digits(), digits.into_bytes())?;
                Username::Hash([HASH_LABEL, &digits].concat())
            }
            plain @ Username::Plain(_) => plain,
        };
        Ok(PendingDigest {
            realm: Arc::clone(&self.realm),
            algorithm,
            username,
            nonce: self.nonce(&nonce_text),
            nonce_text,
            nc_text,
            nc,
            cnonce,
            qop,
            response: lower_hex("response", algorithm.digits(), response)?,
            request_hash,
            uri,
        })
    }

    /// `qop`, and `H(A2)` that goes with it ([RFC 7616] §3.4.3).
    fn request_hash(
        &self,
        algorithm: DigestAlgorithm,
        qop: &[u8],
        uri: &[u8],
        request: &DigestRequest<'_>,
    ) -> Result<(Qop, HexHash), PeerIncompatible> {
        let method = request.method.as_bytes();
        if qop == b"auth" {
            return Ok((Qop::Auth, algorithm.hash(&[method, b":", uri])));
        }
        let body = request.entity_body.filter(|_| self.auth_int && qop == b"auth-int");
        let body = body.ok_or(PeerIncompatible::DigestNotOffered("qop"))?;
        let body = algorithm.hash(&[body]);
        Ok((Qop::AuthInt, algorithm.hash(&[method, b":", uri, b":", body.as_bytes()])))
    }
}

impl PendingDigest {
    /// Whom to look up.
    pub(crate) fn account(&self) -> DigestAccount<'_> {
        let username = match &self.username {
            Username::Plain(name) => DigestUsername::Plain(name),
            Username::Hash(label) => {
                DigestUsername::Hash(label.strip_prefix(HASH_LABEL).unwrap_or_default())
            }
        };
        DigestAccount::new(username, &self.realm, self.algorithm)
    }

    /// The same for logs; a hashed name is `userhash:` and its digits.
    pub(crate) fn claimed_name(&self) -> Account<'_> {
        match &self.username {
            Username::Plain(name) => match name.split_once('\\') {
                Some((domain, user)) => Account::new(domain, user),
                None => Account::new("", name),
            },
            Username::Hash(label) => Account::new("", label),
        }
    }

    /// Goes on with the store's answer; what is refused costs as much as a wrong password.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Store`].
    pub(crate) fn resolve(
        self,
        answer: Result<DigestAnswer, StoreError>,
        config: &DigestConfig,
        now: FileTime,
    ) -> Result<DigestVerdict, Error> {
        let (name, ha1) = match answer.map_err(Error::Store)? {
            DigestAnswer::Known { ha1, name } => (Ok(name), Some(ha1)),
            DigestAnswer::Unknown => (Err(Refusal::UnknownAccount), None),
            DigestAnswer::Refused(refusal) => (Err(refusal), None),
        };
        if ha1.as_ref().is_some_and(|ha1| ha1.algorithm() != self.algorithm) {
            let reason = "a hash of another algorithm than was asked for";
            return Err(Error::Store(StoreError::new(reason)));
        }
        let nobody = NOBODY.get(..self.algorithm.digits()).unwrap_or_default();
        let ha1 = ha1.as_ref().map_or(nobody, |ha1| ha1.expose().as_bytes());
        let expected = self.response(ha1, &self.request_hash);
        let proof = ProofVerified::of_digest(&expected, self.response.as_bytes());

        let denied = |refusal| Denial::new(refusal, self.claimed_name());
        let name = name.map_err(denied)?;
        let proof = proof.map_err(denied)?;
        if self.is_of_no_password(ha1, &name) {
            return Err(denied(Refusal::EmptyPassword).into());
        }
        let nonce = self.nonce.filter(|nonce| nonce.is_fresh(now, config.nonce_lifetime));
        let first_use =
            |nonce: Nonce| config.counts.first_use(nonce.random, nonce.issued_at, self.nc);
        if !nonce.is_some_and(first_use) {
            return Ok(DigestVerdict::Stale);
        }
        let authentication_info = self.authentication_info(ha1);
        Ok(DigestVerdict::Proven { proof, name, authentication_info })
    }

    /// Whether `ha1` is the hash of an empty password: such an account is open to everybody.
    /// A hashed name is taken for each of those that the store's name for the account has.
    fn is_of_no_password(&self, ha1: &[u8], name: &AccountName) -> bool {
        let is_of = |username: &str| -> bool {
            let empty = [username.as_bytes(), b":", self.realm.as_bytes(), b":"];
            self.algorithm.hash(&empty).as_bytes().ct_eq(ha1).into()
        };
        if let Username::Plain(username) = &self.username {
            return is_of(username);
        }
        let (domain, user) = (name.domain(), name.user());
        let alone = user.rsplit_once('@').map_or(user, |(alone, _)| alone);
        is_of(&[domain, "\\", user].concat())
            || [user, alone].into_iter().chain(name.upn()).any(is_of)
    }

    /// `H(H(A1) : nonce : nc : cnonce : qop : H(A2))` ([RFC 7616] §3.4.1).
    fn response(&self, ha1: &[u8], ha2: &HexHash) -> HexHash {
        let colon = b":".as_slice();
        self.algorithm.hash(&[
            ha1,
            colon,
            &self.nonce_text,
            colon,
            self.nc_text.as_bytes(),
            colon,
            self.cnonce.as_bytes(),
            colon,
            self.qop.name().as_bytes(),
            colon,
            ha2.as_bytes(),
        ])
    }

    /// The proof that the server knows the password as well ([RFC 7616] §3.5). With `auth-int`
    /// it would cover the body of the response, which is not known here, and is left out.
    fn authentication_info(&self, ha1: &[u8]) -> String {
        let mut value = String::new();
        if self.qop == Qop::Auth {
            value.push_str("rspauth=");
            let ha2 = self.algorithm.hash(&[b":", &self.uri]);
            push_quoted(&mut value, self.response(ha1, &ha2).as_str());
            value.push_str(", ");
        }
        value.push_str("qop=");
        value.push_str(self.qop.name());
        value.push_str(", cnonce=");
        push_quoted(&mut value, &self.cnonce);
        value.push_str(", nc=");
        value.push_str(&self.nc_text);
        value
    }
}

/// The response can be guessed at offline; it does not go into logs.
impl fmt::Debug for PendingDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingDigest").field("account", &self.account()).finish_non_exhaustive()
    }
}

/// Neither does the server's.
impl fmt::Debug for DigestVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven { name, .. } => {
                f.debug_struct("Proven").field("name", name).finish_non_exhaustive()
            }
            Self::Stale => f.write_str("Stale"),
        }
    }
}

impl Qop {
    fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

fn bad_value(name: &'static str) -> HeaderError {
    HeaderError::Parameter(name, ParameterProblem::BadValue)
}

fn too_long(name: &'static str) -> HeaderError {
    HeaderError::Parameter(name, ParameterProblem::TooLong)
}

fn offered(name: &'static str, offered: bool) -> Result<(), PeerIncompatible> {
    if offered { Ok(()) } else { Err(PeerIncompatible::DigestNotOffered(name)) }
}

/// The user name in one of its three forms, of at most `limit` bytes; of a hash, whatever was
/// sent.
fn username(found: &mut Parameters, limit: usize) -> Result<Username, HeaderError> {
    let is_extended = found.has("username*");
    let name = if is_extended { "username*" } else { "username" };
    if is_extended && found.has("username") {
        return Err(HeaderError::Parameter(name, ParameterProblem::Duplicate));
    }
    let value = found.required(name)?;
    let text = if is_extended { extended_value(&value) } else { String::from_utf8(value).ok() };
    let text = text.ok_or(bad_value(name))?;
    if text.len() > limit {
        return Err(too_long(name));
    }
    let userhash = found.take("userhash").unwrap_or_default().to_ascii_lowercase();
    match userhash.as_slice() {
        b"" | b"false" => Ok(Username::Plain(text)),
        // A hash has no characters that would have to be extended ([RFC 7616] §3.4.4).
        b"true" if !is_extended => Ok(Username::Hash(text)),
        _ => Err(bad_value("userhash")),
    }
}

fn at_most_nonce(name: &'static str, value: Vec<u8>) -> Result<Vec<u8>, HeaderError> {
    if value.len() > MAX_NONCE { Err(too_long(name)) } else { Ok(value) }
}

/// `cnonce` is sent back.
fn ascii(value: Vec<u8>) -> Option<String> {
    String::from_utf8(value).ok().filter(|text| text.is_ascii())
}

/// `nc`: eight digits of either case. None of them is as good as zero, where no client begins.
fn count(value: Vec<u8>) -> Result<(String, u32), HeaderError> {
    let text = ascii(value).filter(|text| text.len() == 8);
    let text = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = text.as_deref().and_then(|text| u32::from_str_radix(text, 16).ok());
    text.zip(number.filter(|number| *number > 0)).ok_or(bad_value("nc"))
}

/// Hexadecimal digits of either case, in lower case.
fn lower_hex(name: &'static str, digits: usize, value: Vec<u8>) -> Result<String, HeaderError> {
    let mut text = ascii(value).ok_or(bad_value(name))?;
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad_value(name));
    }
    text.make_ascii_lowercase();
    Ok(text)
}

/// Whether `uri` is the request's target. Where one of them is absolute and the other is not,
/// path and query have to agree: a proxy in between turns the one into the other ([RFC 7616]
/// §3.4.6, [RFC 9112] §3.2).
fn is_same_target(uri: &[u8], target: &[u8]) -> bool {
    match (behind_authority(uri), behind_authority(target)) {
        (Some(rest), None) => is_path(rest, target),
        (None, Some(rest)) => is_path(rest, uri),
        _ => uri == target,
    }
}

/// What of an absolute address stands behind scheme and authority; `None` if it is not absolute.
fn behind_authority(address: &[u8]) -> Option<&[u8]> {
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let scheme_end = address.iter().position(|byte| !is_scheme(byte))?;
    let authority = address.get(scheme_end..)?.strip_prefix(b"://")?;
    let end = authority.iter().position(|byte| matches!(byte, b'/' | b'?'));
    authority.get(end.unwrap_or(authority.len())..)
}

/// Whether `origin` is path and query `rest` of an absolute address, whose empty path is `/`.
fn is_path(rest: &[u8], origin: &[u8]) -> bool {
    if rest.starts_with(b"/") { rest == origin } else { origin.strip_prefix(b"/") == Some(rest) }
}
