//! A server on `std::net`, a thread per connection, with no framework at all.
//!
//! ```sh
//! cargo run --example server_sync -- 127.0.0.1:8080
//! curl --ntlm -u 'CORP\alice:S3cret!pw' http://127.0.0.1:8080/
//! ```

use logon::http::{Carrier, ConnectionAuth, ConnectionConfig, Decision, RequestHead, Scheme};
use logon::http::{Scope, is_intermediary_field};
use logon::{AcceptorConfig, Account, AccountName, Answer, ChannelBindings, CredentialStore};
use logon::{KnownAccount, NtHash, ServerNames, StoreError};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// One user. A real store keeps hashes, not a password in the program.
struct OneUser;

impl CredentialStore for OneUser {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        // Clients that know no domain send none.
        let domain = account.domain();
        let ours = domain.is_empty() || domain.eq_ignore_ascii_case("CORP");
        if !ours || !account.user().eq_ignore_ascii_case("alice") {
            return Ok(Answer::Unknown);
        }
        let name = AccountName::new("CORP", "alice");
        Ok(Answer::Known(KnownAccount::new(NtHash::of_password("S3cret!pw"), name)))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("http://{}", listener.local_addr()?);
    let acceptor = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    let config = Arc::new(ConnectionConfig::new(Arc::new(acceptor)));
    for stream in listener.incoming() {
        let (stream, config) = (stream?, Arc::clone(&config));
        thread::spawn(move || {
            if let Err(error) = serve(stream, config) {
                eprintln!("connection ended: {error}");
            }
        });
    }
    Ok(())
}

/// The state of authentication lives exactly as long as the connection.
fn serve(stream: TcpStream, config: Arc<ConnectionConfig>) -> io::Result<()> {
    let mut auth = ConnectionAuth::new(config, ChannelBindings::none());
    let scope = Arc::new(Scope::required(&Scheme::INTEGRATED));
    let mut stream = BufReader::new(stream);
    while let Some(request) = Request::read(&mut stream)? {
        let credentials: Vec<&[u8]> = request.credentials.iter().map(Vec::as_slice).collect();
        let mut head = RequestHead::new(&request.method, &request.target, &scope);
        head.credentials = &credentials;
        head.carrier = request.carrier;
        let (status, fields, close, body) = match auth.decide(head, &OneUser) {
            Decision::Forward(forward) => {
                let user = forward.authentication.identity().map(ToString::to_string);
                let body = format!("user={}\n", user.unwrap_or_default());
                (200, forward.fields, forward.close, body)
            }
            Decision::Respond(answer) => {
                if let Some(reason) = answer.reason {
                    eprintln!("refused: {reason}");
                }
                let field = |value| ("www-authenticate", value);
                let fields = answer.challenges.into_iter().map(field).collect();
                (answer.status.code(), fields, answer.close, String::new())
            }
            _ => (500, Vec::new(), true, String::new()),
        };
        let mut response = format!("HTTP/1.1 {status} -\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in fields {
            response.push_str(&format!("{name}: {value}\r\n"));
        }
        if close {
            response.push_str("Connection: close\r\n");
        }
        write!(stream.get_mut(), "{response}\r\n{body}")?;
        if close {
            break;
        }
    }
    Ok(())
}

/// As much of a request as this example needs.
#[derive(Default)]
struct Request {
    method: String,
    target: String,
    /// The values of its `Authorization` lines.
    credentials: Vec<Vec<u8>>,
    carrier: Carrier,
}

impl Request {
    /// The next request; `None` at the end of the connection. Bodies are thrown away.
    fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        const MAX_HEAD: u64 = 128 * 1024;
        const MAX_BODY: u64 = 1024 * 1024;
        let mut head = stream.by_ref().take(MAX_HEAD);
        let mut line = String::new();
        head.read_line(&mut line)?;
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(_)) = (words.next(), words.next(), words.next())
        else {
            return Ok(None);
        };
        let (method, target) = (method.to_owned(), target.to_owned());
        let mut request = Self { method, target, ..Self::default() };
        let mut length = 0;
        loop {
            line.clear();
            if head.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            if line == "\r\n" {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            if name.eq_ignore_ascii_case("authorization") {
                request.credentials.push(value.trim().as_bytes().to_vec());
            } else if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            } else if is_intermediary_field(name) {
                // Somebody in between may send requests of other people over this connection.
                request.carrier = Carrier::Shared;
            }
        }
        if length > MAX_BODY {
            return Err(io::Error::other("the body is too long"));
        }
        io::copy(&mut stream.by_ref().take(length), &mut io::sink())?;
        Ok(Some(request))
    }
}
