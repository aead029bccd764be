//! The texts. Each says what is so, then what to do; for somebody who runs a server and has not
//! read the specifications.

use super::Explanation;
use crate::http::{SecurityStatus, Side, Status};

/// `NAME: what is sent, what Windows calls it => cause, remedy;`, for `LOGON_NAME`.
macro_rules! explanations {
    ($($name:ident: $status:expr, $security:expr => $cause:literal, $remedy:literal;)*) => {
        $(pub(super) static $name: Explanation = Explanation {
            code: concat!("LOGON_", stringify!($name)),
            cause: $cause,
            remedy: $remedy,
            status: $status,
            security_status: $security,
        };)*

        pub(super) static ALL: &[&Explanation] = &[$(&$name),*];
    };
}

const CHALLENGE: Option<Status> = Some(Status::Challenge(Side::Origin));
const BAD_FIELD: Option<Status> = Some(Status::BadRequest);
const OF_A_CLIENT: Option<Status> = None;

const BAD_PARAMETER: Option<SecurityStatus> = Some(SecurityStatus::INVALID_PARAMETER);
const LOGON_FAILURE: Option<SecurityStatus> = Some(SecurityStatus::LOGON_FAILURE);
const UNSUPPORTED: Option<SecurityStatus> = Some(SecurityStatus::UNSUPPORTED_FUNCTION);
const ALTERED: Option<SecurityStatus> = Some(SecurityStatus::MESSAGE_ALTERED);
const BAD_BINDINGS: Option<SecurityStatus> = Some(SecurityStatus::BAD_BINDINGS);
const WRONG_PRINCIPAL: Option<SecurityStatus> = Some(SecurityStatus::WRONG_PRINCIPAL);
const TIME_SKEW: Option<SecurityStatus> = Some(SecurityStatus::TIME_SKEW);
const NO_ROOM: Option<SecurityStatus> = Some(SecurityStatus::INSUFFICIENT_RESOURCES);

explanations! {
    // Before a logon.
    NO_CREDENTIALS: CHALLENGE, None =>
        "The request has no credentials. Every logon begins like this; if nothing follows, the \
         client has no credentials for this host or does not give them to it.",
        "If a browser asks for a password again and again, or shows this page at once: add the \
         host to the policy AuthServerAllowlist of Chrome and Edge, to \
         network.automatic-ntlm-auth.trusted-uris and network.negotiate-auth.trusted-uris of \
         Firefox, or to the Local intranet zone of Windows.";
    OTHER_SCHEME: CHALLENGE, None =>
        "The credentials are of a scheme that is not offered here, such as Bearer.",
        "Offer the scheme here, let credentials of this scheme pass to the application, or have \
         the client use one of the schemes that are offered.";
    HTTP_1_1_REQUIRED: CHALLENGE, None =>
        "The request came over HTTP/2 or 3, and a logon by Negotiate or NTLM belongs to a \
         connection of HTTP/1.1. Browsers come back over HTTP/1.1 by themselves.",
        "If a client does not come back: have it speak HTTP/1.1, or do not offer HTTP/2 on this \
         host. A proxy in front has to speak HTTP/1.1 to this server.";
    NO_SCHEME_USABLE: Some(Status::Forbidden), None =>
        "None of the schemes that are enabled here can be offered on this connection: Basic needs \
         TLS, Digest needs an account with a hash in its realm.",
        "Serve over TLS, add hashes for Digest (logon users add --digest-realm), or enable \
         Negotiate or NTLM here. Behind a proxy that ends TLS, list it as trusted.";
    APPLICATION_ASKS: CHALLENGE, None =>
        "The application behind answered 401: it wants somebody to log on, or somebody else.",
        "If it should let this user in, look into the application's own rules.";
    BAD_REQUEST: BAD_FIELD, None =>
        "The request has several Host fields, so nobody can tell what it asks for.",
        "Look at what stands between the client and this server: one of them adds a Host field \
         instead of replacing it.";

    // What carries the credentials.
    FIELD_NO_SCHEME: BAD_FIELD, BAD_PARAMETER =>
        "The Authorization field does not begin with the name of a scheme.",
        "A defect of the client, or of a proxy that rewrites the field.";
    FIELD_NO_TOKEN: BAD_FIELD, BAD_PARAMETER =>
        "The Authorization field names a scheme, and nothing stands behind it.",
        "A defect of the client, or of a proxy that cuts the field off.";
    FIELD_NOT_BASE64: BAD_FIELD, BAD_PARAMETER =>
        "The token in the Authorization field is not base64, or was cut off.",
        "Look for a proxy with a limit for the length of fields; otherwise it is a defect of the \
         client.";
    FIELD_REPEATED: BAD_FIELD, BAD_PARAMETER =>
        "The request has more than one Authorization field.",
        "A defect of the client, or of a proxy that adds a field of its own.";
    BASIC_NO_COLON: BAD_FIELD, BAD_PARAMETER =>
        "The credentials of Basic have no colon between name and password.",
        "A defect of the client: what it encodes has to read name:password.";
    BASIC_CONTROL_CHARACTER: BAD_FIELD, BAD_PARAMETER =>
        "The credentials of Basic have a control character in them.",
        "A script that encodes the credentials often takes a line end along: use printf instead of \
         echo.";
    DIGEST_MALFORMED: BAD_FIELD, BAD_PARAMETER =>
        "What stands behind Digest is no list of parameters.",
        "A defect of the client.";
    DIGEST_MISSING: BAD_FIELD, BAD_PARAMETER =>
        "A parameter is missing in the credentials of Digest; without qop they are those of RFC \
         2069, which is not offered.",
        "Update the client to one that knows RFC 7616, or enable another scheme for it.";
    DIGEST_DUPLICATE: BAD_FIELD, BAD_PARAMETER =>
        "A parameter stands twice in the credentials of Digest.",
        "A defect of the client.";
    DIGEST_BAD_VALUE: BAD_FIELD, BAD_PARAMETER =>
        "A parameter of the credentials of Digest has a value that it must not have.",
        "A defect of the client.";
    DIGEST_TOO_LONG: BAD_FIELD, BAD_PARAMETER =>
        "A parameter of the credentials of Digest is too long.",
        "If the name of the account is as long as that, raise the limit for names; otherwise it is \
         a defect of the client.";
    DIGEST_OTHER_REQUEST: BAD_FIELD, BAD_PARAMETER =>
        "The credentials of Digest were made for another path than the one that was asked for.",
        "A proxy in front rewrites paths: it must pass them on as they are. Otherwise somebody \
         sends the credentials of one request with another.";
    TOKEN_MALFORMED: CHALLENGE, Some(SecurityStatus::INVALID_TOKEN) =>
        "The token is neither NTLM nor SPNEGO, or is not well-formed.",
        "The log says which field of which structure; logon decode shows the token. A token of \
         bare Kerberos is not read here either: let the client use Negotiate with NTLM.";
    TOKEN_TOO_LONG: Some(Status::HeaderTooLarge), Some(SecurityStatus::INVALID_TOKEN) =>
        "The token is over the limit. Tickets of Kerberos are long for members of many groups.",
        "Raise the limit for tokens if such clients are to be heard; no token of NTLM needs that.";

    // On the way.
    OUT_OF_SEQUENCE: CHALLENGE, Some(SecurityStatus::OUT_OF_SEQUENCE) =>
        "A message came on a connection that was not waiting for it: a proxy or load balancer in \
         between does not keep a client's requests on one connection, or the connection was closed \
         between two messages.",
        "Have the proxy keep each client's connection to itself (no pooling, keep-alive on both \
         sides), pass TLS through without ending it, or put the logon in front of the proxy.";
    NONCE_STALE: CHALLENGE, None =>
        "The password was right, but the nonce of Digest is too old or was used before. Clients \
         answer the new one by themselves.",
        "Nothing is to be done. If it comes with every request, several servers share one name \
         without sharing the key of their nonces.";
    CHALLENGE_EXPIRED: CHALLENGE, LOGON_FAILURE =>
        "The client answered the challenge too late: somebody took long over the password, or a \
         recorded answer is used again.",
        "Try again. If nobody typed anything, something between client and server delays requests, \
         or this server's clock was set.";
    BODY_TOO_LONG: Some(Status::ContentTooLarge), None =>
        "The request came with a first token and a body too long, or too slow, to be thrown away.",
        "Have the client log on with a short request first, or send Expect: 100-continue; or raise \
         the limit for such bodies.";
    NO_COMMON_MECHANISM: CHALLENGE, UNSUPPORTED =>
        "The client offers no NTLM within Negotiate, only Kerberos or something else, and this \
         server speaks NTLM.",
        "On Windows look for the policy that blocks outgoing NTLM traffic to remote servers; on \
         Linux and macOS the client's GSS-API needs NTLM (the package gss-ntlmssp). Or offer the \
         scheme NTLM as well.";
    NTLM_OFF: CHALLENGE, UNSUPPORTED =>
        "NTLM is switched off on this side, and nothing else is spoken by this client.",
        "Switch NTLM on in the policy of this server, or have the client use another scheme.";
    REJECTED_BY_PEER: CHALLENGE, UNSUPPORTED =>
        "The other side broke the negotiation off (negState reject).",
        "The reason is in the other side's log only. On Windows look into the event log, at NTLM \
         under Applications and Services Logs.";
    NO_CHARACTER_SET: CHALLENGE, UNSUPPORTED =>
        "The client offers neither Unicode nor OEM strings.",
        "A defect of the client.";
    DATAGRAM: CHALLENGE, UNSUPPORTED =>
        "The client wants NTLM without a connection (datagrams), which HTTP does not have.",
        "A defect of the client, or in how a program uses its NTLM library.";
    LEGACY_CLIENT: CHALLENGE, UNSUPPORTED =>
        "The client could only answer with NTLMv1 or LM, which are off.",
        "Update the client. On Windows set LmCompatibilityLevel to 3 or more (policy Network \
         security: LAN Manager authentication level).";
    WEAK_KEYS_OFFERED: CHALLENGE, UNSUPPORTED =>
        "The other side offers weaker session keys than policy demands.",
        "Update the other side, or demand less. On Windows see the policy Minimum session security \
         for NTLM SSP.";
    DIGEST_NOT_OFFERED: CHALLENGE, UNSUPPORTED =>
        "The credentials of Digest answer another challenge than this server's: realm, algorithm \
         or qop are others.",
        "After a change of the realm, clients that still know the old one ask once more by \
         themselves. Otherwise two servers share one address, with different realms.";

    // Who it is.
    ACCOUNT_OR_PASSWORD: CHALLENGE, LOGON_FAILURE =>
        "The name or the password is wrong, or the account must not log on. Which of these it is \
         stands in the server's log and nowhere else.",
        "Type both again, the name as DOMAIN\\user, and delete what the browser or the system has \
         kept for this host. The administrator finds the code that says more in the log, by the \
         moment and the connection.";
    UNKNOWN_ACCOUNT: CHALLENGE, LOGON_FAILURE =>
        "There is no such account. The log has the name as the client sent it.",
        "Look at the domain first: where none was typed, clients send none, or one of their own. \
         Add the account (logon users add), or have the user type DOMAIN\\user.";
    WRONG_PROOF: CHALLENGE, LOGON_FAILURE =>
        "The account is there, and the password is another: mistyped, changed, or an old one that \
         the client has kept.",
        "Have the user type it again, and delete what Credential Manager, the key chain or the \
         browser has kept for this host. The store may be the one that has an old password.";
    ACCOUNT_DISABLED: CHALLENGE, Some(SecurityStatus::ACCOUNT_DISABLED) =>
        "The account is disabled in the store.",
        "Enable it where accounts are kept, if it should be.";
    ACCOUNT_LOCKED: CHALLENGE, Some(SecurityStatus::ACCOUNT_LOCKED_OUT) =>
        "The account is locked out in the store, mostly after wrong passwords.",
        "Unlock it where accounts are kept, and find the device that keeps sending the old \
         password.";
    ACCOUNT_EXPIRED: CHALLENGE, Some(SecurityStatus::ACCOUNT_EXPIRED) =>
        "The account or its password has expired.",
        "Extend it where accounts are kept, or have the user set a new password there; it cannot \
         be changed here.";
    REFUSED_BY_AUTHORITY: CHALLENGE, LOGON_FAILURE =>
        "The store, or the authority it asks, refuses the account for a reason of its own, such as \
         hours or computers of logon.",
        "Look into the log of the store or the domain controller.";
    NTLM_BLOCKED: CHALLENGE, Some(SecurityStatus::NTLM_BLOCKED) =>
        "The authority that was asked has NTLM switched off.",
        "On the domain controller see the policy Network security: Restrict NTLM: NTLM \
         authentication in this domain; servers can be listed there as exceptions.";
    ANONYMOUS: CHALLENGE, LOGON_FAILURE =>
        "The client logged on as nobody (a NULL session).",
        "It had no credentials to use, as a service under Local Service or a scheduled task \
         without a stored password. Give it an account.";
    EMPTY_RESPONSE: CHALLENGE, LOGON_FAILURE =>
        "The client sent a name, and no response that could prove it.",
        "It found no password for the name. Type or store one for this host.";
    EMPTY_PASSWORD: CHALLENGE, Some(SecurityStatus::ACCOUNT_RESTRICTION) =>
        "The account has an empty password, which is no proof of anything.",
        "Give the account a password.";
    NAME_TOO_LONG: CHALLENGE, LOGON_FAILURE =>
        "The name of the user, the domain or the workstation is over the limit.",
        "Raise the limit for names if it is a true one; otherwise somebody tries what happens.";
    THROTTLED: Some(Status::TooManyRequests), NO_ROOM =>
        "Too many logons have failed, of this account from this address, or from this address.",
        "Wait; Retry-After says how long. Find what keeps sending a wrong password. Behind a proxy \
         all clients count as one address: list the proxy as trusted, or as exempt. How many and how \
         long is ThrottleConfig's, [logon.throttle] of the gateway; a restart forgets all failures.";

    // How it is proven.
    NTLM_V1: CHALLENGE, UNSUPPORTED =>
        "The client answered with NTLMv1, which gives the password's hash away; only NTLMv2 is \
         accepted.",
        "On the client set LmCompatibilityLevel to 3 or more (policy Network security: LAN Manager \
         authentication level), or update it; curl, Java and Samba of this century know NTLMv2.";
    LM_ONLY: CHALLENGE, UNSUPPORTED =>
        "The client answered with LM alone, which gives the password away; only NTLMv2 is \
         accepted.",
        "On the client set LmCompatibilityLevel to 3 or more (policy Network security: LAN Manager \
         authentication level), or update it.";
    NO_SESSION_KEY: CHALLENGE, UNSUPPORTED =>
        "The session key that was negotiated needs an LM hash, and the account has none.",
        "Have the client use NTLMv2: LmCompatibilityLevel 3 or more.";
    WEAK_KEYS: CHALLENGE, UNSUPPORTED =>
        "The session keys are weaker than policy demands.",
        "Update the client, or demand less.";
    WRONG_MIC: CHALLENGE, ALTERED =>
        "The integrity code does not match: the messages were changed between client and server.",
        "Nothing that works changes them. Look for an attack, or a proxy that rewrites the \
         messages of NTLM.";
    MIC_STRIPPED: CHALLENGE, ALTERED =>
        "The client announces an integrity code, and there is none: it was taken out under way.",
        "Look for an attack (drop the MIC, CVE-2019-1040) between client and server.";
    MIC_REQUIRED: CHALLENGE, UNSUPPORTED =>
        "Policy demands an integrity code (MIC), and the client sends none. Windows does; curl, \
         Java, Go and Firefox outside Windows do not.",
        "Demand it only when offered; or have these clients use another scheme.";
    WRONG_BINDINGS: CHALLENGE, BAD_BINDINGS =>
        "The channel bindings are those of another TLS connection: a relay, or a proxy in front \
         ends TLS with a certificate of its own.",
        "If a proxy of yours ends TLS: pass TLS through, or configure its certificate here as that \
         of the bindings. If none does, somebody relays the logon.";
    ZERO_BINDINGS: CHALLENGE, BAD_BINDINGS =>
        "The client knows channel bindings and was given none for this connection. It believes \
         that it speaks without TLS, or a proxy of its own ends TLS.",
        "Look for what opens TLS in between: a virus scanner, or a proxy that speaks TLS to this \
         server and plain HTTP to its clients. Pass TLS through; or do not look at bindings here, \
         which lets relays in.";
    BINDINGS_REQUIRED: CHALLENGE, BAD_BINDINGS =>
        "Policy demands channel bindings (Extended Protection), and the client sends none: it does \
         not know them, or does not speak TLS with anybody.",
        "Demand them only when offered if clients with an NTLM of their own are to log on: curl, \
         Firefox outside Windows, Java and Go send none. Windows sends them unless the registry \
         has SuppressExtendedProtection.";
    AV_PAIR_CHANGED: CHALLENGE, ALTERED =>
        "Something in our challenge came back changed: the mark of a relay.",
        "Look for an attack between client and server, or a client library that does not keep to \
         the specification.";
    AV_PAIR_DUPLICATED: CHALLENGE, ALTERED =>
        "Something stands twice in the response that must stand once: the mark of an attack.",
        "Look for an attack between client and server (CVE-2019-1166), or a client library that \
         does not keep to the specification.";
    WRONG_TARGET_NAME: CHALLENGE, WRONG_PRINCIPAL =>
        "The client meant to reach another service: it used another name for this server than the \
         ones listed, or somebody relays its logon.",
        "Add the name that clients use to the target names of this server, as HTTP/host. If it is \
         no name of yours, it is a relay.";
    TARGET_NAME_REQUIRED: CHALLENGE, WRONG_PRINCIPAL =>
        "Policy demands that the client names the service that it means, and it did not, or called \
         the name untrusted.",
        "Demand it only when offered; curl, Java and Go send none.";
    REFLECTED: CHALLENGE, ALTERED =>
        "The response was made by this very machine or program: somebody sends us our own logon \
         back.",
        "No client needs this: somebody relays logons back to where they came from. If this very \
         program logs on to itself on purpose, have it go another way.";
    FLAGS_CHANGED: CHALLENGE, ALTERED =>
        "The client's last message has other security flags than were agreed on.",
        "Look for an attack between client and server, or a client library that does not keep to \
         the specification.";
    SESSION_KEY_LENGTH: CHALLENGE, ALTERED =>
        "The session key that the client sent does not have 16 bytes.",
        "A defect of the client's library, or an attack.";
    WRONG_MECH_LIST_MIC: CHALLENGE, ALTERED =>
        "The list of mechanisms was changed between client and server: its code (mechListMIC) does \
         not match.",
        "Look for an attack that takes Kerberos off the list, or a proxy that rewrites tokens.";
    MECH_LIST_MIC_MISSING: CHALLENGE, ALTERED =>
        "The list of mechanisms is not secured (mechListMIC), where it has to be.",
        "Look for an attack, or a client library that does not keep to RFC 4178.";

    // Kerberos.
    KERBEROS_NOT_US: CHALLENGE, WRONG_PRINCIPAL =>
        "The ticket is for a service that this server has no key of.",
        "Add the name of the service to the keytab: the SPN that the ticket names, which is HTTP/ \
         and the host as the client spells it. If clients use an alias, register its SPN (setspn) \
         and export the keytab again.";
    KERBEROS_ENCRYPTION_TYPE: CHALLENGE, UNSUPPORTED =>
        "The ticket, or a key in it, is of an encryption type that is not allowed here, or that the \
         keytab has no key of.",
        "Export the keytab with AES keys, and allow AES for the service account \
         (msDS-SupportedEncryptionTypes 24). Where RC4 has to be, allow it here explicitly.";
    KERBEROS_WRONG_KEY: CHALLENGE, WRONG_PRINCIPAL =>
        "No key of the keytab opens the ticket: the password of the service account was changed \
         after the keytab was exported, or two accounts have the same SPN.",
        "Export the keytab again; klist purge on the client gets a new ticket. Look for a second \
         account with the SPN: setspn -X.";
    KERBEROS_AUTHENTICATOR: CHALLENGE, ALTERED =>
        "The client does not know the session key of the ticket that it sent, or the token was \
         changed under way.",
        "If it is not one broken client: somebody tries a ticket that is not his.";
    KERBEROS_BAD_MATCH: CHALLENGE, ALTERED =>
        "The ticket is of one client, the authenticator names another.",
        "Look for a broken client library, or an attack.";
    KERBEROS_CLOCK_SKEW: CHALLENGE, TIME_SKEW =>
        "The clocks of client and server are too far apart.",
        "Set both by NTP. Kerberos allows five minutes.";
    KERBEROS_EXPIRED: CHALLENGE, LOGON_FAILURE =>
        "The ticket has expired.",
        "The client has to log on again, or renew its ticket (kinit). If that helps nobody, compare \
         the clocks of this server and of the domain controller.";
    KERBEROS_NOT_YET_VALID: CHALLENGE, LOGON_FAILURE =>
        "The ticket is not valid yet.",
        "Compare the clocks of this server and of the domain controller.";
    KERBEROS_REPLAY: CHALLENGE, ALTERED =>
        "The same authenticator came before, or it was made before this server started.",
        "Once after a restart is nothing. Again and again: a proxy repeats requests, a client's \
         clock is behind, or somebody replays what he has read.";
    KERBEROS_CHECKSUM: CHALLENGE, ALTERED =>
        "The authenticator's checksum is of a kind that GSS-API does not have, or is wrong.",
        "Let the client use a GSS-API or SSPI library.";
    KERBEROS_USER_TO_USER: CHALLENGE, UNSUPPORTED =>
        "The ticket is for user-to-user authentication, which needs a ticket of this server's own.",
        "Register the SPN with an account that has a keytab here.";
    KERBEROS_REALM: CHALLENGE, LOGON_FAILURE =>
        "The client is of a realm that is not trusted here.",
        "Add the realm, and the NetBIOS name of its domain, if its users are to log on.";
    KERBEROS_TRANSITED: CHALLENGE, LOGON_FAILURE =>
        "The ticket came through other realms, and no KDC says that it has checked them.",
        "Look at the trusts between the realms; a domain controller sets the flag \
         TRANSITED-POLICY-CHECKED.";
    KERBEROS_RESTRICTED: CHALLENGE, LOGON_FAILURE =>
        "The ticket, or the client, carries a restriction that is not known here, so nobody can keep \
         to it.",
        "Find out what puts it there: a KDC with plug-ins, or a client library.";
    KERBEROS_PAC_MISSING: CHALLENGE, LOGON_FAILURE =>
        "Policy demands a PAC, and the ticket has none.",
        "Clear NO_AUTH_DATA_REQUIRED of the service account, or do not demand one: only Active \
         Directory and Samba issue them.";
    KERBEROS_PAC: CHALLENGE, ALTERED =>
        "The PAC does not belong to the ticket, is malformed, or was changed.",
        "If the keytab is of this service account, somebody tries to be a member of more groups \
         than he is.";

    // This side.
    STORE_UNAVAILABLE: Some(Status::ServiceUnavailable), Some(SecurityStatus::NO_LOGON_SERVERS) =>
        "The store of accounts cannot answer, or not in time, so nobody can be verified.",
        "The log says why. See to the user file, the data base or the domain controller; clients \
         try again by themselves.";
    TOO_MANY_EXCHANGES: Some(Status::ServiceUnavailable), NO_ROOM =>
        "As many logons are under way as are allowed at a time.",
        "It passes by itself. If it lasts, somebody begins logons without ending them; limit the \
         connections of one address, or raise the limit.";
    RANDOM_FAILED: Some(Status::InternalServerError), Some(SecurityStatus::INTERNAL_ERROR) =>
        "The operating system gives no random numbers, without which no challenge can be made.",
        "See to the operating system: in a container or jail the device /dev/urandom may be \
         missing.";
    INTERNAL: Some(Status::InternalServerError), Some(SecurityStatus::INTERNAL_ERROR) =>
        "A defect of this server: the program uses the library wrongly.",
        "Report it, with the line of the log.";

    // What only a client finds out.
    FORBIDDEN_AV_PAIR: OF_A_CLIENT, UNSUPPORTED =>
        "The server's challenge has something in it that only a client may send, or something \
         twice.",
        "Do not log on to this server before it is known what it is.";
    NO_SERVER_NAMES: OF_A_CLIENT, UNSUPPORTED =>
        "The server's challenge lacks the names of the server, without which the logon cannot be \
         secured.",
        "Update the server, or demand less of it.";
    MECHANISM_NOT_OFFERED: OF_A_CLIENT, UNSUPPORTED =>
        "The server chose a mechanism that it was not offered.",
        "A defect of the server.";
    FLAGS_DOWNGRADED: OF_A_CLIENT, UNSUPPORTED =>
        "The server leaves out what this client needs, such as integrity or Unicode.",
        "Update the server, or demand less of it; if it did better before, look for an attack.";
    NTLM_V1_WANTED: OF_A_CLIENT, UNSUPPORTED =>
        "The server leaves out extended session security: it wants NTLMv1, which gives the \
         password's hash away and is not spoken here.",
        "Update the server, or have it take NTLMv2; if it did before, look for an attack.";
    SERVER_NOT_PROVEN: OF_A_CLIENT, UNSUPPORTED =>
        "The server's answer was not made with the session key of the ticket: it is not the server \
         that the ticket is for, or the answer is one to another request.",
        "Do not trust what it sent. Look who answers under this name; if it is the right machine, \
         its keytab is old.";
    KERBEROS_ERROR: OF_A_CLIENT, UNSUPPORTED =>
        "The server answered with an error of Kerberos.",
        "The number is explained in RFC 4120, section 7.5.9: 37 is a clock that is wrong, 41 an old \
         ticket (klist purge), 34 a request that came twice.";
}
