//! A change of a file in which the person may have edits of their own: the commit gets `HEAD`'s version and ours on top,
//! and what is staged and what is on disk keep the person's edits and get the same.
//!
//! It does not know what is in such a file: what to put on top is handed in.

use crate::repo::error::{RepoError, Result};
use crate::repo::{Change, Repo};

impl Repo {
    /// The change that makes each version of `path` (in `HEAD`, in the index, on disk) what `with` makes of it; `None`
    /// where they are that already.
    ///
    /// # Errors
    /// `Unmerged`, `Symlink`, `TooLarge` beyond `limit`, errors of reading.
    pub fn change_in_three(
        &self,
        path: &str,
        limit: u64,
        with: &mut dyn FnMut(&[u8]) -> Vec<u8>,
    ) -> Result<Option<Change>> {
        let index = self.read_index()?;
        if let Some(index) = &index
            && self.unmerged(index).iter().any(|unmerged| unmerged == path)
        {
            return Err(RepoError::Unmerged { path: path.into() });
        }
        let committed = match self.head()?.commit {
            Some(commit) => self.read_at(commit, path)?,
            None => None,
        };
        let staged = match &index {
            Some(index) => self.index_entry(index, path)?.map(|id| self.blob(id)).transpose()?,
            None => None,
        };
        let work = self.read_work(path, limit)?;
        let mut with = |old: &Option<Vec<u8>>| with(old.as_deref().unwrap_or_default());
        // A file that is not staged or not on disk starts from what the step before it has.
        let staged_base = staged.clone().or_else(|| committed.clone());
        let work_base = work.clone().or_else(|| staged_base.clone());
        let change = Change::in_three(path, with(&committed), with(&staged_base), with(&work_base));
        let is_same = change.is_same(committed.as_deref(), staged.as_deref(), work.as_deref());
        Ok((!is_same).then_some(change))
    }
}
