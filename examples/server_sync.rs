//! A server on `std::net`, a thread per connection, with no framework at all.
//!
//! ```sh
//! cargo run --example server_sync -- 127.0.0.1:8080
//! curl --ntlm -u 'CORP\alice:S3cret!pw' http://127.0.0.1:8080/
//! ```

use logon::http::{Carrier, ConnectionAuth, ConnectionConfig, Decision, RequestHead, Scheme};
use logon::http::{Scope, ScopeRule, Scopes, is_intermediary_field};
use logon::{AcceptorConfig, Account, AccountName, Answer, ChannelBindings, CredentialStore};
use logon::{KnownAccount, NtHash, ServerNames, StoreError};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

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
    // Both schemes, and below two paths one of them alone.
    let scopes = Scopes::builder(Scope::required(&Scheme::INTEGRATED))
        .path("/ntlm", ScopeRule::new().schemes(&[Scheme::Ntlm]))
        .path("/nego", ScopeRule::new().schemes(&[Scheme::Negotiate]))
        .build()?;
    let scopes = Arc::new(scopes);
    for stream in listener.incoming() {
        let (config, scopes) = (Arc::clone(&config), Arc::clone(&scopes));
        let connection = move |stream| {
            if let Err(error) = serve(stream, config, &scopes) {
                eprintln!("connection ended: {error}");
            }
        };
        // Out of descriptors or of threads: whoever is served already goes on.
        let begun = stream.and_then(|it| thread::Builder::new().spawn(move || connection(it)));
        if let Err(error) = begun {
            eprintln!("no connection: {error}");
            thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// The state of authentication lives exactly as long as the connection.
fn serve(stream: TcpStream, config: Arc<ConnectionConfig>, scopes: &Scopes) -> io::Result<()> {
    let mut auth = ConnectionAuth::new(config, ChannelBindings::none());
    let mut stream = BufReader::new(stream);
    while let Some(request) = Request::read(&mut stream)? {
        let credentials: Vec<&[u8]> = request.credentials.iter().map(Vec::as_slice).collect();
        let scope = scopes.find(None, &request.target);
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
                let status = answer.status.code();
                // Some browsers take an answer without a body for a broken server.
                (status, fields, answer.close, format!("{status}\n"))
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
        let (mut length, mut chunked) = (None, false);
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
                if length.replace(parse_size(value.trim(), 10)?).is_some() {
                    return Err(io::Error::other("two lengths of one body"));
                }
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = true;
            } else if is_intermediary_field(name) {
                // Somebody in between may send requests of other people over this connection.
                request.carrier = Carrier::Shared;
            }
        }
        match (length, chunked) {
            (Some(_), true) => return Err(io::Error::other("two lengths of one body")),
            (None, true) => while skip_chunk(stream)? {},
            (length, false) => skip(stream, length.unwrap_or(0))?,
        }
        Ok(Some(request))
    }
}

/// One chunk of a body; `false` behind the last one.
fn skip_chunk(stream: &mut BufReader<TcpStream>) -> io::Result<bool> {
    let mut line = String::new();
    stream.by_ref().take(100).read_line(&mut line)?;
    let size = parse_size(line.trim_end(), 16)?;
    skip(stream, size)?;
    line.clear();
    stream.by_ref().take(100).read_line(&mut line)?;
    if line == "\r\n" { Ok(size > 0) } else { Err(io::Error::other("a broken chunk")) }
}

/// Digits and nothing else: a sign would pass for a number, but with nobody else.
fn parse_size(text: &str, radix: u32) -> io::Result<u64> {
    if text.starts_with('+') {
        return Err(io::Error::other("a sign in front of a length"));
    }
    u64::from_str_radix(text, radix).map_err(io::Error::other)
}

/// Reads that many bytes of a body and throws them away.
fn skip(stream: &mut BufReader<TcpStream>, length: u64) -> io::Result<()> {
    if length > 1024 * 1024 {
        return Err(io::Error::other("the body is too long"));
    }
    io::copy(&mut stream.by_ref().take(length), &mut io::sink()).map(drop)
}
