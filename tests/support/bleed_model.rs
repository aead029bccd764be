//! Who may be reported on a request, in as few words as it can be said. It knows nothing of
//! tokens: only which challenge a proof is for, and whether its password is right.

use crate::bleed_steps::{Client, Demand, Form, SCHEMES, Setting, StoreAnswer, Who};
use logon::http::{Carrier, Requirement, Scheme};

/// The number of a challenge, counted over all connections.
pub(crate) type Serial = usize;

/// One connection.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) state: State,
    /// The worst that was ever seen.
    carrier: Carrier,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum State {
    Nobody,
    Challenged { serial: Serial, scheme: Scheme, form: Form, at: u64 },
    Waiting(Waiting),
    LoggedOn { who: Who, scheme: Scheme, at: u64 },
}

/// A proof that the store has to be asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) scheme: Scheme,
    who: Who,
    right: bool,
    proof: Proof,
    requirement: Requirement,
}

#[derive(Debug, Clone, Copy)]
enum Proof {
    /// For a challenge that was sent at this time.
    Exchange(u64),
    Password,
    Digest(Option<Nonce>),
}

/// A nonce and how often it was used before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nonce {
    pub(crate) number: usize,
    pub(crate) count: u32,
    /// When it was sent.
    pub(crate) at: u64,
}

/// The nonces that were used, and how often: the server's, for all its connections.
pub(crate) type Used = std::collections::HashSet<(usize, u32)>;

/// What a request's credentials are worth.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Claim {
    None,
    First {
        scheme: Scheme,
        form: Form,
        serial: Serial,
    },
    Second {
        scheme: Scheme,
        form: Form,
        serial: Option<Serial>,
        client: Client,
    },
    Garbage(Scheme),
    Malformed(Scheme),
    /// Not to be read at all.
    Unreadable,
    Foreign,
    Basic(Client),
    /// With a nonce of this server's, or of another.
    Digest(Client, Option<Nonce>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) claim: Claim,
    pub(crate) demand: Demand,
    pub(crate) carrier: Carrier,
    pub(crate) secure: bool,
    pub(crate) preflight: bool,
    pub(crate) now: u64,
    /// Whether one more exchange may begin, besides those of the other connections.
    pub(crate) room: bool,
}

/// What has to come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The application sees it, from this user.
    Passes(Option<Reported>),
    /// The store is asked for this user.
    Asks(Who),
    /// 401, with the token of an exchange that goes on.
    Challenges,
    Refuses(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported {
    pub(crate) who: Who,
    pub(crate) fresh: bool,
    pub(crate) persistent: bool,
}

const CHALLENGE_LIFETIME: u64 = 120;
const NONCE_LIFETIME: u64 = 300;
const ANONYMOUS: Expected = Expected::Passes(None);

impl Model {
    pub(crate) fn new() -> Self {
        Self { state: State::Nobody, carrier: Carrier::Exclusive }
    }

    pub(crate) fn logged_on(&self) -> Option<Who> {
        match self.state {
            State::LoggedOn { who, .. } => Some(who),
            _ => None,
        }
    }

    /// Whether an exchange is under way.
    pub(crate) fn in_exchange(&self) -> bool {
        match self.state {
            State::Challenged { .. } => true,
            State::Waiting(waiting) => waiting.scheme.is_per_connection(),
            _ => false,
        }
    }

    pub(crate) fn forget(&mut self) {
        self.state = State::Nobody;
    }

    pub(crate) fn request(&mut self, asked: &Asked, setting: &Setting) -> Expected {
        // Somebody who shares a connection has no logon on it.
        self.carrier = self.carrier.max(asked.carrier);
        if self.carrier != Carrier::Exclusive && self.logged_on().is_some() {
            self.forget();
        }
        let demand = asked.demand;
        let preflight = asked.preflight && demand.preflight_passes;
        if demand.requirement == Requirement::Off || preflight {
            return ANONYMOUS;
        }
        // One thing alone keeps what there is: to say nothing on a connection that is logged on.
        let before = std::mem::replace(&mut self.state, State::Nobody);
        match asked.claim {
            Claim::None => self.plain(before, asked, setting),
            Claim::Unreadable => Expected::Refuses(400),
            Claim::Foreign if demand.bearer_passes => ANONYMOUS,
            Claim::Foreign => without(asked),
            claim => {
                let scheme = claim.scheme();
                if !SCHEMES[demand.schemes].contains(&scheme) {
                    return without(asked);
                }
                if scheme == Scheme::Basic && !asked.secure {
                    return without(asked);
                }
                if scheme.is_per_connection() && self.carrier == Carrier::Multiplexed {
                    return Expected::Refuses(401);
                }
                self.prove(before, claim, asked)
            }
        }
    }

    fn plain(&mut self, before: State, asked: &Asked, setting: &Setting) -> Expected {
        let State::LoggedOn { who, scheme, at } = before else { return without(asked) };
        let young = |most| asked.now.checked_sub(at).is_some_and(|age| age <= most);
        if !setting.identity_lifetime.is_none_or(young) {
            return without(asked);
        }
        self.state = before;
        if !SCHEMES[asked.demand.schemes].contains(&scheme) {
            return without(asked);
        }
        Expected::Passes(Some(Reported { who, fresh: false, persistent: true }))
    }

    fn prove(&mut self, before: State, claim: Claim, asked: &Asked) -> Expected {
        let requirement = asked.demand.requirement;
        let room = |expected| if asked.room { expected } else { Expected::Refuses(503) };
        match claim {
            Claim::Malformed(_) => Expected::Refuses(400),
            Claim::Basic(Client { who, right }) => self.ask(Waiting {
                scheme: Scheme::Basic,
                who,
                right,
                proof: Proof::Password,
                requirement,
            }),
            Claim::Digest(Client { who, right }, nonce) => {
                let proof = Proof::Digest(nonce);
                self.ask(Waiting { scheme: Scheme::Digest, who, right, proof, requirement })
            }
            Claim::First { scheme, form, serial } => {
                if asked.room {
                    self.state = State::Challenged { serial, scheme, form, at: asked.now };
                }
                room(Expected::Challenges)
            }
            claim => {
                let State::Challenged { serial, scheme, form, at } = before else {
                    return room(refused(requirement));
                };
                if scheme != claim.scheme() {
                    return room(refused(requirement));
                }
                match claim {
                    Claim::Second { form: given, serial: proven, client, .. } if given == form => {
                        let right = client.right && proven == Some(serial);
                        let (who, proof) = (client.who, Proof::Exchange(at));
                        self.ask(Waiting { scheme, who, right, proof, requirement })
                    }
                    _ => refused(requirement),
                }
            }
        }
    }

    fn ask(&mut self, waiting: Waiting) -> Expected {
        self.state = State::Waiting(waiting);
        Expected::Asks(waiting.who)
    }

    /// The store has answered; `None` if nobody had asked.
    pub(crate) fn answered(
        &mut self,
        answer: StoreAnswer,
        now: u64,
        setting: &Setting,
        used: &mut Used,
    ) -> Option<Expected> {
        let State::Waiting(waiting) = self.state else { return None };
        self.forget();
        let Waiting { scheme, who, right, proof, requirement } = waiting;
        Some(match (answer, proof) {
            (StoreAnswer::OutOfReach, _) => Expected::Refuses(503),
            (StoreAnswer::Unknown | StoreAnswer::Refused, _) => refused(requirement),
            _ if !right => refused(requirement),
            (_, Proof::Exchange(at)) => {
                if now.checked_sub(at).is_some_and(|age| age > CHALLENGE_LIFETIME) {
                    return Some(refused(requirement));
                }
                let persistent = setting.persistent && self.carrier == Carrier::Exclusive;
                if persistent {
                    self.state = State::LoggedOn { who, scheme, at: now };
                }
                Expected::Passes(Some(Reported { who, fresh: true, persistent }))
            }
            (_, Proof::Password) => this_once(who),
            (_, Proof::Digest(nonce)) => {
                let young = nonce.filter(|nonce| nonce.at.abs_diff(now) <= NONCE_LIFETIME);
                match young {
                    Some(Nonce { number, count, .. }) if used.insert((number, count)) => {
                        this_once(who)
                    }
                    // The client is told to take another nonce.
                    _ => Expected::Refuses(401),
                }
            }
        })
    }

    /// `None` if nobody had asked.
    pub(crate) fn throttled(&mut self) -> Option<Expected> {
        let State::Waiting(_) = self.state else { return None };
        self.forget();
        Some(Expected::Refuses(429))
    }
}

impl Claim {
    fn scheme(self) -> Scheme {
        match self {
            Self::First { scheme, .. }
            | Self::Second { scheme, .. }
            | Self::Garbage(scheme)
            | Self::Malformed(scheme) => scheme,
            Self::Basic(_) => Scheme::Basic,
            Self::Digest(..) => Scheme::Digest,
            Self::None | Self::Unreadable | Self::Foreign => panic!("no scheme of ours"),
        }
    }
}

/// A request that has proven by itself who it is from.
fn this_once(who: Who) -> Expected {
    Expected::Passes(Some(Reported { who, fresh: true, persistent: false }))
}

/// A request from nobody.
fn without(asked: &Asked) -> Expected {
    let nothing_to_offer = SCHEMES[asked.demand.schemes] == [Scheme::Basic] && !asked.secure;
    match asked.demand.requirement {
        Requirement::Required if nothing_to_offer => Expected::Refuses(403),
        Requirement::Required => Expected::Refuses(401),
        _ => ANONYMOUS,
    }
}

/// A logon that failed.
fn refused(requirement: Requirement) -> Expected {
    match requirement {
        Requirement::AppChallenges => ANONYMOUS,
        _ => Expected::Refuses(401),
    }
}
