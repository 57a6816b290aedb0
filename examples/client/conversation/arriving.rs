//! What arrives, and where that leads.

use std::time::Instant;

use papo::chat::text;

use super::{Conversation, End, Phase};
use crate::protocol::{Object, Received};
use crate::session::Shown;

impl Conversation {
    pub(super) fn received(&mut self, received: Received) -> Result<(), End> {
        match (self.phase, received) {
            (_, Received::Object(Object::Bye { reason, message })) => self.dismissed(&reason, message),
            (Phase::In { .. }, received) => {
                let waiting = self.session.outgoing.len();
                let mut shown = Vec::new();
                self.session.take(received, Instant::now(), &mut shown);
                self.show_all(&shown)?;
                self.send_what_waits();
                if self.session.outgoing.len() < waiting {
                    self.progress();
                }
                self.ask_for_line(String::new());
                Ok(())
            }
            (Phase::Greeting { .. }, Received::Object(Object::Hello { password, max_line })) => {
                self.needs_password = password;
                self.session.max_line = max_line;
                self.enter()
            }
            (Phase::Greeting { .. }, Received::Line(line)) => {
                let says = text::client_answered(self.language(), self.args.address.clone(), line.to_string());
                if self.session.has_been_in() { self.lose(Some(line.to_string())) } else { Err(End::Failed(says)) }
            }
            (Phase::Greeting { .. }, Received::Object(Object::Error(answer))) => {
                let why = answer.message.to_string();
                if self.session.has_been_in() { self.lose(Some(why)) } else { Err(End::Failed(why)) }
            }
            (Phase::Joining { .. }, Received::Object(Object::Welcome(welcome))) => {
                let mut shown = Vec::new();
                let first = self.session.welcome(welcome, &mut shown);
                first.into_iter().for_each(|line| self.send(line));
                self.phase = Phase::In { since: Instant::now() };
                self.refusals = 0;
                self.is_waiting_told = false;
                self.show_all(&shown)?;
                self.ask_for_line(String::new());
                Ok(())
            }
            (Phase::Joining { .. }, Received::Object(Object::Error(answer))) => self.turn_away(answer),
            // the language was told to the server, and not asked for
            (_, Received::Object(Object::Info(answer))) if answer.code == "lang" => Ok(()),
            (_, Received::Object(Object::Info(answer) | Object::Error(answer) | Object::Pong(answer))) => {
                self.show(&Shown::Answer(answer.message))
            }
            _ => Ok(()),
        }
    }
}
