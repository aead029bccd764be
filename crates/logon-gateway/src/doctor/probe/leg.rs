//! The first leg of a logon: a NEGOTIATE, which names nobody, and the CHALLENGE for it. The second,
//! which would need a password, is never sent.

use super::connection::{Connection, Trouble};
use super::target::Target;
use super::trust::Trust;
use logon::http::{Scheme, format_token, parse_token};
use logon::wire::Utf16Le;
use logon::wire::ntlm::{AvId, Challenge};
use logon::wire::spnego::NegTokenResp;
use logon::{ChannelBindings, Credential, FileTime, Initiator, InitiatorConfig, TargetName};
use std::sync::Arc;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leg {
    Challenge(Names),
    /// A token that is no CHALLENGE.
    Strange(String),
    /// Asked for a logon again, as if the token had not been there.
    Lost,
    /// Another answer.
    Status(u16),
    Broken(String),
}

/// What a CHALLENGE says of its server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) computer: String,
    pub(super) domain: String,
    pub(super) dns_computer: String,
    pub(super) dns_domain: String,
    /// Seconds since 1970.
    pub(super) time: Option<i64>,
    /// Whether the connection is open for the second leg.
    pub(super) stays: bool,
}

/// Sends a NEGOTIATE, on a connection of its own.
pub(super) async fn first(target: &Target, trust: &Trust, scheme: Scheme) -> Leg {
    match ask(target, trust, scheme).await {
        Ok(leg) => leg,
        Err(trouble) => Leg::Broken(trouble.to_string()),
    }
}

async fn ask(target: &Target, trust: &Trust, scheme: Scheme) -> Result<Leg, Trouble> {
    let Some(negotiate) = negotiate(target, scheme) else {
        return Ok(Leg::Broken("no token could be made".to_owned()));
    };
    let mut connection = Connection::open(target, trust).await?;
    let answer = connection.get(Some(&format_token(scheme, &negotiate))).await?;
    if answer.status != 401 {
        return Ok(Leg::Status(answer.status));
    }
    let offers = answer.all("www-authenticate");
    let found = offers.iter().find_map(|offer| token(scheme, offer));
    let Some(token) = found else { return Ok(Leg::Lost) };
    Ok(match names(&token) {
        Ok(names) => {
            // The second leg would come now; another request does not need a password.
            let stays = answer.stays && connection.get(None).await.is_ok();
            Leg::Challenge(Names { stays, ..names })
        }
        Err(error) => Leg::Strange(error),
    })
}

/// Whoever asks does not say who: NEGOTIATE carries no account.
fn negotiate(target: &Target, scheme: Scheme) -> Option<Vec<u8>> {
    let config = Arc::new(InitiatorConfig::with_os(Credential::password("nobody", "")));
    let (name, bindings) = (TargetName::http(&target.host), ChannelBindings::none());
    let initiator = match scheme {
        Scheme::Negotiate => Initiator::negotiate(config, name, bindings),
        _ => Initiator::ntlm(config, name, bindings),
    };
    let mut token = Vec::new();
    let step = initiator.step(None, &mut token);
    step.is_ok().then_some(token)
}

/// The token of an offer, if there is one.
fn token(scheme: Scheme, offer: &str) -> Option<Vec<u8>> {
    let token = parse_token(scheme, offer.as_bytes()).ok()??;
    Some(token).filter(|token| !token.is_empty())
}

fn names(token: &[u8]) -> Result<Names, String> {
    let message = if NegTokenResp::is_begun_by(token) {
        let response = NegTokenResp::decode(token).map_err(|error| error.to_string())?;
        response.response_token.ok_or("the SPNEGO token has no CHALLENGE")?
    } else {
        token
    };
    let challenge = Challenge::decode(message).map_err(|error| error.to_string())?;
    let Some(info) = challenge.target_info else { return Ok(Names::default()) };
    let text = |id| {
        let text = info.get(id).and_then(Utf16Le::new);
        text.map(|text| text.chars().collect::<String>()).unwrap_or_default()
    };
    Ok(Names {
        computer: text(AvId::NB_COMPUTER_NAME),
        domain: text(AvId::NB_DOMAIN_NAME),
        dns_computer: text(AvId::DNS_COMPUTER_NAME),
        dns_domain: text(AvId::DNS_DOMAIN_NAME),
        time: info
            .timestamp()
            .and_then(|time| FileTime::from_ticks(time).to_unix())
            .and_then(|time| i64::try_from(time.as_secs()).ok()),
        stays: false,
    })
}

#[cfg(test)]
mod tests {
    use super::{Target, names, negotiate, token};
    use logon::http::Scheme;
    use logon::wire::ntlm::MessageType;

    #[test]
    fn what_is_sent_names_nobody() {
        let target = Target::parse("http://web.corp.example/").unwrap();
        let bare = negotiate(&target, Scheme::Ntlm).unwrap();
        assert_eq!(MessageType::of(&bare), Some(MessageType::Negotiate));
        let wrapped = negotiate(&target, Scheme::Negotiate).unwrap();
        let nobody: Vec<u8> = "nobody".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for message in [bare, wrapped] {
            let has = |text: &[u8]| message.windows(text.len()).any(|window| window == text);
            assert!(!has(&nobody) && !has(b"nobody") && !has(b"NOBODY"));
        }
    }

    #[test]
    fn an_offer_without_a_token_has_none() {
        assert_eq!(token(Scheme::Ntlm, "NTLM"), None);
        assert_eq!(token(Scheme::Ntlm, "Negotiate AAAA"), None);
        assert_eq!(token(Scheme::Ntlm, "NTLM AAAA"), Some(vec![0; 3]));
        assert!(names(&[0; 3]).is_err());
    }
}
