//! The scripts of the page as one.
//!
//! They are modules of their own, and a browser that fetches them one by one opens half a dozen connections at once. People
//! who share an address would soon have more than one address may have. So they are put into one file, in which each is a
//! function that returns what it exports:
//!
//! ```text
//! import { a } from './one.js';    →    const { a } = modules.one;
//! export const b = 1;              →    const b = 1;    and at the end    return { b };
//! ```

/// A script of the page: its name without `.js`, and what it says. It imports only from those before it.
type Module = (&'static str, &'static str);

/// Makes the table of modules from their names.
macro_rules! modules {
    ($( $name:literal ),* $(,)?) => {
        &[$( ($name, include_str!(concat!("page/", $name, ".js"))) ),*]
    };
}

/// All of them, each behind those that it imports from.
const MODULES: &[Module] = modules![
    "memory",
    "words",
    "dom",
    "route",
    "seat",
    "rich",
    "alerts",
    "panels",
    "outgoing",
    "connection",
    "door",
    "state",
    "people",
    "bubble",
    "messages",
    "box",
    "app",
];

/// The one script.
pub(super) fn bundle() -> String {
    let mut script = String::from("const modules = {};\n");
    for (name, source) in MODULES {
        script.push_str(&format!("modules.{name} = (() => {{\n"));
        let mut exports = Vec::new();
        for line in source.lines() {
            match (import(line), line.strip_prefix("export ")) {
                (Some(import), _) => script.push_str(&import),
                (None, Some(declaration)) => {
                    exports.extend(declared(declaration));
                    script.push_str(declaration);
                }
                (None, None) => script.push_str(line),
            }
            script.push('\n');
        }
        script.push_str(&format!("return {{ {} }};\n}})();\n", exports.join(", ")));
    }
    script
}

/// What becomes of `import { a, b } from './name.js';`.
fn import(line: &str) -> Option<String> {
    let (names, from) = line.strip_prefix("import ")?.split_once(" from './")?;
    Some(format!("const {names} = modules.{};", from.strip_suffix(".js';")?))
}

/// The name that a declaration declares.
fn declared(declaration: &str) -> Option<&str> {
    let kinds = ["async function ", "function ", "class ", "const "];
    let rest = kinds.iter().find_map(|kind| declaration.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_module_is_there_behind_what_it_imports_and_nothing_is_left_to_import() {
        let mut before = HashSet::new();
        for (name, source) in MODULES {
            for line in source.lines().filter(|line| line.starts_with("import")) {
                let (_, from) = line.split_once("'./").unwrap_or_else(|| panic!("{name}: {line}"));
                assert!(before.contains(from.trim_end_matches(".js';")), "{name}: {line}");
                assert!(import(line).is_some(), "{name}: {line}");
            }
            for line in source.lines().filter_map(|line| line.strip_prefix("export ")) {
                // a value that changes would not change for those who import it
                assert!(declared(line).is_some_and(|declared| !declared.is_empty()), "{name}: {line}");
            }
            before.insert(*name);
        }
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/page")).unwrap();
        let scripts = files
            .filter_map(|file| file.unwrap().file_name().into_string().ok()?.strip_suffix(".js").map(str::to_owned));
        assert_eq!(scripts.collect::<HashSet<_>>(), before.into_iter().map(str::to_owned).collect());
    }

    #[test]
    fn the_script_is_one() {
        let script = bundle();
        assert!(script.lines().all(|line| !line.starts_with("import") && !line.starts_with("export")));
        assert!(script.contains("const { put, word } = modules.words;\n"));
        assert_eq!(declared("async function f$(x) {"), Some("f$"));
        assert_eq!(declared("let x = 1;"), None);
    }
}
