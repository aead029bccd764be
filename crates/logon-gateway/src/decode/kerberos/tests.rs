//! Recorded messages and forged ones, with and without the keys that open them.

use crate::decode::tests::vectors;
use crate::decode::{print_without_secrets, run};
use forge::{AES, Forge, NOW, relevant};
use logon::kerberos::{EncryptionType, Key, KeyUsage, Keytab, PrincipalName, ServiceKey};
use logon::wire::krb5::{
    EncTicketPart, EncryptedData, KdcRep, KdcReqKind, KerberosTime, KrbError, Principal, Ticket,
};
use std::path::PathBuf;

#[path = "../../../../../tests/support/ticket.rs"]
mod forge;

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

fn attempt(token: &[u8], keytabs: &[&Keytab]) -> (String, Result<(), String>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |(number, keytab): (usize, &&Keytab)| -> PathBuf {
        let path = folder.path().join(format!("{number}.keytab"));
        std::fs::write(&path, keytab.encode().unwrap()).unwrap();
        path
    };
    let keytabs: Vec<_> = keytabs.iter().enumerate().map(write).collect();
    let mut out = Vec::new();
    let result = run(Some(&hex(token)), &keytabs, &mut std::io::empty(), &mut out);
    (String::from_utf8(out).unwrap(), result.map_err(|failure| failure.to_string()))
}

fn tree(token: &[u8], keytabs: &[&Keytab]) -> String {
    let (tree, result) = attempt(token, keytabs);
    assert_eq!(result, Ok(()), "{tree}");
    tree
}

#[track_caller]
fn assert_has(tree: &str, words: &[&str]) {
    for words in words {
        assert!(tree.contains(words), "{words:?} is not in\n{tree}");
    }
}

/// No eight bytes of a key stand anywhere in hexadecimal.
#[track_caller]
fn assert_hides(tree: &str, key: &[u8]) {
    let (low, text) = (tree.to_lowercase(), String::from_utf8_lossy(key).into_owned());
    for part in key.windows(8) {
        assert!(!low.contains(&hex(part)), "{} is in\n{tree}", hex(part));
    }
    assert!(!tree.contains(&text), "{tree}");
}

fn keytab(name: &str, kvno: u32, etype: i32, bytes: &[u8]) -> Keytab {
    let principal = name.parse().unwrap();
    let key = Key::new(EncryptionType::try_from(etype).unwrap(), bytes).unwrap();
    [ServiceKey { principal, kvno, key }].into_iter().collect()
}

#[test]
fn a_recorded_token_is_opened_down_to_the_groups() {
    let mut cases = vectors::load("kerberos/tickets.txt");
    let case = cases.remove(0);
    assert_eq!(case.kind(), "ap-req");
    let service_key = case.hex("ServiceKey");
    let keys = keytab("cifs/dc1.domain.local@DOMAIN.LOCAL", 13, 18, &service_key);
    let shut = tree(&case.hex("Token"), &[]);
    let name = shut.split("sname ").nth(1).unwrap().split(' ').next().unwrap();
    let keys_of_name = keytab(name, 13, 18, &service_key);
    assert_has(&shut, &["encrypted in a key of cifs/", "-> give its keytab", "key version 13"]);
    assert!(!shut.contains("User1"), "{shut}");

    let mut reader = case.hex("ApReq");
    let token = tree(&reader, &[&keys, &keys_of_name]);
    assert_has(
        &token,
        &[
            "Kerberos AP-REQ, ",
            "ap-options 0x20000000 mutual-required",
            &format!("decrypted with the key of {name}, version 13"),
            "flags 0x40850000 forwardable renewable ok-as-delegate enc-pa-rep",
            "cname User1@DOMAIN.LOCAL (NT-PRINCIPAL)",
            "authtime 2024-03-05T16:03:41Z",
            "endtime 2024-03-06T02:03:41Z",
            "key aes256-cts-hmac-sha1-96 (18), not shown",
            "KERB_VALIDATION_INFO (1), 488 bytes",
            "EffectiveName \"User1\"",
            "LogonDomainId S-1-5-21-",
            "-513 (Domain Users)",
            "Name \"User1\": as in the ticket",
            "Server Signature (6), 16 bytes\n",
            "hmac-sha1-96-aes256 (16): right",
            "not checked, it is made with the krbtgt key",
            "a service believes it: S-1-5-21-",
            "ctime 2024-03-05T16:52:55Z and 0 µs: while the ticket holds",
            "cksum of GSS-API (0x8003), 32 bytes",
            "Bnd (all zero: no channel bindings)",
            "subkey aes128-cts-hmac-sha1-96 (17), not shown",
            "seq-number 1073741824",
        ],
    );
    for key in ["SessionKey", "Subkey"] {
        assert_hides(&token, &case.hex(key));
    }
    assert_hides(&token, &service_key);
    // The last byte belongs to the authenticator.
    *reader.last_mut().unwrap() ^= 1;
    let tampered = tree(&reader, &[&keys_of_name]);
    assert_has(&tampered, &["cname User1@DOMAIN.LOCAL", "not made with the session key"]);

    check_altered_pac(&case.hex("EncTicketPart"), name, &keys_of_name);
    case.pass_over();
    cases.into_iter().for_each(vectors::Case::pass_over);
}

/// Whoever has the key could alter the PAC; who has only another key of the account could not.
fn check_altered_pac(plain: &[u8], name: &str, keys: &Keytab) {
    let mut altered = plain.to_vec();
    // The name of the account, in UTF-16, as the logon information has it.
    let user: Vec<u8> = "User1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = altered.windows(user.len()).position(|window| window == user).unwrap();
    altered[at] = b'A';
    EncTicketPart::decode(&altered).unwrap();
    let mut cipher = Vec::new();
    let key = &keys.keys()[0].key;
    key.encrypt(KeyUsage::TICKET, &[4; 16], &altered, &mut cipher);
    let name: PrincipalName = name.parse().unwrap();
    let enc_part = EncryptedData { etype: 18, kvno: Some(13), cipher: &cipher };
    let mut ticket = Vec::new();
    Ticket::encode(&name.as_wire(), &enc_part, &mut ticket).unwrap();
    let tree = tree(&ticket, &[keys]);
    assert_has(
        &tree,
        &[
            "Kerberos Ticket, ",
            "EffectiveName \"Aser1\"",
            "(16): wrong; the PAC was altered",
            "a service refuses it: the PAC is not signed with the service's key",
        ],
    );
}

#[test]
fn with_the_kdcs_key_its_signature_is_checked_as_well() {
    for case in vectors::load("kerberos/tickets.txt") {
        if case.kind() == "ticket" {
            let ticket = case.hex("Ticket");
            let name = Ticket::decode(&ticket).unwrap().server.to_string();
            let key = case.hex("ServiceKey");
            let tree = tree(&ticket, &[&keytab(&name, 2, 18, &key)]);
            assert_eq!(tree.matches("(16): right").count(), 2, "{tree}");
            assert_hides(&tree, &key);
            assert_hides(&tree, &case.hex("SessionKey"));
        }
        case.pass_over();
    }
}

#[test]
fn every_reference_message_is_printed_and_its_defects_have_a_place() {
    let mut seen = 0;
    for case in vectors::load("kerberos/messages.txt") {
        let message = case.hex("Message");
        let title = match case.kind() {
            "ap-req" => "AP-REQ",
            "ap-rep" => "AP-REP",
            "as-req" => "AS-REQ",
            "as-rep" => "AS-REP",
            "tgs-req" => "TGS-REQ",
            "tgs-rep" => "TGS-REP",
            "krb-error" => "KRB-ERROR",
            "ticket" => "Ticket",
            _ => {
                case.pass_over();
                continue;
            }
        };
        seen += 1;
        let whole = tree(&message, &[]);
        assert!(whole.starts_with(&format!("Kerberos {title}, ")), "{}: {whole}", case.id());
        assert!(title == "AP-REP" || whole.contains("hftsai/extra@ATHENA.MIT.EDU"), "{whole}");

        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let over_tcp = tree(&[&length, message.as_slice()].concat(), &[]);
        assert!(over_tcp.starts_with("length over TCP: "), "{over_tcp}");
        assert!(over_tcp.lines().nth(1).unwrap().starts_with("  Kerberos "), "{over_tcp}");

        let cut = attempt(&message[..message.len() - 3], &[]).1.unwrap_err();
        assert!(cut.contains(title) && cut.contains(" at offset "), "{}: {cut}", case.id());
        case.pass_over();
    }
    assert_eq!(seen, 9);
}

#[test]
fn keytabs_and_caches_are_listed_without_their_keys() {
    for case in vectors::load("kerberos/files.txt") {
        let file = case.hex("File");
        match case.kind() {
            "keytab" => {
                let tree = tree(&file, &[]);
                let entries = case.list_text("Entry");
                let count = format!(", {} keys\n", entries.len());
                assert_has(&tree, &["keytab of version ", &count]);
                for entry in entries {
                    let [_, _, kvno, etype, key, name] = *entry.splitn(6, ' ').collect::<Vec<_>>()
                    else {
                        panic!("{entry}")
                    };
                    let line = |line: &&str| {
                        line.starts_with(&format!("  {name} (NT-"))
                            && line.contains(&format!("), version {kvno}, "))
                            && line.contains(&format!(" ({etype}"))
                    };
                    assert!(tree.lines().any(|it| line(&it)), "{entry} is not in\n{tree}");
                    assert_hides(&tree, &base16ct::lower::decode_vec(key).unwrap());
                }
            }
            "ccache" => {
                let tree = tree(&file, &[]);
                let version = format!("credential cache of version {}, ", case.u64("Version"));
                assert_has(
                    &tree,
                    &[&version, "ticket for krbtgt/", "endtime 202", "setting \""][..3],
                );
                for key in case.list_text("SessionKey") {
                    let key = key.split_once(' ').map_or("", |(_, key)| key);
                    if !key.is_empty() {
                        assert_hides(&tree, &base16ct::lower::decode_vec(key).unwrap());
                    }
                }
            }
            kind => assert_eq!(kind, "malformed-keytab"),
        }
        let (_, cut) = attempt(&file[..file.len() - 3], &[]);
        let cut = cut.unwrap_err();
        assert!(cut.contains(" at offset "), "{}: {cut}", case.id());
        case.pass_over();
    }
}

#[test]
fn a_ticket_that_stays_shut_says_why_and_what_to_do() {
    const NAME: &str = "HTTP/web01.corp.example@CORP.EXAMPLE";
    let token = Forge::default().token();
    let key = |name, kvno, etype, byte| {
        keytab(name, kvno, etype, &[byte; 32][..if etype == 18 { 32 } else { 16 }])
    };
    for (keys, words) in [
        (
            key("HTTP/www.corp.example@CORP.EXAMPLE", 3, 18, 0x44),
            ["no key of HTTP/web01", "setspn -Q HTTP/web01.corp.example)"],
        ),
        (
            key(NAME, 3, 17, 0x33),
            ["is of type aes256-cts-hmac-sha1-96 (18), but of aes128", "export the key again"],
        ),
        (
            key(NAME, 2, 18, 0x22),
            ["it is of key version 3; the keytab has version 2", "get a new ticket"],
        ),
        (key(NAME, 3, 18, 0x34), ["and it does not open it", "another salt"]),
        (Keytab::default(), ["has no key that can be used", "ktpass /princ HTTP/web01"]),
    ] {
        let tree = tree(&token, &[&keys]);
        assert_has(&tree, &["not decrypted: ", "-> "]);
        assert_has(&tree, &words);
        assert!(!tree.contains("alice"), "{tree}");
    }
    // Of several keytabs one is enough; case does not matter, as for an acceptor.
    let wrong = key(NAME, 2, 18, 0x22);
    let right = key("http/WEB01.corp.example@CORP.EXAMPLE", 9, 18, 0x33);
    let opened = tree(&token, &[&wrong, &right]);
    assert_has(&opened, &["version 9 (", "cname alice@CORP.EXAMPLE"]);
    // An alias of the account, which has the same key.
    let alias = key("host/web01.corp.example@CORP.EXAMPLE", 3, 18, 0x33);
    let opened = tree(&token, &[&alias]);
    assert_has(&opened, &["a service with this keytab would refuse it", "cname alice"]);
    assert_hides(&opened, &[0x33; 32]);
    assert_hides(&opened, &[forge::SESSION; 32]);
}

#[test]
fn what_a_service_refuses_an_authenticator_for_is_told() {
    let keys = forge::keytab();
    let of = |forge: Forge| tree(&forge.token(), &[&keys]);
    let other =
        of(Forge { authenticator_client: Some("mallory@CORP.EXAMPLE"), ..Forge::default() });
    assert_has(&other, &["not the client of the ticket"]);
    let late = of(Forge { ctime: NOW + 3601, ..Forge::default() });
    assert_has(&late, &["1 seconds after the end of the ticket"]);
    let early = of(Forge { ctime: NOW - 60 - 301, ..Forge::default() });
    assert_has(&early, &["301 seconds before the ticket begins"]);
    let wrong = of(Forge { client_key: 1, ..Forge::default() });
    assert_has(&wrong, &["not made with the session key of this ticket"]);
    let said = of(Forge {
        said: vec![relevant(143, &[0, 0x40, 0, 0]), forge::target("HTTP/web01.corp.example")],
        checksum: forge::gss([0xab; 16], logon::wire::krb5::GssFlags::MUTUAL),
        ..Forge::default()
    });
    assert_has(
        &said,
        &[
            "AD-AUTH-DATA-AP-OPTIONS (143) 0x00004000 channel-bindings-supported",
            "AD-AUTH-DATA-TARGET-NAME (144) \"HTTP/web01.corp.example\"",
            "Bnd abababababababababababababababab (MD5 of the channel bindings)",
            "Flags 0x00000002 MUTUAL\n",
        ],
    );
}

#[test]
fn an_answer_of_a_kdc_opens_with_the_keys_of_its_client() {
    let forge = Forge::default();
    let ticket = forge.ticket();
    let key = Key::new(AES, &[0x77; 32]).unwrap();
    let time = KerberosTime::from_unix(NOW);
    let mut plain = Vec::new();
    let service: PrincipalName = forge.server.parse().unwrap();
    logon::wire::krb5::EncKdcRepPart {
        key: logon::wire::krb5::EncryptionKey { key_type: 18, value: &[0x5e; 32] },
        last_req: Vec::new(),
        nonce: 4711,
        key_expiration: None,
        flags: logon::wire::krb5::TicketFlags::INITIAL,
        auth_time: time,
        start_time: None,
        end_time: time,
        renew_till: None,
        server: service.as_wire(),
        addresses: Vec::new(),
        encrypted_pa_data: Vec::new(),
    }
    .encode(KdcReqKind::As, &mut plain)
    .unwrap();
    let mut cipher = Vec::new();
    key.encrypt(KeyUsage::AS_REP_ENC_PART, &[2; 16], &plain, &mut cipher);
    let client: PrincipalName = "alice@CORP.EXAMPLE".parse().unwrap();
    let mut reply = Vec::new();
    KdcRep {
        kind: KdcReqKind::As,
        padata: Vec::new(),
        client: client.as_wire(),
        ticket: Ticket::decode(&ticket).unwrap(),
        enc_part: EncryptedData { etype: 18, kvno: Some(1), cipher: &cipher },
    }
    .encode(&mut reply)
    .unwrap();
    let keys = keytab("alice@CORP.EXAMPLE", 1, 18, &[0x77; 32]);
    let tree = tree(&reply, &[&keys, &forge::keytab()]);
    assert_has(&tree, &["nonce 4711", "version 1 (", "version 3 (", "flags 0x00400000 initial"]);
    assert_hides(&tree, &[0x77; 32]);
    assert_hides(&tree, &[0x5e; 32]);
}

fn error(code: i32, data: Option<&[u8]>) -> Vec<u8> {
    let server: PrincipalName = "HTTP/web01.corp.example@CORP.EXAMPLE".parse().unwrap();
    let mut out = Vec::new();
    KrbError {
        ctime: None,
        cusec: None,
        stime: KerberosTime::from_unix(NOW),
        susec: 5,
        error_code: code,
        client: Principal::default(),
        server: server.as_wire(),
        e_text: Some("no\nway\x1b[2J"),
        e_data: data,
    }
    .encode(&mut out)
    .unwrap();
    out
}

#[test]
fn an_error_has_its_name_its_meaning_and_its_data() {
    let skewed = tree(&error(37, Some(b"\x30\x05\xa1\x03\x02\x01\x02")), &[]);
    assert_has(
        &skewed,
        &[
            "error-code KRB_AP_ERR_SKEW (37)\n    the clocks are too far apart",
            "stime 2027-01-15T08:00:00Z and 5 µs: the server's clock",
            r#"e-text "no\nway\u{1b}[2J""#,
            "the clock can be corrected by stime",
        ],
    );
    let locked = b"\x30\x15\xa1\x03\x02\x01\x03\xa2\x0e\x04\x0c\x34\x02\x00\xc0\0\0\0\0\x01\0\0\0";
    let windows = tree(&error(18, Some(locked)), &[]);
    assert_has(
        &windows,
        &["KDC_ERR_CLIENT_REVOKED", "status STATUS_ACCOUNT_LOCKED_OUT (0xC0000234)"],
    );

    let info = logon::wire::krb5::EtypeInfo2Entry {
        etype: 18,
        salt: Some("CORP.EXAMPLEalice"),
        s2kparams: Some(&[0, 0, 0x10, 0]),
    };
    let (mut infos, mut methods) = (Vec::new(), Vec::new());
    logon::wire::krb5::EtypeInfo2Entry::encode_list(&[info], &mut infos).unwrap();
    let element = |kind, data| logon::wire::krb5::Element { kind, data };
    let list = [element(19, &infos), element(2, &[]), element(19, b"\x30\x80")];
    logon::wire::krb5::encode_method_data(&list, &mut methods).unwrap();
    let wanted = tree(&error(25, Some(&methods)), &[]);
    assert_has(
        &wanted,
        &[
            "KDC_ERR_PREAUTH_REQUIRED (25)",
            "aes256-cts-hmac-sha1-96 (18), salt \"CORP.EXAMPLEalice\", 4096 iterations",
            "\n    PA-ENC-TIMESTAMP (2)\n",
            "malformed: ",
        ],
    );
    assert_has(
        &tree(&error(4711, Some(b"what")), &[]),
        &["4711, not known", "of no known form: 77686174"],
    );
}

#[test]
fn a_trace_has_neither_ciphertexts_nor_hints() {
    let token = Forge::default().token();
    let mut out = Vec::new();
    print_without_secrets(&token, 1, &mut out).unwrap();
    let safe = String::from_utf8(out).unwrap();
    assert_has(&safe, &["  Kerberos AP-REQ, ", "sname HTTP/web01.corp.example@CORP.EXAMPLE"]);
    assert!(!safe.contains("->") && !safe.contains("keytab"), "{safe}");
    for bytes in token.windows(8) {
        assert!(!safe.contains(&hex(bytes)), "{safe}");
    }
}

#[test]
fn whatever_is_cut_off_or_altered_no_key_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.keytab");
    std::fs::write(&path, forge::keytab().encode().unwrap()).unwrap();
    let file = std::fs::read(&path).unwrap();
    let whole = Forge { subkey: Some((17, vec![0x6b; 16])), ..Forge::default() }.token();
    for token in [whole, file] {
        for at in 0..token.len() {
            let mut altered = token.clone();
            altered[at] ^= 0x11;
            for token in [&token[..at], &altered] {
                let mut out = Vec::new();
                let text = hex(token);
                // Most of them are malformed, some are not: either is well.
                let keytabs = std::slice::from_ref(&path);
                let _ = run(Some(&text), keytabs, &mut std::io::empty(), &mut out);
                let tree = String::from_utf8(out).unwrap();
                for byte in [0x33, 0x22, forge::SESSION, 0x6b] {
                    assert_hides(&tree, &[byte; 16]);
                }
            }
        }
    }
}

#[test]
fn a_keytab_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.keytab");
    let run = |path: &PathBuf| {
        let token = hex(&Forge::default().token());
        let result =
            run(Some(&token), std::slice::from_ref(path), &mut std::io::empty(), &mut Vec::new());
        result.unwrap_err().to_string()
    };
    assert!(run(&path).contains("there is no keytab"), "{}", run(&path));
    std::fs::write(&path, b"\x05\x02\0\0\0\x09").unwrap();
    assert!(run(&path).contains("is not in order: keytab: size at offset 2"), "{}", run(&path));
}
