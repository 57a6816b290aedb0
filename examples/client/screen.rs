//! Where things are shown: lines on standard output, and what is about the connection on standard error; or a terminal on which
//! somebody edits a line meanwhile.

use std::io::{self, Write};

use crate::conversation::End;
use crate::editor::Printer;
use crate::show::Look;

#[derive(Debug)]
pub(crate) enum Screen {
    Plain,
    Terminal(Printer),
}

impl Screen {
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Screen::Plain)
    }

    /// Shows lines, each with its end.
    ///
    /// # Errors
    /// [`End`] if nobody can see them.
    pub(crate) fn show(&self, lines: String) -> Result<(), End> {
        match self {
            Screen::Plain => {
                let mut output = io::stdout().lock();
                match output.write_all(lines.as_bytes()).and_then(|()| output.flush()) {
                    Ok(()) => Ok(()),
                    // whoever watched has seen enough
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(End::Left),
                    Err(error) => Err(End::Failed(format!("client: {error}"))),
                }
            }
            Screen::Terminal(printer) => {
                printer.print(lines);
                Ok(())
            }
        }
    }

    /// Says something about the connection.
    pub(crate) fn say(&self, sentence: &str, look: &Look) {
        match self {
            // nobody is told if nobody listens
            Screen::Plain => drop(writeln!(io::stderr(), "client: {sentence}")),
            Screen::Terminal(printer) => printer.print(format!("{}\n", look.notice(sentence))),
        }
    }

    /// Nothing more will be shown, nor will be asked for. `is_asked`: somebody may be editing a line.
    pub(crate) fn finish(&self, is_asked: bool) {
        if let Screen::Terminal(printer) = self {
            printer.finish(is_asked);
        }
    }
}
