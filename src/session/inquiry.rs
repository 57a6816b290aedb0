//! What a member asks about what was: each question waits until it may be asked, then for the room, which knows what happened
//! last, and then for the archive. Nothing else is read from the member meanwhile.

use std::future::ready;
use std::pin::Pin;
use std::task::{self, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use super::Connection;
use crate::archive::{Archive, Search};
use crate::chat::answer::{Answer, ArchiveTrouble, Sighting};
use crate::chat::history::Page;
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;
use crate::room::Research;
use crate::transport::Transport;

/// What is asked.
#[derive(Debug)]
pub(super) enum Question {
    /// Who said these words.
    Search { words: CleanText, count: usize },
    /// When this person was there last.
    Seen(Name),
}

/// The questions of a session, one at a time.
#[derive(Default)]
pub(super) struct Inquiry {
    step: Step,
    /// When the next one may be asked.
    next_at: Option<Instant>,
}

#[derive(Default)]
enum Step {
    /// Nothing is asked.
    #[default]
    Idle,
    /// It is too early for the question.
    Early(Question, Pin<Box<Sleep>>),
    /// The room was asked.
    Asked(Question),
    /// The archive was asked.
    Reading(Pin<Box<dyn Future<Output = Answer>>>),
}

impl Inquiry {
    /// Whether an answer is owed.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.step, Step::Idle)
    }
}

impl<S: Transport> Connection<S> {
    /// A member asks something: it is asked now, or as soon as it may be.
    pub(super) fn inquire(&mut self, question: Question) {
        self.pay_for_mistake();
        if self.archive.is_none() && matches!(question, Question::Search { .. }) {
            return self.answer(Answer::NoArchive(ArchiveTrouble::NothingKept));
        }
        let inquiry = self.inquiry.get_or_insert_default();
        match inquiry.next_at.filter(|at| *at > Instant::now()) {
            None => self.ask_room(question),
            Some(at) => {
                inquiry.step = Step::Early(question, Box::pin(sleep_until(at)));
                self.answer_later();
            }
        }
    }

    fn ask_room(&mut self, question: Question) {
        let about = match &question {
            Question::Search { .. } => None,
            Question::Seen(name) => Some(name.clone()),
        };
        let inquiry = self.inquiry.get_or_insert_default();
        inquiry.next_at = Some(Instant::now() + self.config.question_interval);
        inquiry.step = Step::Asked(question);
        self.ask(Research { session: self.id, about });
    }

    /// The room has answered what it was asked.
    pub(super) fn end_inquiry(&mut self) {
        if let Some(inquiry) = &mut self.inquiry {
            inquiry.step = Step::Idle;
        }
    }

    /// The room has no answer, but knows what happened last.
    pub(super) fn ask_archive(&mut self, unwritten: &Page) {
        let Some(inquiry) = &mut self.inquiry else { return };
        let Step::Asked(question) = std::mem::take(&mut inquiry.step) else { return };
        inquiry.step = Step::Reading(match (self.archive.clone(), question) {
            (Some(archive), Question::Search { words, count }) => {
                let without = self.ignored.iter().flat_map(|ignored| [&ignored.asked, &ignored.now]).cloned().collect();
                let search = Search { words: words.as_str().to_owned(), count, without };
                Box::pin(found(archive, search, unwritten.clone()))
            }
            (Some(archive), Question::Seen(name)) => Box::pin(seen(archive, name, unwritten.clone())),
            (None, Question::Search { .. }) => Box::pin(ready(Answer::NoArchive(ArchiveTrouble::NothingKept))),
            (None, Question::Seen(name)) => Box::pin(ready(Answer::Seen(name, Sighting::NotKept))),
        });
        // to poll it
        self.waker.wake_by_ref();
    }

    pub(super) fn poll_inquiry(&mut self, cx: &mut task::Context<'_>) {
        let Some(inquiry) = &mut self.inquiry else { return };
        match &mut inquiry.step {
            Step::Idle | Step::Asked(_) => {}
            Step::Early(_, sleep) => {
                if sleep.as_mut().poll(cx).is_ready()
                    && let Step::Early(question, _) = std::mem::take(&mut inquiry.step)
                    // it may have been closed meanwhile
                    && self.is_open()
                {
                    self.asks_again();
                    self.ask_room(question);
                }
            }
            Step::Reading(answer) => {
                let Poll::Ready(answer) = answer.as_mut().poll(cx) else { return };
                inquiry.step = Step::Idle;
                if self.is_open() {
                    let answer = match answer {
                        Answer::Found(page) => Answer::Found(self.shown_of(&page)),
                        answer => answer,
                    };
                    self.answering_what_was_asked(true, |session| session.answer(answer));
                }
            }
        }
    }
}

async fn found(archive: Archive, search: Search, unwritten: Page) -> Answer {
    match archive.search(search, unwritten).await {
        Ok(page) => Answer::Found(page),
        Err(trouble) => Answer::NoArchive(trouble),
    }
}

async fn seen(archive: Archive, name: Name, unwritten: Page) -> Answer {
    match archive.last_seen(name, unwritten).await {
        Ok((name, sighting)) => Answer::Seen(name, sighting),
        Err(trouble) => Answer::NoArchive(trouble),
    }
}
