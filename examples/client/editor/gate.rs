//! When something may be printed while a line is edited, and how much waits for that. It knows no terminal.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::PATIENCE;

/// The most that waits to be printed. Beyond it, nothing more is read from the server.
const MAX_BACKLOG: usize = 10_000;

/// When something may be given to rustyline to print.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    state: State,
    /// What is waiting to be printed.
    waiting: usize,
    stillness: Stillness,
}

/// Whether the line is drawn.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stillness {
    #[default]
    Drawn,
    /// Not any more, from the next time on.
    Wanted,
    /// Not any more.
    Reached,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody edits, and soon somebody will.
    #[default]
    Closed,
    Open,
    /// Nobody will edit any more; whether somebody was in the middle of it.
    Finished {
        is_edited: bool,
    },
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self) {
        let mut inside = self.lock();
        if inside.state == State::Closed {
            inside.state = State::Open;
            self.changed.notify_all();
        }
    }

    pub(super) fn close(&self) {
        let mut inside = self.lock();
        inside.state = match inside.state {
            State::Open | State::Closed => State::Closed,
            State::Finished { .. } => State::Finished { is_edited: false },
        };
        self.changed.notify_all();
    }

    /// No line will be asked for any more.
    pub(super) fn finish(&self) {
        let mut inside = self.lock();
        inside.state = State::Finished { is_edited: inside.state == State::Open };
        self.changed.notify_all();
    }

    /// Waits until something may be printed. Whether a line is being edited then.
    pub(super) fn wait(&self) -> bool {
        let inside = self.changed.wait_while(self.lock(), |inside| inside.state == State::Closed);
        match inside.unwrap_or_else(PoisonError::into_inner).state {
            State::Open => true,
            State::Closed => false,
            State::Finished { is_edited } => is_edited,
        }
    }

    /// Waits until the line will not be drawn any more, be it because somebody has pressed Enter.
    pub(super) fn still(&self) {
        let mut inside = self.lock();
        inside.stillness = Stillness::Wanted;
        let is_drawn = |inside: &mut Inside| {
            inside.stillness == Stillness::Wanted && inside.state == State::Finished { is_edited: true }
        };
        drop(self.changed.wait_timeout_while(inside, PATIENCE, is_drawn));
    }

    /// The line is about to be drawn. If it is not to be, this does not return.
    pub(super) fn draw(&self) {
        let mut inside = self.lock();
        if inside.stillness == Stillness::Drawn {
            return;
        }
        inside.stillness = Stillness::Reached;
        self.changed.notify_all();
        drop(inside);
        loop {
            thread::park();
        }
    }

    /// One thing more waits to be printed.
    pub(super) fn add(&self) {
        self.lock().waiting += 1;
    }

    /// One thing less does.
    pub(super) fn is_printed(&self) {
        let mut inside = self.lock();
        inside.waiting = inside.waiting.saturating_sub(1);
        self.changed.notify_all();
    }
}

/// How much is waiting to be printed.
#[derive(Debug, Clone)]
pub(crate) struct Backlog(Arc<Gate>);

impl Backlog {
    pub(super) fn of(gate: &Arc<Gate>) -> Backlog {
        Backlog(Arc::clone(gate))
    }

    /// Waits until it is less than [`MAX_BACKLOG`].
    pub(crate) fn wait(&self) {
        let gate = self.0.lock();
        let is_full =
            |inside: &mut Inside| inside.waiting >= MAX_BACKLOG && !matches!(inside.state, State::Finished { .. });
        drop(self.0.changed.wait_while(gate, is_full));
    }
}
