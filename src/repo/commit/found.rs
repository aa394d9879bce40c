//! What a change was built on: whoever puts another version there meanwhile is not written over.
//!
//! The write lock keeps other covaults out, not git: a key that asks before it signs leaves time for a `git pull`.

use rayon::prelude::*;

use super::{Change, LIMIT, MANY, Planned};
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

/// What lies in the work tree where a change is to go.
pub(super) struct Seen {
    /// Something does.
    pub(super) is_there: bool,
    /// It is what the change would write already.
    pub(super) is_wanted: bool,
    /// It is what the change follows.
    pub(super) is_as_found: bool,
}

impl Seen {
    fn of(change: &Change, bytes: Option<&[u8]>) -> Self {
        let is_wanted = bytes == change.work();
        // Nobody asks it then.
        let is_as_found = is_wanted || change.over.is_still(bytes);
        Self { is_there: bytes.is_some(), is_wanted, is_as_found }
    }
}

impl Repo {
    /// Looks at the place of each change, on all cores where there are many.
    pub(super) fn seen_on_disk(&self, changes: &[Change]) -> Vec<Result<Seen>> {
        let reader = self.reader();
        let look = |change: &Change| match reader.as_ref().map(|reader| reader.read(change.path(), LIMIT)) {
            Some(Err(RepoError::TooLarge { .. })) => Ok(Seen::of(change, Some(&[]))),
            Some(found) => Ok(Seen::of(change, found?.as_deref())),
            None => Ok(Seen::of(change, None)),
        };
        if changes.len() < MANY { changes.iter().map(look).collect() } else { changes.par_iter().map(look).collect() }
    }

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

pub(super) fn overtaken(path: &str, staged: bool) -> RepoError {
    RepoError::Overtaken { path: path.to_owned(), staged }
}
