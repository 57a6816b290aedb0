//! The data directory: where papo keeps what it must know at its next start. This knows paths and bytes, and nothing of
//! what the bytes mean.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use tempfile::NamedTempFile;

/// Where the system wants such a directory to be for the person who runs the program: `~/.local/share/papo` on Linux.
/// `None` for somebody without a home.
pub fn default_directory() -> Option<PathBuf> {
    let directory = etcetera::base_strategy::choose_native_strategy().ok()?.data_dir().join("papo");
    directory.is_absolute().then_some(directory)
}

/// Makes the directory if it is not there, and those above it. What it makes is open to nobody else (mode 0700 on Unix).
///
/// # Errors
/// Those of the system.
pub fn create(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Writes a file that was not there before, which nobody else may read (mode 0600 on Unix). Whatever happens meanwhile, it is
/// there as a whole or not at all.
///
/// # Errors
/// Those of the system; [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the file is there, which is left as it is.
pub fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    // the name is in the directory, and not on the disk before that is
    #[cfg(unix)]
    std::fs::File::open(directory)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_new_file_is_whole_and_replaces_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        write_new(&path, b"um").unwrap();
        assert_eq!(write_new(&path, b"dois").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"um");
        // and nothing else is left
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_what_is_kept() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("a/b");
        create(&below).unwrap();
        create(&below).unwrap();
        write_new(&below.join("c"), b"").unwrap();
        let modes = [directory.path().join("a"), below.clone(), below.join("c")].map(|path| mode(&path));
        assert_eq!(modes, [0o700, 0o700, 0o600]);
    }
}
