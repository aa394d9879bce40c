//! What this process has read of git and need not read again for each of many files: commits' folders, by their names,
//! and the index for as long as it is the same file.
//!
//! Without it, asking about each of n files in a folder of n took n times n. It decides nothing, and nothing is written.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use gix::objs::tree::EntryKind;

use crate::repo::error::Result;
use crate::repo::index::Index;
use crate::repo::{ObjectId, Repo};

/// How many folders (and commits), and how many names in them, are kept before it starts anew.
const MAX_FOLDERS: usize = 4096;
const MAX_NAMES: usize = 1 << 20;

/// Two seconds: the coarsest clock of a file system in use. A file that is younger may change without looking changed.
const RACY: Duration = Duration::from_secs(2);

/// What stands in a folder under a name.
pub(super) type Named = (EntryKind, ObjectId);

/// A folder of a commit, by name.
pub(super) type Folder = HashMap<Vec<u8>, Named>;

/// What one opened repository knows.
#[derive(Default)]
pub(super) struct Known {
    folders: RefCell<Folders>,
    roots: RefCell<HashMap<ObjectId, ObjectId>>,
    index: RefCell<Option<(Stamp, Rc<Index>)>>,
}

#[derive(Default)]
struct Folders {
    /// `None`: it was asked about once, which is no reason to keep it.
    by_id: HashMap<ObjectId, Option<Rc<Folder>>>,
    names: usize,
}

/// How a folder was asked about before.
pub(super) enum Asked {
    /// Not at all: the next time it is worth keeping.
    First,
    /// Once.
    Again,
    /// It is kept.
    Kept(Rc<Folder>),
}

impl Known {
    /// How often somebody has asked about this folder; counts this time.
    pub(super) fn ask(&self, tree: ObjectId) -> Asked {
        let mut folders = self.folders.borrow_mut();
        match folders.by_id.get(&tree) {
            Some(Some(folder)) => Asked::Kept(Rc::clone(folder)),
            Some(None) => Asked::Again,
            None => {
                if folders.by_id.len() >= MAX_FOLDERS {
                    *folders = Folders::default();
                }
                folders.by_id.insert(tree, None);
                Asked::First
            }
        }
    }

    /// The root folder of a commit that was asked about before.
    pub(super) fn root(&self, commit: ObjectId) -> Option<ObjectId> {
        self.roots.borrow().get(&commit).copied()
    }

    /// Keeps a commit's root folder; it stays true as a folder does.
    pub(super) fn keep_root(&self, commit: ObjectId, tree: ObjectId) {
        let mut roots = self.roots.borrow_mut();
        if roots.len() >= MAX_FOLDERS {
            roots.clear();
        }
        roots.insert(commit, tree);
    }

    /// Keeps a folder. A name of git's for a folder is a hash of all of it, so that it stays true.
    pub(super) fn keep(&self, tree: ObjectId, folder: Folder) -> Rc<Folder> {
        let mut folders = self.folders.borrow_mut();
        if folders.names + folder.len() > MAX_NAMES {
            *folders = Folders::default();
        }
        folders.names += folder.len();
        let folder = Rc::new(folder);
        folders.by_id.insert(tree, Some(Rc::clone(&folder)));
        folder
    }
}

/// By what one sees that a file is another one: git never writes into an index, but puts a new file in its place.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    size: u64,
    #[cfg(unix)]
    place: (u64, u64, i64, i64),
}

impl Stamp {
    /// Of the file as it is now, unless it is so young that it could change unseen.
    fn of(path: &std::path::Path) -> Option<Self> {
        let meta = path.metadata().ok()?;
        let modified = meta.modified().ok()?;
        let is_settled = SystemTime::now().duration_since(modified).is_ok_and(|age| age > RACY);
        is_settled.then(|| Self {
            modified,
            size: meta.len(),
            #[cfg(unix)]
            place: {
                use std::os::unix::fs::MetadataExt as _;
                (meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec())
            },
        })
    }
}

impl Repo {
    /// The index as it is on disk now, for who only looks; it is not decoded again where it is the same file. Whoever is about to
    /// write asks [`Repo::read_index`].
    pub(super) fn index_to_look_at(&self) -> Result<Option<Rc<Index>>> {
        // Before it is read: what comes after belongs to the next stamp.
        let stamp = Stamp::of(&self.git.index_path());
        if let Some(stamp) = &stamp
            && let Some((known, index)) = self.known.index.borrow().as_ref()
            && known == stamp
        {
            return Ok(Some(Rc::clone(index)));
        }
        let Some(index) = self.read_index()?.map(Rc::new) else { return Ok(None) };
        *self.known.index.borrow_mut() = stamp.map(|stamp| (stamp, Rc::clone(&index)));
        Ok(Some(index))
    }
}
