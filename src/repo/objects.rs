//! Blobs and trees of commits, read in this process.
//!
//! What a partial clone lacks is fetched (see `promised.rs`); what a shallow clone lacks is a named error.

use gix::bstr::ByteSlice;
use gix::objs::Kind;
use gix::objs::tree::EntryKind;
use rayon::prelude::*;

use crate::repo::error::{RepoError, Result};
use crate::repo::known::{Asked, Folder};
use crate::repo::room::{MAX_BLOB, MAX_TREE, Room};
use crate::repo::work::{Listing, Odd, OddKind};
use crate::repo::{HistoryChange, ObjectId, Repo, path};

/// An entry of a tree, as far as we care.
#[derive(Clone)]
pub(super) struct TreeItem {
    pub(super) name: gix::bstr::BString,
    pub(super) kind: EntryKind,
    pub(super) id: ObjectId,
}

/// Whether `bytes` are the blob that is called `id`.
pub fn names(id: ObjectId, bytes: &[u8]) -> bool {
    gix::objs::compute_hash(id.kind(), Kind::Blob, bytes).is_ok_and(|found| found == id)
}

/// The name that `bytes` have as a blob.
pub(super) fn blob_id(kind: gix::hash::Kind, bytes: &[u8]) -> Result<ObjectId> {
    gix::objs::compute_hash(kind, Kind::Blob, bytes)
        .map_err(|error| RepoError::ObjectWrite { kind: "blob", source: error.into() })
}

/// Deflate makes nothing smaller than by 1,032 times (zlib's "Technical Details"); with some room.
const MOST_TIMES: u64 = 1_100;

impl Repo {
    /// The bytes of the regular file `path` in `commit`; `None` where there is none.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`, `BadPath`; `Symlink` where the commit has a link there, `TooMuch` where it has more
    /// than any file of ours.
    pub fn read_at(&self, commit: ObjectId, path: &str) -> Result<Option<Vec<u8>>> {
        match self.entry_at(commit, path)? {
            Some((EntryKind::Blob | EntryKind::BlobExecutable, id)) => match self.blob(id) {
                Err(RepoError::ObjectTooLarge { .. }) => {
                    Err(RepoError::TooMuch { at: commit, path: path.to_owned(), what: "a file that is too large" })
                }
                read => read.map(Some),
            },
            Some((EntryKind::Link, _)) => Err(RepoError::Symlink { path: path.to_owned() }),
            Some(_) | None => Ok(None),
        }
    }

    /// All regular files below `dir` in `commit`, sorted by path, with their blobs; links, submodules and names that
    /// are not UTF-8 are listed as odd.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`, `BadPath`, `TooMuch`.
    pub fn list_at(&self, commit: ObjectId, dir: &str) -> Result<Listing<(String, ObjectId)>> {
        let mut list = Listing::default();
        let tree = match self.entry_at(commit, dir)? {
            Some((EntryKind::Tree, id)) => id,
            _ => return Ok(list),
        };
        self.list_tree(tree, dir, &mut Room::of(commit), &mut list)?;
        list.files.sort();
        Ok(list)
    }

    /// The regular files that the folder `dir` itself holds in `commit`, at most so many, with their blobs. What lies in
    /// folders below it, or has a name that is not UTF-8, is passed over.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`, `ObjectTooLarge`, `BadPath`.
    pub fn files_in(&self, commit: ObjectId, dir: &str, most: usize) -> Result<Vec<(String, ObjectId)>> {
        let Some((EntryKind::Tree, tree)) = self.entry_at(commit, dir)? else { return Ok(Vec::new()) };
        let is_file = |kind| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable);
        let files = self.tree(tree)?.into_iter().filter(|item| is_file(item.kind));
        let named = files.filter_map(|item| Some((path::join(dir, item.name.to_str().ok()?), item.id)));
        Ok(named.take(most).collect())
    }

    /// The name of the folder `dir` in `commit`, the root for the empty path; `None` where there is none.
    ///
    /// Two commits with the same name have the same files there, which need not be read to know it.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`, `BadPath`.
    pub fn tree_at(&self, commit: ObjectId, dir: &str) -> Result<Option<ObjectId>> {
        Ok(match self.entry_at(commit, dir)? {
            Some((EntryKind::Tree, id)) => Some(id),
            _ => None,
        })
    }

    /// The name of the regular file `path` in `commit`; `None` where there is none, or something else.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`, `BadPath`.
    pub fn blob_at(&self, commit: ObjectId, path: &str) -> Result<Option<ObjectId>> {
        Ok(match self.entry_at(commit, path)? {
            Some((EntryKind::Blob | EntryKind::BlobExecutable, id)) => Some(id),
            _ => None,
        })
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`, `ObjectTooLarge`.
    pub fn blob(&self, id: ObjectId) -> Result<Vec<u8>> {
        self.object(id, Kind::Blob)
    }

    /// The bytes of a blob that has at most `limit`; `None` for a larger one, which is not read.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`.
    pub fn blob_within(&self, id: ObjectId, limit: u64) -> Result<Option<Vec<u8>>> {
        if self.size_of(id, Kind::Blob)? > limit { Ok(None) } else { self.found(id, Kind::Blob).map(Some) }
    }

    /// How many bytes a blob has; it is not read.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`.
    pub fn blob_size(&self, id: ObjectId) -> Result<u64> {
        self.size_of(id, Kind::Blob)
    }

    /// The name that `bytes` would have as a blob; nothing is written.
    ///
    /// # Errors
    /// `ObjectWrite`, on a collision attack on SHA-1.
    pub fn blob_id(&self, bytes: &[u8]) -> Result<ObjectId> {
        blob_id(self.git.object_hash(), bytes)
    }

    /// The same for many, on all cores.
    ///
    /// # Errors
    /// As for [`Self::blob_id`].
    pub fn blob_ids<'a>(&self, all: impl IntoParallelIterator<Item = &'a [u8]>) -> Result<Vec<ObjectId>> {
        let kind = self.git.object_hash();
        all.into_par_iter().map(|bytes| blob_id(kind, bytes)).collect()
    }

    /// The same without looking for packs that came meanwhile: for who would write it again.
    pub(super) fn has_object_now(&self, id: ObjectId) -> bool {
        self.git.objects.exists_without_refresh(&id)
    }

    /// A name in hex, where it is of the kind that this repository gives.
    pub fn own_id(&self, hex: &str) -> Option<ObjectId> {
        ObjectId::from_hex(hex.as_bytes()).ok().filter(|id| id.kind() == self.git.object_hash())
    }

    /// The parents of a commit, the branch that it was made on first. In a shallow clone some are not known.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`.
    pub fn parents(&self, commit: ObjectId) -> Result<Vec<ObjectId>> {
        Ok(self.parents_here(commit)?.0)
    }

    /// The parents of a commit that this clone has, and whether it has others.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`.
    pub fn parents_here(&self, commit: ObjectId) -> Result<(Vec<ObjectId>, bool)> {
        let data = self.object(commit, Kind::Commit)?;
        let parents: Vec<ObjectId> = gix::objs::CommitRefIter::from_bytes(&data, commit.kind()).parent_ids().collect();
        let here: Vec<ObjectId> = match self.is_shallow() {
            true => parents.iter().filter(|parent| self.has_object(**parent)).copied().collect(),
            false => parents.clone(),
        };
        let is_cut = here.len() < parents.len();
        Ok((here, is_cut))
    }

    /// Which files below `dir` differ between two commits (no `a`: everything is new). Sorted by path.
    ///
    /// A rename is a deletion and an addition; links count like files, and submodules do not count.
    ///
    /// # Errors
    /// `ObjectMissing`, `ObjectUnreadable`, `BadPath`, `TooMuch`.
    pub fn changed_between(&self, a: Option<ObjectId>, b: ObjectId, dir: &str) -> Result<Vec<HistoryChange>> {
        let before = a.map(|commit| self.tree_at(commit, dir)).transpose()?.flatten();
        let after = self.tree_at(b, dir)?;
        let mut changes = Vec::new();
        self.compare_trees(before, after, dir, &mut Room::of(b), &mut changes)?;
        changes.sort_by(|x, y| x.path.cmp(&y.path));
        Ok(changes)
    }

    /// What a commit has at `path`: its kind and id; the root tree for the empty path.
    pub(super) fn entry_at(&self, commit: ObjectId, path: &str) -> Result<Option<(EntryKind, ObjectId)>> {
        let root = self.commit_tree(commit)?;
        self.entry_in(root, path)
    }

    /// What a tree has at `path`.
    pub(super) fn entry_in(&self, tree: ObjectId, path: &str) -> Result<Option<(EntryKind, ObjectId)>> {
        let mut here = (EntryKind::Tree, tree);
        for part in path::parts(path)? {
            if here.0 != EntryKind::Tree {
                return Ok(None);
            }
            match self.entry_named(here.1, part)? {
                Some(found) => here = found,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    /// What a tree has under a name; nothing behind it is read.
    pub(super) fn entry_named(&self, tree: ObjectId, name: &str) -> Result<Option<(EntryKind, ObjectId)>> {
        if tree.is_empty_tree() {
            return Ok(None);
        }
        let asked = self.known.ask(tree);
        if let Asked::Kept(folder) = asked {
            return Ok(folder.get(name.as_bytes()).copied());
        }
        let data = self.object(tree, Kind::Tree)?;
        if matches!(asked, Asked::Again)
            && let Some(folder) = whole_folder(&data, tree)
        {
            return Ok(self.known.keep(tree, folder).get(name.as_bytes()).copied());
        }
        for entry in gix::objs::TreeRefIter::from_bytes(&data, tree.kind()) {
            let entry = entry.map_err(|error| unreadable(tree, "tree", Some(error)))?;
            if entry.filename == name.as_bytes() {
                return Ok(Some((entry.mode.kind(), entry.oid.into())));
            }
        }
        Ok(None)
    }

    /// The tree of a commit.
    pub(super) fn commit_tree(&self, commit: ObjectId) -> Result<ObjectId> {
        if let Some(tree) = self.known.root(commit) {
            return Ok(tree);
        }
        let data = self.object(commit, Kind::Commit)?;
        let mut iter = gix::objs::CommitRefIter::from_bytes(&data, commit.kind());
        let tree = iter.tree_id().map_err(|error| unreadable(commit, "commit", Some(error)))?;
        self.known.keep_root(commit, tree);
        Ok(tree)
    }

    /// The entries of a tree, in its order.
    pub(super) fn tree(&self, id: ObjectId) -> Result<Vec<TreeItem>> {
        if id.is_empty_tree() {
            return Ok(Vec::new());
        }
        let data = self.object(id, Kind::Tree)?;
        gix::objs::TreeRefIter::from_bytes(&data, id.kind())
            .map(|entry| {
                let entry = entry.map_err(|error| unreadable(id, "tree", Some(error)))?;
                Ok(TreeItem { name: entry.filename.into(), kind: entry.mode.kind(), id: entry.oid.into() })
            })
            .collect()
    }

    /// Adds the regular files of a tree to `list`, with `dir` before their names.
    pub(super) fn list_tree(
        &self,
        tree: ObjectId,
        dir: &str,
        room: &mut Room,
        list: &mut Listing<(String, ObjectId)>,
    ) -> Result<()> {
        for item in room.tree(self, tree, dir)? {
            let Ok(name) = item.name.to_str() else {
                list.odd.push(Odd::new(dir, &item.name, OddKind::NotUtf8));
                continue;
            };
            match item.kind {
                EntryKind::Tree => self.list_tree(item.id, &path::join(dir, name), room, list)?,
                EntryKind::Blob | EntryKind::BlobExecutable => list.files.push((path::join(dir, name), item.id)),
                EntryKind::Link => list.odd.push(Odd::new(dir, &item.name, OddKind::Symlink)),
                EntryKind::Commit => list.odd.push(Odd::new(dir, &item.name, OddKind::Special)),
            }
        }
        Ok(())
    }

    fn compare_trees(
        &self,
        before: Option<ObjectId>,
        after: Option<ObjectId>,
        dir: &str,
        room: &mut Room,
        changes: &mut Vec<HistoryChange>,
    ) -> Result<()> {
        if before == after {
            return Ok(());
        }
        let mut read = |tree: Option<ObjectId>| tree.map_or_else(|| Ok(Vec::new()), |tree| room.tree(self, tree, dir));
        let mut pairs: std::collections::BTreeMap<_, [Option<(EntryKind, ObjectId)>; 2]> = Default::default();
        for item in read(before)? {
            pairs.insert(item.name, [Some((item.kind, item.id)), None]);
        }
        for item in read(after)? {
            let [_, slot] = pairs.entry(item.name).or_default();
            *slot = Some((item.kind, item.id));
        }
        for (name, [old, new]) in pairs {
            if old == new {
                continue;
            }
            let path = path::join(dir, &name.to_str_lossy());
            let tree = |side: Option<(EntryKind, ObjectId)>| side.filter(|(kind, _)| *kind == EntryKind::Tree);
            // What a submodule names is no object of this repository: a file in whose place one stands is gone.
            let is_file = |kind: EntryKind| !matches!(kind, EntryKind::Tree | EntryKind::Commit);
            let file = |side: Option<(EntryKind, ObjectId)>| side.filter(|(kind, _)| is_file(*kind));
            let id = |side: Option<(EntryKind, ObjectId)>| side.map(|(_, id)| id);
            self.compare_trees(id(tree(old)), id(tree(new)), &path, room, changes)?;
            if file(old).is_some() || file(new).is_some() {
                changes.push(HistoryChange { path, before: id(file(old)), after: id(file(new)) });
            }
        }
        Ok(())
    }

    /// The bytes of an object of the kind asked for, fetched where a remote has promised it.
    pub(super) fn object(&self, id: ObjectId, kind: Kind) -> Result<Vec<u8>> {
        let limit = match kind {
            Kind::Blob => MAX_BLOB,
            Kind::Tree => MAX_TREE,
            // Git itself reads all of it whenever it looks at the history.
            Kind::Commit | Kind::Tag => return self.found(id, kind),
        };
        if !self.cannot_exceed(id, limit) && self.size_of(id, kind)? > limit {
            return Err(RepoError::ObjectTooLarge { id, kind: word(kind), limit });
        }
        self.found(id, kind)
    }

    /// Whether an object is a file of its own, and too small a one to unpack into more than `limit` bytes: then it need not
    /// be opened twice.
    fn cannot_exceed(&self, id: ObjectId, limit: u64) -> bool {
        let name = id.to_string();
        let (folder, file) = name.split_at(2);
        let place = self.common_dir().join("objects").join(folder).join(file);
        place.symlink_metadata().is_ok_and(|meta| meta.is_file() && meta.len() < limit / MOST_TIMES)
    }

    /// How many bytes an object of the kind asked for has.
    fn size_of(&self, id: ObjectId, kind: Kind) -> Result<u64> {
        let find = || self.header_here(id).map_err(|error| unreadable(id, word(kind), Some(error)));
        let header = match find()? {
            Some(header) => header,
            None => {
                self.fetch_promised(&[id])?;
                find()?.ok_or_else(|| self.missing(id))?
            }
        };
        if header.kind() != kind {
            return Err(unreadable::<gix::Error>(id, word(kind), None));
        }
        Ok(header.size())
    }

    fn found(&self, id: ObjectId, kind: Kind) -> Result<Vec<u8>> {
        let find = || self.object_here(id).map_err(|error| unreadable(id, word(kind), Some(error)));
        let (found, data) = match find()? {
            Some(object) => object,
            None => {
                self.fetch_promised(&[id])?;
                find()?.ok_or_else(|| self.missing(id))?
            }
        };
        if found != kind {
            return Err(unreadable::<gix::Error>(id, word(kind), None));
        }
        Ok(data)
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Blob => "blob",
        Kind::Tree => "tree",
        Kind::Commit => "commit",
        Kind::Tag => "tag",
    }
}

fn unreadable<E: Into<crate::repo::error::Cause>>(id: ObjectId, kind: &'static str, error: Option<E>) -> RepoError {
    RepoError::ObjectUnreadable { id, kind, source: error.map(Into::into) }
}

/// Everything in a tree, where all of it can be read; of a name that is there twice, the first.
fn whole_folder(data: &[u8], tree: ObjectId) -> Option<Folder> {
    let mut folder = Folder::new();
    for entry in gix::objs::TreeRefIter::from_bytes(data, tree.kind()) {
        let entry = entry.ok()?;
        folder.entry(entry.filename.to_vec()).or_insert_with(|| (entry.mode.kind(), entry.oid.into()));
    }
    Some(folder)
}
