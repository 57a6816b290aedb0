//! To whom goes what is typed without saying to whom. `@nome` alone on a line aims at that person, `@` alone at everybody
//! again; the prompt says where one is.

use papo::chat::name::Name;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Everybody,
    Person(Name),
    /// Everybody, always: there is no prompt that would say something else.
    Unchanging,
}

impl Target {
    /// Reads a line with a name and nothing else on it, or with no name either.
    pub(crate) fn read(line: &str) -> Option<Target> {
        let name = line.trim().strip_prefix(['@', '＠', '﹫'])?.trim();
        if name.is_empty() {
            return Some(Target::Everybody);
        }
        Name::parse_addressed(name).ok().map(Target::Person)
    }
}
