//! What git is in the middle of, as far as it must keep us from committing.
//!
//! It only looks; nothing is continued or aborted.

use crate::repo::Repo;
use crate::repo::error::{RepoError, Result};
use crate::repo::index::Index;

/// An operation of git that is not finished, or a tool beside git that keeps its own state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `git merge`.
    Merge,
    /// `git rebase`.
    Rebase,
    /// `git cherry-pick`.
    CherryPick,
    /// `git revert`.
    Revert,
    /// `git bisect`.
    Bisect,
    /// `git am`.
    ApplyMailbox,
    /// A sequence of cherry-picks or reverts, between two of them.
    Sequencer,
    /// These paths have several versions in the index.
    Unmerged(Vec<String>),
    /// `git commit` runs us in a hook: it is about to move the branch itself.
    Commit,
    /// Jujutsu keeps its state beside git's.
    Jujutsu,
}

impl Repo {
    /// What git is in the middle of, if anything.
    ///
    /// # Errors
    /// `Index`.
    pub fn operation(&self) -> Result<Option<Operation>> {
        Ok(self.operation_beside(self.read_index()?.as_ref()))
    }

    /// The same, with an index that has been read already.
    pub(super) fn operation_beside(&self, index: Option<&Index>) -> Option<Operation> {
        use gix::state::InProgress;
        let known = self.git.state().map(|state| match state {
            InProgress::ApplyMailbox => Operation::ApplyMailbox,
            InProgress::ApplyMailboxRebase | InProgress::Rebase | InProgress::RebaseInteractive => Operation::Rebase,
            InProgress::CherryPick | InProgress::CherryPickSequence => Operation::CherryPick,
            InProgress::Merge => Operation::Merge,
            InProgress::Bisect => Operation::Bisect,
            InProgress::Revert | InProgress::RevertSequence => Operation::Revert,
        });
        if known.is_some() {
            return known;
        }
        // Git names the index of the commit that it makes to its hooks. Were we to commit now, git would find the
        // branch moved and fail; what we stage is part of its commit.
        if std::env::var_os("GIT_INDEX_FILE").is_some() {
            return Some(Operation::Commit);
        }
        if self.git_dir().join("sequencer").is_dir() {
            return Some(Operation::Sequencer);
        }
        let unmerged = index.map(|index| self.unmerged(index)).unwrap_or_default();
        if !unmerged.is_empty() {
            return Some(Operation::Unmerged(unmerged));
        }
        let jujutsu = self.work_dir().is_some_and(|top| top.join(".jj").is_dir());
        jujutsu.then_some(Operation::Jujutsu)
    }

    /// The index that is named to us is the work tree's own, or the one that becomes it. Git commits only some files
    /// (`git commit FILE`) with an index that it throws away: what we stage there would be in the commit, and the index that
    /// stays would have the old value, which the next commit brings back.
    pub(super) fn check_index_stays(&self) -> Result<()> {
        if std::env::var_os("GIT_INDEX_FILE").is_none() {
            return Ok(());
        }
        let index = self.git.index_path();
        let folder = std::path::absolute(&index).ok().and_then(|index| index.parent()?.canonicalize().ok());
        let is_here = folder.is_some() && folder == self.git_dir().canonicalize().ok();
        let stays = is_here && index.file_name().is_some_and(|name| name == "index" || name == "index.lock");
        if stays { Ok(()) } else { Err(RepoError::IndexPasses { index }) }
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Merge => "a merge is in progress",
            Self::Rebase => "a rebase is in progress",
            Self::CherryPick => "a cherry-pick is in progress",
            Self::Revert => "a revert is in progress",
            Self::Bisect => "a bisect is in progress",
            Self::ApplyMailbox => "`git am` is in progress",
            Self::Sequencer => "a sequence of commits is in progress",
            Self::Unmerged(_) => "some paths are unmerged",
            Self::Commit => "a commit is in progress",
            Self::Jujutsu => "jj keeps this work tree",
        })
    }
}
