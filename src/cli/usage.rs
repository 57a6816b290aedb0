//! Help and mistakes of a command line, in the language of its reader. `clap` itself speaks only English.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::chat::language::Language;
use crate::chat::text;

/// Why a program does not start: something to print, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// What to print, line end included.
    pub message: String,
    /// 0 for what was asked for (help, version: to stdout), 2 for a mistake (to stderr).
    pub code: u8,
}

/// Gives every argument its help, and the page its headings.
pub fn translate(command: Command, help_of: impl Fn(&Arg) -> String, language: Language) -> Command {
    let positionals = if command.get_positionals().next().is_some() { "{positionals}\n" } else { "" };
    let options = text::cli_options(language);
    let template = format!("{{about}}\n\n{{usage}}\n\n{options}:\n{positionals}{{options}}{{after-help}}");
    command.help_template(template).mut_args(|arg| {
        let help = help_of(&arg);
        arg.help(help).hide_env(true)
    })
}

/// What to print, and the exit code, when clap does not let the program start.
pub fn exit(error: &clap::Error, program: &'static str, language: Language) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit { message: error.render().to_string(), code: 0 },
        _ => Exit { message: format!("{}\n", mistake(error, program, language)), code: 2 },
    }
}

/// One sentence about a wrong flag.
fn mistake(error: &clap::Error, program: &'static str, language: Language) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    // clap adds the value's placeholder: "--outbox <BYTES>"
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let argument = argument.split(' ').next().unwrap_or_default().to_owned();
    match error.kind() {
        ErrorKind::UnknownArgument => match context(ContextKind::SuggestedArg) {
            Some(nearest) => text::usage_unknown_near(language, program, argument, nearest),
            None => text::usage_unknown(language, program, argument),
        },
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => match context(ContextKind::InvalidValue) {
            Some(value) if !value.is_empty() => text::usage_value(language, program, argument, value),
            _ => text::usage_no_value(language, program, argument),
        },
        _ => {
            let rendered = error.render().to_string();
            let first = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ");
            text::usage_other(language, program, first.to_owned())
        }
    }
}
