//! A client that can be told to do anything: it knows the password, so that what it changes is
//! covered by a right proof and a right MIC. Written beside the library, with `HMAC` of its own.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

use hmac::{Hmac, KeyInit, Mac};
use logon::wire::ntlm::{
    Authenticate, AvId, Challenge, MessageType, NegotiateFlags, NtlmV2Response, TargetInfoBuilder,
    Version,
};
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, AccountName, Answer, ChannelBindings, Context, Error,
    Exchange, FileTime, KnownAccount, NtHash, Policy, RandomFailed, Refusal, SecureRandom,
    ServerNames, TimeSource,
};
use md5::Md5;
use std::sync::Arc;

pub(crate) const AV_MIC_PRESENT: u8 = 2;

/// A clock that stands still.
#[derive(Debug)]
pub(crate) struct FixedClock(pub(crate) u64);

impl TimeSource for FixedClock {
    fn now(&self) -> FileTime {
        FileTime::from_ticks(self.0)
    }
}

/// The same byte, again and again.
#[derive(Debug)]
pub(crate) struct FixedRandom(pub(crate) u8);

impl SecureRandom for FixedRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        out.fill(self.0);
        Ok(())
    }
}

pub(crate) fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

pub(crate) fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// An acceptor's configuration at `now`.
pub(crate) fn config(now: u64, policy: Policy) -> Arc<AcceptorConfig> {
    let names = ServerNames::new("WEB01", "CORP").with_dns("web01.corp.example", "corp.example");
    let config = AcceptorConfig::new(names, Arc::new(FixedRandom(0x42)), Arc::new(FixedClock(now)));
    Arc::new(config.with_policy(policy))
}

/// What a store says that knows exactly one password.
pub(crate) fn known(domain: &str, user: &str, password: &str) -> Answer {
    let name = AccountName::new(domain, user);
    Answer::Known(KnownAccount::new(NtHash::of_password(password), name))
}

/// The reason of a refused logon; everything else panics.
pub(crate) fn refusal<T>(result: Result<T, Error>) -> Refusal {
    match result {
        Ok(_) => panic!("accepted"),
        Err(Error::Denied(denial)) => denial.refusal(),
        Err(error) => panic!("another error: {error:?}"),
    }
}

/// Everything an AUTHENTICATE is made of.
#[derive(Debug, Clone)]
pub(crate) struct Forge {
    pub(crate) negotiate: Vec<u8>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) password: String,
    pub(crate) user: Vec<u8>,
    pub(crate) domain: Vec<u8>,
    pub(crate) workstation: Vec<u8>,
    /// What `NTOWFv2` hashes: the upper-cased user and the domain.
    pub(crate) hashed: Vec<u8>,
    pub(crate) pairs: Vec<(AvId, Vec<u8>)>,
    /// Bytes behind `MsvAvEOL`.
    pub(crate) tail: Vec<u8>,
    pub(crate) time: u64,
    pub(crate) client_challenge: [u8; 8],
    pub(crate) lm_response: Vec<u8>,
    /// In place of the right response.
    pub(crate) nt_response: Option<Vec<u8>>,
    /// Chosen by the client, if there is a key exchange.
    pub(crate) session_key: Option<[u8; 16]>,
    /// In place of the right `EncryptedRandomSessionKey`.
    pub(crate) encrypted: Option<Vec<u8>>,
    pub(crate) flags: NegotiateFlags,
    /// Whether there is room for a MIC; it is filled in.
    pub(crate) mic: bool,
}

impl Forge {
    /// A message as modern Windows sends it, in answer to `challenge`.
    pub(crate) fn answer(negotiate: &[u8], challenge: &[u8]) -> Self {
        let sent = Challenge::decode(challenge).unwrap();
        let mut pairs: Vec<_> =
            sent.target_info.unwrap().iter().map(|pair| (pair.id, pair.value.to_vec())).collect();
        pairs.push((AvId::FLAGS, vec![AV_MIC_PRESENT, 0, 0, 0]));
        Self {
            negotiate: negotiate.to_vec(),
            challenge: challenge.to_vec(),
            password: "S3cret!pw".into(),
            user: utf16le("alice"),
            domain: utf16le("CORP"),
            workstation: Vec::new(),
            hashed: utf16le("ALICECORP"),
            pairs,
            tail: vec![0; 4],
            time: sent.target_info.unwrap().timestamp().unwrap(),
            client_challenge: [0xaa; 8],
            lm_response: vec![0; 24],
            nt_response: None,
            session_key: sent.flags.contains(NegotiateFlags::KEY_EXCH).then_some([0x55; 16]),
            encrypted: None,
            flags: sent.flags,
            mic: true,
        }
    }

    /// A recorded message taken apart. Its user is taken to be ASCII.
    pub(crate) fn of_message(
        negotiate: &[u8],
        challenge: &[u8],
        message: &[u8],
        password: &str,
    ) -> Self {
        let sent = Challenge::decode(challenge).unwrap();
        let received = Authenticate::decode(message).unwrap();
        let response = NtlmV2Response::decode(received.nt_response).unwrap();
        let unicode = sent.flags.contains(NegotiateFlags::UNICODE);
        let mut hashed: Vec<u8> = received.user.to_ascii_uppercase();
        hashed.extend(received.domain);
        if !unicode {
            hashed = hashed.iter().flat_map(|byte| [*byte, 0]).collect();
        }
        let list = response.target_info;
        let pairs: Vec<_> = list.iter().map(|pair| (pair.id, pair.value.to_vec())).collect();
        let length: usize = pairs.iter().map(|(_, value)| 4 + value.len()).sum();
        let mut this = Self {
            negotiate: negotiate.to_vec(),
            challenge: challenge.to_vec(),
            password: password.into(),
            user: received.user.to_vec(),
            domain: received.domain.to_vec(),
            workstation: received.workstation.to_vec(),
            hashed,
            pairs,
            tail: list.as_bytes()[length + 4..].to_vec(),
            time: response.timestamp,
            client_challenge: response.client_challenge,
            lm_response: received.lm_response.to_vec(),
            nt_response: None,
            session_key: None,
            encrypted: None,
            flags: received.flags.unwrap(),
            mic: received.mic.is_some(),
        };
        if let Ok(encrypted) = <[u8; 16]>::try_from(received.encrypted_random_session_key) {
            this.session_key = Some(this.base_key().exchange(&encrypted));
        }
        this
    }

    fn owf(&self) -> [u8; 16] {
        hmac_md5(NtHash::of_password(&self.password).expose(), &[&self.hashed])
    }

    fn temp(&self) -> Vec<u8> {
        let mut list = TargetInfoBuilder::new();
        for (id, value) in &self.pairs {
            list.push(*id, value).unwrap();
        }
        let mut temp = vec![1, 1, 0, 0, 0, 0, 0, 0];
        temp.extend(self.time.to_le_bytes());
        temp.extend(self.client_challenge);
        temp.extend([0; 4]);
        temp.extend(list.finish());
        temp.extend(&self.tail);
        temp
    }

    fn proof(&self) -> [u8; 16] {
        let sent = Challenge::decode(&self.challenge).unwrap();
        hmac_md5(&self.owf(), &[&sent.server_challenge, &self.temp()])
    }

    fn base_key(&self) -> SessionBaseKey {
        SessionBaseKey(hmac_md5(&self.owf(), &[&self.proof()]))
    }

    /// `ExportedSessionKey`.
    pub(crate) fn exported(&self) -> [u8; 16] {
        self.session_key.unwrap_or(self.base_key().0)
    }

    /// The AUTHENTICATE.
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut nt_response = Vec::from(self.proof());
        nt_response.extend(self.temp());
        let nt_response = self.nt_response.clone().unwrap_or(nt_response);
        let exchanged = self.session_key.map(|key| self.base_key().exchange(&key).to_vec());
        let encrypted = self.encrypted.clone().or(exchanged).unwrap_or_default();
        let message = Authenticate {
            lm_response: &self.lm_response,
            nt_response: &nt_response,
            domain: &self.domain,
            user: &self.user,
            workstation: &self.workstation,
            encrypted_random_session_key: &encrypted,
            flags: Some(self.flags),
            version: Some(Version::CURRENT),
            mic: self.mic.then_some([0; 16]),
        };
        let mut out = Vec::new();
        message.encode(&mut out).unwrap();
        if self.mic {
            let mic = hmac_md5(&self.exported(), &[&self.negotiate, &self.challenge, &out]);
            out[72..88].copy_from_slice(&mic);
        }
        out
    }

    pub(crate) fn position(&self, id: AvId) -> Option<usize> {
        self.pairs.iter().position(|(known, _)| *known == id)
    }

    /// Sets a pair: in its place, or at the end.
    pub(crate) fn set(&mut self, id: AvId, value: &[u8]) {
        match self.position(id) {
            Some(place) => self.pairs[place].1 = value.to_vec(),
            None => self.pairs.push((id, value.to_vec())),
        }
    }

    pub(crate) fn remove(&mut self, id: AvId) {
        self.pairs.retain(|(known, _)| *known != id);
    }

    /// The ids of the pairs that the CHALLENGE has.
    pub(crate) fn sent_ids(&self) -> Vec<AvId> {
        let sent = Challenge::decode(&self.challenge).unwrap();
        sent.target_info.unwrap().iter().map(|pair| pair.id).collect()
    }

    /// The message at an acceptor that has sent the CHALLENGE one second ago.
    pub(crate) fn log_on(
        &self,
        policy: Policy,
        bindings: ChannelBindings,
        answer: Answer,
    ) -> Result<Context, Error> {
        let exchange = exchange(&self.negotiate, &self.challenge);
        let config = config(exchange.issued_at.ticks() + 10_000_000, policy);
        let acceptor = Acceptor::resume(config, bindings, exchange).unwrap();
        finish(acceptor, &self.message(), answer, &mut Vec::new())
    }
}

struct SessionBaseKey([u8; 16]);

impl SessionBaseKey {
    /// `RC4K`; RC4 is its own inverse, and the library's is held against the published vectors.
    fn exchange(&self, key: &[u8; 16]) -> [u8; 16] {
        rc4(&self.0, key).try_into().unwrap()
    }
}

pub(crate) fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut s: Vec<u8> = (0..=255).collect();
    let mut j = 0_u8;
    for i in 0..256 {
        j = j.wrapping_add(s[i]).wrapping_add(key[i % key.len()]);
        s.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    let next = |byte: &u8| {
        i = i.wrapping_add(1);
        j = j.wrapping_add(s[usize::from(i)]);
        s.swap(usize::from(i), usize::from(j));
        byte ^ s[usize::from(s[usize::from(i)].wrapping_add(s[usize::from(j)]))]
    };
    data.iter().map(next).collect()
}

/// The exchange of raw NTLM behind `challenge`, begun when the CHALLENGE says.
pub(crate) fn exchange(negotiate: &[u8], challenge: &[u8]) -> Exchange {
    let sent = Challenge::decode(challenge).unwrap();
    let issued_at = sent.target_info.and_then(|list| list.timestamp()).unwrap_or(1);
    Exchange {
        negotiate: negotiate.to_vec(),
        challenge: challenge.to_vec(),
        issued_at: FileTime::from_ticks(issued_at),
        mech_types: None,
        mech_list_mic_required: false,
    }
}

/// The last token and the store's answer.
pub(crate) fn finish(
    acceptor: Acceptor,
    token: &[u8],
    answer: Answer,
    out: &mut Vec<u8>,
) -> Result<Context, Error> {
    match acceptor.step(token, out)? {
        AcceptorStep::NeedLogon(request) => match request.resolve(Ok(answer), out)? {
            AcceptorStep::Complete(context) => Ok(context),
            step => panic!("not complete: {step:?}"),
        },
        step => panic!("{:?} led to {step:?}", MessageType::of(token)),
    }
}
