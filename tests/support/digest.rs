//! A client of the Digest scheme, written down once more so that it does not share code with the
//! server it tests.

#![allow(dead_code, reason = "each test binary uses a part")]

use sha2::Digest;

/// The parameters of a challenge or of credentials.
pub(crate) fn parameter(value: &str, name: &str) -> Option<String> {
    let (_, parameters) = value.split_once(' ')?;
    parameters.split(", ").find_map(|parameter| {
        let (found, text) = parameter.split_once('=')?;
        (found == name).then(|| text.trim_matches('"').to_owned())
    })
}

fn sha256(text: &str) -> String {
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 credentials with `qop=auth`.
pub(crate) fn answer(
    challenge: &str,
    (username, password): (&str, &str),
    (method, uri): (&str, &str),
    nc: u32,
) -> String {
    let [realm, nonce] = ["realm", "nonce"].map(|name| parameter(challenge, name).unwrap());
    let ha1 = sha256(&format!("{username}:{realm}:{password}"));
    let ha2 = sha256(&format!("{method}:{uri}"));
    let response = sha256(&format!("{ha1}:{nonce}:{nc:08x}:c0ffee:auth:{ha2}"));
    format!(
        "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         algorithm=SHA-256, qop=auth, nc={nc:08x}, cnonce=\"c0ffee\", response=\"{response}\"",
        username.replace('\\', r"\\")
    )
}
