//! What a try comes to, in one sentence, and what to do about it.

use super::leg::{Leg, Proven, Sent};
use super::page::{Tone, Verdict};
use super::token::{Message, SeenAuthenticate};
use super::tries::{AGE, MOST_LEGS, Try};
use logon::http::Explanation;
use std::sync::Arc;

/// The conclusion. `tickets`: whether one of Kerberos would have been taken.
pub(super) fn of(seen: &Try, tickets: bool) -> Verdict {
    let Some((last, before)) = seen.legs.split_last() else {
        return Verdict::new(Tone::Open, "Nothing has come yet.")
            .text("The try was begun, and no request of it has arrived.")
            .remedy("Follow the link to the try, or begin a new one.");
    };
    let who = who(last);
    if let Some(proven) = &last.answer.proven {
        return logged_on(proven, before);
    }
    let began_anew = before.iter().rev().find(|leg| leg.answer.continues);
    let elsewhere =
        began_anew.filter(|leg| leg.carried.connection != last.carried.connection).is_some();
    if last.answer.continues {
        return if elsewhere { changed_connection(who, seen) } else { after_challenge(who, last) };
    }
    let Some(explanation) = last.answer.explanation else {
        return Verdict::new(Tone::Open, format!("The server answered {}.", last.answer.status));
    };
    if explanation == Explanation::NO_CREDENTIALS {
        let failed = before.iter().rev().find(|leg| leg.answer.failed());
        return match (began_anew, failed) {
            (Some(challenged), None) => after_challenge(who, challenged),
            (_, Some(failed)) => refused(failed, before),
            (None, None) => not_tried(who, explanation, tickets),
        };
    }
    if explanation == Explanation::HTTP_1_1_REQUIRED {
        return explained(
            Tone::Open,
            format!("{who} came over HTTP/2 and was sent back to HTTP/1.1."),
            explanation,
        );
    }
    if elsewhere && explanation.code() == "LOGON_OUT_OF_SEQUENCE" {
        return changed_connection(who, seen);
    }
    refused(last, before)
}

fn logged_on(proven: &Proven, before: &[Arc<Leg>]) -> Verdict {
    let Proven { account, scheme, mechanism, fresh, persistent, .. } = proven;
    let how = match mechanism {
        Some(mechanism) if mechanism.to_string() != scheme.name() => {
            format!("{scheme}, which was {mechanism}")
        }
        _ => scheme.to_string(),
    };
    let mut verdict =
        Verdict::new(Tone::Good, format!("You are logged on as {account}.")).text(match fresh {
            true => format!("The scheme was {how}."),
            false => format!("This connection was logged on already; the scheme was {how}."),
        });
    if mechanism.is_some_and(|mechanism| !mechanism.is_per_connection()) {
        verdict.text.push("A ticket proves one request; the next one brings it again.".into());
    } else if scheme.is_per_connection() && !persistent {
        verdict.text.push(
            "The logon counts for this request alone, because others may share the connection: \
             every request needs a logon of its own."
                .into(),
        );
    }
    let failed = before.iter().filter(|leg| leg.answer.failed()).count();
    if failed > 0 {
        let times = if failed == 1 { "Once".into() } else { format!("{failed} times") };
        verdict.text.push(format!("{times} before that a logon was refused; see below."));
    }
    if before.iter().any(|leg| leg.answer.http_1_1_required) {
        verdict.text.push(
            "HTTP/2: your browser was sent back, and came over HTTP/1.1 as it should.".into(),
        );
    }
    verdict
}

/// The client has not come back.
fn after_challenge(who: &str, challenged: &Leg) -> Verdict {
    let kerberos = challenged.sent.token().is_some_and(|token| {
        token.prefers_kerberos() && matches!(token.message, Message::Other(_) | Message::None)
    });
    if kerberos {
        return Verdict::new(
            Tone::Bad,
            format!("{who} offered Kerberos, was asked for NTLM, and sent nothing more."),
        )
        .text("It has a ticket for this host; this server speaks NTLM.")
        .remedy(
            "Look for a policy on the client that blocks NTLM (Restrict NTLM: Outgoing NTLM \
             traffic to remote servers). On Linux and macOS its GSS-API needs NTLM (the package \
             gss-ntlmssp). setspn -Q HTTP/host shows whose ticket it was.",
        );
    }
    let mut verdict = Verdict::new(Tone::Bad, format!("{who} sent nothing after the challenge."))
        .text(
            "It began a logon, got the server's challenge, and did not answer it: it found no \
                 name and password to answer with, you closed its window, or it does not trust \
                 this host with those of your session.",
        )
        .remedy(
            "If you were asked for a password, begin a new try and type it, as DOMAIN\\user. \
                 If you should not have been asked, set the browser as shown here.",
        );
    verdict.settings = true;
    verdict
}

fn not_tried(who: &str, explanation: &'static Explanation, tickets: bool) -> Verdict {
    let (text, remedy) = if tickets {
        (
            "It was offered a logon, and came with nothing: it has no ticket for this host, or does \
             not trust the host with one; or you closed the window that asks for a password.",
            "Look for the reason in the list below. To log on with a password instead, begin a new \
             try and type the name as DOMAIN\\user where a window asks for it.",
        )
    } else {
        (
            "It was offered a logon, and came with nothing: you closed the window that asks for a \
             password, or the browser has no credentials for this host and does not ask.",
            "Begin a new try and type the name as DOMAIN\\user. To be logged on without being \
             asked, set the browser as shown here.",
        )
    };
    let mut verdict = Verdict::new(Tone::Bad, format!("{who} has not tried to log on."))
        .text(text)
        .remedy(remedy);
    verdict.code = Some(explanation.code());
    verdict.settings = true;
    verdict
}

fn changed_connection(who: &str, seen: &Try) -> Verdict {
    let mut connections: Vec<_> = seen.legs.iter().map(|leg| leg.carried.connection).collect();
    connections.dedup();
    let numbers: Vec<_> = connections.iter().map(ToString::to_string).collect();
    let mut verdict = Verdict::new(Tone::Bad, "The connection changed in the middle of the logon.")
        .text(format!(
            "{who} got a challenge on one connection, and its next message came on another \
             (connections {}). NTLM needs one connection from the first message to the last.",
            numbers.join(", ")
        ))
        .remedy(
            "A proxy or load balancer in between does not keep your connection: have it keep each \
             client's connection to itself, or pass TLS through. If there is none, something closes \
             connections after each answer (virus scanner, HTTP/1.0, Connection: close).",
        );
    let last = seen.legs.last().and_then(|leg| leg.answer.explanation);
    verdict.code = last.map(Explanation::code);
    verdict
}

fn refused(leg: &Leg, before: &[Arc<Leg>]) -> Verdict {
    let Some(explanation) = leg.answer.explanation else {
        return Verdict::new(Tone::Bad, format!("The server answered {}.", leg.answer.status));
    };
    let headline = match explanation.code() {
        "LOGON_ACCOUNT_OR_PASSWORD" => match leg.sent.claimed() {
            Some(name) => format!("The name or the password was wrong, for {name}."),
            None => "The name or the password was wrong.".into(),
        },
        "LOGON_BINDINGS_REQUIRED" if !leg.carried.secure => {
            "Channel bindings are demanded here, and this is not TLS.".into()
        }
        "LOGON_BINDINGS_REQUIRED" => "The logon was not bound to its TLS connection.".into(),
        "LOGON_WRONG_BINDINGS" => "The logon was bound to another TLS connection.".into(),
        "LOGON_ZERO_BINDINGS" => "The logon was bound to no TLS connection.".into(),
        "LOGON_THROTTLED" => "Too many logons have failed.".into(),
        "LOGON_NTLM_V1" => "The client answered with NTLMv1.".into(),
        "LOGON_OTHER_SCHEME" => "The client used a scheme that is not offered here.".into(),
        "LOGON_NO_SCHEME_USABLE" => "There is no way to log on over this connection.".into(),
        "LOGON_NO_COMMON_MECHANISM" => "The client offers Kerberos alone.".into(),
        _ => match leg.answer.status {
            400.. if leg.answer.status >= 500 => "The server could not verify the logon.".into(),
            400 | 431 => "The credentials could not be read.".into(),
            _ => "The logon was refused.".to_owned(),
        },
    };
    let mut verdict = explained(Tone::Bad, headline, explanation);
    if let Some(detail) = &leg.answer.detail {
        verdict.text.push(format!("In detail: {detail}."));
    }
    if explanation.code() == "LOGON_ACCOUNT_OR_PASSWORD" {
        let message = leg.sent.token().and_then(|token| token.authenticate());
        verdict.text.extend(message.and_then(own_domain));
        let same = before.iter().filter(|leg| leg.answer.explanation == Some(explanation)).count();
        if same > 0 {
            verdict.text.push(format!("It was refused {} times.", same.saturating_add(1)));
        }
    }
    verdict
}

/// Who types a name alone logs on to their own computer.
fn own_domain(message: &SeenAuthenticate) -> Option<String> {
    let SeenAuthenticate { domain, workstation, user, .. } = message;
    if domain.is_empty() {
        return Some("The client sent no domain; type DOMAIN\\user.".into());
    }
    domain.eq_ignore_ascii_case(workstation).then(|| {
        format!("{domain} is the client's own computer, not a domain: type DOMAIN\\{user}.")
    })
}

fn explained(tone: Tone, headline: String, explanation: &'static Explanation) -> Verdict {
    let mut verdict =
        Verdict::new(tone, headline).text(explanation.cause()).remedy(explanation.remedy());
    verdict.code = Some(explanation.code());
    verdict
}

/// What else is worth knowing, whatever came of the try.
pub(super) fn remarks(seen: &Try) -> Vec<String> {
    let mut remarks = Vec::new();
    let legs = || seen.legs.iter();
    if legs().any(|leg| !leg.carried.intermediaries.is_empty()) {
        remarks.push(
            "A proxy is in between. Unless it is listed as trusted, a logon counts for one request \
             alone, because the proxy may send those of several clients over one connection."
                .into(),
        );
    }
    let plain_basic = |leg: &Arc<Leg>| matches!(leg.sent, Sent::Basic(_)) && !leg.carried.secure;
    if legs().any(plain_basic) {
        remarks.push("Basic sends the password readable to all, and this was not TLS.".into());
    }
    if legs().any(|leg| leg.carried.http() == "HTTP/1.0") {
        remarks.push("HTTP/1.0 closes the connection behind each answer, which ends NTLM.".into());
    }
    let message = seen.legs.iter().rev().find_map(|leg| leg.sent.token()?.authenticate());
    if let Some(message) = message.filter(|message| message.nt_response.starts_with("NTLMv1")) {
        remarks.push(format!(
            "The client's response is {}; see LmCompatibilityLevel there.",
            message.nt_response
        ));
    }
    if seen.more > 0 {
        let minutes = AGE.as_secs() / 60;
        remarks.push(format!(
            "{} more requests came than are shown: after {MOST_LEGS} in {minutes} minutes a client \
             goes round in circles.",
            seen.more
        ));
    }
    remarks
}

fn who(leg: &Leg) -> &'static str {
    let agent = leg.carried.user_agent.as_deref().unwrap_or_default();
    if agent.contains("Mozilla") { "Your browser" } else { "Your client" }
}
