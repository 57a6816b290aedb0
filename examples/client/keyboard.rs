//! Where lines come from. Whoever wants one asks for it: so nobody types a password into a line that everybody reads, and a
//! script is read no faster than the server takes it.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::thread;

use crate::conversation::Event;

/// The most bytes of one line; the rest of a longer one is passed over.
const MAX_LINE: u64 = 64 * 1024; // 64 KiB

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A line. On a terminal, the prompt stands before it, and this much of it is there already.
    Line { prompt: String, initial: String },
    /// A line that is not shown on a terminal, with what stands before it there.
    Secret { prompt: String },
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Typed {
    Line(String),
    /// Bytes that are no text.
    NotUtf8,
    /// What was there was thrown away (Ctrl-C).
    Cleared,
    /// Nothing more comes (Ctrl-D, Ctrl-C on an empty line, the end of a script).
    End,
    /// This terminal cannot hide what is typed.
    CannotHide,
}

/// The side of whoever asks.
#[derive(Debug)]
pub(crate) struct Keyboard {
    asks: Sender<Ask>,
    /// Asked for, and not come yet.
    is_asked: bool,
}

impl Keyboard {
    pub(crate) fn new() -> (Keyboard, Receiver<Ask>) {
        let (asks, asked) = channel();
        (Keyboard { asks, is_asked: false }, asked)
    }

    /// Asks for something, unless something is being asked for.
    pub(crate) fn ask(&mut self, ask: Ask) {
        if !std::mem::replace(&mut self.is_asked, true) {
            // a keyboard that is gone has said that it is
            let _ = self.asks.send(ask);
        }
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// What was asked for has come.
    pub(crate) fn has_come(&mut self) {
        self.is_asked = false;
    }
}

/// Reads the lines of a pipe, or of a terminal as it is.
pub(crate) fn read_plainly(
    asked: Receiver<Ask>,
    tell: SyncSender<Event>,
    mut hide: impl FnMut(&str) -> Typed + Send + 'static,
) {
    thread::spawn(move || {
        let mut input = io::stdin();
        while let Ok(ask) = asked.recv() {
            let typed = match ask {
                Ask::Secret { prompt } if io::IsTerminal::is_terminal(&input) => hide(&prompt),
                Ask::Secret { .. } | Ask::Line { .. } => read_line(&mut input),
            };
            if tell.send(Event::Typed(typed)).is_err() {
                return;
            }
        }
    });
}

/// The next line, without its end. Without a line end it is the last one, which the next read says.
fn read_line(input: &mut io::Stdin) -> Typed {
    let mut input = input.lock();
    let mut line = Vec::new();
    match input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
        Ok(0) | Err(_) => return Typed::End,
        Ok(_) => {}
    }
    if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
        // what is longer than any line is refused with what has been read of it
        let mut piece = Vec::new();
        while !piece.ends_with(b"\n") {
            piece.clear();
            if !matches!(input.by_ref().take(MAX_LINE).read_until(b'\n', &mut piece), Ok(1..)) {
                break;
            }
        }
    }
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    String::from_utf8(line).map_or(Typed::NotUtf8, Typed::Line)
}
