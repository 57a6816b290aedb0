//! Resume tokens: how a program proves, on another connection, that it is the member that it was.
//!
//! A [`Token`] is known to the program alone. The room keeps its [`Proof`], from which nobody gets the token back, so that
//! whoever reads the server's memory or its journal can be nobody. Makes no random numbers.

use std::fmt;

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN, digest};

/// Bytes in a token.
pub const TOKEN_BYTES: usize = 32;

/// A secret of 256 bits, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token([u8; TOKEN_BYTES]);

impl Token {
    /// The token of these bytes, which must be random.
    pub const fn new(bytes: [u8; TOKEN_BYTES]) -> Token {
        Token(bytes)
    }

    /// Reads 64 hexadecimal digits; `None` if the text is anything else.
    pub fn parse(text: &str) -> Option<Token> {
        hex(text).map(Token)
    }

    /// What others may know of it.
    pub fn proof(&self) -> Proof {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, &self.0).as_ref());
        Proof(bytes)
    }

    /// As programs read it.
    pub fn reveal(&self) -> String {
        digits(&self.0)
    }
}

/// Says nothing of the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The SHA-256 digest of a [`Token`]: tells members apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proof([u8; SHA256_OUTPUT_LEN]);

impl Proof {
    /// As it is kept: 64 hexadecimal digits.
    pub fn word(&self) -> String {
        digits(&self.0)
    }

    /// The proof that was kept as this word; `None` if it is none.
    pub fn from_word(word: &str) -> Option<Proof> {
        hex(word).map(Proof)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

/// Tells one member's message from every other message of everybody: it comes from who says it and from the id that they
/// gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageKey([u8; MessageKey::BYTES]);

impl MessageKey {
    const BYTES: usize = 16;

    /// The key of the message to which the member with this proof gave this id.
    pub fn new(proof: &Proof, id: &str) -> MessageKey {
        let mut context = Context::new(&SHA256);
        context.update(&proof.0);
        context.update(id.as_bytes());
        let mut bytes = [0; MessageKey::BYTES];
        bytes.copy_from_slice(&context.finish().as_ref()[..MessageKey::BYTES]);
        MessageKey(bytes)
    }

    /// As it is kept: 32 hexadecimal digits.
    pub fn word(&self) -> String {
        digits(&self.0)
    }

    /// The key that was kept as this word; `None` if it is none.
    pub fn from_word(word: &str) -> Option<MessageKey> {
        hex(word).map(MessageKey)
    }
}

fn digits(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Reads two digits a byte, as many as there are bytes.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_written(bytes: [u8; TOKEN_BYTES]) {
            let token = Token::new(bytes);
            prop_assert_eq!(Token::parse(&token.reveal()), Some(token));
            prop_assert_eq!(Token::parse(&token.reveal().to_uppercase()), Some(token));
            prop_assert!(token.reveal().len() == 64);
        }

        #[test]
        fn anything_else_is_no_token(text in "\\PC{0,80}") {
            let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            prop_assert_eq!(Token::parse(&text).is_some(), is_hex);
        }
    }

    #[test]
    fn a_proof_is_the_digest_and_nothing_shows_the_secret() {
        let token = Token::new([7; TOKEN_BYTES]);
        assert_ne!(token.proof(), Token::new([8; TOKEN_BYTES]).proof());
        assert_ne!(token.proof().0, token.0);
        assert_eq!(Proof::from_word(&token.proof().word()), Some(token.proof()));
        assert_eq!(format!("{token:?} {:?}", token.proof()), "Token(…) Proof(…)");
    }

    #[test]
    fn a_message_is_known_by_its_author_and_its_id() {
        let [ana, beto] = [1, 2].map(|byte| Token::new([byte; TOKEN_BYTES]).proof());
        let keys = [(ana, "1"), (ana, "2"), (beto, "1")].map(|(proof, id)| MessageKey::new(&proof, id));
        assert_eq!(keys[0], MessageKey::new(&ana, "1"));
        assert!(keys[0] != keys[1] && keys[0] != keys[2]);
        assert_eq!(MessageKey::from_word(&keys[0].word()), Some(keys[0]));
        assert_eq!(MessageKey::from_word("m1"), None);
    }
}
