//! What an answer means: whether that is a failure, of which kind, and what to do next.

use crate::cli::GetOptions;
use crate::client::{Known, Who};
use crate::failure::{Exit, Failure};
use http::header::{AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use http::response::Parts;
use http::{StatusCode, Uri};
use logon::http::Scheme;
use logon_client::credentials::CredentialError;
use logon_client::{AnsweredUrl, Logon, NoTicket, Outcome};
use std::io::Write;
use url::Url;

/// Fails if the answer is one of failure.
pub(super) fn of(
    head: &Parts,
    asked: &Uri,
    options: &GetOptions,
    who: &Who,
) -> Result<(), Failure> {
    let url = head.extensions.get::<AnsweredUrl>().map_or_else(String::new, |url| url.0.clone());
    let outcome = head.extensions.get::<Outcome>().cloned().unwrap_or_default();
    let answer = Answer { head, outcome, url: Url::parse(&url).ok(), asked, options, who };
    if head.status.as_u16() >= 400 {
        let (exit, why) = answer.failure();
        return Err(Failure::Exit(exit, format!("{}: {why}", head.status)));
    }
    if head.status.is_redirection()
        && !options.location
        && !options.quiet
        && let Some(to) = head.headers.get(LOCATION)
    {
        let to = String::from_utf8_lossy(to.as_bytes()).escape_debug().to_string();
        let line = format!("logon: {}: to {to}; --location follows", head.status);
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    Ok(())
}

/// An answer, and all that led to it.
struct Answer<'a> {
    head: &'a Parts,
    outcome: Outcome,
    /// What was asked last.
    url: Option<Url>,
    /// What was asked first.
    asked: &'a Uri,
    options: &'a GetOptions,
    who: &'a Who,
}

impl Answer<'_> {
    fn failure(&self) -> (Exit, String) {
        match self.head.status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => self.of_proxy(),
            StatusCode::UNAUTHORIZED => self.of_origin(),
            StatusCode::FORBIDDEN => {
                let why = match &self.outcome.origin {
                    Logon::LoggedOn { .. } => format!(
                        "{} is {}, and may not do this at {}",
                        self.name(),
                        self.outcome.origin,
                        self.shown()
                    ),
                    _ => format!("{} does not allow it", self.shown()),
                };
                (Exit::Status, why)
            }
            _ => (Exit::Status, self.shown()),
        }
    }

    fn of_origin(&self) -> (Exit, String) {
        let host = self.host();
        match &self.outcome.origin {
            _ if self.options_have_credentials() => {
                (Exit::Refused, format!("{host} refuses the field Authorization of --header"))
            }
            Logon::NoLogin => (Exit::NoCredentials, self.nothing_sent()),
            Logon::Refused { .. } | Logon::RefusedBefore => {
                let (logon, advice) = (&self.outcome.origin, self.suspicion());
                let without = without(self.outcome.no_ticket.as_deref());
                let name = self.name();
                (
                    Exit::Refused,
                    format!("{host} does not let {name} in: {without}{logon}. {advice}"),
                )
            }
            Logon::NotOffered { offered } => (
                Exit::NoCredentials,
                format!("{host}: {}; {}", self.outcome.origin, self.offer(offered)),
            ),
            Logon::TicketRefused { code } => {
                let advice = match code {
                    Some(_) => String::new(),
                    None => format!(". {}", of_tickets(self.is_bound())),
                };
                (Exit::Refused, format!("{host}: {}{advice}", self.outcome.origin))
            }
            Logon::NoTicket(missing) => {
                (of_missing(missing), format!("{host}: {missing}{}", self.without_kerberos()))
            }
            logon @ Logon::BrokenOff { .. } => {
                let (exit, why) = broken_off(logon, self.outcome.no_ticket.as_deref());
                (exit, format!("{host}: {why}"))
            }
            Logon::ProxyInBetween => (
                Exit::NoCredentials,
                format!("{host} asks for credentials: {}", self.outcome.origin),
            ),
            _ => {
                let why = "asks for no logon that this command knows of; it may have a form, \
                           or tokens for --header";
                (Exit::Status, format!("{host} {why}"))
            }
        }
    }

    fn of_proxy(&self) -> (Exit, String) {
        let logon = &self.outcome.proxy;
        match logon {
            Logon::NoLogin => {
                let advice = "log on to it by --proxy-user NAME";
                (Exit::NoCredentials, format!("the proxy asks for credentials; {advice}"))
            }
            Logon::Refused { .. } | Logon::RefusedBefore => {
                let advice = "Check name and password: every attempt counts against the account";
                let without = without(self.outcome.no_proxy_ticket.as_deref());
                (Exit::Refused, format!("the proxy: {without}{logon}. {advice}"))
            }
            Logon::NotOffered { offered } => {
                (Exit::NoCredentials, format!("the proxy: {logon}; {}", self.offer(offered)))
            }
            Logon::TicketRefused { .. } => (Exit::Refused, format!("the proxy: {logon}")),
            Logon::NoTicket(missing) => (of_missing(missing), format!("the proxy: {missing}")),
            Logon::BrokenOff { .. } => {
                let (exit, why) = broken_off(logon, self.outcome.no_proxy_ticket.as_deref());
                (exit, format!("the proxy: {why}"))
            }
            _ => (Exit::Status, self.shown()),
        }
    }

    /// Credentials are asked for, and none went there.
    fn nothing_sent(&self) -> String {
        let (host, offered) = (self.host(), self.offered());
        let asks = format!("{host} asks for credentials ({offered})");
        match &self.who.known {
            Known::Chosen(_) | Known::Found(_) if self.has_left_tls() => {
                format!("{asks}, and a redirect led there from https to http: none were sent")
            }
            Known::Chosen(found) | Known::Found(found) if self.was_led_there() => format!(
                "{asks}, and a redirect led there: {found} was not sent. --allow {host} sends it"
            ),
            Known::Chosen(found) | Known::Found(found) => format!(
                "{asks}. There is {found}, and it was not sent: what nobody chose goes only to \
                 hosts that are allowed. --allow {host} sends it, -u NAME logs on as somebody else"
            ),
            Known::Tickets(client) => format!(
                "{asks}. There are the tickets of {client}, and none was sent: a redirect led there, \
                 and --allow {host} sends one; or -u NAME logs on as somebody else"
            ),
            Known::Nothing(CredentialError::NotFound(_)) => format!(
                "{asks}, and there are none: kinit gets tickets, or -u NAME logs on and asks for \
                 the password"
            ),
            Known::Nothing(error) => format!("{asks}: {error}; or use -u NAME"),
        }
    }

    /// What else there is, if anything.
    fn without_kerberos(&self) -> &'static str {
        match &self.who.known {
            // Nothing else proves the server.
            _ if self.options.logon.mutual => "",
            Known::Chosen(_) => "; --scheme ntlm leaves Kerberos out",
            _ => "; -u NAME logs on with a password",
        }
    }

    /// Not where the caller has asked.
    fn was_led_there(&self) -> bool {
        let asked = Url::parse(&self.asked.to_string()).ok();
        self.url.as_ref().map(Url::origin) != asked.as_ref().map(Url::origin)
    }

    fn has_left_tls(&self) -> bool {
        self.asked.scheme_str() == Some("https")
            && self.url.as_ref().is_some_and(|url| url.scheme() == "http")
    }

    fn options_have_credentials(&self) -> bool {
        let name = AUTHORIZATION.as_str();
        let is_it = |field: &String| {
            field.split(':').next().is_some_and(|field| field.trim().eq_ignore_ascii_case(name))
        };
        self.options.headers.iter().any(is_it) && self.outcome.origin == Logon::NoLogin
    }

    /// What it may be.
    fn suspicion(&self) -> String {
        let domain = self.name().contains(['\\', '@']);
        let advice = of_password(self.is_https(), self.is_bound(), domain);
        let by_negotiate = Logon::Refused { scheme: Scheme::Negotiate };
        let untried = self.who.no_kerberos().filter(|_| self.outcome.origin == by_negotiate);
        let untried = untried.map(|why| format!(". Kerberos was not tried: {why}"));
        let untried = untried.unwrap_or_default();
        format!("{advice}; every attempt counts against the account{untried}")
    }

    fn is_https(&self) -> bool {
        self.url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// To the certificate of the server.
    fn is_bound(&self) -> bool {
        self.is_https() && !self.who.sends_no_bindings()
    }

    /// What is offered, and not enabled.
    fn offer(&self, offered: &[String]) -> &'static str {
        let by_password = |name: &String| !name.eq_ignore_ascii_case("negotiate");
        if matches!(self.who.known, Known::Tickets(_)) && offered.iter().any(by_password) {
            return "tickets are nothing to it: -u NAME logs on with a password";
        }
        let basic = offered.iter().any(|name| name.eq_ignore_ascii_case("basic"));
        match (basic, self.is_https()) {
            (true, true) => "--scheme basic sends the password itself",
            (true, false) => "Basic sends the password itself, and over https only",
            _ => "--scheme enables it",
        }
    }

    /// The names of the schemes.
    fn offered(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for value in self.head.headers.get_all(WWW_AUTHENTICATE) {
            let text = String::from_utf8_lossy(value.as_bytes());
            let name = text.split([' ', ',']).next().unwrap_or_default();
            names.push(name.escape_debug().to_string());
        }
        names.dedup();
        names.join(", ")
    }

    fn name(&self) -> &str {
        match &self.who.known {
            Known::Chosen(found) | Known::Found(found) => found.credentials.name(),
            Known::Tickets(client) => client,
            Known::Nothing(_) => "nobody",
        }
    }

    fn host(&self) -> String {
        let host = self.url.as_ref().and_then(Url::host_str);
        host.unwrap_or("the server").to_owned()
    }

    fn shown(&self) -> String {
        self.url.as_ref().map_or_else(|| self.host(), Url::to_string)
    }
}

/// The password was not proven, or nothing was shown to anybody.
fn of_missing(missing: &NoTicket) -> Exit {
    if missing.cause.is_about_client() { Exit::Refused } else { Exit::NoCredentials }
}

/// What comes before a refusal of what was tried instead of a ticket.
fn without(missing: Option<&NoTicket>) -> String {
    missing.map_or_else(String::new, |missing| {
        format!("{missing}. The server may take nothing else: without the ticket, ")
    })
}

/// An exchange that the server did not go on with. Where NTLM stands in for a ticket, that is what
/// a server does that takes tickets alone.
fn broken_off(logon: &Logon, missing: Option<&NoTicket>) -> (Exit, String) {
    match missing {
        None => (Exit::Broken, logon.to_string()),
        Some(missing) => (
            Exit::NoCredentials,
            format!("{missing}. NTLM was tried without it, and not taken: Kerberos alone may be"),
        ),
    }
}

/// What else than a wrong password it may be.
fn of_password(https: bool, bound: bool, domain: bool) -> &'static str {
    match (https, bound, domain) {
        (_, _, false) => "Check the password, and whether the name needs a domain",
        (true, false, _) => {
            "Check name and password; or the server wants channel bindings: leave out --no-bindings"
        }
        (true, true, _) => "Check name and password; or TLS ends at another machine: --no-bindings",
        (false, ..) => "Check name and password; or the server wants channel bindings: use https",
    }
}

/// Why a server does not take a ticket, if it does not say so. Nothing counts against an account here.
fn of_tickets(bound: bool) -> &'static str {
    if bound {
        "Its log says why: it has no keytab, or one from before a change of its password, a clock is \
         wrong, or TLS ends at another machine: --no-bindings"
    } else {
        "Its log says why: it has no keytab, or one from before a change of its password, a clock is \
         wrong, or it wants channel bindings"
    }
}

#[cfg(test)]
mod tests {
    use super::{of_password, of_tickets};

    #[test]
    fn the_advice_fits_what_was_sent() {
        for bound in [false, true] {
            let text = of_tickets(bound);
            assert!(text.contains("clock") && text.contains("has no keytab"), "{text}");
            assert!(!text.contains("name and password"), "there is none: {text}");
            assert_eq!(text.contains("--no-bindings"), bound, "{text}");
        }
        assert!(of_password(true, true, true).ends_with("another machine: --no-bindings"));
        assert!(of_password(true, false, true).ends_with("leave out --no-bindings"));
        assert!(of_password(false, false, true).ends_with("use https"));
        assert!(of_password(true, true, false).ends_with("needs a domain"));
    }
}
