//! Kerberos: against MIT's GSSAPI with the same ticket and keytab, and against the floor.

use crate::Table;
use crate::cases::{self, Credentials};
use crate::contender::Contender;
use crate::gss;
use logon::kerberos::EncryptionType;
use std::fs;
use std::io::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The compiled `gss.c`, and what `kdc` has written.
#[derive(Clone, Copy)]
pub(crate) struct Mit<'a> {
    pub(crate) program: &'a Path,
    pub(crate) folder: &'a Path,
}

/// How MIT's library keeps what it works with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    /// Tickets, keytab and replay cache in files.
    Default,
    /// Without replay cache.
    NoReplayCache,
    /// Without replay cache, and with tickets and keytab in memory.
    Memory,
}

impl Setting {
    fn title(self) -> &'static str {
        match self {
            Self::Default => "MIT",
            Self::NoReplayCache => "MIT, no replay cache",
            Self::Memory => "MIT in memory, no replay cache",
        }
    }
}

/// Who is measured.
#[derive(Clone, Copy)]
enum Side {
    Acceptor,
    Initiator,
}

/// A ticket and a keytab as both libraries take them.
struct Case {
    what: &'static str,
    credentials: Credentials,
    tickets: PathBuf,
    keytab: PathBuf,
    host: &'static str,
}

impl Case {
    /// A ticket of MIT's KDC for a host.
    fn of_kdc(mit: Mit<'_>, what: &'static str, host: &'static str) -> Result<Self, Error> {
        let [tickets, keytab] = ["tickets", "keytab"].map(|name| mit.folder.join(name));
        let credentials = Credentials::of_files(&fs::read(&tickets)?, &fs::read(&keytab)?, host);
        Ok(Self { what, credentials, tickets, keytab, host })
    }

    /// A ticket with the PAC of a domain, for both.
    fn of_a_domain(mit: Mit<'_>) -> Result<Self, Error> {
        let credentials = Credentials::of_a_domain();
        let [tickets, keytab] =
            ["tickets.domain", "keytab.domain"].map(|name| mit.folder.join(name));
        let (cache, keys) = credentials.files();
        fs::write(&tickets, cache)?;
        fs::write(&keytab, keys)?;
        Ok(Self { what: "18 with PAC", credentials, tickets, keytab, host: cases::HOST })
    }

    fn mit(
        &self,
        mit: Mit<'_>,
        side: &str,
        spnego: bool,
        setting: Setting,
    ) -> Result<Contender, Error> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let replay_cache = if setting == Setting::Default { "dfl:" } else { "none:" };
        let environment = [
            ("KRB5_CONFIG", text(&mit.folder.join("krb5.conf"))),
            ("KRB5CCNAME", format!("FILE:{}", text(&self.tickets))),
            ("KRB5_KTNAME", format!("FILE:{}", text(&self.keytab))),
            ("KRB5RCACHEDIR", text(mit.folder)),
            ("KRB5RCACHENAME", replay_cache.to_owned()),
            ("GSS_TARGET", format!("HTTP@{}", self.host)),
        ];
        let mech = if spnego { "spnego-krb5" } else { "krb5" };
        let arguments = [mech, side, "memory"];
        let count = if setting == Setting::Memory { 3 } else { 2 };
        gss::side(mit.program, &arguments[..count], &environment)
    }

    fn add(
        &self,
        table: &mut Table,
        mit: Mit<'_>,
        side: Side,
        spnego: bool,
        settings: &[Setting],
    ) -> Result<(), Error> {
        let credentials = || self.credentials.clone();
        let (name, title, ours) = match side {
            Side::Acceptor => {
                let whole = Contender::new(cases::kerberos_accept(credentials(), spnego));
                ("acceptor", "server", whole)
            }
            Side::Initiator => {
                let first = Contender::new(cases::kerberos_initiate(credentials(), spnego));
                let last = Contender::new(cases::kerberos_verify_server(credentials(), spnego));
                ("initiator", "client, both steps", first.and(last))
            }
        };
        let ours = table.add(ours);
        for setting in settings {
            let theirs = table.add(self.mit(mit, name, spnego, *setting)?);
            // What was set as the aim is MIT as it is installed.
            let at_most = (*setting == Setting::Default).then_some(0.6);
            let what = format!("Kerberos {title}, {}, {}", carrier(spnego), self.what);
            table.row(&what, ours, setting.title(), theirs, at_most);
        }
        Ok(())
    }
}

fn carrier(spnego: bool) -> &'static str {
    if spnego { "SPNEGO" } else { "bare" }
}

fn against_mit(table: &mut Table, mit: Mit<'_>) -> Result<(), Error> {
    use Setting::{Default, Memory, NoReplayCache};
    let sha1 = Case::of_kdc(mit, "18", "web01.corp.example")?;
    let sha2 = Case::of_kdc(mit, "20", "web02.corp.example")?;
    let domain = Case::of_a_domain(mit)?;
    sha1.add(table, mit, Side::Acceptor, false, &[Default, NoReplayCache, Memory])?;
    sha1.add(table, mit, Side::Acceptor, true, &[Default, NoReplayCache, Memory])?;
    sha2.add(table, mit, Side::Acceptor, true, &[Default, NoReplayCache])?;
    domain.add(table, mit, Side::Acceptor, true, &[Default, NoReplayCache])?;
    sha1.add(table, mit, Side::Initiator, false, &[Default, Memory])?;
    sha1.add(table, mit, Side::Initiator, true, &[Default, Memory])?;
    sha2.add(table, mit, Side::Initiator, true, &[Default])?;
    domain.add(table, mit, Side::Initiator, true, &[Default])
}

/// The lines of Kerberos.
pub(crate) fn rows(table: &mut Table, mit: Option<Mit<'_>>) -> Result<(), Error> {
    for (what, credentials) in [
        ("18 with PAC", Credentials::of_a_domain()),
        ("20", Credentials::plain(EncryptionType::Aes256CtsHmacSha384_192)),
    ] {
        let floor = Contender::new(cases::floor_kerberos_accept(credentials.clone()));
        let floor = table.add(floor);
        for spnego in [false, true] {
            let ours = cases::kerberos_accept(credentials.clone(), spnego);
            let ours = table.add(Contender::new(ours));
            let what = format!("Kerberos server, {}, {what}", carrier(spnego));
            table.row(&what, ours, "its cryptography", floor, None);
        }
    }
    let floor = table.add(Contender::new(cases::floor_verify_pac()));
    let pac = table.add(Contender::new(cases::verify_pac()));
    let limit = |runs| Duration::from_micros(15) * u32::try_from(runs).expect("some thousands");
    let limit = table.add(Contender::of(limit));
    table.row("verify a PAC of 848 bytes", pac, "one HMAC over it", floor, None);
    table.row("verify a PAC of 848 bytes", pac, "15 µs", limit, Some(1.0));
    mit.map_or(Ok(()), |mit| against_mit(table, mit))
}
