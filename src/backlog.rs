//! The turns of the room that not everybody on a thread has taken yet.
//!
//! Whoever takes several of them takes their bytes in one piece, and whoever takes the same ones shares it. The piece is a copy
//! that belongs to the thread: if all threads counted together who still holds it, they would be in each other's way.
//! Knows nothing of who is there and how bytes travel.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::chat::language::Language;
use crate::chat::registry::SessionId;
use crate::dialect::Format;
use crate::turn::Turn;

/// The most bytes that are joined. Who has not read the last one of a piece yet keeps all of it; and long pieces are written in
/// one call as well.
const MAX_JOINED: usize = 128 * 1024; // 128 KiB

/// The turns that are being handed out, the oldest first. They are numbered as they come.
#[derive(Debug, Default)]
pub struct Backlog {
    turns: VecDeque<Pending>,
    /// The number of the first of them.
    first: u64,
    joined: [[Joined; Language::ALL.len()]; Format::ALL.len()],
}

#[derive(Debug)]
struct Pending {
    turn: Arc<Turn>,
    /// The items that are about one session each, sorted by session, those of each in order.
    own: Vec<(SessionId, usize)>,
}

/// What was joined last in some format and language, to be shared by whoever takes the same turns next.
#[derive(Debug, Default)]
struct Joined {
    /// The numbers of the turns.
    turns: Range<u64>,
    /// `None` if they are too long.
    bytes: Option<Bytes>,
}

/// A turn of the room, as one session is handed it.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// What happened.
    pub turn: &'a Turn,
    /// The items that are about this session ([`Item::session`](crate::turn::Item::session)), by their places in the turn, in
    /// order.
    pub own: &'a [(SessionId, usize)],
}

/// What is new to one session: one turn or more.
#[derive(Debug)]
pub struct News<'a> {
    backlog: &'a mut Backlog,
    session: SessionId,
    /// The place of the first turn that is new to it.
    from: usize,
}

impl Backlog {
    /// Adds a turn, and which of its items are about which session: those that are about nobody on this thread may be left out.
    pub fn push(&mut self, turn: Arc<Turn>, mut own: Vec<(SessionId, usize)>) {
        own.sort_unstable();
        self.turns.push_back(Pending { turn, own });
    }

    /// Takes out the oldest turn, because everybody has it.
    pub fn pop(&mut self) -> Option<Arc<Turn>> {
        let Pending { turn, .. } = self.turns.pop_front()?;
        self.first += 1;
        if self.turns.is_empty() {
            // nothing is held while nothing happens
            self.joined = Default::default();
        }
        Some(turn)
    }

    /// The number of the turn that is added next.
    pub fn end(&self) -> u64 {
        self.first + self.turns.len() as u64
    }

    /// What is new to a session that has taken all turns below this number, if anything is.
    pub fn news(&mut self, session: SessionId, untaken: u64) -> Option<News<'_>> {
        let from = usize::try_from(untaken.saturating_sub(self.first)).unwrap_or(usize::MAX);
        (from < self.turns.len()).then_some(News { backlog: self, session, from })
    }
}

impl News<'_> {
    /// Turn by turn.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.pending().map(|Pending { turn, own }| Part { turn, own: own_of(self.session, own) })
    }

    /// All of it that everybody learns, in one piece; `None` if that is too long for one.
    pub fn joined(&mut self, format: Format, language: Language) -> Option<Bytes> {
        let turns = self.backlog.first + self.from as u64..self.backlog.end();
        let joined = &self.backlog.joined[format.index()][language.index()];
        if joined.turns == turns {
            return joined.bytes.clone();
        }
        let written = |Pending { turn, .. }: &Pending| turn.written(0..turn.items().len(), format, language);
        let pieces: Vec<Bytes> = self.pending().map(written).collect();
        let is_short = pieces.iter().map(Bytes::len).sum::<usize>() <= MAX_JOINED;
        let bytes = is_short.then(|| Bytes::from(pieces.concat()));
        self.backlog.joined[format.index()][language.index()] = Joined { turns, bytes: bytes.clone() };
        bytes
    }

    fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.backlog.turns.range(self.from..)
    }
}

fn own_of(session: SessionId, own: &[(SessionId, usize)]) -> &[(SessionId, usize)] {
    let from = own.partition_point(|(of, _)| *of < session);
    let until = from + own[from..].iter().take_while(|(of, _)| *of == session).count();
    &own[from..until]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::event::{Event, EventKind};
    use crate::chat::name::Name;
    use crate::turn::{Item, Private};
    use std::time::SystemTime;

    fn said(seq: u64, text: &str) -> Arc<Turn> {
        let kind = EventKind::Said { from: Name::parse("Ana").unwrap(), text: text.into() };
        let event = Arc::new(Event { seq, at: SystemTime::UNIX_EPOCH, kind });
        Arc::new(Turn::new(vec![Item::Event { event, author: Some(SessionId(1)) }], u64::MAX))
    }

    fn joined(backlog: &mut Backlog, untaken: u64) -> Option<Bytes> {
        backlog.news(SessionId(9), untaken).unwrap().joined(Format::Text, Language::English)
    }

    #[test]
    fn whoever_takes_the_same_turns_shares_one_piece() {
        let mut backlog = Backlog::default();
        backlog.push(said(1, "um"), vec![]);
        backlog.push(said(2, "dois"), vec![]);
        let both = joined(&mut backlog, 0).unwrap();
        assert_eq!(both, "Ana: um\nAna: dois\n");
        assert_eq!(both.as_ptr(), joined(&mut backlog, 0).unwrap().as_ptr());
        assert_eq!(joined(&mut backlog, 1).unwrap(), "Ana: dois\n");
        let json = backlog.news(SessionId(9), 1).unwrap().joined(Format::Json, Language::English).unwrap();
        assert!(json.starts_with(b"{") && json.ends_with(b"}\n"), "{json:?}");
        // what comes behind them belongs to no piece that was made before
        assert!(backlog.pop().is_some());
        backlog.push(said(3, "quatro"), vec![]);
        for untaken in [0, 1] {
            assert_eq!(joined(&mut backlog, untaken).unwrap(), "Ana: dois\nAna: quatro\n");
        }
        assert!(backlog.news(SessionId(9), 3).is_none());
        assert_eq!(backlog.end(), 3);
    }

    #[test]
    fn what_is_too_long_is_not_joined() {
        let mut backlog = Backlog::default();
        let half = "x".repeat(MAX_JOINED / 2);
        backlog.push(said(1, &half), vec![]);
        assert_eq!(joined(&mut backlog, 0).unwrap().len(), MAX_JOINED / 2 + "Ana: \n".len());
        backlog.push(said(2, &half), vec![]);
        for _ in 0..2 {
            assert_eq!(joined(&mut backlog, 0), None);
        }
        assert!(joined(&mut backlog, 1).is_some());
    }

    #[test]
    fn nothing_is_held_when_everybody_has_everything() {
        let mut backlog = Backlog::default();
        let turn = said(1, "um");
        backlog.push(Arc::clone(&turn), vec![]);
        let piece = joined(&mut backlog, 0).unwrap();
        assert!(!piece.is_unique());
        assert!(backlog.pop().is_some() && backlog.pop().is_none());
        assert!(piece.is_unique());
        assert_eq!(Arc::strong_count(&turn), 1);
    }

    #[test]
    fn each_session_is_handed_what_is_about_it() {
        let about = |session: u64| Item::To(SessionId(session), Private::Farewell);
        let turn = Turn::new(vec![about(2), about(1), about(2)], u64::MAX);
        let mut backlog = Backlog::default();
        backlog.push(Arc::new(turn), vec![(SessionId(2), 0), (SessionId(1), 1), (SessionId(2), 2)]);
        for (session, places) in [(1, vec![1]), (2, vec![0, 2]), (3, vec![])] {
            let news = backlog.news(SessionId(session), 0).unwrap();
            let own: Vec<usize> = news.parts().flat_map(|part| part.own).map(|(_, at)| *at).collect();
            assert_eq!(own, places, "{session}");
        }
    }
}
