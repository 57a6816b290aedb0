//! The log, on stderr. Whoever reads it, or does not, never holds up the chat.

use std::any::Any;
use std::io::{self, IsTerminal, Write};
use std::panic::{self, Location};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use env_logger::{Builder, Env, Target};
use log::{LevelFilter, error};

/// Log entries that wait for a stderr that takes none; more are lost, and counted.
const MAX_WAITING: usize = 1024;

/// How long the end of the program waits until the last entries are written.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(200);

/// Starts the log: `RUST_LOG` says what is logged (default: `info`), `RUST_LOG_STYLE` or `NO_COLOR` whether in colours
/// (default: on a terminal). Panics go the same way: what Rust would do waits until stderr takes all of it, and everybody
/// in the chat would wait too.
pub fn start() -> Log {
    let (writer, log) = queue(io::stderr());
    let in_colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let style = if in_colours { "always" } else { "never" };
    let environment = Env::default().default_filter_or("info").default_write_style_or(style);
    let mut builder = Builder::from_env(environment);
    // it would log what people say
    builder.filter_module("tungstenite", LevelFilter::Off);
    builder.target(Target::Pipe(Box::new(writer))).init();
    panic::set_hook(Box::new(|panic| error!("{}", description(panic.payload(), panic.location()))));
    log
}

/// Where a panic happened and, if that was written down in the code, why. A text that was put together may hold what
/// somebody said, which no log tells.
fn description(payload: &dyn Any, location: Option<&Location<'_>>) -> String {
    let why = payload.downcast_ref::<&'static str>().copied().unwrap_or("no fixed reason");
    match location {
        Some(location) => format!("panic at {location}: {why}"),
        None => format!("panic: {why}"),
    }
}

/// The running log.
pub struct Log {
    entries: SyncSender<Entry>,
}

impl Log {
    /// Waits, briefly, until everything logged so far is written.
    pub fn flush(&self) {
        let (tell, told) = mpsc::sync_channel(1);
        if self.entries.try_send(Entry::Flush(tell)).is_ok() {
            // in time or not, the program ends
            let _ = told.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

enum Entry {
    Text(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Makes a writer that never waits, before an output that may: a thread stands between them.
fn queue(output: impl Write + Send + 'static) -> (QueueWriter, Log) {
    let (entries, waiting) = mpsc::sync_channel(MAX_WAITING);
    let lost = Arc::new(AtomicU64::new(0));
    let log = Log { entries: entries.clone() };
    thread::spawn({
        let lost = Arc::clone(&lost);
        move || write_all(&waiting, &lost, output)
    });
    (QueueWriter { entries, lost }, log)
}

fn write_all(waiting: &Receiver<Entry>, lost: &AtomicU64, mut output: impl Write) {
    for entry in waiting {
        // a log that cannot be written cannot be complained about either
        let _ = match entry {
            Entry::Text(text) => output.write_all(&text),
            Entry::Flush(tell) => {
                let _ = tell.send(());
                Ok(())
            }
        };
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(output, "… {lost} log entries lost: stderr was full");
        }
    }
}

struct QueueWriter {
    entries: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

impl Write for QueueWriter {
    /// Takes a whole entry, as `env_logger` writes them, or loses it.
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = self.entries.try_send(Entry::Text(entry.to_vec())) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output that takes nothing until it is told to, then everything.
    struct Gate {
        open: Receiver<()>,
        is_open: bool,
        taken: SyncSender<String>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.is_open {
                self.is_open = self.open.recv().is_ok();
            }
            self.taken.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_one_line_without_anything_that_somebody_said() {
        let here = Location::caller();
        let fixed: Box<dyn Any + Send> = Box::new("a bug");
        assert_eq!(description(&*fixed, Some(here)), format!("panic at {here}: a bug"));
        let said: Box<dyn Any + Send> = Box::new("byte 3 of `segredo`".to_owned());
        assert_eq!(description(&*said, Some(here)), format!("panic at {here}: no fixed reason"));
        assert_eq!(description(&*fixed, None), "panic: a bug");
    }

    #[test]
    fn an_output_that_is_full_loses_entries_and_says_so_and_holds_up_nobody() {
        let (open, gate) = mpsc::sync_channel(1);
        let (taken, written) = mpsc::sync_channel(10 * MAX_WAITING);
        let (mut writer, log) = queue(Gate { open: gate, is_open: false, taken });
        for i in 0..MAX_WAITING + 101 {
            writer.write_all(format!("{i}\n").as_bytes()).unwrap();
        }
        // the queue is full, so this does not wait for anything
        log.flush();
        open.send(()).unwrap();
        let mut all = String::new();
        while !all.contains("entries lost") {
            all += &written.recv_timeout(Duration::from_secs(20)).unwrap();
        }
        // one entry may have been taken out of the queue already when it filled up
        assert!(all.starts_with("0\n") && (all.contains("… 100 log") || all.contains("… 101 log")), "{all}");
        writer.write_all(b"depois\n").unwrap();
        while !all.ends_with("depois\n") {
            all += &written.recv_timeout(Duration::from_secs(20)).unwrap();
        }
        log.flush();
    }
}
