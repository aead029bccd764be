//! Every recorded token, and what is wrong with malformed ones.

use super::run;

#[path = "../../../../tests/support/vectors.rs"]
pub(super) mod vectors;

fn decode(text: &str) -> (String, Result<(), String>) {
    let mut out = Vec::new();
    let result = run(Some(text), &[], &mut std::io::empty(), &mut out);
    (String::from_utf8(out).unwrap(), result.map_err(|failure| failure.to_string()))
}

fn tree(token: &[u8]) -> String {
    let (tree, result) = decode(&base16ct::lower::encode_string(token));
    assert_eq!(result, Ok(()), "{tree}");
    tree
}

fn failure(token: &[u8]) -> String {
    decode(&base16ct::lower::encode_string(token)).1.unwrap_err()
}

/// The facts of a capture that a tree has nothing to say about.
const ELSEWHERE: [&str; 13] = [
    "Client",
    "ClientVersion",
    "User",
    "Domain",
    "Password",
    "Wrap",
    "Scheme",
    "Negotiate",
    "Challenge",
    "ExportedSessionKey",
    "ChannelBindings",
    "ClientChannelBindings",
    "Request",
];

#[test]
fn every_recorded_token_is_printed_with_its_names() {
    for case in vectors::load_dir("captures") {
        for name in ELSEWHERE {
            case.list_text(name);
        }
        let requests = case.list_hex("RequestToken");
        assert!(tree(&requests[0]).contains("NTLM NEGOTIATE_MESSAGE, "), "{}", case.id());
        for reply in case.list_hex("ReplyToken") {
            let tree = tree(&reply);
            let last = tree.contains("negState accept-completed");
            assert_ne!(tree.contains("MsvAvNbDomainName \""), last, "{}: {tree}", case.id());
            assert_ne!(tree.contains("MsvAvTimestamp 2026-"), last, "{}: {tree}", case.id());
        }

        let tree = tree(requests.last().unwrap());
        assert!(tree.ends_with('\n'));
        let names = [
            ("UserName", case.text("UserInMessage")),
            ("DomainName", case.text("DomainInMessage")),
            ("Workstation", case.text("Workstation")),
        ];
        for (field, name) in names {
            let line = tree.lines().find(|line| line.trim_start().starts_with(field)).unwrap();
            assert!(line.contains(&format!("{name:?}")), "{}: {line}", case.id());
        }
        let mic = if case.text("Mic") == "ok" { "(announced by MsvAvFlags)" } else { "MIC (" };
        assert!(tree.contains(mic), "{}: {tree}", case.id());
        if let Some(hash) = case.opt_text("BindingsHash") {
            let zero = hash.bytes().all(|digit| digit == b'0');
            let remark = if zero { " (all zero" } else { "\n" };
            let line = format!("MsvAvChannelBindings {hash}{remark}");
            assert!(tree.contains(&line), "{}: {tree}", case.id());
        }
        let whole = case.hex("Authenticate");
        let whole = self::tree(&whole);
        let dialect = case.text("Dialect");
        assert!(whole.contains(&format!(" bytes: {dialect}")), "{}: {whole}", case.id());
        assert_eq!(whole.contains("NTProofStr "), dialect == "NTLMv2", "{}", case.id());
    }
}

/// The facts of a published token that are not looked for in its tree, and those of other kinds.
const FIELDS: [&str; 29] = [
    "ThisMech",
    "Choice",
    "MechTypes",
    "MechTypeList",
    "HintName",
    "NegState",
    "SupportedMech",
    "ResponseToken",
    "ReqFlags",
    "MechListMic",
    "HintAddress",
    "Oid",
    "DerContent",
    "Der",
    "ExportedSessionKey",
    "NegotiateFlags",
    "Direction",
    "SeqNum",
    "Plaintext",
    "SealedData",
    "Signature",
    "TokenPrefix",
    "Base64Prefix",
    "Message",
    "MessageSignature",
    "MessageType",
    "SequenceNum",
    "HeaderLength",
    "MessageLength",
];

#[test]
fn every_published_spnego_token_is_printed() {
    for case in vectors::load("spnego/tokens.txt") {
        let token = case.opt_hex("Token");
        let mech_token = case.opt_text("MechToken").is_some();
        for name in FIELDS {
            case.list_text(name);
        }
        if let Some(token) = token {
            let (tree, result) = decode(&base16ct::lower::encode_string(&token));
            assert!(result.is_ok(), "{}: {result:?}\n{tree}", case.id());
            assert!(tree.starts_with("SPNEGO NegToken"), "{}: {tree}", case.id());
            assert_eq!(tree.contains("mechToken"), mech_token, "{}: {tree}", case.id());
        }
    }
}

/// NEGOTIATE of 16 bytes.
const NEGOTIATE: &[u8] = b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2";

#[test]
fn a_negotiate_of_16_bytes_is_printed_like_this() {
    let expected = "NTLM NEGOTIATE_MESSAGE, 16 bytes
  NegotiateFlags 0xa2088207
    UNICODE
    OEM
    REQUEST_TARGET
    NTLM
    ALWAYS_SIGN
    EXTENDED_SESSIONSECURITY
    VERSION
    KEY_128
    KEY_56
  DomainName \"\"
  Workstation \"\"
  Version (absent)
";
    assert_eq!(tree(NEGOTIATE), expected);
}

#[test]
fn all_32_flags_have_a_name() {
    let tree = tree(b"NTLMSSP\0\x01\0\0\0\xff\xff\xff\xff");
    let flags: Vec<_> = tree.lines().filter(|line| line.starts_with("    ")).collect();
    assert_eq!(flags.len(), 32);
    assert_eq!(flags.iter().filter(|line| line.contains("R") && line.contains("(res")).count(), 10);
    assert!(!flags.contains(&"    R"), "{tree}");
}

#[test]
fn negoex_is_only_named() {
    assert_eq!(tree(b"NEGOEXTS\0\0\0\0"), "NEGOEXTS token (not decoded), 12 bytes\n");
}

#[test]
fn a_malformed_token_is_named_with_the_offset_of_the_defect() {
    let truncated = &NEGOTIATE[..14];
    let expected = "NEGOTIATE_MESSAGE: NegotiateFlags at offset 12: the input ends too early";
    assert_eq!(failure(truncated), expected);
    let other = failure(b"NTLMSSP\0\x07\0\0\0");
    assert!(other.contains("at offset 8: 7 is none of"), "{other}");
    assert!(failure(b"NTLMSSP\0\x01").contains("at offset 8"));
    assert!(failure(b"\x60\x03\x06\x01").contains("at offset "));
    assert!(failure(b"\x47\x45\x54").contains("at offset 0: it begins with 474554"));

    for case in vectors::load("captures/curl-ntlm.txt") {
        let mut token = case.hex("Authenticate");
        // The buffer offset of UserName.
        token[40..44].copy_from_slice(&[0xff; 4]);
        let expected = "AUTHENTICATE_MESSAGE: UserName at offset 4294967295: it points outside";
        assert!(failure(&token).starts_with(expected), "{}", failure(&token));
        for name in ELSEWHERE {
            case.list_text(name);
        }
        for name in ["RequestToken", "ReplyToken", "UserInMessage", "DomainInMessage"] {
            case.list_text(name);
        }
        for name in ["Workstation", "Mic", "Dialect"] {
            case.list_text(name);
        }
    }
}

#[test]
fn tokens_within_tokens_have_an_end() {
    let mut token = NEGOTIATE.to_vec();
    for _ in 0..200 {
        let tlv = |tag: u8, content: &[u8]| {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            let mut header = match length {
                [0, short] if short < 0x80 => vec![tag, short],
                [0, long] => vec![tag, 0x81, long],
                [high, low] => vec![tag, 0x82, high, low],
            };
            header.extend(content);
            header
        };
        token = tlv(0xa1, &tlv(0x30, &tlv(0xa2, &tlv(0x04, &token))));
    }
    assert!(tree(&token).contains("too deep"));
}

#[test]
fn what_a_peer_chose_cannot_steer_the_terminal() {
    let mut token = NEGOTIATE.to_vec();
    token.extend([3, 0, 3, 0, 32, 0, 0, 0]);
    token.extend([0; 8]);
    token.extend(b"\x1b[2");
    assert!(tree(&token).contains(r#"DomainName "\u{1b}[2""#));
}

#[test]
fn a_trace_has_no_bytes_that_a_password_could_be_guessed_by() {
    for case in vectors::load_dir("captures") {
        for name in ELSEWHERE {
            case.list_text(name);
        }
        let mut seen = 0;
        for token in [case.list_hex("RequestToken"), case.list_hex("ReplyToken")].concat() {
            let whole = tree(&token);
            let mut out = Vec::new();
            super::print_without_secrets(&token, 1, &mut out).unwrap();
            let safe = String::from_utf8(out).unwrap();
            let fields =
                ["ServerChallenge ", "NTProofStr ", "ChallengeFromClient ", "MIC ", "Response "];
            let more = ["EncryptedRandomSessionKey ", "mechListMIC ", "Checksum "];
            for field in fields.into_iter().chain(more) {
                for line in whole.lines().filter_map(|line| line.trim().strip_prefix(field)) {
                    let value = line.split(' ').next().unwrap();
                    if value.len() < 16 || value.bytes().any(|b| !b.is_ascii_hexdigit()) {
                        continue;
                    }
                    seen += 1;
                    assert!(!safe.contains(&value[..16]), "{}: {field}{safe}", case.id());
                }
            }
            for line in safe.lines() {
                assert!(line.starts_with("  "), "{}: {safe}", case.id());
                // The hash of channel bindings is that of a public certificate.
                let digits =
                    |word: &str| word.len() >= 16 && word.bytes().all(|b| b.is_ascii_hexdigit());
                let shown = line.split_whitespace().any(digits);
                assert!(
                    !shown
                        || line.contains("MsvAvChannelBindings")
                        || line.contains("CustomData")
                        || line.contains("MachineID"),
                    "{}: {line}",
                    case.id()
                );
            }
        }
        assert!(seen >= 1, "{}: none", case.id());
        for name in [
            "UserInMessage",
            "DomainInMessage",
            "Workstation",
            "Mic",
            "Dialect",
            "BindingsHash",
            "Authenticate",
        ] {
            case.list_text(name);
        }
    }
}
