//! The names of Kerberos' numbers.

use logon::kerberos::EncryptionType;
use logon::wire::krb5::KerberosTime;
use std::fmt;
use std::time::{Duration, SystemTime};

/// An encryption type: name and number.
pub(crate) struct Etype(pub(crate) i32);

impl fmt::Display for Etype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = *self;
        if let Ok(known) = EncryptionType::try_from(number) {
            let weak = if known.is_weak() { ", weak" } else { "" };
            return write!(f, "{known} ({number}{weak})");
        }
        // Those that are not supported ([RFC 8429], Kerberos Parameters of IANA).
        let name = match number {
            1 => "des-cbc-crc",
            2 => "des-cbc-md4",
            3 => "des-cbc-md5",
            5 => "des3-cbc-md5",
            7 => "des3-cbc-sha1",
            16 => "des3-cbc-sha1-kd",
            24 => "rc4-hmac-exp",
            25 => "camellia128-cts-cmac",
            26 => "camellia256-cts-cmac",
            _ => return write!(f, "encryption type {number}, not known"),
        };
        write!(f, "{name} ({number}, not supported)")
    }
}

/// A type of checksum: name and number.
pub(super) struct ChecksumType(pub(super) i32);

impl fmt::Display for ChecksumType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = *self;
        let name = match number {
            7 => "rsa-md5",
            15 => "hmac-sha1-96-aes128",
            16 => "hmac-sha1-96-aes256",
            19 => "hmac-sha256-128-aes128",
            20 => "hmac-sha384-192-aes256",
            -138 => "hmac-md5",
            0x8003 => return f.write_str("of GSS-API (0x8003)"),
            _ => return write!(f, "of type {number}"),
        };
        write!(f, "{name} ({number})")
    }
}

/// `name-type` ([RFC 4120] §6.2, [MS-KILE] §3.1.5.6).
pub(super) fn name_type(number: i32) -> String {
    let name = match number {
        0 => "NT-UNKNOWN",
        1 => "NT-PRINCIPAL",
        2 => "NT-SRV-INST",
        3 => "NT-SRV-HST",
        4 => "NT-SRV-XHST",
        5 => "NT-UID",
        6 => "NT-X500-PRINCIPAL",
        7 => "NT-SMTP-NAME",
        10 => "NT-ENTERPRISE",
        11 => "NT-WELLKNOWN",
        -128 => "NT-MS-PRINCIPAL",
        -129 => "NT-MS-PRINCIPAL-AND-ID",
        -130 => "NT-ENT-PRINCIPAL-AND-ID",
        _ => return format!("name-type {number}"),
    };
    name.to_owned()
}

/// `padata-type` ([RFC 4120] §7.5.2, Kerberos Parameters of IANA).
pub(super) fn padata_type(number: i32) -> String {
    let name = match number {
        1 => "PA-TGS-REQ",
        2 => "PA-ENC-TIMESTAMP",
        3 => "PA-PW-SALT",
        10 => "PA-SAM-CHALLENGE",
        11 => "PA-ETYPE-INFO",
        14 => "PA-PK-AS-REQ-OLD",
        15 => "PA-PK-AS-REP-OLD",
        16 => "PA-PK-AS-REQ",
        17 => "PA-PK-AS-REP",
        19 => "PA-ETYPE-INFO2",
        20 => "PA-SVR-REFERRAL-INFO",
        111 => "TD-CMS-DIGEST-ALGORITHMS",
        128 => "PA-PAC-REQUEST",
        129 => "PA-FOR-USER",
        130 => "PA-FOR-X509-USER",
        132 => "PA-AS-CHECKSUM",
        133 => "PA-FX-COOKIE",
        136 => "PA-FX-FAST",
        137 => "PA-FX-ERROR",
        138 => "PA-ENCRYPTED-CHALLENGE",
        141 => "PA-OTP-CHALLENGE",
        147 => "PA-PKINIT-KX",
        149 => "PA-REQ-ENC-PA-REP",
        150 => "PA-AS-FRESHNESS",
        151 => "PA-SPAKE",
        161 => "KERB-KEY-LIST-REQ",
        162 => "KERB-KEY-LIST-REP",
        165 => "PA-SUPPORTED-ENCTYPES",
        166 => "PA-EXTENDED-ERROR",
        167 => "PA-PAC-OPTIONS",
        _ => return format!("padata-type {number}"),
    };
    format!("{name} ({number})")
}

/// `ad-type` ([RFC 4120] §7.5.4, [MS-KILE] §3.1.5.5, Kerberos Parameters of IANA).
pub(super) fn ad_type(number: i32) -> String {
    let name = match number {
        1 => "AD-IF-RELEVANT",
        4 => "AD-KDC-ISSUED",
        5 => "AD-AND-OR",
        8 => "AD-MANDATORY-FOR-KDC",
        9 => "AD-INITIAL-VERIFIED-CAS",
        71 => "AD-FX-FAST-ARMOR",
        72 => "AD-FX-FAST-USED",
        96 => "AD-CAMMAC",
        97 => "AD-AUTHENTICATION-INDICATOR",
        128 => "AD-WIN2K-PAC",
        129 => "AD-ETYPE-NEGOTIATION",
        141 => "KERB-AUTH-DATA-TOKEN-RESTRICTIONS",
        142 => "KERB-LOCAL",
        143 => "AD-AUTH-DATA-AP-OPTIONS",
        144 => "AD-AUTH-DATA-TARGET-NAME",
        512 => "AD-SIGNTICKET",
        _ => return format!("ad-type {number}"),
    };
    format!("{name} ({number})")
}

/// `TicketFlags` ([RFC 4120] §5.3, [RFC 6806] §11, [RFC 8062] §3).
pub(super) const TICKET_FLAGS: &[(u32, &str)] = &[
    (1, "forwardable"),
    (2, "forwarded"),
    (3, "proxiable"),
    (4, "proxy"),
    (5, "may-postdate"),
    (6, "postdated"),
    (7, "invalid"),
    (8, "renewable"),
    (9, "initial"),
    (10, "pre-authent"),
    (11, "hw-authent"),
    (12, "transited-policy-checked"),
    (13, "ok-as-delegate"),
    (15, "enc-pa-rep"),
    (16, "anonymous"),
];

/// `KDCOptions` ([RFC 4120] §5.4.1, [RFC 6806] §5, [MS-SFU] §2.2.3).
pub(super) const KDC_OPTIONS: &[(u32, &str)] = &[
    (1, "forwardable"),
    (2, "forwarded"),
    (3, "proxiable"),
    (4, "proxy"),
    (5, "allow-postdate"),
    (6, "postdated"),
    (8, "renewable"),
    (11, "opt-hardware-auth"),
    (14, "cname-in-addl-tkt"),
    (15, "canonicalize"),
    (16, "request-anonymous"),
    (26, "disable-transited-check"),
    (27, "renewable-ok"),
    (28, "enc-tkt-in-skey"),
    (30, "renew"),
    (31, "validate"),
];

/// `APOptions` ([RFC 4120] §5.5.1).
pub(super) const AP_OPTIONS: &[(u32, &str)] = &[(1, "use-session-key"), (2, "mutual-required")];

/// A bit string, its first bit in the highest place, with the names of what is set.
pub(super) struct Bits(pub(super) u32, pub(super) &'static [(u32, &'static str)]);

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bits, names) = *self;
        write!(f, "0x{bits:08x}")?;
        for place in 0..32_u32 {
            if bits & 0x8000_0000_u32.unbounded_shr(place) == 0 {
                continue;
            }
            match names.iter().find(|(number, _)| *number == place) {
                Some((_, name)) => write!(f, " {name}")?,
                None => write!(f, " bit-{place}")?,
            }
        }
        Ok(())
    }
}

/// A time in seconds since 1970, as RFC 3339 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) u64);

impl From<KerberosTime> for Moment {
    fn from(time: KerberosTime) -> Self {
        Self(time.unix_seconds())
    }
}

/// The first second that has no year of four digits.
const YEAR_10000: u64 = 253_402_300_800;

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(seconds) = *self;
        let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        match time.filter(|_| seconds < YEAR_10000) {
            Some(time) => humantime::format_rfc3339_seconds(time).fmt(f),
            None => write!(f, "(second {seconds} since 1970)"),
        }
    }
}
