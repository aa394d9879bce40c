//! How much of a commit is read. Whoever may push decides what is in it, and a few trees that name each other often enough
//! list more than any machine has memory for.
//!
//! The limits are far above what people commit: a hundred thousand secrets in one folder stay below all of them.

use std::collections::HashMap;

use crate::repo::error::{RepoError, Result};
use crate::repo::objects::TreeItem;
use crate::repo::{ObjectId, Repo};

/// No larger blob is read: files of a vault have limits of their own below it.
pub(super) const MAX_BLOB: u64 = 64 << 20;
/// No larger folder is read; its subfolders count for themselves.
pub(super) const MAX_TREE: u64 = 16 << 20;
/// How many bytes all paths together may have that one look at a commit, or at two, lists; each counts as if it had this
/// many more.
const MAX_PATHS: usize = 64 << 20;
const BESIDE: usize = 64;
/// How deep folders may lie in one another.
const MAX_DEPTH: usize = 128;

/// The room that one look has left.
pub(super) struct Room {
    /// The commit, for the error; or the tree, where no commit is known.
    at: ObjectId,
    left: usize,
    /// Folders that were met, and what is in those that were met twice. To read one takes a hundred times what is kept of it,
    /// for a moment, and what is kept in between leaves that memory in pieces.
    met: HashMap<ObjectId, Option<Vec<TreeItem>>>,
}

impl Room {
    pub(super) fn of(at: ObjectId) -> Self {
        Self { at, left: MAX_PATHS, met: HashMap::new() }
    }

    /// What the folder at `dir` holds, as far as there is room for its paths.
    pub(super) fn tree(&mut self, repo: &Repo, tree: ObjectId, dir: &str) -> Result<Vec<TreeItem>> {
        if dir.matches('/').count() >= MAX_DEPTH {
            return Err(self.too_much(dir, "folders that lie too deep"));
        }
        let items = match self.met.get(&tree) {
            Some(Some(kept)) => kept.clone(),
            known => {
                let is_again = known.is_some();
                let items = match repo.tree(tree) {
                    Err(RepoError::ObjectTooLarge { .. }) => {
                        return Err(self.too_much(dir, "a folder that is too large"));
                    }
                    read => read?,
                };
                self.met.insert(tree, is_again.then(|| items.clone()));
                items
            }
        };
        let names: usize = items.iter().map(|item| dir.len() + 1 + item.name.len() + BESIDE).sum();
        self.left =
            self.left.checked_sub(names).ok_or_else(|| self.too_much(dir, "more files than a commit may list"))?;
        Ok(items)
    }

    fn too_much(&self, path: &str, what: &'static str) -> RepoError {
        RepoError::TooMuch { at: self.at, path: path.to_owned(), what }
    }
}
