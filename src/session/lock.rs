//! The password of the room, which comes before the name. Until it is right, nobody learns anything of the room.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use super::{Connection, Stage, goodbye};
use crate::chat::answer::{Answer, ObjectError};
use crate::chat::event::Reason;
use crate::dialect::text::codec::TextCodec;
use crate::dialect::text::telnet::{WILL_ECHO, WONT_ECHO};
use crate::metrics::Limit;
use crate::password::{Gate, Verdict};
use crate::room::Join;
use crate::transport::Transport;

/// What stands between a session and the room.
pub(super) struct Lock {
    gate: Arc<Gate>,
    /// The passwords that were not right.
    tries: u32,
    /// The one that is being looked at.
    attempt: Option<Attempt>,
    /// Whether a telnet program was told not to show what is typed.
    hides_typing: bool,
}

struct Attempt {
    verdict: Pin<Box<dyn Future<Output = Verdict>>>,
    /// How to come in if it is right, if that is known already.
    entry: Option<Join>,
}

impl Lock {
    pub(super) fn new(gate: Arc<Gate>) -> Lock {
        Lock { gate, tries: 0, attempt: None, hides_typing: false }
    }

    /// Whether a password is being looked at.
    pub(super) fn is_busy(&self) -> bool {
        self.attempt.is_some()
    }
}

impl<S: Transport> Connection<S> {
    pub(super) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Asks for what comes next: the password, or the name.
    pub(super) fn prompt(&mut self) {
        let is_telnet = self.stream.decoder().lines().is_some_and(TextCodec::is_telnet);
        let Some(lock) = &mut self.lock else { return self.answer(Answer::Prompt) };
        if is_telnet && !std::mem::replace(&mut lock.hides_typing, true) {
            self.owe(WILL_ECHO.to_vec().into());
        }
        self.answer(Answer::PasswordPrompt);
    }

    /// Somebody gave a password, and perhaps said how to come in.
    pub(super) fn try_password(&mut self, password: Option<String>, entry: Option<Join>) {
        let Some(lock) = &mut self.lock else { return };
        let Some(password) = password else {
            return self.answer(Answer::BadObject(ObjectError::Field("password")));
        };
        let (gate, ip) = (Arc::clone(&lock.gate), self.peer.ip());
        let verdict = Box::pin(async move { gate.check(ip, password).await });
        lock.attempt = Some(Attempt { verdict, entry });
        self.answer_later();
    }

    pub(super) fn poll_lock(&mut self, cx: &mut task::Context<'_>) {
        let Some(lock) = &mut self.lock else { return };
        let Some(attempt) = &mut lock.attempt else { return };
        let Poll::Ready(verdict) = attempt.verdict.as_mut().poll(cx) else { return };
        let entry = lock.attempt.take().and_then(|attempt| attempt.entry);
        // it may have been closed meanwhile
        if self.stage == Stage::Naming {
            self.take_verdict(verdict, entry);
        }
    }

    fn take_verdict(&mut self, verdict: Verdict, entry: Option<Join>) {
        let answer = match verdict {
            Verdict::Right => return self.unlock(entry),
            Verdict::Wrong => Answer::PasswordWrong,
            // rounded up, so that it is over by then
            Verdict::TooManyTries { wait } => Answer::TooManyPasswordTries { seconds: wait.as_secs() + 1 },
        };
        self.answering_what_was_asked(true, |session| session.answer(answer));
        let Some(lock) = &mut self.lock else { return };
        lock.tries += 1;
        let max = self.config.max_password_tries;
        if max > 0 && lock.tries >= max {
            self.metrics.limits.count(Limit::MaxPasswordTries);
            return self.close(Reason::BadPasswords, goodbye(Reason::BadPasswords));
        }
        self.restart_silence();
    }

    fn unlock(&mut self, entry: Option<Join>) {
        if self.lock.take().is_some_and(|lock| lock.hides_typing) {
            // the line end that was not shown, too
            self.owe([&WONT_ECHO[..], b"\r\n"].concat().into());
        }
        match entry {
            Some(join) => {
                self.asks_again();
                self.ask(join);
            }
            None => self.restart_silence(),
        }
    }
}
