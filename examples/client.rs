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
    let mut answer = get(&mut connection, host, path, "")?;
    while answer.status.contains(" 401 ") {
        match auth.advance(answer.challenges()).map_err(|error| error.to_string())? {
            ClientStep::Send(credentials) => {
                let field = format!("Authorization: {}\r\n", credentials.value);
                answer = get(&mut connection, host, path, &field)?;
            }
            _ => return Err("the server took the credentials, and refuses all the same".into()),
        }
    }
    let _ = auth.finish(answer.challenges(), answer.field("persistent-auth").next())?;
    match auth.mechanism() {
        Some(mechanism) => println!("{} by {mechanism}\n\n{}", answer.status, answer.body),
        None => println!("{} without a logon\n\n{}", answer.status, answer.body),
    }
    Ok(())
}

struct Answer {
    status: String,
    fields: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn field(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = self.fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim().as_bytes())
    }

    fn challenges(&self) -> impl Iterator<Item = &[u8]> {
        self.field(Side::Origin.challenge_field())
    }
}

fn get(
    connection: &mut BufReader<TcpStream>,
    host: &str,
    path: &str,
    field: &str,
) -> Result<Answer, Box<dyn Error>> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{field}\r\n");
    connection.get_mut().write_all(request.as_bytes())?;
    let mut line = || -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        match connection.read_line(&mut line)? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    };
    let (status, mut fields) = (line()?, Vec::new());
    while let Some((name, value)) = line()?.split_once(':') {
        fields.push((name.to_owned(), value.to_owned()));
    }
    let mut answer = Answer { status, fields, body: String::new() };
    let length = answer.field("content-length").next().unwrap_or(b"0");
    let mut body = vec![0; std::str::from_utf8(length)?.parse()?];
    connection.read_exact(&mut body)?;
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Ok(answer)
}
