//! The way to a server: authorities, limits of time, proxies.

use super::names::check_user;
use super::trace::Trace;
use super::who::{Known, Who, chosen};
use crate::cli::ConnectionOptions;
use crate::failure::Failure;
use http::HeaderValue;
use logon_client::credentials::Found;
use logon_client::{Client, ClientBuilder, Proxy, Trust};
use std::path::Path;
use std::sync::Arc;

/// A client without logins and proxies.
pub(crate) fn builder(options: &ConnectionOptions) -> Result<ClientBuilder, Failure> {
    let agent = HeaderValue::from_static(concat!("logon/", env!("CARGO_PKG_VERSION")));
    let mut builder = Client::builder().user_agent(agent);
    if let Some(path) = &options.cacert {
        let trust = Trust::pem_file(path);
        builder =
            builder.trust(trust.map_err(|error| Failure::usage(format!("--cacert {error}")))?);
    }
    if let Some(time) = options.timeout {
        builder = builder.connect_timeout(time).response_timeout(time);
    }
    if options.trace {
        builder = builder.observer(Arc::new(Trace::default()));
    }
    Ok(builder)
}

/// Adds a login to a proxy: the one that was named, or what was found if the proxy may have it.
pub(crate) fn proxy(
    proxy: Proxy,
    user: Option<(&str, Option<&Path>)>,
    who: &Who,
) -> Result<Proxy, Failure> {
    if proxy.has_login() && user.is_none() {
        return Ok(proxy.map_login(|login| who.restrict(login)));
    }
    let login = match user {
        None => who.proxy_login(proxy.host()),
        Some((name, file)) => Some(who.login(named(name, file, who)?.credentials)),
    };
    Ok(match login {
        Some(login) => proxy.with_login(login),
        None => proxy,
    })
}

/// Who is the same to proxy and server need not say it twice.
fn named(name: &str, file: Option<&Path>, who: &Who) -> Result<Found, Failure> {
    match &who.known {
        Known::Chosen(found) if file.is_none() && found.credentials.name() == name => {
            Ok(found.clone())
        }
        _ => {
            check_user("--proxy-user", name)?;
            chosen(name, file)
        }
    }
}
