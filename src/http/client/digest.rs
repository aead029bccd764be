//! The Digest scheme ([RFC 7616]), as a client answers it: `qop=auth` alone, which covers method and
//! URI, because bodies pass without being kept.

use super::challenge::Parameter;
use super::config::Password;
use super::credentials::Credentials;
use super::error::ClientError;
use crate::digest::{DigestAlgorithm, Ha1, HexHash, digest_user_hash};
use crate::env::SecureRandom;
use crate::error::ApiMisuse;
use crate::http::header::{is_header_text, is_tchar, push_quoted};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write;
use subtle::ConstantTimeEq;

/// A challenge that can be answered.
pub(super) struct DigestChallenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: DigestAlgorithm,
    /// Whether the algorithm is one of `-sess`.
    session: bool,
    user_hash: bool,
    pub(super) stale: bool,
}

/// A nonce in use.
pub(super) struct DigestSession {
    challenge: DigestChallenge,
    cnonce: String,
    count: u32,
    /// Whether it came in place of a stale one, and nothing has succeeded with it yet.
    pub(super) replaced_stale: bool,
    /// What the server has to answer to prove that it knows the password.
    expected: Option<HexHash>,
    /// Whether it did.
    pub(super) proven: bool,
}

/// The request that credentials are for ([RFC 7616] §3.4.3).
pub(super) struct Request {
    pub(super) method: String,
    pub(super) uri: String,
}

/// Longest parameter that is sent back.
const MAX_PARAMETER: usize = 4096;
const SESSION_SUFFIX: &str = "-sess";

impl DigestChallenge {
    /// `None` if it cannot be answered: another algorithm, no `qop=auth`, a parameter that is
    /// absent, stands twice, or would not come back as it is.
    pub(super) fn read(parameters: &[Parameter<'_>]) -> Option<Self> {
        let get = |name: &str| -> Option<Option<&str>> {
            let mut named =
                parameters.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
            let Some((_, value)) = named.next() else { return Some(None) };
            let text = core::str::from_utf8(value).ok()?;
            let fits = named.next().is_none() && text.len() <= MAX_PARAMETER;
            (fits && is_header_text(text)).then_some(Some(text))
        };
        let is_true =
            |name: &str| get(name).map(|it| it.is_some_and(|it| it.eq_ignore_ascii_case("true")));
        let name = get("algorithm")?.unwrap_or(DigestAlgorithm::Md5.name());
        let end = name.len().saturating_sub(SESSION_SUFFIX.len());
        let (name, session) = match name.split_at_checked(end) {
            Some((name, suffix)) if suffix.eq_ignore_ascii_case(SESSION_SUFFIX) => (name, true),
            _ => (name, false),
        };
        if !get("qop")??.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")) {
            return None;
        }
        Some(Self {
            realm: get("realm")??.to_string(),
            nonce: get("nonce")??.to_string(),
            opaque: get("opaque")?.map(ToString::to_string),
            algorithm: DigestAlgorithm::from_name(name)?,
            session,
            user_hash: is_true("userhash")?,
            stale: is_true("stale")?,
        })
    }

    /// The place of its algorithm by strength.
    pub(super) fn rank(&self) -> usize {
        let place = DigestAlgorithm::ALL.iter().position(|known| *known == self.algorithm);
        place.unwrap_or(DigestAlgorithm::ALL.len())
    }

    fn hash(&self, parts: [&str; 3]) -> HexHash {
        let [first, second, third] = parts.map(str::as_bytes);
        self.algorithm.hash(&[first, b":", second, b":", third])
    }
}

impl DigestSession {
    /// Begins with the first credentials of a nonce. `cnonce` stays the same for all of them: with
    /// `-sess` the hash of the password is made of it.
    pub(super) fn new(
        challenge: DigestChallenge,
        random: &dyn SecureRandom,
    ) -> Result<Self, ClientError> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes).map_err(crate::error::Error::from)?;
        let mut digits = [0; 32];
        let cnonce = base16ct::lower::encode_str(&bytes, &mut digits).unwrap_or_default().into();
        let replaced_stale = challenge.stale;
        let (count, expected, proven) = (0, None, false);
        Ok(Self { challenge, cnonce, count, replaced_stale, expected, proven })
    }

    /// Credentials for `request`, with the next count ([RFC 7616] §3.4).
    pub(super) fn answer(
        &mut self,
        account: &Password,
        request: &Request,
    ) -> Result<Credentials, ClientError> {
        let Request { method, uri } = request;
        if !is_header_text(uri) {
            return Err(ApiMisuse::NotHeaderText("uri").into());
        }
        self.count = self.count.checked_add(1).ok_or(ApiMisuse::SequenceExhausted)?;
        let Self { challenge, cnonce, count, .. } = self;
        let DigestChallenge { realm, nonce, algorithm, .. } = &*challenge;
        let (name, password) = (account.name.as_str(), account.password.as_str());

        let ha1 = Ha1::of_password(*algorithm, name, realm, password);
        let of_session = challenge.session.then(|| challenge.hash([ha1.expose(), nonce, cnonce]));
        let ha1 = of_session.as_ref().map_or(ha1.expose(), HexHash::as_str);
        let nc = format!("{count:08x}");
        let response = |method: &str| {
            let ha2 = algorithm.hash(&[method.as_bytes(), b":", uri.as_bytes()]);
            let counted = [nonce, ":", &nc, ":", cnonce, ":auth"].concat();
            challenge.hash([ha1, &counted, ha2.as_str()])
        };

        let mut value = String::from("Digest ");
        push_username(&mut value, challenge, name)?;
        for (name, text) in [("realm", realm), ("uri", uri), ("nonce", nonce), ("cnonce", cnonce)] {
            push(&mut value, name, text);
        }
        push(&mut value, "response", response(method).as_str());
        if let Some(opaque) = &challenge.opaque {
            push(&mut value, "opaque", opaque);
        }
        let session = if challenge.session { SESSION_SUFFIX } else { "" };
        // Writing into a string does not fail.
        let _ = write!(value, "algorithm={algorithm}{session}, qop=auth, nc={nc}");
        if challenge.user_hash {
            value.push_str(", userhash=true");
        }
        self.expected = Some(response(""));
        self.proven = false;
        Ok(Credentials { value, last: true, counts: true })
    }

    /// Takes `Authentication-Info` ([RFC 7616] §3.5): `false` if it is to prove that the server
    /// knows the password, and does not.
    pub(super) fn check(&mut self, parameters: &[Parameter<'_>]) -> bool {
        let get = |name: &str| {
            let of_name = |(known, _): &&Parameter<'_>| known.eq_ignore_ascii_case(name.as_bytes());
            parameters.iter().find(of_name).map(|(_, value)| value.as_slice())
        };
        // With `auth-int` it is over the body of the response, which is not here.
        if get("qop").is_some_and(|qop| !qop.eq_ignore_ascii_case(b"auth")) {
            return true;
        }
        let (Some(proof), Some(expected)) = (get("rspauth"), &self.expected) else { return true };
        self.proven = proof.to_ascii_lowercase().ct_eq(expected.as_bytes()).into();
        self.proven
    }
}

/// `username`, or what stands for it ([RFC 7616] §3.4, §3.4.4).
fn push_username(
    value: &mut String,
    challenge: &DigestChallenge,
    name: &str,
) -> Result<(), ClientError> {
    if name.chars().any(char::is_control) {
        return Err(ApiMisuse::NotHeaderText("name").into());
    }
    if challenge.user_hash {
        push(value, "username", &digest_user_hash(challenge.algorithm, name, &challenge.realm));
    } else if is_header_text(name) {
        push(value, "username", name);
    } else {
        value.push_str("username*=UTF-8''");
        for byte in name.bytes() {
            // `attr-char` of [RFC 8187] §3.2.1.
            if is_tchar(byte) && !b"*'%".contains(&byte) {
                value.push(byte.into());
            } else {
                let _ = write!(value, "%{byte:02X}");
            }
        }
        value.push_str(", ");
    }
    Ok(())
}

fn push(value: &mut String, name: &str, text: &str) {
    value.push_str(name);
    value.push('=');
    push_quoted(value, text);
    value.push_str(", ");
}

#[cfg(test)]
mod tests {
    use super::super::challenge::Challenges;
    use super::*;
    use zeroize::Zeroizing;

    const OF_3_9_1: &str = r#"realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
    const OF_3_9_2: &str = r#"realm="api@example.org", qop="auth", nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true"#;
    const OF_2617: &str = r#"realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;

    /// The credentials for a challenge with the published `cnonce`.
    fn answer(
        challenge: &str,
        cnonce: &str,
        (name, password): (&str, &str),
        uri: &str,
    ) -> Option<String> {
        let challenge = ["Digest ", challenge].concat();
        let challenge = Challenges::parse([challenge.as_bytes()]).digest()?;
        let mut session = DigestSession {
            challenge,
            cnonce: cnonce.into(),
            count: 0,
            replaced_stale: false,
            expected: None,
            proven: false,
        };
        let password = Zeroizing::new(password.into());
        let account = Password { name: name.into(), password };
        let request = Request { method: "GET".into(), uri: uri.into() };
        Some(session.answer(&account, &request).unwrap().value.clone())
    }

    // H-27: RFC 7616 §3.9.1, §3.9.2 with erratum 4897, RFC 2617 §3.5.
    #[test]
    fn the_published_challenges_get_the_published_responses() {
        let of_7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let mufasa = ("Mufasa", "Circle of Life");
        let doe = ("J\u{e4}s\u{f8}n Doe", "Secret, or not?");
        for (challenge, cnonce, account, uri, response) in [
            (
                [OF_3_9_1, ", algorithm=SHA-256"].concat(),
                of_7616,
                mufasa,
                "/dir/index.html",
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
            (
                [OF_3_9_1, ", algorithm=MD5"].concat(),
                of_7616,
                mufasa,
                "/dir/index.html",
                "8ca523f5e9506fed4657c9700eebdbec",
            ),
            (
                [OF_3_9_2, ", algorithm=SHA-512-256"].concat(),
                "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
                doe,
                "/doe.json",
                "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
            ),
            (
                OF_2617.into(),
                "0a4f113b",
                ("Mufasa", "Circle Of Life"),
                "/dir/index.html",
                "6629fae49393a05397450978507c4ef1",
            ),
        ] {
            let value = answer(&challenge, cnonce, account, uri).unwrap();
            assert!(value.contains(&format!("response=\"{response}\"")), "{value}");
            assert!(value.contains("nc=00000001") && value.contains("qop=auth,"), "{value}");
            let wrong = answer(&challenge, cnonce, (account.0, "another"), uri).unwrap();
            assert!(!wrong.contains(response));
        }
        let hashed = [OF_3_9_2, ", algorithm=SHA-512-256"].concat();
        let value = answer(&hashed, "c", doe, "/").unwrap();
        let hash = "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b";
        assert!(value.starts_with(&format!("Digest username=\"{hash}\", ")), "{value}");
        assert!(value.ends_with(", userhash=true"), "{value}");
        let plain = hashed.replace(", userhash=true", "");
        let value = answer(&plain, "c", doe, "/").unwrap();
        assert!(value.starts_with("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, "), "{value}");
    }

    // RFC 7616 §3.4.2: `H(H(name:realm:password):nonce:cnonce)` takes the place of `H(A1)`.
    #[test]
    fn with_sess_the_hash_is_that_of_nonce_and_cnonce() {
        let mufasa = ("Mufasa", "Circle of Life");
        let value = answer(&[OF_3_9_1, ", algorithm=md5-SESS"].concat(), "c", mufasa, "/").unwrap();
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let md5 = |text: &str| DigestAlgorithm::Md5.hash(&[text.as_bytes()]).as_str().to_string();
        let ha1 = md5("Mufasa:http-auth@example.org:Circle of Life");
        let ha1 = md5(&format!("{ha1}:{nonce}:c"));
        let response = md5(&format!("{ha1}:{nonce}:00000001:c:auth:{}", md5("GET:/")));
        assert!(value.contains(&format!("response=\"{response}\"")), "{value}");
        assert!(value.contains("algorithm=MD5-sess"), "{value}");
    }

    #[test]
    fn a_challenge_that_cannot_be_answered_is_none() {
        let read = |text: &str| answer(text, "c", ("a", "b"), "/").is_some();
        assert!(read(r#"realm="r", nonce="n", qop=auth"#));
        for wrong in [
            r#"realm="r", nonce="n""#,
            r#"realm="r", nonce="n", qop="auth-int""#,
            r#"realm="r", qop=auth"#,
            r#"nonce="n", qop=auth"#,
            r#"realm="r", nonce="n", nonce="m", qop=auth"#,
            r#"realm="r", nonce="n", qop=auth, algorithm=SHA-1"#,
            r#"realm="r", nonce="n", qop=auth, algorithm=-sess"#,
            "realm=\"r\", nonce=\"\u{e4}\", qop=auth",
            r#"realm="r", nonce="n", qop=auth, @"#,
        ] {
            assert!(!read(wrong), "{wrong}");
        }
        let long = format!("realm=r, qop=auth, nonce={}", "n".repeat(5000));
        assert!(!read(&long));
    }
}
