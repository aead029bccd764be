//! What a token says, less everything that is a secret or could be guessed at.

use super::text::cut;
use crate::decode::{ntlm, token};
use logon::http::Scheme;
use logon::wire::ntlm::{
    Authenticate, AvFlags, AvId, Challenge, MessageType, Negotiate, NegotiateFlags, NtlmV2Response,
    SIGNATURE, TargetInfo, Version,
};
use logon::wire::spnego::{MechType, NegState, NegTokenInit, NegTokenResp};
use logon::wire::{Text, Utf16Le};

/// A token, as far as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenToken {
    pub(super) length: usize,
    pub(super) framing: Framing,
    pub(super) message: Message,
}

/// What the message came within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    Bare,
    Init { mechanisms: Vec<String> },
    Resp { state: Option<&'static str>, mechanism: Option<String>, mech_list_mic: bool },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// SPNEGO without anything within.
    None,
    Negotiate {
        flags: NegotiateFlags,
        domain: String,
        workstation: String,
        version: Option<Version>,
    },
    Challenge {
        flags: NegotiateFlags,
        target_name: String,
        av_pairs: Vec<String>,
        version: Option<Version>,
    },
    Authenticate(Box<SeenAuthenticate>),
    /// A mechanism that is named, and not taken apart.
    Other(String),
    Malformed(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenAuthenticate {
    pub(super) flags: Option<NegotiateFlags>,
    pub(super) domain: String,
    pub(super) user: String,
    pub(super) workstation: String,
    pub(super) version: Option<Version>,
    pub(super) nt_response: &'static str,
    pub(super) lm_response: &'static str,
    pub(super) mic: Mic,
    /// Of an NTLMv2 response alone.
    pub(super) bindings: Option<Bindings>,
    pub(super) target_name: Option<String>,
    pub(super) av_pairs: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mic {
    Present,
    Stripped,
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bindings {
    Present,
    Zero,
    Absent,
}

/// A list that a client fills is not shown beyond this.
const MOST: usize = 12;

impl SeenToken {
    pub(super) fn of(token: &[u8]) -> Self {
        let length = token.len();
        let (framing, message) = match token.first() {
            _ if token.starts_with(&SIGNATURE) => (Framing::Bare, Message::of(token)),
            Some(0x60 | 0xa0) if token::opaque_name(token).is_none() => init(token),
            Some(0xa1) => resp(token),
            _ => (Framing::Bare, Message::of(token)),
        };
        Self { length, framing, message }
    }

    /// The message within, by its name.
    pub(super) fn name(&self) -> String {
        match (&self.message, &self.framing) {
            (Message::None, Framing::Init { .. }) => "NegTokenInit".into(),
            (Message::None, _) => "NegTokenResp".into(),
            (Message::Negotiate { .. }, _) => MessageType::Negotiate.name().into(),
            (Message::Challenge { .. }, _) => MessageType::Challenge.name().into(),
            (Message::Authenticate(_), _) => MessageType::Authenticate.name().into(),
            (Message::Other(name), _) => name.clone(),
            (Message::Malformed(_), _) => "something unreadable".into(),
        }
    }

    pub(super) fn authenticate(&self) -> Option<&SeenAuthenticate> {
        match &self.message {
            Message::Authenticate(message) => Some(message),
            _ => None,
        }
    }

    /// Whether Kerberos is what the client would rather speak.
    pub(super) fn prefers_kerberos(&self) -> bool {
        let Framing::Init { mechanisms } = &self.framing else { return false };
        mechanisms.first().is_some_and(|name| name.contains("KRB5"))
    }
}

fn init(token: &[u8]) -> (Framing, Message) {
    match NegTokenInit::decode(token) {
        Ok(init) => {
            let mechanisms = init.mech_types.iter().take(MOST).map(mechanism).collect();
            (Framing::Init { mechanisms }, within(init.mech_token))
        }
        Err(error) => (Framing::Bare, Message::Malformed(error.to_string())),
    }
}

fn resp(token: &[u8]) -> (Framing, Message) {
    match NegTokenResp::decode(token) {
        Ok(resp) => {
            let state = resp.neg_state.map(NegState::name);
            let mechanism = resp.supported_mech.map(mechanism);
            let mech_list_mic = resp.mech_list_mic.is_some();
            (Framing::Resp { state, mechanism, mech_list_mic }, within(resp.response_token))
        }
        Err(error) => (Framing::Bare, Message::Malformed(error.to_string())),
    }
}

fn mechanism(mech: MechType<'_>) -> String {
    match mech.name() {
        Some("NTLMSSP") => "NTLM".into(),
        Some(name) => name.into(),
        None => cut(&mech.to_string()),
    }
}

fn within(token: Option<&[u8]>) -> Message {
    token.map_or(Message::None, Message::of)
}

impl Message {
    fn of(token: &[u8]) -> Self {
        let decoded = match MessageType::of(token) {
            Some(MessageType::Negotiate) => Negotiate::decode(token).map(negotiate),
            Some(MessageType::Challenge) => Challenge::decode(token).map(challenge),
            Some(MessageType::Authenticate) => {
                Authenticate::decode(token).and_then(|message| authenticate(&message))
            }
            None => {
                let name = token::opaque_name(token);
                let name = name.map(|name| cut(name.trim_end_matches(" (not decoded)")));
                let unknown = "neither NTLM, SPNEGO nor Kerberos".to_owned();
                return name.map_or(Self::Malformed(unknown), Self::Other);
            }
        };
        decoded.unwrap_or_else(|error| Self::Malformed(error.to_string()))
    }
}

fn negotiate(message: Negotiate<'_>) -> Message {
    Message::Negotiate {
        flags: message.flags,
        domain: name(None, message.domain),
        workstation: name(None, message.workstation),
        version: message.version,
    }
}

fn challenge(message: Challenge<'_>) -> Message {
    Message::Challenge {
        flags: message.flags,
        target_name: name(Some(message.flags), message.target_name),
        av_pairs: message.target_info.as_ref().map(av_pairs).unwrap_or_default(),
        version: message.version,
    }
}

fn authenticate(message: &Authenticate<'_>) -> Result<Message, logon::DecodeError> {
    let flags = message.flags;
    let response = match message.nt_response.len() {
        0 | 24 => None,
        _ => Some(NtlmV2Response::decode(message.nt_response)?),
    };
    let list = response.as_ref().map(|response| &response.target_info);
    let announced = list.is_some_and(|list| list.flags().contains(AvFlags::MIC_PRESENT));
    Ok(Message::Authenticate(Box::new(SeenAuthenticate {
        flags,
        domain: name(flags, message.domain),
        user: name(flags, message.user),
        workstation: name(flags, message.workstation),
        version: message.version,
        nt_response: ntlm::nt_kind(message),
        lm_response: ntlm::lm_kind(message),
        mic: match (announced, message.mic.is_some_and(|mic| mic != [0; 16])) {
            (true, true) => Mic::Present,
            (true, false) => Mic::Stripped,
            // Room before the payload may be anything: only the announcement tells.
            (false, _) => Mic::Absent,
        },
        bindings: list.map(|list| match list.get(AvId::CHANNEL_BINDINGS) {
            None => Bindings::Absent,
            Some(hash) if hash.iter().all(|byte| *byte == 0) => Bindings::Zero,
            Some(_) => Bindings::Present,
        }),
        target_name: list
            .and_then(|list| list.get(AvId::TARGET_NAME))
            .filter(|value| !value.is_empty())
            .map(|value| name(Some(NegotiateFlags::UNICODE), value)),
        av_pairs: list.map(av_pairs).unwrap_or_default(),
    })))
}

/// The AV pairs: of names what they say, of all else that it is there.
fn av_pairs(list: &TargetInfo<'_>) -> Vec<String> {
    let pair = |pair: logon::wire::ntlm::AvPair<'_>| match pair.id {
        AvId::NB_COMPUTER_NAME
        | AvId::NB_DOMAIN_NAME
        | AvId::DNS_COMPUTER_NAME
        | AvId::DNS_DOMAIN_NAME
        | AvId::DNS_TREE_NAME
        | AvId::TARGET_NAME => {
            format!("{} {}", pair.id, name(Some(NegotiateFlags::UNICODE), pair.value))
        }
        id => id.to_string(),
    };
    list.iter().take(MOST).map(pair).collect()
}

/// A name in the character set that the flags of its message tell.
fn name(flags: Option<NegotiateFlags>, bytes: &[u8]) -> String {
    let unicode = flags.is_some_and(|flags| flags.contains(NegotiateFlags::UNICODE));
    let text = Utf16Le::new(bytes).filter(|_| unicode);
    cut(&text.map_or_else(|| Text::Oem(bytes).to_text(), |text| text.to_string()))
}

/// The names of the flags that are set.
pub(super) fn flag_names(flags: NegotiateFlags) -> String {
    let names: Vec<_> = flags.iter_names().map(|(name, _)| name).collect();
    names.join(" ")
}

/// Who asks to log on by `Basic`: the name alone.
pub(super) fn basic_user(value: &[u8]) -> Option<String> {
    let bytes = zeroize::Zeroizing::new(logon::http::parse_token(Scheme::Basic, value).ok()??);
    let end = bytes.iter().position(|byte| *byte == b':')?;
    let user = bytes.get(..end)?;
    Some(cut(&String::from_utf8_lossy(user)))
}

/// What of `Digest` is no secret: name, algorithm and quality of protection.
pub(super) fn digest_parameters(value: &[u8]) -> Vec<(&'static str, String)> {
    let text = String::from_utf8_lossy(value);
    let rest = text.get("Digest ".len()..).unwrap_or_default();
    let mut quoted = false;
    let parameters = rest.split(|character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    });
    let mut shown = Vec::new();
    for (name, value) in parameters.filter_map(|parameter| parameter.split_once('=')) {
        let known = ["username", "username*", "realm", "algorithm", "qop", "userhash"];
        let name = known.into_iter().find(|known| known.eq_ignore_ascii_case(name.trim()));
        if let (Some(name), true) = (name, shown.len() < MOST) {
            shown.push((name, cut(value.trim().trim_matches('"'))));
        }
    }
    shown
}
