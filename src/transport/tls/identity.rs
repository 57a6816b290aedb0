//! What a server shows of itself: a certificate and the key to it, from files or made here.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{Error, InconsistentKeys, ServerConfig};

use super::Fingerprint;
use crate::data;

/// The certificate that papo made, in its data directory.
pub const KEPT_CERTIFICATE: &str = "tls-cert.pem";

/// The key to [`KEPT_CERTIFICATE`].
pub const KEPT_KEY: &str = "tls-key.pem";

/// What is read of a file: no certificate and no key is longer.
const MAX_FILE: u64 = 1024 * 1024; // 1 MiB

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a certificate made here counts: ten years. Nothing renews it, since whoever knows its fingerprint relies on that.
const LIFETIME: Duration = DAY.saturating_mul(3652);

/// The one application protocol of papo's TLS: a client that names some and not this one meant somebody else, and may have been
/// led here (ALPACA, RFC 7301 §3.2). Clients of a chat name none.
const ALPN: &[u8] = b"http/1.1";

/// A certificate with its key, ready to be shown.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    fingerprint: Fingerprint,
}

/// Why there is no [`Identity`].
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no certificate, or a broken one.
    #[error("no valid certificate in {}", path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
    },
    /// A file holds no private key, or none that can be used without asking somebody.
    #[error("no usable private key in {}", path.display())]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// The key is that of another certificate.
    #[error("the key in {} is not that of the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// A certificate was kept, and its key is gone.
    #[error("{} is missing, the key to {}", key.display(), certificate.display())]
    KeyMissing {
        /// The file of the certificate.
        certificate: PathBuf,
        /// Where its key should be.
        key: PathBuf,
    },
    /// What was made cannot be kept.
    #[error("cannot keep a certificate in {}: {source}", directory.display())]
    NotKept {
        /// The data directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    NotMade(#[from] rcgen::Error),
    /// A certificate and its key cannot be used for TLS.
    #[error("cannot use the certificate: {0}")]
    Unusable(#[from] Error),
}

impl Identity {
    /// Reads a chain of certificates, that of the server first, and its key, both in the PEM format.
    ///
    /// # Errors
    /// [`IdentityError`]: a file cannot be read or holds something else, or the two do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Identity, IdentityError> {
        let no_certificate = || IdentityError::NoCertificate { path: certificate.to_owned() };
        let no_key = || IdentityError::NoKey { path: key.to_owned() };
        let chain: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(&read(certificate)?).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(no_certificate)?;
        let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| no_key())?;
        let private = default_provider().key_provider.load_private_key(private).map_err(|_| no_key())?;
        let certified = CertifiedKey::new(chain, private);
        match certified.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Identity::new(certified),
            Err(Error::InconsistentKeys(_)) => {
                Err(IdentityError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() })
            }
            Err(_) => Err(no_certificate()),
        }
    }

    /// Reads [`KEPT_CERTIFICATE`] and [`KEPT_KEY`] in a directory, which are made first if they are not there. Whoever else does so
    /// in this moment ends up with the same two.
    ///
    /// # Errors
    /// [`IdentityError::NotKept`] if the directory cannot be written to; others if what is in it cannot be used.
    pub fn kept_in(directory: &Path) -> Result<Identity, IdentityError> {
        let not_kept = |source| IdentityError::NotKept { directory: directory.to_owned(), source };
        let (certificate, key) = (directory.join(KEPT_CERTIFICATE), directory.join(KEPT_KEY));
        data::create(directory).map_err(not_kept)?;
        // in this order: a certificate is never written before its key
        let has_certificate = certificate.try_exists().map_err(not_kept)?;
        let has_key = key.try_exists().map_err(not_kept)?;
        if has_certificate && !has_key {
            return Err(IdentityError::KeyMissing { certificate, key });
        }
        if !has_key {
            let made = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            write_unless_there(&key, made.serialize_pem().as_bytes()).map_err(not_kept)?;
        }
        if !has_certificate {
            // the key in the file: it may be that of somebody who was faster, or of a start that did not get further
            let text = String::from_utf8_lossy(&read(&key)?).into_owned();
            let kept = KeyPair::from_pem(&text).map_err(|_| IdentityError::NoKey { path: key.clone() })?;
            let made = parameters().self_signed(&kept)?;
            write_unless_there(&certificate, made.pem().as_bytes()).map_err(not_kept)?;
        }
        Identity::load(&certificate, &key)
    }

    /// Makes one that is gone with the process.
    ///
    /// # Errors
    /// Those of making it: there is no source of randomness.
    pub fn passing() -> Result<Identity, IdentityError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = parameters().self_signed(&pair)?;
        let key = PrivateKeyDer::Pkcs8(pair.serialize_der().into());
        let key = default_provider().key_provider.load_private_key(key)?;
        Identity::new(CertifiedKey::new(vec![certificate.der().clone()], key))
    }

    fn new(certified: CertifiedKey) -> Result<Identity, IdentityError> {
        let fingerprint = Fingerprint::of(certified.end_entity_cert()?);
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Identity { config: Arc::new(config), fingerprint })
    }

    /// That of the server's own certificate, the first one of the chain.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// Without the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    let mut bytes = Vec::new();
    let result = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    result.map(|_| bytes).map_err(|source| IdentityError::Read { path: path.to_owned(), source })
}

fn write_unless_there(path: &Path, contents: &[u8]) -> io::Result<()> {
    match data::write_new(path, contents) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// What a certificate made here says: who this is, and from when until when.
fn parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "papo");
    parameters.subject_alt_names = names_of_this_machine();
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // a day's grace for clocks that are behind this one
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    parameters.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(DAY);
    parameters.not_after = parameters.not_before + LIFETIME;
    parameters
}

/// Everything that a client on this network may call this machine by now: names, then addresses, each once.
fn names_of_this_machine() -> Vec<SanType> {
    let host = sysinfo::System::host_name().filter(|host| is_dns_name(host));
    let names = ["localhost".to_owned()].into_iter().chain(host.iter().flat_map(|host| {
        let local = (!host.contains('.')).then(|| format!("{host}.local"));
        [Some(host.clone()), local].into_iter().flatten()
    }));
    let mut addresses = vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    // without them it is a certificate all the same
    addresses.extend(if_addrs::get_if_addrs().unwrap_or_default().iter().map(if_addrs::Interface::ip));
    addresses.sort();
    addresses.dedup();
    let names = names.filter_map(|name| name.try_into().ok().map(SanType::DnsName));
    names.chain(addresses.into_iter().map(SanType::IpAddress)).collect()
}

fn is_dns_name(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host != "localhost" && host.len() <= 240 && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::thread;
    use tempfile::TempDir;

    fn kept(directory: &TempDir) -> [PathBuf; 2] {
        [KEPT_CERTIFICATE, KEPT_KEY].map(|name| directory.path().join(name))
    }

    #[test]
    fn it_is_made_once_and_is_the_same_at_the_next_start() {
        let directory = tempfile::tempdir().unwrap();
        let first = Identity::kept_in(directory.path()).unwrap();
        let second = Identity::kept_in(directory.path()).unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        let [certificate, key] = kept(&directory);
        assert_eq!(Identity::load(&certificate, &key).unwrap().fingerprint(), first.fingerprint());
        assert_ne!(Identity::passing().unwrap().fingerprint(), first.fingerprint());
        // whatever it was written by way of is gone
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("papo");
        Identity::kept_in(&below).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(below.join(KEPT_KEY)), mode(below)), (0o600, 0o700));
    }

    #[test]
    fn servers_that_start_in_one_moment_have_one_identity() {
        for _ in 0..5 {
            let directory = tempfile::tempdir().unwrap();
            let fingerprints = thread::scope(|scope| {
                let starting: Vec<_> = (0..8)
                    .map(|_| scope.spawn(|| Identity::kept_in(directory.path()).unwrap().fingerprint()))
                    .collect();
                starting.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            });
            assert!(fingerprints.iter().all(|fingerprint| *fingerprint == fingerprints[0]), "{fingerprints:?}");
        }
    }

    #[test]
    fn a_start_that_ended_between_the_two_files_is_made_up_for() {
        let directory = tempfile::tempdir().unwrap();
        Identity::kept_in(directory.path()).unwrap();
        let [certificate, key] = kept(&directory);
        let before = fs::read(&key).unwrap();
        fs::remove_file(&certificate).unwrap();
        Identity::kept_in(directory.path()).unwrap();
        assert_eq!(fs::read(&key).unwrap(), before);
    }

    #[test]
    fn what_is_broken_is_named_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        for directory in [&directory, &other] {
            Identity::kept_in(directory.path()).unwrap();
        }
        let [certificate, key] = kept(&directory);
        let [other_certificate, other_key] = kept(&other);
        let whole = fs::read_to_string(&certificate).unwrap();
        let error = |certificate: &Path, key: &Path| Identity::load(certificate, key).unwrap_err();
        assert!(matches!(error(&other_certificate, &key), IdentityError::Mismatch { .. }));
        assert!(matches!(error(&key, &key), IdentityError::NoCertificate { path } if path == key));
        assert!(
            matches!(error(&certificate, &other_certificate), IdentityError::NoKey { path } if path == other_certificate)
        );
        let missing = directory.path().join("missing");
        assert!(matches!(error(&missing, &key), IdentityError::Read { path, .. } if path == missing));
        assert!(matches!(error(directory.path(), &key), IdentityError::Read { .. }));
        assert!(matches!(error(&certificate, &missing), IdentityError::Read { path, .. } if path == missing));
        // PEM, but no certificate
        let wrong = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for broken in ["", "oi\n", &whole[..whole.len() / 2], &whole[..whole.len() - 40], wrong] {
            fs::write(&certificate, broken).unwrap();
            let error = Identity::kept_in(directory.path()).unwrap_err();
            assert!(matches!(&error, IdentityError::NoCertificate { path } if *path == certificate), "{error}");
            assert_eq!(fs::read_to_string(&certificate).unwrap(), broken);
        }
        fs::write(&certificate, whole).unwrap();
        fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        assert!(matches!(Identity::kept_in(directory.path()).unwrap_err(), IdentityError::NoKey { .. }));
        fs::remove_file(&key).unwrap();
        assert!(matches!(Identity::kept_in(directory.path()).unwrap_err(), IdentityError::KeyMissing { .. }));
        fs::remove_file(&other_certificate).unwrap();
        fs::write(&other_key, "oi").unwrap();
        assert!(matches!(Identity::kept_in(other.path()).unwrap_err(), IdentityError::NoKey { .. }));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        for impossible in [file.clone(), file.join("papo")] {
            let error = Identity::kept_in(&impossible).unwrap_err();
            assert!(matches!(error, IdentityError::NotKept { directory, .. } if directory == impossible));
        }
    }

    #[test]
    fn a_chain_is_shown_as_its_first_certificate() {
        let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let identity = Identity::kept_in(directory.path()).unwrap();
        Identity::kept_in(other.path()).unwrap();
        let [certificate, key] = kept(&directory);
        let chain = [fs::read(&certificate).unwrap(), fs::read(&kept(&other)[0]).unwrap()].concat();
        fs::write(&certificate, chain).unwrap();
        assert_eq!(Identity::load(&certificate, &key).unwrap().fingerprint(), identity.fingerprint());
    }

    #[test]
    fn the_key_is_not_shown() {
        let shown = format!("{:?}", Identity::passing().unwrap());
        assert!(shown.starts_with("Identity { fingerprint: ") && shown.len() < 300, "{shown}");
    }

    #[test]
    fn names_that_a_certificate_may_hold() {
        for name in ["papo", "sala-3", "pc.escola.example"] {
            assert!(is_dns_name(name), "{name}");
        }
        for name in ["", "localhost", "a b", "olá", "a..b", "_x", &"a".repeat(64)] {
            assert!(!is_dns_name(name), "{name}");
        }
        let names = names_of_this_machine();
        for address in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
            assert_eq!(names.iter().filter(|name| **name == SanType::IpAddress(address)).count(), 1);
        }
        assert!(names.contains(&SanType::DnsName("localhost".try_into().unwrap())));
    }
}
