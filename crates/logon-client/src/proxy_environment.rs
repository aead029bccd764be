//! Proxies that the environment names.

use crate::credentials::{Credentials, Environment};
use crate::hosts::Hosts;
use crate::login::Login;
use crate::proxy::{Proxy, ProxyError, without_password};
use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

impl Proxy {
    /// The proxies that the environment names, as curl reads it: `http_proxy`, `https_proxy`
    /// (`HTTPS_PROXY`), for what is left `all_proxy` (`ALL_PROXY`), and `no_proxy` (`NO_PROXY`)
    /// for hosts that are asked directly: names with all below them, addresses, networks, or `*`.
    /// A user and a password in the URL log on to the proxy; how is said by [`Self::map_login`].
    ///
    /// `HTTP_PROXY` does not count: a CGI program has it from whoever sends a field `Proxy`.
    ///
    /// # Errors
    /// [`ProxyError`] if a variable names no proxy that can be used, such as one of SOCKS.
    pub fn from_environment(environment: Environment<'_>) -> Result<Vec<Self>, ProxyError> {
        let read = |variable: &'static str| {
            let value = environment(variable)?.into_string().ok().map(Zeroizing::new)?;
            Some((variable, value)).filter(|(_, value)| !value.trim().is_empty())
        };
        let direct = match read("no_proxy").or_else(|| read("NO_PROXY")) {
            Some((_, list)) if list.trim() == "*" => return Ok(Vec::new()),
            Some((_, list)) => direct(&list),
            None => None,
        };
        let all = || read("all_proxy").or_else(|| read("ALL_PROXY"));
        let https = || read("https_proxy").or_else(|| read("HTTPS_PROXY"));
        let mut proxies = Vec::new();
        for (found, https) in
            [(read("http_proxy").or_else(all), false), (https().or_else(all), true)]
        {
            let Some((variable, url)) = found else { continue };
            let mut proxy = from_url(url.trim())
                .map_err(|error| ProxyError { variable: Some(variable), ..error })?
                .only_for_https(https);
            if let Some(direct) = direct.clone() {
                proxy = proxy.except(direct);
            }
            proxies.push(proxy);
        }
        Ok(proxies)
    }
}

/// A URL that may lack its scheme, and have a user and a password.
fn from_url(text: &str) -> Result<Proxy, ProxyError> {
    let text = match text.contains("://") {
        true => Zeroizing::new(text.to_owned()),
        false => Zeroizing::new(format!("http://{text}")),
    };
    let bad = || ProxyError { variable: None, url: without_password(&text) };
    let mut url = Url::parse(&text).map_err(|_| bad())?;
    let decode =
        |part: &str| percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned);
    let name = decode(url.username()).map_err(|_| bad())?;
    let password = url.password().map(decode).transpose().map_err(|_| bad())?;
    let password = password.map(Zeroizing::new);
    let cleared = url.set_username("").is_ok() && url.set_password(None).is_ok();
    if !cleared {
        return Err(bad());
    }
    let proxy = Proxy::new(url.as_str())?;
    Ok(match password {
        Some(password) if !name.is_empty() => {
            proxy.with_login(Login::new(Credentials::password(name, password)))
        }
        _ => proxy,
    })
}

/// Names count with everything below them. What names nothing is left out: others may read it.
fn direct(list: &str) -> Option<Hosts> {
    let mut direct: Option<Hosts> = None;
    for item in list.split([',', ' ', '\t', '\n']) {
        let name = item.trim_start_matches('*').trim_start_matches('.');
        if name.is_empty() {
            continue;
        }
        let below = format!("*.{name}");
        for pattern in [name, &below] {
            if let Ok(hosts) = Hosts::only([pattern]) {
                direct = Some(direct.map_or(hosts.clone(), |direct| direct.or(hosts)));
            }
        }
    }
    direct
}

#[cfg(test)]
mod tests {
    use super::Proxy;
    use crate::pool::Origin;
    use std::ffi::OsString;

    fn proxies(variables: &[(&str, &str)]) -> Vec<Proxy> {
        let look = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Proxy::from_environment(&look).unwrap()
    }

    /// Which proxy a request goes through.
    fn way(variables: &[(&str, &str)], secure: bool, host: &str) -> Option<String> {
        let origin = Origin { secure, host: host.to_owned(), port: 80 };
        let ready = proxies(variables).into_iter().map(Proxy::ready);
        let proxy = ready.into_iter().find(|proxy| proxy.is_for(&origin))?;
        Some(format!("{}:{}", proxy.host, proxy.port))
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let both = [("http_proxy", "http://a:1"), ("https_proxy", "b:2")];
        assert_eq!(way(&both, false, "x.example").as_deref(), Some("a:1"));
        assert_eq!(way(&both, true, "x.example").as_deref(), Some("b:2"));
        assert_eq!(way(&[("HTTP_PROXY", "http://a:1")], false, "x.example"), None);
        assert_eq!(way(&[("HTTPS_PROXY", "a:1")], true, "x.example").as_deref(), Some("a:1"));
        let rest = [("all_proxy", "a:1"), ("https_proxy", "")];
        assert_eq!(way(&rest, false, "x.example").as_deref(), Some("a:1"));
        assert_eq!(way(&rest, true, "x.example").as_deref(), Some("a:1"));
    }

    #[test]
    fn hosts_of_no_proxy_are_asked_directly() {
        let list = "localhost, corp.example .intern.example,10.0.0.0/8,::1 *.web.example";
        let variables = [("http_proxy", "a:1"), ("no_proxy", list)];
        for host in [
            "localhost",
            "corp.example",
            "a.corp.example",
            "intern.example",
            "b.intern.example",
            "10.2.3.4",
            "[::1]",
            "a.web.example",
        ] {
            assert_eq!(way(&variables, false, host), None, "{host}");
        }
        for host in ["evilcorp.example", "corp.example.evil", "11.0.0.1", "a.example"] {
            assert_eq!(way(&variables, false, host).as_deref(), Some("a:1"), "{host}");
        }
        assert_eq!(way(&[("http_proxy", "a:1"), ("NO_PROXY", "*")], false, "a.example"), None);
    }

    #[test]
    fn a_password_in_the_url_logs_on_and_is_not_shown() {
        let proxy = proxies(&[("http_proxy", r"http://CORP%5Calice:p%40ss@a:1")]);
        assert!(proxy[0].has_login());
        assert!(format!("{proxy:?}").contains(r"CORP\\alice"), "{proxy:?}");
        assert!(!proxies(&[("http_proxy", "http://alice@a:1")])[0].has_login());
        let look = |name: &str| (name == "all_proxy").then(|| "socks5://u:p%40ss@a:1".into());
        let error = Proxy::from_environment(&look).unwrap_err().to_string();
        assert!(error.starts_with("all_proxy: \"socks5://a:1\" is no proxy"), "{error}");
    }
}
