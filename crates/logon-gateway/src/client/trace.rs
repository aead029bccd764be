//! `--trace`: what is sent and received, for people, and without secrets.

use crate::decode;
use base64::prelude::{BASE64_STANDARD, Engine};
use http::HeaderMap;
use http::header::{
    AUTHORIZATION, COOKIE, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    SET_COOKIE, WWW_AUTHENTICATE,
};
use logon::http::Scheme;
use logon_client::{Event, Observer};
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// Writes each leg to standard error.
#[derive(Default)]
pub(crate) struct Trace {
    /// Credentials of legs before: a server that repeats them makes no less of a secret of them.
    sent: Mutex<Vec<Zeroizing<String>>>,
}

/// How many of them are kept: those of a request and of some before it.
const KEPT: usize = 64;

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

impl Observer for Trace {
    fn event(&self, event: Event<'_>) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::Sent { headers, .. } = &event {
            sent.extend([AUTHORIZATION, PROXY_AUTHORIZATION].iter().flat_map(|name| {
                let values = headers.get_all(name).into_iter();
                values.map(|value| Zeroizing::new(without_scheme(&lossy(value)).to_owned()))
            }));
            let old = sent.len().saturating_sub(KEPT);
            sent.drain(..old);
        }
        // In one piece, so that nothing else comes in between; and if nobody reads it, so be it.
        let _ = std::io::stderr().write_all(text(&event, &sent).as_bytes());
    }
}

fn without_scheme(credentials: &str) -> &str {
    credentials.split_once(' ').map_or("", |(_, rest)| rest.trim())
}

fn text(event: &Event<'_>, sent: &[Zeroizing<String>]) -> String {
    let mut lines = Lines { text: String::new(), mark: '*', sent };
    match event {
        Event::Connecting { to } => lines.line(format_args!("connecting to {}", Plain(to))),
        Event::Sent { method, target, headers, with_body, .. } => {
            lines.mark = '>';
            lines.line(format_args!("{method} {}", Plain(&target.to_string())));
            lines.fields(headers);
            if *with_body {
                lines.line("(and its body)");
            }
        }
        Event::Received { status, headers, .. } => {
            lines.mark = '<';
            lines.line(status);
            lines.fields(headers);
        }
        Event::Restarting { reason } => lines.line(format_args!("restarting: {reason}")),
        _ => {}
    }
    lines.text
}

/// Lines that begin with a mark.
struct Lines<'a> {
    text: String,
    mark: char,
    sent: &'a [Zeroizing<String>],
}

impl Lines<'_> {
    fn line(&mut self, line: impl std::fmt::Display) {
        // A String takes everything.
        let _ = writeln!(self.text, "{} {line}", self.mark);
    }

    fn fields(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            match *name {
                AUTHORIZATION | PROXY_AUTHORIZATION => self.credentials(name, value),
                WWW_AUTHENTICATE | PROXY_AUTHENTICATE => self.challenges(name, value),
                // The proof of Digest, which is made of the password, and cookies.
                _ if name == "authentication-info" || name == "proxy-authentication-info" => {
                    self.line(format_args!("{name}: (not shown)"));
                }
                COOKIE => self.line(format_args!("{name}: (not shown)")),
                SET_COOKIE => self.cookie(name, value),
                _ if self.repeats_credentials(&lossy(value)) => {
                    self.line(format_args!("{name}: (not shown: it repeats credentials)"));
                }
                _ if value.is_sensitive() => self.line(format_args!("{name}: (not shown)")),
                _ => self.line(format_args!("{name}: {}", Plain(&lossy(value)))),
            }
        }
    }

    /// Also of a piece: what is long enough to be worth guessing from.
    fn repeats_credentials(&self, text: &str) -> bool {
        const PIECE: usize = 24;
        let has = |piece: &[char]| text.contains(&piece.iter().collect::<String>());
        self.sent.iter().filter(|sent| sent.len() >= 8).any(|sent| {
            let all: Vec<char> = sent.chars().collect();
            text.contains(sent.as_str()) || all.chunks(PIECE).any(|it| it.len() == PIECE && has(it))
        })
    }

    fn credentials(&mut self, name: &HeaderName, value: &HeaderValue) {
        let text = lossy(value);
        let (scheme, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match integrated(scheme) {
            Some(scheme) => self.token(name, scheme, rest),
            // What is no scheme may be a key.
            None if rest.is_empty() => self.line(format_args!("{name}: (not shown)")),
            None => self.line(format_args!("{name}: {} (not shown)", Plain(scheme))),
        }
    }

    /// Several may stand in one line. Of quoted strings with commas the pieces stay in order.
    fn challenges(&mut self, name: &HeaderName, value: &HeaderValue) {
        let text = lossy(value);
        let mut others: Vec<&str> = Vec::new();
        for item in text.split(',').map(str::trim) {
            let (scheme, rest) = item.split_once(' ').unwrap_or((item, ""));
            match integrated(scheme) {
                Some(scheme) => {
                    self.others(name, &mut others);
                    self.token(name, scheme, rest);
                }
                None => others.push(item),
            }
        }
        self.others(name, &mut others);
    }

    fn others(&mut self, name: &HeaderName, others: &mut Vec<&str>) {
        if !others.is_empty() {
            self.line(format_args!("{name}: {}", Plain(&others.join(", "))));
            others.clear();
        }
    }

    fn token(&mut self, name: &HeaderName, scheme: Scheme, token: &str) {
        let token = token.trim();
        if token.is_empty() {
            return self.line(format_args!("{name}: {scheme}"));
        }
        let Ok(bytes) = BASE64_STANDARD.decode(token) else {
            return self.line(format_args!("{name}: {scheme} (not base64, not shown)"));
        };
        self.line(format_args!("{name}: {scheme}"));
        let mut tree = Vec::new();
        // Memory takes everything.
        let _ = decode::print_without_secrets(&bytes, 1, &mut tree);
        for line in String::from_utf8_lossy(&tree).lines() {
            self.line(line);
        }
    }

    /// The name and the attributes of a cookie.
    fn cookie(&mut self, name: &HeaderName, value: &HeaderValue) {
        let text = lossy(value);
        let (cookie, attributes) = text.split_once(';').unwrap_or((&text, ""));
        let cookie = cookie.split_once('=').map_or("", |(cookie, _)| cookie);
        let cookie = Plain(cookie);
        self.line(format_args!("{name}: {cookie}=(not shown);{}", Plain(attributes)));
    }
}

fn integrated(scheme: &str) -> Option<Scheme> {
    Scheme::from_name(scheme.as_bytes()).filter(|scheme| scheme.is_per_connection())
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Text of a peer, that must not steer the terminal.
struct Plain<'a>(&'a str);

impl std::fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use http::{HeaderMap, HeaderValue, StatusCode};
    use logon_client::Event;
    use zeroize::Zeroizing;

    fn shown(value: &str, sent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_str(value).unwrap());
        let event = Event::Received { status: StatusCode::OK, headers: &headers };
        text(&event, &[Zeroizing::new(sent.to_owned())])
    }

    #[test]
    fn credentials_that_a_server_repeats_are_not_shown() {
        let token = "TlRMTVNTUAADAAAAGAAYAHAAAAAkASQBiAAAAAgACABYAAAACgAKAGAAAAAGAAYAagAAABAAEACs";
        for echo in [format!("NTLM {token}"), token[24..60].to_owned()] {
            let text = shown(&echo, token);
            assert!(
                text.contains("repeats credentials") && !text.contains(&token[30..40]),
                "{text}"
            );
        }
        assert!(shown("harmless", token).contains("harmless"));
        assert!(shown("harmless", "").contains("harmless"));
    }
}
