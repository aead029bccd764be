//! What has to be set elsewhere: in the directory and in browsers.

use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// For the names that clients use.
#[derive(Debug, Serialize)]
pub(super) struct Advice {
    /// Service principal names, with the host name and its first label.
    pub(super) service_principal_names: BTreeSet<String>,
    /// Chrome's and Edge's policy.
    #[serde(rename = "AuthServerAllowlist")]
    pub(super) allow_list: String,
    /// Firefox's preferences.
    pub(super) trusted_uris: String,
    #[serde(skip)]
    hosts: BTreeSet<String>,
    /// Whether the server has keys for tickets, and uses them.
    #[serde(skip)]
    tickets: bool,
}

impl Advice {
    pub(super) fn for_hosts(hosts: BTreeSet<String>, tickets: bool) -> Self {
        let spns = hosts.iter().flat_map(|host| {
            let short = host.split('.').next().unwrap_or(host);
            [format!("HTTP/{host}"), format!("HTTP/{short}")]
        });
        let join =
            |separator: &str| hosts.iter().map(String::as_str).collect::<Vec<_>>().join(separator);
        Self {
            service_principal_names: spns.collect(),
            allow_list: join(","),
            trusted_uris: join(", "),
            hosts,
            tickets,
        }
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.hosts.is_empty() {
            return Ok(());
        }
        self.print_spns(out)?;
        self.print_browsers(out)
    }

    fn print_spns(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "\nService principal names, for Kerberos. Without them browsers use NTLM, if that\n\
             is on. ACCOUNT is the one that the gateway has in the domain; a name may be\n\
             with one account only (-S looks).\n"
        )?;
        for name in &self.service_principal_names {
            writeln!(out, "  setspn -S {name} ACCOUNT")?;
        }
        Ok(())
    }

    fn print_browsers(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { allow_list, trusted_uris, .. } = self;
        writeln!(
            out,
            r#"
Browsers log on by themselves where they trust the server; else they ask.

  Chrome, Edge   Linux: /etc/opt/chrome/policies/managed/logon.json (Chromium:
                 /etc/chromium/…, Edge: /etc/opt/edge/…) with
                   {{ "AuthServerAllowlist": "{allow_list}" }}
                 Windows: AuthServerAllowlist (REG_SZ) in
                   HKLM\Software\Policies\Google\Chrome
                   HKLM\Software\Policies\Microsoft\Edge
                 macOS: defaults write com.google.Chrome AuthServerAllowlist \
                   -string "{allow_list}"
                 (Edge: com.microsoft.Edge)
                 chrome://policy and edge://policy show what is in force.
                 On Linux a new profile uses no ticket before its second start.
  Firefox        about:config,
                   network.automatic-ntlm-auth.trusted-uris
                   network.negotiate-auth.trusted-uris
                 both with the value
                   "{trusted_uris}"
                 or policy Authentication: NTLM and SPNEGO
  Windows        zone Local intranet, by group policy: Administrative Templates,
                 Windows Components, Internet Explorer, Internet Control Panel,
                 Security Page, Site to Zone Assignment List, value 1 for each:"#
        )?;
        for host in &self.hosts {
            writeln!(out, "                   {host}")?;
        }
        let host = self.hosts.first().map_or("", String::as_str);
        if self.tickets {
            writeln!(out, "  curl           kinit USER; curl --negotiate -u : https://{host}/")?;
        } else {
            writeln!(out, r"  curl           curl --ntlm -u 'DOMAIN\user' https://{host}/")?;
        }
        writeln!(
            out,
            r"  Java           -Djdk.http.ntlm.transparentAuth=trustedHosts (Windows), else an
                 Authenticator with DOMAIN\user
  .NET           new HttpClientHandler {{ UseDefaultCredentials = true }}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Advice;

    fn text(hosts: &[&str]) -> String {
        text_of(hosts, false)
    }

    fn text_of(hosts: &[&str], tickets: bool) -> String {
        let hosts = hosts.iter().map(ToString::to_string).collect();
        let mut out = Vec::new();
        Advice::for_hosts(hosts, tickets).print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn curl_is_shown_with_a_ticket_where_there_are_keys() {
        let (ticket, none) = (text_of(&["web.corp.example"], true), text(&["web.corp.example"]));
        let line = "kinit USER; curl --negotiate -u : https://web.corp.example/\n";
        assert!(ticket.contains(line) && !ticket.contains("--ntlm"), "{ticket}");
        assert!(none.contains("curl --ntlm -u") && !none.contains("kinit"), "{none}");
    }

    #[test]
    fn each_host_is_registered_with_its_short_name_too() {
        let text = text(&["web.corp.example", "app.corp.example"]);
        for line in [
            "  setspn -S HTTP/web.corp.example ACCOUNT\n",
            "  setspn -S HTTP/web ACCOUNT\n",
            "  setspn -S HTTP/app.corp.example ACCOUNT\n",
            "{ \"AuthServerAllowlist\": \"app.corp.example,web.corp.example\" }\n",
            "\"app.corp.example, web.corp.example\"",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_lines_for_one_host_fit_a_terminal() {
        let text = text(&["web.corp.example"]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(super::tests::text(&[]), "");
    }
}
