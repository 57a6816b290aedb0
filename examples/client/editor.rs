//! A terminal where lines are edited while others arrive: rustyline on a thread of its own, and another one that prints above
//! the line.
//!
//! 1. Nobody who wants to print waits for the terminal: what is to be printed waits in a queue.
//! 2. What is printed keeps its order. rustyline prints at once when nobody edits, and later when somebody does; so while a line
//!    is being edited is the only time when something is given to it, and what comes in between waits for the next line. `Gate`
//!    says when: it is open from the first time that rustyline draws the line until Enter.
//! 3. When all is over the terminal is as it was, even if a line was being edited.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anstyle::Style;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::{History, MemHistory};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Config, Context, DefaultEditor, Editor, ExternalPrinter, Helper};

use crate::completion::{self, Known};
use crate::conversation::Event;
use crate::keyboard::{Ask, Typed};
use crate::terminal::Terminal;

/// The most that waits to be printed. Beyond it, nothing more is read from the server.
const MAX_BACKLOG: usize = 10_000;

/// How long the last words may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Printed above a line that is being edited, it changes nothing: a line up and a line down.
const NOTHING: &str = "\u{1b}[A\n";

/// What is known to whoever completes a word.
pub(crate) type Shared = Arc<Mutex<Known>>;

/// Where to print.
#[derive(Debug)]
pub(crate) struct Printer {
    jobs: Sender<Job>,
    gate: Arc<Gate>,
    terminal: Terminal,
}

#[derive(Debug)]
enum Job {
    Print(String),
    /// Tells when all before it is on the screen.
    Tell(SyncSender<()>),
}

/// Whether this is a terminal on which lines can be edited.
pub(crate) fn is_possible() -> bool {
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    // only such a one can have it
    is_terminal && DefaultEditor::new().and_then(|mut editor| editor.create_external_printer()).is_ok()
}

/// Starts to edit lines.
///
/// # Errors
/// Those of the terminal.
pub(crate) fn start(
    asked: Receiver<Ask>,
    tell: SyncSender<Event>,
    known: Shared,
    has_colours: bool,
) -> rustyline::Result<Printer> {
    let terminal = Terminal::as_found();
    let gate = Arc::new(Gate::default());
    let (is_empty, is_secret) = (Cell::new(true), Cell::new(false));
    let assistant = Assistant { known, gate: Arc::clone(&gate), has_colours, is_empty, is_secret };
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        // or the assistant would not be asked how things look: what may not be seen at all would be
        .color_mode(ColorMode::Forced)
        .build();
    let history = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history)?;
    let printer = editor.create_external_printer()?;
    let (jobs, queue) = channel();
    thread::spawn({
        let gate = Arc::clone(&gate);
        move || print(printer, &queue, &gate)
    });
    thread::spawn({
        let gate = Arc::clone(&gate);
        move || {
            editor.set_helper(Some(assistant));
            edit(editor, &asked, &tell, &gate);
        }
    });
    Ok(Printer { jobs, gate, terminal })
}

impl Printer {
    /// Prints lines, each with its end.
    pub(crate) fn print(&self, lines: String) {
        self.gate.lock().waiting += 1;
        let _ = self.jobs.send(Job::Print(lines));
    }

    /// Prints what is waiting, and leaves the terminal as it was found. `is_asked`: somebody may be editing a line.
    pub(crate) fn finish(&self, is_asked: bool) {
        self.gate.finish();
        let (tell, told) = sync_channel(1);
        if self.jobs.send(Job::Tell(tell)).is_ok() {
            // whoever looks at a terminal that takes nothing any more does not see the last words either
            let _ = told.recv_timeout(PATIENCE);
        }
        if is_asked {
            self.terminal.restore();
        }
    }

    /// To be asked before there is more to print.
    pub(crate) fn backlog(&self) -> Backlog {
        Backlog(Arc::clone(&self.gate))
    }
}

/// How much is waiting to be printed.
#[derive(Debug, Clone)]
pub(crate) struct Backlog(Arc<Gate>);

impl Backlog {
    /// Waits until it is less than [`MAX_BACKLOG`].
    pub(crate) fn wait(&self) {
        let gate = self.0.lock();
        let is_full =
            |inside: &mut Inside| inside.waiting >= MAX_BACKLOG && !matches!(inside.state, State::Finished { .. });
        drop(self.0.changed.wait_while(gate, is_full));
    }
}

/// Prints one thing after the other.
fn print(mut printer: impl ExternalPrinter, queue: &Receiver<Job>, gate: &Gate) {
    while let Ok(job) = queue.recv() {
        let is_edited = gate.wait();
        match job {
            Job::Print(lines) => {
                let result = printer.print(lines);
                gate.is_printed();
                if result.is_err() {
                    return;
                }
            }
            // there is place for one thing that waits to be printed: when that is taken by nothing, all before it has been
            // taken, and is on the screen before the line is drawn below it once more. And that is not to be
            Job::Tell(tell) => {
                if is_edited && printer.print(NOTHING.to_owned()).is_ok() {
                    gate.still();
                }
                let _ = tell.send(());
            }
        }
    }
}

fn edit<H: History>(mut editor: Editor<Assistant, H>, asked: &Receiver<Ask>, tell: &SyncSender<Event>, gate: &Gate) {
    while let Ok(ask) = asked.recv() {
        let (prompt, initial, is_secret) = match ask {
            Ask::Line { prompt, initial } => (prompt, initial, false),
            Ask::Secret { prompt } => (prompt, String::new(), true),
        };
        if let Some(assistant) = editor.helper() {
            assistant.is_secret.set(is_secret);
        }
        let line = editor.readline_with_initial(&prompt, (&initial, ""));
        gate.close();
        let was_empty = editor.helper().is_none_or(|assistant| assistant.is_empty.get());
        if let (Ok(line), false) = (&line, is_secret) {
            // lines are kept until the program ends, and nowhere else
            let _ = editor.add_history_entry(line);
        }
        let typed = match line {
            // several lines that are pasted are one: it goes to one person, or to all
            Ok(line) => Typed::Line(line.replace('\n', " ")),
            Err(ReadlineError::Interrupted) if !was_empty => Typed::Cleared,
            Err(_) => Typed::End,
        };
        if tell.send(Event::Typed(typed)).is_err() {
            return;
        }
    }
}

/// Reads a line that nobody sees.
pub(crate) fn read_hidden(prompt: &str) -> Typed {
    // with colours off, what is typed would be shown as it is
    let config = Config::builder().color_mode(ColorMode::Forced).build();
    let Ok(mut editor) = Editor::<Mask, _>::with_config(config) else { return Typed::CannotHide };
    // only a terminal on which lines can be edited can hide something
    if editor.create_external_printer().is_err() {
        return Typed::CannotHide;
    }
    editor.set_helper(Some(Mask));
    match editor.readline(prompt) {
        Ok(line) => Typed::Line(line),
        Err(_) => Typed::End,
    }
}

/// When something may be given to rustyline to print.
#[derive(Debug, Default)]
struct Gate {
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

    fn open(&self) {
        let mut inside = self.lock();
        if inside.state == State::Closed {
            inside.state = State::Open;
            self.changed.notify_all();
        }
    }

    fn close(&self) {
        let mut inside = self.lock();
        inside.state = match inside.state {
            State::Open | State::Closed => State::Closed,
            State::Finished { .. } => State::Finished { is_edited: false },
        };
        self.changed.notify_all();
    }

    /// No line will be asked for any more.
    fn finish(&self) {
        let mut inside = self.lock();
        inside.state = State::Finished { is_edited: inside.state == State::Open };
        self.changed.notify_all();
    }

    /// Waits until something may be printed. Whether a line is being edited then.
    fn wait(&self) -> bool {
        let inside = self.changed.wait_while(self.lock(), |inside| inside.state == State::Closed);
        match inside.unwrap_or_else(PoisonError::into_inner).state {
            State::Open => true,
            State::Closed => false,
            State::Finished { is_edited } => is_edited,
        }
    }

    /// Waits until the line will not be drawn any more, be it because somebody has pressed Enter.
    fn still(&self) {
        let mut inside = self.lock();
        inside.stillness = Stillness::Wanted;
        let is_drawn = |inside: &mut Inside| {
            inside.stillness == Stillness::Wanted && inside.state == State::Finished { is_edited: true }
        };
        drop(self.changed.wait_timeout_while(inside, PATIENCE, is_drawn));
    }

    /// The line is about to be drawn. If it is not to be, this does not return.
    fn draw(&self) {
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

    fn is_printed(&self) {
        let mut inside = self.lock();
        inside.waiting = inside.waiting.saturating_sub(1);
        self.changed.notify_all();
    }
}

/// Completes words, and knows when a line is being edited.
struct Assistant {
    known: Shared,
    gate: Arc<Gate>,
    has_colours: bool,
    /// Whether nothing is typed yet.
    is_empty: Cell<bool>,
    /// Whether nobody may see what is typed.
    is_secret: Cell<bool>,
}

impl Assistant {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn painted<'a>(&self, style: Style, text: &'a str) -> Cow<'a, str> {
        if self.has_colours { Cow::Owned(format!("{style}{text}{style:#}")) } else { Cow::Borrowed(text) }
    }
}

impl Helper for Assistant {}
impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, cursor: usize) -> Cow<'l, str> {
        if self.is_secret.get() { Mask.highlight(line, cursor) } else { Cow::Borrowed(line) }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        self.gate.draw();
        self.painted(Style::new().bold(), prompt)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.painted(Style::new().dimmed(), hint)
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.is_secret.get()
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let is_secret = self.is_secret.get();
        Ok(if is_secret { (cursor, Vec::new()) } else { completion::complete(line, cursor, &self.known()) })
    }
}

/// Something that is seen, and not typed.
struct Aside(String);

impl Hint for Aside {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Aside;

    /// rustyline asks whenever it has drawn the line.
    fn hint(&self, line: &str, cursor: usize, _: &Context<'_>) -> Option<Aside> {
        self.is_empty.set(line.is_empty());
        self.gate.open();
        if cursor < line.len() || self.is_secret.get() {
            None
        } else {
            completion::hint(line, &self.known()).map(Aside)
        }
    }
}

impl Validator for Assistant {
    /// rustyline asks at Enter. Any line is one.
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.gate.close();
        Ok(ValidationResult::Valid(None))
    }
}

/// Hides what is typed. As wide as it, as rustyline wants it.
struct Mask;

impl Helper for Mask {}
impl Completer for Mask {
    type Candidate = String;
}
impl Hinter for Mask {
    type Hint = Aside;
}
impl Validator for Mask {}
impl Highlighter for Mask {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned("*".repeat(line.chars().count()))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}
