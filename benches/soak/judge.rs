//! Whether everybody reads what they should: everything that the others say from the moment they are welcome, once, and all in
//! the same order.
//!
//! Every line has a number. The order in which one person reads them who is there all the time is the order of the room;
//! all others must read a stretch of it without holes, but for what they say themselves. It knows no sockets.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;

/// The number of a person; the names are made of it.
pub type Person = u32;

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub came: u64,
    pub went: u64,
    pub said: u64,
    pub whispered: u64,
    /// Lines and whispers that were read.
    pub deliveries: u64,
    pub lost: u64,
    /// Read twice, or not in its place.
    pub misplaced: u64,
    pub throttled: u64,
    /// What nobody should have read.
    pub unexpected: Vec<String>,
}

impl Counts {
    /// Everything that should not be.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.lost + self.misplaced + self.throttled > 0 || self.deliveries == 0 {
            faults.push(self.to_string());
        }
        faults.extend(self.unexpected.iter().take(5).map(|what| format!("unexpected: {what:?}")));
        faults
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { came, went, said, whispered, deliveries, lost, misplaced, throttled, unexpected } = self;
        write!(f, "{came} came and {went} went, {said} lines and {whispered} whispers, {deliveries} deliveries, ")?;
        write!(f, "{lost} lost, {misplaced} misplaced, {throttled} throttled, {} unexpected", unexpected.len())
    }
}

/// What one person has heard.
#[derive(Debug)]
pub struct Ear {
    person: Person,
    /// How many lines had been said, and how long the order was, when this one was welcome.
    welcome: (usize, usize),
    /// Where in the order the next line is.
    next: Option<usize>,
    /// Lines that were read before their place in the order is known.
    waiting: VecDeque<usize>,
}

/// The judge.
#[derive(Debug, Default)]
pub struct Judge {
    pub counts: Counts,
    /// Who said the line, by its number.
    speakers: Vec<Person>,
    /// Its place in the order.
    places: Vec<Option<usize>>,
    order: Vec<usize>,
    /// The last line of each person in the order.
    last: HashMap<Person, usize>,
    /// Whispers on their way: from whom, to whom.
    whispers: HashMap<u64, (Person, Person)>,
    /// Those who broke off; what they said last may be lost.
    broken: HashSet<Person>,
    /// Those who have gone and read something that has no place yet.
    gone: Vec<Ear>,
}

impl Judge {
    /// Somebody says something. Returns its number.
    pub fn says(&mut self, person: Person) -> usize {
        self.speakers.push(person);
        self.places.push(None);
        self.counts.said += 1;
        self.speakers.len() - 1
    }

    /// Somebody whispers. Returns the number of the whisper.
    pub fn whispers(&mut self, from: Person, to: Person) -> u64 {
        self.counts.whispered += 1;
        self.whispers.insert(self.counts.whispered, (from, to));
        self.counts.whispered
    }

    /// Somebody is welcome.
    pub fn comes(&mut self, person: Person) -> Ear {
        self.counts.came += 1;
        Ear { person, welcome: (self.speakers.len(), self.order.len()), next: None, waiting: VecDeque::new() }
    }

    /// The one who is always there reads a line.
    pub fn orders(&mut self, number: usize) {
        self.counts.deliveries += 1;
        let Some(speaker) = self.speakers.get(number).copied() else {
            return self.counts.unexpected.push(format!("line {number}, which nobody said"));
        };
        let is_late = self.last.insert(speaker, number).is_some_and(|last| last >= number);
        if is_late || self.places[number].is_some() {
            self.counts.misplaced += 1;
            return;
        }
        self.places[number] = Some(self.order.len());
        self.order.push(number);
    }

    /// Somebody else reads a line.
    pub fn hears(&mut self, ear: &mut Ear, number: usize) {
        self.counts.deliveries += 1;
        ear.waiting.push_back(number);
        self.check(ear);
    }

    /// Compares what somebody heard with the order, as far as it is known.
    fn check(&mut self, ear: &mut Ear) {
        while let Some(number) = ear.waiting.front().copied() {
            let Some(place) = self.places.get(number).copied().flatten() else { return };
            ear.waiting.pop_front();
            self.put(ear, place);
        }
    }

    fn put(&mut self, ear: &mut Ear, place: usize) {
        let (said, ordered) = ear.welcome;
        let first = ear.next.unwrap_or_else(|| ordered.min(place));
        if place < first {
            self.counts.misplaced += 1;
            return;
        }
        // what was said before the welcome may or may not have come before it
        let must_hear =
            |number: &&usize| self.speakers[**number] != ear.person && (ear.next.is_some() || **number >= said);
        self.counts.lost += self.order[first..place].iter().filter(must_hear).count() as u64;
        ear.next = Some(place + 1);
    }

    /// Somebody reads a whisper.
    pub fn hears_whisper(&mut self, person: Person, number: u64) {
        self.counts.deliveries += 1;
        match self.whispers.remove(&number) {
            Some((_, to)) if to == person => {}
            _ => self.counts.misplaced += 1,
        }
    }

    /// Somebody is told that the other one is not there any more.
    pub fn is_told_not_found(&mut self, person: Person, other: Person) {
        self.whispers.retain(|_, whisper| *whisper != (person, other));
    }

    /// Somebody has gone, and read everything if not `broken` off.
    pub fn goes(&mut self, mut ear: Ear, is_broken: bool) {
        self.counts.went += 1;
        self.whispers.retain(|_, (from, to)| *to != ear.person && !(is_broken && *from == ear.person));
        if is_broken {
            self.broken.insert(ear.person);
        }
        self.check(&mut ear);
        self.gone.push(ear);
        // they are looked at again when more of the order is known
        let mut gone = std::mem::take(&mut self.gone);
        gone.iter_mut().for_each(|ear| self.check(ear));
        gone.retain(|ear| !ear.waiting.is_empty());
        self.gone = gone;
    }

    /// Whether somebody has heard everything that they should have.
    pub fn has_heard_everything(&mut self, ear: &mut Ear) -> bool {
        self.check(ear);
        let (said, ordered) = ear.welcome;
        let must_hear =
            |number: &usize| self.speakers[*number] != ear.person && (ear.next.is_some() || *number >= said);
        ear.waiting.is_empty() && !self.order[ear.next.unwrap_or(ordered)..].iter().any(must_hear)
    }

    /// How many lines and whispers have not arrived, of those that should have or still may.
    pub fn missing(&self) -> usize {
        let has_arrived =
            |number: &usize| self.places[*number].is_some() || self.broken.contains(&self.speakers[*number]);
        (0..self.speakers.len()).filter(|number| !has_arrived(number)).count() + self.whispers.len()
    }
}
