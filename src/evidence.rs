//! Evidence that a check was made. Each type is private in its field, and made in one function:
//! the check itself. An [`crate::Identity`] costs one of each.

use crate::binding::{ChannelBindings, ChannelBindingsHash};
use crate::credential::{NtHash, RemoteLogon};
use crate::crypto::Secret;
use crate::digest::HexHash;
use crate::error::Refusal;
use crate::policy::{BindingsPolicy, MicPolicy};
use subtle::{Choice, ConstantTimeEq};

/// `NTProofStr`, or what another scheme has for it, was compared with what the password gives.
#[derive(Debug)]
pub(crate) struct ProofVerified(());

impl ProofVerified {
    /// Compares in constant time with the proof of every candidate `(key, proof)`; none is left
    /// out after a match. Beside the verdict comes the key that matched, or the last one, so that
    /// a refusal can go on to cost the same.
    pub(crate) fn check<const N: usize>(
        candidates: impl Iterator<Item = (Secret, [u8; N])>,
        received: &[u8; N],
    ) -> (Result<Self, Refusal>, Secret) {
        let mut matched = Choice::from(0);
        let mut selected = Secret::new([0; 16]);
        for (key, proof) in candidates {
            // Once matched, the selection stays.
            selected.assign_if(&key, !matched);
            matched |= proof.as_slice().ct_eq(received.as_slice());
        }
        let verdict = if matched.into() { Ok(Self(())) } else { Err(Refusal::WrongProof) };
        (verdict, selected)
    }

    /// Compares the hash of a password that came in plain with the one that the store has, in
    /// constant time.
    pub(crate) fn of_password(stored: &NtHash, received: &NtHash) -> Result<Self, Refusal> {
        let matched: bool = stored.expose().ct_eq(received.expose()).into();
        if matched { Ok(Self(())) } else { Err(Refusal::WrongProof) }
    }

    /// Compares the `response` of the Digest scheme with what the password gives, in constant
    /// time; both are hexadecimal digits in lower case.
    pub(crate) fn of_digest(expected: &HexHash, received: &[u8]) -> Result<Self, Refusal> {
        let matched: bool = expected.as_bytes().ct_eq(received).into();
        if matched { Ok(Self(())) } else { Err(Refusal::WrongProof) }
    }

    /// Opens the authenticator of an `AP-REQ`, which takes the session key that the KDC has sealed
    /// into the ticket ([RFC 4120] §3.2.3). That the ticket was opened by a key of the service is
    /// where `session_key` comes from.
    #[cfg(feature = "kerberos")]
    pub(crate) fn of_authenticator(
        session_key: &crate::kerberos::Key,
        authenticator: &crate::wire::krb5::EncryptedData<'_>,
    ) -> Result<(Self, zeroize::Zeroizing<alloc::vec::Vec<u8>>), crate::kerberos::IntegrityFailed>
    {
        if authenticator.etype != session_key.encryption_type().number() {
            return Err(crate::kerberos::IntegrityFailed);
        }
        let usage = crate::kerberos::KeyUsage::AP_REQ_AUTHENTICATOR;
        let content = session_key.decrypt(usage, authenticator.cipher)?;
        Ok((Self(()), content))
    }

    /// A remote authority has compared.
    pub(crate) fn vouched(_: &RemoteLogon) -> Self {
        Self(())
    }
}

/// Whether a MIC protected the messages of a logon.
/// See [MS-NLMP] §3.2.5.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MicOutcome {
    /// The MIC was announced, present and right.
    Verified,
    /// The client announced none, and policy allows that.
    NotOffered,
    /// Policy does not look at MICs.
    Ignored,
    /// The scheme has none: `Digest`, `Basic`.
    NotApplicable,
}

/// The MIC was verified, or policy allows its absence.
#[derive(Debug)]
pub(crate) struct MicChecked(MicOutcome);

impl MicChecked {
    /// `announced` is bit 0x2 of `MsvAvFlags`, which the proof covers; `received` the field,
    /// when the message has room for one; `expected` is what the session key gives.
    pub(crate) fn check(
        policy: MicPolicy,
        announced: bool,
        received: Option<&[u8; 16]>,
        expected: &[u8; 16],
    ) -> Result<Self, Refusal> {
        match (announced, received, policy) {
            (_, _, MicPolicy::Never) => Ok(Self(MicOutcome::Ignored)),
            (true, Some(received), _) => {
                if received.ct_eq(expected).into() {
                    Ok(Self(MicOutcome::Verified))
                } else {
                    Err(Refusal::WrongMic)
                }
            }
            (true, None, _) => Err(Refusal::MicStripped),
            (false, _, MicPolicy::WhenOffered) => Ok(Self(MicOutcome::NotOffered)),
            (false, _, MicPolicy::Always) => Err(Refusal::MicRequired),
        }
    }

    /// Of a scheme that proves a request by itself, and has no messages to protect.
    pub(crate) fn not_of_ntlm() -> Self {
        Self(MicOutcome::NotApplicable)
    }

    pub(crate) fn outcome(&self) -> MicOutcome {
        self.0
    }
}

/// Whether a logon was bound to its TLS connection.
/// See [MS-NLMP] §3.2.5.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindingsOutcome {
    /// The client's channel bindings are those of this connection.
    Bound,
    /// The client sent none over TLS, and policy allows that.
    NotOffered,
    /// There is nothing here that a client could bind to: no TLS, or a certificate whose
    /// signature has no single hash ([RFC 5929] §4.1).
    Unavailable,
    /// There is no TLS here, but the client named one of this server's service principal names
    /// under its proof, as policy demands.
    ServiceName,
    /// Policy ignores channel bindings.
    Ignored,
    /// The scheme has none: `Digest`, `Basic`.
    NotApplicable,
}

/// The channel bindings match, or policy allows their absence.
#[derive(Debug)]
pub(crate) struct BindingsChecked(BindingsOutcome);

impl BindingsChecked {
    /// `received` is `MsvAvChannelBindings`, which the proof covers. `service_named` says that
    /// the client named this service, which is what binds a logon without TLS.
    pub(crate) fn check(
        policy: BindingsPolicy,
        ours: &ChannelBindings,
        received: Option<ChannelBindingsHash>,
        service_named: bool,
    ) -> Result<Self, Refusal> {
        if policy == BindingsPolicy::Never {
            return Ok(Self(BindingsOutcome::Ignored));
        }
        let always = policy == BindingsPolicy::Always;
        match received.filter(|hash| *hash != ChannelBindingsHash::ZERO) {
            _ if ours.is_none() && always && service_named => {
                Ok(Self(BindingsOutcome::ServiceName))
            }
            _ if ours.is_none() && always => Err(Refusal::ChannelBindingsRequired),
            // Without TLS there is nothing to compare with; clients that bound to some TLS of
            // their own are behind a terminating proxy, which policy has to name.
            _ if ours.is_none() => Ok(Self(BindingsOutcome::Unavailable)),
            Some(hash) => {
                let matched = ours
                    .hashes()
                    .fold(Choice::from(0), |matched, own| matched | own.0.ct_eq(&hash.0));
                if matched.into() {
                    Ok(Self(BindingsOutcome::Bound))
                } else {
                    Err(Refusal::WrongChannelBindings)
                }
            }
            None if received.is_some() => Err(Refusal::ZeroChannelBindings),
            None if always => Err(Refusal::ChannelBindingsRequired),
            None => Ok(Self(BindingsOutcome::NotOffered)),
        }
    }

    /// Of a scheme that cannot be bound. Whoever offers it beside [`BindingsPolicy::Always`]
    /// wants it nonetheless.
    pub(crate) fn not_of_ntlm() -> Self {
        Self(BindingsOutcome::NotApplicable)
    }

    pub(crate) fn outcome(&self) -> BindingsOutcome {
        self.0
    }
}
