//! Who is in the room, under which name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::name::Name;

/// One connection, from its first byte to its last. Given by the server before the session starts, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Memory for so many members is kept even if they are not there.
const MIN_MEMBERS: usize = 64;

/// The members of a room. Every name is held by exactly one session, every session holds at most one name.
#[derive(Debug, Default)]
pub struct Registry {
    by_session: HashMap<SessionId, Member>,
    by_name: HashMap<Arc<str>, SessionId>,
    /// The order in which people came: what `/quem` lists.
    by_arrival: BTreeMap<u64, SessionId>,
    arrivals: u64,
}

#[derive(Debug)]
struct Member {
    name: Name,
    arrival: u64,
}

/// Why a session cannot have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Another session has it.
    #[error("the name is taken")]
    Taken,
    /// The session is a member already (when joining), or is none (when renaming).
    #[error("the session is not in the state for this")]
    WrongState,
}

impl Registry {
    /// Makes the session a member under this name.
    ///
    /// # Errors
    /// [`RegistryError::Taken`] if another member has the name, [`RegistryError::WrongState`] if the session is a
    /// member already. Nothing changes then.
    pub fn join(&mut self, session: SessionId, name: Name) -> Result<(), RegistryError> {
        if self.by_session.contains_key(&session) {
            return Err(RegistryError::WrongState);
        }
        if self.by_name.contains_key(name.key()) {
            return Err(RegistryError::Taken);
        }
        self.arrivals += 1;
        self.by_name.insert(Arc::clone(name.key()), session);
        self.by_arrival.insert(self.arrivals, session);
        self.by_session.insert(session, Member { name, arrival: self.arrivals });
        Ok(())
    }

    /// Gives a member another name (another spelling of its own included) and returns the one it had.
    ///
    /// # Errors
    /// [`RegistryError::Taken`] if another member has the name, [`RegistryError::WrongState`] if the session is no
    /// member. Nothing changes then.
    pub fn rename(&mut self, session: SessionId, name: Name) -> Result<Name, RegistryError> {
        let member = self.by_session.get_mut(&session).ok_or(RegistryError::WrongState)?;
        if self.by_name.get(name.key()).is_some_and(|holder| *holder != session) {
            return Err(RegistryError::Taken);
        }
        self.by_name.remove(member.name.key());
        self.by_name.insert(Arc::clone(name.key()), session);
        Ok(std::mem::replace(&mut member.name, name))
    }

    /// Ends a membership and returns the name that is free now; `None` if the session is no member.
    pub fn leave(&mut self, session: SessionId) -> Option<Name> {
        let member = self.by_session.remove(&session)?;
        self.by_name.remove(member.name.key());
        self.by_arrival.remove(&member.arrival);
        // a crowd that has left takes its memory with it
        let members = self.by_session.len();
        if self.by_session.capacity() > MIN_MEMBERS.max(4 * members) {
            self.by_session.shrink_to(2 * members);
            self.by_name.shrink_to(2 * members);
        }
        Some(member.name)
    }

    /// The name of a member.
    pub fn name_of(&self, session: SessionId) -> Option<&Name> {
        self.by_session.get(&session).map(|member| &member.name)
    }

    /// The member with this name, in any spelling.
    pub fn find(&self, name: &Name) -> Option<SessionId> {
        self.by_name.get(name.key()).copied()
    }

    /// All members with their names, the longest there first.
    pub fn members(&self) -> impl Iterator<Item = (SessionId, &Name)> {
        self.by_arrival.values().filter_map(|session| Some((*session, self.name_of(*session)?)))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.by_session.len()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.by_session.is_empty()
    }
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
        assert_eq!(registry.join(SessionId(1), name("Ana")), Ok(()));
        assert_eq!(registry.join(SessionId(2), name("ANA")), Err(RegistryError::Taken));
        assert_eq!(registry.join(SessionId(1), name("Bia")), Err(RegistryError::WrongState));
        assert_eq!(registry.find(&name("aNa")), Some(SessionId(1)));
        assert_eq!(registry.leave(SessionId(1)), Some(name("Ana")));
        assert_eq!(registry.leave(SessionId(1)), None);
        assert_eq!(registry.join(SessionId(2), name("ana")), Ok(()));
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
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let names = prop::sample::select(vec!["ana", "Ana", "ANA", "bia", "Beto", "beto", "João", "joa\u{303}o", "x"]);
        let step = prop_oneof![
            (0u64..6, names.clone()).prop_map(|(s, n)| Step::Join(s, n)),
            (0u64..6, names).prop_map(|(s, n)| Step::Rename(s, n)),
            (0u64..6).prop_map(Step::Leave),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        /// Against the simplest thing that could be right: a list of (session, name).
        #[test]
        fn it_agrees_with_a_list(steps in steps()) {
            let mut registry = Registry::default();
            let mut list: Vec<(SessionId, Name)> = Vec::new();
            for step in steps {
                match step {
                    Step::Join(session, text) => {
                        let (session, name) = (SessionId(session), name(text));
                        let free = list.iter().all(|(s, n)| *s != session && *n != name);
                        prop_assert_eq!(registry.join(session, name.clone()).is_ok(), free);
                        if free { list.push((session, name)); }
                    }
                    Step::Rename(session, text) => {
                        let (session, name) = (SessionId(session), name(text));
                        let free = list.iter().all(|(s, n)| *s == session || *n != name);
                        let place = list.iter().position(|(s, _)| *s == session);
                        prop_assert_eq!(registry.rename(session, name.clone()).is_ok(), free && place.is_some());
                        if let (true, Some(place)) = (free, place) { list[place].1 = name; }
                    }
                    Step::Leave(session) => {
                        let session = SessionId(session);
                        let was = list.iter().position(|(s, _)| *s == session).map(|place| list.remove(place).1);
                        prop_assert_eq!(registry.leave(session), was);
                    }
                }
                prop_assert_eq!(registry.len(), list.len());
                prop_assert_eq!(registry.is_empty(), list.is_empty());
                let members: Vec<_> = registry.members().map(|(s, n)| (s, n.clone())).collect();
                prop_assert_eq!(&members, &list);
                for (session, name) in &list {
                    prop_assert_eq!(registry.find(name), Some(*session));
                    prop_assert_eq!(registry.name_of(*session).map(Name::as_str), Some(name.as_str()));
                }
            }
        }
    }
}
