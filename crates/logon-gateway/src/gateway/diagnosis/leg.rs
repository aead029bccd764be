//! One request of a try, and what was decided about it.

use super::text::cut;
use super::token::{Framing, Message, SeenToken, basic_user, digest_parameters};
use http::header::{AUTHORIZATION, USER_AGENT, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, Response, Version};
use logon::http::{Authentication, Explanation, Scheme, is_intermediary_field, parse_token};
use logon::{BindingsOutcome, Error, Mechanism, MicOutcome, Refusal};
use logon_tower::{Connection, Http11Required, Refused};
use std::time::Duration;

/// One request of a try, and its answer.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    /// Since the try began.
    pub(super) after: Duration,
    pub(super) carried: Carried,
    pub(super) sent: Sent,
    pub(super) answer: Answer,
}

/// How a request came.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    /// The number of its connection; 0 if nobody has given it one.
    pub(super) connection: u64,
    pub(super) version: Version,
    pub(super) secure: bool,
    /// Fields that say that it came through an intermediary.
    pub(super) intermediaries: Vec<(String, String)>,
    pub(super) user_agent: Option<String>,
}

/// The credentials of a request.
#[derive(Debug, Clone)]
pub(super) enum Sent {
    Nothing,
    /// More than one, or not readable at all.
    Unreadable(&'static str),
    Token(Scheme, SeenToken),
    Digest(Vec<(&'static str, String)>),
    Basic(Option<String>),
    /// Of another scheme.
    Other(String),
}

/// What was decided.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The schemes that were offered.
    pub(super) offered: Vec<String>,
    /// Our own message, of an exchange that goes on.
    pub(super) challenge: Option<SeenToken>,
    /// Whether it goes on.
    pub(super) continues: bool,
    pub(super) http_1_1_required: bool,
    pub(super) explanation: Option<&'static Explanation>,
    /// More words about the same, that tell nothing of an account.
    pub(super) detail: Option<String>,
    pub(super) proven: Option<Proven>,
}

/// Who has logged on, and how that is known.
#[derive(Debug, Clone)]
pub(super) struct Proven {
    pub(super) account: String,
    pub(super) scheme: Scheme,
    pub(super) mechanism: Option<Mechanism>,
    pub(super) mic: &'static str,
    pub(super) bindings: &'static str,
    pub(super) target_name: String,
    pub(super) fresh: bool,
    pub(super) persistent: bool,
}

/// Fields of a request that are kept.
const MOST: usize = 6;

impl Carried {
    pub(super) fn of(parts: &Parts) -> Self {
        let connection = parts.extensions.get::<Connection>();
        let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (cut(name.as_str()), cut(&String::from_utf8_lossy(value.as_bytes())))
        };
        let intermediary = |(name, _): &(&http::HeaderName, &http::HeaderValue)| {
            is_intermediary_field(name.as_str())
        };
        let user_agent = parts.headers.get(USER_AGENT);
        Self {
            connection: connection.map_or(0, Connection::id),
            version: parts.version,
            secure: connection.is_some_and(Connection::is_secure),
            intermediaries: parts
                .headers
                .iter()
                .filter(intermediary)
                .take(MOST)
                .map(field)
                .collect(),
            user_agent: user_agent.map(|value| cut(&String::from_utf8_lossy(value.as_bytes()))),
        }
    }

    pub(super) fn http(&self) -> &'static str {
        match self.version {
            Version::HTTP_09 => "HTTP/0.9",
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_11 => "HTTP/1.1",
            Version::HTTP_2 => "HTTP/2",
            _ => "HTTP/3",
        }
    }
}

impl Sent {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Self::Nothing,
            (Some(value), None) => value.as_bytes(),
            _ => return Self::Unreadable("more than one Authorization field"),
        };
        let name = value.split(|byte| *byte == b' ').next().unwrap_or_default();
        let Some(scheme) = Scheme::from_name(name) else {
            return Self::Other(cut(&String::from_utf8_lossy(name)));
        };
        match scheme {
            Scheme::Basic => Self::Basic(basic_user(value)),
            Scheme::Digest => Self::Digest(digest_parameters(value)),
            _ => match parse_token(scheme, value) {
                Ok(Some(token)) => Self::Token(scheme, SeenToken::of(&token)),
                _ => Self::Unreadable("no base64 behind the scheme"),
            },
        }
    }

    pub(super) fn token(&self) -> Option<&SeenToken> {
        match self {
            Self::Token(_, token) => Some(token),
            _ => None,
        }
    }

    /// Who the request says it is from.
    pub(super) fn claimed(&self) -> Option<String> {
        match self {
            Self::Token(_, token) => {
                let message = token.authenticate()?;
                Some(match message.domain.as_str() {
                    "" => message.user.clone(),
                    domain => format!("{domain}\\{}", message.user),
                })
            }
            Self::Basic(user) => user.clone(),
            Self::Digest(parameters) => {
                let user = parameters.iter().find(|(name, _)| name.starts_with("username"));
                user.map(|(_, user)| user.clone())
            }
            Self::Nothing | Self::Unreadable(_) | Self::Other(_) => None,
        }
    }
}

impl Answer {
    /// Reads it off the answer of the layer, or of the application behind it.
    pub(super) fn of<B>(response: &Response<B>) -> Self {
        let refused = response.extensions().get::<Refused>();
        let error = refused.and_then(|refused| refused.error.as_deref());
        let lines = response.headers().get_all(WWW_AUTHENTICATE);
        let lines = || lines.iter().map(http::HeaderValue::as_bytes);
        let name = |line: &[u8]| {
            let name = line.split(|byte| *byte == b' ').next().unwrap_or_default();
            String::from_utf8_lossy(name).into_owned()
        };
        let mut offered: Vec<_> = lines().map(name).collect();
        offered.dedup();
        let continues = refused.is_some_and(|refused| refused.continues);
        let token = |line| {
            let token = Scheme::INTEGRATED.into_iter().find_map(|scheme| {
                parse_token(scheme, line).ok().flatten().filter(|token| !token.is_empty())
            });
            token.map(|token| SeenToken::of(&token))
        };
        Self {
            status: response.status().as_u16(),
            offered,
            challenge: lines().find_map(token).filter(|_| continues),
            continues,
            http_1_1_required: response.extensions().get::<Http11Required>().is_some(),
            explanation: match error {
                Some(error) => Some(Explanation::for_peer(error)),
                None => refused.and_then(|refused| refused.explanation),
            },
            detail: error.and_then(detail),
            proven: response.extensions().get::<Authentication>().and_then(Proven::of),
        }
    }
}

/// What an error says beyond its explanation. Nothing of an account, nor of the store.
fn detail(error: &Error) -> Option<String> {
    match error {
        Error::Header(_)
        | Error::Decode(_)
        | Error::TokenTooLong { .. }
        | Error::OutOfSequence { .. }
        | Error::PeerIncompatible(_) => Some(cut(&error.to_string())),
        Error::Denied(denial) => match denial.refusal() {
            refusal @ (Refusal::AvPairChanged(_) | Refusal::AvPairDuplicated(_)) => {
                Some(cut(&refusal.to_string()))
            }
            _ => None,
        },
        _ => None,
    }
}

impl Proven {
    fn of(authentication: &Authentication) -> Option<Self> {
        let logon = authentication.logon()?;
        let identity = logon.identity();
        Some(Self {
            account: cut(&identity.to_string()),
            scheme: logon.scheme(),
            mechanism: logon.mechanism(),
            mic: match identity.mic() {
                MicOutcome::Verified => "present and right",
                MicOutcome::NotOffered => "the client sends none",
                MicOutcome::Ignored => "not looked at here",
                MicOutcome::NotApplicable => "none in this scheme",
                _ => "unknown",
            },
            bindings: match identity.bindings() {
                BindingsOutcome::Bound => "the logon is bound to this TLS connection",
                BindingsOutcome::NotOffered => "the client sends none",
                BindingsOutcome::Unavailable => "there is no TLS to bind to",
                BindingsOutcome::ServiceName => "the service name stands in, for want of TLS",
                BindingsOutcome::Ignored => "not looked at here",
                BindingsOutcome::NotApplicable => "none in this scheme",
                _ => "unknown",
            },
            target_name: cut(identity.target_name()),
            fresh: authentication.is_fresh(),
            persistent: authentication.is_persistent(),
        })
    }
}

impl Leg {
    /// What of this leg could grow, in bytes.
    pub(super) fn weight(&self) -> usize {
        let Self { carried, sent, answer, .. } = self;
        let pairs: usize = carried.intermediaries.iter().map(|(a, b)| sum([a, b])).sum();
        let sent = match sent {
            Sent::Nothing | Sent::Unreadable(_) => 0,
            Sent::Token(_, token) => token_weight(token),
            Sent::Digest(parameters) => parameters.iter().map(|(_, value)| value.len()).sum(),
            Sent::Basic(user) => user.as_ref().map_or(0, String::len),
            Sent::Other(name) => name.len(),
        };
        let proven = answer.proven.as_ref();
        let proven = proven.map_or(0, |proven| sum([&proven.account, &proven.target_name]));
        [
            size_of::<Self>(),
            pairs,
            carried.user_agent.as_ref().map_or(0, String::len),
            sent,
            sum(&answer.offered),
            answer.challenge.as_ref().map_or(0, token_weight),
            answer.detail.as_ref().map_or(0, String::len),
            proven,
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }
}

fn sum<'a>(texts: impl IntoIterator<Item = &'a String>) -> usize {
    texts.into_iter().fold(0, |sum, text| sum.saturating_add(text.len()).saturating_add(24))
}

fn token_weight(token: &SeenToken) -> usize {
    let framing = match &token.framing {
        Framing::Bare => 0,
        Framing::Init { mechanisms } => sum(mechanisms),
        Framing::Resp { mechanism, .. } => sum(mechanism),
    };
    let message = match &token.message {
        Message::None => 0,
        Message::Negotiate { domain, workstation, .. } => sum([domain, workstation]),
        Message::Challenge { target_name, av_pairs, .. } => {
            sum([target_name]).saturating_add(sum(av_pairs))
        }
        Message::Authenticate(message) => {
            let names = [&message.domain, &message.user, &message.workstation];
            let own = size_of_val(&**message).saturating_add(sum(&message.target_name));
            sum(names).saturating_add(own).saturating_add(sum(&message.av_pairs))
        }
        Message::Other(text) | Message::Malformed(text) => text.len(),
    };
    framing.saturating_add(message)
}

impl Answer {
    /// Whether credentials were refused, rather than asked for.
    pub(super) fn failed(&self) -> bool {
        let asked = [
            Explanation::NO_CREDENTIALS,
            Explanation::HTTP_1_1_REQUIRED,
            Explanation::NONCE_STALE,
            Explanation::APPLICATION_ASKS,
        ];
        self.explanation.is_some_and(|explanation| !asked.contains(&explanation))
    }
}
