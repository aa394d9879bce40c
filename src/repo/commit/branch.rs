//! A commit on a branch that nobody has checked out: a request to others, made beside the person's own work.
//!
//! `HEAD`, the index and the work tree are neither read for it nor touched.

use std::collections::BTreeSet;
use std::time::Duration;

use super::record::ATTEMPTS;
use super::{Change, Planned};
use crate::repo::error::{RepoError, Result};
use crate::repo::refs::{HEADS, full_name};
use crate::repo::{ObjectId, Repo, files, path};

impl Repo {
    /// Commits what `changes` commit on top of `branch`; where there is none, it begins at `base`, and without
    /// one it has no history. The branch's new commit.
    ///
    /// Where the branch has it all already, there is no new commit. Somebody who moves the branch meanwhile has the
    /// changes put on top of theirs.
    ///
    /// # Errors
    /// `BadBranch`, `BranchInUse` where a work tree has it checked out or is about to move it, `NoIdentity`, `BadPath`,
    /// `Signing`, `RefMoved`, `RefUpdate`, and errors of reading and writing.
    pub fn commit_on_branch(
        &self,
        branch: &str,
        base: Option<ObjectId>,
        changes: &[Change],
        message: &str,
        now: i64,
    ) -> Result<ObjectId> {
        let name = format!("{HEADS}{branch}");
        if full_name(&name).is_none() || branch == "HEAD" || branch.starts_with('-') {
            return Err(RepoError::BadBranch { name: branch.escape_debug().to_string() });
        }
        let identity = self.identity(now)?;
        let sign = self.config_bool("commit.gpgsign").unwrap_or(false);
        let plan = self.plan_beside(changes)?;
        let log = format!("commit: {}", message.lines().next().unwrap_or_default());
        let find = || self.first_ref(std::slice::from_ref(&name));
        self.refuse_in_use(&name)?;
        self.write_blobs(&plan, || Ok(()))?;
        for attempt in 0..ATTEMPTS {
            std::thread::sleep(Duration::from_millis(u64::from(attempt) * 7));
            // A symbolic ref stands for another branch.
            let (name, tip) = find()?.map_or((name.clone(), None), |(name, tip)| (name, Some(tip)));
            self.refuse_in_use(&name)?;
            let parent = tip.or(base);
            let old_tree = parent.map(|commit| self.commit_tree(commit)).transpose()?;
            let tree = self.write_tree(old_tree, &plan)?;
            let commit = match parent.filter(|_| old_tree == Some(tree)) {
                Some(parent) if tip.is_some() => return Ok(parent),
                Some(parent) => parent,
                None if sign => self.write_signed_commit(tree, parent, message, &identity).map_err(not_staged)?,
                None => self.write_commit(tree, parent, message, &identity)?,
            };
            self.share_objects(&plan, tree, commit)?;
            match self.swap_ref(&name, tip, commit, &log, &identity.committer) {
                Ok(()) => return Ok(commit),
                Err(source) if attempt + 1 == ATTEMPTS && find()?.map(|(_, id)| id) == tip => {
                    return Err(RepoError::RefUpdate { name, source, staged: false });
                }
                Err(_) => {}
            }
        }
        Err(RepoError::RefMoved { name, attempts: ATTEMPTS, staged: false })
    }

    fn plan_beside<'a>(&self, changes: &'a [Change]) -> Result<Vec<Planned<'a>>> {
        let mut seen = BTreeSet::new();
        let plan = |change: &'a Change| {
            path::split(change.path())?;
            if !seen.insert(change.path()) {
                return Err(RepoError::BadPath { path: change.path().to_owned(), why: "it is there twice" });
            }
            let committed = change.committed().map(|bytes| self.blob_id(bytes)).transpose()?;
            Ok(Planned {
                change,
                committed,
                staged: None,
                to_disk: false,
                to_index: false,
                to_head: true,
                skipped: false,
            })
        };
        changes.iter().map(plan).collect()
    }

    /// The work tree that has a branch checked out, by the branch's full name.
    ///
    /// # Errors
    /// `Git`.
    pub fn in_use_at(&self, name: &str) -> Result<Option<String>> {
        let listed = self.ask(&["worktree", "list", "--porcelain"])?.unwrap_or_default();
        let mut place = String::new();
        for line in String::from_utf8_lossy(&listed).lines() {
            if let Some(path) = line.strip_prefix("worktree ") {
                place = path.to_owned();
            }
            if line.strip_prefix("branch ") == Some(name) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Refuses a branch that a work tree has checked out, or that a rebase or bisection will come back to.
    fn refuse_in_use(&self, name: &str) -> Result<()> {
        let in_use = |place: &str| RepoError::BranchInUse { name: name.to_owned(), place: place.to_owned() };
        if let Some(place) = self.in_use_at(name)? {
            return Err(in_use(&place));
        }
        let linked = std::fs::read_dir(self.common_dir().join("worktrees")).into_iter().flatten().flatten();
        let linked = linked.map(|entry| entry.path());
        for git_dir in linked.chain([self.common_dir().to_owned()]) {
            for file in ["rebase-merge/head-name", "rebase-merge/update-refs", "rebase-apply/head-name", "BISECT_START"]
            {
                let text = files::read(&git_dir.join(file))?;
                let short = name.strip_prefix(HEADS);
                if text.lines().any(|line| line == name || (file == "BISECT_START" && Some(line) == short)) {
                    return Err(in_use(&git_dir.to_string_lossy()));
                }
            }
        }
        Ok(())
    }
}

fn not_staged(error: RepoError) -> RepoError {
    match error {
        RepoError::Signing { said, .. } => RepoError::Signing { said, staged: false },
        error => error,
    }
}
