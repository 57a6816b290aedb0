//! The arguments of a benchmark.

use clap::Parser;
use clap::error::ErrorKind;

/// Reads them. `cargo bench -- …` hands what is meant for one benchmark to all: whoever does not know it is not meant, and does
/// nothing.
pub fn parse<A: Parser>() -> Option<A> {
    match A::try_parse() {
        Ok(args) => Some(args),
        Err(error) if error.kind() == ErrorKind::UnknownArgument => {
            eprintln!("left out, since this benchmark knows no such argument: {}", error.to_string().trim_end());
            None
        }
        Err(error) => error.exit(),
    }
}
