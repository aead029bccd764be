//! Logs on to an HTTP server with NTLM over one `std::net` connection and prints the answer.
//!
//! ```sh
//! cargo run --example client -- 127.0.0.1:8080 /ntlm/ 'CORP\alice' 'S3cret!pw'
//! ```

use logon::http::{Scheme, format_token, parse_token};
use logon::{ChannelBindings, Credential, Initiator, InitiatorConfig, InitiatorStep, TargetName};
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, user, password] = arguments.as_slice() else {
        return Err(r"usage: client HOST:PORT PATH 'DOMAIN\USER' PASSWORD".into());
    };
    let host = address.split(':').next().unwrap_or(address);
    let mut connection = BufReader::new(TcpStream::connect(address)?);

    let config = Arc::new(InitiatorConfig::with_os(Credential::password(user, password)));
    let initiator = Initiator::ntlm(config, TargetName::http(host), ChannelBindings::none());
    let mut token = Vec::new();
    let mut step = initiator.step(None, &mut token)?;
    while let InitiatorStep::Continue(initiator) = step {
        let answer = get(&mut connection, host, path, &token)?;
        let challenge = answer.challenge.ok_or("the server sends no NTLM challenge")?;
        token.clear();
        step = initiator.step(Some(&challenge), &mut token)?;
    }
    let answer = get(&mut connection, host, path, &token)?;
    println!("{}\n\n{}", answer.status, answer.body);
    if answer.status.contains(" 401 ") { Err("the logon was refused".into()) } else { Ok(()) }
}

struct Answer {
    status: String,
    challenge: Option<Vec<u8>>,
    body: String,
}

/// One request on the connection. It has to be the same connection every time: that is what
/// NTLM authenticates.
fn get(
    connection: &mut BufReader<TcpStream>,
    host: &str,
    path: &str,
    token: &[u8],
) -> Result<Answer, Box<dyn Error>> {
    let credentials = format_token(Scheme::Ntlm, token);
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {credentials}\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes())?;

    let mut status = String::new();
    connection.read_line(&mut status)?;
    let (mut challenge, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line)? == 0 {
            return Err("the server closed the connection".into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("www-authenticate") {
            challenge = parse_token(Scheme::Ntlm, value.as_bytes())?.filter(|t| !t.is_empty());
        } else if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer { status: status.trim_end().to_owned(), challenge, body })
}
