//! One writer at a time among covaults: a lock file that all work trees of a repository share. And one at a time that has
//! git bring commits into a work tree: a lock file of each of them, since git may take long, and calls covault meanwhile.
//!
//! They do not keep other git programs out; the index lock and the compare-and-swap of the ref do.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::repo::Repo;
use crate::repo::error::{RepoError, Result};

/// Proof that this process is the only covault that writes; released when dropped, and by the system on a kill.
#[derive(Debug)]
pub struct WriteLock {
    _file: File,
}

/// Proof that this process is the only covault that brings commits into this work tree, or takes back what was brought;
/// released as the other.
#[derive(Debug)]
pub struct BringLock {
    _file: File,
}

/// How long another covault is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

impl Repo {
    /// Takes the write lock, waiting up to ten seconds for another covault.
    ///
    /// # Errors
    /// `Locked` names the process that has it; `IndexPasses`; `Io`.
    pub fn lock(&self) -> Result<WriteLock> {
        self.lock_within(PATIENCE)
    }

    /// Takes the write lock, waiting for another covault no longer than `patience`.
    ///
    /// # Errors
    /// As `lock`.
    pub fn lock_within(&self, patience: Duration) -> Result<WriteLock> {
        self.check_index_stays()?;
        let file = self.hold(self.common_dir().join("covault.lock"), patience)?;
        self.release_locks_of_the_dead();
        Ok(WriteLock { _file: file })
    }

    /// Takes the lock of this work tree for bringing commits in, waiting up to ten seconds for another covault.
    ///
    /// # Errors
    /// `Locked` names the process that has it; `Io`.
    pub fn lock_bringing(&self) -> Result<BringLock> {
        Ok(BringLock { _file: self.hold(self.git_dir().join("covault.syncing"), PATIENCE)? })
    }

    fn hold(&self, path: PathBuf, patience: Duration) -> Result<File> {
        const PAUSE: Duration = Duration::from_millis(20);
        let failed = |source: std::io::Error| RepoError::io("lock", path.to_string_lossy(), source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        self.share(&path, self.sharing());
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if waited >= patience => {
                    let mut text = String::new();
                    let by = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                    return Err(RepoError::Locked { path, by });
                }
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(PAUSE);
                    waited += PAUSE;
                }
            }
        }
        // Who has it is a courtesy for the error above; the lock itself does not depend on it.
        drop(file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())));
        Ok(file)
    }
}
