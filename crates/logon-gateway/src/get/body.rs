//! `--data`: text, files and standard input as bodies.

use crate::failure::Failure;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use logon_client::Body;
use std::fs::File;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// Read at a time.
const PIECE: usize = 64 << 10;

pub(super) fn of(data: &str) -> Result<Body, Failure> {
    match data.strip_prefix('@') {
        None => Ok(Body::from(data.to_owned())),
        Some("-") => Ok(Body::once(Reader::new(tokio::io::stdin(), None))),
        Some(path) => file(Path::new(path)),
    }
}

fn file(path: &Path) -> Result<Body, Failure> {
    let bad = |error: io::Error| Failure::usage(format!("--data @{}: {error}", path.display()));
    // Opening a pipe waits for somebody to write to it, as is wanted here.
    let file = File::open(path).map_err(bad)?;
    let metadata = file.metadata().map_err(bad)?;
    if metadata.is_dir() {
        return Err(bad(io::ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return Ok(Body::once(Reader::new(tokio::fs::File::from_std(file), None)));
    }
    if metadata.len() == 0 {
        return Ok(Body::empty());
    }
    let path = path.to_owned();
    Ok(Body::again(move || Reader::open(&path)))
}

/// What is read, as a body.
struct Reader {
    source: Result<Box<dyn AsyncRead + Send + Unpin>, Option<io::Error>>,
    /// What is announced and not yet read.
    rest: Option<u64>,
    piece: Vec<u8>,
}

impl Reader {
    fn new(source: impl AsyncRead + Send + Unpin + 'static, length: Option<u64>) -> Self {
        Self { source: Ok(Box::new(source)), rest: length, piece: vec![0; PIECE] }
    }

    /// A file from its beginning, or a body that fails.
    fn open(path: &Path) -> Self {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((length, file)) => Self::new(tokio::fs::File::from_std(file), Some(length)),
            Err(error) => Self { source: Err(Some(error)), rest: None, piece: Vec::new() },
        }
    }
}

impl HttpBody for Reader {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.rest == Some(0) {
            return Poll::Ready(None);
        }
        let source = match &mut this.source {
            Ok(source) => Pin::new(source),
            Err(error) => return Poll::Ready(error.take().map(Err)),
        };
        // Of a file that grows, only what was announced.
        let most = this.rest.and_then(|rest| usize::try_from(rest).ok());
        let most = most.unwrap_or(usize::MAX).min(this.piece.len());
        let mut piece = ReadBuf::new(this.piece.get_mut(..most).unwrap_or_default());
        ready!(source.poll_read(context, &mut piece))?;
        let read = Bytes::copy_from_slice(piece.filled());
        if let Some(rest) = &mut this.rest {
            *rest = rest.saturating_sub(u64::try_from(read.len()).unwrap_or(u64::MAX));
            if read.is_empty() {
                let text = "the file has become shorter while it was sent";
                return Poll::Ready(Some(Err(io::Error::other(text))));
            }
        } else if read.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(read))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
