//! Key usage numbers.

/// What a key is used for ([RFC 3961] §3), so that nothing made for one purpose serves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage(u32);

impl KeyUsage {
    /// `PA-ENC-TIMESTAMP` of an AS-REQ, 1 ([RFC 4120] §7.5.1).
    pub const AS_REQ_PA_ENC_TIMESTAMP: Self = Self(1);
    /// Encrypted part of a ticket, 2 ([RFC 4120] §7.5.1).
    pub const TICKET: Self = Self(2);
    /// Encrypted part of an AS-REP, 3 ([RFC 4120] §7.5.1).
    pub const AS_REP_ENC_PART: Self = Self(3);
    /// Authorization data of a TGS-REQ, in the session key, 4 ([RFC 4120] §7.5.1).
    pub const TGS_REQ_AUTH_DATA_SESSION_KEY: Self = Self(4);
    /// Authorization data of a TGS-REQ, in the subkey, 5 ([RFC 4120] §7.5.1).
    pub const TGS_REQ_AUTH_DATA_SUBKEY: Self = Self(5);
    /// Checksum in the authenticator of a TGS-REQ, 6 ([RFC 4120] §7.5.1).
    pub const TGS_REQ_AUTHENTICATOR_CHECKSUM: Self = Self(6);
    /// Authenticator of a TGS-REQ, 7 ([RFC 4120] §7.5.1).
    pub const TGS_REQ_AUTHENTICATOR: Self = Self(7);
    /// Encrypted part of a TGS-REP, in the session key, 8 ([RFC 4120] §7.5.1).
    pub const TGS_REP_ENC_PART_SESSION_KEY: Self = Self(8);
    /// Encrypted part of a TGS-REP, in the subkey, 9 ([RFC 4120] §7.5.1).
    pub const TGS_REP_ENC_PART_SUBKEY: Self = Self(9);
    /// Checksum in the authenticator of an AP-REQ, 10 ([RFC 4120] §7.5.1).
    pub const AP_REQ_AUTHENTICATOR_CHECKSUM: Self = Self(10);
    /// Authenticator of an AP-REQ, 11 ([RFC 4120] §7.5.1).
    pub const AP_REQ_AUTHENTICATOR: Self = Self(11);
    /// Encrypted part of an AP-REP, 12 ([RFC 4120] §7.5.1).
    pub const AP_REP_ENC_PART: Self = Self(12);
    /// Encrypted part of a KRB-CRED, 14 ([RFC 4120] §7.5.1).
    pub const KRB_CRED_ENC_PART: Self = Self(14);
    /// Signatures of a PAC, 17, which [RFC 4120] §7.5.1 sets aside for other checksums
    /// ([MS-PAC] §2.8.1).
    pub const PAC_SIGNATURE: Self = Self(17);
    /// Sealed `Wrap` token of the acceptor, 22 ([RFC 4121] §2).
    pub const ACCEPTOR_SEAL: Self = Self(22);
    /// `MIC` token of the acceptor, 23 ([RFC 4121] §2).
    pub const ACCEPTOR_SIGN: Self = Self(23);
    /// Sealed `Wrap` token of the initiator, 24 ([RFC 4121] §2).
    pub const INITIATOR_SEAL: Self = Self(24);
    /// `MIC` token of the initiator, 25 ([RFC 4121] §2).
    pub const INITIATOR_SIGN: Self = Self(25);

    /// The usage of a number that has no name here.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}
