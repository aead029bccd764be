//! Logs on to a URL again and again, each time over a new connection, for `benches/http/client`:
//! prints the seconds that it took.

use http_body_util::BodyExt;
use logon::http::Scheme;
use logon_client::credentials::Credentials;
use logon_client::{Client, Login, Trust};
use std::time::{Duration, Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, user, password, count] = arguments.as_slice() else {
        return Err(r"usage: logons URL 'DOMAIN\USER' PASSWORD COUNT".into());
    };
    let login = Login::new(Credentials::password(user.as_str(), password.clone()));
    let client = Client::builder()
        .trust(Trust::nobody())
        .login(login.with_schemes(&[Scheme::Ntlm]))
        .idle(Duration::ZERO, 0)
        .build();
    let began = Instant::now();
    for _ in 0..count.parse::<usize>()? {
        let response = client.get(url).await?;
        if !response.status().is_success() {
            return Err(response.status().to_string().into());
        }
        response.into_body().collect().await?;
    }
    println!("{}", began.elapsed().as_secs_f64());
    Ok(())
}
