//! What people compare to know that a certificate is the one they mean.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use rustls_pki_types::CertificateDer;

/// The SHA-256 digest of a certificate, shown as `AB:CD:…`, in the way of `openssl x509 -fingerprint -sha256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; SHA256_OUTPUT_LEN]);

impl Fingerprint {
    /// That of this certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Fingerprint {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Fingerprint(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            let colon = if i == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

/// A text that is no [`Fingerprint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is {SHA256_OUTPUT_LEN} bytes as hexadecimal digits: AB:CD:…")]
pub struct BadFingerprint;

impl FromStr for Fingerprint {
    type Err = BadFingerprint;

    /// Reads `AB:CD:…` or `abcd…`, in capital or small letters.
    fn from_str(text: &str) -> Result<Fingerprint, BadFingerprint> {
        let pairs: Vec<&[u8]> = match text.contains(':') {
            true => text.split(':').map(str::as_bytes).collect(),
            false => text.as_bytes().chunks(2).collect(),
        };
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        if pairs.len() != bytes.len() {
            return Err(BadFingerprint);
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            *byte = byte_of(pair).ok_or(BadFingerprint)?;
        }
        Ok(Fingerprint(bytes))
    }
}

/// The byte of two hexadecimal digits.
fn byte_of(pair: &[u8]) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// SHA-256 of "abc": FIPS 180-2, appendix B.1.
    const OF_ABC: &str =
        "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";

    #[test]
    fn it_is_the_digest_as_people_read_it() {
        assert_eq!(Fingerprint::of(&CertificateDer::from(b"abc".as_slice())).to_string(), OF_ABC);
    }

    #[test]
    fn it_is_read_as_people_write_it() {
        let fingerprint = Ok(Fingerprint::of(&CertificateDer::from(b"abc".as_slice())));
        assert_eq!(OF_ABC.parse(), fingerprint);
        assert_eq!(OF_ABC.to_lowercase().parse(), fingerprint);
        assert_eq!(OF_ABC.replace(':', "").parse(), fingerprint);
        let wrong = [
            String::new(),
            OF_ABC[3..].to_owned(),
            format!("{OF_ABC}:00"),
            format!("{OF_ABC}:"),
            OF_ABC.replace("BA", "B"),
            OF_ABC.replace("BA", "BG"),
            OF_ABC.replace("BA", "+A"),
            OF_ABC.replace("BA:78", "BA78"),
            OF_ABC.replace(':', "")[1..].to_owned(),
            OF_ABC.replace("BA", "Bá"),
        ];
        for text in wrong {
            assert_eq!(text.parse::<Fingerprint>(), Err(BadFingerprint), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(bytes in any::<[u8; SHA256_OUTPUT_LEN]>()) {
            prop_assert_eq!(Fingerprint(bytes).to_string().parse(), Ok(Fingerprint(bytes)));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[0-9A-Fa-f:á]{0,100}") {
            let _ = text.parse::<Fingerprint>();
        }
    }
}
