//! The commit that `git commit` would make now: what is staged, and what it would follow.
//!
//! It is made in memory, so that whoever judges commits can judge it before there is one. Nothing is written.

use std::collections::BTreeSet;

use gix::bstr::ByteSlice;
use gix::index::entry::{Flags, Mode, Stage};
use gix::objs::tree::EntryKind;

use crate::repo::error::{Cause, RepoError, Result};
use crate::repo::{ObjectId, Repo};

/// The variables in which `git merge` tells a hook which commits it merges; it writes `MERGE_HEAD` only afterwards.
const MERGED: &str = "GITHEAD_";

/// A commit that is not made yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Its name, which only the `Repo` that made it knows.
    pub commit: ObjectId,
    /// What it would follow: `HEAD`, and what a merge brings.
    pub parents: Vec<ObjectId>,
    /// Paths that have several versions in the index, of which it has ours (or theirs, where there is none of ours).
    pub contested: BTreeSet<String>,
}

impl Repo {
    /// Makes the commit in memory. From here on this `Repo` writes no object to disk.
    ///
    /// The index is the one that `GIT_INDEX_FILE` names: `git commit -a` and `git commit FILE` have one of their own.
    ///
    /// # Errors
    /// `Index`, `Head`, `ObjectMissing`, `ObjectUnreadable`.
    pub fn stage_in_memory(&mut self) -> Result<Staged> {
        self.git.objects.enable_object_memory();
        let parents = self.parents_to_be()?;
        let (tree, contested) = self.staged_tree()?;
        let links = self.links();
        let mut newest = 0;
        for parent in &parents {
            // A walk takes what is younger than its parents to come first.
            newest = links.of(*parent)?.map_or(newest, |links| links.time.max(newest));
        }
        let time = gix::date::Time::new(newest.saturating_add(1), 0);
        let nobody = gix::actor::Signature { name: "covault".into(), email: "covault".into(), time };
        let commit = gix::objs::Commit {
            message: "what is staged\n".into(),
            tree,
            author: nobody.clone(),
            committer: nobody,
            encoding: None,
            parents: parents.iter().copied().collect(),
            extra_headers: Vec::new(),
        };
        let commit = self.git.write_object(&commit).map(gix::Id::detach).map_err(|error| unmade("commit", error))?;
        Ok(Staged { commit, parents, contested })
    }

    /// What the next commit would follow: `HEAD`, then what `MERGE_HEAD` names, or what `git merge` tells its hook.
    fn parents_to_be(&self) -> Result<Vec<ObjectId>> {
        let mut parents: Vec<ObjectId> = self.head()?.commit.into_iter().collect();
        let merged = std::fs::read_to_string(self.git_dir().join("MERGE_HEAD")).unwrap_or_default();
        let mut named: Vec<ObjectId> =
            merged.lines().filter_map(|line| ObjectId::from_hex(line.trim().as_bytes()).ok()).collect();
        // Only a hook has them: git names the index of the commit to its hooks.
        if named.is_empty() && std::env::var_os("GIT_INDEX_FILE").is_some() {
            let ids = std::env::vars_os()
                .filter_map(|(name, _)| ObjectId::from_hex(name.to_str()?.strip_prefix(MERGED)?.as_bytes()).ok());
            named.extend(ids);
            named.sort();
        }
        for id in named {
            if !parents.contains(&id) && self.has_object(id) {
                parents.push(id);
            }
        }
        Ok(parents)
    }

    fn staged_tree(&self) -> Result<(ObjectId, BTreeSet<String>)> {
        let mut contested = BTreeSet::new();
        let mut editor =
            gix::objs::tree::Editor::new(gix::objs::Tree::empty(), &self.git.objects, self.git.object_hash());
        let index = self.read_index()?;
        let mut above: Option<Vec<u8>> = None;
        for entry in index.iter().flat_map(|index| index.entries().iter().map(move |entry| (index, entry))) {
            let (index, entry) = entry;
            let path = entry.path(index);
            match entry.stage() {
                Stage::Unconflicted => {}
                // Stages come in their order: ours, else theirs.
                Stage::Base => {
                    contested.insert(path.to_str_lossy().into_owned());
                    continue;
                }
                Stage::Ours | Stage::Theirs => {
                    contested.insert(path.to_str_lossy().into_owned());
                    if above.as_deref() == Some(path.as_bytes()) {
                        continue;
                    }
                    above = Some(path.to_vec());
                }
            }
            let kind = match entry.mode {
                Mode::FILE => EntryKind::Blob,
                Mode::FILE_EXECUTABLE => EntryKind::BlobExecutable,
                Mode::SYMLINK => EntryKind::Link,
                Mode::COMMIT => EntryKind::Commit,
                mode if mode.is_sparse() => EntryKind::Tree,
                _ => continue,
            };
            if entry.flags.contains(Flags::INTENT_TO_ADD) {
                continue;
            }
            let parts = path.trim_end_with(|c| c == '/').split(|byte| *byte == b'/').map(|part| part.as_bstr());
            editor.upsert(parts, kind, entry.id).map_err(|error| unmade("tree", error))?;
        }
        let write = |tree: &gix::objs::Tree| self.git.write_object(tree).map(gix::Id::detach);
        let tree = editor.write(write).map_err(|error| unmade("tree", error))?;
        Ok((tree, contested))
    }
}

fn unmade(kind: &'static str, error: impl Into<Cause>) -> RepoError {
    RepoError::ObjectWrite { kind, source: error.into() }
}
