//! "It always asks for the password": why.

use super::leg::Leg;
use crate::doctor::report::Findings;
use logon::http::Scheme;

const TOPIC: &str = "prompt";

/// What was seen at a URL.
pub(super) struct Seen {
    pub(super) status: u16,
    /// The values of `WWW-Authenticate`.
    pub(super) offers: Vec<String>,
    /// Whether a second request went over the connection of the first.
    pub(super) stays: bool,
    pub(super) http2: bool,
    pub(super) legs: Vec<(Scheme, Leg)>,
}

/// Whether one of the values offers this scheme. A value may have several, after commas.
pub(super) fn offers(values: &[String], scheme: Scheme) -> bool {
    let parts = values.iter().flat_map(|value| value.split(','));
    let mut names = parts.filter_map(|part| part.split_whitespace().next());
    names.any(|name| name.eq_ignore_ascii_case(scheme.name()))
}

pub(super) fn say(seen: &Seen, out: &mut Findings) {
    match seen.status {
        401 => unauthorized(seen, out),
        407 => out.fail(
            TOPIC,
            "407: a proxy on the way wants a logon of its own",
            "go around it for this host, or log on to it first",
        ),
        500.. => out.fail(
            TOPIC,
            format_args!("{}: the server has trouble, not the logon", seen.status),
            "look at its log",
        ),
        _ => out.note(
            TOPIC,
            format_args!("{}: no logon is asked for here", seen.status),
            "give a URL that needs one, to see how that goes",
        ),
    }
}

fn unauthorized(seen: &Seen, out: &mut Findings) {
    if seen.offers.is_empty() {
        return out.fail(
            TOPIC,
            "401 without WWW-Authenticate: no client can log on",
            "something in between removes the field, or the application answers 401 by itself",
        );
    }
    let before = out.0.len();
    if seen.legs.is_empty() {
        let names = seen.offers.iter().filter_map(|offer| offer.split_whitespace().next());
        let names: Vec<&str> = names.map(|name| name.trim_end_matches(',')).collect();
        return out.warn(
            TOPIC,
            format_args!("only {} offered: browsers always ask for a password", names.join(", ")),
            "enable Negotiate and NTLM in `schemes`",
        );
    }
    for (scheme, leg) in &seen.legs {
        of_leg(*scheme, leg, out);
    }
    if seen.http2 {
        out.note(
            TOPIC,
            "HTTP/2 is spoken here, where Negotiate and NTLM cannot be used",
            "browsers come back over HTTP/1.1 (curl needs --http1.1); if what speaks HTTP/2 is a \
             proxy in front, let it speak HTTP/1.1 for this host",
        );
    }
    if !seen.stays {
        out.note(
            TOPIC,
            "the connection is closed after a 401 without a token",
            "it costs a connection; it does not break the logon",
        );
    }
    if out.0.get(before..).is_some_and(|new| new.iter().all(|finding| finding.todo.is_none())) {
        out.note(
            TOPIC,
            "nothing at this URL makes a browser ask again and again",
            "if one does: it does not trust the host (see below), the name or password is wrong \
             (the log says so), or something in front of the gateway speaks TLS with another \
             certificate (`tls_in_front`)",
        );
    }
}

fn of_leg(scheme: Scheme, leg: &Leg, out: &mut Findings) {
    match leg {
        Leg::Challenge(names) if names.stays => {
            out.ok(TOPIC, format_args!("{scheme}: the connection stays after the CHALLENGE"));
        }
        Leg::Challenge(_) => out.fail(
            TOPIC,
            format_args!("{scheme}: the connection is closed after the CHALLENGE"),
            "the exchange ends there: what is in between has to keep connections alive \
             (nginx: `proxy_http_version 1.1`, `Connection \"\"`)",
        ),
        Leg::Lost => out.fail(
            TOPIC,
            format_args!("{scheme}: the NEGOTIATE is answered as if it had not been sent"),
            "a proxy in between drops Authorization, or the server does not speak what it offers: \
             forward `Authorization` unchanged",
        ),
        Leg::Strange(error) => out.fail(
            TOPIC,
            format_args!("{scheme}: the NEGOTIATE is answered by no CHALLENGE: {error}"),
            "does this server want Kerberos only? `logon decode` shows its token",
        ),
        Leg::Status(status) => out.fail(
            TOPIC,
            format_args!("{scheme}: the NEGOTIATE is answered {status}, not 401"),
            "what is in between answers by itself, or does not take long fields: look at its log",
        ),
        Leg::Broken(trouble) => out.fail(
            TOPIC,
            format_args!("{scheme}: the NEGOTIATE is not answered: {trouble}"),
            "what is in between ends connections that carry a token: look at its log",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::leg::{Leg, Names};
    use super::{Seen, offers, say};
    use crate::doctor::report::{Findings, Level};
    use logon::http::Scheme;

    fn seen(status: u16, offers: &[&str], leg: Option<Leg>) -> Seen {
        Seen {
            status,
            offers: offers.iter().map(ToString::to_string).collect(),
            stays: true,
            http2: false,
            legs: leg.map(|leg| (Scheme::Ntlm, leg)).into_iter().collect(),
        }
    }

    /// The findings, with their level and what they say.
    fn findings(seen: &Seen) -> Vec<(Level, String)> {
        let mut out = Findings::default();
        say(seen, &mut out);
        out.0.into_iter().map(|finding| (finding.level, finding.found)).collect()
    }

    #[track_caller]
    fn assert_first(seen: &Seen, level: Level, words: &str) {
        let found = findings(seen);
        let first = &found[0];
        assert!(first.0 == level && first.1.contains(words), "{found:?}");
    }

    fn challenge(stays: bool) -> Option<Leg> {
        Some(Leg::Challenge(Names { stays, ..Names::default() }))
    }

    #[test]
    fn every_way_to_be_asked_for_ever_is_told_apart() {
        let ntlm: &[&str] = &["NTLM"];
        for (seen, level, words) in [
            (seen(401, &[], None), Level::Fail, "without WWW-Authenticate"),
            (seen(401, &["Basic realm=\"x\""], None), Level::Warn, "only Basic"),
            (seen(401, ntlm, challenge(false)), Level::Fail, "closed after the CHALLENGE"),
            (seen(401, ntlm, Some(Leg::Lost)), Level::Fail, "as if it had not been sent"),
            (seen(401, ntlm, Some(Leg::Status(502))), Level::Fail, "answered 502"),
            (seen(401, ntlm, Some(Leg::Strange("x".into()))), Level::Fail, "no CHALLENGE"),
            (seen(401, ntlm, Some(Leg::Broken("x".into()))), Level::Fail, "not answered"),
            (seen(407, &[], None), Level::Fail, "proxy"),
            (seen(502, &[], None), Level::Fail, "trouble"),
            (seen(200, &[], None), Level::Note, "no logon is asked for"),
            (seen(401, ntlm, challenge(true)), Level::Ok, "stays after the CHALLENGE"),
        ] {
            assert_first(&seen, level, words);
        }
    }

    #[test]
    fn what_is_well_at_the_server_points_to_the_browser() {
        let found = findings(&seen(401, &["NTLM"], challenge(true)));
        assert!(found[1].1.starts_with("nothing at this URL"), "{found:?}");
        let http2 = Seen { http2: true, ..seen(401, &["NTLM"], challenge(true)) };
        assert!(findings(&http2)[1].1.starts_with("HTTP/2"));
        let closing = Seen { stays: false, ..seen(401, &["NTLM"], challenge(true)) };
        assert!(findings(&closing)[1].1.starts_with("the connection is closed after a 401"));
    }

    #[test]
    fn offers_are_found_in_one_field_and_in_several() {
        let values = ["Negotiate, NTLM".to_owned(), "Digest realm=\"x\", nonce=\"y\"".to_owned()];
        assert!(Scheme::INTEGRATED.iter().all(|scheme| offers(&values, *scheme)));
        assert!(offers(&values, Scheme::Digest) && !offers(&values, Scheme::Basic));
    }
}
