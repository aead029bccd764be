//! The `sspi` crate's acceptor, against its own initiator: it draws its challenge itself.

use crate::cases::{ACCOUNT, HOST, PASSWORD};
use crate::contender::Contender;
use sspi::builders::{AcquireCredentialsHandle, WithoutCredentialUse};
use sspi::credssp::SspiContext;
use sspi::ntlm::NtlmConfig;
use sspi::{
    AuthIdentity, BufferType, ClientRequestFlags, CredentialUse, Credentials, DataRepresentation,
    Negotiate, NegotiateConfig, Ntlm, SecurityBuffer, SecurityStatus, ServerRequestFlags, Sspi,
    SspiImpl, Username,
};
use std::hint::black_box;

type Handle = <SspiContext as SspiImpl>::CredentialsHandle;

/// What the client's side of an exchange consists of.
struct Client {
    context: SspiContext,
    handle: Handle,
    target: String,
}

/// What the server's side consists of.
struct Server {
    context: SspiContext,
    handle: Handle,
}

type Token = [SecurityBuffer; 1];

fn empty() -> Token {
    [SecurityBuffer::new(Vec::new(), BufferType::Token)]
}

fn identity() -> AuthIdentity {
    AuthIdentity {
        username: Username::parse(ACCOUNT).unwrap(),
        password: PASSWORD.to_owned().into(),
    }
}

fn handle(context: &mut SspiContext, side: CredentialUse) -> Handle {
    AcquireCredentialsHandle::<'_, _, _, WithoutCredentialUse>::new()
        .with_auth_data(&Credentials::AuthIdentity(identity()))
        .with_credential_use(side)
        .execute(context)
        .unwrap()
        .credentials_handle
}

fn ntlm_config(name: &str) -> NtlmConfig {
    NtlmConfig { client_computer_name: Some(name.to_owned()) }
}

fn spnego_config(name: &str) -> NegotiateConfig {
    let packages = Some("ntlm,!kerberos".to_owned());
    NegotiateConfig::new(Box::new(ntlm_config(name)), packages, name.into())
}

impl Client {
    fn new(spnego: bool) -> Self {
        let mut context = if spnego {
            SspiContext::Negotiate(Negotiate::new_client(spnego_config("PC1")).unwrap())
        } else {
            SspiContext::Ntlm(Ntlm::with_config(ntlm_config("PC1")))
        };
        let handle = handle(&mut context, CredentialUse::Outbound);
        Self { context, handle, target: format!("HTTP/{HOST}") }
    }

    fn step(&mut self, input: &mut Token) -> Token {
        let mut output = empty();
        let mut builder = self
            .context
            .initialize_security_context()
            .with_credentials_handle(&mut self.handle)
            .with_context_requirements(
                ClientRequestFlags::INTEGRITY | ClientRequestFlags::CONFIDENTIALITY,
            )
            .with_target_data_representation(DataRepresentation::Native)
            .with_target_name(&self.target)
            .with_input(input)
            .with_output(&mut output);
        self.context
            .initialize_security_context_impl(&mut builder)
            .unwrap()
            .resolve_to_result()
            .unwrap();
        output
    }
}

impl Server {
    /// What a server makes for each connection. Its credentials it may share; they are ready.
    fn new(spnego: bool, identity: AuthIdentity, handle: Handle) -> Self {
        let context = if spnego {
            let config = spnego_config(HOST);
            SspiContext::Negotiate(Negotiate::new_server(config, vec![identity]).unwrap())
        } else {
            SspiContext::Ntlm(Ntlm::with_config(ntlm_config(HOST)))
        };
        Self { context, handle }
    }

    /// The answer, and whether it was the last.
    fn step(&mut self, input: &mut Token) -> (Token, bool) {
        let mut output = empty();
        let builder = self
            .context
            .accept_security_context()
            .with_credentials_handle(&mut self.handle)
            .with_context_requirements(ServerRequestFlags::empty())
            .with_target_data_representation(DataRepresentation::Native)
            .with_input(input)
            .with_output(&mut output);
        let mut step = self.context.accept_security_context_impl(builder).unwrap();
        let status = step.resolve_to_result().unwrap().status;
        drop(step);
        if matches!(status, SecurityStatus::CompleteNeeded | SecurityStatus::CompleteAndContinue) {
            let status = self.context.complete_auth_token(&mut output).unwrap();
            assert_eq!(status, SecurityStatus::Ok);
            return (output, true);
        }
        (output, status == SecurityStatus::Ok)
    }
}

fn server_handle(spnego: bool) -> Handle {
    let mut context = if spnego {
        let server = Negotiate::new_server(spnego_config(HOST), vec![identity()]).unwrap();
        SspiContext::Negotiate(server)
    } else {
        SspiContext::Ntlm(Ntlm::with_config(ntlm_config(HOST)))
    };
    handle(&mut context, CredentialUse::Inbound)
}

/// The server behind `legs` legs of its own, and the token that it is to answer next.
fn before(spnego: bool, legs: usize, handle: &Handle) -> (Server, Token) {
    let mut client = Client::new(spnego);
    let mut server = Server::new(spnego, identity(), handle.clone());
    let mut token = client.step(&mut empty());
    for _ in 0..legs {
        let (mut answer, done) = server.step(&mut token);
        assert!(!done);
        token = client.step(&mut answer);
    }
    (server, token)
}

/// The server's share of a logon, the making of its context included.
pub(crate) fn server(spnego: bool) -> Contender {
    let handle = server_handle(spnego);
    let ready = handle.clone();
    let prepare = move || (Client::new(spnego).step(&mut empty()), identity(), ready.clone());
    let run = move |(mut token, identity, handle): (Token, AuthIdentity, Handle)| {
        drop(black_box(Server::new(spnego, identity, handle).step(&mut token)));
    };
    let mut legs = Contender::new((prepare, run));
    let mut number = 0;
    let is_last = |number| {
        let (mut server, mut token) = before(spnego, number, &handle);
        server.step(&mut token).1
    };
    while !is_last(number) {
        number += 1;
        let handle = handle.clone();
        let run =
            |(mut server, mut token): (Server, Token)| drop(black_box(server.step(&mut token)));
        legs = legs.and(Contender::new((move || before(spnego, number, &handle), run)));
    }
    legs
}
