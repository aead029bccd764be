//! Whole bodies, for who signs them.

use bytes::Bytes;

/// The whole body of a request, in its extensions: what `Digest` with `qop=auth-int` signs.
#[derive(Debug, Clone)]
pub struct EntityBody(pub Bytes);
