//! Gets a URL, and says how that went. Credentials are looked for in `NTLM_USER_FILE`, in
//! `LOGON_USER` and `LOGON_PASSWORD`, and asked for at the terminal.
//!
//! ```sh
//! DEMO_PW='S3cret!pw' cargo run --bin logon -- demo --password-env DEMO_PW &
//! export LOGON_USER='CORP\alice' LOGON_PASSWORD='S3cret!pw'
//! cargo run -p logon-client --example get -- http://localhost:8080/both/
//! ```

use http_body_util::BodyExt;
use logon_client::credentials::Search;
use logon_client::{Client, Login, Outcome};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: get URL")?;
    // What `main` returns is shown for programmers; this is for people.
    let found = Search::new().may_prompt(true).find().map_err(|error| error.to_string())?;
    eprintln!("{found}");
    let client = Client::builder().login(Login::new(found.credentials)).build();
    let response = client.get(&url).await.map_err(|error| error.to_string())?;
    let outcome = response.extensions().get::<Outcome>().cloned().unwrap_or_default();
    eprintln!("{}: {}", response.status(), outcome.origin);
    let body = response.into_body().collect().await?.to_bytes();
    print!("{}", String::from_utf8_lossy(&body));
    Ok(())
}
