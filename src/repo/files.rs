//! Replacing one small file of git's own (not of the work tree) atomically.
//!
//! Its other lines are the caller's business.

use std::io::Write;
use std::path::Path;

use crate::repo::error::{RepoError, Result};

/// The text of a file; empty where there is none.
pub(super) fn read(path: &Path) -> Result<String> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(RepoError::io("read", path.to_string_lossy(), source)),
    }
}

/// Writes a file beside `path`, syncs it and renames it, keeping the mode that `path` had.
///
/// Where `path` is a link, what it points to is replaced: git's own files are the person's to arrange.
pub(super) fn replace(path: &Path, text: &str) -> Result<()> {
    let failed = |source: std::io::Error| RepoError::io("write", path.to_string_lossy(), source);
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().unwrap_or(&target);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix("covault-").tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let mode = std::fs::metadata(&target).map(|meta| meta.permissions()).ok().or_else(default_mode);
    if let Some(mode) = mode {
        file.as_file().set_permissions(mode).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

/// The mode that git gives its files; a temporary file is born with less.
fn default_mode() -> Option<std::fs::Permissions> {
    #[cfg(unix)]
    let mode = Some(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    #[cfg(not(unix))]
    let mode = None;
    mode
}
