//! Why the gateway itself did not serve a request, beside the reasons of a logon
//! ([`logon::http::Explanation`]): a code, its cause, its remedy. `docs/refusals.md` has both.

use http::StatusCode;
use std::fmt;

/// Why the gateway did not serve a request. For the log and the administrator: the client learns
/// the status alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    /// Whoever has logged on may not come here, by name or by group.
    NotAllowed,
    /// The application cannot be told who has logged on: the name fits no field.
    Untellable,
    /// It cannot be told which host the request is for.
    BadHost,
    /// No route leads there.
    NoRoute,
    /// `CONNECT`, which is for proxies, or `TRACE`, which would show the client what the
    /// application is told of it.
    Method,
    /// The request contradicts itself about its length.
    Framing,
    /// The request has a transfer coding other than `chunked`.
    Coding,
    /// The client did not send the body that it announced.
    ClientBody,
    /// Nothing answers at any of the application's addresses.
    NoUpstream,
    /// The application cannot be connected to in time.
    ConnectTimeout,
    /// TLS with the application failed.
    Tls,
    /// The application took too long.
    Timeout,
    /// The application closed the connection without an answer.
    Closed,
    /// What the application sent is no answer of HTTP.
    BadAnswer,
}

impl Refusal {
    /// All of them.
    pub(crate) const ALL: [Self; 14] = [
        Self::NotAllowed,
        Self::Untellable,
        Self::BadHost,
        Self::NoRoute,
        Self::Method,
        Self::Framing,
        Self::Coding,
        Self::ClientBody,
        Self::NoUpstream,
        Self::ConnectTimeout,
        Self::Tls,
        Self::Timeout,
        Self::Closed,
        Self::BadAnswer,
    ];

    /// The code: one word, which stays what it is.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::NotAllowed => "GATEWAY_NOT_ALLOWED",
            Self::Untellable => "GATEWAY_UNTELLABLE_USER",
            Self::BadHost => "GATEWAY_BAD_HOST",
            Self::NoRoute => "GATEWAY_NO_ROUTE",
            Self::Method => "GATEWAY_METHOD",
            Self::Framing => "GATEWAY_FRAMING",
            Self::Coding => "GATEWAY_TRANSFER_CODING",
            Self::NoUpstream => "GATEWAY_NO_UPSTREAM",
            Self::ConnectTimeout => "GATEWAY_UPSTREAM_CONNECT_TIMEOUT",
            Self::Tls => "GATEWAY_UPSTREAM_TLS",
            Self::Timeout => "GATEWAY_UPSTREAM_TIMEOUT",
            Self::Closed => "GATEWAY_UPSTREAM_CLOSED",
            Self::BadAnswer => "GATEWAY_UPSTREAM_BAD_ANSWER",
            Self::ClientBody => "GATEWAY_CLIENT_BODY",
        }
    }

    /// The status that is sent ([RFC 9110] §15.5, §15.6).
    ///
    /// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::Untellable => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadHost | Self::Framing | Self::ClientBody => StatusCode::BAD_REQUEST,
            Self::Coding => StatusCode::NOT_IMPLEMENTED,
            Self::NoUpstream => StatusCode::SERVICE_UNAVAILABLE,
            Self::Tls | Self::Closed | Self::BadAnswer => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// What the client may read.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NotAllowed => "You are logged on, and not allowed here.\n",
            Self::Untellable => "The application cannot be told who you are.\n",
            Self::BadHost => "The request does not say which host it is for.\n",
            Self::NoRoute => "There is nothing here.\n",
            Self::Method => "This method is not allowed here.\n",
            Self::Framing => "The request contradicts itself about its length.\n",
            Self::Coding => "This transfer coding is not understood.\n",
            Self::ClientBody => "The request was not complete.\n",
            Self::NoUpstream => "The application is not available at the moment.\n",
            Self::ConnectTimeout | Self::Timeout => "The application does not answer in time.\n",
            Self::Tls | Self::Closed | Self::BadAnswer => {
                "The application did not give an answer that can be passed on.\n"
            }
        }
    }

    /// Whether the client is to blame: the operator's log is not for strangers to fill.
    pub(crate) const fn is_clients(self) -> bool {
        matches!(
            self,
            Self::BadHost
                | Self::NoRoute
                | Self::Method
                | Self::Framing
                | Self::Coding
                | Self::ClientBody
        )
    }

    /// Why it is so.
    pub(crate) const fn cause(self) -> &'static str {
        match self {
            Self::NotAllowed => {
                "The logon is good, and the route does not let this user in: neither the name nor \
                 a group is on its list."
            }
            Self::NoRoute => "No route of the configuration is for this host and path.",
            Self::Untellable => {
                "The user's name has characters that no field of HTTP can carry, or lacks the form \
                 that the configuration asks for."
            }
            Self::BadHost => {
                "The request names no host, several, or something that is none. Browsers do not do \
                 that."
            }
            Self::Method => {
                "CONNECT is for proxies that clients know of; TRACE would give the client what \
                 only the application is to see."
            }
            Self::Framing => {
                "The request says two things of its length, as attempts to smuggle another request \
                 past a gateway do."
            }
            Self::Coding => "The request has a transfer coding other than chunked.",
            Self::NoUpstream => {
                "None of the application's addresses can be reached: a name is not known, or \
                 nobody listens there."
            }
            Self::ConnectTimeout => "A connection to the application was not to be had in time.",
            Self::Tls => {
                "TLS with the application failed; mostly its certificate is of another name, has \
                 expired, or is of an authority that is not trusted here."
            }
            Self::Timeout => "The application did not answer in time.",
            Self::Closed => "The application closed the connection before its answer was complete.",
            Self::BadAnswer => "What the application sent is no answer of HTTP/1.1.",
            Self::ClientBody => {
                "The client went away, or broke off, before it had sent the body that it announced."
            }
        }
    }

    /// What can be done about it.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::NotAllowed => {
                "Compare the account in the log with the users and groups of the route. Names \
                 count as the store writes them, DOMAIN\\user."
            }
            Self::NoRoute => {
                "Add a route, or look at the host: a proxy in front has to pass the Host field on."
            }
            Self::Untellable => {
                "The log names the account. Rename it, or choose another format or a token under \
                 [identity]."
            }
            Self::BadHost => "Look at what stands between client and gateway, and writes the Host.",
            Self::Method => "Nothing is to be done; no application behind a gateway needs these.",
            Self::Framing | Self::Coding => {
                "Nothing is to be done about a single one. Many come from an attack, or from a \
                 proxy in between that is broken."
            }
            Self::NoUpstream => {
                "See whether the application runs, and try its address from this machine: curl -v."
            }
            Self::ConnectTimeout => {
                "See whether a firewall is between, and whether the application accepts \
                 connections at all: curl -v."
            }
            Self::Tls => {
                "The log says what is wrong with the certificate. Renew it, or have the gateway \
                 trust its authority; name the upstream as the certificate does."
            }
            Self::Timeout => {
                "See what the application is busy with; for requests that take long on purpose, \
                 raise response_timeout of the upstream."
            }
            Self::Closed => {
                "Look into the application's log at that time. If it closes idle connections, its \
                 limit has to be longer than the gateway's."
            }
            Self::BadAnswer => {
                "See whether the address is that of an HTTP server, and http or https right."
            }
            Self::ClientBody => {
                "Nothing is to be done if it happens now and then. Otherwise look at proxies and \
                 limits of time between client and gateway."
            }
        }
    }
}

/// The code and the cause, for a line of the log.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.cause())
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use logon::http::{Explanation, Status};
    use std::fmt::Write;
    use std::path::Path;
    use std::{env, fs};

    struct Entry {
        code: &'static str,
        cause: &'static str,
        remedy: &'static str,
        sent: String,
        windows: Option<String>,
    }

    fn of_logon(explanation: &Explanation) -> Entry {
        let sent = match explanation.status() {
            Some(Status::Challenge(_)) => "401; of a proxy 407".to_owned(),
            Some(status) => status.code().to_string(),
            None => "nothing: a client finds this out".to_owned(),
        };
        Entry {
            code: explanation.code(),
            cause: explanation.cause(),
            remedy: explanation.remedy(),
            sent,
            windows: explanation.security_status().map(|status| status.to_string()),
        }
    }

    fn of_gateway(refusal: Refusal) -> Entry {
        Entry {
            code: refusal.code(),
            cause: refusal.cause(),
            remedy: refusal.remedy(),
            sent: refusal.status().as_u16().to_string(),
            windows: None,
        }
    }

    const INTRODUCTION: &str = "\
# Why was that refused?

Every refusal has a code: one word that stays what it is, in the log (`code=`), on the diagnosis
page of `logon gateway`, and here. Clients do not learn it with their answers; the diagnosis page
tells them `LOGON_ACCOUNT_OR_PASSWORD` where more would say whether an account exists. `LOGON_…` are
reasons of a logon, `GATEWAY_…` those of `logon gateway` itself. The name in capitals behind some
statuses is what Windows calls it.

This page is written from the code; `UPDATE_DOCS=1 cargo test -p logon-gateway refusals` writes it
anew.
";

    /// Lines of at most 100 characters.
    fn wrap(text: &str) -> String {
        let mut lines = vec![String::new()];
        for word in text.split(' ') {
            let line = lines.last_mut().unwrap();
            if line.is_empty() {
                line.push_str(word);
            } else if line.chars().count() + 1 + word.chars().count() <= 100 {
                line.push(' ');
                line.push_str(word);
            } else {
                lines.push(word.to_owned());
            }
        }
        lines.join("\n")
    }

    /// What could be taken for Markdown.
    fn escape(text: &str) -> String {
        text.replace('\\', "\\\\").replace('_', "\\_").replace('*', "\\*").replace('<', "\\<")
    }

    fn page() -> String {
        let mut entries: Vec<_> = Explanation::all().iter().map(|it| of_logon(it)).collect();
        entries.extend(Refusal::ALL.map(of_gateway));
        entries.sort_by_key(|entry| entry.code);
        let mut page = INTRODUCTION.to_owned();
        for Entry { code, cause, remedy, sent, windows } in entries {
            let windows = windows.map(|windows| format!(" · `{windows}`")).unwrap_or_default();
            let cause = wrap(&escape(cause));
            let remedy = wrap(&format!("**What to do:** {}", escape(remedy)));
            write!(page, "\n## {code}\n\n{cause}\n\n{remedy}\n\nSent: {sent}{windows}\n").unwrap();
        }
        page
    }

    // BX-5
    #[test]
    fn the_page_about_refusals_says_what_the_code_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/refusals.md");
        let page = page();
        if env::var_os("UPDATE_DOCS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &page).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page,
            "docs/refusals.md is out of date: run this test with UPDATE_DOCS=1"
        );
    }

    #[test]
    fn codes_are_told_apart() {
        let mut codes: Vec<_> = Refusal::ALL.map(Refusal::code).into();
        codes.extend(Explanation::all().iter().map(|it| it.code()));
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for refusal in Refusal::ALL {
            assert!(refusal.code().starts_with("GATEWAY_"), "{refusal}");
        }
    }
}
