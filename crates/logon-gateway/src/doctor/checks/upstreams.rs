//! Whether the applications answer.

use super::{Subject, skew};
use crate::doctor::probe::{Connection, Target, Trust};
use crate::doctor::report::Findings;
use crate::gateway::config::Config;
use std::collections::BTreeSet;
use std::path::PathBuf;

pub(in crate::doctor) const TOPIC: &str = "upstream";

/// How an application is spoken to.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Application {
    url: String,
    ca: Option<PathBuf>,
    server_name: Option<String>,
    http2: bool,
}

/// All of them, each once.
fn applications(config: &Config) -> BTreeSet<Application> {
    let named = config.upstreams.values().flat_map(|upstream| {
        upstream.urls.iter().map(|url| Application {
            url: url.to_string(),
            ca: upstream.ca.clone(),
            server_name: upstream.server_name.clone(),
            http2: upstream.http2,
        })
    });
    let routes = config.route.iter().filter_map(|route| route.upstream.as_ref());
    let urls = config.upstream.iter().chain(routes).map(toml::Spanned::get_ref);
    let plain = urls.filter(|url| url.contains("://"));
    named
        .chain(plain.map(|url| Application { url: url.clone(), ..Application::default() }))
        .collect()
}

pub(super) async fn check(subject: &Subject<'_>, out: &mut Findings) {
    let system = Trust::system();
    for application in applications(subject.config) {
        // The configuration has been checked, so it is one.
        let Ok(target) = Target::parse(&application.url) else { continue };
        let mut trust = system.clone();
        if let Some(file) = &application.ca {
            match Trust::file(&subject.path(file)) {
                Ok(of_file) => trust = of_file,
                Err(error) => {
                    let todo = "`ca` has to be a PEM file with the certificates of authorities";
                    out.fail(TOPIC, error, todo);
                    continue;
                }
            }
        }
        trust.name.clone_from(&application.server_name);
        ask(subject, &target, &trust, application.http2, out).await;
    }
}

async fn ask(
    subject: &Subject<'_>,
    target: &Target,
    trust: &Trust,
    http2: bool,
    out: &mut Findings,
) {
    let mut connection = match Connection::open(target, trust).await {
        Ok(connection) => connection,
        Err(trouble) => {
            return out.fail(
                TOPIC,
                format_args!("{target}: {trouble}"),
                "start the application, or correct its URL",
            );
        }
    };
    if let Some(distrust) = connection.tls.as_ref().and_then(|tls| tls.distrust.as_ref()) {
        out.fail(
            TOPIC,
            format_args!("{target} has a certificate that is not trusted: {distrust}"),
            "name who issued it in `ca`, or the name that it has in `server_name`, of \
             [upstreams.NAME]",
        );
    }
    if http2 {
        return out.ok(TOPIC, format_args!("{target} takes connections"));
    }
    let answer = match connection.get(None).await {
        Ok(answer) => answer,
        Err(trouble) => {
            let todo = "does it speak HTTP there, and not HTTPS or the reverse?";
            return out.fail(TOPIC, format_args!("{target}: {trouble}"), todo);
        }
    };
    let status = answer.status;
    if status >= 500 {
        out.warn(TOPIC, format_args!("{target} answers {status}"), "look at its log");
    } else {
        let milliseconds = answer.time.as_millis();
        out.ok(TOPIC, format_args!("{target} answers {status} in {milliseconds} ms"));
    }
    if let Some(offer) = answer.all("www-authenticate").first() {
        let name: String = offer.chars().take_while(char::is_ascii_alphanumeric).collect();
        out.note(
            TOPIC,
            format_args!("{target} asks for a logon itself ({name})"),
            "users may be asked twice: switch that off there, and let it trust the gateway's field",
        );
    }
    if let Some(date) = answer.date() {
        skew(subject.clock, &target.to_string(), date, out);
    }
}

#[cfg(test)]
mod tests {
    use super::{applications, check};
    use crate::doctor::checks::testing::{config, subject};
    use crate::doctor::report::{Findings, Level};
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::path::Path;

    fn findings(text: &str) -> Findings {
        let mut out = Findings::default();
        let config = config(text);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&subject(&config, Path::new(".")), &mut out));
        out
    }

    /// Answers one request; its URL.
    fn answers(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert_ne!(stream.read(&mut [0; 1024]).unwrap(), 0);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        url
    }

    fn route(url: &str) -> String {
        format!("[[route]]\nupstream = \"{url}\"\n")
    }

    #[test]
    fn each_application_is_asked_once() {
        let text = "[upstreams.a]\nurls = [\"http://a:1\", \"https://b\"]\n[[route]]\nupstream = \"a\"\n[[route]]\npath = \"/x\"\nupstream = \"http://127.0.0.1:1\"\n";
        let all = applications(&config(text));
        let urls: Vec<&str> = all.iter().map(|application| application.url.as_str()).collect();
        assert_eq!(urls, ["http://127.0.0.1:1", "http://a:1", "https://b"]);
    }

    #[test]
    fn one_that_answers_is_well_and_its_clock_is_compared() {
        let url = answers(
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
        );
        let out = findings(&route(&url));
        out.assert(Level::Ok, &format!("{url}/ answers 200"));
        out.assert(Level::Warn, "behind this machine");
    }

    #[test]
    fn one_that_does_not_is_broken() {
        findings("").assert(Level::Fail, "http://127.0.0.1:1/: no connection");
        let url = answers("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        findings(&route(&url)).assert(Level::Warn, "answers 503");
        let url = answers("220 smtp\r\n");
        findings(&route(&url)).assert(Level::Fail, "no HTTP");
    }

    #[test]
    fn one_that_asks_for_a_logon_itself_is_noted() {
        let url = answers(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n",
        );
        findings(&route(&url)).assert(Level::Note, "asks for a logon itself (NTLM)");
    }
}
