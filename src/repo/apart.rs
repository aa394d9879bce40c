//! Objects that git keeps apart from the repository's own: what a push brings, until the hooks have let it in.
//!
//! Git tells the programs that it starts where they lie (`GIT_OBJECT_DIRECTORY`, `GIT_ALTERNATE_OBJECT_DIRECTORIES`).
//! They are read like others and never written.

use gix::objs::{Exists as _, Find as _, Kind};
use gix::odb::{Handle, Header as _, find::Header};

use crate::repo::{ObjectId, Repo};

/// The folders of objects that the environment names and that are not the repository's own.
#[derive(Default)]
pub(super) struct Apart(Vec<Handle>);

impl Apart {
    /// Those that a program started by git is told of. One that is not there holds nothing, as for git.
    pub(super) fn of(git: &gix::Repository) -> Self {
        let own = git.common_dir().join("objects").canonicalize().ok();
        let first = std::env::var_os("GIT_OBJECT_DIRECTORY").map(Into::into);
        let others = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
        let folders = first.into_iter().chain(std::env::split_paths(&others));
        let folders = folders.filter(|folder: &std::path::PathBuf| !folder.as_os_str().is_empty());
        let folders = folders.filter_map(|folder| folder.canonicalize().ok());
        let folders = folders.filter(|folder| Some(folder) != own.as_ref());
        Self(folders.filter_map(|folder| gix::odb::at(folder, git.object_hash()).ok()).collect())
    }

    /// Whether there are any.
    pub(super) fn is_somewhere(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Repo {
    /// An object of whatever kind, where it is here.
    pub(super) fn object_here(&self, id: ObjectId) -> Result<Option<(Kind, Vec<u8>)>, gix::Error> {
        if let Some(mut object) = self.git.try_find_object(id)? {
            return Ok(Some((object.kind, std::mem::take(&mut object.data))));
        }
        for store in &self.apart.0 {
            let mut data = Vec::new();
            if let Some(kind) = store.try_find(&id, &mut data)?.map(|found| found.kind) {
                return Ok(Some((kind, data)));
            }
        }
        Ok(None)
    }

    /// Its kind and size alone.
    pub(super) fn header_here(&self, id: ObjectId) -> Result<Option<Header>, gix::Error> {
        if let Some(header) = self.git.try_find_header(id)? {
            return Ok(Some(header));
        }
        for store in &self.apart.0 {
            if let Some(header) = store.try_header(&id)? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Whether this clone has the object now, without fetching it.
    pub fn has_object(&self, id: ObjectId) -> bool {
        self.git.has_object(id) || self.apart.0.iter().any(|store| store.exists(&id))
    }
}
