//! What the demonstration shows.

use crate::gateway::diagnosis::Diagnosis;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::response::Html;
use axum::routing::{MethodRouter, any, get};
use http_body_util::BodyExt;
use logon::http::{Authentication, Scheme, Scope};
use logon::{BindingsOutcome, Identity, MicOutcome};
use logon_tower::{AsyncCredentialStore, Connection, LogonLayer};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// What the start page tells.
#[derive(Clone)]
pub(super) struct About {
    /// Who can log on, in words.
    pub(super) known: String,
    /// Whom to try.
    pub(super) account: String,
    pub(super) http: String,
    pub(super) https: String,
}

/// Where the diagnosis page is.
const DIAGNOSIS: &str = "/.logon";

/// The whole site.
pub(super) fn site<S: AsyncCredentialStore>(layer: &LogonLayer<S>, about: About) -> Router {
    let start = move || {
        let page = start_page(&about);
        async move { Html(page) }
    };
    let required = |schemes: &[Scheme]| layer.clone().scope(Scope::required(schemes));
    let both = Scheme::INTEGRATED;
    let diagnosis = Arc::new(Diagnosis::new(DIAGNOSIS, layer.clone(), &Scheme::ALL, true));
    let diagnose = move |request: Request| {
        let diagnosis = Arc::clone(&diagnosis);
        async move { diagnosis.answer(request).await }
    };
    Router::new()
        .route("/", get(start))
        .route(DIAGNOSIS, any(diagnose.clone()))
        .route(&format!("{DIAGNOSIS}/{{*below}}"), any(diagnose))
        .merge(place("/ntlm", required(&[Scheme::Ntlm])))
        .merge(place("/nego", required(&[Scheme::Negotiate])))
        .merge(place("/both", required(&both)))
        .merge(place("/digest", required(&[Scheme::Digest])))
        .merge(place("/basic", required(&[Scheme::Basic])))
        .merge(place("/all", required(&Scheme::ALL)))
        .merge(place("/optional", layer.clone().scope(Scope::optional(&both))))
        .merge(place("/app", layer.clone().scope(Scope::app_challenges(&both))))
        .merge(place("/open", layer.clone().scope(Scope::off())))
}

/// A place and everything below it.
fn place<S: AsyncCredentialStore>(path: &str, layer: LogonLayer<S>) -> Router {
    let report = || -> MethodRouter { any(report) };
    Router::new()
        .route(path, report())
        .route(&format!("{path}/"), report())
        .route(&format!("{path}/{{*below}}"), report())
        .layer(layer)
}

/// Who the request is from and how that is known. The first line is for machines.
async fn report(
    Extension(authentication): Extension<Authentication>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> String {
    let method = request.method().clone();
    let bytes = count(request.into_body()).await;
    let mut text = String::new();
    let written = match authentication.logon() {
        None => writeln!(text, "user=\nstatus={:?}", authentication.status()),
        Some(logon) => {
            let identity = logon.identity();
            let mic = match identity.mic() {
                MicOutcome::Verified => "verified",
                MicOutcome::NotApplicable => "none in this scheme",
                _ => "none sent",
            };
            let bindings = match identity.bindings() {
                BindingsOutcome::Bound => "bound to this TLS connection",
                BindingsOutcome::Unavailable => "nothing to bind to: no TLS",
                BindingsOutcome::NotOffered => "none sent",
                BindingsOutcome::NotApplicable => "none in this scheme",
                _ => "ignored",
            };
            let target = Some(identity.target_name()).filter(|name| !name.is_empty());
            writeln!(
                text,
                "user={identity}\nscheme={}\nmechanism={}\nmic={mic}\nbindings={bindings}\ntarget={}",
                logon.scheme(),
                logon.mechanism().map_or("none".to_owned(), |mechanism| mechanism.to_string()),
                target.unwrap_or("none sent"),
            )
            .and_then(|()| windows(&mut text, identity))
        }
    };
    let written = written.and_then(|()| {
        if authentication.error().is_some() {
            writeln!(text, "security status={}", authentication.security_status())?;
        }
        writeln!(text, "connection={}\nmethod={method}\nbody={bytes} bytes", connection.id())
    });
    debug_assert!(written.is_ok(), "a String takes everything");
    text
}

/// Who it is for Windows, if its domain has said so.
fn windows(text: &mut String, identity: &Identity) -> std::fmt::Result {
    let Some(sid) = identity.user_sid() else { return Ok(()) };
    writeln!(text, "sid={sid}")?;
    identity.group_sids().iter().try_for_each(|group| writeln!(text, "group={group}"))
}

/// A body that has not moved for so long is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the body to its end, so that the connection can go on.
async fn count(mut body: Body) -> u64 {
    let mut bytes = 0_u64;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(BODY_TIMEOUT, body.frame()).await {
        let length = frame.data_ref().map_or(0, axum::body::Bytes::len);
        bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    }
    bytes
}

fn start_page(about: &About) -> String {
    let About { known, account, http, https } = about;
    let (known, account) = (escape(known), escape(account));
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>logon demo</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }}
pre {{ background: #f3f3f3; padding: .75rem; overflow-x: auto; }}
table {{ border-collapse: collapse; }} td, th {{ padding: .25rem 1rem .25rem 0; text-align: left; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #1b1b1b; color: #ddd; }} a {{ color: #8bf; }} pre {{ background: #2a2a2a; }} }}
</style>
<h1>logon demo</h1>
<p>This server knows {known}.</p>
<table>
<tr><th>Place</th><th>offers</th></tr>
<tr><td><a href="/ntlm/">/ntlm/</a></td><td>NTLM</td></tr>
<tr><td><a href="/nego/">/nego/</a></td><td>Negotiate</td></tr>
<tr><td><a href="/both/">/both/</a></td><td>Negotiate and NTLM</td></tr>
<tr><td><a href="/digest/">/digest/</a></td><td>Digest</td></tr>
<tr><td><a href="{https}/basic/">/basic/</a></td><td>Basic, over HTTPS only</td></tr>
<tr><td><a href="/all/">/all/</a></td><td>all of them</td></tr>
<tr><td><a href="/optional/">/optional/</a></td><td>Negotiate and NTLM, and lets everybody in</td></tr>
<tr><td><a href="/app/">/app/</a></td><td>the same, and says why a logon failed</td></tr>
<tr><td><a href="/open/">/open/</a></td><td>nothing: no logon needed</td></tr>
<tr><td><a href="{DIAGNOSIS}">{DIAGNOSIS}</a></td><td>a page that shows what your browser does when it has to log on</td></tr>
</table>
<h2>With curl</h2>
<pre>curl --ntlm -u '{account}' {http}/ntlm/
curl --ntlm -u '{account}' --insecure {https}/ntlm/
curl --digest -u '{account}' {http}/digest/
curl --basic -u '{account}' --insecure {https}/basic/</pre>
<p><code>curl --negotiate</code> takes its credentials from the system; on Linux that needs the
package gss-ntlmssp and a file of <code>DOMAIN:USER:PASSWORD</code> named by
<code>NTLM_USER_FILE</code>:</p>
<pre>NTLM_USER_FILE=./credentials curl --negotiate -u : {http}/nego/</pre>
<h2>With a browser</h2>
<ol>
<li>Open <a href="/ntlm/">/ntlm/</a>.</li>
<li>Type <b>{account}</b> and the password.</li>
<li>The answer names the user, and the line in the server's log says how it was proven.</li>
</ol>
</html>
"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;")
}
