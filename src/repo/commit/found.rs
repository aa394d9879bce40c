//! What a change was built on: whoever puts another version there meanwhile is not written over.
//!
//! The write lock keeps other covaults out, not git: a key that asks before it signs leaves time for a `git pull`.

use super::{Change, Planned};
use crate::repo::error::{RepoError, Result};
use crate::repo::{Head, ObjectId, Repo, names};

/// What lay in the work tree when the version before was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Found {
    /// Nobody looked.
    #[default]
    Unknown,
    /// No file.
    Nothing,
    /// A file that is this blob.
    Blob(ObjectId),
}

impl Found {
    fn is_still(self, on_disk: Option<&[u8]>) -> bool {
        match (self, on_disk) {
            (Self::Unknown, _) | (Self::Nothing, None) => true,
            (Self::Blob(id), Some(bytes)) => names(id, bytes),
            (Self::Nothing, Some(_)) | (Self::Blob(_), None) => false,
        }
    }
}

impl Change {
    /// Refuses to go over another file than the one that it follows.
    pub(super) fn check_found(&self, on_disk: Option<&[u8]>) -> Result<()> {
        if self.over.is_still(on_disk) { Ok(()) } else { Err(overtaken(self.path(), false)) }
    }
}

impl Repo {
    /// Refuses where `head` has another version than `since` at one of our paths, and not ours.
    pub(super) fn check_head(
        &self,
        plan: &[Planned<'_>],
        since: Option<&Head>,
        head: Option<ObjectId>,
        staged: bool,
    ) -> Result<()> {
        let Some(since) = since.filter(|since| since.commit != head) else { return Ok(()) };
        for planned in plan {
            let path = planned.change.path();
            let entry = |commit: Option<ObjectId>| commit.map_or(Ok(None), |commit| self.entry_at(commit, path));
            let now = entry(head)?;
            if now.map(|(_, id)| id) != planned.committed && now != entry(since.commit)? {
                return Err(overtaken(path, staged));
            }
        }
        Ok(())
    }
}

fn overtaken(path: &str, staged: bool) -> RepoError {
    RepoError::Overtaken { path: path.to_owned(), staged }
}
