//! The options of commands that log on to servers and proxies.

use clap::{Args, ValueEnum};
use logon::http::Scheme;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct GetOptions {
    /// What to ask for
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// The method; GET if absent, POST with --data
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub(crate) method: Option<String>,

    /// A field of the request; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,

    /// The body: text, @FILE for that of a file as it is, @- for standard input
    #[arg(short, long, value_name = "TEXT|@FILE|@-", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,

    /// Write the answer to this file; it is replaced when the whole answer is there. A pipe or a
    /// device is written to
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Write status line and fields of the answer before its body
    #[arg(short, long)]
    pub(crate) include: bool,

    /// Follow redirects, at most 10
    #[arg(short = 'L', long)]
    pub(crate) location: bool,

    #[command(flatten)]
    pub(crate) logon: LogonOptions,

    /// Go through this proxy; '' is none. Absent: those of the environment, `http_proxy`,
    /// `https_proxy`, `all_proxy` and `no_proxy`
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,

    /// Log on to the proxy under this name
    #[arg(long, value_name = "NAME")]
    pub(crate) proxy_user: Option<String>,

    /// File whose first line is the password of --proxy-user
    #[arg(long, value_name = "FILE", requires = "proxy_user")]
    pub(crate) proxy_password_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,

    /// No progress and no remarks; what fails is still said
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("way").required(true).args(["proxy", "origin"])))]
pub(crate) struct ForwardOptions {
    /// Address to listen at; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3129")]
    pub(crate) listen: SocketAddr,

    /// The proxy to log on to: programs use this command as their proxy
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,

    /// The server to log on to, scheme and host alone: programs ask this command instead
    #[arg(long, value_name = "URL")]
    pub(crate) origin: Option<String>,

    /// Let other machines in. Whoever reaches the address then acts under your name
    #[arg(long)]
    pub(crate) allow_remote: bool,

    #[command(flatten)]
    pub(crate) logon: LogonOptions,

    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,

    /// Write log lines as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who logs on, and how.
#[derive(Debug, Args)]
pub(crate) struct LogonOptions {
    /// Log on under this name. The password is that of --password-file, or of a user file, or of
    /// `LOGON_PASSWORD` if `LOGON_USER` is the same name, or is asked for. Without a name: by the
    /// tickets of kinit, or by what is found in a user file or in `LOGON_USER`
    #[arg(short, long, value_name = r"DOMAIN\USER")]
    pub(crate) user: Option<String>,

    /// File whose first line is the password of --user
    #[arg(long, value_name = "FILE", requires = "user")]
    pub(crate) password_file: Option<PathBuf>,

    /// Log on by Kerberos, with the keys that --user has in this file
    #[arg(long, value_name = "FILE", requires = "user", conflicts_with = "password_file")]
    pub(crate) keytab: Option<PathBuf>,

    /// Log on only to servers that prove who they are, too: not by NTLM. One that asks for no logon
    /// proves nothing
    #[arg(long)]
    pub(crate) mutual: bool,

    /// Service principal name of the server, if it is not HTTP/ and the host of the URL
    #[arg(long, value_name = "HTTP/HOST")]
    pub(crate) spn: Option<String>,

    /// Log on by this scheme only; may be given several times. Absent: Negotiate and NTLM
    #[arg(long = "scheme", value_name = "SCHEME", value_enum)]
    pub(crate) schemes: Vec<SchemeName>,

    /// Send no channel bindings: for servers whose TLS ends at another machine
    #[arg(long, conflicts_with = "require_bindings")]
    pub(crate) no_bindings: bool,

    /// Send no credentials where there are no channel bindings, as without TLS
    #[arg(long)]
    pub(crate) require_bindings: bool,

    /// Host that credentials may go to, also if only a redirect leads there: a name, *.corp.example,
    /// 10.0.0.0/8, <local> for names without a dot. Without this option they go to the server of
    /// the URL alone, and those found without --user only if its name has no dot or is this machine
    #[arg(long, value_name = "HOST", env = "LOGON_ALLOW", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,
}

/// How connections are made.
#[derive(Debug, Args)]
pub(crate) struct ConnectionOptions {
    /// PEM file of the authorities that vouch for servers, instead of those of the system
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,

    /// How long to wait for a connection, for an answer, and for each next piece of it: 30, 5m.
    /// Absent: 30 seconds for a connection, and no limit
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) timeout: Option<Duration>,

    /// Show on standard error what is sent and received, with tokens decoded and secrets left out
    #[arg(long)]
    pub(crate) trace: bool,
}

/// A scheme to log on by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemeName {
    /// Negotiate (SPNEGO)
    Negotiate,
    /// NTLM
    Ntlm,
    /// Digest
    Digest,
    /// Basic, which sends the password itself, over TLS only
    Basic,
}

impl SchemeName {
    pub(crate) const fn scheme(self) -> Scheme {
        match self {
            Self::Negotiate => Scheme::Negotiate,
            Self::Ntlm => Scheme::Ntlm,
            Self::Digest => Scheme::Digest,
            Self::Basic => Scheme::Basic,
        }
    }
}

/// Seconds, or what `humantime` reads.
fn time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<u32>().map(|seconds| Duration::from_secs(seconds.into()));
    let time = seconds
        .or_else(|_| humantime::parse_duration(text))
        .map_err(|error| format!("{error}: write seconds, or 5m"))?;
    if time.is_zero() { Err("no time at all".to_owned()) } else { Ok(time) }
}
