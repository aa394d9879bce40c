//! Files whose line ends git changed on their way to the disk, by attributes that win over the tracked ones of ours.
//!
//! In a clone that is set up there are none: its own attributes win over all others. Git's word is not asked for: of what
//! is no text it says that it was changed, since it does not come back from there to what it was.

use crate::repo::error::Result;
use crate::repo::{Change, CommitHow, CommitMode, Repo, WorkState, WriteLock};

/// Larger files are none of ours.
const LIMIT: u64 = 256 << 20;

impl Repo {
    /// The files below `dir` that are what the index has with other line ends, as they are to be; none without a work tree.
    ///
    /// # Errors
    /// Errors of reading.
    pub fn converted_below(&self, dir: &str) -> Result<Vec<Change>> {
        let mut converted = Vec::new();
        if self.work_dir().is_none() {
            return Ok(converted);
        }
        let modified = self.status_of(dir)?.into_iter().filter(|(_, state)| *state == WorkState::Modified);
        for (path, _) in modified {
            let Some(blob) = self.staged_blob(&path)? else { continue };
            let content = self.blob(blob)?;
            if self.read_work(&path, LIMIT)?.as_deref() == Some(&with_crlf(&content)) {
                converted.push(Change::write(path, content));
            }
        }
        Ok(converted)
    }

    /// Puts such files on the disk as the index has them. The attributes that keep git from changing them again are to be
    /// in place before.
    ///
    /// # Errors
    /// As `commit`.
    pub fn undo_conversions(&self, lock: &WriteLock, converted: &[Change]) -> Result<()> {
        let how = CommitHow { message: "", mode: CommitMode::Stage, now: 0, since: None, progress: None };
        self.commit(lock, converted, &how)?;
        // The index knows them by another size, which no refresh of git's gets past.
        self.set_from_disk(&converted.iter().map(Change::path).collect::<Vec<_>>())
    }
}

/// What `eol=crlf` makes of bytes: each LF that has no CR before it gets one.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    let mut before = 0;
    for &byte in bytes {
        if byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        before = byte;
    }
    out
}
