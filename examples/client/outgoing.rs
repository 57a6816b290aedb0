//! What was asked and is not answered yet, in order. It outlives connections: what the last one may have taken with it goes out
//! again over the next one, under the same ids, so that the server knows what it has had. What has come back as an event
//! meanwhile was said, and does not.

use std::collections::VecDeque;

use crate::protocol::Request;

/// The most that waits.
pub(crate) const MAX_WAITING: usize = 1000;

#[derive(Debug)]
pub(crate) struct Outgoing {
    /// No other run of this program begins its ids like that.
    prefix: String,
    count: u64,
    waiting: VecDeque<Asked>,
}

#[derive(Debug)]
pub(crate) struct Asked {
    id: String,
    pub(crate) request: Request,
    line: String,
    /// This connection has taken it.
    is_sent: bool,
    /// Some connection has.
    was_sent: bool,
    /// It has come back as an event before it was acknowledged.
    is_seen: bool,
}

/// Why something was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// [`MAX_WAITING`] are waiting already.
    Full,
    /// It is more than the server takes in a line.
    TooLong,
}

impl Outgoing {
    pub(crate) fn new(prefix: String) -> Outgoing {
        Outgoing { prefix, count: 0, waiting: VecDeque::new() }
    }

    /// An id for something that need not be asked again.
    pub(crate) fn new_id(&mut self) -> String {
        self.count += 1;
        format!("{}-{}", self.prefix, self.count)
    }

    /// Keeps what is asked until it is answered. A line has at most `max_line` bytes.
    ///
    /// # Errors
    /// [`NotTaken`], and nothing has changed.
    pub(crate) fn ask(&mut self, request: Request, max_line: usize) -> Result<(), NotTaken> {
        if self.is_full() {
            return Err(NotTaken::Full);
        }
        let id = self.new_id();
        let line = request.line(&id);
        if line.len() > max_line {
            return Err(NotTaken::TooLong);
        }
        self.waiting.push_back(Asked { id, request, line, is_sent: false, was_sent: false, is_seen: false });
        Ok(())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    /// How many are not answered.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The lines that this connection has not taken, in order; now it takes them.
    pub(crate) fn send(&mut self) -> impl Iterator<Item = String> {
        // all behind one that was not sent were not sent
        let first = self.waiting.partition_point(|asked| asked.is_sent);
        self.waiting.range_mut(first..).map(|asked| {
            (asked.is_sent, asked.was_sent) = (true, true);
            asked.line.clone()
        })
    }

    /// The connection is gone: all must be sent again.
    pub(crate) fn lose(&mut self) {
        self.waiting.iter_mut().for_each(|asked| asked.is_sent = false);
    }

    /// All that was said before this connection is known: what has been seen of it need not be said again.
    pub(crate) fn forget_seen(&mut self) {
        self.waiting.retain(|asked| !asked.is_seen);
    }

    /// The answer to this id has come.
    pub(crate) fn answered(&mut self, id: &str) -> Option<Asked> {
        let place = self.waiting.iter().position(|asked| asked.id == id)?;
        self.waiting.remove(place)
    }

    /// An event is one's own. Whether it is the first one of this kind that was sent and not answered, and so has been seen by
    /// whoever typed it.
    pub(crate) fn comes_back(&mut self, event: &Request) -> bool {
        let own = self.waiting.iter_mut().find(|asked| asked.was_sent && !asked.is_seen && asked.request == *event);
        own.is_some_and(|asked| {
            asked.is_seen = true;
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn say(text: &str) -> Request {
        Request::Say { text: text.to_owned() }
    }

    fn outgoing() -> Outgoing {
        Outgoing::new("p".into())
    }

    #[test]
    fn what_is_not_answered_goes_out_again_in_order_and_with_the_same_id() {
        let mut outgoing = outgoing();
        for text in ["a", "b", "c"] {
            outgoing.ask(say(text), 4096).unwrap();
        }
        let first: Vec<String> = outgoing.send().collect();
        assert_eq!(first.len(), 3);
        assert_eq!(outgoing.send().count(), 0);
        assert_eq!(outgoing.answered("p-2").map(|asked| asked.request), Some(say("b")));
        assert!(outgoing.answered("p-2").is_none());
        outgoing.ask(say("d"), 4096).unwrap();
        outgoing.lose();
        let again: Vec<String> = outgoing.send().collect();
        assert_eq!(again[..2], [first[0].clone(), first[2].clone()]);
        assert_eq!(again[2], say("d").line("p-4"));
        assert_eq!(outgoing.send().count(), 0);
    }

    #[test]
    fn too_much_is_not_taken() {
        let mut outgoing = outgoing();
        assert_eq!(outgoing.ask(say(&"é".repeat(50)), 100), Err(NotTaken::TooLong));
        assert_eq!(outgoing.len(), 0);
        for _ in 0..MAX_WAITING {
            outgoing.ask(say("x"), 100).unwrap();
        }
        assert_eq!(outgoing.ask(say("x"), 100), Err(NotTaken::Full));
    }

    #[test]
    fn each_own_event_is_one_line_that_was_sent() {
        let mut outgoing = outgoing();
        outgoing.ask(say("x"), 100).unwrap();
        assert!(!outgoing.comes_back(&say("x")), "it was not sent");
        outgoing.send().for_each(drop);
        outgoing.ask(say("x"), 100).unwrap();
        outgoing.lose();
        assert!(outgoing.comes_back(&say("x")));
        assert!(!outgoing.comes_back(&say("x")));
        assert!(!outgoing.comes_back(&say("y")));
        outgoing.forget_seen();
        assert_eq!(outgoing.send().collect::<Vec<_>>(), [say("x").line("p-2")]);
    }

    proptest! {
        /// Whatever is lost and answered in between: each answer is for one line, and all lines go out in their order.
        #[test]
        fn nothing_is_lost_and_nothing_overtakes(steps in prop::collection::vec((0..4_u8, 0..50_usize), 1..200)) {
            let (mut outgoing, mut expected, mut count) = (outgoing(), Vec::new(), 0);
            for (step, which) in steps {
                match step {
                    0 => {
                        count += 1;
                        outgoing.ask(say(&count.to_string()), 4096).unwrap();
                        expected.push(count);
                    }
                    1 => outgoing.send().for_each(drop),
                    2 => {
                        outgoing.lose();
                        let lines: Vec<String> = outgoing.send().collect();
                        let all: Vec<String> =
                            expected.iter().map(|n| say(&n.to_string()).line(&format!("p-{n}"))).collect();
                        prop_assert_eq!(lines, all);
                    }
                    _ if which < expected.len() => {
                        let n = expected.remove(which);
                        let is_known = outgoing.answered(&format!("p-{n}")).is_some();
                        prop_assert!(is_known);
                    }
                    _ => {}
                }
                prop_assert_eq!(outgoing.len(), expected.len());
            }
        }
    }
}
