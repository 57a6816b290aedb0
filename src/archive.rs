//! The archive: answers what was, from the journal.
//!
//! Reading takes time, and sometimes the disk does not answer at all, so it is done on a thread of its own, one question after
//! the other; whoever asks waits without holding up anybody else. It knows no session and no sentence, and of the room no more
//! than the events that it is given: those that the journal may not have yet.
//!
//! Only what everybody in the room learned is looked through, never a whisper: a name proves nothing about who had it before.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use std::{io, thread};

use log::{error, info, warn};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::chat::answer::{ArchiveTrouble, Sighting};
use crate::chat::event::Event;
use crate::chat::history::Page;
use crate::chat::name::Name;
use crate::journal::{Item, JournalError, MAX_PAGE_ITEMS, Query, Reader};

/// How long whoever asks waits. A search takes a second at most, and mostly a few milliseconds; this is for a disk that does
/// not answer, and for many who ask at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Somebody to ask. Clones ask the same thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Archive {
    questions: SyncSender<Question>,
}

/// A question, on its way to the thread that answers it.
struct Question(Box<dyn FnOnce(&mut Shelf) + Send>);

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Question(..)")
    }
}

/// What somebody looks for.
#[derive(Debug, Clone)]
pub struct Search {
    /// The words, as they were typed.
    pub words: String,
    /// How many messages are wanted, the newest.
    pub count: usize,
    /// Those of whom nothing is wanted.
    pub without: Vec<Name>,
}

impl Archive {
    /// An archive of the journal in this directory, for which at most `max_waiting` questions wait, but always one.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn open(directory: &Path, max_waiting: usize) -> io::Result<Archive> {
        let (questions, asked) = sync_channel(max_waiting.max(1));
        let shelf = Shelf { directory: directory.to_owned(), reader: None, has_failed: false };
        thread::Builder::new().name("papo-archive".to_owned()).spawn(move || answer_all(&asked, shelf))?;
        Ok(Archive { questions })
    }

    /// The newest messages that are looked for, oldest first. `unwritten` is what happened last, oldest first: it may not be in
    /// the journal yet.
    ///
    /// # Errors
    /// [`ArchiveTrouble`] if that cannot be found out.
    pub async fn search(&self, search: Search, unwritten: Page) -> Result<Page, ArchiveTrouble> {
        let Some(query) = Query::new(&search.words) else { return Ok(Page::default()) };
        self.ask(move |reader| {
            let is_wanted = |event: &Event| {
                let is_unwanted = |name: &Name| search.without.contains(name);
                !event.kind.names().into_iter().flatten().any(is_unwanted)
            };
            let mut found: Vec<Arc<Event>> = Vec::new();
            for event in unwritten.iter().rev() {
                if found.len() < search.count && is_wanted(event) && query.is_in(&event.kind) {
                    found.push(Arc::clone(event));
                }
            }
            // some may be there twice; and nobody knows how many are left out
            let count = if search.without.is_empty() { search.count + found.len() } else { MAX_PAGE_ITEMS };
            for item in reader.search(&search.words, count, None)? {
                if let Item::Event(kept) = item
                    && found.len() < search.count
                    && is_wanted(&kept.event)
                    && found.iter().all(|event| event.seq != kept.event.seq)
                {
                    found.push(Arc::new(kept.event));
                }
            }
            found.sort_by_key(|event| event.seq);
            Ok(found.into())
        })
        .await
    }

    /// When somebody who is not there was there last, by this name, and how it was spelled then. `unwritten` is what happened
    /// last, as with [`Archive::search`].
    ///
    /// # Errors
    /// [`ArchiveTrouble`] if that cannot be found out.
    pub async fn last_seen(&self, name: Name, unwritten: Page) -> Result<(Name, Sighting), ArchiveTrouble> {
        if let Some(sighting) = unwritten.iter().rev().find_map(|event| sighting(&name, event)) {
            return Ok(sighting);
        }
        self.ask(move |reader| {
            let kept = reader.last_seen(&name)?;
            Ok(kept.and_then(|kept| sighting(&name, &kept.event)).unwrap_or((name, Sighting::Unknown)))
        })
        .await
    }

    /// Puts a question, and waits for the answer.
    async fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, ArchiveTrouble> {
        let (answer, answered) = oneshot::channel();
        let question = Question(Box::new(move |shelf| {
            // nobody may be left who wants to know
            if !answer.is_closed() {
                let _ = answer.send(shelf.read(read));
            }
        }));
        self.questions.try_send(question).map_err(|refused| match refused {
            TrySendError::Full(_) => ArchiveTrouble::Busy,
            TrySendError::Disconnected(_) => ArchiveTrouble::Failed,
        })?;
        match timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok(answer)) => answer,
            // the thread panicked over it
            Ok(Err(_)) => Err(ArchiveTrouble::Failed),
            Err(_) => {
                warn!("the journal does not answer within {} s", ANSWER_WITHIN.as_secs());
                Err(ArchiveTrouble::TooSlow)
            }
        }
    }
}

/// What an event says about somebody by this name, if anything; with the name as it is spelled there.
fn sighting(name: &Name, event: &Event) -> Option<(Name, Sighting)> {
    let there = event.kind.names().into_iter().flatten().find(|other| *other == name)?;
    Some((there.clone(), Sighting::Last { at: event.at, deed: (&event.kind).into() }))
}

/// What the thread has: where the journal is, and whether it could be read last.
struct Shelf {
    directory: PathBuf,
    /// Open from the first question on, until something fails.
    reader: Option<Reader>,
    has_failed: bool,
}

impl Shelf {
    fn read<T>(&mut self, read: impl FnOnce(&Reader) -> Result<T, JournalError>) -> Result<T, ArchiveTrouble> {
        match self.try_read(read) {
            Ok(answer) => {
                if std::mem::take(&mut self.has_failed) {
                    info!("the journal can be read again");
                }
                Ok(answer)
            }
            Err(error) if error.is_timeout() => {
                warn!("a question to the journal took too long");
                Err(ArchiveTrouble::TooSlow)
            }
            Err(error) => {
                // perhaps it is another file by the next time
                self.reader = None;
                if !std::mem::replace(&mut self.has_failed, true) {
                    error!("the journal cannot be read: {error}; whoever asks is told so");
                }
                Err(ArchiveTrouble::Failed)
            }
        }
    }

    fn try_read<T>(&mut self, read: impl FnOnce(&Reader) -> Result<T, JournalError>) -> Result<T, JournalError> {
        match &self.reader {
            Some(reader) => read(reader),
            None => read(self.reader.insert(Reader::open(&self.directory)?)),
        }
    }
}

/// Answers until nobody is left who could ask.
fn answer_all(asked: &Receiver<Question>, mut shelf: Shelf) {
    while let Ok(Question(answer)) = asked.recv() {
        // whatever state the panic left the reader in: it is opened anew
        if catch_unwind(AssertUnwindSafe(|| answer(&mut shelf))).is_err() {
            error!("a question to the journal panicked");
            shelf.reader = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::answer::Deed;
    use crate::chat::event::EventKind;
    use crate::journal::{Journal, Options};
    use std::sync::mpsc::channel;
    use std::time::SystemTime;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn said(seq: u64, from: &str, text: &str) -> Arc<Event> {
        let kind = EventKind::Said { from: name(from), text: text.into() };
        Arc::new(Event { seq, at: SystemTime::now(), kind })
    }

    fn search(words: &str, count: usize, without: &[&str]) -> Search {
        Search { words: words.into(), count, without: without.iter().map(|text| name(text)).collect() }
    }

    #[actix_rt::test]
    async fn what_is_not_written_yet_is_found_once_and_in_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let (tell, told) = channel();
        let (journal, _) =
            Journal::open(directory.path(), Options::default(), move |report| drop(tell.send(report))).unwrap();
        let events: Vec<_> = (1..=6).map(|seq| said(seq, if seq % 2 == 0 { "Ana" } else { "Beto" }, "Olá!")).collect();
        journal.append(
            events[..4].iter().map(|event| crate::journal::Record::Event { event: Arc::clone(event), id: None }),
        );
        told.recv().unwrap();
        let archive = Archive::open(directory.path(), 4).unwrap();
        let unwritten: Page = events[2..].into();
        for (count, without, expected) in [
            (9, &[][..], &[1, 2, 3, 4, 5, 6][..]),
            (3, &[], &[4, 5, 6]),
            (2, &["Ana"], &[3, 5]),
            (9, &["ana"], &[1, 3, 5]),
            (9, &["Ana", "Beto"], &[]),
        ] {
            let found = archive.search(search("ola", count, without), Arc::clone(&unwritten)).await.unwrap();
            let numbers: Vec<u64> = found.iter().map(|event| event.seq).collect();
            assert_eq!(numbers, expected, "{count} {without:?}");
        }
        let none = archive.search(search("!?", 9, &[]), Page::default()).await;
        assert_eq!(none, Ok(Page::default()));
        let seen = archive.last_seen(name("ANA"), Page::default()).await;
        let Ok((spelled, Sighting::Last { deed: Deed::Said, .. })) = &seen else { panic!("{seen:?}") };
        assert_eq!(spelled.as_str(), "Ana");
        assert_eq!(archive.last_seen(name("Caio"), unwritten).await, Ok((name("Caio"), Sighting::Unknown)));
    }

    #[actix_rt::test]
    async fn a_disk_that_does_not_answer_is_waited_for_no_longer_than_may_be() {
        let directory = tempfile::tempdir().unwrap();
        drop(Journal::open(directory.path(), Options::default(), |_| ()).unwrap());
        let archive = Archive::open(directory.path(), 2).unwrap();
        let (go_on, wait) = channel::<()>();
        archive.questions.send(Question(Box::new(move |_| wait.recv().unwrap()))).unwrap();
        tokio::time::pause();
        assert_eq!(archive.last_seen(name("Ana"), Page::default()).await, Err(ArchiveTrouble::TooSlow));
        tokio::time::resume();
        go_on.send(()).unwrap();
        let mut shelf = Shelf { directory: directory.path().to_owned(), reader: None, has_failed: false };
        let interrupted = || JournalError::Database(sqlite_error(rusqlite::ffi::SQLITE_INTERRUPT));
        assert_eq!(shelf.read(|_| Err::<(), _>(interrupted())), Err(ArchiveTrouble::TooSlow));
        assert!(shelf.reader.is_some() && !shelf.has_failed);
        let broken = || JournalError::Database(sqlite_error(rusqlite::ffi::SQLITE_IOERR));
        assert_eq!(shelf.read(|_| Err::<(), _>(broken())), Err(ArchiveTrouble::Failed));
        assert!(shelf.reader.is_none() && shelf.has_failed);
        assert_eq!((shelf.read(|_| Ok(7)), shelf.has_failed), (Ok(7), false));
    }

    fn sqlite_error(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
    }

    #[actix_rt::test]
    async fn too_many_questions_are_refused_and_a_panic_ends_one_of_them_only() {
        let directory = tempfile::tempdir().unwrap();
        let archive = Archive::open(directory.path(), 1).unwrap();
        // there is no journal yet
        assert_eq!(archive.last_seen(name("Ana"), Page::default()).await, Err(ArchiveTrouble::Failed));
        drop(Journal::open(directory.path(), Options::default(), |_| ()).unwrap());
        assert_eq!(archive.last_seen(name("Ana"), Page::default()).await, Ok((name("Ana"), Sighting::Unknown)));
        let (go_on, wait) = channel::<()>();
        let (tell, busy) = channel();
        let held = archive.questions.send(Question(Box::new(move |_| {
            tell.send(()).unwrap();
            wait.recv().unwrap();
            panic!("as a test wants it");
        })));
        held.unwrap();
        busy.recv().unwrap();
        archive.questions.try_send(Question(Box::new(|_| ()))).unwrap();
        assert_eq!(archive.last_seen(name("Ana"), Page::default()).await, Err(ArchiveTrouble::Busy));
        go_on.send(()).unwrap();
        loop {
            match archive.last_seen(name("Ana"), Page::default()).await {
                Err(ArchiveTrouble::Busy) => thread::yield_now(),
                answer => break assert_eq!(answer, Ok((name("Ana"), Sighting::Unknown))),
            }
        }
    }
}
