//! Folders by path, each part looked at before it is used: for systems without `openat`.
//!
//! A link that is put in the way between the look and the use is not noticed; `unix.rs` does better.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{Entry, Meta, temporary_name};
use crate::repo::error::{RepoError, Result};
use crate::repo::path;

/// A folder, and its path from the top.
#[derive(Debug)]
pub(in crate::repo) struct Dir {
    at: PathBuf,
    name: String,
}

impl Dir {
    /// The top of the work tree.
    pub(in crate::repo) fn top(top: &Path) -> Result<Self> {
        Ok(Self { at: top.to_owned(), name: String::new() })
    }

    /// A folder in this one; `None` where the name is not taken.
    pub(in crate::repo) fn enter(&self, name: &str) -> Result<Option<Self>> {
        match self.meta(name)?.map(|meta| meta.entry) {
            None => Ok(None),
            Some(Entry::Folder) => Ok(Some(Self { at: self.at.join(name), name: self.path(name) })),
            Some(Entry::Link) => Err(RepoError::Symlink { path: self.path(name) }),
            Some(_) => Err(RepoError::NotAFolder { path: self.path(name) }),
        }
    }

    /// A folder in this one, made where the name is not taken.
    pub(in crate::repo) fn enter_or_create(&self, name: &str) -> Result<Self> {
        if let Some(dir) = self.enter(name)? {
            return Ok(dir);
        }
        match fs::create_dir(self.at.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => return Err(RepoError::io("make the folder", self.path(name), source)),
        }
        self.enter(name)?.ok_or_else(|| RepoError::io("open", self.path(name), ErrorKind::NotFound))
    }

    /// What `name` stands for; `None` where it is not taken.
    pub(in crate::repo) fn meta(&self, name: &str) -> Result<Option<Meta>> {
        match fs::symlink_metadata(self.at.join(name)) {
            Ok(about) => Ok(Some(meta(&about))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(RepoError::io("look at", self.path(name), source)),
        }
    }

    /// The bytes of a regular file; `None` where the name is not taken.
    pub(in crate::repo) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        match self.meta(name)?.map(|meta| meta.entry) {
            None => return Ok(None),
            Some(Entry::File) => {}
            Some(Entry::Link) => return Err(RepoError::Symlink { path: self.path(name) }),
            Some(_) => return Err(RepoError::NotAFile { path: self.path(name) }),
        }
        let failed = |source: std::io::Error| RepoError::io("read", self.path(name), source);
        let file = File::open(self.at.join(name)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        let too_large = bytes.len() as u64 > limit;
        if too_large { Err(RepoError::TooLarge { path: self.path(name), limit }) } else { Ok(Some(bytes)) }
    }

    /// There is no such call here.
    pub(in crate::repo) fn has_below(&self, _path: &str) -> Option<bool> {
        None
    }

    /// Writes a temporary file beside `name`; the answer is its name.
    pub(in crate::repo) fn write_temporary(&self, bytes: &[u8], sync: bool) -> Result<String> {
        let temporary = temporary_name();
        let at = self.at.join(&temporary);
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&at)?;
            file.write_all(bytes)?;
            if sync { file.sync_all() } else { Ok(()) }
        };
        write().map_err(|source| {
            drop(fs::remove_file(&at));
            RepoError::io("write in", self.name.as_str(), source)
        })?;
        Ok(temporary)
    }

    /// Gives a temporary file its name, replacing what has it now.
    pub(in crate::repo) fn rename(&self, temporary: &str, name: &str) -> Result<()> {
        fs::rename(self.at.join(temporary), self.at.join(name)).map_err(|source| {
            drop(fs::remove_file(self.at.join(temporary)));
            RepoError::io("replace", self.path(name), source)
        })
    }

    /// Removes a file; whether there was one.
    pub(in crate::repo) fn remove(&self, name: &str) -> Result<bool> {
        match fs::remove_file(self.at.join(name)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(RepoError::io("remove", self.path(name), source)),
        }
    }

    /// Removes a folder if it is empty; whether it was.
    pub(in crate::repo) fn remove_folder(&self, name: &str) -> bool {
        fs::remove_dir(self.at.join(name)).is_ok()
    }

    /// All names in the folder with what they stand for, in no order.
    pub(in crate::repo) fn list(&self) -> Result<Vec<(OsString, Entry)>> {
        let failed = |source: std::io::Error| RepoError::io("list", self.name.as_str(), source);
        fs::read_dir(&self.at)
            .map_err(failed)?
            .map(|entry| {
                let entry = entry.map_err(failed)?;
                Ok((entry.file_name(), entry_of(entry.file_type().map_err(failed)?)))
            })
            .collect()
    }

    /// Makes the names in the folder durable, where the system can.
    pub(in crate::repo) fn sync(&self) -> Result<()> {
        Ok(())
    }

    /// Only the way part by part here.
    pub(in crate::repo) fn read_below(&self, _path: &str, _limit: u64) -> Option<Vec<u8>> {
        None
    }

    /// Makes the bytes of a file durable.
    pub(in crate::repo) fn sync_file(&self, name: &str) -> Result<()> {
        let file = OpenOptions::new().write(true).open(self.at.join(name));
        file.and_then(|file| file.sync_all()).map_err(|source| RepoError::io("sync", self.path(name), source))
    }

    /// Makes everything on the file system durable in one call: not here.
    pub(in crate::repo) fn sync_all(&self) -> bool {
        false
    }

    fn path(&self, name: &str) -> String {
        path::join(&self.name, name)
    }
}

fn meta(about: &fs::Metadata) -> Meta {
    let since = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mtime_ns = since.and_then(|since| i128::try_from(since.as_nanos()).ok()).unwrap_or(0);
    Meta { entry: entry_of(about.file_type()), size: about.len(), mtime_ns, inode: 0 }
}

fn entry_of(kind: fs::FileType) -> Entry {
    match kind {
        kind if kind.is_symlink() => Entry::Link,
        kind if kind.is_file() => Entry::File,
        kind if kind.is_dir() => Entry::Folder,
        _ => Entry::Special,
    }
}
