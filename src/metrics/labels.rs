//! Counters of one name, told apart by a label: which limit, which reason.
//!
//! Every value that a label may have is known beforehand. So all of them are shown from the start, and counting needs
//! neither a look-up nor a lock.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::chat::answer::Refusal;
use crate::chat::event::Reason;

/// The values of a label.
pub trait Label: Copy + fmt::Debug + Send + Sync + 'static {
    /// The name of the label.
    const KEY: &'static str;
    /// All values, each at the place of its number.
    const ALL: &'static [Self];
    /// The value as it is shown.
    fn word(self) -> &'static str;
    /// Its number, from 0 on.
    fn number(self) -> usize;
}

/// A counter for each value of a label. Clones count together.
#[derive(Debug, Clone)]
pub struct Counters<L> {
    each: Arc<[AtomicU64]>,
    label: PhantomData<L>,
}

impl<L: Label> Default for Counters<L> {
    fn default() -> Counters<L> {
        Counters { each: L::ALL.iter().map(|_| AtomicU64::new(0)).collect(), label: PhantomData }
    }
}

impl<L: Label> Counters<L> {
    /// Counts one more.
    pub fn count(&self, label: L) {
        debug_assert!(label.number() < self.each.len(), "{label:?} is not in ALL");
        if let Some(count) = self.each.get(label.number()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there were.
    pub fn get(&self, label: L) -> u64 {
        self.each.get(label.number()).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

impl<L: Label> EncodeMetric for Counters<L> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for label in L::ALL {
            let set = [(L::KEY, label.word())];
            encoder.encode_family(&set)?.encode_counter::<NoLabelSet, _, u64>(&self.get(*label), None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

/// Makes an enum of the values of a label.
macro_rules! labels {
    ($( #[$about:meta] )* $name:ident($key:literal): $( $( #[$about_value:meta] )* $value:ident => $word:literal, )*) => {
        $( #[$about] )*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $( $( #[$about_value] )* $value, )*
        }

        impl Label for $name {
            const KEY: &'static str = $key;
            const ALL: &'static [$name] = &[$( $name::$value ),*];

            fn word(self) -> &'static str {
                match self {
                    $( $name::$value => $word, )*
                }
            }

            fn number(self) -> usize {
                self as usize
            }
        }
    };
}

labels! {
    /// A limit that somebody can hit, named like its field in [`Config`](crate::config::Config). (Those of connections are
    /// told apart by the [`Refusal`].)
    Limit("limit"):
    /// A line was too long.
    MaxLine => "max_line",
    /// Too many lines of one person were too long within a minute, and that person was cut.
    MaxLongLines => "max_long_lines",
    /// A line did not end, and the person was cut.
    MaxUnended => "max_unended",
    /// Much came, and no name.
    MaxBeforeName => "max_before_name",
    /// No name was given in time.
    NameDeadline => "name_deadline",
    /// Too many names of one session were refused.
    MaxBadNames => "max_bad_names",
    /// Too many passwords of one session were wrong.
    MaxPasswordTries => "max_password_tries",
    /// A password was not even looked at, after too many wrong ones from the address.
    PasswordTries => "password_tries",
    /// Somebody sent faster than may be, in lines or in bytes, and was not read from for a while; once until that is over.
    Rate => "rate",
    /// Somebody sent too fast for too long, and was cut.
    Flood => "flood",
    /// Somebody without a name made room for another connection, of the same address or of any.
    MaxUnnamed => "max_unnamed",
    /// Somebody lost the connection, and as many of the address as may were away already: that was a departure.
    MaxLostPerAddress => "max_lost_per_address",
    /// More was owed to a reader than may be, who was cut.
    Outbox => "outbox",
    /// Much was owed to a reader for too long, who was cut.
    OutboxTime => "outbox_time",
    /// More was owed to all than may be, and the largest debtor was cut.
    OutboxTotal => "outbox_total",
    /// Somebody ignores as many people as may be.
    MaxIgnored => "max_ignored",
    /// As many questions to the archive waited as may, and one more was refused.
    MaxQuestions => "max_questions",
    /// The last words were not taken in time.
    LastWords => "last_words",
}

labels! {
    /// What was said.
    Message("kind"):
    /// A message to everybody.
    Said => "said",
    /// Something told about oneself, to everybody.
    Acted => "acted",
    /// A whisper that found its reader.
    Whispered => "whispered",
}

labels! {
    /// What somebody asked for that was refused with an answer, other than for a [`Limit`].
    Mistake("kind"):
    /// A line that is not UTF-8.
    NotUtf8 => "not_utf8",
    /// A password that is not the room's.
    BadPassword => "bad_password",
    /// A name that cannot be one.
    BadName => "bad_name",
    /// A name that somebody has, or that looks like one.
    NameTaken => "name_taken",
    /// A name that nobody has.
    NotFound => "not_found",
    /// A `/command` that is none.
    UnknownCommand => "unknown_command",
    /// A command that lacks something, or has nothing to refer to.
    WrongUsage => "wrong_usage",
}

impl Label for Refusal {
    const KEY: &'static str = "reason";
    const ALL: &'static [Refusal] = &Refusal::ALL;

    fn word(self) -> &'static str {
        Refusal::word(self)
    }

    fn number(self) -> usize {
        self as usize
    }
}

impl Label for Reason {
    const KEY: &'static str = "reason";
    const ALL: &'static [Reason] = &Reason::ALL;

    fn word(self) -> &'static str {
        Reason::word(self)
    }

    fn number(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn check<L: Label>() {
        let words: HashSet<&str> = L::ALL.iter().map(|label| label.word()).collect();
        assert_eq!(words.len(), L::ALL.len());
        let counters = Counters::<L>::default();
        for (number, label) in L::ALL.iter().enumerate() {
            assert_eq!(label.number(), number, "{label:?}");
            (0..=number).for_each(|_| counters.clone().count(*label));
        }
        for (number, label) in L::ALL.iter().enumerate() {
            assert_eq!(counters.get(*label), number as u64 + 1);
        }
    }

    #[test]
    fn every_value_has_a_word_and_a_counter_of_its_own() {
        check::<Refusal>();
        check::<Limit>();
        check::<Message>();
        check::<Mistake>();
        check::<Reason>();
    }
}
