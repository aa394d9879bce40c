//! Writing: files, index entries and a commit of exactly our paths.
//!
//! The person's staged, unstaged and untracked work is not part of it and stays as it is.
//!
//! The order is the safety: files, blobs and index entries first, the commit's objects next, the ref last. Killed in
//! between, a new value is at worst staged; were the ref first, the person's next `git commit` would bring the old
//! value back without a word.
//!
//! In a sparse checkout, a file that is left out of the work tree stays left out: its entry and the commit get the
//! new version. A new file outside the cone is written to disk, as `git add --sparse` would have it.

mod branch;
mod found;
mod pack;
mod place;
mod record;
mod shared;
mod with_hooks;

pub use found::Found;
pub(super) use place::KEPT;
pub(super) use record::raw_date;

use std::collections::BTreeSet;

use gix::index::entry::Stage;
use rayon::prelude::*;

use crate::repo::error::{RepoError, Result};
use crate::repo::index::{Index, is_blob};
use crate::repo::objects::blob_id;
use crate::repo::{Head, ObjectId, Operation, Repo, WriteLock, path};

/// One file to write or to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    path: String,
    versions: Versions,
    over: Found,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Versions {
    /// The same in the commit, the index and the work tree.
    One(Option<Vec<u8>>),
    /// The person has edits of their own in the index or the work tree.
    Three { committed: Vec<u8>, staged: Vec<u8>, work: Vec<u8> },
}

/// How a change is to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommitMode {
    /// A commit of our paths; no hooks.
    #[default]
    Commit,
    /// Only the index.
    Stage,
    /// `git commit` of our paths, with hooks.
    Git,
}

/// Where `commit` has got to: for tests that kill it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The files are in the work tree.
    Files,
    /// The index has them.
    Index,
    /// The commit object is written.
    Objects,
    /// The ref points to it.
    Ref,
}

/// What to say about a change and how to record it.
#[derive(Clone, Copy)]
pub struct CommitHow<'a> {
    /// The commit message.
    pub message: &'a str,
    /// How to record it.
    pub mode: CommitMode,
    /// Seconds since 1970, for the commit; `GIT_AUTHOR_DATE` and `GIT_COMMITTER_DATE` win.
    pub now: i64,
    /// `HEAD` as it was when the versions before were read: what it has got at our paths since is not written over.
    pub since: Option<&'a Head>,
    /// Called after each step.
    pub progress: Option<&'a dyn Fn(Step)>,
}

/// What `commit` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A new commit.
    Committed {
        /// Its id.
        commit: ObjectId,
    },
    /// In the work tree and the index only.
    Staged {
        /// What keeps us from committing; `None`: it was asked for.
        because: Option<Operation>,
    },
    /// In the work tree or the index, where something else was; the commit has it already.
    Written,
    /// Everything was there already.
    Unchanged,
}

/// Git's names of what a change puts into the commit and into the index.
type Ids = (Option<ObjectId>, Option<ObjectId>);

/// From how many changes on all cores work on them.
const MANY: usize = 16;

/// A change, and where it is not yet.
struct Planned<'a> {
    change: &'a Change,
    committed: Option<ObjectId>,
    staged: Option<ObjectId>,
    to_disk: bool,
    to_index: bool,
    to_head: bool,
    /// A sparse checkout leaves the file out.
    skipped: bool,
}

/// Larger files are none of ours; they count as different.
const LIMIT: u64 = 256 << 20;

impl Repo {
    /// Writes `changes` to the work tree and the index and commits exactly them, as `how` says; while git is in the
    /// middle of something, or beside jj, it only stages them.
    ///
    /// # Errors
    /// Before anything is written: `NoIdentity`, `NoWorkTree`, `BadPath`, `Symlink`, `NotAFile`, `Overtaken`. After the
    /// files are written: `Unstaged`. After they are staged: `Signing`, `CommitRefused`, `RefMoved`, `RefUpdate`,
    /// `Overtaken`. And errors of reading and writing anywhere.
    pub fn commit(&self, _lock: &WriteLock, changes: &[Change], how: &CommitHow<'_>) -> Result<Outcome> {
        self.need_top()?;
        let index = self.read_index()?;
        let operation = self.operation_beside(index.as_ref());
        let mode = if operation.is_some() { CommitMode::Stage } else { how.mode };
        if mode != CommitMode::Stage {
            self.committer()?;
        }
        let head = self.head()?.commit;
        let plan = self.plan(changes, index.as_ref(), head)?;
        let stage_only = mode == CommitMode::Stage;
        let is_pending =
            |planned: &Planned<'_>| planned.to_disk || planned.to_index || (planned.to_head && !stage_only);
        if !plan.iter().any(is_pending) {
            return Ok(Outcome::Unchanged);
        }
        self.check_head(&plan, how.since, head, false)?;
        let step = |step| how.progress.iter().for_each(|progress| progress(step));

        self.keep_from_taking_back(&plan.iter().map(|planned| planned.change.path.as_str()).collect::<Vec<_>>())?;
        self.write_blobs(&plan, || {
            self.place(&plan)?;
            step(Step::Files);
            Ok(())
        })?;
        let stamped = self.stage(&plan).map_err(|error| unstaged(&plan, error))?;
        step(Step::Index);
        let outcome = match mode {
            CommitMode::Stage => Outcome::Staged { because: operation },
            CommitMode::Commit => self.record(&plan, how, &step)?,
            CommitMode::Git => self.commit_with_hooks(&plan, how)?,
        };
        let on_disk = plan.iter().filter(|planned| planned.is_on_disk());
        let paths = on_disk.map(|planned| planned.change.path.as_str());
        let unstamped: Vec<&str> = paths.filter(|path| !stamped.contains(path)).collect();
        if !unstamped.is_empty() {
            self.refresh(&unstamped);
        }
        self.settle(&plan)?;
        Ok(outcome)
    }

    fn plan<'a>(
        &self,
        changes: &'a [Change],
        index: Option<&Index>,
        head: Option<ObjectId>,
    ) -> Result<Vec<Planned<'a>>> {
        let mut seen = BTreeSet::new();
        let ids = self.ids_of(changes)?;
        let found = self.seen_on_disk(changes);
        changes
            .iter()
            .zip(ids)
            .zip(found)
            .map(|((change, (committed, staged)), on_disk)| {
                path::split(&change.path)?;
                if !seen.insert(change.path.as_str()) {
                    return Err(RepoError::BadPath { path: change.path.clone(), why: "it is there twice" });
                }
                let at_head = match head {
                    Some(head) => self.entry_at(head, &change.path)?.filter(|(kind, _)| is_blob(*kind)),
                    None => None,
                };
                let on_disk = on_disk?;
                let (in_index, is_skipped) = match index {
                    Some(index) => (self.settled_entry(index, &change.path)?, self.is_skipped(index, &change.path)?),
                    None => (Some(None), false),
                };
                let skipped = is_skipped && !on_disk.is_there;
                let to_disk = !skipped && !on_disk.is_wanted;
                if to_disk && !on_disk.is_as_found {
                    return Err(found::overtaken(&change.path, false));
                }
                Ok(Planned {
                    change,
                    committed,
                    staged,
                    to_disk,
                    to_index: in_index != Some(staged),
                    to_head: at_head.map(|(_, id)| id) != committed,
                    skipped: skipped && staged.is_some(),
                })
            })
            .collect()
    }

    /// The names of what is to be in the commit and in the index.
    fn ids_of(&self, changes: &[Change]) -> Result<Vec<Ids>> {
        let kind = self.git.object_hash();
        let id = |bytes: Option<&[u8]>| bytes.map(|bytes| blob_id(kind, bytes)).transpose();
        let ids = |change: &Change| {
            let committed = id(change.committed())?;
            let same = matches!(change.versions, Versions::One(_));
            Ok((committed, if same { committed } else { id(change.staged())? }))
        };
        // Hashing a file takes longer than starting to share the work out.
        if changes.len() < MANY { changes.iter().map(ids).collect() } else { changes.par_iter().map(ids).collect() }
    }

    /// Sets entries again that another git has lost.
    ///
    /// `git commit PATH` reads the index before it locks it, and what comes in between it writes over. The person's next
    /// commit would then take our file out.
    fn settle(&self, plan: &[Planned<'_>]) -> Result<()> {
        self.await_index();
        self.stage_again(plan)
    }

    fn stage_again(&self, plan: &[Planned<'_>]) -> Result<()> {
        let Some(index) = self.read_index()? else { return Ok(()) };
        let mut lost = Vec::new();
        for planned in plan {
            let path = planned.change.path.as_str();
            if self.settled_entry(&index, path)? != Some(planned.staged) {
                lost.push((path, planned.staged));
            }
        }
        if lost.is_empty() { Ok(()) } else { self.set_entries(&lost) }
    }

    /// Sets the index entries that differ from the plan. The paths whose entries know the files that lie there.
    ///
    /// First git may take what we put there; where that is not what it was meant to be (somebody wrote there meanwhile, a
    /// filter is at work), our bytes stand in the index all the same, and git learns of the file later.
    fn stage<'a>(&self, plan: &'a [Planned<'_>]) -> Result<BTreeSet<&'a str>> {
        let mut stamped = BTreeSet::new();
        let wanted: Vec<_> = plan.iter().filter(|planned| planned.to_index).collect();
        let as_on_disk = wanted.iter().filter_map(|planned| planned.as_on_disk());
        let as_on_disk: Vec<(&str, ObjectId)> = as_on_disk.collect();
        if !as_on_disk.is_empty() {
            self.set_from_disk(&as_on_disk.iter().map(|(path, _)| *path).collect::<Vec<_>>())?;
            if let Some(index) = self.read_index()? {
                let taken = as_on_disk.iter().filter(|(path, id)| self.has_plain_entry(&index, path, *id));
                stamped.extend(taken.map(|(path, _)| *path));
            }
        }
        let left = wanted.iter().filter(|planned| !stamped.contains(planned.change.path.as_str()));
        let entries: Vec<_> = left.map(|planned| (planned.change.path.as_str(), planned.staged)).collect();
        if !entries.is_empty() {
            self.set_entries(&entries)?;
        }
        let skipped = plan.iter().filter(|planned| planned.to_index && planned.skipped);
        let skipped: Vec<&str> = skipped.map(|planned| planned.change.path.as_str()).collect();
        if !skipped.is_empty() {
            self.set_skipped(&skipped)?;
        }
        Ok(stamped)
    }

    /// The entry at `path`; the outer `None`: it is unmerged, so nothing is settled.
    fn settled_entry(&self, index: &Index, path: &str) -> Result<Option<Option<ObjectId>>> {
        let stages = [Stage::Base, Stage::Ours, Stage::Theirs];
        let is_unmerged = stages.iter().any(|stage| index.entry_by_path_and_stage(path.into(), *stage).is_some());
        if is_unmerged { Ok(None) } else { self.index_entry(index, path).map(Some) }
    }

    fn is_skipped(&self, index: &Index, path: &str) -> Result<bool> {
        Ok(self.skipped_entry(index, path)?.is_some())
    }
}

/// That the files of a plan lie there and git's index does not have them, where it is git that failed. Where none was
/// written, the reason itself says all there is.
fn unstaged(plan: &[Planned<'_>], error: RepoError) -> RepoError {
    let on_disk = plan.iter().filter(|planned| planned.to_index && planned.is_on_disk());
    let files: Vec<String> = on_disk.map(|planned| planned.change.path.clone()).collect();
    match error {
        RepoError::IndexLocked { .. }
        | RepoError::Git { .. }
        | RepoError::GitEnded { .. }
        | RepoError::NoGit { .. }
            if !files.is_empty() =>
        {
            RepoError::Unstaged { files, source: Box::new(error) }
        }
        error => error,
    }
}

impl Change {
    /// `content` at `path`.
    pub fn write(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), versions: Versions::One(Some(content.into())), over: Found::Unknown }
    }

    /// Nothing at `path` any more. Folders that become empty go too, up to `.covault`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self { path: path.into(), versions: Versions::One(None), over: Found::Unknown }
    }

    /// Something else in the commit than in the index or the work tree, so that the person's edits stay their own.
    pub fn in_three(path: impl Into<String>, committed: Vec<u8>, staged: Vec<u8>, work: Vec<u8>) -> Self {
        Self { path: path.into(), versions: Versions::Three { committed, staged, work }, over: Found::Unknown }
    }

    /// The same, only over what was found in the work tree when the version before was read.
    pub fn over(self, over: Found) -> Self {
        Self { over, ..self }
    }

    /// The path, relative to the top of the work tree.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the commit gets; `None`: no file.
    pub fn committed(&self) -> Option<&[u8]> {
        match &self.versions {
            Versions::One(content) => content.as_deref(),
            Versions::Three { committed, .. } => Some(committed),
        }
    }

    /// What the index gets.
    pub fn staged(&self) -> Option<&[u8]> {
        match &self.versions {
            Versions::One(content) => content.as_deref(),
            Versions::Three { staged, .. } => Some(staged),
        }
    }

    /// What the work tree gets.
    pub fn work(&self) -> Option<&[u8]> {
        match &self.versions {
            Versions::One(content) => content.as_deref(),
            Versions::Three { work, .. } => Some(work),
        }
    }

    pub(super) fn is_same(&self, committed: Option<&[u8]>, staged: Option<&[u8]>, work: Option<&[u8]>) -> bool {
        self.committed() == committed && self.staged() == staged && self.work() == work
    }
}

impl Planned<'_> {
    fn is_on_disk(&self) -> bool {
        self.staged.is_some() && !self.skipped
    }

    /// Path and blob, where the work tree has what the index is to have.
    fn as_on_disk(&self) -> Option<(&str, ObjectId)> {
        let id = self.staged.filter(|_| !self.skipped && self.change.work() == self.change.staged())?;
        Some((&self.change.path, id))
    }
}

impl std::fmt::Debug for CommitHow<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { message, mode, now, since, progress: _ } = self;
        let mut shown = f.debug_struct("CommitHow");
        shown.field("message", message).field("mode", mode).field("now", now).field("since", since).finish()
    }
}
