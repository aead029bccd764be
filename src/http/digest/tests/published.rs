//! The examples of the specifications.

use super::*;
use crate::digest::{DigestUsername, digest_user_hash};
use crate::error::{HeaderError, ParameterProblem};
use alloc::string::ToString;

/// An example whose nonce is not ours: `Stale` says that the proof is right.
struct Published {
    client: Client,
    response: &'static str,
    /// `username` as it is sent, if it is a hash.
    user_hash: Option<&'static str>,
}

impl Published {
    fn verdict(&self, response: &str, answer: DigestAnswer) -> Result<DigestVerdict, Error> {
        let config = config(&self.client.realm).with_user_hash(true);
        let mut credentials = self.client.with("response", &format!("\"{response}\""));
        if let Some(hash) = self.user_hash {
            let username = format!("username=\"{}\"", self.client.username);
            let hashed = format!("username=\"{hash}\", userhash=true");
            credentials = credentials.replace(&username, &hashed);
        }
        let pending = self.client.read_as(&config, &credentials)?;
        match (pending.account().username, self.user_hash) {
            (DigestUsername::Hash(digits), Some(hash)) => assert_eq!(digits, hash),
            (DigestUsername::Plain(name), None) => assert_eq!(name, self.client.username),
            (other, _) => panic!("{other:?}"),
        }
        pending.resolve(Ok(answer), &config, at(0))
    }
}

/// RFC 7616 §3.9.1.
fn section_3_9_1(algorithm: DigestAlgorithm, response: &'static str) -> Published {
    let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    let client = Client {
        algorithm,
        username: "Mufasa".into(),
        password: "Circle of Life".into(),
        uri: "/dir/index.html".into(),
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ".into(),
        ..Client::new("http-auth@example.org", nonce.into())
    };
    Published { client, response, user_hash: None }
}

/// RFC 7616 §3.9.2.
fn section_3_9_2(response: &'static str, user_hash: &'static str) -> Published {
    let nonce = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK";
    let client = Client {
        algorithm: SHA_512_256,
        username: "Jäsøn Doe".into(),
        password: "Secret, or not?".into(),
        uri: "/doe.json".into(),
        cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v".into(),
        ..Client::new("api@example.org", nonce.into())
    };
    Published { client, response, user_hash: Some(user_hash) }
}

fn published() -> [Published; 4] {
    let rfc_2617 = Client {
        algorithm: MD5,
        username: "Mufasa".into(),
        password: "Circle Of Life".into(),
        uri: "/dir/index.html".into(),
        cnonce: "0a4f113b".into(),
        ..Client::new("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093".into())
    };
    [
        section_3_9_1(MD5, "8ca523f5e9506fed4657c9700eebdbec"),
        section_3_9_1(SHA_256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        // As erratum 4897 corrects it.
        section_3_9_2(
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
        ),
        // RFC 2617 §3.5.
        Published {
            client: rfc_2617,
            response: "6629fae49393a05397450978507c4ef1",
            user_hash: None,
        },
    ]
}

#[test]
fn the_published_responses_prove_the_password_and_altered_ones_do_not() {
    for example in published() {
        let Published { client, response, .. } = &example;
        assert_stale(example.verdict(response, client.known()));
        let upper = response.to_ascii_uppercase();
        assert_stale(example.verdict(&upper, client.known()));
        for place in 0..response.len() {
            let digit = if &response[place..=place] == "0" { "1" } else { "0" };
            let mut altered = response.to_string();
            altered.replace_range(place..=place, digit);
            let verdict = example.verdict(&altered, client.known());
            assert_eq!(refusal(verdict), Refusal::WrongProof);
        }
        let other = Client { password: "circle of life".into(), ..client.clone() };
        let verdict = example.verdict(response, other.known());
        assert_eq!(refusal(verdict), Refusal::WrongProof);
    }
}

// H-27: RFC 7616 §3.9.2 as it was printed is made with a shortened SHA-512.
#[test]
fn a_shortened_sha_512_is_not_sha_512_256() {
    let printed = section_3_9_2(
        "ae66e67d6b427bd3f120414a82e4acff38e8ecd9101d6c861229025f607a79dd",
        "488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec",
    );
    let verdict = printed.verdict(printed.response, printed.client.known());
    assert_eq!(refusal(verdict), Refusal::WrongProof);
    let [_, _, corrected, _] = published();
    let Client { username, realm, .. } = &corrected.client;
    let hash = digest_user_hash(SHA_512_256, username, realm);
    assert_eq!(Some(&hash[..]), corrected.user_hash);
    assert_ne!(Some(&hash[..]), printed.user_hash);
    let verdict = corrected.verdict(corrected.response, corrected.client.known());
    assert_stale(verdict);
}

#[test]
fn the_form_of_rfc_2069_without_qop_is_refused() {
    // RFC 2069 §2.4, with the response of erratum 749.
    let credentials = "username=\"Mufasa\", realm=\"testrealm@host.com\", \
        nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
        response=\"1949323746fe6a43ef61f9606e7febea\"";
    let config = config("testrealm@host.com");
    let result = read(&config, credentials.as_bytes(), "GET", "/dir/index.html", None);
    let error = HeaderError::Parameter("qop", ParameterProblem::Missing);
    assert_eq!(result.unwrap_err(), Error::Header(error));
}
