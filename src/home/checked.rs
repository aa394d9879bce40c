//! State files that say when they are damaged: their last line is the SHA-256 of what stands before it.
//!
//! It keeps nobody out, since who may write the file may write that line; it is there for disks, backups and editors.
//! A record that came back as another one would weaken what it is for: a rollback that is not noticed, a reader whose
//! removal is forgotten, a reading that is not listed.

use std::path::Path;

use super::{HomeError, files};
use crate::model::bytes::Hash;

/// How the last line begins.
const MARK: &[u8] = b"# sha256 ";

/// Writes `body` with its digest, in one step.
pub(super) fn write(file: &Path, body: &[u8]) -> Result<(), HomeError> {
    let digest = Hash::of(body).to_string();
    files::write_private(file, &[body, MARK, digest.as_bytes(), b"\n"].concat())
}

/// The same for what can be lost: after a crash it may be torn, and is damaged then.
pub(super) fn write_cache(file: &Path, body: &[u8]) -> Result<(), HomeError> {
    let digest = Hash::of(body).to_string();
    files::write_unsynced(file, &[body, MARK, digest.as_bytes(), b"\n"].concat())
}

/// Reads what was written; `None` where there is no file.
///
/// # Errors
/// `DamagedState` for a file that is not as it was written, `Io`.
pub(super) fn read(file: &Path) -> Result<Option<Vec<u8>>, HomeError> {
    let Some(bytes) = files::read_optional(file)? else { return Ok(None) };
    body(bytes).map(Some).ok_or_else(|| HomeError::DamagedState { file: file.to_path_buf() })
}

/// The same as text.
pub(super) fn read_text(file: &Path) -> Result<Option<String>, HomeError> {
    let Some(bytes) = read(file)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|_| HomeError::DamagedState { file: file.to_path_buf() })
}

fn body(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let end = bytes.len().checked_sub(MARK.len() + 64 + 1)?;
    let last = bytes.split_off(end);
    let digest = last.strip_prefix(MARK)?.strip_suffix(b"\n")?;
    (Hash::of(&bytes).to_string().as_bytes() == digest).then_some(bytes)
}
