//! Everything that a folder of a commit holds, and what differs between two commits there: files with their modes,
//! links and submodules alike.
//!
//! For who judges what is committed; who only reads secrets asks `objects.rs`, which passes over what is no file.

use std::collections::{BTreeMap, BTreeSet};

use gix::bstr::{BString, ByteSlice};
use gix::objs::tree::EntryKind;

use crate::repo::error::Result;
use crate::repo::known::Named;
use crate::repo::room::Room;
use crate::repo::{ObjectId, Repo, path};

/// What something in a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TreeKind {
    /// A file.
    File,
    /// A file that may be run.
    Executable,
    /// A symbolic link.
    Link,
    /// A submodule.
    Submodule,
    /// A file, link or submodule whose name is not UTF-8; its path is escaped.
    NotUtf8,
}

/// Something in a tree that is no folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Its path.
    pub path: String,
    /// Its object.
    pub id: ObjectId,
    /// What it is.
    pub kind: TreeKind,
}

/// One path in two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeChange {
    /// The path.
    pub path: String,
    /// What was there before.
    pub before: Option<(TreeKind, ObjectId)>,
    /// What is there after.
    pub after: Option<(TreeKind, ObjectId)>,
}

impl Repo {
    /// Everything at `dir` and below it in `commit` that is no folder, sorted by path. Where `dir` itself is none, it is
    /// listed.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`, `BadPath`, `TooMuch`.
    pub fn entries_at(&self, commit: ObjectId, dir: &str) -> Result<Vec<TreeEntry>> {
        let changes = self.entries_between(None, commit, dir)?;
        let entry = |change: TreeChange| change.after.map(|(kind, id)| TreeEntry { path: change.path, id, kind });
        Ok(changes.into_iter().filter_map(entry).collect())
    }

    /// What differs at `dir` and below it between two commits (no `a`: everything is new), sorted by path; another mode
    /// is a difference.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`, `BadPath`, `TooMuch`.
    pub fn entries_between(&self, a: Option<ObjectId>, b: ObjectId, dir: &str) -> Result<Vec<TreeChange>> {
        let before = a.map(|commit| self.entry_at(commit, dir)).transpose()?.flatten();
        let after = self.entry_at(b, dir)?;
        let mut changes = Vec::new();
        self.compare((before, after), dir, true, &mut Room::of(b), &mut changes)?;
        changes.sort_by(|x, y| x.path.cmp(&y.path));
        Ok(changes)
    }

    /// Those of these files of the work tree that git takes for files that may be run.
    ///
    /// # Errors
    /// `Index`.
    pub fn executables<'a>(&self, files: &'a [String]) -> Result<BTreeSet<&'a str>> {
        let files = files.iter().map(String::as_str);
        if !self.git.config_snapshot().boolean("core.fileMode").unwrap_or(true) {
            // The file system cannot say; then the index does.
            let Some(index) = self.read_index()? else { return Ok(BTreeSet::new()) };
            let is_marked = |file: &&str| {
                let entry = index.entry_by_path((*file).into());
                entry.is_some_and(|entry| entry.mode == gix::index::entry::Mode::FILE_EXECUTABLE)
            };
            return Ok(files.filter(is_marked).collect());
        }
        let Some(top) = self.work_dir() else { return Ok(BTreeSet::new()) };
        Ok(files.filter(|file| is_executable(&top.join(file))).collect())
    }

    /// The files below `dir` that git has unmerged, sorted by path.
    ///
    /// # Errors
    /// `Index`.
    pub fn unmerged_below(&self, dir: &str) -> Result<Vec<String>> {
        let Some(index) = self.read_index()? else { return Ok(Vec::new()) };
        let mut paths = self.unmerged(&index);
        paths.retain(|path| path::is_below(path, dir));
        Ok(paths)
    }

    fn compare(
        &self,
        (before, after): (Option<Named>, Option<Named>),
        path: &str,
        is_utf8: bool,
        room: &mut Room,
        changes: &mut Vec<TreeChange>,
    ) -> Result<()> {
        if before == after {
            return Ok(());
        }
        let tree = |side: Option<Named>| side.filter(|(kind, _)| *kind == EntryKind::Tree);
        if tree(before).is_some() || tree(after).is_some() {
            let mut pairs: BTreeMap<BString, [Option<Named>; 2]> = BTreeMap::new();
            for (side, first) in [(tree(before), true), (tree(after), false)] {
                let Some((_, id)) = side else { continue };
                for item in room.tree(self, id, path)? {
                    let [old, new] = pairs.entry(item.name).or_default();
                    *if first { old } else { new } = Some((item.kind, item.id));
                }
            }
            for (name, [old, new]) in pairs {
                if old == new {
                    continue;
                }
                match name.to_str() {
                    Ok(name) => self.compare((old, new), &path::join(path, name), is_utf8, room, changes)?,
                    Err(_) => {
                        let name = name.escape_ascii().to_string();
                        self.compare((old, new), &path::join(path, &name), false, room, changes)?;
                    }
                }
            }
        }
        let other = |side: Option<Named>| {
            let (kind, id) = side?;
            let kind = match kind {
                EntryKind::Tree => return None,
                _ if !is_utf8 => TreeKind::NotUtf8,
                EntryKind::Blob => TreeKind::File,
                EntryKind::BlobExecutable => TreeKind::Executable,
                EntryKind::Link => TreeKind::Link,
                EntryKind::Commit => TreeKind::Submodule,
            };
            Some((kind, id))
        };
        let (before, after) = (other(before), other(after));
        if before.is_some() || after.is_some() {
            changes.push(TreeChange { path: path.to_owned(), before, after });
        }
        Ok(())
    }
}

#[cfg(unix)]
fn is_executable(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // The owner's bit is the one that git looks at.
    file.symlink_metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &std::path::Path) -> bool {
    false
}
