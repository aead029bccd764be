//! The credentials that clients send, each computed once.

use crate::bleed_steps::{Client, Form, Who};
use crate::digest;
use crate::fixed::{BOBS_PASSWORD, PASSWORD, negotiate, ntlm};
use logon::http::{Scheme, format_token};
use logon::{Initiator, InitiatorStep};
use std::collections::HashMap;

/// The clients, and what they have said before.
#[derive(Default)]
pub(crate) struct Clients {
    firsts: HashMap<Form, Vec<u8>>,
    seconds: HashMap<(Form, Client, Vec<u8>), Vec<u8>>,
    digests: HashMap<(Client, String, u32), String>,
}

impl Clients {
    /// NEGOTIATE: the same from everybody.
    pub(crate) fn first(&mut self, form: Form) -> &[u8] {
        self.firsts.entry(form).or_insert_with(|| {
            let begun = |who| begin(form, Client { who, right: true }).1;
            let token = begun(Who::Alice);
            assert_eq!(token, begun(Who::Bob), "anybody can go on with what anybody has begun");
            token
        })
    }

    /// AUTHENTICATE in answer to `challenge`, which may be of any exchange.
    pub(crate) fn second(&mut self, form: Form, client: Client, challenge: &[u8]) -> &[u8] {
        let key = (form, client, challenge.to_vec());
        self.seconds.entry(key).or_insert_with(|| {
            let (initiator, _) = begin(form, client);
            let mut token = Vec::new();
            let _ = initiator.step(Some(challenge), &mut token).unwrap();
            token
        })
    }

    /// The value of an `Authorization` field of the Digest scheme, for `GET /`.
    pub(crate) fn digest(&mut self, client: Client, challenge: &str, count: u32) -> String {
        let key = (client, challenge.to_owned(), count);
        let known = self.digests.entry(key).or_insert_with(|| {
            let user = (account(client.who), password(client));
            digest::answer(challenge, user, ("GET", "/"), count)
        });
        known.clone()
    }
}

pub(crate) fn account(who: Who) -> &'static str {
    match who {
        Who::Alice => r"CORP\alice",
        Who::Bob => r"CORP\bob",
    }
}

/// The value of an `Authorization` field of the Basic scheme.
pub(crate) fn basic(client: Client) -> String {
    let user_pass = format!("{}:{}", account(client.who), password(client));
    format_token(Scheme::Basic, user_pass.as_bytes())
}

/// The wrong password is the right one of the other.
fn password(client: Client) -> &'static str {
    match (client.who, client.right) {
        (Who::Alice, true) | (Who::Bob, false) => PASSWORD,
        (Who::Bob, true) | (Who::Alice, false) => BOBS_PASSWORD,
    }
}

fn begin(form: Form, client: Client) -> (Initiator, Vec<u8>) {
    let (account, password) = (account(client.who), password(client));
    let initiator = match form {
        Form::Ntlm => ntlm(account, password),
        Form::Spnego => negotiate(account, password),
    };
    let mut token = Vec::new();
    match initiator.step(None, &mut token).unwrap() {
        InitiatorStep::Continue(next) => (next, token),
        _ => panic!("complete after one leg"),
    }
}
