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
use std::fmt::Write as _;
use std::io::Write as _;

/// Writes each leg to standard error.
#[derive(Debug)]
pub(crate) struct Trace;

impl Observer for Trace {
    fn event(&self, event: Event<'_>) {
        // In one piece, so that nothing else comes in between; and if nobody reads it, so be it.
        let _ = std::io::stderr().write_all(text(&event).as_bytes());
    }
}

fn text(event: &Event<'_>) -> String {
    let mut lines = Lines { text: String::new(), mark: '*' };
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
struct Lines {
    text: String,
    mark: char,
}

impl Lines {
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
                _ if value.is_sensitive() => self.line(format_args!("{name}: (not shown)")),
                _ => self.line(format_args!("{name}: {}", Plain(&lossy(value)))),
            }
        }
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
