//! The command line.

mod client;

pub(crate) use client::{ConnectionOptions, ForwardOptions, GetOptions, LogonOptions};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Windows Integrated Authentication for servers that are not Windows.
#[derive(Debug, Parser)]
#[command(name = "logon", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log clients on in front of an application, and tell it who they are
    #[command(
        after_help = "Example:\n  logon users add --file users 'CORP\\alice'\n  logon gateway --config logon.toml --check\n  logon gateway --config logon.toml\n\nSIGHUP reads configuration, users and certificates again; SIGTERM finishes requests in progress.\nThe file logon.example.toml explains every key; five lines are enough:\n\n  users = \"users\"\n  upstream = \"http://127.0.0.1:3000\"\n  [[listen]]\n  address = \"0.0.0.0:8443\"\n  self_signed = \"tls.pem\""
    )]
    Gateway(GatewayOptions),
    /// Serve a demonstration on this machine, with one user, to log on to with any client
    #[command(
        after_help = "Example:\n  logon demo\n  DEMO_PW='S3cret!pw' logon demo --user 'CORP\\alice' --password-env DEMO_PW --http 127.0.0.1:0"
    )]
    Demo(DemoOptions),
    /// Ask for a URL, log on where that is demanded, and print the answer
    #[command(
        after_help = "Examples:\n  logon get http://intranet/report.csv -o report.csv\n  logon get -u 'CORP\\alice' https://web.corp.example/\n  LOGON_USER='CORP\\alice' LOGON_PASSWORD='S3cret!pw' logon get --allow web.corp.example https://web.corp.example/\n  logon get -u alice@corp.example --trace -d @order.xml -H 'Content-Type: text/xml' https://web.corp.example/orders\n  logon get --proxy http://proxy.corp.example:8080 --proxy-user 'CORP\\alice' https://example.org/\n\nCredentials: those of --user; without it what NTLM_USER_FILE, or LOGON_USER with LOGON_PASSWORD or\nLOGON_NT_HASH name. The latter go only to hosts without a dot, to this machine, and to those of\n--allow; where a redirect leads, only to those of --allow. The secret of the environment is that of\nLOGON_USER: without it, or with another name than that of --user, it is nobody's.\n\nThe body of every answer is written, that of a refusal too. Exit codes:\n  0  an answer below 400\n  1  the answer cannot be written\n  2  the command line is wrong\n  3  an answer of 400 or above\n  4  the credentials were refused (401, 407), or the proxy refuses a tunnel\n  5  there are no credentials, or none that may be sent there\n  6  no connection: name, TCP, TLS, proxy, time\n  7  the answer or the logon breaks the protocol, or broke off"
    )]
    Get(Box<GetOptions>),
    /// Log on to a proxy or a server for programs on this machine that cannot
    #[command(
        after_help = "Examples:\n  logon forward --proxy http://proxy.corp.example:8080 -u 'CORP\\alice'\n  https_proxy=http://127.0.0.1:3129 git clone https://example.org/project\n\n  logon forward --origin https://web.corp.example -u 'CORP\\alice' --listen 127.0.0.1:8000\n  curl http://127.0.0.1:8000/api\n\nEvery program on this machine, of any user, can use what listens here, and then acts under the name\nthat is logged on. Web pages cannot: requests that name another host than this machine, or that come\nfrom a page of elsewhere, are refused; so are requests that come round again (508). WebSockets go\nthrough a proxy in a tunnel; a server cannot be logged on to for them (501). SIGTERM and Ctrl-C finish requests in progress."
    )]
    Forward(Box<ForwardOptions>),
    /// Keep a user file
    #[command(subcommand, arg_required_else_help = true)]
    Users(UsersCommand),
    /// Print a token of NTLM, SPNEGO or Kerberos, a keytab or a ticket cache as an indented tree
    #[command(
        after_help = "Examples:\n  logon decode TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA=\n  logon decode 'Authorization: NTLM TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA='\n  curl -sI --ntlm -u : http://127.0.0.1:8080/ntlm/ | grep -i '^www-auth' | logon decode\n  logon decode --keytab /etc/krb5.keytab 'Authorization: Negotiate YIIG…'\n  logon decode @/etc/krb5.keytab\n  logon decode @/tmp/krb5cc_1000\n\nMessages of Kerberos may be in the framing of GSS-API, in SPNEGO, bare, or with the four bytes of length that they have over TCP. Keys are never printed."
    )]
    Decode {
        /// Hex, base64, a whole header line, or @ and a file with one of these or the bytes
        /// themselves; read from standard input if absent or `-`
        token: Option<String>,
        /// Open with the keys of this keytab what a ticket has inside; may be given several times
        #[arg(long, value_name = "FILE")]
        keytab: Vec<PathBuf>,
    },
    /// Explain the code of a refusal that stands in the log, or list all codes
    #[command(after_help = "Example:\n  logon explain LOGON_WRONG_PROOF\n  logon explain")]
    Explain {
        /// The code
        code: Option<String>,
    },
    /// Put a new key for session cookies before the old ones; makes the file if it is missing
    #[command(
        after_help = "Example:\n  logon session-key --file session.keys\n  logon session-key --file session.keys --keep 1   # ends all sessions"
    )]
    SessionKey {
        /// The file with the keys, `keys` in [session] of the gateway's configuration
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// How many keys the file has afterwards; cookies of older ones are void
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
        keep: u16,
    },
    /// Look at a gateway's configuration, its Kerberos keys and what clients see, and say what to do
    #[command(
        after_help = "Examples:\n  logon doctor --config /etc/logon/logon.toml\n  logon doctor --config logon.toml --url https://web.corp.example/\n  logon doctor --url http://127.0.0.1:8080/ntlm/ --json\n  logon doctor --keytab /etc/logon/http.keytab --host web.corp.example --host intranet.corp.example\n\nExits with 1 if something is broken. No password is asked for, and none is sent.\n\nFor Kerberos it looks at the keys, at krb5.conf (KRB5_CONFIG) and at DNS, compares the clock with that of the KDC, and asks the KDC for a ticket of the service to itself, with the keys of the keytab: once, because a wrong key counts as a wrong password there. What needs no network is looked at without one."
    )]
    Doctor(DoctorOptions),
    /// Print completions for a shell
    #[command(
        after_help = "Examples:\n  logon completions bash > /etc/bash_completion.d/logon\n  logon completions zsh > \"${fpath[1]}/_logon\"\n  logon completions fish > ~/.config/fish/completions/logon.fish"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write a page for each command into a folder
    #[command(
        after_help = "Examples:\n  logon man | man -l -\n  logon man --out /usr/local/share/man/man1"
    )]
    Man {
        /// Write `logon.1`, `logon-demo.1` and so on into this folder
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct GatewayOptions {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,

    /// Check the configuration and the files that it names, and stop
    #[arg(long)]
    pub(crate) check: bool,

    /// Print what is in force, defaults included, and stop
    #[arg(long, conflicts_with = "check")]
    pub(crate) print_config: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// The gateway's configuration file
    #[arg(long, value_name = "FILE", required_unless_present_any = ["url", "keytab", "host"])]
    pub(crate) config: Option<PathBuf>,

    /// Ask this URL as a client would, up to the point where it would need a password
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Look at the keys of this keytab instead of those of the configuration; may be given several
    /// times. With --host alone it is the one that services of this machine have by default
    #[arg(long, value_name = "FILE")]
    pub(crate) keytab: Vec<PathBuf>,

    /// A name that clients use; may be given several times. For Kerberos those of the configuration
    /// or of the URL if absent, else that of this machine
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Address for HTTP; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) http: SocketAddr,

    /// Address for HTTPS; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub(crate) https: SocketAddr,

    /// Write the PEM of the certificate made for localhost and 127.0.0.1 to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) cert_out: Option<PathBuf>,

    /// The user who may log on
    #[arg(long, value_name = r"DOMAIN\USER", default_value = r"CORP\alice")]
    pub(crate) user: String,

    /// Environment variable that holds the user's password; made up and printed if absent
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) password_env: Option<String>,

    /// Take the users from this file instead; see `logon users`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "password_env"])]
    pub(crate) users: Option<PathBuf>,

    /// Accept tickets of Kerberos too, by the keys of this keytab; the accounts of its realm are
    /// those of the demonstration's domain
    #[arg(long, value_name = "FILE")]
    pub(crate) keytab: Option<PathBuf>,

    /// Do not accept NTLM, bare or within Negotiate
    #[arg(long, requires = "keytab")]
    pub(crate) no_ntlm: bool,

    /// Channel bindings (Extended Protection): whether a logon must be bound to its TLS
    #[arg(long, value_enum, default_value_t = Demand::WhenOffered)]
    pub(crate) bindings: Demand,

    /// Message integrity code: whether a logon must carry one
    #[arg(long, value_enum, default_value_t = Demand::WhenOffered)]
    pub(crate) mic: Demand,

    /// What Basic and Digest say that the password is for. A user file has hashes for Digest in
    /// the realm that they were added for
    #[arg(long, value_name = "NAME", default_value = "logon demo")]
    pub(crate) realm: String,

    /// Ask for a logon with every request, instead of once for a connection
    #[arg(long)]
    pub(crate) no_persistence: bool,

    /// Let everybody guess passwords without a pause, for tests that fail on purpose
    #[arg(long)]
    pub(crate) no_throttle: bool,

    /// Speak HTTP/2 over HTTPS as well; a logon by Negotiate or NTLM sends clients back to HTTP/1.1
    #[arg(long)]
    pub(crate) http2: bool,

    /// Write log lines as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How much of an optional protection is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Demand {
    /// Right if it is there
    WhenOffered,
    /// Refuse without it
    Always,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// Add a user, or with --replace change a password; makes the file if it is missing
    #[command(
        after_help = "Example:\n  logon users add --file users 'CORP\\alice'\n  PW='S3cret!pw' logon users add --file users 'CORP\\alice' --password-env PW\n  logon users add --file users 'CORP\\alice' --digest-realm corp.example --replace"
    )]
    Add {
        #[command(flatten)]
        file: UserFileOption,
        /// The user: DOMAIN\USER, USER, or user@dns.domain
        #[arg(value_name = r"DOMAIN\USER")]
        name: String,
        /// Environment variable that holds the password; asked for without echo if absent
        #[arg(long, value_name = "VARIABLE")]
        password_env: Option<String>,
        /// Let the user also log on by HTTP's Digest scheme in this realm
        #[arg(long, value_name = "REALM")]
        digest_realm: Option<String>,
        /// Change the password if the user exists; realms of Digest stay
        #[arg(long)]
        replace: bool,
    },
    /// Remove a user
    #[command(after_help = "Example:\n  logon users remove --file users 'CORP\\alice'")]
    Remove {
        #[command(flatten)]
        file: UserFileOption,
        /// The user: DOMAIN\USER
        #[arg(value_name = r"DOMAIN\USER")]
        name: String,
    },
    /// List the users of a file, one a line, without secrets
    #[command(after_help = "Example:\n  logon users list --file users")]
    List {
        #[command(flatten)]
        file: UserFileOption,
    },
}

#[derive(Debug, Args)]
pub(crate) struct UserFileOption {
    /// The user file
    #[arg(long = "file", value_name = "FILE")]
    pub(crate) path: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &clap::Command) {
            let subcommands: Vec<_> = command.get_subcommands().collect();
            if subcommands.is_empty() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example"), "{} has no example", command.get_name());
            }
            subcommands.into_iter().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn the_systemd_unit_starts_what_the_command_line_takes() {
        use clap::Parser;
        let unit = include_str!("../../../packaging/logon-gateway.service");
        let mut lines = unit.lines().filter_map(|line| line.strip_prefix("ExecStart="));
        let words: Vec<&str> = lines.next().unwrap().split(' ').collect();
        assert_eq!(words[0], "/usr/bin/logon");
        let super::Command::Gateway(options) = Cli::try_parse_from(&words).unwrap().command else {
            panic!("it starts something else: {words:?}");
        };
        assert_eq!(options.config.to_str(), Some("/etc/logon/logon.toml"));
        assert!(!options.check && !options.print_config);
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn the_container_starts_what_the_command_line_takes() {
        use clap::Parser;
        let file = include_str!("../../../packaging/Containerfile");
        let list = |name: &str| -> Vec<String> {
            let line = file.lines().filter_map(|line| line.strip_prefix(name)).next_back();
            serde_json::from_str(line.unwrap()).unwrap()
        };
        let words = [list("ENTRYPOINT "), list("CMD ")].concat();
        let command = Cli::try_parse_from(&words).unwrap().command;
        assert!(matches!(command, super::Command::Gateway(_)), "{words:?}");
    }
}
