//! Flags and options. The specification counts bits from the highest.

bitflags::bitflags! {
    /// `TicketFlags` ([RFC 4120] §5.3).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct TicketFlags: u32 {
        /// `forwardable(1)`.
        const FORWARDABLE = 1 << 30;
        /// `forwarded(2)`.
        const FORWARDED = 1 << 29;
        /// `proxiable(3)`.
        const PROXIABLE = 1 << 28;
        /// `proxy(4)`.
        const PROXY = 1 << 27;
        /// `may-postdate(5)`.
        const MAY_POSTDATE = 1 << 26;
        /// `postdated(6)`.
        const POSTDATED = 1 << 25;
        /// `invalid(7)`: not to be accepted.
        const INVALID = 1 << 24;
        /// `renewable(8)`.
        const RENEWABLE = 1 << 23;
        /// `initial(9)`: from the AS exchange, not for a ticket-granting ticket.
        const INITIAL = 1 << 22;
        /// `pre-authent(10)`.
        const PRE_AUTHENT = 1 << 21;
        /// `hw-authent(11)`.
        const HW_AUTHENT = 1 << 20;
        /// `transited-policy-checked(12)`: the KDC has checked the path of realms.
        const TRANSITED_POLICY_CHECKED = 1 << 19;
        /// `ok-as-delegate(13)`.
        const OK_AS_DELEGATE = 1 << 18;
        /// `anonymous(16)` ([RFC 8062] §3): the client is nobody.
        const ANONYMOUS = 1 << 15;
    }
}

bitflags::bitflags! {
    /// `APOptions` ([RFC 4120] §5.5.1).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ApOptions: u32 {
        /// `use-session-key(1)`: the ticket is encrypted in a session key of the server's.
        const USE_SESSION_KEY = 1 << 30;
        /// `mutual-required(2)`.
        const MUTUAL_REQUIRED = 1 << 29;
    }
}

bitflags::bitflags! {
    /// `KDCOptions` ([RFC 4120] §5.4.1).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct KdcOptions: u32 {
        /// `forwardable(1)`.
        const FORWARDABLE = 1 << 30;
        /// `forwarded(2)`.
        const FORWARDED = 1 << 29;
        /// `renewable(8)`.
        const RENEWABLE = 1 << 23;
        /// `canonicalize(15)` ([RFC 6806] §5).
        const CANONICALIZE = 1 << 16;
        /// `renewable-ok(27)`.
        const RENEWABLE_OK = 1 << 4;
        /// `enc-tkt-in-skey(28)`.
        const ENC_TKT_IN_SKEY = 1 << 3;
        /// `renew(30)`.
        const RENEW = 1 << 1;
    }
}
