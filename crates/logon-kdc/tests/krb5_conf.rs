//! `krb5.conf`, as a text.

use logon::kerberos::EncryptionType;
use logon_kdc::{CanonicalizeHostname, KdcAddress, Krb5Conf, LibDefaults, Transports};
use std::time::Duration;

/// The KDCs of a realm as one writes them.
fn kdcs(conf: &Krb5Conf, realm: &str) -> Vec<String> {
    conf.kdcs_of(realm).iter().map(KdcAddress::to_string).collect()
}

/// Lines and problems.
fn warnings(text: &str) -> Vec<(usize, String)> {
    let conf = Krb5Conf::parse(text);
    conf.warnings().iter().map(|warning| (warning.line(), warning.problem().to_owned())).collect()
}

#[track_caller]
fn assert_warned(text: &str, line: usize, part: &str) {
    let warnings = warnings(text);
    let [(at, problem)] = &warnings[..] else { panic!("{text:?}: {warnings:?}") };
    assert!(*at == line && problem.contains(part), "{text:?}: line {at}: {problem}");
}

const DEBIAN: &str = r"[libdefaults]
	default_realm = ATHENA.MIT.EDU

# The following krb5.conf variables are only for MIT Kerberos.
	kdc_timesync = 1
	ccache_type = 4
	forwardable = true
	proxiable = true
        rdns = false


# The following libdefaults parameters are only for Heimdal Kerberos.
	fcc-mit-ticketflags = true

[realms]
	ATHENA.MIT.EDU = {
		kdc = kerberos.mit.edu
		kdc = kerberos-1.mit.edu
		kdc = kerberos-2.mit.edu:88
		admin_server = kerberos.mit.edu
		default_domain = mit.edu
	}
	ZONE.MIT.EDU = {
		kdc = casio.mit.edu
		kdc = seiko.mit.edu
		admin_server = casio.mit.edu
	}

[domain_realm]
	.mit.edu = ATHENA.MIT.EDU
	mit.edu = ATHENA.MIT.EDU
	.media.mit.edu = MEDIA-LAB.MIT.EDU
	media.mit.edu = MEDIA-LAB.MIT.EDU
";

#[test]
fn the_file_that_debian_installs_is_read_without_a_warning() {
    let conf = Krb5Conf::parse(DEBIAN);
    assert_eq!(conf.warnings(), []);
    let defaults = conf.libdefaults();
    assert_eq!(defaults.default_realm.as_deref(), Some("ATHENA.MIT.EDU"));
    assert!(defaults.forwardable);
    assert_eq!(
        kdcs(&conf, "ATHENA.MIT.EDU"),
        ["kerberos.mit.edu:88", "kerberos-1.mit.edu:88", "kerberos-2.mit.edu:88"]
    );
    assert_eq!(kdcs(&conf, "ZONE.MIT.EDU").len(), 2);
    assert_eq!(kdcs(&conf, "zone.mit.edu").len(), 0);
    assert_eq!(conf.realm_of("web.media.mit.edu"), Some("MEDIA-LAB.MIT.EDU"));
}

const JOINED_TO_AD: &str = r#"
[libdefaults]
default_realm = AD.CORP.EXAMPLE
dns_lookup_realm = false
dns_lookup_kdc = true
dns_canonicalize_hostname = fallback
ticket_lifetime = 24h
renew_lifetime = 7d
rdns = no
clockskew = 600
udp_preference_limit = 0
canonicalize = true
noaddresses = false
allow_weak_crypto = no
default_tkt_enctypes = aes256-cts-hmac-sha1-96 aes128-cts, rc4-hmac des3-cbc-sha1
permitted_enctypes = DEFAULT +rc4 -aes128-sha2
default_ccache_name = KEYRING:persistent:%{uid}
default_keytab_name = "FILE:/etc/my keytab"
default_client_keytab_name = FILE:/etc/client.keytab
"#;

#[test]
fn the_defaults_of_a_machine_in_a_windows_domain_are_understood() {
    let conf = Krb5Conf::parse(JOINED_TO_AD);
    assert_eq!(conf.warnings(), []);
    let defaults = conf.libdefaults();
    assert!(defaults.dns_lookup_kdc && !defaults.dns_lookup_realm);
    assert_eq!(defaults.dns_canonicalize_hostname, CanonicalizeHostname::Fallback);
    assert_eq!(defaults.ticket_lifetime, Some(Duration::from_secs(24 * 3600)));
    assert_eq!(defaults.renew_lifetime, Some(Duration::from_secs(7 * 86400)));
    assert_eq!(defaults.clockskew, Duration::from_secs(600));
    assert_eq!(defaults.udp_preference_limit, 0);
    assert!(!defaults.allow_weak_crypto);
    let [aes128, aes256] =
        [EncryptionType::Aes128CtsHmacSha1_96, EncryptionType::Aes256CtsHmacSha1_96];
    let rc4 = EncryptionType::Rc4Hmac;
    assert_eq!(defaults.default_tkt_enctypes, Some(vec![aes256, aes128, rc4]));
    let aes256_sha2 = EncryptionType::Aes256CtsHmacSha384_192;
    assert_eq!(defaults.permitted_enctypes, Some(vec![aes256_sha2, aes256, aes128, rc4]));
    assert_eq!(defaults.default_ccache_name.as_deref(), Some("KEYRING:persistent:%{uid}"));
    assert_eq!(defaults.default_keytab_name.as_deref(), Some("FILE:/etc/my keytab"));
    assert_eq!(defaults.default_client_keytab_name.as_deref(), Some("FILE:/etc/client.keytab"));
}

const HEIMDAL: &str = r"
[libdefaults]
    default_realm = SU.SE
    clockskew = 5 minutes
    ticket_lifetime = 1 day
    renew_lifetime = 1 week 2 days 30 min
    default_cc_name = FILE:/tmp/krb5cc_%{uid}
    dns_canonicalize_hostname = true
[realms]
    SU.SE =
    {
        kdc = tcp/kdc.su.se:750
        kdc = udp/[2001:db8::88]:8888
        kdc = 2001:db8::89
        kdc = [2001:db8::90]
        kpasswd_server = kdc.su.se
    }
[logging]
    kdc = FILE:/var/log/kdc.log
    default = SYSLOG:INFO:USER
[appdefaults]
    pam = {
        SU.SE = {
            forwardable = true
        }
    }
";

#[test]
fn a_file_in_the_style_of_heimdal_is_read_without_a_warning() {
    let conf = Krb5Conf::parse(HEIMDAL);
    assert_eq!(conf.warnings(), []);
    let defaults = conf.libdefaults();
    assert_eq!(defaults.clockskew, Duration::from_secs(300));
    assert_eq!(defaults.ticket_lifetime, Some(Duration::from_secs(86400)));
    assert_eq!(defaults.renew_lifetime, Some(Duration::from_secs(9 * 86400 + 1800)));
    assert_eq!(defaults.default_ccache_name.as_deref(), Some("FILE:/tmp/krb5cc_%{uid}"));
    assert_eq!(defaults.dns_canonicalize_hostname, CanonicalizeHostname::Yes);
    let [first, others @ ..] = conf.kdcs_of("SU.SE") else { panic!() };
    let tcp = Transports::Tcp;
    let expected = KdcAddress { host: "kdc.su.se".to_owned(), port: 750, transports: tcp };
    assert_eq!(*first, expected);
    let others: Vec<_> = others.iter().map(KdcAddress::to_string).collect();
    assert_eq!(others, ["udp/[2001:db8::88]:8888", "[2001:db8::89]:88", "[2001:db8::90]:88"]);
}

#[test]
fn an_empty_file_says_what_mit_krb5_says_by_default_but_lets_dns_change_no_name() {
    let conf = Krb5Conf::parse("\u{feff}# nothing\r\n\r\n");
    assert_eq!((conf.libdefaults(), conf.warnings()), (&LibDefaults::default(), &[][..]));
    assert_eq!(conf.libdefaults().udp_preference_limit, 1465);
    assert!(conf.libdefaults().dns_lookup_kdc && !conf.libdefaults().dns_lookup_realm);
    assert_eq!(conf.libdefaults().dns_canonicalize_hostname, CanonicalizeHostname::No);
    assert_eq!(conf.realm_of("web.corp.example"), None);
    assert!(conf.kdcs_of("CORP.EXAMPLE").is_empty());
}

#[test]
fn of_several_values_the_first_holds_and_sections_go_on_where_they_ended() {
    let conf = Krb5Conf::parse(
        "[libdefaults]\n default_realm = A\n default_realm = B\n[realms]\n A = {\n kdc = a\n }\n\
         [libdefaults]\n forwardable = yes\n default_realm = C\n[realms]\n A = {\n kdc = b\n kdc = a\n }\n",
    );
    assert_eq!(conf.warnings(), []);
    assert_eq!(conf.libdefaults().default_realm.as_deref(), Some("A"));
    assert!(conf.libdefaults().forwardable);
    assert_eq!(kdcs(&conf, "A"), ["a:88", "b:88"]);
}

#[test]
fn a_host_has_the_realm_of_itself_or_else_of_the_closest_domain() {
    let conf = Krb5Conf::parse(
        "[domain_realm]\n web.corp.example = WEB\n .corp.example = CORP\n .Lab.Corp.Example = LAB\n\
         corp.example = TOP\n example = REST\n 127.0.0.1 = LOCAL\n .0.0.1 = WRONG\n",
    );
    for (host, realm) in [
        ("web.corp.example", Some("WEB")),
        ("Web.CORP.example.", Some("WEB")),
        ("a.web.corp.example", Some("WEB")),
        ("other.corp.example", Some("CORP")),
        ("a.b.lab.corp.example", Some("LAB")),
        ("lab.corp.example", Some("CORP")),
        ("corp.example", Some("TOP")),
        ("notcorp.example", Some("REST")),
        ("example.org", None),
        ("intranet", None),
        ("127.0.0.1", Some("LOCAL")),
        ("10.0.0.1", None),
        ("", None),
    ] {
        assert_eq!(conf.realm_of(host), realm, "{host}");
    }
}

#[test]
fn the_primary_kdc_is_asked_where_no_other_is_named() {
    let conf = Krb5Conf::parse(
        "[realms]\n A = {\n master_kdc = a\n }\n B = {\n primary_kdc = p\n kdc = b\n admin_server = c\n }\n",
    );
    assert_eq!(kdcs(&conf, "A"), ["a:88"]);
    assert_eq!(kdcs(&conf, "B"), ["b:88"]);
}

#[test]
fn every_form_of_a_time_is_read_or_warned_of() {
    let lifetime = |value: &str| {
        let conf = Krb5Conf::parse(&format!("[libdefaults]\nticket_lifetime = {value}\n"));
        assert_eq!(conf.warnings().is_empty(), conf.libdefaults().ticket_lifetime.is_some());
        conf.libdefaults().ticket_lifetime.map(|lifetime| lifetime.as_secs())
    };
    for (value, seconds) in [
        ("36000", Some(36_000)),
        ("10h", Some(36_000)),
        ("1d 2h 30m 5s", Some(95_405)),
        ("1d2h30m5", Some(95_405)),
        ("8:00", Some(28_800)),
        ("8:00:30", Some(28_830)),
        ("8:00:30:1", None),
        ("8:", None),
        ("8:00:", None),
        ("-5", None),
        ("5 fortnights", None),
        ("4294967296", None),
        ("h", None),
    ] {
        assert_eq!(lifetime(value), seconds, "{value}");
    }
}

#[test]
fn what_cannot_be_read_is_a_warning_with_its_line_and_harms_nothing_else() {
    assert_warned("default_realm = A\n[libdefaults]\n", 1, "before the first section");
    assert_warned("[libdefaults\n default_realm = A\n", 1, "ends with `]`");
    assert_warned("[libdefaults]\n nonsense\n", 2, "neither");
    assert_warned("[libdefaults]\n two words = a\n", 2, "one word");
    assert_warned("[libdefaults]\n forwardable = perhaps\n", 2, "`true` or `false`");
    assert_warned("[libdefaults]\n udp_preference_limit = many\n", 2, "number of bytes");
    assert_warned("[libdefaults]\n default_tkt_enctypes = aes256-cts rot13\n", 2, "rot13");
    assert_warned("[libdefaults]\n permitted_enctypes = des3-cbc-sha1\n", 2, "no encryption type");
    assert_warned("[libdefaults]\n default_realm = \"A\n", 2, "missing");
    assert_warned("[libdefaults]\n default_realm =\n forwardable = true\n", 3, "has no value");
    assert_warned("[libdefaults]\n }\n", 2, "without its `{`");
    assert_warned("[realms]\n A = {\n kdc = a\n", 3, "ends before");
    assert_warned("[realms]\n A = {\n kdc = a\n[libdefaults]\n", 4, "missing before");
    assert_warned("[realms]\n A = { kdc = a }\n B = {\n kdc = b\n }\n", 2, "same line");
    assert_warned("[realms]\n A = {\n kdc = https://a/KdcProxy\n }\n", 3, "not supported");
    assert_warned("[realms]\n A = {\n kdc = sctp/a\n }\n", 3, "neither `udp/` nor");
    assert_warned("[realms]\n A = {\n kdc = a:99999\n }\n", 3, "host:port");
    assert_warned("[realms]\n A = {\n kdc = [::1\n }\n", 3, "host:port");
    assert_warned("[realms]\n A = {\n kdc = \"{a\"\n }\n", 3, "host:port");
    assert_warned("[realms]\n A = {\n kdc = /run/kdc.socket\n }\n", 3, "socket");
    assert_warned("include /etc/other.conf\n[libdefaults]\n", 1, "no other file");
    assert_warned("module /usr/lib/krb5.so:x\n[libdefaults]\n", 1, "`module`");

    let text = "nonsense\n[libdefaults\nforwardable = no\n[libdefaults]\nforwardable = perhaps\n\
                default_realm = A # not a comment\n[x]y\nz\n[realms]\nA = {\nkdc = :1\nkdc = a # one\n";
    let conf = Krb5Conf::parse(text);
    assert_eq!(conf.libdefaults().default_realm.as_deref(), Some("A # not a comment"));
    assert_eq!(kdcs(&conf, "A"), ["a:88"]);
    let lines: Vec<_> = conf.warnings().iter().map(logon_kdc::Warning::line).collect();
    assert_eq!(lines, [1, 2, 7, 8, 12, 5, 11]);
    let [first, ..] = conf.warnings() else { panic!() };
    assert!(first.to_string().starts_with("krb5.conf, line 1: "), "{first}");
}

#[test]
fn values_in_quotes_lose_them() {
    let conf = Krb5Conf::parse("[libdefaults]\n default_realm = \"A \\\"b\\\" \\\\c\" rest\n");
    assert_eq!(conf.libdefaults().default_realm.as_deref(), Some("A \"b\" \\c"));
}

#[test]
fn braces_without_end_are_no_burden() {
    let text = format!("[realms]\n{}{}", "a = {\n".repeat(100_000), "b = c\n".repeat(10));
    let conf = Krb5Conf::parse(&text);
    assert_eq!(conf.warnings().len(), 2);
    let text = format!("{text}{}[libdefaults]\ndefault_realm = A\n", "}\n".repeat(100_000));
    let conf = Krb5Conf::parse(&text);
    assert_eq!(conf.libdefaults().default_realm.as_deref(), Some("A"));
}
