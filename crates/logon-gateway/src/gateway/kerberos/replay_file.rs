//! Authenticators that were here before, in a file that outlives this process.
//!
//! ```text
//! offset  size  field
//!      0    16  "logon replays 1\n"
//!     16    36  the boot of the system, as it calls it; zeros if it does not
//!     52     1  'o' in use, 'w' being written anew, 'c' closed
//!     53     3  zeros
//!     56     8  what was made earlier is not known, in ticks, little-endian
//!     64  48 n  digest (32), made (8), until (8)
//! ```
//!
//! A record is appended before its client is let in, which costs a microsecond (one `write`). It is
//! not forced to the disk: what a process has written the system keeps, and if that stopped without a
//! word, it is another boot now, or has no name for it. Then the file is not believed.

use logon::kerberos::{MemoryReplayCache, ReplayCache};
use logon::{FileTime, StoreError};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const MAGIC: &[u8; 16] = b"logon replays 1\n";
const NOT_OURS: &str = "it is not a replay cache";
const HEADER: usize = 64;
const RECORD: usize = 48;

/// Records that are not missed before it is worth writing the file anew.
const SLACK: u64 = 65_536;

/// More than a full memory and the slack; a file that is larger is not ours.
const MAX_SIZE: u64 = 256 << 20;

/// A [`ReplayCache`] with a file behind it, which no other process has at the same time.
pub(super) struct ReplayFile {
    memory: MemoryReplayCache,
    log: Mutex<Log>,
}

/// How it began.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// With what is in the file.
    Continued { authenticators: usize },
    /// Without, so that what was sent before is refused.
    Anew { why: &'static str },
}

struct Log {
    file: File,
    since: FileTime,
    boot: [u8; 36],
    records: u64,
    /// Of them, those that were not too old when they were last looked through.
    kept: u64,
    /// Nothing more is written, for this reason.
    over: Option<&'static str>,
}

#[derive(Clone, Copy)]
struct Record {
    digest: [u8; 32],
    made: FileTime,
    until: FileTime,
}

impl ReplayFile {
    /// Opens the file, or makes it. If it does not tell all that was accepted before `now`, what
    /// clients made until `now` and `ahead` is refused.
    ///
    /// # Errors
    /// Why there can be no such file.
    pub(super) fn open(
        path: &Path,
        now: FileTime,
        ahead: Duration,
    ) -> Result<(Self, Begun), String> {
        Self::open_in(boot(), path, now, ahead)
    }

    fn open_in(
        boot: [u8; 36],
        path: &Path,
        now: FileTime,
        ahead: Duration,
    ) -> Result<(Self, Begun), String> {
        let cannot = |error: io::Error| format!("cannot be used: {error}");
        let file = open_exclusively(path)?;
        if !file.metadata().map_err(cannot)?.is_file() {
            return Err("is not a file".to_owned());
        }
        let mut log = Log { file, since: later(now, ahead), boot, records: 0, kept: 0, over: None };
        let (records, begun) = match log.read(now).map_err(cannot)? {
            Ok((since, records)) => {
                log.since = since;
                let authenticators = records.len();
                (records, Begun::Continued { authenticators })
            }
            Err(why) => (Vec::new(), Begun::Anew { why }),
        };
        close_to_others(&log.file).map_err(cannot)?;
        log.rewrite(&records).map_err(cannot)?;
        // From here on a power failure is noticed.
        log.file.sync_all().map_err(cannot)?;
        let memory = MemoryReplayCache::new(log.since, Duration::ZERO);
        for Record { digest, made, until } in records {
            memory.is_new(digest, made, until, now).map_err(|error| error.to_string())?;
        }
        Ok((Self { memory, log: Mutex::new(log) }, begun))
    }

    /// Changes nothing, and needs not be alone.
    ///
    /// # Errors
    /// Why there can be no such file, as far as that can be seen.
    pub(super) fn look_at(path: &Path) -> Result<(), String> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err("there is no such folder".to_owned());
        }
        match std::fs::metadata(path) {
            // It will be made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Ok(found) if !found.is_file() => return Err("is not a file".to_owned()),
            _ => {}
        }
        let cannot = |error: io::Error| format!("cannot be opened: {error}");
        let (mut begin, most) = (Vec::new(), u64::try_from(MAGIC.len()).unwrap_or_default());
        let file = File::open(path).map_err(cannot)?;
        file.take(most).read_to_end(&mut begin).map_err(cannot)?;
        if may_be_ours(&begin) { Ok(()) } else { Err(NOT_OURS.to_owned()) }
    }

    /// Forces all to the disk and says that nothing more comes.
    pub(super) fn close(&self) {
        let mut log = self.log();
        if log.over.is_none() {
            log.over = Some("the replay cache is closed");
            let done = log.file.sync_all().and_then(|()| log.head(b'c'));
            if let Err(error) = done.and_then(|()| log.file.sync_all()) {
                tracing::warn!("the replay cache could not be closed: {error}");
            }
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplayCache for ReplayFile {
    fn is_new(
        &self,
        digest: [u8; 32],
        made: FileTime,
        until: FileTime,
        now: FileTime,
    ) -> Result<bool, StoreError> {
        let mut log = self.log();
        if let Some(why) = log.over {
            return Err(StoreError::new(why));
        }
        if !self.memory.is_new(digest, made, until, now)? {
            return Ok(false);
        }
        let failed = |error: io::Error| StoreError::new(format!("the replay cache: {error}"));
        log.append(Record { digest, made, until }).map_err(failed)?;
        if log.records > log.kept.saturating_mul(2).saturating_add(SLACK)
            && let Err(error) = log.compact(now)
        {
            // Half a file says less than none.
            log.over = Some("the replay cache cannot be written");
            return Err(failed(error));
        }
        Ok(true)
    }
}

impl Drop for ReplayFile {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for ReplayFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayFile").finish_non_exhaustive()
    }
}

impl Log {
    /// What the file tells, or why it is not believed.
    #[allow(clippy::type_complexity, reason = "two kinds of failure: of the disk, of the content")]
    fn read(&mut self, now: FileTime) -> io::Result<Result<(FileTime, Vec<Record>), &'static str>> {
        let bytes = self.bytes()?;
        if bytes.is_empty() {
            return Ok(Err("there was no file"));
        }
        if !may_be_ours(&bytes) {
            return Err(io::Error::other(NOT_OURS));
        }
        let Some((head, rest)) = bytes.split_first_chunk::<HEADER>() else {
            return Ok(Err("the file is cut off"));
        };
        let (magic, head) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Ok(Err("the file is cut off"));
        }
        let (boot, head) = head.split_at(self.boot.len());
        let same_boot = boot == self.boot && self.boot != [0; 36];
        match head.first() {
            Some(b'c') => {}
            Some(b'o') if same_boot => {}
            Some(b'o') => return Ok(Err("the system was started anew without a word")),
            Some(b'w') => return Ok(Err("it was half written")),
            _ => return Ok(Err("the file is cut off")),
        }
        let since = head.last_chunk().copied().map(u64::from_le_bytes).unwrap_or(u64::MAX);
        let since = FileTime::from_ticks(since);
        // What a clock that was wrong has written, nobody could wait for.
        if since > self.since {
            return Ok(Err("the clock was set back"));
        }
        Ok(worth_keeping(rest, since, now).ok_or("the file is cut off"))
    }

    fn bytes(&mut self) -> io::Result<Vec<u8>> {
        if self.file.metadata()?.len() > MAX_SIZE {
            return Err(io::Error::other("it is too large for a replay cache"));
        }
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        (&self.file).take(MAX_SIZE).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&mut self, record: Record) -> io::Result<()> {
        let result = self.file.write_all(&record.encode());
        match result {
            Ok(()) => self.records = self.records.saturating_add(1),
            // The next one must not stand behind a part of this one.
            Err(_) if self.cut_off_and_go_on().is_err() => {
                self.over = Some("the replay cache cannot be written");
            }
            Err(_) => {}
        }
        result
    }

    /// Cuts off what stands behind the last record, and goes there.
    fn cut_off_and_go_on(&mut self) -> io::Result<()> {
        let records = self.records.saturating_mul(u64::try_from(RECORD).unwrap_or(u64::MAX));
        let end = records.saturating_add(u64::try_from(HEADER).unwrap_or(u64::MAX));
        self.file.set_len(end)?;
        self.file.seek(SeekFrom::Start(end)).map(drop)
    }

    /// Throws away what is too old to be sent. The file is this process' own: it is believed
    /// whatever the boot is called.
    fn compact(&mut self, now: FileTime) -> io::Result<()> {
        let bytes = self.bytes()?;
        let records = bytes.get(HEADER..).unwrap_or_default();
        let (since, records) = worth_keeping(records, self.since, now)
            .ok_or_else(|| io::Error::other("the file is cut off"))?;
        self.since = since;
        self.rewrite(&records)
    }

    /// Writes the file anew. A process that ends in the middle leaves one that is not believed.
    fn rewrite(&mut self, records: &[Record]) -> io::Result<()> {
        self.head(b'w')?;
        let bytes: Vec<u8> = records.iter().flat_map(|record| record.encode()).collect();
        self.file.seek(SeekFrom::Start(HEADER.try_into().unwrap_or(u64::MAX)))?;
        self.file.write_all(&bytes)?;
        self.records = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.kept = self.records;
        self.cut_off_and_go_on()?;
        self.head(b'o')
    }

    /// Writes the header, and goes back to the end.
    fn head(&mut self, state: u8) -> io::Result<()> {
        let mut head = Vec::with_capacity(HEADER);
        head.extend(MAGIC);
        head.extend(self.boot);
        head.extend([state, 0, 0, 0]);
        head.extend(self.since.ticks().to_le_bytes());
        let at = self.file.stream_position()?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&head)?;
        self.file.seek(SeekFrom::Start(at.max(HEADER.try_into().unwrap_or(u64::MAX)))).map(drop)
    }
}

/// Whether nothing of anybody else's is lost with a file of these bytes: it begins as ours do, or is
/// the head of one as a crash may leave it, zeros.
fn may_be_ours(bytes: &[u8]) -> bool {
    bytes.iter().zip(MAGIC).all(|(byte, magic)| byte == magic)
        || bytes.len() <= HEADER && bytes.iter().all(|byte| *byte == 0)
}

/// Of these records those that could still be sent, and since when all others are known. `None` if
/// the last one is not whole.
fn worth_keeping(
    records: &[u8],
    since: FileTime,
    now: FileTime,
) -> Option<(FileTime, Vec<Record>)> {
    let records = records.chunks_exact(RECORD);
    if !records.remainder().is_empty() {
        return None;
    }
    let records = records.filter_map(Record::decode);
    let (kept, old): (Vec<_>, Vec<_>) = records.partition(|it| it.until >= now);
    let since = old.into_iter().fold(since, |since, record| since.max(after(record.made)));
    Some((since, kept))
}

impl Record {
    fn encode(self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        let parts =
            [&self.digest[..], &self.made.ticks().to_le_bytes(), &self.until.ticks().to_le_bytes()];
        for (byte, value) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *byte = *value;
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (digest, times) = bytes.split_first_chunk()?;
        let made = u64::from_le_bytes(*times.first_chunk()?);
        let until = u64::from_le_bytes(*times.last_chunk()?);
        Some(Self {
            digest: *digest,
            made: FileTime::from_ticks(made),
            until: FileTime::from_ticks(until),
        })
    }
}

fn later(time: FileTime, by: Duration) -> FileTime {
    let ticks = u64::try_from(by.as_nanos().div_euclid(100)).unwrap_or(u64::MAX);
    FileTime::from_ticks(time.ticks().saturating_add(ticks))
}

fn after(time: FileTime) -> FileTime {
    FileTime::from_ticks(time.ticks().saturating_add(1))
}

/// What the system calls the time since it was started; zeros if it does not.
fn boot() -> [u8; 36] {
    let text = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.first_chunk().copied().unwrap_or([0; 36])
}

#[cfg(unix)]
fn open_exclusively(path: &Path) -> Result<File, String> {
    use rustix::fs::{FlockOperation, flock};
    use std::os::unix::fs::OpenOptionsExt;
    let cannot = |error: io::Error| format!("cannot be opened: {error}");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        // Opening a pipe would wait for somebody at its other end.
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().try_into().unwrap_or_default())
        .open(path)
        .map_err(cannot)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
        rustix::io::Errno::WOULDBLOCK => "another process has it".to_owned(),
        error => cannot(error.into()),
    })?;
    Ok(file)
}

/// Whoever can write there can have something forgotten.
#[cfg(unix)]
fn close_to_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match file.metadata()?.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => file.set_permissions(PermissionsExt::from_mode(0o600)),
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(windows)]
fn open_exclusively(path: &Path) -> Result<File, String> {
    use std::os::windows::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).share_mode(0);
    options.open(path).map_err(|error| format!("cannot be opened: {error}"))
}

#[cfg(not(any(unix, windows)))]
fn open_exclusively(_: &Path) -> Result<File, String> {
    Err("files cannot be locked on this system".to_owned())
}

#[cfg(test)]
mod tests;
