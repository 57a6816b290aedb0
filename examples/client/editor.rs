//! A terminal where lines are edited while others arrive: rustyline on a thread of its own, and another one that prints above
//! the line.
//!
//! 1. Nobody who wants to print waits for the terminal: what is to be printed waits in a queue.
//! 2. What is printed keeps its order. rustyline prints at once when nobody edits, and later when somebody does; so while a line
//!    is being edited is the only time when something is given to it, and what comes in between waits for the next line. `Gate`
//!    says when: it is open from the first time that rustyline draws the line until Enter.
//! 3. When all is over the terminal is as it was, even if a line was being edited.

mod assistant;
mod gate;

use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::{History, MemHistory};
use rustyline::{ColorMode, CompletionType, Config, DefaultEditor, Editor, ExternalPrinter};

use crate::completion::Known;
use crate::conversation::Event;
use crate::keyboard::{Ask, Typed};
use crate::terminal::Terminal;
use assistant::{Assistant, Mask};
pub(crate) use gate::Backlog;
use gate::Gate;

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
        self.gate.add();
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
        Backlog::of(&self.gate)
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
