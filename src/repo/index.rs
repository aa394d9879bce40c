//! The index: reading entries in this process, setting ours through `git update-index`.
//!
//! Writing goes through git so that split index, sparse index, untracked cache, fsmonitor and resolve-undo stay
//! what they are; only the entries named are touched.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::{Flags, Mode, Stage};

use crate::repo::error::{RepoError, Result};
use crate::repo::room::Room;
use crate::repo::work::Listing;
use crate::repo::{ObjectId, Repo, path};

/// The blobs of an unmerged path: base, ours and theirs.
pub type Stages = [Option<ObjectId>; 3];

/// An index file, decoded.
pub(super) type Index = gix::index::File;

impl Repo {
    /// The index as it is on disk now; `None` where there is none yet.
    pub(super) fn read_index(&self) -> Result<Option<Index>> {
        let path = self.git.index_path();
        if !path.exists() {
            return Ok(None);
        }
        self.git.open_index().map(Some).map_err(|error| RepoError::Index { path, source: Box::new(error) })
    }

    /// The blob of the stage-0 entry at `path`, also where a sparse index has only a folder above it.
    pub(super) fn index_entry(&self, index: &Index, path: &str) -> Result<Option<ObjectId>> {
        if let Some(entry) = index.entry_by_path_and_stage(path.into(), Stage::Unconflicted) {
            let is_file = matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE);
            let is_added = !entry.flags.contains(Flags::INTENT_TO_ADD);
            return Ok(Some(entry.id).filter(|_| is_file && is_added));
        }
        self.collapsed_entry(index, path)
    }

    /// The blob at `path` where the index says that it is not to be on disk.
    pub(super) fn skipped_entry(&self, index: &Index, path: &str) -> Result<Option<ObjectId>> {
        match index.entry_by_path_and_stage(path.into(), Stage::Unconflicted) {
            Some(entry) if is_skipped(entry) && !entry.mode.is_sparse() => Ok(Some(entry.id)),
            Some(_) => Ok(None),
            None => self.collapsed_entry(index, path),
        }
    }

    /// All files below `dir` that the index says are not to be on disk.
    pub(super) fn sparse_entries(&self, index: &Index, dir: &str) -> Result<Vec<(String, ObjectId)>> {
        let mut found = Vec::new();
        for entry in index.entries() {
            let Ok(path) = entry.path(index).to_str() else { continue };
            if !is_skipped(entry) {
                continue;
            }
            if entry.mode.is_sparse() {
                let folder = path.trim_end_matches('/');
                if folder == dir || path::is_below(folder, dir) || path::is_below(dir, folder) {
                    let mut list = Listing::default();
                    self.list_tree(entry.id, folder, &mut Room::of(entry.id), &mut list)?;
                    found.extend(list.files.into_iter().filter(|(path, _)| path::is_below(path, dir)));
                }
            } else if entry.stage() == Stage::Unconflicted && path::is_below(path, dir) {
                found.push((path.to_owned(), entry.id));
            }
        }
        Ok(found)
    }

    /// The paths with more than one version in the index, each once.
    pub(super) fn unmerged(&self, index: &Index) -> Vec<String> {
        let mut paths: Vec<String> = index
            .entries()
            .iter()
            .filter(|entry| entry.stage() != Stage::Unconflicted)
            .map(|entry| entry.path(index).to_str_lossy().into_owned())
            .collect();
        paths.dedup();
        paths
    }

    /// The versions that a merge left of `path`: base, ours and theirs.
    ///
    /// # Errors
    /// `Index`.
    pub fn stages(&self, path: &str) -> Result<Stages> {
        let Some(index) = self.index_to_look_at()? else { return Ok([None; 3]) };
        let at = |stage| index.entry_by_path_and_stage(path.into(), stage).map(|entry| entry.id);
        Ok([at(Stage::Base), at(Stage::Ours), at(Stage::Theirs)])
    }

    /// The same for all unmerged paths below `dir`, sorted by path.
    ///
    /// # Errors
    /// `Index`.
    pub fn stages_below(&self, dir: &str) -> Result<Vec<(String, Stages)>> {
        let Some(index) = self.read_index()? else { return Ok(Vec::new()) };
        let mut found: BTreeMap<String, Stages> = BTreeMap::new();
        for entry in index.entries() {
            let Ok(path) = entry.path(&index).to_str() else { continue };
            let place = match entry.stage() {
                Stage::Unconflicted => continue,
                Stage::Base => 0,
                Stage::Ours => 1,
                Stage::Theirs => 2,
            };
            if path::is_below(path, dir) {
                let stages = found.entry(path.to_owned()).or_default();
                stages.iter_mut().skip(place).take(1).for_each(|stage| *stage = Some(entry.id));
            }
        }
        Ok(found.into_iter().collect())
    }

    /// What paths below `dir` had before somebody added them, sorted by path: git keeps that until the merge is over.
    ///
    /// # Errors
    /// `Git`, `GitAnswer`.
    pub fn resolved_below(&self, dir: &str) -> Result<Vec<(String, Stages)>> {
        let what = "ls-files";
        let said = self.ask(&[what, "--resolve-undo", "-z", "--full-name", "--", dir])?.unwrap_or_default();
        let mut found: BTreeMap<String, Stages> = BTreeMap::new();
        for line in said.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let answer = || RepoError::GitAnswer { what: what.into() };
            // 100644 ID STAGE<tab>PATH
            let (head, path) = line.split_once_str("\t").ok_or_else(answer)?;
            let mut words = head.split_str(" ").skip(1);
            let id = words.next().and_then(|id| ObjectId::from_hex(id).ok()).ok_or_else(answer)?;
            let place = match words.next() {
                Some(b"1") => 0,
                Some(b"2") => 1,
                Some(b"3") => 2,
                _ => return Err(answer()),
            };
            let Ok(path) = path.to_str() else { continue };
            let stages = found.entry(path.to_owned()).or_default();
            stages.iter_mut().skip(place).take(1).for_each(|stage| *stage = Some(id));
        }
        Ok(found.into_iter().collect())
    }

    /// The blob that the index has at `path`; `None` where there is none, or several.
    ///
    /// # Errors
    /// `Index`.
    pub fn staged_blob(&self, path: &str) -> Result<Option<ObjectId>> {
        self.index_to_look_at()?.map_or(Ok(None), |index| self.index_entry(&index, path))
    }

    /// Sets the entries of exactly these paths (`None`: takes them out), whatever stages they had.
    ///
    /// Where another git holds the index, it waits for up to five seconds.
    pub(super) fn set_entries(&self, entries: &[(&str, Option<ObjectId>)]) -> Result<()> {
        self.update_index(&["-z", "--index-info"], &self.index_info(entries))
    }

    /// Has git set the entries of these paths from the files that lie there, and note when those were last written, so that
    /// `git status` need not read them: one process does what [`Self::set_entries`] and [`Self::refresh`] do in two.
    ///
    /// It takes what is on disk now, and what filters make of it: whoever calls looks at the entries afterwards. Only a
    /// locked index is an error; whatever else keeps git from it, the entries tell.
    pub(super) fn set_from_disk(&self, paths: &[&str]) -> Result<()> {
        match self.update_index(&["--add", "--remove", "--replace", "-z", "--stdin"], paths.join("\0").as_bytes()) {
            Err(error @ RepoError::IndexLocked { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the entry at `path` is exactly this blob, as a plain file that is to be on disk.
    pub(super) fn has_plain_entry(&self, index: &Index, path: &str, id: ObjectId) -> bool {
        let entry = index.entry_by_path_and_stage(path.into(), Stage::Unconflicted);
        entry.is_some_and(|entry| entry.id == id && entry.mode == Mode::FILE && !is_skipped(entry))
    }

    /// Entries as `git update-index -z --index-info` reads them.
    pub(super) fn index_info(&self, entries: &[(&str, Option<ObjectId>)]) -> Vec<u8> {
        let nothing = ObjectId::null(self.git.object_hash());
        let mut input = Vec::new();
        for (path, id) in entries {
            let mode = if id.is_some() { "100644" } else { "0" };
            input.extend_from_slice(format!("{mode} {}\t{path}\0", id.unwrap_or(nothing)).as_bytes());
        }
        input
    }

    /// Marks these paths as not to be on disk (a sparse checkout).
    pub(super) fn set_skipped(&self, paths: &[&str]) -> Result<()> {
        let input = paths.join("\0");
        self.update_index(&["--skip-worktree", "-z", "--stdin"], input.as_bytes())
    }

    /// Lets git note when these files were last written, so that `git status` need not read them.
    ///
    /// It is a courtesy: where it fails, `git status` reads them.
    pub(super) fn refresh(&self, paths: &[&str]) {
        let mut command = self.command();
        command.args(["add", "--refresh", "--pathspec-from-file=-", "--pathspec-file-nul"]);
        drop(self.run(command, Some(paths.join("\0").as_bytes())));
    }

    fn update_index(&self, args: &[&str], input: &[u8]) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(5);
        let mut waited = Duration::ZERO;
        let mut pause = Duration::from_millis(10);
        loop {
            let mut command = self.command();
            // A sparse index is expanded first: git adds an entry inside a collapsed folder beside it, not in it. The next
            // git that writes the index collapses it again.
            command.args(["-c", "index.sparse=false", "update-index"]).args(args);
            let said = self.run(command, Some(input))?;
            if said.code == 0 {
                return Ok(());
            }
            let lock = self.index_lock();
            // git names the lock file in what it says; it may be gone again by now.
            if !(said.stderr.contains("index.lock") || said.stderr.contains(".lock': File exists")) {
                return Err(said.failed("update-index"));
            }
            if waited >= PATIENCE {
                return Err(RepoError::IndexLocked { lock });
            }
            std::thread::sleep(pause);
            waited += pause;
            pause = (pause * 2).min(Duration::from_millis(250));
        }
    }

    /// Waits up to a second for another git that holds the index.
    pub(super) fn await_index(&self) {
        let lock = self.index_lock();
        for _ in 0..50 {
            if !lock.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The index can be written now, or in a second.
    pub(super) fn check_index_is_free(&self) -> Result<()> {
        self.await_index();
        let lock = self.index_lock();
        if lock.exists() { Err(RepoError::IndexLocked { lock }) } else { Ok(()) }
    }

    fn index_lock(&self) -> PathBuf {
        let mut lock = self.git.index_path().into_os_string();
        lock.push(".lock");
        lock.into()
    }

    /// The blob at `path` inside a folder that a sparse index keeps as one entry.
    fn collapsed_entry(&self, index: &Index, path: &str) -> Result<Option<ObjectId>> {
        if !index.is_sparse() {
            return Ok(None);
        }
        for (at, _) in path.match_indices('/') {
            let (Some(folder), Some(rest)) = (path.get(..=at), path.get(at + 1..)) else { continue };
            let entry = index.entry_by_path_and_stage(BStr::new(folder), Stage::Unconflicted);
            if let Some(entry) = entry.filter(|entry| entry.mode.is_sparse()) {
                let found = self.entry_in(entry.id, rest)?;
                return Ok(found.filter(|(kind, _)| is_blob(*kind)).map(|(_, id)| id));
            }
        }
        Ok(None)
    }
}

/// Whether the entry is one that a sparse checkout leaves out.
pub(super) fn is_skipped(entry: &gix::index::Entry) -> bool {
    entry.flags.contains(Flags::SKIP_WORKTREE)
}

/// Whether a tree entry is a regular file.
pub(super) fn is_blob(kind: gix::objs::tree::EntryKind) -> bool {
    use gix::objs::tree::EntryKind;
    matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable)
}
