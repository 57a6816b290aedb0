//! A connection at work: one thread reads objects from it, another one writes what is to be sent. Neither waits for the other:
//! a server that does not read is heard all the same.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::thread;

use crate::connection::Connection;
use crate::conversation::Event;
use crate::editor::Backlog;
use crate::protocol::Received;

/// The most bytes of one object. That with the names of ten thousand people has less.
const MAX_OBJECT: u64 = 16 * 1024 * 1024; // 16 MiB

/// The side of whoever speaks over it. Dropped, the connection ends.
#[derive(Debug)]
pub(crate) struct Link {
    /// Which one it is, in the events that tell of it.
    pub(crate) number: u64,
    lines: Sender<String>,
    socket: TcpStream,
}

impl Link {
    /// Sets a connection to work. Nothing is read while too much waits to be printed.
    pub(crate) fn new(number: u64, connection: Connection, tell: SyncSender<Event>, backlog: Option<Backlog>) -> Link {
        let Connection { reader, writer, socket, .. } = connection;
        // what waits in there is what is not answered, which has a bound
        let (lines, queue) = channel();
        thread::spawn(move || write(writer, &queue));
        thread::spawn(move || {
            read(reader, |received| {
                if let Some(backlog) = &backlog {
                    backlog.wait();
                }
                tell.send(Event::Received(number, received)).is_ok()
            });
            let _ = tell.send(Event::Lost(number));
        });
        Link { number, lines, socket }
    }

    /// Sends a line, its end included.
    pub(crate) fn send(&self, line: String) {
        // if the connection is gone, the reader says so
        let _ = self.lines.send(line);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn write(mut writer: impl Write, queue: &Receiver<String>) {
    while let Ok(line) = queue.recv() {
        if writer.write_all(line.as_bytes()).is_err() {
            // the reader sees it, too
            return;
        }
    }
}

/// Reads until the connection ends, or nobody wants more.
fn read(reader: impl Read, mut take: impl FnMut(Received) -> bool) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(MAX_OBJECT).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        if !take(Received::read(text.trim_end_matches(['\r', '\n']))) {
            return;
        }
    }
}
