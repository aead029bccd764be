//! The error codes of Kerberos ([RFC 4120] §7.5.9), and those of Windows within them.

/// What a `KRB-ERROR` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) name: &'static str,
    /// What it means, and what to look at.
    pub(super) meaning: &'static str,
}

const fn code(name: &'static str, meaning: &'static str) -> Code {
    Code { name, meaning }
}

/// Name and meaning of an `error-code`; `None` if nobody has assigned it.
pub(super) fn error_code(number: i32) -> Option<Code> {
    Some(match number {
        0 => code("KDC_ERR_NONE", "no error"),
        1 => code("KDC_ERR_NAME_EXP", "the client's entry has expired"),
        2 => code("KDC_ERR_SERVICE_EXP", "the service's entry has expired"),
        3 => code("KDC_ERR_BAD_PVNO", "another version of Kerberos"),
        4 => code("KDC_ERR_C_OLD_MAST_KVNO", "the client's key is under an old master key"),
        5 => code("KDC_ERR_S_OLD_MAST_KVNO", "the service's key is under an old master key"),
        6 => code("KDC_ERR_C_PRINCIPAL_UNKNOWN", "the KDC does not know the client"),
        7 => code(
            "KDC_ERR_S_PRINCIPAL_UNKNOWN",
            "the KDC does not know the service: no account has this service principal name",
        ),
        8 => code(
            "KDC_ERR_PRINCIPAL_NOT_UNIQUE",
            "several accounts have this name: setspn -X finds them, setspn -D takes one away",
        ),
        9 => code("KDC_ERR_NULL_KEY", "client or service has no key"),
        10 => code("KDC_ERR_CANNOT_POSTDATE", "the ticket cannot be postdated"),
        11 => code("KDC_ERR_NEVER_VALID", "the ticket would end before it begins: look at clocks"),
        12 => code("KDC_ERR_POLICY", "policy forbids it"),
        13 => code("KDC_ERR_BADOPTION", "the KDC cannot do what the options ask for"),
        14 => code(
            "KDC_ERR_ETYPE_NOSUPP",
            "no encryption type in common: look at msDS-SupportedEncryptionTypes and \
             permitted_enctypes",
        ),
        15 => code("KDC_ERR_SUMTYPE_NOSUPP", "the checksum type is not supported"),
        16 => code(
            "KDC_ERR_PADATA_TYPE_NOSUPP",
            "the KDC cannot check this proof: for smart cards it needs a certificate of its own",
        ),
        17 => code("KDC_ERR_TRTYPE_NOSUPP", "the transited type is not supported"),
        18 => code(
            "KDC_ERR_CLIENT_REVOKED",
            "the client's account is disabled, locked, or may not log on now",
        ),
        19 => code("KDC_ERR_SERVICE_REVOKED", "the service's account is disabled"),
        20 => code("KDC_ERR_TGT_REVOKED", "the ticket-granting ticket was revoked: log on again"),
        21 => code("KDC_ERR_CLIENT_NOTYET", "the client is not valid yet"),
        22 => code("KDC_ERR_SERVICE_NOTYET", "the service is not valid yet"),
        23 => code("KDC_ERR_KEY_EXPIRED", "the password has expired"),
        24 => code("KDC_ERR_PREAUTH_FAILED", "the password or key is wrong"),
        25 => code(
            "KDC_ERR_PREAUTH_REQUIRED",
            "no error: the KDC says what it wants to be proven, and how keys are made",
        ),
        26 => code("KDC_ERR_SERVER_NOMATCH", "ticket and request are of two services"),
        27 => code("KDC_ERR_MUST_USE_USER2USER", "only user-to-user authentication is possible"),
        28 => code("KDC_ERR_PATH_NOT_ACCEPTED", "the path of realms is not accepted"),
        29 => code("KDC_ERR_SVC_UNAVAILABLE", "the KDC cannot serve now: another one may"),
        31 => code("KRB_AP_ERR_BAD_INTEGRITY", "decrypted with the wrong key, or altered"),
        32 => code("KRB_AP_ERR_TKT_EXPIRED", "the ticket has expired"),
        33 => code("KRB_AP_ERR_TKT_NYV", "the ticket is not valid yet: look at clocks"),
        34 => code("KRB_AP_ERR_REPEAT", "the authenticator came a second time"),
        35 => code("KRB_AP_ERR_NOT_US", "the ticket is for another service"),
        36 => code("KRB_AP_ERR_BADMATCH", "ticket and authenticator are of two clients"),
        37 => code("KRB_AP_ERR_SKEW", "the clocks are too far apart: set them by NTP"),
        38 => code("KRB_AP_ERR_BADADDR", "the ticket is for another network address"),
        39 => code("KRB_AP_ERR_BADVERSION", "another version of the protocol"),
        40 => code("KRB_AP_ERR_MSG_TYPE", "another message was expected"),
        41 => code(
            "KRB_AP_ERR_MODIFIED",
            "the service cannot decrypt the ticket: its key is another one than the account's \
             with this name (old keytab, or the name is with the wrong account), or it was altered",
        ),
        42 => code("KRB_AP_ERR_BADORDER", "the message is out of order"),
        44 => code(
            "KRB_AP_ERR_BADKEYVER",
            "the service has no key of this version: export the keytab again",
        ),
        45 => code(
            "KRB_AP_ERR_NOKEY",
            "the service has no key of this name or type: look into its keytab",
        ),
        46 => code("KRB_AP_ERR_MUT_FAIL", "mutual authentication has failed"),
        47 => code("KRB_AP_ERR_BADDIRECTION", "the message goes the wrong way"),
        48 => code("KRB_AP_ERR_METHOD", "another way of authentication is needed"),
        49 => code("KRB_AP_ERR_BADSEQ", "the sequence number is wrong"),
        50 => code("KRB_AP_ERR_INAPP_CKSUM", "the checksum is of a kind that protects nothing"),
        51 => code("KRB_AP_PATH_NOT_ACCEPTED", "the path of realms is not accepted"),
        52 => code("KRB_ERR_RESPONSE_TOO_BIG", "too long for UDP: ask again over TCP"),
        60 => code("KRB_ERR_GENERIC", "something else, in the text or the data"),
        61 => code("KRB_ERR_FIELD_TOOLONG", "a field is too long"),
        62 => code("KDC_ERR_CLIENT_NOT_TRUSTED", "the client's certificate is not trusted"),
        63 => code("KDC_ERR_KDC_NOT_TRUSTED", "the KDC's certificate is not trusted"),
        64 => code("KDC_ERR_INVALID_SIG", "the signature is wrong"),
        65 => code("KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED", "other parameters are needed"),
        66 => code("KDC_ERR_CERTIFICATE_MISMATCH", "the certificate is of somebody else"),
        67 => code("KRB_AP_ERR_NO_TGT", "no ticket-granting ticket of the server was sent"),
        68 => code("KDC_ERR_WRONG_REALM", "the client is of another realm, named here"),
        69 => code("KRB_AP_ERR_USER_TO_USER_REQUIRED", "only user-to-user is possible"),
        70 => code("KDC_ERR_CANT_VERIFY_CERTIFICATE", "the certificate cannot be verified"),
        71 => code("KDC_ERR_INVALID_CERTIFICATE", "the certificate is invalid"),
        72 => code("KDC_ERR_REVOKED_CERTIFICATE", "the certificate was revoked"),
        73 => code("KDC_ERR_REVOCATION_STATUS_UNKNOWN", "nobody knows if it was revoked"),
        75 => code("KDC_ERR_CLIENT_NAME_MISMATCH", "the certificate names another client"),
        76 => code("KDC_ERR_KDC_NAME_MISMATCH", "the certificate names another KDC"),
        77 => code("KDC_ERR_INCONSISTENT_KEY_PURPOSE", "the certificate is for something else"),
        85 => code("KRB_AP_ERR_IAKERB_KDC_NOT_FOUND", "the acceptor finds no KDC"),
        86 => code("KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE", "no KDC answers the acceptor"),
        90 => code("KDC_ERR_PREAUTH_EXPIRED", "the proof took too long"),
        91 => code("KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", "no error: the proof goes on"),
        93 => code("KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS", "FAST options are not known"),
        _ => return None,
    })
}

/// The name of an NTSTATUS that domain controllers give as the true reason ([MS-ERREF] §2.3.1).
pub(super) fn status(number: u32) -> &'static str {
    match number {
        0xc000_005e => "STATUS_NO_LOGON_SERVERS",
        0xc000_0064 => "STATUS_NO_SUCH_USER",
        0xc000_006a => "STATUS_WRONG_PASSWORD",
        0xc000_006d => "STATUS_LOGON_FAILURE",
        0xc000_006e => "STATUS_ACCOUNT_RESTRICTION",
        0xc000_006f => "STATUS_INVALID_LOGON_HOURS",
        0xc000_0070 => "STATUS_INVALID_WORKSTATION",
        0xc000_0071 => "STATUS_PASSWORD_EXPIRED",
        0xc000_0072 => "STATUS_ACCOUNT_DISABLED",
        0xc000_00bb => "STATUS_NOT_SUPPORTED",
        0xc000_0133 => "STATUS_TIME_DIFFERENCE_AT_DC",
        0xc000_015b => "STATUS_LOGON_TYPE_NOT_GRANTED",
        0xc000_018b => "STATUS_NO_TRUST_SAM_ACCOUNT",
        0xc000_0193 => "STATUS_ACCOUNT_EXPIRED",
        0xc000_0224 => "STATUS_PASSWORD_MUST_CHANGE",
        0xc000_0234 => "STATUS_ACCOUNT_LOCKED_OUT",
        0xc000_0413 => "STATUS_AUTHENTICATION_FIREWALL_FAILED",
        _ => "NTSTATUS",
    }
}
