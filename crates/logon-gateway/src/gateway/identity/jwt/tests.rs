use super::{MAX_KEPT, Signer};
use crate::gateway::identity::config::JwtConfig;
use crate::gateway::identity::{IdentityConfig, IdentityFields, User};
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation};
use logon::AccountName;
use logon::http::Scheme;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use serde::Deserialize;
use std::path::Path;
use std::time::{Duration, SystemTime};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    preferred_username: String,
    domain: String,
    upn: Option<String>,
    groups: Vec<String>,
    amr: Vec<String>,
    auth_scheme: String,
    iat: u64,
    nbf: u64,
    exp: u64,
}

const SHARED: &[u8; 32] = b"0123456789abcdef0123456789abcdef";
const SHARED_TEXT: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n";

fn config(algorithm: &str, more: &str) -> JwtConfig {
    let text = format!("key = 'key'\nalgorithm = '{algorithm}'\naudience = 'wiki'\n{more}");
    toml::from_str(&text).unwrap()
}

fn signer(algorithm: &str, more: &str, key: &str) -> Result<Signer, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), key).unwrap();
    Signer::load(&config(algorithm, more), folder.path())
}

fn alice() -> User {
    let name = AccountName::new("CORP", "alice").with_upn("a.lee@corp.example");
    User::new(name, Scheme::Negotiate)
}

fn groups() -> Vec<String> {
    vec!["IT, Operations".to_owned(), "Отдел".to_owned()]
}

fn verified(token: &str, algorithm: Algorithm, key: &DecodingKey) -> TokenData<Claims> {
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&["wiki"]);
    validation.set_issuer(&["logon"]);
    validation.validate_nbf = true;
    jsonwebtoken::decode(token, key, &validation).unwrap()
}

#[test]
fn an_application_can_check_a_token_of_each_algorithm() {
    let (ec, ed) = (
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
        KeyPair::generate_for(&PKCS_ED25519).unwrap(),
    );
    let ec_public = DecodingKey::from_ec_pem(ec.public_key_pem().as_bytes()).unwrap();
    let ed_public = DecodingKey::from_ed_pem(ed.public_key_pem().as_bytes()).unwrap();
    for (name, algorithm, private, public) in [
        ("HS256", Algorithm::HS256, SHARED_TEXT.to_owned(), DecodingKey::from_secret(SHARED)),
        ("ES256", Algorithm::ES256, ec.serialize_pem(), ec_public),
        ("EdDSA", Algorithm::EdDSA, ed.serialize_pem(), ed_public),
    ] {
        let signer = signer(name, "key_id = 'k1'", &private).unwrap();
        let now = SystemTime::now();
        let value = signer.token(&alice(), &groups(), now).unwrap();
        assert!(value.is_sensitive());
        let token = value.to_str().unwrap().strip_prefix("Bearer ").unwrap();
        let token = verified(token, algorithm, &public);
        assert_eq!((token.header.alg, token.header.kid.as_deref()), (algorithm, Some("k1")));
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let expected = Claims {
            iss: "logon".to_owned(),
            aud: "wiki".to_owned(),
            sub: "CORP\\alice".to_owned(),
            preferred_username: "alice".to_owned(),
            domain: "CORP".to_owned(),
            upn: Some("a.lee@corp.example".to_owned()),
            groups: groups(),
            amr: vec!["wia".to_owned()],
            auth_scheme: "Negotiate".to_owned(),
            iat: seconds,
            nbf: seconds,
            exp: seconds + 60,
        };
        assert_eq!(token.claims, expected);
    }
}

/// By `openssl genpkey` and `openssl pkey -pubout` of OpenSSL 3, as our errors tell people to make
/// them: PKCS#8 without the public key for Ed25519, unlike the above.
#[test]
fn keys_made_by_openssl_are_taken() {
    let ec = "-----BEGIN PRIVATE KEY-----\n\
              MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgn1es96V5K7zMpnub\n\
              e/2PJ49VjTSYhcN9hCXy59bDPfmhRANCAATJhA176ZCgKHpIRUdI1EuachaoQVww\n\
              KMll5d05eb45vVt4qW05RrMzBuiBF02G0nyw8nsOHfOWZOjVkGevlyS2\n\
              -----END PRIVATE KEY-----\n";
    let ec_public = "-----BEGIN PUBLIC KEY-----\n\
              MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyYQNe+mQoCh6SEVHSNRLmnIWqEFc\n\
              MCjJZeXdOXm+Ob1beKltOUazMwbogRdNhtJ8sPJ7Dh3zlmTo1ZBnr5cktg==\n\
              -----END PUBLIC KEY-----\n";
    let ed = "-----BEGIN PRIVATE KEY-----\n\
              MC4CAQAwBQYDK2VwBCIEIOWt3osJ+7f7JeydCRB2csSwXwvn0qMczjz06QS7x0UH\n\
              -----END PRIVATE KEY-----\n";
    let ed_public = "-----BEGIN PUBLIC KEY-----\n\
              MCowBQYDK2VwAyEA6jhLMEZJwCihFILMxTuzHp4jLdvSfU4jCdtJie3jUQA=\n\
              -----END PUBLIC KEY-----\n";
    let (ec_public, ed_public) = (
        DecodingKey::from_ec_pem(ec_public.as_bytes()).unwrap(),
        DecodingKey::from_ed_pem(ed_public.as_bytes()).unwrap(),
    );
    for (name, algorithm, private, public) in
        [("ES256", Algorithm::ES256, ec, ec_public), ("EdDSA", Algorithm::EdDSA, ed, ed_public)]
    {
        let signer = signer(name, "field = 'X-Token'", private).unwrap();
        let value = signer.token(&alice(), &[], SystemTime::now()).unwrap();
        let claims = verified(value.to_str().unwrap(), algorithm, &public).claims;
        assert_eq!(claims.sub, "CORP\\alice");
    }
}

#[test]
fn a_typed_password_is_called_one() {
    let signer = signer("HS256", "field = 'X-Token'", SHARED_TEXT).unwrap();
    let bob = User::new(AccountName::new("", "bob"), Scheme::Basic);
    let value = signer.token(&bob, &[], SystemTime::now()).unwrap();
    let key = DecodingKey::from_secret(SHARED);
    let claims = verified(value.to_str().unwrap(), Algorithm::HS256, &key).claims;
    assert_eq!((claims.amr, claims.sub.as_str()), (vec!["pwd".to_owned()], "bob"));
    assert_eq!((claims.upn, claims.domain.as_str(), claims.groups.len()), (None, "", 0));
}

#[test]
fn a_token_is_kept_for_a_third_of_its_life_and_for_nobody_else() {
    let ed = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    // ECDSA signs with randomness: two tokens are never the same by chance.
    let signer = signer("ES256", "lifetime = '90s'", &ed.serialize_pem()).unwrap();
    let start = SystemTime::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let first = signer.token(&alice(), &groups(), start).unwrap();
    assert_eq!(signer.token(&alice(), &groups(), after(29)).unwrap(), first);
    let second = signer.token(&alice(), &groups(), after(30)).unwrap();
    assert_ne!(second, first);
    assert_ne!(signer.token(&alice(), &groups(), after(29)).unwrap(), second, "set back");
    let third = signer.token(&alice(), &groups(), after(31)).unwrap();
    assert_ne!(signer.token(&alice(), &[], after(31)).unwrap(), third, "other groups");
    let mut basic = alice();
    basic.scheme = Scheme::Basic;
    let fourth = signer.token(&alice(), &[], after(31)).unwrap();
    assert_ne!(signer.token(&basic, &[], after(31)).unwrap(), fourth, "another scheme");
}

#[test]
fn tokens_kept_are_bounded() {
    let signer = signer("HS256", "", SHARED_TEXT).unwrap();
    let now = SystemTime::now();
    for number in 0..MAX_KEPT + 10 {
        let name = AccountName::new("CORP", format!("user{number}"));
        signer.token(&User::new(name, Scheme::Ntlm), &[], now).unwrap();
    }
    assert!(signer.kept.lock().unwrap().len() <= MAX_KEPT);
}

#[test]
fn a_wrong_key_names_the_file_and_the_command_that_makes_one() {
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    let ed = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem();
    let short = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZQ==";
    for (algorithm, key, part, command) in [
        ("HS256", short, "shorter than 32 bytes", "openssl rand -base64 32"),
        ("HS256", "my secret!", "not one line of base64", "openssl rand"),
        ("ES256", "", "no private key for ECDSA", "ec_paramgen_curve:P-256"),
        ("ES256", &ed, "no private key for ECDSA", "openssl genpkey -algorithm EC"),
        ("ES256", &p384, "the key cannot sign", "openssl genpkey -algorithm EC"),
        ("EdDSA", SHARED_TEXT, "no private key for Ed25519", "-algorithm ed25519 -out"),
    ] {
        let error = signer(algorithm, "", key).map(|_| ()).unwrap_err();
        assert!(error.contains(part) && error.contains(command), "{error}");
        assert!(error.contains("/key: "), "{error}");
        assert!(key.is_empty() || !error.contains(key.trim()), "{error}");
    }
    let error = Signer::load(&config("EdDSA", ""), Path::new("/nowhere")).map(|_| ()).unwrap_err();
    assert!(error.starts_with("identity.jwt.key /nowhere/key: there is no such file;"), "{error}");
}

#[test]
fn a_token_in_authorization_takes_the_place_of_the_clients() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), SHARED_TEXT).unwrap();
    let jwt = Some(config("HS256", ""));
    let config = IdentityConfig { jwt, user: Vec::new(), ..IdentityConfig::default() };
    let fields = IdentityFields::new(&config, folder.path()).unwrap();
    assert!(fields.removed().removes("Authorization"));
    let written = fields.fields(&alice(), &[], SystemTime::now()).unwrap();
    let (name, value) = written.last().unwrap();
    assert_eq!(name, "authorization");
    assert!(value.as_bytes().starts_with(b"Bearer ey"));
    let debug = format!("{fields:?}");
    assert!(!debug.contains("0123456789abcdef") && !debug.contains("48, 49"), "{debug}");
}
