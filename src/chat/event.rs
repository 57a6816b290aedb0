//! What happens in the room, and why a member leaves it.

use std::time::SystemTime;

use super::hygiene::CleanText;
use super::name::Name;
use super::registry::MemberId;

/// Something that happened in the room and that everybody in it learns, in one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order: 1 for the first event of the room, then one more each.
    pub seq: u64,
    /// When the room took it, for show only: the order is that of `seq`, whatever the clock does.
    pub at: SystemTime,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A new member.
    Joined {
        /// Who.
        name: Name,
    },
    /// A message to everybody.
    Said {
        /// Who said it.
        from: Name,
        /// What.
        text: CleanText,
    },
    /// Something told about oneself (`/eu acena`).
    Acted {
        /// Who did it.
        from: Name,
        /// What, after the name.
        text: CleanText,
    },
    /// A member goes by another name from now on.
    Renamed {
        /// The name until now.
        old: Name,
        /// The name from now on.
        new: Name,
    },
    /// A member is gone.
    Left {
        /// Who.
        name: Name,
        /// Why.
        reason: Reason,
    },
}

impl EventKind {
    /// Who takes part in it.
    pub fn names(&self) -> [Option<&Name>; 2] {
        match self {
            EventKind::Joined { name } | EventKind::Left { name, .. } => [Some(name), None],
            EventKind::Said { from, .. } | EventKind::Acted { from, .. } => [Some(from), None],
            EventKind::Renamed { old, new } => [Some(old), Some(new)],
        }
    }
}

/// A message to one member. It is no [`Event`]: it takes no number of the room's order, so that nobody else can
/// even tell that it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whispered {
    /// The number of the room's last event before it.
    pub after: u64,
    /// When the room took it, for show only.
    pub at: SystemTime,
    /// Who whispers.
    pub from: Name,
    /// The member who whispers, for a reply: a name may be somebody else's by then.
    pub member: MemberId,
    /// How many whispers this is to the one who reads it, if that is counted; 0 if not.
    pub number: u64,
    /// What.
    pub text: CleanText,
}

/// Why a member leaves. The notice to the others, the last line to the member and the log line all come from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Asked to (`/sair`).
    Asked,
    /// Ended its input (Ctrl-D, half-close, a client that was closed).
    Closed,
    /// Said that it goes away, and perhaps comes back: a page that is loaded again, or that the browser has put to sleep.
    Away,
    /// The connection broke, or the session did.
    Lost,
    /// Silent for longer than allowed.
    TimedOut,
    /// Sent more than allowed.
    Flooded,
    /// Sent lines longer than allowed, again and again or without end.
    LongLines,
    /// Read too slowly what it was sent.
    TooSlow,
    /// Another connection took over its name.
    Replaced,
    /// Had no name yet, and made room for another connection.
    Evicted,
    /// The server stops.
    Shutdown,
    /// Speaks another protocol than the chat's, or breaks the rules of its own.
    Foreign,
    /// Gave too many names that were refused.
    BadNames,
    /// Gave too many passwords that were wrong.
    BadPasswords,
}

impl Reason {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Reason; 14] = [
        Reason::Asked,
        Reason::Closed,
        Reason::Away,
        Reason::Lost,
        Reason::TimedOut,
        Reason::Flooded,
        Reason::LongLines,
        Reason::TooSlow,
        Reason::Replaced,
        Reason::Evicted,
        Reason::Shutdown,
        Reason::Foreign,
        Reason::BadNames,
        Reason::BadPasswords,
    ];

    /// Whether the connection ended though the member did not want to leave, nor did anything wrong: it may come back.
    pub const fn may_come_back(self) -> bool {
        match self {
            Reason::Away | Reason::Lost | Reason::TimedOut | Reason::TooSlow => true,
            Reason::Asked
            | Reason::Closed
            | Reason::Flooded
            | Reason::LongLines
            | Reason::Replaced
            | Reason::Evicted
            | Reason::Shutdown
            | Reason::Foreign
            | Reason::BadNames
            | Reason::BadPasswords => false,
        }
    }

    /// Whether the name is kept for the member when the others have been told. Not for whoever closed a page: it may never come
    /// back, and the same person at another page would be refused their own name.
    pub const fn keeps_name(self) -> bool {
        self.may_come_back() && !matches!(self, Reason::Away)
    }

    /// The reason with this [word](Reason::word).
    pub fn from_word(word: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// A stable word, for logs and for what is kept.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::Asked => "asked",
            Reason::Closed => "closed",
            Reason::Away => "away",
            Reason::Lost => "lost",
            Reason::TimedOut => "timed-out",
            Reason::Flooded => "flooded",
            Reason::LongLines => "long-lines",
            Reason::TooSlow => "too-slow",
            Reason::Replaced => "replaced",
            Reason::Evicted => "evicted",
            Reason::Shutdown => "shutdown",
            Reason::Foreign => "foreign",
            Reason::BadNames => "bad-names",
            Reason::BadPasswords => "bad-passwords",
        }
    }
}
