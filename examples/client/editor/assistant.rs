//! Who helps rustyline: completes words, says how things look, and hides what nobody may see.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::{Arc, MutexGuard, PoisonError};

use anstyle::Style;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::Shared;
use super::gate::Gate;
use crate::completion::{self, Known};

/// Completes words, and knows when a line is being edited.
pub(super) struct Assistant {
    pub(super) known: Shared,
    pub(super) gate: Arc<Gate>,
    pub(super) has_colours: bool,
    /// Whether nothing is typed yet.
    pub(super) is_empty: Cell<bool>,
    /// Whether nobody may see what is typed.
    pub(super) is_secret: Cell<bool>,
}

impl Assistant {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn painted<'a>(&self, style: Style, text: &'a str) -> Cow<'a, str> {
        if self.has_colours { Cow::Owned(format!("{style}{text}{style:#}")) } else { Cow::Borrowed(text) }
    }
}

impl Helper for Assistant {}
impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, cursor: usize) -> Cow<'l, str> {
        if self.is_secret.get() { Mask.highlight(line, cursor) } else { Cow::Borrowed(line) }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        self.gate.draw();
        self.painted(Style::new().bold(), prompt)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.painted(Style::new().dimmed(), hint)
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.is_secret.get()
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let is_secret = self.is_secret.get();
        Ok(if is_secret { (cursor, Vec::new()) } else { completion::complete(line, cursor, &self.known()) })
    }
}

/// Something that is seen, and not typed.
pub(super) struct Aside(String);

impl Hint for Aside {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Aside;

    /// rustyline asks whenever it has drawn the line.
    fn hint(&self, line: &str, cursor: usize, _: &Context<'_>) -> Option<Aside> {
        self.is_empty.set(line.is_empty());
        self.gate.open();
        if cursor < line.len() || self.is_secret.get() {
            None
        } else {
            completion::hint(line, &self.known()).map(Aside)
        }
    }
}

impl Validator for Assistant {
    /// rustyline asks at Enter. Any line is one.
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.gate.close();
        Ok(ValidationResult::Valid(None))
    }
}

/// Hides what is typed. As wide as it, as rustyline wants it.
pub(super) struct Mask;

impl Helper for Mask {}
impl Completer for Mask {
    type Candidate = String;
}
impl Hinter for Mask {
    type Hint = Aside;
}
impl Validator for Mask {}
impl Highlighter for Mask {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned("*".repeat(line.chars().count()))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}
