//! `logon get`: asks for a URL, logs on where that is demanded, and writes the answer.

mod body;
mod output;
mod progress;
mod request;
mod verdict;

use crate::cli::GetOptions;
use crate::client::{self, Who};
use crate::failure::{Exit, Failure};
use crate::logging;
use crate::signals::interrupted_or_hung_up;
use http::{Request, Uri};
use http_body_util::BodyExt;
use logon_client::{Body, Client, Proxy, Redirects, ResponseBody};
use output::Output;
use progress::Progress;
use std::future::Future;
use std::io;
use std::time::Duration;

/// As many as browsers follow at least.
const REDIRECTS: usize = 10;

pub(crate) fn run(options: &GetOptions) -> Result<(), Failure> {
    let level = match (options.quiet, options.connection.trace) {
        (true, _) => "error",
        (false, true) => "logon_client=info,warn",
        (false, false) => "warn",
    };
    logging::start_at(false, level);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::message(format!("cannot start: {error}")))?;
    // Before anybody is asked for a password.
    let request = runtime.block_on(async { request::of(options) })?;
    let who = Who::find(&options.logon)?;
    let client = client(options, request.uri(), &who)?;
    let ended = runtime.block_on(async {
        let getting = get(&client, request, options, &who);
        match options.output.as_deref() {
            // There is a file to remove, that is not there before signals are listened to.
            Some(path) if output::is_replaced(path) => tokio::select! {
                biased;
                () = interrupted_or_hung_up() => {
                    Err(Failure::Exit(Exit::Interrupted, "interrupted".to_owned()))
                }
                ended = getting => ended,
            },
            // Signals end it where it waits: a pipe does not open before it has a reader.
            _ => getting.await,
        }
    });
    // Somebody may still be reading from standard input.
    runtime.shutdown_background();
    ended
}

fn client(options: &GetOptions, asked: &Uri, who: &Who) -> Result<Client, Failure> {
    let mut builder = client::builder(&options.connection)?;
    for login in who.logins(asked.host().unwrap_or_default()) {
        builder = builder.login(login);
    }
    let user = options.proxy_user.as_deref();
    let user = user.map(|name| (name, options.proxy_password_file.as_deref()));
    for proxy in proxies(options)? {
        builder = builder.proxy(client::proxy(proxy, user, who)?);
    }
    let redirects = if options.location { Redirects::up_to(REDIRECTS) } else { Redirects::NONE };
    Ok(builder.redirects(redirects).build())
}

fn proxies(options: &GetOptions) -> Result<Vec<Proxy>, Failure> {
    let found = match options.proxy.as_deref() {
        Some("") => return Ok(Vec::new()),
        Some(url) => Proxy::new(url).map(|proxy| vec![proxy]),
        None => Proxy::from_environment(&|name| std::env::var_os(name)),
    };
    found.map_err(|error| {
        Failure::usage(format!("{error}; a name goes into --proxy-user, and --proxy '' is none"))
    })
}

async fn get(
    client: &Client,
    request: Request<Body>,
    options: &GetOptions,
    who: &Who,
) -> Result<(), Failure> {
    let mut output = Output::open(options.output.as_deref())?;
    let asked = request.uri().clone();
    let (head, mut body) = match client.send(request).await {
        Ok(response) => response.into_parts(),
        Err(error) => return Err(client::failure_of(&error, who)),
    };
    if options.include {
        output.write(&output::head(&head))?;
    }
    let length = http_body::Body::size_hint(&body).exact();
    let watched = options.output.is_some() && !options.quiet;
    let mut progress = Progress::start(watched, length);
    while let Some(piece) = next(&mut body, options.connection.timeout).await? {
        output.write(&piece)?;
        progress.add(piece.len());
    }
    drop(progress);
    output.finish()?;
    verdict::of(&head, &asked, options, who)
}

/// The next piece of the answer, if it comes in time.
async fn next(
    body: &mut ResponseBody,
    limit: Option<Duration>,
) -> Result<Option<bytes::Bytes>, Failure> {
    loop {
        let frame = match limit {
            None => body.frame().await,
            Some(limit) => within(limit, body.frame()).await?,
        };
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(client::failure(&error)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Ok(Some(data)),
                // Trailers are for nobody here.
                Err(_) => continue,
            },
        }
    }
}

async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(limit, what).await.map_err(|_| {
        let text = format!("the answer broke off: nothing more within {limit:?}");
        Failure::Exit(Exit::NoConnection, text)
    })
}

/// What writing an answer fails with.
fn unwritable(path: &std::path::Path, error: &io::Error) -> Failure {
    Failure::message(format!("{}: {error}", path.display()))
}
