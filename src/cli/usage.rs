//! Help and mistakes of a command line, in the language of its reader. `clap` itself speaks only English.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::chat::hygiene::CleanText;
use crate::chat::language::Language;
use crate::chat::text;

/// Why a program does not start: something to print, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// What to print, line end included.
    pub message: String,
    /// 0 for what was asked for (help, version: to stdout); else to stderr: 2 for a mistake, 1 for what was looked for in vain.
    pub code: u8,
}

/// Gives every argument its help, and the page its headings. A variable that is set to nothing counts as not set.
pub fn translate(command: Command, help_of: impl Fn(&Arg) -> String, language: Language) -> Command {
    let positionals = if command.get_positionals().next().is_some() { "{positionals}\n" } else { "" };
    let options = text::cli_options(language);
    let template = format!("{{about}}\n\n{{usage}}\n\n{options}:\n{positionals}{{options}}{{after-help}}");
    command.help_template(template).mut_args(|arg| {
        let help = help_of(&arg);
        let is_empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        let arg = if is_empty { arg.env(Resettable::Reset) } else { arg };
        arg.help(help).hide_env(true)
    })
}

/// Who says what is wrong with a command line.
#[derive(Debug, Clone, Copy)]
pub struct Speaker<'a> {
    /// The program that was started.
    pub program: &'static str,
    /// Its command line.
    pub arguments: &'a [OsString],
    /// The language of its reader.
    pub language: Language,
}

impl Speaker<'_> {
    /// What to print, and the exit code, when clap does not let the program start.
    pub fn exit(&self, error: &clap::Error) -> Exit {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            Some(ContextValue::Strings(texts)) => texts.first().cloned(),
            _ => None,
        };
        // clap adds the value's placeholder: "--outbox <N>"
        let argument = context(ContextKind::InvalidArg).unwrap_or_default();
        let argument = argument.split(' ').next().unwrap_or_default();
        let value = context(ContextKind::InvalidValue).unwrap_or_default();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit { message: error.render().to_string(), code: 0 },
            ErrorKind::UnknownArgument => self.unknown(argument, context(ContextKind::SuggestedArg)),
            _ if !value.is_empty() => self.wrong_value(argument, value),
            ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
                mistake(text::usage_no_value(self.language, self.program, argument.to_owned()))
            }
            _ => mistake(text::usage_other(self.language, self.program)),
        }
    }

    /// One sentence about a value that cannot be.
    pub fn wrong_value(&self, argument: &str, value: String) -> Exit {
        mistake(text::usage_value(self.language, self.program, self.source_of(argument), value))
    }

    /// One sentence about a flag that is of no use without another one.
    pub fn needs(&self, given: &str, missing: &str) -> Exit {
        mistake(text::usage_needs(self.language, self.program, self.source_of(given), missing.to_owned()))
    }

    fn unknown(&self, argument: &str, nearest: Option<String>) -> Exit {
        let argument = argument.to_owned();
        mistake(match nearest {
            Some(nearest) => text::usage_unknown_near(self.language, self.program, argument, nearest),
            None => text::usage_unknown(self.language, self.program, argument),
        })
    }

    /// The flag, or the environment variable if its value did not come from the command line.
    fn source_of(&self, flag: &str) -> String {
        let is_flag = |argument: &OsString| argument.to_string_lossy().split('=').next() == Some(flag);
        match flag.strip_prefix("--") {
            Some(name) if !self.arguments.iter().any(is_flag) => {
                format!("PAPO_{}", name.to_uppercase().replace('-', "_"))
            }
            _ => flag.to_owned(),
        }
    }
}

/// One line, whatever the value in it is made of.
pub(super) fn mistake(sentence: String) -> Exit {
    Exit { message: format!("{}\n", CleanText::new(sentence).as_str()), code: 2 }
}
