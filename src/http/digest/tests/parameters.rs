//! What clients write, and what nobody should.

use super::*;
use crate::digest::{DigestUsername, digest_user_hash};
use crate::error::{HeaderError, ParameterProblem, PeerIncompatible};
use crate::http::digest::parameters::Parameters;
use alloc::string::ToString;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::TestRunner;

#[test]
fn a_parameter_that_is_missing_or_stands_twice_is_named() {
    let (config, client) = pair();
    let parameters = client.parameters();
    for (index, (name, value)) in parameters.iter().enumerate() {
        let mut fewer = parameters.clone();
        fewer.remove(index);
        let result = client.read_as(&config, &join(&fewer)).map(|_| ());
        let missing = HeaderError::Parameter(name, ParameterProblem::Missing);
        match *name {
            // It is MD5 then, and the response too long.
            "algorithm" => assert_eq!(result, Err(bad("response"))),
            _ => assert_eq!(result, Err(missing.into())),
        }
        let twice = format!("{}, {}={value}", join(&parameters), name.to_uppercase());
        let duplicate = HeaderError::Parameter(name, ParameterProblem::Duplicate);
        assert_eq!(client.read_as(&config, &twice).unwrap_err(), duplicate.into());
    }
    for name in ["opaque", "userhash", "username*"] {
        let twice = format!("{}, {name}=a, {name}=a", join(&parameters));
        let duplicate = HeaderError::Parameter(name, ParameterProblem::Duplicate);
        assert_eq!(client.read_as(&config, &twice).unwrap_err(), duplicate.into());
    }
    let both = format!("{}, username*=UTF-8''alice", join(&parameters));
    let duplicate = HeaderError::Parameter("username*", ParameterProblem::Duplicate);
    assert_eq!(client.read_as(&config, &both).unwrap_err(), duplicate.into());
    assert_proven(client.log_on(&config, at(1)));
}

fn bad(name: &'static str) -> Error {
    HeaderError::Parameter(name, ParameterProblem::BadValue).into()
}

#[test]
fn a_missing_algorithm_is_md5() {
    let (config, client) = pair();
    let client = Client { algorithm: MD5, ..client };
    let credentials = client.credentials().replace("algorithm=MD5, ", "");
    assert!(!credentials.contains("algorithm"));
    let pending = client.read_as(&config, &credentials).unwrap();
    assert_eq!(pending.account().algorithm, MD5);
    assert_proven(pending.resolve(Ok(client.known()), &config, at(1)));
}

#[test]
fn a_value_that_is_wrong_in_itself_is_named() {
    let (config, client) = pair();
    let config = config.with_user_hash(true);
    let digits = "0".repeat(65);
    for (name, value) in [
        ("response", "\"\""),
        ("response", &digits),
        ("response", &digits[..63]),
        ("response", &format!("{}g", &digits[..63])),
        ("nc", "00000000"),
        ("nc", "1"),
        ("nc", "000000001"),
        ("nc", "+0000001"),
        ("nc", "0x000001"),
        ("nc", "\"0000 001\""),
        ("cnonce", "\"ä\""),
    ] {
        let result = client.read_as(&config, &client.with(name, value));
        assert_eq!(result.unwrap_err(), bad(name), "{name}={value}");
    }
    for value in ["1", "yes", "\"true \""] {
        let credentials = format!("{}, userhash={value}", client.credentials());
        assert_eq!(client.read_as(&config, &credentials).unwrap_err(), bad("userhash"));
    }
    let credentials = format!("{}, userhash=true", client.credentials());
    assert_eq!(client.read_as(&config, &credentials).unwrap_err(), bad("username"));
    let mut latin_1 = client.credentials().into_bytes();
    latin_1[14] = 0xe4;
    let result = read(&config, &latin_1, "GET", &client.uri, None);
    assert_eq!(result.unwrap_err(), bad("username"));
}

#[test]
fn what_is_too_long_is_refused() {
    let (config, client) = pair();
    for (name, limit) in [("cnonce", 1024), ("nonce", 1024), ("username", 1024)] {
        let fits = client.with(name, &"a".repeat(limit));
        assert!(client.read_as(&config, &fits).is_ok(), "{name}");
        let longer = client.with(name, &"a".repeat(limit + 1));
        let error = HeaderError::Parameter(name, ParameterProblem::TooLong);
        assert_eq!(client.read_as(&config, &longer).unwrap_err(), error.into());
    }
    let limit = Policy::default().max_token;
    let mut padded = client.credentials();
    padded.push_str(&" ".repeat(limit - padded.len()));
    assert!(client.read_as(&config, &padded).is_ok());
    padded.push(' ');
    let error = Error::TokenTooLong { length: limit + 1, limit };
    assert_eq!(client.read_as(&config, &padded).unwrap_err(), error);
}

#[test]
fn an_answer_to_another_challenge_is_not_malformed_but_gets_a_new_one() {
    let (config, client) = pair();
    let config = config.with_algorithms(&[SHA_256]);
    let other = |result: Result<PendingDigest, Error>, name| {
        assert_eq!(result.unwrap_err(), PeerIncompatible::DigestNotOffered(name).into());
    };
    for realm in ["Logon", "logon ", ""] {
        other(Client { realm: realm.into(), ..client.clone() }.read(&config), "realm");
    }
    for algorithm in ["MD5", "SHA-512-256", "SHA-256-sess", "MD5-sess", "SHA-1", "\"\"", "\"ä\""] {
        other(client.read_as(&config, &client.with("algorithm", algorithm)), "algorithm");
    }
    for qop in ["auth-int", "auth-conf", "AUTH", "\"auth, auth-int\"", "\"\""] {
        other(client.read_as(&config, &client.with("qop", qop)), "qop");
    }
    let hashed = client.with("username", &digest_user_hash(SHA_256, "alice", "logon"));
    other(client.read_as(&config, &format!("{hashed}, userhash=true")), "userhash");
    let credentials = client.credentials();
    other(client.read_as(&config, &format!("{credentials}, opaque=\"x\"")), "opaque");
    assert!(client.read_as(&config, &format!("{credentials}, opaque=\"\"")).is_ok());
    other(client.read(&config.with_algorithms(&[])), "algorithm");
}

#[test]
fn auth_int_covers_the_body_and_needs_it() {
    let (config, client) = pair();
    let body = Some(b"body".to_vec());
    let client = Client { qop: "auth-int".into(), method: "POST".into(), body, ..client };
    let not_offered = Error::from(PeerIncompatible::DigestNotOffered("qop"));
    assert_eq!(client.read(&config).unwrap_err(), not_offered);
    let config = config.with_auth_int(true);
    let credentials = client.credentials();
    let read = |body| read(&config, credentials.as_bytes(), "POST", &client.uri, body);
    assert_eq!(read(None).unwrap_err(), not_offered);
    let pending = read(Some(b"bodies")).unwrap();
    let verdict = pending.resolve(Ok(client.known()), &config, at(1));
    assert_eq!(refusal(verdict), Refusal::WrongProof);
    let verdict = read(Some(b"body")).unwrap().resolve(Ok(client.known()), &config, at(1));
    let Ok(DigestVerdict::Proven { authentication_info, .. }) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(authentication_info, "qop=auth-int, cnonce=\"c l\\\"ient\", nc=00000001");
}

#[test]
fn the_response_covers_method_target_nonce_count_and_client_nonce() {
    let (config, client) = pair();
    let other = nonce(&config, at(0), 2);
    for (name, value) in [("nonce", &other[..]), ("nc", "00000002"), ("cnonce", "other")] {
        let credentials = client.with(name, &format!("\"{value}\""));
        let pending = client.read_as(&config, &credentials).unwrap();
        let verdict = pending.resolve(Ok(client.known()), &config, at(1));
        assert_eq!(refusal(verdict), Refusal::WrongProof, "{name}");
    }
    // A proxy may make another form of the target; that, too, is under the hash.
    let credentials = client.with("uri", "\"http://web01/a?b=c\"");
    let pending = client.read_as(&config, &credentials).unwrap();
    let verdict = pending.resolve(Ok(client.known()), &config, at(1));
    assert_eq!(refusal(verdict), Refusal::WrongProof);
    let credentials = client.credentials();
    let pending = read(&config, credentials.as_bytes(), "POST", &client.uri, None).unwrap();
    let verdict = pending.resolve(Ok(client.known()), &config, at(1));
    assert_eq!(refusal(verdict), Refusal::WrongProof);
}

#[test]
fn the_target_has_to_be_that_of_the_request() {
    let (config, client) = pair();
    for (uri, target, same) in [
        ("/a?b=c", "/a?b=c", true),
        ("/a?b=c", "/a?b=d", false),
        ("/a", "/a?b=c", false),
        ("/a", "/A", false),
        ("/", "/a", false),
        ("*", "*", true),
        ("*", "/", false),
        ("web01:443", "web01:443", true),
        ("web01:443", "web02:443", false),
        ("/a?b=c", "http://web01/a?b=c", true),
        ("http://web01:80/a?b=c", "/a?b=c", true),
        ("http://web01", "/", true),
        ("http://web01?b", "/?b", true),
        ("http://web01/b", "/", false),
        ("http://web01/a", "http://web01/a", true),
        ("http://web01/a", "http://web02/a", false),
        ("/a://b/c", "/c", false),
        ("?://b/c", "/c", false),
        ("", "/", false),
    ] {
        let client = Client { uri: uri.into(), ..client.clone() };
        let result = read(&config, client.credentials().as_bytes(), "GET", target, None);
        let error = HeaderError::Parameter("uri", ParameterProblem::OtherRequest);
        match result {
            Ok(_) => assert!(same, "{uri} {target}"),
            Err(found) => assert!(!same && found == error.into(), "{uri} {target}: {found:?}"),
        }
    }
}

#[test]
fn values_are_read_quoted_and_unquoted_as_clients_write_them() {
    let (config, client) = pair();
    let username = |credentials: &str| {
        let pending = client.read_as(&config, credentials).map_err(|error| error.to_string());
        pending.map(|pending| match pending.account().username {
            DigestUsername::Plain(name) => name.to_owned(),
            DigestUsername::Hash(_) => panic!("a hash"),
        })
    };
    for (value, expected) in [
        (r#""CORP\alice""#, r"CORP\alice"),
        (r#""CORP\\alice""#, r"CORP\alice"),
        (r#""a\"b""#, "a\"b"),
        (r#""a,b=c""#, "a,b=c"),
        (r#""\t\ä""#, r"\t\ä"),
        ("alice", "alice"),
        ("\"\"", ""),
    ] {
        assert_eq!(username(&client.with("username", value)), Ok(expected.to_owned()), "{value}");
    }
    // Everything quoted, nothing in between, in capitals, with empty elements and unknown ones.
    let credentials = client.credentials();
    for (from, to) in [
        ("qop=auth", "qop=\"auth\""),
        ("nc=00000001", "nc=\"00000001\""),
        ("algorithm=SHA-256", "algorithm=\"sha-256\""),
        (", ", ","),
        (", ", " ,,\t, "),
        ("=", " = "),
        ("username=", "USERNAME="),
        ("nc=", "x=\"\\\"\", x=2, stale=true, nc="),
    ] {
        // The target has a sign of equality, too.
        let other = credentials.replace(from, to).replace("b = c", "b=c");
        let pending = client.read_as(&forgetful(&config), &other);
        let verdict = pending.unwrap().resolve(Ok(client.known()), &forgetful(&config), at(1));
        assert_proven(verdict);
    }
    let extended = |value: &str| {
        let parameters = client.credentials().replace("username=", "old=");
        username(&format!("{parameters}, username*={value}"))
    };
    assert_eq!(extended("UTF-8''J%C3%A4s%c3%b8n%20Doe"), Ok("Jäsøn Doe".to_owned()));
    assert_eq!(extended("utf-8'en'alice"), Ok("alice".to_owned()));
    for value in [
        "alice",
        "UTF-8'alice",
        "ISO-8859-1''alice",
        "UTF-8''%E4",
        "UTF-8''%C3%A",
        "UTF-8''a%zz",
        "UTF-8''a'b",
        "UTF-8''a*b",
    ] {
        assert_eq!(extended(value), Err(bad("username*").to_string()), "{value}");
    }
    // A hash needs no other form.
    let config = config.with_user_hash(true);
    let hash = digest_user_hash(SHA_256, "alice", "logon");
    let parameters = client.credentials().replace("username=", "old=");
    let hashed = format!("{parameters}, username*=UTF-8''{hash}, userhash=true");
    assert_eq!(client.read_as(&config, &hashed).unwrap_err(), bad("userhash"));
}

#[test]
fn what_is_no_list_of_parameters_is_refused() {
    let (config, client) = pair();
    for text in [
        "a",
        "=a",
        "a=",
        "a==",
        "a=b c=d",
        "a=\"b\"c=d",
        "a=\"b",
        "a=\"b\\\"",
        "a=\"\n\"",
        "a=\"\x7f\"",
        "a=/b",
        "a b=c",
        "ä=b",
        "dG9rZW4=",
        "a=b; c=d",
    ] {
        let credentials = format!("{}, {text}", client.credentials());
        let result = client.read_as(&config, &credentials);
        assert_eq!(result.unwrap_err(), HeaderError::BadParameters.into(), "{text}");
    }
    let missing = HeaderError::Parameter("username", ParameterProblem::Missing);
    assert_eq!(client.read_as(&config, "").unwrap_err(), missing.into());
}

#[test]
fn no_bytes_panic_and_none_but_the_right_ones_prove_anything() {
    let (config, client) = pair();
    let honest = client.credentials().into_bytes();
    let edits = proptest::collection::vec((any::<usize>(), any::<u8>(), 0..3_u8), 1..4);
    let altered = edits.prop_map(|edits| {
        let mut bytes = honest.clone();
        for (place, byte, edit) in edits {
            let place = place % bytes.len();
            match edit {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        bytes
    });
    let anything = proptest::collection::vec(any::<u8>(), 0..200);
    // A store that knows nothing of the password.
    let other = Client { password: "other".into(), ..client.clone() };
    let check = |bytes: Vec<u8>| {
        if let Ok(pending) = read(&config, &bytes, "GET", &client.uri, None) {
            let verdict = pending.resolve(Ok(other.known()), &config, at(1));
            assert!(matches!(verdict, Err(Error::Denied(_) | Error::Store(_))), "{verdict:?}");
        }
        Ok(())
    };
    TestRunner::default().run(&altered, check).unwrap();
    TestRunner::default().run(&anything, check).unwrap();
}

#[test]
fn what_is_quoted_is_read_as_it_was() {
    let texts = proptest::collection::vec("[ -~äß€]{0,20}", 2);
    let check = |texts: Vec<String>| {
        let mut value = String::from("username=");
        push_quoted(&mut value, &texts[0]);
        value.push_str(", uri=");
        push_quoted(&mut value, &texts[1]);
        let mut found = Parameters::parse(value.as_bytes()).unwrap();
        assert_eq!(found.take("username").as_deref(), Some(texts[0].as_bytes()));
        assert_eq!(found.take("uri").as_deref(), Some(texts[1].as_bytes()));
        Ok(())
    };
    TestRunner::default().run(&texts, check).unwrap();
}
