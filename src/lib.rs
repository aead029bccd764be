#![doc = include_str!("../README.md")]
#![no_std]
// Peer input never panics: these hold in the library; tests may do as they like.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::std_instead_of_core,
        clippy::std_instead_of_alloc
    )
)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod binding;
mod config;
mod credential;
mod crypto;
mod digest;
mod env;
mod error;
mod evidence;
pub mod http;
mod identity;
pub mod kerberos;
pub mod ntlm;
mod owf;
mod policy;
mod reflection;
mod session;
mod spnego;
pub mod wire;

pub use binding::{ChannelBindings, ChannelBindingsHash};
pub use config::{AcceptorConfig, InitiatorConfig, NtlmUse, ServerNames};
pub use credential::{
    Answer, Credential, CredentialStore, KnownAccount, LmHash, NetworkLogon, NtHash, RemoteLogon,
    StoreError,
};
pub use digest::{
    DigestAccount, DigestAlgorithm, DigestAnswer, DigestUsername, Ha1, digest_user_hash,
};
pub use env::{FileTime, SecureRandom, TimeSource};
#[cfg(feature = "std")]
pub use env::{OsRandom, SystemClock};
pub use error::{
    ApiMisuse, DecodeError, DecodeErrorKind, Denial, Error, HeaderError, ParameterProblem,
    PeerIncompatible, RandomFailed, Refusal,
};
pub use evidence::{BindingsOutcome, MicOutcome};
pub use identity::{Account, AccountName, Identity, TargetName};
pub use policy::{BindingsPolicy, KeyStrength, MicPolicy, Policy, TargetNamePolicy};
#[cfg(feature = "std")]
pub use reflection::RecentChallenges;
pub use reflection::ReflectionGuard;
pub use session::{
    Acceptor, AcceptorStep, Context, ContextAttributes, Exchange, Initiator, InitiatorContext,
    InitiatorStep, LogonRequest, Mechanism,
};
