//! How our files stand between the work tree, the index and `HEAD`.
//!
//! It compares blobs; filters and line endings never apply to our files (`-text`).

use std::collections::{BTreeMap, BTreeSet};

use gix::bstr::ByteSlice;
use gix::index::entry::Stage;
use rayon::prelude::*;

use crate::repo::error::Result;
use crate::repo::index::is_skipped;
use crate::repo::objects::blob_id;
use crate::repo::{ObjectId, Repo, path};

/// How one file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkState {
    /// The same on disk, in the index and in `HEAD`.
    Clean,
    /// On disk it is not what the index has.
    Modified,
    /// The index has what is on disk, `HEAD` has something else or nothing.
    Staged,
    /// On disk only.
    Untracked,
    /// In the index and not on disk, though it should be.
    Missing,
    /// In `HEAD`, neither in the index nor on disk.
    Removed,
    /// It has several versions in the index.
    Unmerged,
}

/// Larger files are none of ours; they count as modified.
const LIMIT: u64 = 256 << 20;

impl Repo {
    /// Every file below `dir` that is on disk, in the index or in `HEAD`, sorted by path.
    ///
    /// # Errors
    /// Errors of reading; `NoWorkTree`.
    pub fn status_of(&self, dir: &str) -> Result<Vec<(String, WorkState)>> {
        let top = self.reader().ok_or_else(|| crate::repo::RepoError::NoWorkTree { git_dir: self.git_dir().into() })?;
        let head: BTreeMap<String, ObjectId> = match self.head()?.commit {
            Some(commit) => self.list_at(commit, dir)?.files.into_iter().collect(),
            None => BTreeMap::new(),
        };
        let mut staged = BTreeMap::new();
        let mut skipped = BTreeSet::new();
        let mut unmerged = BTreeSet::new();
        if let Some(index) = self.read_index()? {
            for entry in index.entries() {
                let Ok(path) = entry.path(&index).to_str() else { continue };
                if !path::is_below(path, dir) || entry.mode.is_sparse() {
                    continue;
                }
                if entry.stage() == Stage::Unconflicted {
                    staged.insert(path.to_owned(), entry.id);
                } else {
                    unmerged.insert(path.to_owned());
                }
                if is_skipped(entry) {
                    skipped.insert(path.to_owned());
                }
            }
            if index.is_sparse() {
                for (path, id) in self.sparse_entries(&index, dir)? {
                    skipped.insert(path.clone());
                    staged.insert(path, id);
                }
            }
        }
        let mut paths: BTreeSet<String> = self.list_work(dir)?.files.into_iter().collect();
        paths.extend(head.keys().chain(staged.keys()).chain(&unmerged).cloned());
        let kind = self.git.object_hash();
        let state_of = |path: String| {
            if unmerged.contains(&path) {
                return Ok((path, WorkState::Unmerged));
            }
            let on_disk = match top.read(&path, LIMIT) {
                Ok(bytes) => bytes.map(|bytes| blob_id(kind, &bytes)).transpose()?,
                Err(crate::repo::RepoError::TooLarge { .. }) => Some(ObjectId::null(kind)),
                Err(error) => return Err(error),
            };
            let state = match (on_disk, staged.get(&path), head.get(&path)) {
                (None, Some(_), _) if !skipped.contains(&path) => WorkState::Missing,
                (None, Some(staged), head) => if_same(head == Some(staged)),
                (None, None, _) => WorkState::Removed,
                (Some(_), None, _) => WorkState::Untracked,
                (Some(work), Some(staged), _) if work != *staged => WorkState::Modified,
                (Some(_), Some(staged), head) => if_same(head == Some(staged)),
            };
            Ok((path, state))
        };
        paths.into_par_iter().map(state_of).collect()
    }
}

fn if_same(same: bool) -> WorkState {
    if same { WorkState::Clean } else { WorkState::Staged }
}
