//! What is counted: who is there, what was said, what it cost, and every limit, refusal and departure.
//!
//! One [`Metrics`] for each server, shared by everything in it. It knows no actor and no socket: whoever does something
//! worth counting counts it here, and whoever asks gets all of it as OpenMetrics text ([`Metrics::encode`]). Counting
//! never waits: every number is an atomic, and reading them takes no lock that a writer needs. Nothing is counted once
//! a reader; see [`Fanout`].
//!
//! To count one more limit, add a line to [`Limit`].

mod fanout;
mod labels;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use crate::chat::answer::{Answer, ArchiveTrouble, Refusal};
use crate::chat::command::CommandError;
use crate::chat::event::Reason;
pub use fanout::Fanout;
use fanout::{Deliveries, FanoutTime, Hubs};
pub use labels::{Counters, Label, Limit, Message, Mistake};

/// Everything that a server counts, from its start on.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    hubs: Hubs,
    /// Connections that became sessions.
    pub connections: Counter,
    /// Connections that did not.
    pub refused_connections: Counters<Refusal>,
    /// Errors of accepting that are not the fault of one connection.
    pub accept_errors: Counter,
    /// Sessions there are, with a name or without.
    pub sessions: Gauge,
    /// Members of the room: always [`joins`](Metrics::joins) less all [`departures`](Metrics::departures).
    pub members: Gauge,
    /// Members who came in, or back after they had left.
    pub joins: Counter,
    /// Members who came back by another connection, before they had left or after.
    pub resumed: Counter,
    /// Members who left.
    pub departures: Counters<Reason>,
    /// Silent members who were probed, because somebody else asked for the name.
    pub ghost_probes: Counter,
    /// Peers that spoke another protocol, and were told.
    pub foreign: Counter,
    /// What members said.
    pub messages: Counters<Message>,
    /// Limits that somebody has hit.
    pub limits: Counters<Limit>,
    /// What people asked for and were refused with an answer.
    pub mistakes: Counters<Mistake>,
    /// Bytes owed to all sessions together, each entry counted as [`ENTRY_COST`](crate::outbox::ENTRY_COST) bytes more.
    ///
    /// 1. Each session adds what its outbox owes more or less than it last [reported](crate::outbox::Outbox::report), and
    ///    no other number is ever added: this is the sum of what was reported.
    /// 2. A session reports whenever it lets go of its connection: after every turn of the room that it took, after every
    ///    poll. Between two steps of a thread this is what its sessions really owe.
    /// 3. An outbox that was empty and is empty again, because the socket took everything at once, has nothing to report,
    ///    and touches nothing shared.
    /// 4. A session that is dropped takes what it reported last with it.
    pub owed: Gauge,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("papo");
        let hubs = Hubs::default();
        let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        registry.register("build", "The program that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let help = "When the server started, in seconds since 1970";
        registry.register_with_unit("start_time", help, Unit::Seconds, ConstGauge::new(start));
        let help = "Lines handed to readers: events and whispers, each once a reader";
        registry.register("deliveries", help, Deliveries(hubs.clone()));
        let help = "Time from when one thread is handed a turn of the room until all its readers have it";
        registry.register_with_unit("fanout", help, Unit::Seconds, FanoutTime(hubs.clone()));
        let help = "Bytes that sockets have not taken yet, each entry with 64 bytes of its own";
        let owed = Gauge::default();
        registry.register_with_unit("owed", help, Unit::Bytes, owed.clone());

        let mut all = Names(registry);
        Metrics {
            connections: all.name("connections", "Connections that became sessions"),
            refused_connections: all.name("refused_connections", "Connections that were refused"),
            accept_errors: all.name("accept_errors", "Errors of accepting, each followed by a pause"),
            sessions: all.name("sessions", "Connections that are served now, with a name or without"),
            members: all.name("members", "Members of the room now"),
            joins: all.name("joins", "Members who came in"),
            resumed: all.name("resumed", "Members who came back by another connection"),
            departures: all.name("departures", "Members who left, by reason"),
            ghost_probes: all
                .name("ghost_probes", "Silent members who were probed because somebody asked for the name"),
            foreign: all.name("foreign", "Peers that spoke another protocol than the chat's"),
            messages: all.name("messages", "What members said, by how"),
            limits: all.name("limits", "Limits that somebody has hit"),
            mistakes: all.name("mistakes", "Requests of people that were refused with an answer"),
            owed,
            hubs,
            registry: all.0,
        }
    }
}

/// Where metrics get their names.
struct Names(Registry);

impl Names {
    /// A new metric of this name.
    fn name<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register(name, help, metric.clone());
        metric
    }
}

impl Metrics {
    /// All of it, in the text format of OpenMetrics 1.0.
    ///
    /// # Errors
    /// None that a string could have.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }

    /// What one more hub counts. It is kept for the life of the server.
    pub fn hub(&self) -> Arc<Fanout> {
        self.hubs.add()
    }

    /// Counts an answer that says no, or that somebody is probed. The kinds of [`Answer`] are all named here, so that no
    /// refusal goes uncounted.
    pub fn answered(&self, answer: &Answer) {
        match answer {
            Answer::LineTooLong { .. } => self.limits.count(Limit::MaxLine),
            Answer::TooManyIgnored { .. } => self.limits.count(Limit::MaxIgnored),
            Answer::NoNameInBytes { .. } => self.limits.count(Limit::MaxBeforeName),
            Answer::NoNameInTime { .. } => self.limits.count(Limit::NameDeadline),
            Answer::Throttled => self.limits.count(Limit::Rate),
            Answer::Goodbye(Reason::Flooded) => self.limits.count(Limit::Flood),
            Answer::Goodbye(Reason::BadNames) => self.limits.count(Limit::MaxBadNames),
            Answer::Goodbye(Reason::BadPasswords) => self.limits.count(Limit::MaxPasswordTries),
            Answer::TooManyPasswordTries { .. } => self.limits.count(Limit::PasswordTries),
            Answer::Goodbye(Reason::Evicted) => self.limits.count(Limit::MaxUnnamed),
            Answer::NoArchive(ArchiveTrouble::Busy) => self.limits.count(Limit::MaxQuestions),
            Answer::NameWanted => {
                self.ghost_probes.inc();
            }
            Answer::PasswordWrong => self.mistakes.count(Mistake::BadPassword),
            Answer::NotUtf8 => self.mistakes.count(Mistake::NotUtf8),
            Answer::BadName(_) | Answer::Mistake(CommandError::BadName(_)) => self.mistakes.count(Mistake::BadName),
            Answer::NameTaken(_) | Answer::NameTooSimilar(_) | Answer::NameHeld(_) => {
                self.mistakes.count(Mistake::NameTaken)
            }
            Answer::NotFound(_) | Answer::Mistake(CommandError::NoSuchName(_)) => {
                self.mistakes.count(Mistake::NotFound)
            }
            Answer::Mistake(CommandError::Unknown { .. }) => self.mistakes.count(Mistake::UnknownCommand),
            Answer::Mistake(CommandError::WhisperFormat | CommandError::EmptyMessage | CommandError::Usage(_))
            | Answer::BadObject(_)
            | Answer::NobodyToReplyTo
            | Answer::NotIgnored(_) => self.mistakes.count(Mistake::WrongUsage),
            // counted where it happens: as a refused connection, as a departure
            Answer::Refused(_) | Answer::Goodbye(_) => {}
            Answer::Prompt
            | Answer::PasswordPrompt
            | Answer::NameProbed(_)
            | Answer::Welcome(_)
            | Answer::NotKept
            | Answer::NameUnchanged(_)
            | Answer::Who(_)
            | Answer::History(_)
            | Answer::Found(_)
            | Answer::Seen(..)
            | Answer::NoArchive(_)
            | Answer::JournalFailed(_)
            | Answer::JournalRecovered { .. }
            | Answer::Help
            | Answer::Pong
            | Answer::LanguageChanged(_)
            | Answer::Ignoring(_)
            | Answer::NotIgnoringAnyMore(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn everything_has_a_name_a_type_and_a_help_and_is_there_from_the_start() {
        let page = Metrics::default().encode().unwrap();
        for line in [
            "# TYPE papo_members gauge",
            "papo_members 0",
            "papo_sessions 0",
            "# TYPE papo_owed_bytes gauge",
            "# UNIT papo_owed_bytes bytes",
            "papo_owed_bytes 0",
            "papo_joins_total 0",
            "papo_refused_connections_total{reason=\"server-full\"} 0",
            "papo_limits_total{limit=\"outbox\"} 0",
            "papo_departures_total{reason=\"lost\"} 0",
            "papo_departures_total{reason=\"shutdown\"} 0",
            "papo_messages_total{kind=\"whispered\"} 0",
            "papo_mistakes_total{kind=\"bad_name\"} 0",
            "# TYPE papo_deliveries counter",
            "papo_deliveries_total 0",
            "# TYPE papo_fanout_seconds histogram",
            "papo_fanout_seconds_count 0",
            "papo_fanout_seconds_bucket{le=\"+Inf\"} 0",
            concat!("papo_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
        assert!(page.ends_with("# EOF\n"));
        assert_eq!(page.matches("# HELP ").count(), page.matches("# TYPE ").count());
    }

    #[test]
    fn what_several_hubs_counted_is_added_up() {
        let metrics = Metrics::default();
        let hubs = [metrics.hub(), metrics.hub()];
        hubs[0].walked(100, Duration::from_micros(30));
        hubs[0].walked(100, Duration::from_millis(300));
        hubs[1].walked(7, Duration::from_secs(60));
        let page = metrics.encode().unwrap();
        for line in [
            "papo_deliveries_total 207",
            "papo_fanout_seconds_count 3",
            "papo_fanout_seconds_sum 60.30003",
            "papo_fanout_seconds_bucket{le=\"0.00001\"} 0",
            "papo_fanout_seconds_bucket{le=\"0.00005\"} 1",
            "papo_fanout_seconds_bucket{le=\"0.5\"} 2",
            "papo_fanout_seconds_bucket{le=\"10.0\"} 2",
            "papo_fanout_seconds_bucket{le=\"+Inf\"} 3",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn an_answer_that_says_no_is_counted_once_and_another_one_never() {
        let metrics = Metrics::default();
        let before = metrics.encode().unwrap();
        for answer in [Answer::Pong, Answer::Prompt, Answer::Help, Answer::Goodbye(Reason::Asked)] {
            metrics.answered(&answer);
        }
        assert_eq!(metrics.encode().unwrap(), before);
        metrics.answered(&Answer::NotUtf8);
        metrics.answered(&Answer::LineTooLong { max: 4096 });
        assert_eq!(metrics.mistakes.get(Mistake::NotUtf8), 1);
        assert_eq!(metrics.limits.get(Limit::MaxLine), 1);
        metrics.answered(&Answer::PasswordPrompt);
        metrics.answered(&Answer::PasswordWrong);
        metrics.answered(&Answer::TooManyPasswordTries { seconds: 30 });
        metrics.answered(&Answer::Goodbye(Reason::BadPasswords));
        assert_eq!(metrics.mistakes.get(Mistake::BadPassword), 1);
        assert_eq!([Limit::PasswordTries, Limit::MaxPasswordTries].map(|limit| metrics.limits.get(limit)), [1, 1]);
    }
}
