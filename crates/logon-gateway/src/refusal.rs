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
    /// No route leads there.
    NoRoute,
    /// There is no application to pass the request to.
    NoUpstream,
    /// The application's address does not answer.
    Connect,
    /// TLS with the application failed.
    Tls,
    /// The application took too long.
    Timeout,
    /// The application closed the connection in the middle.
    Closed,
    /// What the application sent is no answer of HTTP.
    BadAnswer,
    /// The client did not send the body that it announced.
    ClientBody,
}

impl Refusal {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::NotAllowed,
        Self::NoRoute,
        Self::NoUpstream,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Closed,
        Self::BadAnswer,
        Self::ClientBody,
    ];

    /// The code: one word, which stays what it is.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::NotAllowed => "GATEWAY_NOT_ALLOWED",
            Self::NoRoute => "GATEWAY_NO_ROUTE",
            Self::NoUpstream => "GATEWAY_NO_UPSTREAM",
            Self::Connect => "GATEWAY_UPSTREAM_CONNECT",
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
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::NoUpstream | Self::Connect | Self::Tls | Self::Closed | Self::BadAnswer => {
                StatusCode::BAD_GATEWAY
            }
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::ClientBody => StatusCode::BAD_REQUEST,
        }
    }

    /// Why it is so.
    pub(crate) const fn cause(self) -> &'static str {
        match self {
            Self::NotAllowed => {
                "The logon is good, and the route does not let this user in: neither the name nor \
                 a group is on its list."
            }
            Self::NoRoute => "No route of the configuration is for this host and path.",
            Self::NoUpstream => {
                "There is no application to pass the request to: none is configured, or all are \
                 marked as down."
            }
            Self::Connect => {
                "The application cannot be reached: its name is not known, or nobody listens at \
                 its address."
            }
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
            Self::NoUpstream => "Look at the application first, then at the route's upstream.",
            Self::Connect => {
                "See whether the application runs, and try its address from this machine: curl -v."
            }
            Self::Tls => {
                "The log says what is wrong with the certificate. Renew it, or have the gateway \
                 trust its authority; name the upstream as the certificate does."
            }
            Self::Timeout => {
                "See what the application is busy with; for requests that take long on purpose, \
                 raise the route's limit."
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
