//! Which fields of a head need care, and which are not passed on.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, Entry, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// Whether a field is of a connection, never of a request. `Connection` names more.
pub(super) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        CONNECTION | TE | TRANSFER_ENCODING | UPGRADE | PROXY_AUTHENTICATE | PROXY_AUTHORIZATION
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

/// Which fields of a head need care. Most heads have hardly any of them: one look at all names
/// spares a look-up for each.
#[derive(Debug, Default)]
pub(super) struct Seen {
    connection: bool,
    pub(super) te: bool,
    pub(super) transfer_encoding: bool,
    pub(super) upgrade: bool,
    pub(super) content_length: bool,
    pub(super) trailer: bool,
    pub(super) expect: bool,
    /// What is not passed on, besides `Connection` and what that names.
    unwanted: Vec<HeaderName>,
}

impl Seen {
    /// Those that are `strange` are not passed on, nor those of a connection.
    pub(super) fn of(headers: &HeaderMap, strange: impl Fn(&HeaderName) -> bool) -> Self {
        let mut seen = Self::default();
        for name in headers.keys() {
            match *name {
                CONNECTION => {
                    seen.connection = true;
                    continue;
                }
                TE => seen.te = true,
                TRANSFER_ENCODING => seen.transfer_encoding = true,
                UPGRADE => seen.upgrade = true,
                CONTENT_LENGTH => seen.content_length = true,
                TRAILER => seen.trailer = true,
                EXPECT => seen.expect = true,
                _ => {}
            }
            if is_hop_by_hop(name) || strange(name) {
                seen.unwanted.push(name.clone());
            }
        }
        seen
    }

    /// Takes out what is not passed on.
    pub(super) fn remove(&self, headers: &mut HeaderMap) {
        if self.connection {
            let ordinary = |value: &HeaderValue| {
                let value = value.as_bytes();
                value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close")
            };
            let mut lists = Vec::new();
            if let Entry::Occupied(entry) = headers.entry(CONNECTION) {
                let (_, values) = entry.remove_entry_mult();
                lists.extend(values.filter(|value| !ordinary(value)));
            }
            for name in lists.iter().flat_map(|list| list.as_bytes().split(|byte| *byte == b',')) {
                // How long the message is, is not for the connection to say.
                if let Ok(name) = HeaderName::from_bytes(name.trim_ascii())
                    && name != CONTENT_LENGTH
                {
                    headers.remove(name);
                }
            }
        }
        for name in &self.unwanted {
            headers.remove(name);
        }
    }
}
