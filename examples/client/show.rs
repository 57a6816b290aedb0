//! How a person sees what came: a line of text for each thing, on a terminal with the time and with colours. It prints nothing.

use anstyle::{AnsiColor, Color, Style};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use papo::chat::fold::{accentless, caseless};
use papo::chat::language::Language;
use papo::chat::text;

use crate::protocol::{Event, Happened, Text};
use crate::session::Shown;

/// What rings.
const BELL: char = '\u{7}';

/// The colours of names: those that can be read on black and on white.
const COLOURS: [AnsiColor; 9] = [
    AnsiColor::Red,
    AnsiColor::Green,
    AnsiColor::Yellow,
    AnsiColor::Magenta,
    AnsiColor::Cyan,
    AnsiColor::BrightBlue,
    AnsiColor::BrightRed,
    AnsiColor::BrightMagenta,
    AnsiColor::BrightCyan,
];

const DIM: Style = Style::new().dimmed();
const WHISPER: Style = Style::new().bold().fg_color(Some(Color::Ansi(AnsiColor::Magenta)));
const MENTION: Style = Style::new().bold().invert();

/// How things look.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) has_colours: bool,
    /// Where the person lives, if they want to know when something was said.
    pub(crate) zone: Option<TimeZone>,
    pub(crate) has_bell: bool,
}

/// Who reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) name: &'a Text,
    pub(crate) language: Language,
    pub(crate) now: Timestamp,
}

impl Look {
    /// Lines of text, and nothing else.
    pub(crate) fn plain() -> Look {
        Look { has_colours: false, zone: None, has_bell: false }
    }

    /// The lines for this, each with its end; none for what there is nothing to say about.
    pub(crate) fn lines(&self, shown: &Shown, reader: Reader<'_>) -> String {
        let mut lines = match shown {
            Shown::Event(event) => self.event(event, reader),
            Shown::Whispered(whispered) => {
                let (from, text) = (whispered.from.to_string(), whispered.text.to_string());
                let line = self.painted(WHISPER, &text::whispered(reader.language, from, text));
                format!("{}{line}{}", self.time(whispered.at, reader), self.bell())
            }
            Shown::Answer(sentence) if sentence.as_str().is_empty() => return String::new(),
            Shown::Answer(sentence) => self.notice(sentence.as_str()),
            Shown::People(names) => {
                let list: Vec<&str> = names.iter().map(Text::as_str).collect();
                self.notice(&text::who(reader.language, names.len(), list.join(", ")))
            }
            Shown::History(events) if events.is_empty() => return String::new(),
            Shown::History(events) => {
                let begins = text::client_history_begins(reader.language, events.len());
                self.between([begins, text::history_ends(reader.language)], events, reader)
            }
            Shown::Found(events) if events.is_empty() => self.notice(&text::found_nothing(reader.language)),
            Shown::Found(events) => {
                let begins = text::client_found_begins(reader.language, events.len());
                self.between([begins, text::found_ends(reader.language)], events, reader)
            }
            Shown::NoHistory => self.notice(&text::history_empty(reader.language)),
            Shown::Back { missed } => self.notice(&text::client_back(reader.language, *missed)),
            Shown::Undone => self.notice(&text::client_undone(reader.language)),
            Shown::Gap => self.notice(&text::client_gap(reader.language)),
        };
        lines.push('\n');
        lines
    }

    /// A sentence that nobody said.
    pub(crate) fn notice(&self, sentence: &str) -> String {
        self.painted(DIM, sentence)
    }

    fn event(&self, event: &Event, reader: Reader<'_>) -> String {
        let (line, is_about_reader) = self.happened(event, reader);
        let bell = if is_about_reader { self.bell() } else { String::new() };
        format!("{}{line}{bell}", self.time(event.at, reader))
    }

    /// What happened, and whether somebody speaks of the reader.
    fn happened(&self, event: &Event, reader: Reader<'_>) -> (String, bool) {
        match &event.what {
            Happened::Said { from, text } => {
                let (text, is_about_reader) = self.text(text, from, reader);
                (format!("{}: {text}", self.name(from)), is_about_reader)
            }
            Happened::Acted { from, text } => {
                let (text, is_about_reader) = self.text(text, from, reader);
                (format!("* {} {text}", self.name(from)), is_about_reader)
            }
            Happened::Joined { .. } | Happened::Renamed { .. } | Happened::Left { .. } => {
                (self.notice(event.message.as_str()), false)
            }
        }
    }

    /// What was said at some other time: between two lines that say so, with the time in any case.
    fn between(&self, [begins, ends]: [String; 2], events: &[Event], reader: Reader<'_>) -> String {
        let timed = Look { zone: Some(self.zone.clone().unwrap_or_else(TimeZone::system)), ..self.clone() };
        let mut lines = vec![self.notice(&begins)];
        lines.extend(events.iter().map(|event| {
            let time = timed.clock(event.at, reader).unwrap_or_default();
            format!("{} {}", self.painted(DIM, &format!("[{time}]")), self.happened(event, reader).0)
        }));
        lines.push(self.notice(&ends));
        lines.join("\n")
    }

    fn time(&self, at: Option<Timestamp>, reader: Reader<'_>) -> String {
        self.clock(at, reader).map(|time| format!("{} ", self.painted(DIM, &time))).unwrap_or_default()
    }

    /// The time of a day, and the day if it is not this one.
    fn clock(&self, at: Option<Timestamp>, reader: Reader<'_>) -> Option<String> {
        let zone = self.zone.as_ref()?;
        let at = at.unwrap_or(reader.now).to_zoned(zone.clone());
        let is_today = at.date() == reader.now.to_zoned(zone.clone()).date();
        Some(at.strftime(if is_today { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string())
    }

    fn name(&self, name: &Text) -> String {
        let colour = COLOURS[hash(&caseless(name.as_str())) % COLOURS.len()];
        self.painted(Style::new().bold().fg_color(Some(Color::Ansi(colour))), name.as_str())
    }

    /// What somebody says, with the name of the reader marked, and whether it is in there.
    fn text(&self, text: &Text, from: &Text, reader: Reader<'_>) -> (String, bool) {
        let own = accentless(reader.name.as_str());
        if own.is_empty() || accentless(from.as_str()) == own {
            return (text.to_string(), false);
        }
        let mut is_about_reader = false;
        let words = words(text.as_str()).map(|word| {
            if accentless(word) == own {
                is_about_reader = true;
                self.painted(MENTION, word)
            } else {
                word.to_owned()
            }
        });
        (words.collect(), is_about_reader)
    }

    fn bell(&self) -> String {
        if self.has_bell { BELL.to_string() } else { String::new() }
    }

    fn painted(&self, style: Style, text: &str) -> String {
        if self.has_colours { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// A text in pieces: what could be a name, and what is between.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_' || ('\u{300}'..='\u{36f}').contains(&c);
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_word = is_of_word(first);
        let end = rest.find(|c| is_of_word(c) != is_word).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        Some(word)
    })
}

/// The same for a name at every run (FNV-1a).
fn hash(name: &str) -> usize {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Whispered;

    fn at(time: &str) -> Option<Timestamp> {
        Some(time.parse().unwrap())
    }

    fn said(from: &str, text: &str) -> Event {
        let what = Happened::Said { from: from.into(), text: text.into() };
        Event { seq: 1, at: at("2026-11-28T12:34:56Z"), message: Text::default(), what }
    }

    fn lines(look: &Look, shown: &Shown) -> String {
        let name = "João".into();
        let reader = Reader { name: &name, language: Language::Portuguese, now: at("2026-11-28T13:00:00Z").unwrap() };
        look.lines(shown, reader)
    }

    fn timed() -> Look {
        Look { zone: Some(TimeZone::UTC), ..Look::plain() }
    }

    #[test]
    fn plain_lines_are_those_of_the_text_dialect() {
        let message = "Ana entrou no chat.".into();
        let joined = Event { message, what: Happened::Joined { name: "Ana".into() }, ..said("", "") };
        let acted = Event { what: Happened::Acted { from: "Ana".into(), text: "acena".into() }, ..said("", "") };
        let whispered = Whispered { at: None, number: None, from: "Ana".into(), text: "oi".into() };
        for (shown, expected) in [
            (Shown::Event(said("Ana", "oi, joão")), "Ana: oi, joão\n"),
            (Shown::Event(acted), "* Ana acena\n"),
            (Shown::Event(joined), "Ana entrou no chat.\n"),
            (Shown::Whispered(whispered), "Ana (privado): oi\n"),
            (Shown::People(vec!["Ana".into(), "João".into()]), "Na sala (2): Ana, João\n"),
            (Shown::History(Vec::new()), ""),
            (Shown::Answer(Text::default()), ""),
        ] {
            assert_eq!(lines(&Look::plain(), &shown), expected);
        }
    }

    #[test]
    fn the_time_is_that_of_the_reader_and_the_day_too_if_it_is_another_one() {
        assert_eq!(lines(&timed(), &Shown::Event(said("Ana", "oi"))), "12:34 Ana: oi\n");
        let yesterday = Event { at: at("2026-11-27T23:59:00Z"), ..said("Ana", "oi") };
        assert_eq!(lines(&timed(), &Shown::Event(yesterday.clone())), "2026-11-27 23:59 Ana: oi\n");
        let history = lines(&timed(), &Shown::History(vec![yesterday, said("Ana", "oi")]));
        let expected = "--- O que foi dito antes (2 mensagens) ---\n[2026-11-27 23:59] Ana: oi\n[12:34] Ana: oi\n";
        assert!(history.starts_with(expected), "{history}");
    }

    #[test]
    fn the_own_name_is_marked_as_a_word_and_rings() {
        let look = Look { has_bell: true, has_colours: true, ..Look::plain() };
        for (text, is_marked) in
            [("oi, JOAO!", true), ("João: oi", true), ("joa\u{303}o", true), ("joaozinho", false), ("joao_2", false)]
        {
            let line = lines(&look, &Shown::Event(said("Ana", text)));
            assert_eq!(line.contains(BELL), is_marked, "{text}");
            assert_eq!(line.contains(&format!("{MENTION}")), is_marked, "{text}");
        }
        assert!(!lines(&look, &Shown::Event(said("João", "joão"))).contains(BELL));
        assert!(!lines(&timed(), &Shown::Event(said("Ana", "joão"))).contains(BELL));
        let whispered = Whispered { at: None, number: None, from: "Ana".into(), text: "oi".into() };
        assert!(lines(&look, &Shown::Whispered(whispered)).contains(BELL));
    }

    #[test]
    fn a_name_has_its_colour() {
        let look = Look { has_colours: true, ..Look::plain() };
        assert_eq!(look.name(&"ana".into()).replace("ana", ""), look.name(&"ANA".into()).replace("ANA", ""));
        let colours: std::collections::HashSet<String> =
            ["Ana", "Beto", "Caio", "Davi", "Eva"].map(|name| look.name(&name.into()).replace(name, "")).into();
        assert!(colours.len() > 2, "{colours:?}");
    }
}
