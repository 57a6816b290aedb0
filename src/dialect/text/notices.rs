//! The notices that people come and go.
//!
//! Most of the time an event is a line. When many people come or go in one turn, nobody wants to read a line for each of
//! them, so their notices are folded into one. (Programs read every event.)

use std::collections::HashSet;

use bytes::Bytes;

use crate::chat::event::EventKind;
use crate::chat::language::Language;
use crate::chat::name::Name;
use crate::chat::text;

/// More joins than this in one turn are folded into one line; so are more leaves.
pub const MAX_NOTICES: usize = 5;

/// How many names a folded notice tells.
const NAMES: usize = 2;

/// The lines of these events with piled-up notices folded; `None` if none pile up.
///
/// 1. What is not folded keeps its order.
/// 2. A folded line of joins stands where the first of them was, so nobody speaks before having come in.
/// 3. A folded line of leaves stands behind the last of them, so nobody speaks after having left.
/// 4. Whoever left and came back is told of in that order: nothing is folded across that, nor across a new name.
pub fn folded<'a>(events: impl Iterator<Item = &'a EventKind> + Clone, language: Language) -> Option<Bytes> {
    let joins = events.clone().filter(|event| matches!(event, EventKind::Joined { .. })).count();
    let leaves = events.clone().filter(|event| matches!(event, EventKind::Left { .. })).count();
    if joins <= MAX_NOTICES && leaves <= MAX_NOTICES {
        return None;
    }
    let mut written = Vec::new();
    let mut stretch = Vec::new();
    let mut left = HashSet::new();
    for event in events {
        let ends_stretch = match event {
            EventKind::Joined { name } => left.contains(name),
            EventKind::Left { name, .. } => {
                left.insert(name);
                false
            }
            EventKind::Renamed { .. } => true,
            EventKind::Said { .. } | EventKind::Acted { .. } => false,
        };
        if ends_stretch {
            write_stretch(&mut written, &stretch, language);
            stretch.clear();
            left.clear();
        }
        stretch.push(event);
    }
    write_stretch(&mut written, &stretch, language);
    Some(written.into())
}

/// Writes events between which nobody left and came back.
fn write_stretch(written: &mut Vec<u8>, events: &[&EventKind], language: Language) {
    let joined: Vec<&Name> = events
        .iter()
        .filter_map(|event| if let EventKind::Joined { name } = event { Some(name) } else { None })
        .collect();
    let left: Vec<&Name> = events
        .iter()
        .filter_map(|event| if let EventKind::Left { name, .. } = event { Some(name) } else { None })
        .collect();
    let mut are_joins_told = false;
    for event in events {
        match event {
            EventKind::Joined { .. } if joined.len() > MAX_NOTICES => {
                if !std::mem::replace(&mut are_joins_told, true) {
                    written.extend_from_slice(text::joined_many(language, some_of(&joined, language)).as_bytes());
                    written.push(b'\n');
                }
            }
            EventKind::Left { .. } if left.len() > MAX_NOTICES => {}
            _ => super::write_event(written, event, language),
        }
    }
    if left.len() > MAX_NOTICES {
        written.extend_from_slice(text::left_many(language, some_of(&left, language)).as_bytes());
        written.push(b'\n');
    }
}

fn some_of(names: &[&Name], language: Language) -> String {
    let shown: Vec<&str> = names[..NAMES].iter().map(|name| name.as_str()).collect();
    text::and_more(language, shown.join(", "), names.len() - NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::event::Reason;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn joined(text: &str) -> EventKind {
        EventKind::Joined { name: name(text) }
    }

    fn left(text: &str) -> EventKind {
        EventKind::Left { name: name(text), reason: Reason::Lost }
    }

    fn said(text: &str) -> EventKind {
        EventKind::Said { from: name(text), text: "oi".into() }
    }

    fn fold(events: &[EventKind]) -> Option<String> {
        folded(events.iter(), Language::Portuguese).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    fn many(notice: fn(&str) -> EventKind, count: usize) -> Vec<EventKind> {
        ["Ana".to_owned(), "Beto".to_owned()]
            .into_iter()
            .chain((2..).map(|i| format!("p{i}")))
            .take(count)
            .map(|name| notice(&name))
            .collect()
    }

    #[test]
    fn more_than_five_are_folded() {
        assert_eq!(fold(&many(joined, 5)), None);
        assert_eq!(fold(&many(joined, 6)).unwrap(), "Ana, Beto e mais 4 entraram no chat.\n");
        assert_eq!(fold(&many(joined, 39)).unwrap(), "Ana, Beto e mais 37 entraram no chat.\n");
        assert_eq!(fold(&many(left, 39)).unwrap(), "Ana, Beto e mais 37 saíram do chat.\n");
        let folded = folded(many(joined, 39).iter(), Language::English).unwrap();
        assert_eq!(folded, "Ana, Beto and 37 more joined the chat.\n");
    }

    #[test]
    fn nobody_speaks_before_coming_in_or_after_leaving() {
        let events = [many(joined, 6), vec![said("p3")], many(left, 6)].concat();
        let between: Vec<EventKind> = events.iter().flat_map(|event| [event.clone(), said("Zeca")]).collect();
        let expected = [
            "Ana, Beto e mais 4 entraram no chat.\n",
            &"Zeca: oi\n".repeat(6),
            "p3: oi\n",
            &"Zeca: oi\n".repeat(7),
            "Ana, Beto e mais 4 saíram do chat.\n",
        ];
        assert_eq!(fold(&between).unwrap(), expected.concat());
    }

    #[test]
    fn whoever_left_and_came_back_is_told_of_in_that_order() {
        let events = [many(left, 6), many(joined, 6)].concat();
        assert_eq!(
            fold(&events).unwrap(),
            "Ana, Beto e mais 4 saíram do chat.\nAna, Beto e mais 4 entraram no chat.\n"
        );
        // the few stay as they are
        let events = [many(joined, 7), vec![left("p3"), joined("p3")]].concat();
        assert_eq!(
            fold(&events).unwrap(),
            "Ana, Beto e mais 5 entraram no chat.\np3 saiu do chat (conexão perdida).\np3 entrou no chat.\n"
        );
    }

    #[test]
    fn nothing_is_folded_across_a_new_name() {
        let renamed = EventKind::Renamed { old: name("Ana"), new: name("Zoe") };
        let events = [many(joined, 3), vec![renamed], many(left, 6)].concat();
        assert_eq!(
            fold(&events).unwrap(),
            "Ana entrou no chat.\nBeto entrou no chat.\np2 entrou no chat.\nAna agora é Zoe.\nAna, Beto e mais 4 saíram do chat.\n"
        );
    }
}
