//! What a typed line means: something to ask of the server, something for this client, or a mistake, which is never sent.

use papo::chat::answer::Answer;
use papo::chat::command::{Command, CommandError};
use papo::chat::hygiene::CleanText;
use papo::chat::name::Name;

use crate::protocol::Request;
use crate::target::Target;

/// What to do about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// There is nothing on it.
    Nothing,
    Ask(Request),
    /// What is typed from now on goes there.
    Aim(Target),
    Help,
    Leave,
    /// The server would say the same.
    Mistake(Answer),
    /// Everybody would read it, and what is typed goes to one person.
    WouldBePublic,
}

/// Reads a line. A reply goes to whoever whispered last, as the person who types has seen it: by the time the line arrives
/// somebody else may have.
pub(crate) fn understand(line: CleanText, target: &Target, last_whisper: Option<&Name>) -> Deed {
    let typed = line.clone();
    match Command::parse(line) {
        Ok(None) => Deed::Nothing,
        Ok(Some(Command::Say(text))) => match target {
            Target::Person(name) => whisper(name, &text),
            Target::Everybody | Target::Unchanging => Deed::Ask(Request::Say { text: text.as_str().to_owned() }),
        },
        Ok(Some(Command::Act(_))) if matches!(target, Target::Person(_)) => Deed::WouldBePublic,
        Ok(Some(Command::Act(text))) => Deed::Ask(Request::Act { text: text.as_str().to_owned() }),
        Ok(Some(Command::Whisper { to, text })) => whisper(&to, &text),
        Ok(Some(Command::Reply(text))) => match last_whisper {
            Some(name) => whisper(name, &text),
            None => Deed::Mistake(Answer::NobodyToReplyTo),
        },
        Ok(Some(Command::Rename(name))) => Deed::Ask(Request::Rename { name: name.as_str().to_owned() }),
        Ok(Some(Command::Who)) => Deed::Ask(Request::Who),
        Ok(Some(Command::History(count))) => Deed::Ask(Request::History { count }),
        Ok(Some(Command::Search { words, count })) => {
            Deed::Ask(Request::Search { text: words.as_str().to_owned(), count })
        }
        Ok(Some(Command::Seen(name))) => Deed::Ask(Request::Seen { name: name.as_str().to_owned() }),
        Ok(Some(Command::Help)) => Deed::Help,
        Ok(Some(Command::Ping)) => Deed::Ask(Request::Ping),
        Ok(Some(Command::Language(language))) => Deed::Ask(Request::lang(language)),
        Ok(Some(Command::Ignore(name))) => Deed::Ask(Request::Ignore { name: name.as_str().to_owned() }),
        Ok(Some(Command::Unignore(name))) => Deed::Ask(Request::Unignore { name: name.as_str().to_owned() }),
        Ok(Some(Command::Quit)) => Deed::Leave,
        Err(mistake @ (CommandError::WhisperFormat | CommandError::EmptyMessage)) => {
            let aim = if *target == Target::Unchanging { None } else { Target::read(typed.as_str()) };
            aim.map_or(Deed::Mistake(mistake.into()), Deed::Aim)
        }
        Err(mistake) => Deed::Mistake(mistake.into()),
    }
}

fn whisper(to: &Name, text: &CleanText) -> Deed {
    Deed::Ask(Request::Whisper { to: to.as_str().to_owned(), text: text.as_str().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn beto() -> Target {
        Target::Person(name("Beto"))
    }

    fn whispered(to: &str, text: &str) -> Deed {
        whisper(&name(to), &text.into())
    }

    #[test]
    fn lines_for_everybody_and_for_one() {
        let say = |text: &str| Deed::Ask(Request::Say { text: text.into() });
        for (line, target, expected) in [
            ("oi", Target::Everybody, say("oi")),
            ("oi", Target::Unchanging, say("oi")),
            ("  oi ", Target::Everybody, say("  oi ")),
            ("//x", Target::Everybody, say("/x")),
            ("oi", beto(), whispered("Beto", "oi")),
            ("//x", beto(), whispered("Beto", "/x")),
            ("@caio oi", beto(), whispered("caio", "oi")),
            ("/eu acena", Target::Everybody, Deed::Ask(Request::Act { text: "acena".into() })),
            ("/eu acena", beto(), Deed::WouldBePublic),
            ("/r oi", Target::Everybody, whispered("Zeca", "oi")),
            ("@Beto", Target::Everybody, Deed::Aim(beto())),
            ("@Beto ", Target::Everybody, Deed::Aim(beto())),
            ("＠beto", Target::Everybody, Deed::Aim(beto())),
            ("@", beto(), Deed::Aim(Target::Everybody)),
            (" @ ", beto(), Deed::Aim(Target::Everybody)),
            ("@Beto", Target::Unchanging, Deed::Mistake(CommandError::WhisperFormat.into())),
            ("/msg Beto", Target::Everybody, Deed::Mistake(CommandError::WhisperFormat.into())),
            ("@a!b", Target::Everybody, Deed::Mistake(CommandError::WhisperFormat.into())),
            ("", beto(), Deed::Nothing),
            ("/sair", beto(), Deed::Leave),
            ("/ajuda", beto(), Deed::Help),
        ] {
            assert_eq!(understand(line.into(), &target, Some(&name("Zeca"))), expected, "{line} {target:?}");
        }
        let nobody = understand("/r oi".into(), &Target::Everybody, None);
        assert_eq!(nobody, Deed::Mistake(Answer::NobodyToReplyTo));
    }

    proptest! {
        #[test]
        fn nothing_is_public_while_it_goes_to_one_person(line in "[@/ ]{0,2}[a-z]{0,8}[ ]{0,2}\\PC{0,10}") {
            let deed = understand(line.as_str().into(), &beto(), None);
            prop_assert!(!matches!(deed, Deed::Ask(Request::Say { .. } | Request::Act { .. })), "{deed:?}");
        }
    }
}
