//! The newest whispers to members who may come back, in memory, for whoever comes back and has missed some.

use std::collections::VecDeque;

use super::event::Whispered;
use super::token::Proof;

/// The most whispers that are kept, of all members together.
pub const MAX_WHISPERS: usize = 2048;

/// The most bytes of their texts.
pub const MAX_BYTES: usize = 1024 * 1024; // 1 MiB

/// The newest whispers, oldest first. Each comes out for the member that it is for, and for nobody else.
#[derive(Debug, Default)]
pub struct Whispers {
    list: VecDeque<(Proof, Whispered)>,
    /// The bytes of their texts.
    bytes: usize,
    /// Whether there were too many at some time.
    has_forgotten: bool,
}

impl Whispers {
    /// Keeps a whisper, and forgets the oldest ones if there are too many.
    pub fn add(&mut self, to: Proof, whispered: Whispered) {
        self.bytes += whispered.text.as_str().len();
        self.list.push_back((to, whispered));
        while self.list.len() > MAX_WHISPERS || self.bytes > MAX_BYTES {
            let Some((_, oldest)) = self.list.pop_front() else { return };
            self.has_forgotten = true;
            self.bytes -= oldest.text.as_str().len();
        }
    }

    /// The whispers with a higher number than this, to the member with this proof.
    pub fn after(&self, member: Proof, number: u64) -> impl Iterator<Item = &Whispered> {
        let is_missed = move |(to, whispered): &&(Proof, Whispered)| *to == member && whispered.number > number;
        self.list.iter().filter(is_missed).map(|(_, whispered)| whispered)
    }

    /// The last whisper up to this number to the member with this proof, if it is known.
    pub fn newest_up_to(&self, member: Proof, number: u64) -> Option<&Whispered> {
        self.after(member, 0).filter(|whispered| whispered.number <= number).max_by_key(|whispered| whispered.number)
    }

    /// The number of the last whisper to the member with this proof; 0 if none is known.
    pub fn last(&self, member: Proof) -> u64 {
        self.after(member, 0).map(|whispered| whispered.number).max().unwrap_or(0)
    }

    /// The highest number up to this one that is known to be kept, for the member with this proof: what it has read beyond that
    /// was not in the journal when the server was killed, and may come again.
    pub fn kept_up_to(&self, member: Proof, number: u64) -> u64 {
        let kept = self.newest_up_to(member, number).map(|whispered| whispered.number);
        kept.unwrap_or(if self.has_forgotten { number } else { 0 })
    }

    /// Forgets those to a member who will not come back.
    pub fn forget(&mut self, member: Proof) {
        self.list.retain(|(to, _)| *to != member);
        self.bytes = self.list.iter().map(|(_, whispered)| whispered.text.as_str().len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::Name;
    use super::super::registry::MemberId;
    use super::super::token::{TOKEN_BYTES, Token};
    use super::*;
    use std::time::SystemTime;

    fn whisper(number: u64, text: &str) -> Whispered {
        let from = Name::parse("Ana").unwrap();
        Whispered { after: 0, at: SystemTime::UNIX_EPOCH, from, member: MemberId(1), number, text: text.into() }
    }

    fn proof(of: u8) -> Proof {
        Token::new([of; TOKEN_BYTES]).proof()
    }

    fn numbers(whispers: &Whispers, member: u8, after: u64) -> Vec<u64> {
        whispers.after(proof(member), after).map(|whispered| whispered.number).collect()
    }

    #[test]
    fn each_member_gets_what_is_theirs_and_was_missed() {
        let mut whispers = Whispers::default();
        for (member, number) in [(2, 1), (3, 1), (2, 2), (2, 3)] {
            whispers.add(proof(member), whisper(number, "psiu"));
        }
        assert_eq!(numbers(&whispers, 2, 0), [1, 2, 3]);
        assert_eq!(numbers(&whispers, 2, 2), [3]);
        assert_eq!(numbers(&whispers, 3, 1), [0; 0]);
        assert_eq!(numbers(&whispers, 4, 0), [0; 0]);
        assert_eq!([2, 3, 4].map(|member| whispers.last(proof(member))), [3, 1, 0]);
        whispers.add(proof(2), whisper(6, "psiu"));
        assert_eq!([0, 2, 5, 6, 9].map(|number| whispers.kept_up_to(proof(2), number)), [0, 2, 3, 6, 6]);
        assert_eq!(whispers.kept_up_to(proof(4), 7), 0);
        whispers.forget(proof(2));
        assert_eq!((numbers(&whispers, 2, 0), numbers(&whispers, 3, 0)), (vec![], vec![1]));
        assert_eq!(whispers.bytes, "psiu".len());
    }

    #[test]
    fn it_is_bounded_in_whispers_and_in_bytes() {
        let mut whispers = Whispers::default();
        (1..=3000).for_each(|number| whispers.add(proof(2), whisper(number, "x")));
        assert_eq!(numbers(&whispers, 2, 0).len(), MAX_WHISPERS);
        assert_eq!(numbers(&whispers, 2, 0)[0], 3000 - MAX_WHISPERS as u64 + 1);
        assert_eq!(whispers.kept_up_to(proof(2), 7), 7);
        (3001..=3020).for_each(|number| whispers.add(proof(2), whisper(number, &"x".repeat(MAX_BYTES / 10))));
        assert_eq!(numbers(&whispers, 2, 0), (3011..=3020).collect::<Vec<_>>());
    }
}
