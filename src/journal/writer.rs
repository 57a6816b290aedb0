//! The thread that writes.
//!
//! It takes everything that waits, writes it in one transaction, and says so; meanwhile the next batch gathers, and a few
//! milliseconds longer: what a transaction costs is shared by all that is in it. In between it has the disk keep what was
//! written, and prunes, all in small steps.
//!
//! When something fails, it says so once, opens the file again after a pause that grows, and tells what was lost when it
//! writes again. It never gives up, and never holds up anybody.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::error::Failure;
use super::queue::{Batch, Lost, MAX_BATCH, Queue, Ticket};
use super::record::Record;
use super::retain::Retention;
use super::store::Store;
use crate::config::Sync as SyncPolicy;

/// The pause before the first try after a failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often it is tried again once it is to be closed.
const LAST_TRIES: u32 = 2;

/// How long after a transaction the next one gathers, unless it is full before, if somebody waits for it: whoever waits for an
/// acknowledgement does not notice. A lone line after a silence is written at once. Where the disk must have everything, it is
/// slow enough without.
const GATHER: Duration = Duration::from_millis(10);

/// How long if nobody waits.
const GATHER_UNAWAITED: Duration = Duration::from_millis(40);

/// A writer that has been at one piece of work for so long is not behind, but stands still.
const STANDSTILL: Duration = Duration::from_secs(1);

/// How often it is looked whether something must be pruned: once in so much time, and after so many records.
const PRUNE_EVERY: Duration = Duration::from_secs(30);
const PRUNE_AFTER: usize = 4 * MAX_BATCH;

/// What the journal tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// More is written, up to this: it survives the end of the process, and that of the machine as
    /// [`Sync`](crate::config::Sync) says. These come in order, and only if somebody
    /// [wants to know](super::Journal::report_from).
    Written {
        /// The number of the last event that was written.
        up_to_seq: u64,
        /// All records up to this one are written, but for those that were [lost](Report::Recovered).
        up_to: Ticket,
    },
    /// Nothing is written at the moment, and nothing will be acknowledged; it is tried again by itself. Said once until
    /// [`Recovered`](Report::Recovered).
    Failed {
        /// Why.
        why: Failure,
    },
    /// It is written again. Told before the next [`Written`](Report::Written).
    Recovered {
        /// What was not written and never will be. Often nothing: what waits is kept as long as it is not too much.
        lost: Lost,
    },
}

/// Who is told, on the writer's thread or on that of who appends. It must not wait for anything and not call the journal: it
/// hands the report on, and returns.
pub type Listener = Arc<dyn Fn(Report) + Send + Sync>;

/// What the writer shares with those who append.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something happened that the writer may be waiting for.
    wake: Condvar,
    listener: Listener,
}

struct State {
    queue: Queue,
    is_failed: bool,
    is_closing: bool,
    /// The writer waits to be woken when so many records wait; `None` if it does not wait for records.
    wake_at: Option<usize>,
    /// The last event and the last record that were written.
    written: (u64, Ticket),
    /// The first event of which it is reported that it is written.
    report_from: u64,
    /// Since when the writer has been at one piece of work.
    busy_since: Option<Instant>,
}

impl State {
    /// Whether somebody wants to know when something is written.
    fn is_awaited(&self) -> bool {
        self.report_from != u64::MAX
    }
}

impl Shared {
    pub(super) fn new(queue: Queue, listener: Listener) -> Shared {
        let state = State {
            written: (queue.last_seq(), Ticket::default()),
            queue,
            is_failed: false,
            is_closing: false,
            wake_at: None,
            report_from: 0,
            busy_since: None,
        };
        Shared { state: Mutex::new(state), wake: Condvar::new(), listener }
    }

    /// What is behind it is valid after every statement, so a panic of somebody who had it spoils nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts records into the queue. The ticket of the last one.
    pub(super) fn append(&self, records: impl IntoIterator<Item = Record>) -> Ticket {
        let mut state = self.state();
        for record in records {
            if !state.queue.push(record) {
                log::error!("an event whose number does not rise is not kept");
            }
        }
        if state.queue.shorten() {
            self.fail(&mut state, Failure::TooSlow);
        }
        let waiting = state.queue.len();
        let must_wake = state.wake_at.take_if(|wake_at| waiting >= *wake_at).is_some();
        let ticket = state.queue.ticket();
        drop(state);
        if must_wake {
            self.wake.notify_one();
        }
        ticket
    }

    /// See [`Journal::is_behind`](super::Journal::is_behind).
    pub(super) fn is_behind(&self) -> bool {
        let state = self.state();
        let stands_still = || state.busy_since.is_some_and(|since| since.elapsed() > STANDSTILL);
        state.queue.is_behind() && !state.is_failed && !stands_still()
    }

    /// See [`Journal::report_from`](super::Journal::report_from).
    pub(super) fn report_from(&self, seq: u64) {
        let mut state = self.state();
        let was_awaited = state.is_awaited();
        state.report_from = seq;
        self.report_written(&state);
        if state.is_awaited() && !was_awaited {
            self.wake.notify_one();
        }
    }

    /// The number of the last event that is written.
    pub(super) fn last_written(&self) -> u64 {
        self.state().written.0
    }

    /// So much is written.
    fn advance(&self, up_to_seq: u64, up_to: Ticket) {
        let mut state = self.state();
        state.written = (up_to_seq, up_to);
        self.report_written(&state);
    }

    fn report_written(&self, state: &State) {
        let (up_to_seq, up_to) = state.written;
        if up_to_seq >= state.report_from {
            (self.listener)(Report::Written { up_to_seq, up_to });
        }
    }

    /// Says that nothing is written, unless that is known. It is said before the state can change again, or two threads might
    /// tell their news in the wrong order.
    fn fail(&self, state: &mut State, why: Failure) {
        if !std::mem::replace(&mut state.is_failed, true) {
            (self.listener)(Report::Failed { why });
        }
    }

    /// Says that nothing will be written any more.
    pub(super) fn give_up(&self, why: Failure) {
        self.fail(&mut self.state(), why);
    }

    /// Says that it is written again, if it was not, and what was lost until then.
    fn recover(&self, lost: Lost) {
        let mut state = self.state();
        let is_behind = state.queue.has_lost();
        if state.is_failed && (!is_behind || !lost.is_nothing()) {
            state.is_failed = false;
            (self.listener)(Report::Recovered { lost });
            if is_behind {
                self.fail(&mut state, Failure::TooSlow);
            }
        }
    }

    /// Has the writer write what waits, and end.
    pub(super) fn close(&self) {
        self.state().is_closing = true;
        self.wake.notify_one();
    }
}

/// What the writer does next.
enum Work {
    Write(Batch),
    Sync,
    Prune,
    Reopen,
    Close,
}

/// When something may next be done.
#[derive(Default)]
struct Due {
    /// When something was last written. What has come since then gathers for a while.
    gathering_since: Option<Instant>,
    /// What was written must be on the disk.
    sync: Option<Instant>,
    prune: Option<Instant>,
    /// The file is opened again; until then nothing else is done.
    reopen: Option<Instant>,
}

impl Due {
    /// When what waits is written; before, only if it is a whole batch.
    fn write(&self, is_awaited: bool) -> Option<Instant> {
        self.gathering_since.map(|since| since + if is_awaited { GATHER } else { GATHER_UNAWAITED })
    }

    fn next(&self, is_awaited: bool) -> Option<Instant> {
        self.reopen.or_else(|| [self.write(is_awaited), self.sync, self.prune].into_iter().flatten().min())
    }
}

/// The writer.
pub(super) struct Writer {
    shared: Arc<Shared>,
    path: PathBuf,
    sync: SyncPolicy,
    retention: Retention,
    /// `None` while it is failed.
    store: Option<Store>,
    due: Due,
    pause: Duration,
    /// Records that were written since it was last looked whether something must be pruned.
    unpruned: usize,
    /// How often it was tried to open the file again while it is to be closed.
    last_tries: u32,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        path: PathBuf,
        store: Store,
        sync: SyncPolicy,
        retention: Retention,
    ) -> Writer {
        let now = Instant::now();
        let due = Due { prune: Some(now), ..Due::default() };
        Writer {
            shared,
            path,
            sync,
            retention,
            store: Some(store),
            due,
            pause: FIRST_PAUSE,
            unpruned: 0,
            last_tries: 0,
        }
    }

    /// What it shares with those who append.
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Works until it is closed. Whether everything was written.
    pub(super) fn run(mut self) -> bool {
        loop {
            let result = match self.next_work() {
                Work::Write(batch) => self.write(batch),
                Work::Sync => self.sync_now(),
                Work::Prune => self.prune(),
                Work::Reopen => self.reopen(),
                Work::Close => return self.close(),
            };
            if let Err(why) = result {
                self.fail(why);
            }
        }
    }

    /// Waits for something to do.
    fn next_work(&mut self) -> Work {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        state.busy_since = None;
        loop {
            let now = Instant::now();
            if let Some(work) = self.work(&mut state, now) {
                state.busy_since = Some(now);
                return work;
            }
            // while it is failed, nothing that is appended can change that
            let wake_at = if self.due.gathering_since.is_some() { MAX_BATCH } else { 1 };
            state.wake_at = self.store.is_some().then_some(wake_at);
            state = match self.due.next(state.is_awaited()) {
                Some(due) => {
                    let waited = shared.wake.wait_timeout(state, due.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.wake_at = None;
        }
    }

    /// What there is to do now, if anything.
    fn work(&mut self, state: &mut State, now: Instant) -> Option<Work> {
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if self.store.is_none() {
            if state.is_closing {
                self.last_tries += 1;
                return Some(if self.last_tries > LAST_TRIES { Work::Close } else { Work::Reopen });
            }
            return is_due(self.due.reopen).then_some(Work::Reopen);
        }
        if is_due(self.due.write(state.is_awaited())) {
            self.due.gathering_since = None;
        }
        let is_gathering = self.due.gathering_since.is_some() && state.queue.len() < MAX_BATCH && !state.is_closing;
        if is_due(self.due.sync) {
            Some(Work::Sync)
        } else if self.unpruned >= PRUNE_AFTER && !state.is_closing {
            // even while more and more is said
            Some(Work::Prune)
        } else if !state.queue.is_empty() && !is_gathering {
            Some(Work::Write(state.queue.take()))
        } else if state.is_closing {
            Some(Work::Close)
        } else {
            is_due(self.due.prune).then_some(Work::Prune)
        }
    }

    fn write(&mut self, batch: Batch) -> Result<(), Failure> {
        let written = match &mut self.store {
            Some(store) => store.write(&batch.records).map(|()| store.last_seq()),
            None => {
                self.shared.state().queue.put_back(batch);
                return Ok(());
            }
        };
        let up_to_seq = match written {
            Ok(last_seq) => last_seq,
            Err(error) => {
                self.shared.state().queue.put_back(batch);
                return Err(Failure::from(&error));
            }
        };
        self.pause = FIRST_PAUSE;
        let up_to = batch.records.last().map_or(Ticket::default(), |last| last.ticket);
        self.shared.recover(batch.lost);
        self.shared.advance(up_to_seq, up_to);
        let now = Instant::now();
        if let SyncPolicy::Interval(interval) = self.sync {
            self.due.sync.get_or_insert(now + interval);
        }
        self.due.gathering_since = (self.sync != SyncPolicy::Always).then_some(now);
        self.unpruned += batch.records.len();
        Ok(())
    }

    fn sync_now(&mut self) -> Result<(), Failure> {
        self.due.sync = None;
        self.store.as_mut().map_or(Ok(()), Store::sync).map_err(Failure::from)
    }

    fn prune(&mut self) -> Result<(), Failure> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let has_more = store.prune(self.retention, SystemTime::now()).map_err(|error| Failure::from(&error))?;
        // a step prunes more than can come until the next one
        self.unpruned = if has_more { PRUNE_AFTER - MAX_BATCH } else { 0 };
        self.due.prune = Some(if has_more { Instant::now() } else { Instant::now() + PRUNE_EVERY });
        Ok(())
    }

    fn fail(&mut self, why: Failure) {
        self.store = None;
        self.due = Due { reopen: Some(Instant::now() + self.pause), ..Due::default() };
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        self.shared.fail(&mut self.shared.state(), why);
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        let store = Store::reopen(&self.path, self.sync).map_err(|error| Failure::from(&error))?;
        store.probe().map_err(|error| Failure::from(&error))?;
        self.store = Some(store);
        self.due = Due { prune: Some(Instant::now()), ..Due::default() };
        // else it is told when what waits is written
        if self.shared.state().queue.is_empty() {
            self.pause = FIRST_PAUSE;
            self.shared.recover(Lost::default());
        }
        Ok(())
    }

    fn close(mut self) -> bool {
        let (is_empty, last_seq) = {
            let state = self.shared.state();
            (state.queue.is_empty(), state.queue.last_seq())
        };
        let Some(mut store) = self.store.take() else { return false };
        let is_kept = self.sync == SyncPolicy::Never || store.sync().is_ok();
        store.close(last_seq).is_ok() && is_kept && is_empty
    }
}
