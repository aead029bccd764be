//! `WWW-Authenticate` as servers write it, and as nobody should.

#[path = "support/client.rs"]
mod client;
#[path = "support/connection.rs"]
mod connection;
#[path = "support/fixed.rs"]
mod fixed;

use client::*;
use logon::http::{ClientAuth, ClientError, ClientStep, Scheme, format_token};
use logon::{Error, HeaderError};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What a client that may speak everything takes of these lines.
fn taken(lines: &[&str]) -> Result<Scheme, ClientError> {
    let mut client = everything();
    let credentials = match advance(&mut client, lines)? {
        ClientStep::Send(credentials) => credentials,
        other => panic!("{other:?}"),
    };
    let scheme = client.scheme().unwrap();
    assert!(credentials.value.starts_with(&format!("{scheme} ")), "{}", credentials.value);
    Ok(scheme)
}

fn everything() -> ClientAuth {
    let all = [Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic];
    client(alice().with_password("alice", "x").with_schemes(&all))
}

// H-26, H-02: RFC 9110 §11.6.1 has the first; lines and commas mean the same.
#[test]
fn challenges_stand_in_several_lines_or_in_one() {
    for lines in [
        &[r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"", NTLM"#]
            [..],
        &["Newauth realm=\"apps, Negotiate\"", "Basic realm=\"simple\"", "NTLM"],
        &["NTLM"],
        &["  ntlm\t"],
        &[",, ,NTLM , ,"],
        &["Basic realm=\"x\",NTLM"],
        &["Basic realm = \"x\" , charset=\"UTF-8\",NTLM,Bearer"],
        &["Bearer abc==, NTLM", ""],
        &["Bearer abc, realm=x, NTLM"],
        &["Custom , realm=\"x\", NTLM"],
        &["Digest realm=\"Negotiate, Negotiate\", nonce=\"a\\\"b, Negotiate\", NTLM"],
        &["NTLM realm=\"x\""],
    ] {
        assert_eq!(taken(lines), Ok(Scheme::Ntlm), "{lines:?}");
    }
    assert_eq!(taken(&["NTLM, Basic realm=x, nEGOTIATE"]), Ok(Scheme::Negotiate));
}

// What stands within quotation marks is no challenge, and what only begins like a scheme is none.
#[test]
fn nothing_but_a_scheme_by_its_name_is_one() {
    for lines in [
        &[r#"Bearer realm="NTLM, Negotiate""#][..],
        &["NTLMv2", "Negotiate2", "XNTLM", "Nego2", "Kerberos"],
        &["Bearer NTLM"],
        &["Bearer realm=NTLM"],
        &["Bearer realm=\"x, NTLM"],
        &["NTLM=\"x\"", "Bearer"],
    ] {
        let error = taken(lines).unwrap_err();
        assert!(matches!(error, ClientError::NoScheme { .. }), "{lines:?}: {error:?}");
    }
}

// H-24: garbage spoils the challenge that it stands in, and no other.
#[test]
fn a_challenge_that_cannot_be_read_does_not_hide_the_one_beside_it() {
    for garbage in [
        "Basic realm=\"\u{7}\"",
        "Basic realm=",
        "Basic realm=a b",
        "Digest realm=@, nonce=\"x\"",
        "@@@",
        "\"",
        "=",
        "= =,,=\"",
        "Bearer \u{1}\u{2}",
        "(comment)",
        "Negotiate (x)",
        "Negotiate\ttoken",
        "\\\"",
    ] {
        for lines in [&[garbage, "NTLM"][..], &["NTLM", garbage], &["", garbage, "", "NTLM"]] {
            assert_eq!(taken(lines), Ok(Scheme::Ntlm), "{lines:?}");
        }
        for line in [format!("{garbage}, NTLM"), format!("NTLM, {garbage}")] {
            // A quotation mark that is never closed has what is behind it.
            if !garbage.contains('"') || line.starts_with("NTLM") {
                assert_eq!(taken(&[&line]), Ok(Scheme::Ntlm), "{line}");
            }
        }
    }
    // A challenge that is spoiled is not taken, and the reason is told.
    for line in ["Basic realm=\"x\", @", "Basic @", "NTLM (x)"] {
        assert_eq!(taken(&[line]), Err(HeaderError::BadParameters.into()), "{line}");
    }
    for line in ["@", "\u{7f}", "realm=x"] {
        assert_eq!(taken(&[line]), Err(HeaderError::NoScheme.into()), "{line}");
    }
}

// H-02: the standard alphabet, whole groups, no bits left over, nothing behind.
#[test]
fn a_token_that_is_no_base64_is_refused() {
    for token in ["TlRM=", "TlR", "TlRMTg", "Tl-M", "Tl_M", "TlRMTh==", "Tl RM"] {
        let (mut client, _, _) = challenged(Scheme::Ntlm);
        let error = advance(&mut client, &[format!("NTLM {token}")]).unwrap_err();
        assert_eq!(error, ClientError::Header(HeaderError::BadBase64), "{token}");
        assert!(client.scheme().is_none());
    }
}

// N-15, H-21: what a server can make a client read, decode and remember is bounded.
#[test]
fn a_field_of_any_length_is_refused_or_cut() {
    // The field's limit, and NTLM's own.
    for (length, limit) in [(70_001, 65_536), (40_000, 32_768)] {
        let (mut client, _, _) = challenged(Scheme::Ntlm);
        let line = format_token(Scheme::Ntlm, &vec![7; length]);
        let error = advance(&mut client, &[line]).unwrap_err();
        let ClientError::Exchange(Error::TokenTooLong { limit: told, .. }) = error else {
            panic!("{error:?}")
        };
        assert_eq!(told, limit);
    }
    let long = "Bearer, ".repeat(100_000);
    let ClientError::NoScheme { offered } = taken(&[&long]).unwrap_err() else { panic!("taken") };
    assert_eq!(offered, ["Bearer"]);
    let many: String = (0..1000).map(|number| format!("{}{number}, ", "x".repeat(100))).collect();
    let ClientError::NoScheme { offered } = taken(&[&many]).unwrap_err() else { panic!("taken") };
    assert!(offered.len() <= 32 && offered.iter().all(|name| name.len() <= 64));
    let hidden = [&many[..], "NTLM"].concat();
    assert!(taken(&[&hidden]).is_err(), "not looked at any more");
}

/// Pieces that challenges are made of, right and wrong.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "Negotiate",
        "NTLM",
        "ntlm",
        "Basic",
        "Digest",
        "Bearer",
        "Kerberos",
        " ",
        "  ",
        "\t",
        ",",
        ", ",
        "=",
        "==",
        "\"",
        "\\",
        "realm=\"x\"",
        "nonce=",
        "TlRMTVNTUAAB",
        "TlRMTVNTUAACAAAA",
        "oYGJMIGG",
        "charset=\"UTF-8\"",
        "@",
        "\u{0}",
        "\u{ff}",
        "stale=true",
        "qop=\"auth\"",
    ];
    prop_oneof![
        8 => select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
    ]
}

fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(piece(), 0..10).prop_map(|pieces| pieces.concat()), 0..4)
}

/// What the test does next.
#[derive(Debug, Clone)]
enum Move {
    Advance(Vec<Vec<u8>>),
    Finish(Vec<Vec<u8>>, Option<Vec<u8>>),
    Initial(Scheme),
    /// The right token of the server, with these bits turned.
    Challenge(Vec<(usize, u8)>),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let field = prop_oneof![
        Just(None),
        Just(Some(b"true".to_vec())),
        vec(any::<u8>(), 0..4).prop_map(Some)
    ];
    let one = prop_oneof![
        4 => lines().prop_map(Move::Advance),
        1 => (lines(), field).prop_map(|(lines, field)| Move::Finish(lines, field)),
        1 => select(Scheme::ALL.to_vec()).prop_map(Move::Initial),
        3 => vec((any::<usize>(), any::<u8>()), 0..3).prop_map(Move::Challenge),
    ];
    vec(one, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

    // H-26, H-06: whatever a server says, no panic, and credentials of what is configured alone.
    #[test]
    fn no_server_gets_credentials_of_a_scheme_that_is_not_configured(
        schemes in select(vec![
            vec![Scheme::Ntlm],
            vec![Scheme::Negotiate],
            Scheme::INTEGRATED.to_vec(),
            vec![],
        ]),
        moves in moves(),
    ) {
        let (mut client, challenge) = (
            client(alice().with_password("alice", "S3cret").with_schemes(&schemes)),
            challenged(Scheme::Ntlm).2,
        );
        let mut last = false;
        for step in moves {
            let asked = matches!(step, Move::Initial(_));
            let result = match step {
                Move::Advance(lines) => advance(&mut client, &lines),
                Move::Finish(lines, field) => {
                    client.finish(lines.iter().map(Vec::as_slice), field.as_deref())
                }
                Move::Initial(scheme) => client.initial(scheme).map(ClientStep::Send),
                Move::Challenge(bits) => {
                    let mut challenge = challenge.clone();
                    for (place, bit) in bits {
                        let place = place % challenge.len();
                        challenge[place] ^= bit;
                    }
                    advance(&mut client, &[format_token(Scheme::Ntlm, &challenge)])
                }
            };
            match result {
                Ok(ClientStep::Send(credentials)) => {
                    let scheme = client.scheme().unwrap();
                    prop_assert!(schemes.contains(&scheme));
                    let start = format!("{scheme} ");
                    prop_assert!(credentials.value.starts_with(&start));
                    prop_assert!(!client.is_complete());
                    prop_assert!(asked || !last, "an attempt after the last that nobody asked for");
                    last = credentials.last;
                }
                Ok(_) => last = false,
                Err(_) => {
                    prop_assert!(client.scheme().is_none() && client.context().is_none());
                    prop_assert!(!client.is_complete() && !client.is_persistent());
                }
            }
        }
    }
}
