//! Who asks whom for what, drawn at random, and who is meant by it.

use super::bleed_log::Meant;

/// Numbers that look random (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    /// True so many times in a thousand.
    pub(crate) fn chance(&mut self, times: usize) -> bool {
        self.below(1000) < times
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// A site by one of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) site: usize,
    pub(crate) host: &'static str,
    pub(crate) secure: bool,
}

pub(crate) const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

/// One login of a client, as the model sees it.
#[derive(Debug, Clone)]
pub(crate) struct LoginOf {
    pub(crate) user: &'static str,
    /// `None`: those that the caller names.
    pub(crate) hosts: Option<&'static [&'static str]>,
    pub(crate) right: bool,
    pub(crate) basic: bool,
}

impl LoginOf {
    pub(crate) const fn new(user: &'static str, hosts: Option<&'static [&'static str]>) -> Self {
        Self { user, hosts, right: true, basic: false }
    }
}

/// A client, as the model sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientOf {
    pub(crate) logins: Vec<LoginOf>,
    /// Which proxy, and who logs on to it.
    pub(crate) proxy: Option<(usize, Option<&'static str>)>,
    /// Not through the proxy.
    pub(crate) direct: Option<&'static str>,
    pub(crate) http2: bool,
}

/// The clients of every world.
pub(crate) fn clients() -> Vec<ClientOf> {
    let everywhere: Option<&[_]> = Some(&HOSTS);
    let (alice, bob) = (LoginOf::new("alice", None), LoginOf::new("bob", everywhere));
    let at_localhost = LoginOf::new("alice", Some(&["localhost"]));
    let basic = LoginOf { basic: true, ..LoginOf::new("carol", None) };
    let wrong = LoginOf { right: false, ..LoginOf::new("bob", Some(&["localhost"])) };
    let carol = LoginOf::new("carol", everywhere);
    vec![
        // Where a redirect leads, somebody else may log on.
        ClientOf { logins: vec![alice.clone(), bob.clone()], ..ClientOf::default() },
        ClientOf { logins: vec![at_localhost, bob.clone()], ..ClientOf::default() },
        ClientOf {
            logins: vec![carol.clone()],
            proxy: Some((0, Some("carol"))),
            direct: Some("127.0.0.1"),
            http2: true,
        },
        ClientOf {
            logins: vec![alice, bob.clone()],
            proxy: Some((0, Some("carol"))),
            ..ClientOf::default()
        },
        ClientOf { logins: vec![carol.clone()], proxy: Some((1, None)), ..ClientOf::default() },
        ClientOf { logins: vec![basic.clone()], ..ClientOf::default() },
        ClientOf { logins: vec![basic, bob], http2: true, ..ClientOf::default() },
        ClientOf { logins: vec![wrong, carol], ..ClientOf::default() },
        ClientOf::default(),
    ]
}

impl ClientOf {
    /// The rigs' proxies make no tunnels.
    fn can_reach(&self, origin: Origin) -> bool {
        !origin.secure || self.proxy.is_none() || self.direct == Some(origin.host)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Hop {
    pub(crate) origin: Origin,
    pub(crate) meant: Meant,
    pub(crate) action: &'static str,
}

/// What the caller does with the answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Read,
    /// Keeps it for later, after as many frames.
    Keep(usize),
    Drop,
    /// Loses patience, after as many microseconds.
    Cancel(u64),
}

/// One request of a caller, with the redirects that it meets.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) client: usize,
    /// The caller writes credentials of its own.
    pub(crate) token: Option<String>,
    /// Bytes of the body; `true` if it can be sent once.
    pub(crate) body: Option<(usize, bool)>,
    pub(crate) hops: Vec<Hop>,
    pub(crate) fate: Fate,
}

/// Sites by how often they are asked: logons take more time than all the rest.
const BUSY: [usize; 22] = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 0, 1, 4, 5, 6, 7];

const FAULTS: [&str; 11] = [
    "release",
    "close",
    "refuse",
    "ask-other",
    "ask-nothing",
    "broken",
    "cut",
    "cut-begin",
    "cut-proof",
    "cut-answer",
    "again-proof",
];

impl Step {
    pub(crate) fn draw(dice: &mut Dice, clients: &[ClientOf], sites: &[(bool, bool)]) -> Self {
        let number = dice.below(clients.len());
        let client = &clients[number];
        let with_token = dice.chance(120);
        let mut origins: Vec<Origin> = Vec::new();
        let hops = if dice.chance(100) { 2 + dice.below(2) } else { 1 };
        while origins.len() < hops {
            let site = dice.of(&BUSY);
            let origin = Origin { site, host: dice.of(&HOSTS), secure: sites[site].1 };
            if client.can_reach(origin) {
                origins.push(origin);
            }
        }
        let (mut own, mut trusted) = (with_token, true);
        let hops = origins.iter().enumerate().map(|(index, origin)| {
            if let Some(before) = index.checked_sub(1).map(|before| origins[before]) {
                own &= before == *origin;
                trusted &= !before.secure || origin.secure;
            }
            let requested = *origin == origins[0];
            let may = |login: &&LoginOf| {
                login.hosts.map_or(requested, |hosts| hosts.contains(&origin.host))
            };
            let login = client.logins.iter().find(may).filter(|_| trusted && !own);
            let meant = match login {
                Some(login) if login.right => format!("{number}{}", login.user),
                Some(login) => format!("{number}!{}", login.user),
                None if own => format!("{number}+"),
                None => format!("{number}-"),
            };
            let action = if index + 1 < hops {
                dice.of(&["go302", "go307"])
            } else if dice.chance(60) {
                dice.of(&FAULTS)
            } else if dice.chance(10) {
                "large"
            } else {
                "plain"
            };
            Hop { origin: *origin, meant: Meant(meant), action }
        });
        let hops: Vec<_> = hops.collect();
        let body = dice.chance(60).then(|| (dice.of(&[10, 5_000, 200_000]), dice.chance(300)));
        let fate = match dice.below(100) {
            0..3 => Fate::Keep(dice.below(3)),
            3 => Fate::Drop,
            4 => Fate::Cancel(u64::try_from(dice.below(6_000)).unwrap()),
            _ => Fate::Read,
        };
        Self { client: number, token: hops[0].meant.token(), body, hops, fate }
    }
}
