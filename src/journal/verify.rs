//! Whether a journal is in order: the file as such, every row, and the numbers without a hole.

use std::cmp::Ordering;
use std::path::Path;

use super::block::Builder;
use super::blocks::{self, BLOCK};
use super::epoch::Epoch;
use super::error::{JournalError, is_damage};
use super::reader::{Reader, read};
use super::record::{Cause, Gap};
use super::row;

/// The most problems that are listed.
const MAX_PROBLEMS: usize = 20;

/// What a journal is like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Its epoch, if that can be read.
    pub epoch: Option<Epoch>,
    /// The numbers of the first event and the last one, if there is any.
    pub range: Option<(u64, u64)>,
    /// How many events can be read.
    pub events: u64,
    /// How many whispers.
    pub whispers: u64,
    /// What is known to be missing.
    pub gaps: Vec<Gap>,
    /// What is wrong, in English and in SQLite's words, one line each: at most 20 of them.
    pub problems: Vec<String>,
}

impl Verdict {
    /// Whether nothing is wrong. What is known to be missing is not wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn complain(&mut self, problem: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// Looks at all of it: every page, every row, every number. It takes some seconds for each million events.
///
/// # Errors
/// As [`Reader::open`]; damage is none of them but stands in the verdict, unless nothing can be read at all.
pub fn verify(directory: &Path) -> Result<Verdict, JournalError> {
    let reader = Reader::open(directory)?;
    let mut verdict = Verdict::default();
    if let Err(error) = look(&reader, &mut verdict) {
        if !is_damage(&error) {
            return Err(error.into());
        }
        verdict.complain(error.to_string());
    }
    Ok(verdict)
}

fn look(reader: &Reader, verdict: &mut Verdict) -> Result<(), rusqlite::Error> {
    let connection = reader.connection.unchecked_transaction()?;
    verdict.epoch = super::open::epoch_of(&connection)?;
    if verdict.epoch.is_none() {
        verdict.complain("no epoch".to_owned());
    }
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({MAX_PROBLEMS})"))?;
    for problem in check.query_map([], |row| row.get::<_, String>(0))? {
        match problem? {
            ok if ok == "ok" => {}
            problem => verdict.complain(problem.replace('\n', " ")),
        }
    }
    let gaps = "SELECT first, last, cause FROM gaps ORDER BY first";
    verdict.gaps = read(&connection, gaps, [], |row| {
        let cause = Cause::from_word(&row.get::<_, String>(2).ok()?)?;
        let (first, last) = (row.get(0).ok()?, row.get(1).ok()?);
        (1..=last).contains(&first).then_some(Gap { first, last, cause })
    })?;
    let noted: usize = connection.query_row("SELECT count(*) FROM gaps", [], |row| row.get(0))?;
    if noted > verdict.gaps.len() {
        verdict.complain("what is noted as missing cannot be read".to_owned());
    }
    look_at_events(&connection, verdict)?;
    let mut statement = connection.prepare(&format!("SELECT {} FROM whispers ORDER BY number", row::WHISPER))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        verdict.whispers += 1;
        if row::read_whisper(row).is_none() {
            verdict.complain("a whisper cannot be read".to_owned());
        }
    }
    Ok(())
}

fn look_at_events(connection: &rusqlite::Connection, verdict: &mut Verdict) -> Result<(), rusqlite::Error> {
    let sql = format!(
        "SELECT {BLOCK}, (SELECT marks FROM words WHERE words.first = blocks.first) FROM blocks ORDER BY first"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let gaps = verdict.gaps.clone();
    let mut gaps = gaps.iter().peekable();
    let mut is_last = false;
    while let Some(row) = rows.next()? {
        let Some(numbers) = blocks::numbers(row) else {
            verdict.complain("a block has no numbers".to_owned());
            continue;
        };
        let (begin, end) = numbers.into_inner();
        let (first, last) = verdict.range.unwrap_or((begin, begin - 1));
        let mut next = last + 1;
        while let Some(gap) = gaps.next_if(|gap| gap.last < begin) {
            next = if gap.first <= next { next.max(gap.last + 1) } else { next };
        }
        match next.cmp(&begin) {
            Ordering::Less => verdict.complain(format!("events {next} to {} are missing", begin - 1)),
            Ordering::Equal => {}
            Ordering::Greater => verdict.complain(format!("events {begin} to {end} are not behind those before")),
        }
        if gaps.peek().is_some_and(|gap| gap.first <= end) {
            verdict.complain(format!("events {begin} to {end} are there, and noted as missing"));
        }
        // what is of another type than the table allows was complained of with its page
        let marks = row.get_ref(3)?.as_blob().ok();
        if is_last {
            verdict.complain(format!("the words of the events before {begin} cannot be searched"));
        }
        is_last = marks.is_none();
        match blocks::read(row).map(|events| Builder::of(&events)) {
            Some(Ok(Some(builder))) => {
                verdict.events += end - begin + 1;
                if marks.is_some_and(|marks| marks != builder.marks()) {
                    verdict.complain(format!("the words of events {begin} to {end} are not those of the index"));
                }
            }
            _ => verdict.complain(format!("events {begin} to {end} cannot be read")),
        }
        verdict.range = Some((first, end));
    }
    Ok(())
}
