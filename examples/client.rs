//! Logs on to an HTTP server over one `std::net` connection and prints the answer.
//!
//! ```sh
//! cargo run --bin logon -- demo &
//! cargo run --example client -- 127.0.0.1:8080 /ntlm/ 'CORP\alice' 'S3cret!pw'
//! ```

use logon::http::{ClientAuth, ClientConfig, ClientStep, Side};
use logon::{ChannelBindings, Credential, InitiatorConfig, TargetName};
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
    let initiator = InitiatorConfig::with_os(Credential::password(user, password));
    let config = Arc::new(ClientConfig::new(Arc::new(initiator)));
    // Without TLS there is nothing to bind to.
    let (target, bindings) = (TargetName::http(host), ChannelBindings::none());
    let mut auth = ClientAuth::new(config, Side::Origin, target, bindings);

    // It has to be the same connection every time: that is what NTLM authenticates.
    let mut connection = BufReader::new(TcpStream::connect(address)?);
    let mut field = String::new();
    let (head, body) = loop {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{field}\r\n");
        connection.get_mut().write_all(request.as_bytes())?;
        let (head, body) = answer(&mut connection)?;
        if !head.starts_with("HTTP/1.1 401 ") {
            break (head, body);
        }
        let step = auth.advance(values(&head, "www-authenticate"));
        let ClientStep::Send(credentials) = step.map_err(|error| error.to_string())? else {
            return Err("the server took the credentials, and refuses all the same".into());
        };
        field = format!("Authorization: {}\r\n", credentials.value);
    };
    // The last token may say that the server is not who it should be.
    let persistent = values(&head, "persistent-auth").next();
    let _ = auth.finish(values(&head, "www-authenticate"), persistent)?;
    let how = auth.mechanism().map_or("without a logon".to_owned(), |it| format!("by {it}"));
    println!("{} {how}\n\n{body}", head.lines().next().unwrap_or_default());
    Ok(())
}

/// Head and body of an answer.
fn answer(connection: &mut BufReader<TcpStream>) -> Result<(String, String), Box<dyn Error>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head)? == 0 {
            return Err("the server closed the connection".into());
        }
    }
    let length = values(&head, "content-length").next().unwrap_or(b"0");
    let mut body = vec![0; std::str::from_utf8(length)?.parse()?];
    connection.read_exact(&mut body)?;
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}

/// What a head has under a name.
fn values<'a>(head: &'a str, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let named = fields.filter(move |(known, _)| known.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.trim().as_bytes())
}
