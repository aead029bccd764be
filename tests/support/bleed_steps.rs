//! What clients do, drawn at random: steps that can be printed, replayed, and left out.

use logon::http::{Carrier, Requirement, Scheme};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Alice,
    Bob,
}

/// Somebody who types a password, right or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client {
    pub(crate) who: Who,
    pub(crate) right: bool,
}

/// How a client wraps its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Ntlm,
    Spnego,
}

/// One interleaving: a server's setting, and what happens on its connections.
#[derive(Debug, Clone)]
pub(crate) struct Interleaving {
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) persistent: bool,
    /// Seconds.
    pub(crate) identity_lifetime: Option<u64>,
    pub(crate) max_exchanges: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) connection: usize,
    pub(crate) action: Action,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    Request(Request),
    /// The store answers, whether somebody waits for it or not.
    Answer(StoreAnswer),
    Throttle,
    /// The application logs its user off.
    Release,
    /// The application answers 401.
    AppChallenge(Demand),
    /// Seconds.
    Advance(u64),
    SetBack(u64),
    /// The connection is closed, and another takes its place.
    Reconnect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreAnswer {
    Right,
    Unknown,
    Refused,
    OutOfReach,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) credentials: Credentials,
    pub(crate) demand: Demand,
    pub(crate) carrier: Carrier,
    pub(crate) secure: bool,
    pub(crate) preflight: bool,
    /// The store has not answered when the next step comes.
    pub(crate) late: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Credentials {
    None,
    /// NEGOTIATE.
    First {
        scheme: Scheme,
        form: Form,
    },
    /// AUTHENTICATE for a challenge that somebody got at some time.
    Second {
        of: Challenged,
        other_scheme: bool,
        client: Client,
    },
    /// Base64, but no message.
    Garbage(Scheme),
    /// No base64.
    Malformed(Scheme),
    NoScheme,
    /// Two lines.
    Repeated,
    Bearer,
    Basic(Client),
    Digest {
        client: Client,
        /// Counted over all nonces sent so far, from the last.
        nonce: usize,
        /// How often the client says that it has used it.
        count: u32,
    },
}

/// Which of the challenges sent so far.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Challenged {
    /// The last one on this connection.
    LastHere,
    /// Counted over all connections, from whatever number is there.
    Any(usize),
}

/// What a resource asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) requirement: Requirement,
    /// An index into [`SCHEMES`].
    pub(crate) schemes: usize,
    pub(crate) bearer_passes: bool,
    pub(crate) preflight_passes: bool,
}

pub(crate) const SCHEMES: [&[Scheme]; 6] = [
    &Scheme::ALL,
    &[Scheme::Negotiate, Scheme::Ntlm],
    &[Scheme::Negotiate],
    &[Scheme::Ntlm],
    &[Scheme::Basic],
    &[Scheme::Digest],
];

pub(crate) const CONNECTIONS: usize = 3;

/// `SplitMix64`: small, and the same everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// True so many times in a hundred.
    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn one_of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len())]
    }

    pub(crate) fn interleaving(&mut self) -> Interleaving {
        let setting = Setting {
            persistent: self.percent(80),
            identity_lifetime: self.percent(50).then_some(300),
            max_exchanges: if self.percent(10) { 1 } else { 1000 },
        };
        // Most connections are nobody else's and stay so; others are shared sooner or later.
        let shared = self.one_of(&[0, 0, 10]);
        let mut steps: Vec<Step> = Vec::new();
        for _ in 0..10 + self.below(11) {
            let next = steps.last().and_then(|last| self.follow(*last, shared));
            steps.push(next.unwrap_or_else(|| self.step(shared)));
        }
        Interleaving { setting, steps }
    }

    /// What a client that is not interrupted does next.
    fn follow(&mut self, last: Step, shared: usize) -> Option<Step> {
        let Action::Request(Request { credentials, .. }) = last.action else { return None };
        let credentials = match credentials {
            Credentials::First { .. } if self.percent(70) => Credentials::Second {
                of: Challenged::LastHere,
                other_scheme: false,
                client: self.client(),
            },
            Credentials::Second { .. } if self.percent(60) => Credentials::None,
            Credentials::None if self.percent(20) => Credentials::None,
            // Overheard, perhaps, and sent once more.
            Credentials::Digest { .. } if self.percent(60) => credentials,
            _ => return None,
        };
        let request = Request { credentials, ..self.request(shared) };
        Some(Step { connection: last.connection, action: Action::Request(request) })
    }

    fn step(&mut self, shared: usize) -> Step {
        // The first is busier: what a logon leaves behind is what the next one meets.
        let connection = self.one_of(&[0, 0, 1, 2]);
        let action = match self.below(100) {
            0..80 => Action::Request(self.request(shared)),
            80..86 => Action::Answer(self.answer()),
            86 => Action::Throttle,
            87..89 => Action::Release,
            89..91 => Action::AppChallenge(self.demand()),
            91..96 => Action::Advance(self.one_of(&[1, 100, 180, 400])),
            96 => Action::SetBack(60),
            _ => Action::Reconnect,
        };
        Step { connection, action }
    }

    fn answer(&mut self) -> StoreAnswer {
        if self.percent(60) {
            return StoreAnswer::Right;
        }
        self.one_of(&[StoreAnswer::Unknown, StoreAnswer::Refused, StoreAnswer::OutOfReach])
    }

    fn request(&mut self, shared: usize) -> Request {
        let carrier = match self.percent(shared) {
            false => Carrier::Exclusive,
            true => self.one_of(&[Carrier::Shared, Carrier::Shared, Carrier::Multiplexed]),
        };
        Request {
            credentials: self.credentials(),
            demand: self.demand(),
            carrier,
            secure: self.percent(50),
            preflight: self.percent(3),
            late: self.percent(15),
        }
    }

    fn credentials(&mut self) -> Credentials {
        let scheme = self.one_of(&Scheme::INTEGRATED);
        match self.below(100) {
            0..17 => Credentials::None,
            17..50 => Credentials::First { scheme, form: self.form(scheme) },
            50..83 => {
                let latest = self.percent(75);
                let of =
                    if latest { Challenged::LastHere } else { Challenged::Any(self.below(20)) };
                let other_scheme = self.percent(5);
                Credentials::Second { of, other_scheme, client: self.client() }
            }
            83..86 => {
                let (client, nonce) = (self.client(), self.below(3));
                Credentials::Digest { client, nonce, count: self.one_of(&[1, 1, 2]) }
            }
            86..88 => Credentials::Garbage(scheme),
            88..90 => Credentials::Malformed(self.one_of(SCHEMES[0])),
            90 => Credentials::NoScheme,
            91 => Credentials::Repeated,
            92..95 => Credentials::Bearer,
            _ => Credentials::Basic(self.client()),
        }
    }

    fn form(&mut self, scheme: Scheme) -> Form {
        match (scheme, self.percent(5)) {
            (Scheme::Ntlm, odd) => {
                if odd {
                    Form::Spnego
                } else {
                    Form::Ntlm
                }
            }
            _ => self.one_of(&[Form::Ntlm, Form::Spnego]),
        }
    }

    fn client(&mut self) -> Client {
        Client { who: self.one_of(&[Who::Alice, Who::Bob]), right: self.percent(75) }
    }

    fn demand(&mut self) -> Demand {
        let requirement = match self.below(100) {
            0..5 => Requirement::Off,
            5..20 => Requirement::AppChallenges,
            20..45 => Requirement::Optional,
            _ => Requirement::Required,
        };
        let schemes = if self.percent(85) { self.below(2) } else { self.below(SCHEMES.len()) };
        let bearer_passes = self.percent(30);
        Demand { requirement, schemes, bearer_passes, preflight_passes: self.percent(50) }
    }
}
