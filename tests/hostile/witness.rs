//! Somebody who chats while others misbehave, and must not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::common::{Client, TestServer, wait_until};

/// The pause between two of the speaker's lines, within what the throttle lets pass for ever.
const PAUSE: Duration = Duration::from_millis(600);

/// Two members: one speaks on and on, the other must read every line once and in order, and may read notices of people who
/// come and go, and what the test says that others may say.
pub(crate) struct Witness {
    seen: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    speaker: Option<JoinHandle<(Client, usize)>>,
    reader: Option<JoinHandle<Vec<String>>>,
}

impl Witness {
    /// `Testemunha` listens, `Falante` speaks. Both join first of all in `server`.
    pub(crate) fn start(server: &TestServer) -> Witness {
        let mut reader = server.join("Testemunha");
        let mut speaker = server.join("Falante");
        reader.expect(&["Falante entrou no chat."]);
        // whoever does not read what the others say is not read from
        let mut heard = speaker.stream().try_clone().unwrap();
        std::thread::spawn(move || std::io::copy(&mut heard, &mut std::io::sink()));
        let (seen, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let speaking = {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let mut said = 0;
                while !stop.load(Ordering::Relaxed) {
                    speaker.send(&format!("linha {said}"));
                    said += 1;
                    std::thread::sleep(PAUSE);
                }
                (speaker, said)
            })
        };
        let reading = {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                let mut others = Vec::new();
                loop {
                    let line = reader.line();
                    if line == "Falante: fim" {
                        return others;
                    }
                    match line.strip_prefix("Falante: linha ") {
                        Some(number) => {
                            assert_eq!(number, seen.load(Ordering::Relaxed).to_string(), "in order, none lost");
                            seen.fetch_add(1, Ordering::Relaxed);
                        }
                        None => others.push(line),
                    }
                }
            })
        };
        Witness { seen, stop, speaker: Some(speaking), reader: Some(reading) }
    }

    /// How many lines the reader has read.
    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }

    /// The witnesses talk on: at least `lines` more have arrived.
    pub(crate) fn goes_on(&self, lines: usize) {
        let before = self.seen();
        wait_until("the witness reads on", || self.seen() >= before + lines);
    }

    /// Stops; every line must have arrived. Returns what else the reader read, in order.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let (mut speaker, said) = self.speaker.take().unwrap().join().unwrap();
        speaker.send("fim");
        let others = self.reader.take().unwrap().join().unwrap();
        assert_eq!(self.seen(), said, "every line arrived");
        others
    }
}
