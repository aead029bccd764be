//! Challenges, nonces, and the answer of the store.

use super::*;
use crate::credential::StoreError;
use crate::crypto::work;
use crate::digest::{DigestUsername, digest_user_hash};
use crate::error::ApiMisuse;
use crate::evidence::ProofVerified;
use crate::http::digest::nonce::Nonce;
use alloc::string::ToString;

#[test]
fn there_is_a_challenge_for_each_algorithm_in_the_order_of_the_configuration() {
    let counts = Arc::new(RecentNonces::default());
    let config = DigestConfig::new("the \"realm\\\"", &Same(7), counts).unwrap();
    let nonce = nonce(&config, at(0), 3);
    assert_eq!(nonce.len(), 48);
    let realm = r#"Digest realm="the \"realm\\\"""#;
    let end = r#"qop="auth", charset=UTF-8"#;
    assert_eq!(
        config.challenges(at(0), &Same(3), false).unwrap(),
        [
            format!("{realm}, nonce=\"{nonce}\", algorithm=SHA-256, {end}"),
            format!("{realm}, nonce=\"{nonce}\", algorithm=MD5, {end}"),
        ]
    );
    let config = config.with_algorithms(&[SHA_512_256]).with_auth_int(true).with_user_hash(true);
    let config = config.with_domain(&["/app", "https://web01.corp.example/"]).unwrap();
    let domain = "domain=\"/app https://web01.corp.example/\"";
    let end = r#"qop="auth, auth-int", charset=UTF-8, userhash=true"#;
    assert_eq!(
        config.challenges(at(0), &Same(3), true).unwrap(),
        [format!("{realm}, {domain}, nonce=\"{nonce}\", stale=true, algorithm=SHA-512-256, {end}")]
    );
}

#[test]
fn what_does_not_belong_in_a_field_is_no_realm_and_no_domain() {
    for realm in ["line\r\nbreak", "tab\t", "umläut", "\0"] {
        let counts = Arc::new(RecentNonces::default());
        let result = DigestConfig::new(realm, &Same(7), counts).map(|_| ());
        assert_eq!(result, Err(ApiMisuse::NotHeaderText("realm").into()), "{realm:?}");
    }
    for address in ["", "/a b", "/\"", "/\n", "/ä"] {
        let result = config("logon").with_domain(&["/", address]).map(|_| ());
        assert_eq!(result, Err(ApiMisuse::NotHeaderText("domain")), "{address:?}");
    }
}

#[test]
fn the_key_is_not_shown() {
    let shown = format!("{:?}", config("logon").with_key([0xa7; 32]));
    assert!(shown.contains("realm: \"logon\""), "{shown}");
    assert!(!shown.contains("key") && !shown.contains("167") && !shown.contains("a7"), "{shown}");
}

#[test]
fn a_nonce_is_ours_only_unchanged_and_with_our_key_and_realm() {
    let (key, realm) = ([1; 32], "logon");
    let nonce = Nonce::new(at(0), &Same(5)).unwrap();
    let text = nonce.encode(&key, realm);
    assert_eq!(Nonce::decode(&key, realm, text.as_bytes()), Some(nonce));
    assert_eq!(Nonce::decode(&[2; 32], realm, text.as_bytes()), None);
    assert_eq!(Nonce::decode(&key, "logom", text.as_bytes()), None);
    for place in 0..text.len() {
        for digit in [b'A', b'z', b'7', b'/', b'=', b'"', 0xff] {
            let mut altered = text.clone().into_bytes();
            let same = core::mem::replace(&mut altered[place], digit) == digit;
            assert_eq!(Nonce::decode(&key, realm, &altered).is_some(), same);
        }
    }
    for length in 0..text.len() {
        assert_eq!(Nonce::decode(&key, realm, &text.as_bytes()[..length]), None);
    }
    assert_eq!(Nonce::decode(&key, realm, format!("{text}AAAA").as_bytes()), None);
}

#[test]
fn a_right_response_proves_the_account_once_for_each_count() {
    let (config, mut client) = pair();
    for nc in ["00000001", "00000003", "00000002", "0000000A", "0000000b"] {
        client.nc = nc.into();
        match client.log_on(&config, at(1)).unwrap() {
            DigestVerdict::Proven { proof: ProofVerified { .. }, name, authentication_info } => {
                assert_eq!(name, AccountName::new("CORP", "alice"));
                let rspauth = client.response("");
                let expected =
                    format!("rspauth=\"{rspauth}\", qop=auth, cnonce=\"c l\\\"ient\", nc={nc}");
                assert_eq!(authentication_info, expected);
            }
            DigestVerdict::Stale => panic!("{nc}"),
        }
        assert_stale(client.log_on(&config, at(1)));
    }
    // The same count in other letters.
    client.nc = "0000000a".into();
    assert_stale(client.log_on(&config, at(1)));
}

#[test]
fn a_wrong_password_does_not_use_up_a_count() {
    let (config, client) = pair();
    let wrong = Client { password: "wrong".into(), ..client.clone() };
    let pending = wrong.read(&config).unwrap();
    let verdict = pending.resolve(Ok(client.known()), &config, at(1));
    assert_eq!(refusal(verdict), Refusal::WrongProof);
    assert_proven(client.log_on(&config, at(1)));
}

#[test]
fn a_nonce_is_stale_behind_its_lifetime_and_where_the_clock_was_set_back_by_more() {
    let (config, client) = pair();
    let config = config.with_nonce_lifetime(Duration::from_secs(60));
    let nonce = nonce(&config, at(1000), 1);
    let client = Client { nonce, ..client };
    for (now, fresh) in [(1060, true), (1061, false), (940, true), (939, false), (0, false)] {
        let config = forgetful(&config);
        let verdict = client.log_on(&config, at(now));
        assert_eq!(matches!(verdict, Ok(DigestVerdict::Proven { .. })), fresh, "{now}");
        if !fresh {
            assert_stale(verdict);
        }
    }
}

#[test]
fn a_right_password_with_a_nonce_of_another_key_is_stale_and_a_wrong_one_denied() {
    let (config, client) = pair();
    let restarted = forgetful(&config).with_key([8; 32]);
    assert_stale(client.log_on(&restarted, at(1)));
    let pending = client.read(&restarted).unwrap();
    let other = Client { password: "other".into(), ..client.clone() };
    let verdict = pending.resolve(Ok(other.known()), &restarted, at(1));
    assert_eq!(refusal(verdict), Refusal::WrongProof);
    // Servers of a fleet know each other's.
    assert_proven(client.log_on(&forgetful(&config).with_key([7; 32]), at(1)));
}

#[test]
fn an_account_without_a_password_is_open_to_nobody() {
    let (config, client) = pair();
    for algorithm in DigestAlgorithm::ALL {
        let open = Client { algorithm, password: String::new(), ..client.clone() };
        assert_eq!(refusal(open.log_on(&config, at(1))), Refusal::EmptyPassword);
    }
}

#[test]
fn every_refusal_hashes_as_much_as_a_wrong_password() {
    let (config, client) = pair();
    for algorithm in DigestAlgorithm::ALL {
        let client = Client { algorithm, ..client.clone() };
        let wrong = Client { password: "wrong".into(), ..client.clone() };
        let mut costs = Vec::new();
        for (answer, expected) in [
            (wrong.known(), Refusal::WrongProof),
            (DigestAnswer::Unknown, Refusal::UnknownAccount),
            (DigestAnswer::Refused(Refusal::AccountLocked), Refusal::AccountLocked),
        ] {
            let pending = client.read(&config).unwrap();
            let (verdict, bytes) = work::of(|| pending.resolve(Ok(answer), &config, at(1)));
            assert_eq!(refusal(verdict), expected);
            costs.push(bytes);
        }
        assert!(costs[0] > 0);
        assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    }
}

#[test]
fn nobody_logs_on_by_the_hash_that_stands_in_for_nobody() {
    let (config, client) = pair();
    let Client { nonce, nc, cnonce, qop, uri, .. } = &client;
    let ha2 = client.hash(&format!("GET:{uri}"));
    let zeros = "0".repeat(64);
    let response = client.hash(&format!("{zeros}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}"));
    let credentials = client.with("response", &response);
    for answer in [DigestAnswer::Unknown, DigestAnswer::Refused(Refusal::AccountDisabled)] {
        let pending = client.read_as(&config, &credentials).unwrap();
        refusal(pending.resolve(Ok(answer), &config, at(1)));
    }
}

// Neither by its name nor by the hash of one.
#[test]
fn an_account_with_an_empty_password_lets_nobody_in() {
    let (config, client) = pair();
    let config = config.with_user_hash(true);
    let corp = AccountName::new("CORP", "alice").with_upn("a.lee@corp.example");
    let principal = AccountName::new("", "alice@corp.example");
    for (name, username) in [
        (&corp, "CORP\\alice"),
        (&corp, "alice"),
        (&corp, "a.lee@corp.example"),
        (&principal, "alice@corp.example"),
        (&principal, "alice"),
    ] {
        let client = Client { username: username.into(), password: "".into(), ..client.clone() };
        let hash = digest_user_hash(SHA_256, username, "logon");
        let hashed = format!("{}, userhash=true", client.with("username", &hash));
        for credentials in [client.credentials(), hashed] {
            let answer = DigestAnswer::Known { ha1: client.ha1(), name: name.clone() };
            let pending = client.read_as(&config, &credentials).unwrap();
            let verdict = pending.resolve(Ok(answer), &config, at(1));
            assert_eq!(refusal(verdict), Refusal::EmptyPassword, "{credentials}");
        }
    }
}

#[test]
fn a_store_that_fails_or_answers_with_another_hash_is_not_the_clients_fault() {
    let (config, client) = pair();
    let error = StoreError::new("out of reach");
    let verdict = client.read(&config).unwrap().resolve(Err(error.clone()), &config, at(1));
    assert_eq!(verdict.unwrap_err(), Error::Store(error));
    let md5 = Client { algorithm: MD5, ..client.clone() };
    let verdict = client.read(&config).unwrap().resolve(Ok(md5.known()), &config, at(1));
    assert!(matches!(verdict, Err(Error::Store(_))), "{verdict:?}");
}

#[test]
fn a_denial_names_the_account_and_debug_does_not_show_the_response() {
    let (config, client) = pair();
    let pending = client.read(&config).unwrap();
    assert_eq!(pending.claimed_name().domain(), "CORP");
    let shown = format!("{pending:?}");
    assert!(shown.contains("alice"), "{shown}");
    assert!(!shown.contains(&client.response("GET")), "{shown}");
    let verdict = pending.resolve(Ok(DigestAnswer::Unknown), &config, at(1));
    let Err(Error::Denied(denial)) = verdict else { panic!("{verdict:?}") };
    assert_eq!(denial.account(), &AccountName::new("CORP", "alice"));

    let hash = digest_user_hash(SHA_256, "alice", "logon").to_ascii_uppercase();
    let credentials = format!("{}, userhash=true", client.with("username", &hash));
    let config = config.with_user_hash(true);
    let pending = client.read_as(&config, &credentials).unwrap();
    let hash = hash.to_ascii_lowercase();
    assert_eq!(pending.account().username, DigestUsername::Hash(&hash));
    assert_eq!(pending.claimed_name().to_string(), format!("userhash:{hash}"));
}
