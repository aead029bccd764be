//! `NegotiateFlags` ([MS-NLMP] §2.2.2.5).

bitflags::bitflags! {
    /// The 32 bits of the NEGOTIATE structure, little-endian on the wire; each constant is the
    /// specification's `NTLMSSP_NEGOTIATE_*` less the prefix ([MS-NLMP] §2.2.2.5).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct NegotiateFlags: u32 {
        /// Strings are UTF-16LE.
        const UNICODE = 0x0000_0001;
        /// Strings are in the OEM code page.
        const OEM = 0x0000_0002;
        /// `NTLMSSP_REQUEST_TARGET`: `TargetName` is to be sent.
        const REQUEST_TARGET = 0x0000_0004;
        /// Message integrity.
        const SIGN = 0x0000_0010;
        /// Message confidentiality.
        const SEAL = 0x0000_0020;
        /// Connectionless authentication.
        const DATAGRAM = 0x0000_0040;
        /// The LAN Manager session key.
        const LM_KEY = 0x0000_0080;
        /// NTLMv1 or NTLMv2.
        const NTLM = 0x0000_0200;
        /// `J`: the client is anonymous; informative only.
        const ANONYMOUS = 0x0000_0800;
        /// `DomainName` is present in NEGOTIATE.
        const OEM_DOMAIN_SUPPLIED = 0x0000_1000;
        /// `Workstation` is present in NEGOTIATE.
        const OEM_WORKSTATION_SUPPLIED = 0x0000_2000;
        /// A session key exists even without signing.
        const ALWAYS_SIGN = 0x0000_8000;
        /// `NTLMSSP_TARGET_TYPE_DOMAIN`: `TargetName` is a domain.
        const TARGET_TYPE_DOMAIN = 0x0001_0000;
        /// `NTLMSSP_TARGET_TYPE_SERVER`: `TargetName` is a server.
        const TARGET_TYPE_SERVER = 0x0002_0000;
        /// Extended session security.
        const EXTENDED_SESSIONSECURITY = 0x0008_0000;
        /// An identify-level token.
        const IDENTIFY = 0x0010_0000;
        /// `NTLMSSP_REQUEST_NON_NT_SESSION_KEY`.
        const REQUEST_NON_NT_SESSION_KEY = 0x0040_0000;
        /// `TargetInfo` is present in CHALLENGE.
        const TARGET_INFO = 0x0080_0000;
        /// `Version` is filled in.
        const VERSION = 0x0200_0000;
        /// 128-bit session keys.
        const KEY_128 = 0x2000_0000;
        /// An explicit session key is sent.
        const KEY_EXCH = 0x4000_0000;
        /// 56-bit session keys.
        const KEY_56 = 0x8000_0000;
        // Reserved bits are kept as received.
        const _ = !0;
    }
}

impl NegotiateFlags {
    /// Whether the session key of the NTLMv1 family is made of the LM hash ([MS-NLMP] §3.4.5.1).
    pub(crate) fn make_keys_of_lm_hash(self) -> bool {
        !self.contains(Self::EXTENDED_SESSIONSECURITY)
            && self.intersects(Self::LM_KEY | Self::REQUEST_NON_NT_SESSION_KEY)
    }
}
