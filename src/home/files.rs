//! Private files: 0600 in folders of 0700, replaced in one step.
//!
//! It does not know what is in them.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::HomeError;

/// How the names of temporary files begin.
const TEMPORARY: &str = ".covault-tmp-";

/// Writes `bytes` to `file` in one step; folders are made as needed.
pub fn write_private(file: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    write(file, bytes, true)
}

/// Writes a file that is not there yet; what came to be there meanwhile stays, and is an error.
pub fn create_private(file: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let temp = written_beside(file, bytes, true)?;
    temp.persist_noclobber(file).map_err(|e| HomeError::Io {
        action: "make",
        file: file.to_path_buf(),
        source: e.error,
    })?;
    Ok(())
}

/// As `write_private`, without waiting for the disk: for what may be lost, and tells when it is torn.
pub fn write_unsynced(file: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    write(file, bytes, false)
}

fn write(file: &Path, bytes: &[u8], sync: bool) -> Result<(), HomeError> {
    let temp = written_beside(file, bytes, sync)?;
    temp.persist(file).map_err(|e| HomeError::Io { action: "replace", file: file.to_path_buf(), source: e.error })?;
    Ok(())
}

fn written_beside(file: &Path, bytes: &[u8], sync: bool) -> Result<NamedTempFile, HomeError> {
    let fail = |action| move |source| HomeError::Io { action, file: file.to_path_buf(), source };
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    make_private_dir(folder)?;
    let mut temp = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder).map_err(fail("write beside"))?;
    temp.write_all(bytes).map_err(fail("write"))?;
    if sync {
        temp.as_file().sync_all().map_err(fail("write"))?;
    }
    Ok(temp)
}

/// Whether a file of this name is one that is still being written, or was left.
pub fn is_temporary(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(TEMPORARY)
}

/// Removes what a killed run left beside private files, where it is so old; how many there were.
pub fn sweep(folder: &Path, age: Duration) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_old = |entry: &std::fs::DirEntry| {
        let written = entry.metadata().and_then(|about| about.modified()).ok();
        age.is_zero() || written.and_then(|at| at.elapsed().ok()).is_some_and(|since| since >= age)
    };
    let left = entries.filter(|entry| {
        is_temporary(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file()) && is_old(entry)
    });
    left.filter(|entry| std::fs::remove_file(entry.path()).is_ok()).count()
}

/// Makes a folder that only its owner can enter.
pub fn make_private_dir(folder: &Path) -> Result<(), HomeError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| HomeError::Io { action: "make", file: folder.to_path_buf(), source })
}

/// Reads a file, `None` where there is none.
pub fn read_optional(file: &Path) -> Result<Option<Vec<u8>>, HomeError> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HomeError::Io { action: "read", file: file.to_path_buf(), source }),
    }
}

/// Whether others may put files into a folder, and take them out.
pub fn others_may_write(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(folder).is_ok_and(|about| about.mode() & 0o022 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}

/// Refuses a key file that others can read.
pub fn check_private(file: &Path) -> Result<(), HomeError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let meta = std::fs::metadata(file).map_err(|source| HomeError::Io {
            action: "look at",
            file: file.to_path_buf(),
            source,
        })?;
        let mode = meta.mode() & 0o777;
        // What a pipe or /dev/fd hands over has no owner's file behind it.
        if meta.is_file() && mode & 0o077 != 0 {
            return Err(HomeError::Permissions { file: file.to_path_buf(), mode });
        }
    }
    Ok(())
}
