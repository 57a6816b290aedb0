//! Who is in the room, as whoever reads along believes: who was told to have come, and not to have left.
//!
//! When a server is restarted, all are gone at once and come back one by one. Nobody wants to read that: for a while, who was
//! there before may come in without a word.

use std::time::{Duration, Instant};

use papo::chat::name::Name;

use crate::protocol::Text;

/// How long somebody may take to come back without a word.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct People {
    here: Vec<Name>,
    /// Who was here before and may come back until then.
    missing: Vec<Name>,
    until: Option<Instant>,
}

/// A name as the server says it; `None` for what can be none.
pub(crate) fn name(text: &Text) -> Option<Name> {
    Name::parse_addressed(text.as_str()).ok()
}

fn names(texts: &[Text]) -> Vec<Name> {
    texts.iter().filter_map(name).collect()
}

impl People {
    /// These are all, and nobody was missed.
    pub(crate) fn are(&mut self, all: &[Text]) {
        self.here = names(all);
    }

    /// These are all, after a time without a connection. Who is gone without a word may come back without one.
    pub(crate) fn are_again(&mut self, all: &[Text], now: Instant) {
        let before = std::mem::replace(&mut self.here, names(all));
        self.forget(now);
        self.missing.extend(before);
        self.missing.retain(|name| !self.here.contains(name));
        self.until = Some(now + PATIENCE);
    }

    /// Somebody came in. Whether that is news.
    pub(crate) fn join(&mut self, text: &Text, now: Instant) -> bool {
        let Some(name) = name(text) else { return true };
        self.forget(now);
        let is_back = remove(&mut self.missing, &name);
        let was_here = remove(&mut self.here, &name);
        self.here.push(name);
        !is_back && !was_here
    }

    pub(crate) fn leave(&mut self, text: &Text) {
        if let Some(name) = name(text) {
            remove(&mut self.here, &name);
            remove(&mut self.missing, &name);
        }
    }

    pub(crate) fn rename(&mut self, old: &Text, new: &Text) {
        if let (Some(old), Some(new)) = (name(old), name(new)) {
            let all = self.here.iter_mut().chain(&mut self.missing);
            all.filter(|name| **name == old).for_each(|name| *name = new.clone());
        }
    }

    pub(crate) fn is_here(&self, name: &Name) -> bool {
        self.find(name).is_some()
    }

    /// The name of somebody who is there, as they write it.
    pub(crate) fn find(&self, name: &Name) -> Option<&Name> {
        self.here.iter().find(|here| *here == name)
    }

    pub(crate) fn names(&self) -> &[Name] {
        &self.here
    }

    fn forget(&mut self, now: Instant) {
        if self.until.is_some_and(|until| now > until) {
            self.missing.clear();
        }
    }
}

fn remove(names: &mut Vec<Name>, name: &Name) -> bool {
    let before = names.len();
    names.retain(|other| other != name);
    names.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[&str]) -> Vec<Text> {
        names.iter().copied().map(Text::from).collect()
    }

    #[test]
    fn coming_and_going_is_news() {
        let (mut people, now) = (People::default(), Instant::now());
        people.are(&texts(&["Ana", "Beto"]));
        assert!(people.join(&"Caio".into(), now));
        assert!(!people.join(&"beto".into(), now), "he was not told to have left");
        people.leave(&"Beto".into());
        assert!(people.join(&"Beto".into(), now));
        people.rename(&"Caio".into(), &"Davi".into());
        assert!(people.is_here(&Name::parse("davi").unwrap()) && !people.is_here(&Name::parse("Caio").unwrap()));
    }

    #[test]
    fn who_was_there_before_a_restart_comes_back_without_a_word_for_a_while() {
        let (mut people, start) = (People::default(), Instant::now());
        people.are(&texts(&["Ana", "Beto", "Caio", "Davi"]));
        people.are_again(&texts(&["Ana", "Beto"]), start);
        assert!(!people.is_here(&Name::parse("Caio").unwrap()));
        assert!(!people.join(&"Caio".into(), start + PATIENCE));
        assert!(people.join(&"Eva".into(), start + PATIENCE));
        assert!(people.join(&"Davi".into(), start + PATIENCE + Duration::from_secs(1)));
        // and again, before all were back
        people.are_again(&texts(&["Ana"]), start + PATIENCE);
        people.are_again(&texts(&["Ana"]), start + PATIENCE + Duration::from_secs(9));
        assert!(!people.join(&"Beto".into(), start + PATIENCE + Duration::from_secs(10)));
        assert!(people.join(&"Zeca".into(), start));
    }
}
