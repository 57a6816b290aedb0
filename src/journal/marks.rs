//! By what words and names are found without reading what was said: a signature file (Faloutsos and Christodoulakis, 1984).
//!
//! Each word of each event leaves a mark of 16 bits, a hash. To search is to look through the marks, which are a fifth of the
//! texts and need no folding, and to read only the few events that have them all: of a million about two hundred are read in
//! vain. An inverted index finds faster, and costs ten times as much with each line that is said.
//!
//! ```text
//! names    u16 count, u32 each       of all who take part in the block
//! events   u16 count, u16 each word  one behind the other, in the order of the block
//! ```
//!
//! Numbers are little-endian. An event with too many words for the count may have any.

use xxhash_rust::xxh3::xxh3_64;

use super::words::{self, Query};
use crate::chat::name::Name;

/// The count of an event with more words than can be counted.
const ANY: u16 = u16::MAX;

/// The marks of a block that grows.
#[derive(Debug, Default)]
pub(super) struct Marks {
    names: Vec<u32>,
    events: Vec<u8>,
}

impl Marks {
    /// Adds somebody who takes part.
    pub(super) fn add_name(&mut self, name: &Name) {
        let mark = of_name(name);
        if !self.names.contains(&mark) && self.names.len() < usize::from(u16::MAX) {
            self.names.push(mark);
        }
    }

    /// Adds the next event, which has this text or none.
    pub(super) fn add_text(&mut self, text: Option<&str>) {
        let begin = self.events.len();
        self.events.extend([0; 2]);
        let folded = text.map(words::folded).unwrap_or_default();
        for word in words::split(&folded) {
            self.events.extend(of_word(word).to_le_bytes());
        }
        let words = (self.events.len() - begin) / 2 - 1;
        let count = u16::try_from(words).unwrap_or(ANY);
        if count == ANY {
            self.events.truncate(begin + 2);
        }
        self.events[begin..begin + 2].copy_from_slice(&count.to_le_bytes());
    }

    /// All of them, as they are kept.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 + self.names.len() * 4 + self.events.len());
        // no more than can be counted were added
        bytes.extend((self.names.len() as u16).to_le_bytes());
        self.names.iter().for_each(|mark| bytes.extend(mark.to_le_bytes()));
        bytes.extend(&self.events);
        bytes
    }
}

fn of_word(word: &str) -> u16 {
    xxh3_64(word.as_bytes()) as u16
}

fn of_name(name: &Name) -> u32 {
    xxh3_64(name.fold().as_bytes()) as u32
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u16::from_le_bytes(*number), rest))
}

/// The marks of the names and those of the events. `None` if they are damaged.
fn parts(marks: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = number(marks)?;
    rest.split_at_checked(usize::from(count) * 4)
}

/// A name to be found.
#[derive(Debug, Clone, Copy)]
pub(super) struct SoughtName([u8; 4]);

impl SoughtName {
    pub(super) fn new(name: &Name) -> SoughtName {
        SoughtName(of_name(name).to_le_bytes())
    }

    /// Whether this person may take part in the block with these marks.
    pub(super) fn may_be_in(self, marks: &[u8]) -> bool {
        parts(marks).is_none_or(|(names, _)| names.chunks_exact(4).any(|mark| mark == self.0))
    }
}

/// Words to be found.
#[derive(Debug)]
pub(super) struct SoughtWords(Vec<[u8; 2]>);

impl SoughtWords {
    pub(super) fn new(query: &Query) -> SoughtWords {
        SoughtWords(query.words().map(|word| of_word(word).to_le_bytes()).collect())
    }

    /// Notes the places of all events that may have all the words, in the block with these marks. Whether the marks are in order.
    pub(super) fn find(&self, marks: &[u8], places: &mut Vec<usize>) -> bool {
        places.clear();
        let Some((_, mut rest)) = parts(marks) else { return false };
        let mut place = 0;
        while let Some((count, behind)) = number(rest) {
            let length = if count == ANY { 0 } else { usize::from(count) * 2 };
            let Some((words, next)) = behind.split_at_checked(length) else { return false };
            let has = |word: &[u8; 2]| words.chunks_exact(2).any(|mark| mark == word);
            if count == ANY || self.0.iter().all(has) {
                places.push(place);
            }
            (rest, place) = (next, place + 1);
        }
        rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(marks: &Marks, typed: &str) -> Vec<usize> {
        let mut places = Vec::new();
        assert!(SoughtWords::new(&Query::new(typed).unwrap()).find(&marks.bytes(), &mut places));
        places
    }

    #[test]
    fn an_event_is_found_by_any_of_its_words_and_all_of_them() {
        let mut marks = Marks::default();
        for text in [Some("Olá, mundo"), None, Some(""), Some("o MUNDO é grande")] {
            marks.add_text(text);
        }
        assert_eq!(places(&marks, "mundo"), [0, 3]);
        assert_eq!(places(&marks, "ola"), [0]);
        assert_eq!(places(&marks, "grande Mundo"), [3]);
        assert_eq!(places(&marks, "ola grande"), [0; 0]);
    }

    #[test]
    fn whoever_takes_part_is_found_by_any_spelling() {
        let mut marks = Marks::default();
        for name in ["Ana", "João"] {
            marks.add_name(&Name::parse(name).unwrap());
        }
        let is_in = |name: &str| SoughtName::new(&Name::parse(name).unwrap()).may_be_in(&marks.bytes());
        assert!(is_in("ANA") && is_in("joão") && !is_in("Beto"));
    }

    #[test]
    fn a_text_with_more_words_than_can_be_counted_may_have_any() {
        let mut marks = Marks::default();
        marks.add_text(Some(&"a ".repeat(65_534)));
        marks.add_text(Some(&"a ".repeat(65_535)));
        assert_eq!(places(&marks, "a"), [0, 1]);
        assert_eq!(places(&marks, "b"), [1]);
    }

    proptest! {
        #[test]
        fn marks_that_are_damaged_harm_nobody(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut places = Vec::new();
            SoughtWords::new(&Query::new("a b").unwrap()).find(&bytes, &mut places);
            SoughtName::new(&Name::parse("Ana").unwrap()).may_be_in(&bytes);
        }

        #[test]
        fn a_text_is_found_by_each_of_its_words(texts in prop::collection::vec("[a-dç ,]{0,12}", 1..20)) {
            let mut marks = Marks::default();
            texts.iter().for_each(|text| marks.add_text(Some(text)));
            for (place, text) in texts.iter().enumerate() {
                if let Some(query) = Query::new(text) {
                    let mut found = Vec::new();
                    SoughtWords::new(&query).find(&marks.bytes(), &mut found);
                    prop_assert!(found.contains(&place));
                }
            }
        }
    }
}
