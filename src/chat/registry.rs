//! Who is in the room, under which name.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use hashbrown::{HashMap, HashTable};

use super::name::Name;

/// One connection, from its first byte to its last. Given by the server before the session starts, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Something of each session. No peer chooses the ids, so a quick hash will do.
pub type SessionMap<T> = HashMap<SessionId, T>;

/// A member, for as long as it is one, whichever connections that takes. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u64);

/// Memory for so many members is kept even if they are not there.
const MIN_MEMBERS: usize = 64;

/// The members of a room. Every session holds at most one name, and all keys of that name: no key of one name, of whatever
/// kind, is a key of another one. So no two members have one name, or names that look alike.
///
/// A member may be hidden: then its name is reserved for it, and that is all anybody can tell of it.
#[derive(Debug, Default)]
pub struct Registry {
    by_session: SessionMap<Member>,
    /// The keys of all names, of all three kinds in one set.
    taken: HashTable<Taken>,
    hasher: RandomState,
    /// The order in which people came: what `/quem` lists.
    by_arrival: BTreeMap<MemberId, SessionId>,
    arrivals: u64,
    /// How many members are hidden.
    hidden: usize,
}

#[derive(Debug)]
struct Member {
    name: Name,
    /// In the order of arrival.
    id: MemberId,
    is_hidden: bool,
}

/// A key that is taken: where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    session: SessionId,
    /// Its place in [`Name::keys`] of the member.
    at: u8,
}

/// The place of the fold in [`Name::keys`].
const FOLD: u8 = 0;

/// Why a session cannot have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Another session has it.
    #[error("the name is taken")]
    Taken,
    /// Another session has one that looks like it.
    #[error("the name looks like one that is taken")]
    TooSimilar,
    /// It is reserved for a member that is hidden.
    #[error("the name is reserved for somebody who may come back")]
    Held,
    /// The session is a member already (when joining), or is none (when renaming).
    #[error("the session is not in the state for this")]
    WrongState,
}

impl Registry {
    /// Makes the session a member under this name.
    ///
    /// # Errors
    /// [`RegistryError::Taken`] if another member has the name, [`RegistryError::TooSimilar`] if one has a look-alike,
    /// [`RegistryError::Held`] if it is reserved, [`RegistryError::WrongState`] if the session is a member already. Nothing
    /// changes then.
    pub fn join(&mut self, session: SessionId, name: Name) -> Result<MemberId, RegistryError> {
        if self.by_session.contains_key(&session) {
            return Err(RegistryError::WrongState);
        }
        self.check_free(&name, session)?;
        self.arrivals += 1;
        let id = MemberId(self.arrivals);
        self.by_arrival.insert(id, session);
        self.by_session.insert(session, Member { name, id, is_hidden: false });
        self.take_keys(session);
        Ok(id)
    }

    /// Gives a member another name (another spelling of its own, or a look-alike of it, included) and returns the one it had.
    ///
    /// # Errors
    /// [`RegistryError::Taken`] if another member has the name, [`RegistryError::TooSimilar`] if one has a look-alike,
    /// [`RegistryError::Held`] if it is reserved, [`RegistryError::WrongState`] if the session is no member. Nothing changes
    /// then.
    pub fn rename(&mut self, session: SessionId, name: Name) -> Result<Name, RegistryError> {
        if !self.by_session.contains_key(&session) {
            return Err(RegistryError::WrongState);
        }
        self.check_free(&name, session)?;
        self.free_keys(session);
        let member = self.by_session.get_mut(&session).ok_or(RegistryError::WrongState)?;
        let old = std::mem::replace(&mut member.name, name);
        self.take_keys(session);
        Ok(old)
    }

    /// Ends a membership and returns the name that is free now; `None` if the session is no member.
    pub fn leave(&mut self, session: SessionId) -> Option<Name> {
        self.free_keys(session);
        let member = self.by_session.remove(&session)?;
        self.by_arrival.remove(&member.id);
        self.hidden -= usize::from(member.is_hidden);
        self.shrink();
        Some(member.name)
    }

    /// From now on this session is the member that another one was, which is none any more. Whether that one was a member, and
    /// this one was none; otherwise nothing changes. A hidden member is seen again.
    pub fn hand_over(&mut self, from: SessionId, to: SessionId) -> bool {
        if self.by_session.contains_key(&to) || !self.by_session.contains_key(&from) {
            return false;
        }
        self.free_keys(from);
        let Some(mut member) = self.by_session.remove(&from) else { return false };
        self.hidden -= usize::from(std::mem::take(&mut member.is_hidden));
        self.by_arrival.insert(member.id, to);
        self.by_session.insert(to, member);
        self.take_keys(to);
        true
    }

    /// Hides a member: its name stays reserved. The name, if it was a member that was seen.
    pub fn hide(&mut self, session: SessionId) -> Option<Name> {
        let member = self.by_session.get_mut(&session).filter(|member| !member.is_hidden)?;
        member.is_hidden = true;
        self.hidden += 1;
        Some(member.name.clone())
    }

    /// A crowd that has left takes its memory with it.
    fn shrink(&mut self) {
        let Registry { by_session, taken, hasher, .. } = self;
        let members = by_session.len();
        if by_session.capacity() > MIN_MEMBERS.max(4 * members) {
            by_session.shrink_to(2 * members);
            let rehash = |taken: &Taken| hasher.hash_one(key_of(by_session, *taken).unwrap_or_default());
            taken.shrink_to(2 * taken.len(), rehash);
        }
    }

    /// The name of a member that is not hidden.
    pub fn name_of(&self, session: SessionId) -> Option<&Name> {
        self.seen(session).map(|member| &member.name)
    }

    /// The member that this session is, if it is one that is not hidden.
    pub fn member_of(&self, session: SessionId) -> Option<MemberId> {
        self.seen(session).map(|member| member.id)
    }

    /// The session that a member is now, if it is not hidden.
    pub fn session_of(&self, member: MemberId) -> Option<SessionId> {
        self.by_arrival.get(&member).copied().filter(|session| self.seen(*session).is_some())
    }

    fn seen(&self, session: SessionId) -> Option<&Member> {
        self.by_session.get(&session).filter(|member| !member.is_hidden)
    }

    /// The member with this name, in any spelling, but not one whose name only looks like it, and none that is hidden.
    pub fn find(&self, name: &Name) -> Option<SessionId> {
        self.holder(name.fold(), |taken| taken.at == FOLD).filter(|session| self.seen(*session).is_some())
    }

    /// All members that are not hidden, with their names, the longest there first.
    pub fn members(&self) -> impl Iterator<Item = (SessionId, &Name)> {
        self.by_arrival.values().filter_map(|session| Some((*session, self.name_of(*session)?)))
    }

    /// How many members there are that are not hidden.
    pub fn len(&self) -> usize {
        self.by_session.len() - self.hidden
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nobody else has a key of this name.
    fn check_free(&self, name: &Name, session: SessionId) -> Result<(), RegistryError> {
        let holders = name.keys().filter_map(|key| self.holder(key, |_| true));
        let Some(holder) = holders.filter(|holder| *holder != session).find_map(|holder| self.by_session.get(&holder))
        else {
            return Ok(());
        };
        Err(match &holder.name == name {
            true if holder.is_hidden => RegistryError::Held,
            true => RegistryError::Taken,
            false => RegistryError::TooSimilar,
        })
    }

    /// The member that has this key, in such a place.
    fn holder(&self, key: &str, is_there: impl Fn(&Taken) -> bool) -> Option<SessionId> {
        let is_it = |taken: &Taken| is_there(taken) && key_of(&self.by_session, *taken) == Some(key);
        self.taken.find(self.hasher.hash_one(key), is_it).map(|taken| taken.session)
    }

    /// Takes the keys of a member, which are free.
    fn take_keys(&mut self, session: SessionId) {
        let Registry { by_session, taken, hasher, .. } = self;
        let Some(member) = by_session.get(&session) else { return };
        for (key, at) in member.name.keys().zip(0..) {
            let rehash = |taken: &Taken| hasher.hash_one(key_of(by_session, *taken).unwrap_or_default());
            taken.insert_unique(hasher.hash_one(key), Taken { session, at }, rehash);
        }
    }

    fn free_keys(&mut self, session: SessionId) {
        let Some(member) = self.by_session.get(&session) else { return };
        for (key, at) in member.name.keys().zip(0..) {
            if let Ok(entry) = self.taken.find_entry(self.hasher.hash_one(key), |taken| *taken == Taken { session, at })
            {
                entry.remove();
            }
        }
    }
}

fn key_of(by_session: &SessionMap<Member>, Taken { session, at }: Taken) -> Option<&str> {
    by_session.get(&session)?.name.keys().nth(at.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn a_name_is_held_once_in_any_spelling() {
        let mut registry = Registry::default();
        assert_eq!(registry.join(SessionId(1), name("Ana")), Ok(MemberId(1)));
        assert_eq!(registry.join(SessionId(2), name("ANA")), Err(RegistryError::Taken));
        assert_eq!(registry.join(SessionId(1), name("Bia")), Err(RegistryError::WrongState));
        assert_eq!(registry.find(&name("aNa")), Some(SessionId(1)));
        assert_eq!(registry.leave(SessionId(1)), Some(name("Ana")));
        assert_eq!(registry.leave(SessionId(1)), None);
        assert_eq!(registry.join(SessionId(2), name("ana")), Ok(MemberId(2)));
    }

    #[test]
    fn a_hidden_member_is_a_reserved_name_and_nothing_else() {
        let mut registry = Registry::default();
        registry.join(SessionId(1), name("Iara")).unwrap();
        registry.join(SessionId(2), name("Beto")).unwrap();
        assert_eq!((registry.hide(SessionId(1)), registry.hide(SessionId(1))), (Some(name("Iara")), None));
        assert_eq!((registry.name_of(SessionId(1)), registry.member_of(SessionId(1))), (None, None));
        assert_eq!((registry.session_of(MemberId(1)), registry.find(&name("iara")), registry.len()), (None, None, 1));
        assert_eq!(registry.join(SessionId(3), name("IARA")), Err(RegistryError::Held));
        assert_eq!(registry.join(SessionId(3), name("lara")), Err(RegistryError::TooSimilar));
        assert_eq!(registry.leave(SessionId(1)), Some(name("Iara")));
        assert_eq!(registry.join(SessionId(3), name("lara")), Ok(MemberId(3)));
        assert_eq!(registry.len(), 2);
    }

    #[test]
    fn another_session_takes_a_member_over() {
        let mut registry = Registry::default();
        registry.join(SessionId(1), name("Ana")).unwrap();
        registry.join(SessionId(2), name("Beto")).unwrap();
        registry.hide(SessionId(1));
        assert!(registry.hand_over(SessionId(1), SessionId(3)));
        assert_eq!(
            (registry.find(&name("ana")), registry.session_of(MemberId(1))),
            (Some(SessionId(3)), Some(SessionId(3)))
        );
        assert_eq!(registry.len(), 2);
        // neither from nobody, nor to somebody
        assert!(!registry.hand_over(SessionId(1), SessionId(4)) && !registry.hand_over(SessionId(2), SessionId(3)));
        let listed: Vec<_> = registry.members().map(|(session, name)| (session.0, name.as_str())).collect();
        assert_eq!(listed, [(3, "Ana"), (2, "Beto")]);
        assert_eq!((registry.leave(SessionId(1)), registry.leave(SessionId(3))), (None, Some(name("Ana"))));
    }

    #[test]
    fn renaming_frees_the_old_name_and_may_change_the_spelling() {
        let mut registry = Registry::default();
        registry.join(SessionId(1), name("Ana")).unwrap();
        registry.join(SessionId(2), name("Beto")).unwrap();
        assert_eq!(registry.rename(SessionId(1), name("beto")), Err(RegistryError::Taken));
        assert_eq!(registry.rename(SessionId(1), name("ANA")).unwrap().as_str(), "Ana");
        assert_eq!(registry.name_of(SessionId(1)).unwrap().as_str(), "ANA");
        assert_eq!(registry.rename(SessionId(1), name("Bia")), Ok(name("Ana")));
        assert_eq!(registry.find(&name("Ana")), None);
        assert_eq!(registry.rename(SessionId(3), name("Caio")), Err(RegistryError::WrongState));
    }

    #[test]
    fn a_look_alike_is_not_free_and_is_not_found() {
        let mut registry = Registry::default();
        registry.join(SessionId(1), name("Iara")).unwrap();
        for look_alike in ["1ara", "lara", "1ARA"] {
            assert_eq!(registry.join(SessionId(2), name(look_alike)), Err(RegistryError::TooSimilar), "{look_alike}");
            assert_eq!(registry.find(&name(look_alike)), None, "{look_alike}");
        }
        assert_eq!(registry.join(SessionId(2), name("IARA")), Err(RegistryError::Taken));
        registry.join(SessionId(2), name("Beto")).unwrap();
        assert_eq!(registry.rename(SessionId(2), name("lara")), Err(RegistryError::TooSimilar));
        assert_eq!(registry.name_of(SessionId(2)), Some(&name("Beto")));
        // to a look-alike of one's own name, and all its keys are free with it
        assert_eq!(registry.rename(SessionId(1), name("lara")), Ok(name("Iara")));
        assert_eq!(registry.find(&name("Iara")), None);
        assert_eq!(registry.leave(SessionId(1)), Some(name("lara")));
        assert_eq!(registry.join(SessionId(2), name("1ara")), Err(RegistryError::WrongState));
        assert_eq!(registry.rename(SessionId(2), name("1ara")), Ok(name("Beto")));
    }

    #[test]
    fn a_freed_name_leaves_no_key_behind() {
        let mut registry = Registry::default();
        for i in 0..500 {
            registry.join(SessionId(i), name(&format!("r{i:05}"))).unwrap();
        }
        for i in 0..500 {
            registry.rename(SessionId(i), name(&format!("s{i:05}"))).unwrap();
        }
        for i in 0..500 {
            registry.leave(SessionId(i)).unwrap();
        }
        assert!(registry.taken.is_empty());
    }

    #[test]
    fn members_are_listed_as_they_came() {
        let mut registry = Registry::default();
        for (session, text) in [(7, "Zeca"), (3, "Ana"), (5, "Beto")] {
            registry.join(SessionId(session), name(text)).unwrap();
        }
        registry.leave(SessionId(3));
        registry.rename(SessionId(7), name("Abel")).unwrap();
        let listed: Vec<_> = registry.members().map(|(_, name)| name.as_str()).collect();
        assert_eq!(listed, ["Abel", "Beto"]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Join(u64, &'static str),
        Rename(u64, &'static str),
        Leave(u64),
        Hide(u64),
        HandOver(u64, u64),
    }

    /// A member of the list.
    #[derive(Debug, Clone)]
    struct Listed {
        session: SessionId,
        name: Name,
        is_hidden: bool,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let names = prop::sample::select(vec![
            "ana",
            "Ana",
            "ANA",
            "Ana0",
            "anaO",
            "ana_o",
            "bia",
            "Beto",
            "beto",
            "João",
            "joa\u{303}o",
            "joao",
            "x",
            "Iara",
            "Lara",
            "lara",
            "1ara",
            "IARA",
            "сор",
            "cop",
            "COP",
            "c0p",
            "l0l",
            "IOI",
            "ioi",
            "Emesto",
            "ERNESTO",
            "ernesto",
            "ｘ",
            "7",
        ]);
        let step = prop_oneof![
            (0u64..6, names.clone()).prop_map(|(s, n)| Step::Join(s, n)),
            (0u64..6, names).prop_map(|(s, n)| Step::Rename(s, n)),
            (0u64..6).prop_map(Step::Leave),
            (0u64..6).prop_map(Step::Hide),
            (0u64..6, 0u64..6).prop_map(|(from, to)| Step::HandOver(from, to)),
        ];
        prop::collection::vec(step, 0..60)
    }

    /// Whether the name is free for the session, beside these.
    fn free(list: &[Listed], session: SessionId, name: &Name) -> Result<(), RegistryError> {
        let others = || list.iter().filter(|other| other.session != session);
        let look_alike = |other: &Listed| other.name.keys().any(|key| name.keys().any(|own| own == key));
        match (others().find(|other| other.name == *name), others().any(look_alike)) {
            (Some(Listed { is_hidden: true, .. }), _) => Err(RegistryError::Held),
            (Some(_), _) => Err(RegistryError::Taken),
            (None, true) => Err(RegistryError::TooSimilar),
            (None, false) => Ok(()),
        }
    }

    proptest! {
        /// Against the simplest thing that could be right: a list of (session, name), every key compared with every other.
        #[test]
        fn it_agrees_with_a_list(steps in steps()) {
            let mut registry = Registry::default();
            let mut list: Vec<Listed> = Vec::new();
            for step in steps {
                let place = |session: u64| list.iter().position(|listed| listed.session == SessionId(session));
                match step {
                    Step::Join(session, text) => {
                        let name = name(text);
                        let expected = match place(session) {
                            Some(_) => Err(RegistryError::WrongState),
                            None => free(&list, SessionId(session), &name),
                        };
                        prop_assert_eq!(registry.join(SessionId(session), name.clone()).map(|_| ()), expected);
                        if expected.is_ok() {
                            list.push(Listed { session: SessionId(session), name, is_hidden: false });
                        }
                    }
                    Step::Rename(session, text) => {
                        let name = name(text);
                        let expected = match place(session) {
                            None => Err(RegistryError::WrongState),
                            Some(place) => free(&list, SessionId(session), &name).map(|()| place),
                        };
                        let renamed = registry.rename(SessionId(session), name.clone());
                        prop_assert_eq!(renamed, expected.map(|place| std::mem::replace(&mut list[place].name, name)));
                    }
                    Step::Leave(session) => {
                        let was = place(session).map(|place| list.remove(place).name);
                        prop_assert_eq!(registry.leave(SessionId(session)), was);
                    }
                    Step::Hide(session) => {
                        let seen = place(session).filter(|place| !list[*place].is_hidden);
                        let was = seen.map(|place| {
                            list[place].is_hidden = true;
                            list[place].name.clone()
                        });
                        prop_assert_eq!(registry.hide(SessionId(session)), was);
                    }
                    Step::HandOver(from, to) => {
                        let heir = place(from).filter(|_| place(to).is_none());
                        if let Some(place) = heir {
                            (list[place].session, list[place].is_hidden) = (SessionId(to), false);
                        }
                        prop_assert_eq!(registry.hand_over(SessionId(from), SessionId(to)), heir.is_some());
                    }
                }
                let seen: Vec<_> = list.iter().filter(|listed| !listed.is_hidden).cloned().collect();
                prop_assert_eq!(registry.len(), seen.len());
                prop_assert_eq!(registry.is_empty(), seen.is_empty());
                let members: Vec<_> = registry.members().map(|(session, name)| (session, name.as_str())).collect();
                let expected: Vec<_> = seen.iter().map(|listed| (listed.session, listed.name.as_str())).collect();
                prop_assert_eq!(members, expected);
                for typed in ["ana", "Ana0", "anao", "lara", "iara", "cop", "lol", "ernesto"].map(name) {
                    let holder = seen.iter().find(|listed| listed.name == typed).map(|listed| listed.session);
                    prop_assert_eq!(registry.find(&typed), holder);
                }
                for Listed { session, name, .. } in &seen {
                    prop_assert_eq!(registry.find(name), Some(*session));
                    prop_assert_eq!(registry.name_of(*session).map(Name::as_str), Some(name.as_str()));
                    let member = registry.member_of(*session).unwrap();
                    prop_assert_eq!(registry.session_of(member), Some(*session));
                }
            }
        }
    }
}
