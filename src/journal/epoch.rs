//! What tells one journal from every other one.

use std::fmt;
use std::str::FromStr;

use ring::rand::{SecureRandom, SystemRandom};

use super::error::JournalError;

/// The epoch of a journal: a random number of 128 bits, made with it. Numbers of the room mean something only together with
/// it. Shown as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u128);

impl Epoch {
    /// A new one.
    ///
    /// # Errors
    /// [`JournalError::NoRandomness`] if the system has no random numbers.
    pub(super) fn random() -> Result<Epoch, JournalError> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).map_err(|_| JournalError::NoRandomness)?;
        Ok(Epoch(u128::from_be_bytes(bytes)))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A text that is no [`Epoch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an epoch is 32 hexadecimal digits")]
pub struct BadEpoch;

impl FromStr for Epoch {
    type Err = BadEpoch;

    fn from_str(text: &str) -> Result<Epoch, BadEpoch> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = if is_hex { u128::from_str_radix(text, 16).ok() } else { None };
        number.map(Epoch).ok_or(BadEpoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_random_and_reads_as_it_is_shown() {
        let [one, two] = [Epoch::random().unwrap(), Epoch::random().unwrap()];
        assert_ne!(one, two);
        assert_eq!(one.to_string().len(), 32);
        assert_eq!(one.to_string().parse(), Ok(one));
        assert_eq!("+0000000000000000000000000000001".parse::<Epoch>(), Err(BadEpoch));
    }
}
