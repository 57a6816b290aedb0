//! What the server tells one person: answers to commands, and words about the connection itself.

use std::sync::Arc;
use std::time::SystemTime;

use super::command::CommandError;
use super::event::{EventKind, Reason};
use super::history::Page;
use super::language::Language;
use super::name::{Name, NameError};
use super::token::Token;

/// Something said to one person only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Asks for a name.
    Prompt,
    /// Asks for the room's password.
    PasswordPrompt,
    /// That is not the room's password.
    PasswordWrong,
    /// Too many wrong passwords came from that address; what was tried now was not even looked at.
    TooManyPasswordTries {
        /// When to try again.
        seconds: u64,
    },
    /// The name is good and the person is in the room.
    Welcome(Box<Welcome>),
    /// Somebody else has the name.
    NameTaken(Name),
    /// After [`Answer::NameTaken`]: whoever has the name has been silent, and it is found out whether they are still there.
    NameProbed(Name),
    /// To somebody who has been silent, and whose name somebody else asks for.
    NameWanted,
    /// Somebody else has a name that looks like this one.
    NameTooSimilar(Name),
    /// The name is kept for somebody who has lost the connection.
    NameHeld(Name),
    /// The text is no name.
    BadName(NameError),
    /// The person asked for the name that is theirs already.
    NameUnchanged(Name),
    /// Everybody in the room, the longest there first. Shared by all who ask before it changes.
    Who(Arc<[Name]>),
    /// What was said before, oldest first: to a newcomer, and to whoever asks.
    History(Page),
    /// What somebody looked for, oldest first.
    Found(Page),
    /// When somebody was there last.
    Seen(Name, Sighting),
    /// What was said before cannot be looked through.
    NoArchive(ArchiveTrouble),
    /// A whisper was handed on, and the journal, which has failed or does not answer, may lose it.
    NotKept,
    /// What is said is not kept at the moment.
    JournalFailed(DiskTrouble),
    /// It is kept again.
    JournalRecovered {
        /// Events that were not kept.
        events: u64,
        /// Whispers that were not kept.
        whispers: u64,
    },
    /// Nobody in the room has this name.
    NotFound(Name),
    /// What was typed is no command, or lacks something.
    Mistake(CommandError),
    /// `/responder` before anybody whispered.
    NobodyToReplyTo,
    /// The list of commands.
    Help,
    /// To `/ping`.
    Pong,
    /// The language was changed to this one.
    LanguageChanged(Language),
    /// Messages of this person are not shown any more.
    Ignoring(Name),
    /// Messages of this person are shown again.
    NotIgnoringAnyMore(Name),
    /// `/atender` for somebody who was not ignored.
    NotIgnored(Name),
    /// One more name to ignore than is kept.
    TooManyIgnored {
        /// How many are kept.
        max: usize,
    },
    /// A program sent an object that means nothing here.
    BadObject(ObjectError),
    /// A line longer than `max` bytes, line end included.
    LineTooLong {
        /// The limit.
        max: usize,
    },
    /// A line that is not UTF-8.
    NotUtf8,
    /// More lines came at once than may; the next ones are read later.
    Throttled,
    /// Last words to a member or to somebody still without a name.
    Goodbye(Reason),
    /// Last words to somebody who gave no name in time.
    NoNameInTime {
        /// The time there was.
        seconds: u64,
    },
    /// Last words to somebody who sent much and gave no name.
    NoNameInBytes {
        /// How much, in bytes.
        max: usize,
    },
    /// The only words to a connection that gets no session.
    Refused(Refusal),
}

/// What somebody is told who is in the room from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The newcomer's name.
    pub name: Name,
    /// Who else is in the room: the longest there, at most [`Answer::WELCOME_NAMES`] of them.
    pub others: Vec<Name>,
    /// How many more there are.
    pub more: usize,
    /// The number of the room's last event before; they are told what comes after it.
    pub after: u64,
    /// Which order that number belongs to.
    pub epoch: Arc<str>,
    /// What they have missed, if they said where they were and it is all still known.
    pub missed: Option<Page>,
    /// The number of the first event that they know and that is not kept: from there on, nothing that they know happened for
    /// anybody else.
    pub undone_from: Option<u64>,
    /// Whether they said where they were, and not all is known any more that has happened since.
    pub has_gap: bool,
    /// How a program proves later that it is this member.
    pub token: Option<Token>,
    /// The number of the last whisper that they know and that is kept.
    pub whispers: u64,
}

impl Welcome {
    /// A welcome to somebody who is alone in a room where nothing has happened.
    pub fn new(name: Name, epoch: Arc<str>) -> Welcome {
        let (others, more, after) = (Vec::new(), 0, 0);
        Welcome {
            name,
            others,
            more,
            after,
            epoch,
            missed: None,
            undone_from: None,
            has_gap: false,
            token: None,
            whispers: 0,
        }
    }
}

/// Why the disk takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskTrouble {
    /// It is full.
    Full,
    /// It is too slow.
    Slow,
    /// It may only be read.
    ReadOnly,
    /// The file on it is damaged.
    Damaged,
    /// Something else, which the log says.
    Other,
}

/// When somebody was there last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// Now.
    Here,
    /// Then, and no more is known of it than what it was.
    Last {
        /// When, for show only.
        at: SystemTime,
        /// What they did.
        deed: Deed,
    },
    /// Never, or so long ago that it is not kept any more.
    Unknown,
    /// Not now; nothing else is kept.
    NotKept,
}

/// What somebody did, in one word: nothing of what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Came in.
    Joined,
    /// Said something to everybody.
    Said,
    /// Told everybody something about themselves.
    Acted,
    /// Took that name, or gave it up for another one.
    Renamed,
    /// Left.
    Left,
}

impl Deed {
    /// A stable word for programs: that of the event.
    pub const fn word(self) -> &'static str {
        match self {
            Deed::Joined => "joined",
            Deed::Said => "said",
            Deed::Acted => "acted",
            Deed::Renamed => "renamed",
            Deed::Left => "left",
        }
    }
}

impl From<&EventKind> for Deed {
    fn from(kind: &EventKind) -> Deed {
        match kind {
            EventKind::Joined { .. } => Deed::Joined,
            EventKind::Said { .. } => Deed::Said,
            EventKind::Acted { .. } => Deed::Acted,
            EventKind::Renamed { .. } => Deed::Renamed,
            EventKind::Left { .. } => Deed::Left,
        }
    }
}

/// Why what was said before cannot be looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveTrouble {
    /// Nothing is kept.
    #[error("nothing is kept")]
    NothingKept,
    /// As many questions wait as may.
    #[error("too many questions wait")]
    Busy,
    /// It took too long.
    #[error("it takes too long")]
    TooSlow,
    /// It cannot be read, which the log explains.
    #[error("it cannot be read")]
    Failed,
}

/// Why an object of the JSON dialect means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// It is no JSON object.
    #[error("no JSON object")]
    NotJson,
    /// Its type is none that there is.
    #[error("an unknown type")]
    UnknownType,
    /// This field is missing, or is not what it should be.
    #[error("the field {0} is missing or wrong")]
    Field(&'static str),
    /// Everybody would read a line that was meant for one person or nobody.
    #[error("not private")]
    WouldBePublic,
    /// Only members may ask this.
    #[error("only for members")]
    NotJoined,
    /// Somebody who has joined wants to join.
    #[error("joined already")]
    AlreadyJoined,
}

/// Why a connection gets no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// There are as many connections as there may be.
    ServerFull,
    /// The address has as many connections as it may have.
    TooManyOfAddress,
    /// The address had as many new connections lately as it may have.
    TooManyNewOfAddress,
    /// It is not encrypted, and has to be.
    TlsRequired,
}

impl Refusal {
    /// Every refusal, in the order of their declaration.
    pub const ALL: [Refusal; 4] =
        [Refusal::ServerFull, Refusal::TooManyOfAddress, Refusal::TooManyNewOfAddress, Refusal::TlsRequired];

    /// A stable word for logs.
    pub const fn word(self) -> &'static str {
        match self {
            Refusal::ServerFull => "server-full",
            Refusal::TooManyOfAddress => "too-many-of-address",
            Refusal::TooManyNewOfAddress => "too-many-new-of-address",
            Refusal::TlsRequired => "tls-required",
        }
    }
}

impl Answer {
    /// How many names a welcome lists, so that joining a crowded room costs a screen line or two; `/quem` lists all.
    pub const WELCOME_NAMES: usize = 20;

    /// Whether it says that something was wrong.
    pub fn is_mistake(&self) -> bool {
        match self {
            Answer::NameTaken(_)
            | Answer::NameTooSimilar(_)
            | Answer::NameHeld(_)
            | Answer::BadName(_)
            | Answer::NotFound(_)
            | Answer::Mistake(_)
            | Answer::NobodyToReplyTo
            | Answer::NotIgnored(_)
            | Answer::TooManyIgnored { .. }
            | Answer::BadObject(_)
            | Answer::LineTooLong { .. }
            | Answer::NotUtf8
            | Answer::PasswordWrong
            | Answer::TooManyPasswordTries { .. } => true,
            Answer::Prompt
            | Answer::PasswordPrompt
            | Answer::Welcome(_)
            | Answer::NameUnchanged(_)
            | Answer::Who(_)
            | Answer::History(_)
            | Answer::Found(_)
            | Answer::Seen(..)
            | Answer::NoArchive(_)
            | Answer::NotKept
            | Answer::JournalFailed(_)
            | Answer::JournalRecovered { .. }
            | Answer::Help
            | Answer::Pong
            | Answer::LanguageChanged(_)
            | Answer::Ignoring(_)
            | Answer::NotIgnoringAnyMore(_)
            | Answer::NameProbed(_)
            | Answer::NameWanted
            | Answer::Throttled
            | Answer::Goodbye(_)
            | Answer::NoNameInTime { .. }
            | Answer::NoNameInBytes { .. }
            | Answer::Refused(_) => false,
        }
    }
}

impl From<CommandError> for Answer {
    fn from(mistake: CommandError) -> Answer {
        Answer::Mistake(mistake)
    }
}
