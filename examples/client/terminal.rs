//! How a terminal was found, so that it can be left like that.

use std::io::{self, Write};

/// What a terminal was set to before anything was done to it.
#[derive(Debug)]
pub(crate) struct Terminal {
    #[cfg(unix)]
    found: Option<rustix::termios::Termios>,
}

impl Terminal {
    pub(crate) fn as_found() -> Terminal {
        Terminal {
            #[cfg(unix)]
            found: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }

    /// Takes away the line that is being edited, and sets the terminal to what it was. (The shells of Windows do so themselves.)
    pub(crate) fn restore(&self) {
        // what is drawn is shown at once; to the beginning of the line, nothing behind that; no marks around what is pasted
        let mut screen = io::stdout();
        let _ = screen.write_all(b"\x1b[?2026l\r\x1b[J\x1b[?2004l").and_then(|()| screen.flush());
        #[cfg(unix)]
        if let Some(found) = &self.found {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, found);
        }
    }
}
