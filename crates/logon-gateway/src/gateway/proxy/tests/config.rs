//! What the configuration file may say.

use crate::gateway::proxy::config::{HealthConfig, HostHeader};
use crate::gateway::proxy::{Upstream, UpstreamConfig, UpstreamUrl};

fn read(text: &str) -> Result<UpstreamConfig, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_those_of_one_url() {
    let url: UpstreamUrl = "http://127.0.0.1:8080".parse().unwrap();
    let config = read("urls = [\"http://127.0.0.1:8080\"]").unwrap();
    assert_eq!(config, UpstreamConfig::of(url));
    assert_eq!(config.host, HostHeader::Preserve);
    let health = read("urls = [\"http://a\"]\n[health]\n").unwrap().health;
    assert_eq!(health, Some(HealthConfig::default()));
}

#[test]
fn everything_can_be_said_and_is_written_as_it_was_read() {
    let text = "urls = [\"https://app.example\", \"http://[::1]:8080\"]\nhttp2 = true\n\
                ca = \"/etc/ca.pem\"\nserver_name = \"app\"\nhost = \"upstream\"\n\
                connect_timeout = \"1s\"\nresponse_timeout = \"2m\"\nstall = \"3s\"\nidle = \"4s\"\n\
                max_idle = 5\n[health]\npath = \"/up\"\ninterval = \"6s\"\ntimeout = \"7s\"\n";
    let config = read(text).unwrap();
    assert_eq!(config.host, HostHeader::Upstream);
    assert_eq!(config.max_idle, 5);
    assert_eq!(read(&toml::to_string(&config).unwrap()).unwrap(), config);
}

#[test]
fn urls_are_checked_while_they_are_read() {
    for (url, says) in [
        ("app.example:80", "does not say http:// or https://"),
        ("app.example", "does not say http:// or https://"),
        ("ftp://app.example", "\"ftp\" is not spoken"),
        ("http://", "no URL"),
        ("http://u:p@app.example", "user or password"),
        ("http://app.example/path", "path or a query"),
        ("http://app.example/", "path or a query"),
        ("http://app.example?a", "path or a query"),
        ("http://app.example:0", "port"),
        ("http://app.example:70000", "port"),
        ("http://app.example:", "port"),
        ("http://:80", "host"),
    ] {
        let error = read(&format!("urls = [{url:?}]")).unwrap_err();
        assert!(error.contains(says), "{url}: {error}");
        assert!(error.contains("line 1"), "{url}: {error}");
    }
    for (url, shown) in [
        ("http://app.example", "http://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("http://app.example:443", "http://app.example:443"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ] {
        assert_eq!(url.parse::<UpstreamUrl>().unwrap().to_string(), shown);
    }
}

#[test]
fn what_is_misspelt_is_refused() {
    assert!(read("urls = [\"http://a\"]\nhtp2 = true").unwrap_err().contains("htp2"));
    assert!(read("http2 = true").unwrap_err().contains("urls"));
    assert!(read("urls = [\"http://a\"]\nhost = \"client\"").unwrap_err().contains("preserve"));
}

#[test]
fn an_application_that_cannot_work_is_refused() {
    let refused = |text: &str| Upstream::new("app", &read(text).unwrap()).unwrap_err();
    assert!(refused("urls = []").contains("set `urls`"));
    let error = refused("urls = [\"https://a\"]\nca = \"/nowhere/ca.pem\"");
    assert!(error.contains("\"app\"") && error.contains("/nowhere/ca.pem"), "{error}");
    assert!(error.contains("`ca` has to be a PEM file"), "{error}");
    let error = refused("urls = [\"http://a\"]\n[health]\npath = \"up\"");
    assert!(error.contains("begins with /"), "{error}");
    let ca = super::tls::authority_file();
    let name = format!("urls = [\"https://a\"]\nca = {ca:?}\nserver_name = \"not a name\"");
    assert!(refused(&name).contains("`server_name`"));
}
