//! A program on a terminal, and what a person would see there.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use super::program::wait;
use super::wait_until;

/// How wide the terminal is, in columns.
const COLUMNS: u16 = 80;

/// A terminal, with a program on it.
pub struct Pty {
    pub child: Child,
    keyboard: File,
    /// The other end, open, so that it can be looked at when the program has ended.
    terminal: File,
    /// How it was before the program started.
    found: Termios,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Pty {
    pub fn start(command: Command) -> Pty {
        Pty::start_with(command, ("TERM", "xterm-256color"))
    }

    /// With a variable of its environment.
    pub fn start_with(mut command: Command, variable: (&str, &str)) -> Pty {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        tcsetwinsize(&master, Winsize { ws_row: 24, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let terminal = File::options().read(true).write(true).open(path).unwrap();
        let found = tcgetattr(&terminal).unwrap();
        let end = || terminal.try_clone().unwrap();
        command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm-256color").env_remove("NO_COLOR");
        command.env(variable.0, variable.1);
        let child = command.spawn().unwrap();
        let keyboard = File::from(master);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, show) = (keyboard.try_clone().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut block = [0; 4096];
            // it is an error to read what nobody has open any more
            while let Ok(count @ 1..) = screen.read(&mut block) {
                show.lock().unwrap().extend_from_slice(&block[..count]);
            }
        });
        Pty { child, keyboard, terminal, found, shown }
    }

    /// Presses keys, all at once.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Presses keys as a person does: one after the other, with so much time between them.
    pub fn press_slowly(&mut self, keys: &[&str], pause: Duration) {
        for key in keys {
            self.press(key);
            std::thread::sleep(pause);
        }
    }

    /// Everything that was ever written to the terminal.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// The lines on the screen, and on what has been scrolled off it.
    pub fn lines(&self) -> Vec<String> {
        let mut model = Model::default();
        model.write(&self.written());
        model.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect()
    }

    /// Waits until the last line on the screen, the one that is being edited, is this one.
    #[track_caller]
    pub fn edits(&self, line: &str) {
        let last = || self.lines().into_iter().rfind(|line| !line.is_empty()).unwrap_or_default();
        let is_there = || last() == line;
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wait_until(line, is_there)));
        assert!(waited.is_ok(), "in vain: {line:?}; there is {:?}", self.lines());
    }

    /// Waits until there is a line with this in it.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        let is_there = || self.lines().iter().any(|line| line.contains(text));
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wait_until(text, is_there)));
        assert!(waited.is_ok(), "in vain: {text:?}; there is {:?}", self.lines());
    }

    /// Waits until the program has ended: its code, and whether the terminal is as it was.
    pub fn end(&mut self) -> (Option<i32>, bool) {
        let code = wait(&mut self.child).code();
        let now = tcgetattr(&self.terminal).unwrap();
        let is_restored = now.local_modes == self.found.local_modes
            && now.input_modes == self.found.input_modes
            && now.output_modes == self.found.output_modes;
        (code, is_restored)
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As much of a terminal as is needed here. It never scrolls: it is as high as it takes.
#[derive(Default)]
struct Model {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Model {
    fn write(&mut self, text: &str) {
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.row += 1,
                '\u{8}' => self.column = self.column.saturating_sub(1),
                '\u{7}' => {}
                '\u{1b}' if rest.next_if_eq(&'[').is_some() => {
                    let mut parameters = String::new();
                    while let Some(c) = rest.next_if(|c| (' '..='?').contains(c)) {
                        parameters.push(c);
                    }
                    self.obey(&parameters, rest.next().unwrap_or('m'));
                }
                c => self.put(c),
            }
            let (row, rows) = (self.row, self.rows.len());
            self.rows.resize(rows.max(row + 1), Vec::new());
        }
    }

    fn put(&mut self, c: char) {
        if is_combining(c) {
            return;
        }
        let width = if is_wide(c) { 2 } else { 1 };
        if self.column + width > usize::from(COLUMNS) {
            self.row += 1;
            self.column = 0;
        }
        let rows = self.rows.len();
        self.rows.resize(rows.max(self.row + 1), Vec::new());
        let row = &mut self.rows[self.row];
        row.resize(row.len().max(self.column + width), ' ');
        row[self.column] = c;
        if width == 2 {
            // nothing is seen of the second half
            row[self.column + 1] = '\u{200b}';
        }
        self.column += width;
    }

    fn obey(&mut self, parameters: &str, command: char) {
        let count = parameters.parse().unwrap_or(1).max(1);
        match command {
            'A' => self.row = self.row.saturating_sub(count),
            'B' => self.row += count,
            'C' => self.column += count,
            'D' => self.column = self.column.saturating_sub(count),
            'G' => self.column = count - 1,
            'K' | 'J' => {
                if let Some(row) = self.rows.get_mut(self.row) {
                    row.truncate(self.column);
                }
                if command == 'J' {
                    self.rows.truncate(self.row + 1);
                }
            }
            _ => {}
        }
    }
}

fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn is_wide(c: char) -> bool {
    ('\u{2e80}'..='\u{9fff}').contains(&c) || c >= '\u{1f300}'
}
