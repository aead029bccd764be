//! The pages.

use super::conclusion;
use super::kerberos;
use super::leg::{Answer, Carried, Leg, Sent};
use super::page::{Block, Fact, LegBlock, Link, Page, Tone, Verdict, code, fact};
use super::token::{Bindings, Framing, Message, Mic, SeenAuthenticate, SeenToken, flag_names};
use super::tries::{AGE, Try};
use super::ways::Way;
use logon::AcceptorConfig;
use logon::wire::ntlm::{NegotiateFlags, Version};

const TITLE: &str = "Why 401?";

/// Where nobody has said which host it is.
const NO_ORIGIN: &str = "https://this.host";

/// Where a page is, and for whom.
pub(super) struct Place<'a> {
    /// The path that all pages are below.
    pub(super) path: &'a str,
    pub(super) ways: &'a [Way],
    /// `https://host` of the request, if that can be told.
    pub(super) origin: Option<String>,
    pub(super) acceptor: &'a AcceptorConfig,
}

impl Place<'_> {
    fn links(&self) -> Block {
        let link = |way: &Way| Link {
            label: way.label(),
            path: format!("{}/new/{}", self.path, way.name()),
            remark: way.remark(),
        };
        Block::Links(self.ways.iter().map(link).collect())
    }

    /// What to begin with: tickets where they are taken.
    fn first_way(&self) -> Option<Way> {
        let negotiate = self.ways.iter().find(|way| **way == Way::Negotiate);
        let negotiate = negotiate.filter(|way| self.takes_tickets(**way));
        negotiate.or(self.ways.first()).copied()
    }

    /// Elsewhere `Negotiate` is NTLM, which needs a name.
    fn takes_tickets(&self, way: Way) -> bool {
        way == Way::Negotiate && self.acceptor.kerberos_service().is_some()
    }

    fn here(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin.as_deref().unwrap_or_default(), self.path)
    }

    /// The name that was asked for, without a port.
    fn host(&self) -> &str {
        let origin = self.origin.as_deref().unwrap_or(NO_ORIGIN);
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// What decides whether a browser logs on without asking.
    fn settings(&self) -> Vec<Fact> {
        let origin = self.origin.as_deref().unwrap_or(NO_ORIGIN);
        let name = self.host();
        vec![
            code("Chrome, Edge: policy AuthServerAllowlist", name),
            code("Firefox: network.automatic-ntlm-auth.trusted-uris", origin),
            code("Firefox: network.negotiate-auth.trusted-uris", origin),
            code("Windows: Internet Options, Security, Local intranet, Sites", origin),
        ]
    }
}

/// Where everybody begins.
pub(super) fn start(place: &Place<'_>, carried: &Carried, sent: &Sent) -> Page {
    let verdict = Verdict::new(Tone::Open, "See what your browser does when it has to log on.")
        .text(
            "Choose a try. Every request of it is shown: what your browser sent, what the server \
             answered, and why. Passwords and proofs are not shown, nor kept.",
        );
    let mut facts = carried_facts(carried);
    facts.push(fact("Credentials", sent_title(sent)));
    let mut blocks = vec![
        Block::Heading("Try to log on"),
        place.links(),
        Block::Heading("This request"),
        Block::Facts(facts),
        Block::Heading("To be logged on without being asked"),
        Block::Text(
            "A browser gives the credentials of your session to hosts that it was told to trust, \
             and asks for a password elsewhere."
                .into(),
        ),
        Block::Facts(place.settings()),
    ];
    if let Some(way) = place.first_way() {
        // With a ticket, curl needs to know nobody's name.
        let user = if place.takes_tickets(way) { ":" } else { "'DOMAIN\\user'" };
        blocks.extend([
            Block::Heading("From a command line"),
            Block::Code(format!(
                "curl {} -u {user} -L -b '' {}",
                way.curl(),
                place.here(&format!("/new/{}", way.name()))
            )),
        ]);
    }
    Page { title: TITLE, verdict, blocks }
}

/// What came of a try.
pub(super) fn of_try(place: &Place<'_>, seen: &Try) -> Page {
    let service = kerberos::service_asked(seen, place.acceptor);
    let verdict = conclusion::of(seen, service.is_some());
    let mut blocks = Vec::new();
    if verdict.settings {
        blocks.extend([Block::Heading("Browser settings"), Block::Facts(place.settings())]);
    }
    let why = service.and_then(|it| kerberos::why_no_ticket(seen, place.host(), &it));
    if let Some((heading, causes)) = why {
        blocks.extend([Block::Heading(heading), Block::List(causes)]);
    }
    let remarks = conclusion::remarks(seen);
    if !remarks.is_empty() {
        blocks.extend([Block::Heading("Also"), Block::List(remarks)]);
    }
    blocks.push(Block::Heading("What happened"));
    for (index, leg) in seen.legs.iter().enumerate() {
        blocks.push(Block::Leg(leg_block(index.saturating_add(1), leg)));
    }
    if let Some(proven) = seen.legs.last().and_then(|leg| leg.answer.proven.as_ref()) {
        blocks.push(Block::Heading("How it was proven"));
        let mut facts = vec![
            fact("Account", proven.account.clone()),
            fact("Scheme", proven.scheme.to_string()),
        ];
        facts.extend(proven.mechanism.map(|it| fact("Mechanism", it.to_string())));
        facts.extend([
            fact("Integrity (MIC)", proven.mic),
            fact("Channel bindings", proven.bindings),
        ]);
        if !proven.target_name.is_empty() {
            facts.push(fact("Service name", proven.target_name.clone()));
        }
        blocks.push(Block::Facts(facts));
    }
    let mut facts = vec![fact("Begun", time(seen))];
    if let Some(last) = seen.legs.last() {
        facts.extend(last.carried.user_agent.clone().map(|agent| fact("Client", agent)));
    }
    let minutes = AGE.as_secs() / 60;
    blocks.extend([
        Block::Heading("For the administrator"),
        Block::Text(format!(
            "This link shows the same for {minutes} minutes, without a logon; whoever has it sees \
             the names above. The server's log has a line for each logon: look for the moment and \
             the number of the connection."
        )),
        Block::Code(place.here(&format!("/show/{}", seen.id.as_str()))),
        Block::Facts(facts),
        Block::Heading("Try again"),
        place.links(),
    ]);
    Page { title: TITLE, verdict, blocks }
}

/// There is no such try, or it is somebody else's.
pub(super) fn gone(place: &Place<'_>, why: &str) -> Page {
    let verdict = Verdict::new(Tone::Open, "This try cannot be shown.").text(why);
    Page { title: TITLE, verdict, blocks: vec![Block::Heading("Try again"), place.links()] }
}

fn time(seen: &Try) -> String {
    humantime::format_rfc3339_seconds(seen.begun_at).to_string()
}

fn leg_block(number: usize, leg: &Leg) -> LegBlock {
    let Leg { after, carried, sent, answer } = leg;
    let mut facts = carried_facts(carried);
    // It is the same in every request.
    facts.retain(|fact| fact.name != "Client");
    facts.push(fact("After", format!("{} ms", after.as_millis())));
    facts.extend(sent_facts(sent));
    LegBlock {
        number,
        request: sent_title(sent),
        answer: answer_title(answer),
        tone: match answer {
            Answer { proven: Some(_), .. } => Tone::Good,
            answer if answer.failed() => Tone::Bad,
            _ => Tone::Open,
        },
        facts,
        answer_facts: answer_facts(answer),
    }
}

fn carried_facts(carried: &Carried) -> Vec<Fact> {
    let tls = if carried.secure { "TLS" } else { "no TLS" };
    let number = match carried.connection {
        0 => "unknown".into(),
        number => format!("number {number}"),
    };
    let mut facts = vec![fact("Connection", format!("{number}, {}, {tls}", carried.http()))];
    for (name, value) in &carried.intermediaries {
        facts.push(code(format!("Proxy: {name}"), value.clone()));
    }
    facts.extend(carried.user_agent.clone().map(|agent| fact("Client", agent)));
    facts
}

fn sent_title(sent: &Sent) -> String {
    match sent {
        Sent::Nothing => "no credentials".into(),
        Sent::Unreadable(why) => format!("credentials that cannot be read: {why}"),
        Sent::Token(scheme, token) => format!("{scheme}: {}", token.name()),
        Sent::Digest(_) => "Digest".into(),
        Sent::Basic(_) => "Basic".into(),
        Sent::Other(scheme) => format!("credentials of another scheme, {scheme}"),
    }
}

fn answer_title(answer: &Answer) -> String {
    match answer {
        Answer { proven: Some(proven), .. } => format!("logged on as {}", proven.account),
        Answer { continues: true, status, .. } => format!("{status} with a challenge"),
        Answer { explanation: Some(explanation), status, .. } => {
            format!("{status} {}", explanation.code())
        }
        Answer { status, .. } => status.to_string(),
    }
}

fn sent_facts(sent: &Sent) -> Vec<Fact> {
    match sent {
        Sent::Nothing | Sent::Unreadable(_) | Sent::Other(_) => Vec::new(),
        Sent::Basic(user) => {
            vec![fact("User", user.clone().unwrap_or_else(|| "(not readable)".into()))]
        }
        Sent::Digest(parameters) => {
            parameters.iter().map(|(name, value)| fact(*name, value.clone())).collect()
        }
        Sent::Token(_, token) => token_facts(token),
    }
}

fn token_facts(token: &SeenToken) -> Vec<Fact> {
    let mut facts = vec![fact("Token", format!("{} bytes, {}", token.length, framing(token)))];
    match &token.framing {
        Framing::Init { mechanisms } => facts.push(fact("Mechanisms", mechanisms.join(", "))),
        Framing::Resp { state, mechanism, mech_list_mic } => {
            facts.extend(state.map(|state| fact("State", state)));
            facts.extend(mechanism.clone().map(|mechanism| fact("Mechanism", mechanism)));
            facts
                .extend(mech_list_mic.then(|| fact("List of mechanisms", "secured (mechListMIC)")));
        }
        Framing::Bare => {}
    }
    match &token.message {
        Message::None => {}
        Message::Negotiate { flags, domain, workstation, version } => {
            facts.extend(name_fact("Domain", domain));
            facts.extend(name_fact("Workstation", workstation));
            facts.extend(version_fact(*version));
            facts.push(flags_fact(*flags));
        }
        Message::Challenge { flags, target_name, av_pairs, version } => {
            facts.extend(name_fact("Domain", target_name));
            facts.push(code("AV pairs", av_pairs.join("\n")));
            facts.extend(version_fact(*version));
            facts.push(flags_fact(*flags));
        }
        Message::Authenticate(message) => facts.extend(authenticate_facts(message)),
        Message::Other(name) => facts.push(fact("Message", name.clone())),
        Message::Malformed(why) => facts.push(fact("Not readable", why.clone())),
    }
    facts
}

fn authenticate_facts(message: &SeenAuthenticate) -> Vec<Fact> {
    let empty = |text: &str| if text.is_empty() { "(none)".into() } else { text.to_owned() };
    let mut facts = vec![
        fact("Domain", empty(&message.domain)),
        fact("User", empty(&message.user)),
        fact("Workstation", empty(&message.workstation)),
        fact("Response", message.nt_response),
        fact("LM response", message.lm_response),
    ];
    facts.push(fact(
        "Integrity (MIC)",
        match message.mic {
            Mic::Present => "present",
            Mic::Stripped => "announced, but absent",
            Mic::Absent => "none",
        },
    ));
    if let Some(bindings) = message.bindings {
        let text = match bindings {
            Bindings::Present => "present",
            Bindings::Zero => "all zero: the client knows bindings, and has no TLS to bind to",
            Bindings::Absent => "none",
        };
        facts.push(fact("Channel bindings", text));
    }
    if let Some(name) = &message.target_name {
        facts.push(code("Service name (SPN)", name.clone()));
    }
    if !message.av_pairs.is_empty() {
        facts.push(code("AV pairs", message.av_pairs.join("\n")));
    }
    facts.extend(version_fact(message.version));
    facts.extend(message.flags.map(flags_fact));
    facts
}

fn framing(token: &SeenToken) -> &'static str {
    match (&token.framing, &token.message) {
        (Framing::Init { .. } | Framing::Resp { .. }, _) => "within SPNEGO",
        (Framing::Bare, Message::Malformed(_) | Message::Other(_)) => "alone",
        (Framing::Bare, _) => "NTLM without SPNEGO",
    }
}

fn name_fact(name: &'static str, value: &str) -> Option<Fact> {
    (!value.is_empty()).then(|| fact(name, value))
}

fn version_fact(version: Option<Version>) -> Option<Fact> {
    let version = version.filter(|version| version.0 != [0; 8])?;
    Some(fact("Version", version.to_string()))
}

fn flags_fact(flags: NegotiateFlags) -> Fact {
    code("Flags", flag_names(flags))
}

fn answer_facts(answer: &Answer) -> Vec<Fact> {
    let mut facts = vec![fact("Status", answer.status.to_string())];
    if !answer.offered.is_empty() && !answer.continues {
        facts.push(fact("Offered", answer.offered.join(", ")));
    }
    if answer.http_1_1_required {
        facts.push(fact("HTTP/2", "the stream is reset with HTTP_1_1_REQUIRED"));
    }
    facts.extend(answer.challenge.as_ref().map(token_facts).unwrap_or_default());
    if let Some(explanation) = answer.explanation {
        facts.push(code("Code", explanation.code()));
        facts.push(fact("Cause", explanation.cause()));
    }
    facts.extend(answer.detail.clone().map(|detail| fact("In detail", detail)));
    facts
}
