//! Files that git changed on their way to the disk: line ends mostly, by attributes that win over the tracked ones of ours.
//!
//! In a clone that is set up there are none: its own attributes win over all others.

use crate::repo::error::{RepoError, Result};
use crate::repo::{Change, CommitHow, CommitMode, Repo, WorkState, WriteLock};

impl Repo {
    /// The files below `dir` that git calls unchanged though their bytes are not those of the index; none without a work
    /// tree.
    ///
    /// # Errors
    /// `Git`, `GitAnswer`, errors of reading.
    pub fn converted_below(&self, dir: &str) -> Result<Vec<String>> {
        if self.work_dir().is_none() {
            return Ok(Vec::new());
        }
        let states = self.status_of(dir)?.into_iter();
        let mut others: Vec<_> =
            states.filter(|(_, state)| *state == WorkState::Modified).map(|(path, _)| path).collect();
        if !others.is_empty() {
            let what = "diff-files";
            let said = self.ask(&[what, "--name-only", "-z", "--", dir])?;
            let said = said.ok_or_else(|| RepoError::GitAnswer { what: what.into() })?;
            others.retain(|path| !said.split(|byte| *byte == 0).any(|changed| changed == path.as_bytes()));
        }
        Ok(others)
    }

    /// Puts such files on the disk as the index has them. The attributes that keep git from changing them again are to be
    /// in place before, with which git may call them changed: so they are to be found before that.
    ///
    /// # Errors
    /// As `commit`.
    pub fn undo_conversions(&self, lock: &WriteLock, paths: &[String]) -> Result<()> {
        let mut changes = Vec::with_capacity(paths.len());
        for path in paths {
            if let Some(blob) = self.staged_blob(path)? {
                changes.push(Change::write(path, self.blob(blob)?));
            }
        }
        let how = CommitHow { message: "", mode: CommitMode::Stage, now: 0, since: None, progress: None };
        self.commit(lock, &changes, &how)?;
        // The index knows them by another size, which no refresh of git's gets past.
        self.set_from_disk(&changes.iter().map(Change::path).collect::<Vec<_>>())
    }
}
