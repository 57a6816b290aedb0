//! The journal: what happened in the room, in order, on disk.
//!
//! It stands under the room and knows nothing of it: no actor, no session, no socket. The room [appends](Journal::append)
//! what it numbered, which never waits for the disk; one thread writes whatever waits in one transaction, and
//! [reports](Report) how far it has come. [Readers](Reader) have connections of their own and see what is written, never half
//! of a transaction. The store is SQLite with a write-ahead log, in one file.
//!
//! # What it promises
//!
//! 1. Events come out in the order of their numbers, each once. Where numbers are missing between two of them there is an
//!    explicit [`Gap`], with a [`Cause`]; never a silent one.
//! 2. What was reported as [`Written`](Report::Written) survives the end of the process; what survives that of the
//!    machine is said by [`Sync`].
//! 3. A number is never given twice within an [`Epoch`]: after an end that was not orderly, those are
//!    [skipped](Opened::skipped) that readers may have been told and that were not written.
//! 4. A whisper comes out for its two people, and for nobody else. They are known by their names alone, so whoever reads
//!    for somebody must know that it is the same person who had the name then.
//! 5. What waits for the disk is bounded, by [`MAX_WAITING`] and [`MAX_WAITING_BYTES`]. When the disk is full or failing,
//!    that is reported, the newest is kept, the rest is lost and said to be, and it is tried again by itself. When it is
//!    merely slower than people write, that [can be known](Journal::is_behind) long before anything is lost.
//! 6. A damaged file is replaced by what can be read of it, and kept; or opening is refused. A journal is never empty without
//!    a word.
//!
//! # Its parts
//!
//! ```text
//! writer    the thread: what to do next, and what to say about it
//! open      make, look through, skip numbers            salvage, leaves   what can be read of a damaged file
//! reader    pages for people who come back              search    who said a word, who was when there
//! store     one transaction of the writer               queue     what waits, and its bound
//! retain    what is too old or too much                 erase     what somebody wants to be gone
//! verify    is all in order                             earlier   what earlier versions wrote
//! schema    the tables                                  blocks    the table of events   row  that of whispers
//! block     many events as one value                    marks     by what words are found   words  what is a word
//! file      names of files, the lock                    record, epoch, error
//! ```

mod block;
mod blocks;
mod earlier;
mod epoch;
mod erase;
mod error;
mod file;
mod leaves;
mod marks;
mod open;
mod queue;
mod reader;
mod record;
mod retain;
mod row;
mod salvage;
mod schema;
mod search;
mod store;
mod verify;
mod words;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

pub use self::epoch::{BadEpoch, Epoch};
pub use self::erase::{Erased, erase, prune};
pub use self::error::{Failure, JournalError};
pub use self::file::FILE;
pub use self::open::{Opened, Repaired};
pub use self::queue::{Lost, MAX_WAITING, MAX_WAITING_BYTES, Ticket};
pub use self::reader::{KnownId, Limit, MAX_PAGE_BYTES, MAX_PAGE_ITEMS, Page, Reader};
pub use self::record::{
    BadMessageId, Cause, Gap, Item, KeptEvent, KeptWhisper, MAX_ID, MessageId, Place, Recipient, Record, Whisper,
};
pub use self::verify::{Verdict, verify};
pub use self::words::{MAX_WORDS, Query};
pub use self::writer::{Listener, Report};
pub use crate::config::Sync;

use self::file::{Files, Lock};
use self::queue::Queue;
use self::retain::Retention;
use self::store::Store;
use self::writer::{Shared, Writer};
use crate::config::Config;
use crate::data;

/// How long [dropping](Journal) a journal waits until everything is written.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How a journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// When the disk must have what was written. Default: within 100 ms.
    pub sync: Sync,
    /// How long things are kept; what is older is pruned. Default: 30 days. 0 = for ever.
    pub max_age: Duration,
    /// Bytes of the file; beyond them the oldest is pruned. What SQLite keeps beside the file, some 4 MiB, is not counted.
    /// Default: 1 GiB. 0 = any number.
    pub max_size: u64,
    /// The most records that wait for the disk. Default: [`MAX_WAITING`].
    pub max_waiting: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options::from(&Config::default())
    }
}

impl From<&Config> for Options {
    fn from(config: &Config) -> Options {
        let Config { sync, keep: max_age, keep_bytes: max_size, .. } = *config;
        Options { sync, max_age, max_size, max_waiting: MAX_WAITING }
    }
}

/// A journal that is open for writing. One process has it, and one thread of that writes.
///
/// Dropping it writes what waits, for up to 5 s, as [`Journal::close`] does.
pub struct Journal {
    directory: PathBuf,
    shared: Arc<Shared>,
    /// Told by the writer when it has ended: whether everything was written.
    ended: Option<Receiver<bool>>,
}

impl Journal {
    /// Opens the journal in a directory, and makes both if they are not there (mode 0700 and 0600 on Unix). `listener` is told
    /// what becomes of what is appended; it must not wait, nor call the journal.
    ///
    /// A million events take well under a second; of a file that is much larger, only as much is looked through for damage as
    /// can be in a second.
    ///
    /// # Errors
    /// [`JournalError::InUse`] if a process has it open; [`JournalError::Newer`], [`JournalError::Foreign`] and
    /// [`JournalError::Unreadable`] if the file is of no use, and it is left as it is then; [`JournalError::File`] and
    /// [`JournalError::Database`] if the system refuses.
    pub fn open(
        directory: &Path,
        options: Options,
        listener: impl Fn(Report) + Send + std::marker::Sync + 'static,
    ) -> Result<(Journal, Opened), JournalError> {
        data::create(directory).map_err(|source| JournalError::File { path: directory.to_owned(), source })?;
        let files = Files::new(directory);
        let lock = files.lock()?;
        let (connection, opened) = open::open(&files)?;
        let queue = Queue::new(opened.last_seq, schema::last_whisper(&connection)?, options.max_waiting);
        let mut store = Store::new(connection, &files.journal(), options.sync)?;
        // that there was no end since must be known after a power cut, or numbers would be given twice
        store.sync().map_err(|source| JournalError::File { path: files.journal(), source })?;
        let shared = Arc::new(Shared::new(queue, Arc::new(listener)));
        let retention = Retention { max_age: options.max_age, max_size: options.max_size };
        let writer = Writer::new(Arc::clone(&shared), files.journal(), store, options.sync, retention);
        let ended = start(writer, lock, directory)?;
        Ok((Journal { directory: directory.to_owned(), shared, ended: Some(ended) }, opened))
    }

    /// Keeps these records, in this order: puts them where the writer takes them, and returns. The ticket of the last one; a
    /// [report](Report::Written) with that ticket or a later one says that they are written.
    ///
    /// Events must be numbered as they happen, one more each, beginning with the one after [`Opened::last_seq`]. One whose
    /// number does not rise is not kept, and the log says so; numbers that are left out become a [`Gap`].
    /// An event that is longer than a mebibyte is not read again; no line of the room is nearly as long.
    pub fn append(&self, records: impl IntoIterator<Item = Record>) -> Ticket {
        self.shared.append(records)
    }

    /// [`Report::Written`] is told from now on as soon as the event with this number is written, and of all that follows; of what
    /// is before it, not at all. It is told at once if that event is written already. To be told costs something; at first all
    /// is told.
    pub fn report_from(&self, seq: u64) {
        self.shared.report_from(seq);
    }

    /// The number of the last event that is written, whether that was reported or not.
    pub fn last_written(&self) -> u64 {
        self.shared.last_written()
    }

    /// Whether more waits for the disk than is good, so that whoever brings more should wait a little: the writer works, and is
    /// behind. It is so from a sixteenth of what may wait until no more than a sixty-fourth does.
    ///
    /// Never while nothing is written, because the disk has failed or stands still: that would not be over soon.
    pub fn is_behind(&self) -> bool {
        self.shared.is_behind()
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Something to read it with, on this or another thread.
    ///
    /// # Errors
    /// [`JournalError::Database`] if the file cannot be opened again.
    pub fn reader(&self) -> Result<Reader, JournalError> {
        Reader::open(&self.directory)
    }

    /// Writes what waits, and notes that the end is orderly, so that no numbers are skipped at the next start. Whether that was
    /// done within this time. If not, it goes on for as long as the process lives.
    pub fn close(mut self, within: Duration) -> bool {
        self.end(within)
    }

    fn end(&mut self, within: Duration) -> bool {
        self.shared.close();
        self.ended.take().is_some_and(|ended| ended.recv_timeout(within).unwrap_or(false))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.end(CLOSE_WITHIN);
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Starts the thread that writes. It has the lock until it ends.
fn start(writer: Writer, lock: Lock, directory: &Path) -> Result<Receiver<bool>, JournalError> {
    let (end, ended) = mpsc::channel();
    let thread = thread::Builder::new().name("papo-journal".to_owned());
    let run = move || {
        let shared = writer.shared();
        // nobody would hear of it otherwise
        let is_written = catch_unwind(AssertUnwindSafe(|| writer.run())).unwrap_or_else(|_| {
            shared.give_up(Failure::Other("the thread that writes panicked".to_owned()));
            false
        });
        drop(lock);
        // nobody may be left who wants to know
        let _ = end.send(is_written);
    };
    thread.spawn(run).map_err(|source| JournalError::File { path: directory.to_owned(), source })?;
    Ok(ended)
}
