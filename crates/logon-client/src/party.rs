//! One side's part in an exchange: who logs on to the server, or to the proxy.

use crate::attempt::Attempt;
use crate::connect::Left;
use crate::login::Ready;
use crate::outcome::{Logon, NoTicket};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use logon::http::{ClientAuth, ClientError, ClientStep, Credentials, Scheme, Side};
use logon::kerberos::InitiatorConfig as TicketConfig;
use logon::{ChannelBindings, PeerIncompatible, TargetName};
use logon_kdc::TicketsError;
use std::sync::Arc;

/// All that goes there, and no password could be tried by it.
fn is_ticket(credentials: &Credentials) -> bool {
    credentials.last && !credentials.counts
}

/// Who logs on to one side, over one connection.
pub(crate) struct Party<'a> {
    pub(crate) side: Side,
    /// `None` if nobody may.
    attempt: Option<Attempt<'a>>,
    /// Nobody may, because the credentials were refused before.
    refused: bool,
    pub(crate) target: TargetName,
    /// The login has it so: nobody made it of the host.
    named: bool,
    pub(crate) bindings: &'a ChannelBindings,
    /// The connection is TLS all the way.
    pub(crate) secure: bool,
    /// A proxy in between may send others' requests over the connection that comes after it: what
    /// logs on by connection would log on others.
    pub(crate) shared: bool,
    /// Of the connection: who has logged on over it.
    pub(crate) auth: Option<ClientAuth>,
    /// The scheme that was asked for, to begin with on a new connection.
    pub(crate) start: Option<Scheme>,
    /// Method and target, which `Digest` proves.
    request: (String, String),
    /// Credentials went over the connection.
    pub(crate) sent: bool,
    /// No challenge was seen yet.
    unasked: bool,
    /// Credentials were sent in the course of this request.
    exchanging: bool,
    /// Of this service, or why there is none. `None` as long as nobody has looked.
    ticket: Option<Result<Arc<TicketConfig>, TicketsError>>,
    /// The password can be tried by what was sent last.
    counts: bool,
    /// What was sent last is a ticket, and nothing else.
    of_ticket: bool,
    pub(crate) logon: Logon,
}

impl<'a> Party<'a> {
    pub(crate) fn new(
        side: Side,
        attempt: Option<Attempt<'a>>,
        target: TargetName,
        bindings: &'a ChannelBindings,
        secure: bool,
    ) -> Self {
        let refused = attempt.as_ref().is_some_and(Attempt::is_refused);
        let named = attempt.as_ref().and_then(|attempt| attempt.login().service.clone());
        let (named, target) = (named.is_some(), named.unwrap_or(target));
        Self {
            side,
            attempt: attempt.filter(|_| !refused),
            refused,
            target,
            named,
            bindings,
            secure,
            shared: false,
            auth: None,
            start: None,
            request: (String::new(), String::new()),
            sent: false,
            unasked: false,
            exchanging: false,
            ticket: None,
            counts: false,
            of_ticket: false,
            logon: Logon::NotAsked,
        }
    }

    /// Nobody.
    pub(crate) fn nobody(side: Side, bindings: &'a ChannelBindings) -> Self {
        Self::new(side, None, TargetName::default(), bindings, false)
    }

    /// Goes on with what the connection has, or an earlier one has left.
    pub(crate) fn with(mut self, auth: Option<ClientAuth>, start: Option<Scheme>) -> Self {
        (self.auth, self.start) = (auth, start);
        self
    }

    pub(crate) fn login(&self) -> Option<&'a Ready> {
        self.attempt.as_ref().map(Attempt::login)
    }

    /// What goes with the first request, for `method` and the target of the request line. Waits as
    /// long as somebody else tries the same credentials.
    pub(crate) async fn begin(
        &mut self,
        method: &str,
        target: &str,
    ) -> Result<Option<Credentials>, ClientError> {
        self.request = (method.to_owned(), target.to_owned());
        if !self.is_logged_on() && self.begins_with() == Some(Scheme::Negotiate) {
            self.look_for_ticket().await;
        }
        let credentials = self.first()?;
        Ok(self.permitted(credentials).await)
    }

    /// The scheme of a request that nobody has challenged.
    fn begins_with(&self) -> Option<Scheme> {
        let standing =
            |auth: &&ClientAuth| auth.is_complete() || auth.scheme() == Some(Scheme::Digest);
        self.auth.as_ref().filter(standing).and_then(ClientAuth::scheme).or(self.start)
    }

    /// Has KDCs asked for a ticket, once, if the login has somebody to ask.
    async fn look_for_ticket(&mut self) {
        let tickets = self.login().and_then(|login| login.tickets.as_ref());
        if let (Some(tickets), None) = (tickets, &self.ticket) {
            let ticket = match self.named {
                true => tickets.ticket_for(&self.target).await,
                false => tickets.ticket_for_host(&self.target).await,
            };
            if let Err(error) = &ticket {
                tracing::info!("no ticket of {}: {error}", self.target.as_str());
            }
            self.ticket = Some(ticket);
        }
    }

    /// Why a ticket is missing that the exchange cannot do without, or should not: a password that
    /// a KDC has refused is not tried elsewhere.
    fn lacks_ticket(&self) -> Option<&TicketsError> {
        let error = self.ticket.as_ref()?.as_ref().err()?;
        let needed = self.login().is_some_and(|login| login.needs_ticket);
        Some(error).filter(|error| needed || error.is_about_client())
    }

    fn no_ticket(&self, cause: TicketsError) -> Box<NoTicket> {
        Box::new(NoTicket { service: self.target.clone(), cause })
    }

    /// The ticket that was looked for and not to be had.
    pub(crate) fn missing(&self) -> Option<Box<NoTicket>> {
        let error = self.ticket.as_ref()?.as_ref().err()?;
        Some(self.no_ticket(error.clone()))
    }

    /// The same, where what was tried instead has failed.
    pub(crate) fn failed_without_ticket(&self) -> Option<Box<NoTicket>> {
        let says_enough =
            matches!(self.logon, Logon::NotAsked | Logon::LoggedOn { .. } | Logon::NoTicket(_));
        self.missing().filter(|_| !says_enough)
    }

    fn first(&mut self) -> Result<Option<Credentials>, ClientError> {
        let Some(login) = self.login() else { return Ok(None) };
        if self.is_logged_on() {
            return Ok(None);
        }
        let Some(scheme) = self.begins_with() else { return Ok(None) };
        if self.lacks_ticket().is_some() {
            return Ok(None);
        }
        let standing = self.auth.take();
        let mut auth = match standing {
            // Its nonce serves again.
            Some(auth) if scheme == Scheme::Digest => auth,
            _ => self.fresh(login),
        };
        let (method, target) = &self.request;
        auth.for_request(method, target);
        match auth.initial(scheme) {
            Ok(credentials) => {
                self.auth = Some(auth);
                (self.unasked, self.exchanging) = (true, true);
                Ok(Some(credentials))
            }
            // On a new connection: it will challenge.
            Err(ClientError::ChallengeNeeded { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The credentials, once they may be sent; `None` if they were refused meanwhile.
    async fn permitted(&mut self, credentials: Option<Credentials>) -> Option<Credentials> {
        let (credentials, attempt) = (credentials?, self.attempt.as_mut()?);
        // A ticket locks nobody out.
        if is_ticket(&credentials) || attempt.may_send().await {
            self.sent = true;
            return Some(credentials);
        }
        (self.attempt, self.refused) = (None, true);
        (self.auth, self.start, self.exchanging) = (None, None, false);
        None
    }

    fn fresh(&self, login: &Ready) -> ClientAuth {
        let bindings = login.bindings(self.bindings);
        let config = login.config(self.secure, self.shared).clone();
        let mut auth = ClientAuth::new(config, self.side, self.target.clone(), bindings);
        auth.use_ticket(self.ticket.as_ref().and_then(|it| it.as_ref().ok()).cloned());
        auth
    }

    /// Whether requests without credentials count as somebody's here.
    pub(crate) fn is_logged_on(&self) -> bool {
        self.auth.as_ref().is_some_and(|auth| auth.is_complete() && auth.is_persistent())
    }

    /// Whether no exchange is under way.
    pub(crate) fn is_settled(&self) -> bool {
        !self.exchanging || self.auth.as_ref().is_some_and(ClientAuth::is_complete)
    }

    /// Credentials are asked for. `None` if that is the end of it. Waits as long as somebody else
    /// tries the same ones.
    pub(crate) async fn challenged(
        &mut self,
        headers: &HeaderMap,
    ) -> Result<Option<Credentials>, ClientError> {
        // What a KDC has refused is not tried by any other scheme.
        if let Some(cause) = self.login().and_then(|login| login.tickets.as_ref()?.refused())
            && headers.contains_key(self.side.challenge_field())
        {
            self.logon = Logon::NoTicket(self.no_ticket(cause));
            return Ok(None);
        }
        if !self.exchanging
            && let Some(login) = self.login()
            && self.fresh(login).wants_ticket(values(headers, self.side.challenge_field()))
        {
            self.look_for_ticket().await;
            let vain = |cause: &&TicketsError| cause.is_about_client() || !login.has_password;
            if let Some(cause) = self.lacks_ticket().filter(vain) {
                self.logon = Logon::NoTicket(self.no_ticket(cause.clone()));
                return Ok(None);
            }
        }
        let next = match (self.next(headers), self.missing()) {
            // It is not the server that fails to prove itself: nobody has asked it to.
            (Err(ClientError::MutualAuthMissing), Some(missing)) => {
                self.logon = Logon::NoTicket(missing);
                return Ok(None);
            }
            (next, _) => next?,
        };
        let goes_on = next.is_some();
        let next = self.permitted(next).await;
        if goes_on && next.is_none() {
            self.logon = Logon::RefusedBefore;
        }
        Ok(next)
    }

    fn next(&mut self, headers: &HeaderMap) -> Result<Option<Credentials>, ClientError> {
        if !headers.contains_key(self.side.challenge_field()) && !self.exchanging {
            // An application's own way of asking, or a mistake.
            return Ok(None);
        }
        let Some(login) = self.login() else {
            self.logon = if self.refused { Logon::RefusedBefore } else { Logon::NoLogin };
            return Ok(None);
        };
        let mut auth = match self.auth.take() {
            Some(auth) if self.exchanging => auth,
            // Whatever the connection has been, it is no more.
            _ => self.fresh(login),
        };
        let (method, target) = &self.request;
        auth.for_request(method, target);
        let scheme = auth.scheme();
        if self.shared && scheme.is_some_and(Scheme::is_per_connection) {
            self.logon = Logon::ProxyInBetween;
            return Ok(None);
        }
        let challenges = values(headers, self.side.challenge_field());
        match auth.advance(challenges) {
            Ok(ClientStep::Send(credentials)) => {
                (self.unasked, self.exchanging) = (false, true);
                self.start = auth.scheme();
                self.auth = Some(auth);
                Ok(Some(credentials))
            }
            // The status says otherwise.
            Ok(_) => {
                self.refused_by(scheme);
                Ok(None)
            }
            Err(ClientError::Refused { scheme }) => {
                self.refused_by(Some(scheme));
                Ok(None)
            }
            Err(ClientError::NoScheme { offered }) => {
                let enabled = login.config(self.secure, false).schemes();
                let apart = |name: &String| {
                    let scheme = Scheme::from_name(name.as_bytes());
                    scheme.is_some_and(|it| it.is_per_connection() && enabled.contains(&it))
                };
                let in_between = self.shared && offered.iter().any(apart);
                self.logon =
                    if in_between { Logon::ProxyInBetween } else { Logon::NotOffered { offered } };
                Ok(None)
            }
            // What the server wanted before may not be what it wants now.
            Err(ClientError::OutOfOrder { .. }) if self.unasked => {
                (self.unasked, self.exchanging, self.start) = (false, false, None);
                self.next(headers)
            }
            Err(ClientError::Exchange(logon::Error::PeerIncompatible(
                PeerIncompatible::KerberosError(code),
            ))) => {
                // The next request has a new one.
                if let Some(tickets) = login.tickets.as_ref() {
                    tickets.forget(&self.target);
                }
                self.logon = Logon::TicketRefused { code: Some(code) };
                Ok(None)
            }
            Err(error) => match (error, scheme) {
                (ClientError::OutOfOrder { .. }, Some(scheme)) => {
                    self.logon = Logon::BrokenOff { scheme };
                    Ok(None)
                }
                (error, _) => Err(error),
            },
        }
    }

    fn refused_by(&mut self, scheme: Option<Scheme>) {
        let Some(scheme) = scheme else {
            self.logon = Logon::NoLogin;
            return;
        };
        self.logon = match self.of_ticket {
            true => Logon::TicketRefused { code: None },
            false => Logon::Refused { scheme },
        };
        // Of a ticket nothing follows for the password.
        if let Some(attempt) = self.attempt.as_mut().filter(|_| self.counts) {
            attempt.failed();
        }
        if let Some(tickets) = self.login().and_then(|it| it.tickets.as_ref()) {
            tickets.forget(&self.target);
        }
    }

    /// The request goes out, with these credentials if there are any.
    pub(crate) fn sending(&mut self, credentials: Option<&Credentials>) {
        self.counts = credentials.is_some_and(|credentials| credentials.counts);
        self.of_ticket = credentials.is_some_and(is_ticket);
        if let Some(attempt) = self.attempt.as_mut().filter(|_| self.counts) {
            attempt.sending();
        }
    }

    /// They did not get to where they should.
    pub(crate) fn unsent(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.unsent();
        }
    }

    /// What stays with the connection.
    pub(crate) fn end(self) -> Option<ClientAuth> {
        self.auth
    }

    /// What is left when the connection has ended: what belongs to a request, such as a nonce.
    pub(crate) fn left(self) -> Left {
        let of_request =
            |auth: &ClientAuth| auth.scheme().is_some_and(|it| !it.is_per_connection());
        Left { auth: self.auth.filter(of_request), start: self.start }
    }

    /// There is an answer that asks for nothing.
    pub(crate) fn answered(&mut self, headers: &HeaderMap) -> Result<(), ClientError> {
        let Some(auth) = &mut self.auth else { return Ok(()) };
        if self.exchanging {
            // Whatever is wrong with the answer, it is no refusal.
            if let Some(attempt) = &mut self.attempt {
                attempt.unsent();
            }
            if let Some(info) = headers.get(self.side.info_field()) {
                auth.authentication_info(info.as_bytes())?;
            }
            let challenges = values(headers, self.side.challenge_field());
            let persistent = headers.get("persistent-auth").map(HeaderValue::as_bytes);
            let _ = auth.finish(challenges, persistent)?;
        }
        if auth.is_complete()
            && let Some(scheme) = auth.scheme()
        {
            self.logon = Logon::LoggedOn { scheme, mechanism: auth.mechanism() };
        }
        if let Some(attempt) = self.attempt.as_mut().filter(|_| self.exchanging) {
            match self.logon {
                Logon::LoggedOn { scheme, mechanism } => match mechanism {
                    Some(it) if !it.is_per_connection() => attempt.took_ticket(scheme),
                    _ => attempt.succeeded(scheme),
                },
                // Nothing was tried after all.
                _ => attempt.end(),
            }
        }
        // The server has not taken up what was sent unasked: the connection is as it was.
        self.exchanging &= self.auth.as_ref().is_some_and(|auth| auth.scheme().is_some());
        Ok(())
    }
}

fn values<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(HeaderName::from_static(name)).into_iter().map(HeaderValue::as_bytes)
}
