//! What a completed exchange leaves.

use super::mechanisms::{Established, Session};
use crate::error::Error;
use crate::identity::Identity;
use crate::spnego::mechanism::MechListMic;
use alloc::vec::Vec;
use core::fmt;

/// How a client authenticated.
/// See [RFC 4178] §4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// NTLMv2, its messages bare.
    Ntlm,
    /// NTLMv2 within SPNEGO.
    SpnegoNtlm,
    /// Kerberos, its tokens bare ([RFC 4121]).
    #[cfg(feature = "kerberos")]
    Kerberos,
    /// Kerberos within SPNEGO.
    #[cfg(feature = "kerberos")]
    SpnegoKerberos,
}

impl Mechanism {
    /// Whether it proves who is at the other end of a connection, rather than who sent one request
    /// ([MS-N2HT] §3.2.5).
    #[must_use]
    pub const fn is_per_connection(self) -> bool {
        match self {
            Self::Ntlm | Self::SpnegoNtlm => true,
            #[cfg(feature = "kerberos")]
            Self::Kerberos | Self::SpnegoKerberos => false,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ntlm => "NTLM",
            Self::SpnegoNtlm => "SPNEGO(NTLM)",
            #[cfg(feature = "kerberos")]
            Self::Kerberos => "Kerberos",
            #[cfg(feature = "kerberos")]
            Self::SpnegoKerberos => "SPNEGO(Kerberos)",
        })
    }
}

bitflags::bitflags! {
    /// What the two sides of an exchange agreed on, with the values of `ASC_RET_*`
    /// ([RFC 2743] §2.2.2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct ContextAttributes: u32 {
        /// The server has proven to the client who it is.
        const MUTUAL_AUTH = 0x2;
        /// Messages that come a second time are noticed.
        const REPLAY_DETECT = 0x4;
        /// Messages that come in the wrong order are noticed.
        const SEQUENCE_DETECT = 0x8;
        /// Messages can be encrypted.
        const CONFIDENTIALITY = 0x10;
        /// Messages can be signed.
        const INTEGRITY = 0x2_0000;
    }
}

/// The proof that a client is who it says: the only source of an [`Identity`], made by a
/// completed exchange alone.
/// See [RFC 2743] §1.1.3, [MS-NLMP] §3.4.
#[derive(Debug)]
pub struct Context {
    mechanism: Mechanism,
    identity: Identity,
    session: Session,
}

/// A completed exchange on the client's side.
/// See [RFC 2743] §1.1.3, [MS-NLMP] §3.4.
#[derive(Debug)]
pub struct InitiatorContext {
    mechanism: Mechanism,
    session: Session,
}

impl Context {
    pub(super) fn new(spnego: bool, established: Established) -> Self {
        let Established { identity, session } = established;
        Self { mechanism: session.mechanism(spnego), identity, session }
    }

    /// Who the client is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The identity by itself; the session keys are wiped.
    #[must_use]
    pub fn into_identity(self) -> Identity {
        self.identity
    }
}

impl InitiatorContext {
    pub(super) fn new(mechanism: Mechanism, session: Session) -> Self {
        Self { mechanism, session }
    }
}

/// Both sides protect messages alike; this is written once for both.
macro_rules! per_message {
    ($context:ty) => {
        impl $context {
            /// How the client authenticated.
            #[must_use]
            pub fn mechanism(&self) -> Mechanism {
                self.mechanism
            }

            /// What both sides agreed on.
            #[must_use]
            pub fn attributes(&self) -> ContextAttributes {
                self.session.attributes()
            }

            /// The key that the session's others are made of: the `ExportedSessionKey` of NTLM, 16
            /// bytes ([MS-NLMP] §3.1.5.1.2); of Kerberos the subkey, 16 or 32 ([RFC 4121] §2).
            ///
            /// # Security
            /// Whoever has it can read and forge the session's messages.
            #[must_use]
            pub fn exported_session_key(&self) -> &[u8] {
                self.session.key()
            }

            /// `GSS_GetMIC`: a signature over `message`, of NTLM 16 bytes ([MS-NLMP] §3.4.4.2),
            /// of Kerberos a token of 28 to 40 ([RFC 4121] §4.2.6.1).
            ///
            /// # Errors
            /// [`crate::ApiMisuse`] if the session has no integrity, or no longer.
            pub fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
                self.session.get_mic(message)
            }

            /// `GSS_VerifyMIC`: whether `signature` is the peer's over its next message.
            ///
            /// # Errors
            /// [`crate::ApiMisuse`] if the session has no integrity, or no longer: one wrong
            /// signature ends it.
            pub fn verify_mic(&mut self, message: &[u8], signature: &[u8]) -> Result<bool, Error> {
                self.session.verify_mic(message, signature)
            }

            /// `GSS_Wrap`: encrypts `message` in place and gives what stands in front of it: of
            /// NTLM a signature of 16 bytes ([MS-NLMP] §3.4.3), of Kerberos the header and all that
            /// rotation brings to the front ([RFC 4121] §4.2.5).
            ///
            /// # Errors
            /// [`crate::ApiMisuse`] if the session has no confidentiality, or no longer.
            pub fn wrap(&mut self, message: &mut [u8]) -> Result<Vec<u8>, Error> {
                self.session.seal(&[], message)
            }

            /// `GSS_Unwrap`: decrypts `message` in place. If the signature is wrong, `false`
            /// and zeros.
            ///
            /// # Errors
            /// [`crate::ApiMisuse`] if the session has no confidentiality, or no longer: one
            /// wrong signature ends it.
            pub fn unwrap(&mut self, message: &mut [u8], signature: &[u8]) -> Result<bool, Error> {
                self.session.unseal(&[], message, signature)
            }

            /// `GSS_WrapEx`: as [`Self::wrap`], with a `prefix` that is signed and stays readable
            /// ([MS-NLMP] §3.4.6.1). Where it ends is not signed: a protocol in which that is not
            /// fixed has to say it inside.
            ///
            /// # Errors
            /// As [`Self::wrap`].
            pub fn wrap_ex(&mut self, prefix: &[u8], message: &mut [u8]) -> Result<Vec<u8>, Error> {
                self.session.seal(prefix, message)
            }

            /// `GSS_UnwrapEx`: the reverse of [`Self::wrap_ex`].
            ///
            /// # Errors
            /// As [`Self::unwrap`].
            pub fn unwrap_ex(
                &mut self,
                prefix: &[u8],
                message: &mut [u8],
                signature: &[u8],
            ) -> Result<bool, Error> {
                self.session.unseal(prefix, message, signature)
            }

            /// Whether messages can be signed.
            #[must_use]
            pub fn has_integrity(&self) -> bool {
                self.session.has_integrity()
            }
        }
    };
}

per_message!(Context);
per_message!(InitiatorContext);
