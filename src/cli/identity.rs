//! Which certificate the server shows: one that was given, one that it keeps, or one for this run only; and what to tell the
//! operator when there is none.

use std::path::{Path, PathBuf};

use log::warn;

use crate::chat::language::Language;
use crate::chat::text;
use crate::config::{CertificateFiles, Config, Tls};
use crate::transport::tls::{Identity, IdentityError, KEPT_CERTIFICATE, KEPT_KEY};

/// Where an [`Identity`] came from, and can be had again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Two files.
    Files(CertificateFiles),
    /// The memory of this process alone.
    Memory,
}

/// The identity that this configuration asks for; `None` without TLS. One that cannot be kept is made for this run only, and
/// the log says so.
///
/// # Errors
/// The sentence that says why what was given, or kept, cannot be used.
pub fn open(config: &Config, language: Language) -> Result<Option<(Identity, Source)>, String> {
    if config.tls == Tls::Off {
        return Ok(None);
    }
    let opened = match &config.certificate {
        Some(files) => load(files).map(|identity| (identity, Source::Files(files.clone()))),
        None => make_or_load(config.data.as_deref(), language),
    };
    opened.map(Some).map_err(|error| why_not(&error, language))
}

/// Reads the identity again.
///
/// # Errors
/// The sentence that says why that cannot be.
pub fn reopen(source: &Source, language: Language) -> Result<Identity, String> {
    match source {
        Source::Files(files) => load(files).map_err(|error| why_not(&error, language)),
        Source::Memory => Err(text::tls_nothing_to_reload(language)),
    }
}

fn load(CertificateFiles { certificate, key }: &CertificateFiles) -> Result<Identity, IdentityError> {
    Identity::load(certificate, key)
}

fn make_or_load(directory: Option<&Path>, language: Language) -> Result<(Identity, Source), IdentityError> {
    let why = match directory.map(|directory| (directory, Identity::kept_in(directory))) {
        Some((directory, Ok(identity))) => {
            let [certificate, key] = [KEPT_CERTIFICATE, KEPT_KEY].map(|name| directory.join(name));
            return Ok((identity, Source::Files(CertificateFiles { certificate, key })));
        }
        Some((_, Err(error @ IdentityError::NotKept { .. }))) => why_not(&error, language),
        Some((_, Err(error))) => return Err(error),
        None => text::tls_no_directory(language),
    };
    warn!("{}", text::tls_passing(language, why));
    Ok((Identity::passing()?, Source::Memory))
}

fn why_not(error: &IdentityError, language: Language) -> String {
    let shown = |path: &PathBuf| path.display().to_string();
    match error {
        IdentityError::Read { path, source } => text::tls_cannot_read(language, shown(path), source.to_string()),
        IdentityError::NoCertificate { path } => text::tls_no_certificate(language, shown(path)),
        IdentityError::NoKey { path } => text::tls_no_key(language, shown(path)),
        IdentityError::Mismatch { certificate, key } => text::tls_mismatch(language, shown(certificate), shown(key)),
        IdentityError::KeyMissing { certificate, key } => {
            text::tls_key_missing(language, shown(certificate), shown(key))
        }
        IdentityError::NotKept { directory, source } => {
            text::tls_not_kept(language, shown(directory), source.to_string())
        }
        IdentityError::NotMade(error) => text::tls_unusable(language, error.to_string()),
        IdentityError::Unusable(error) => text::tls_unusable(language, error.to_string()),
    }
}
