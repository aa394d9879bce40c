//! Folders held open by descriptor: a link put in the way later is not followed either.
//!
//! Linux and macOS; `other.rs` is for the rest.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::{Entry, Meta, temporary_name};
use crate::repo::error::{RepoError, Result};
use crate::repo::path;

/// An open folder and its path from the top.
#[derive(Debug)]
pub(in crate::repo) struct Dir {
    fd: OwnedFd,
    name: String,
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Dir {
    /// The top of the work tree. Links on the way to it are the person's own and are followed.
    pub(in crate::repo) fn top(top: &Path) -> Result<Self> {
        let fd = rustix::fs::open(top, FOLDER, Mode::empty())
            .map_err(|errno| RepoError::io("open", top.to_string_lossy(), errno))?;
        Ok(Self { fd, name: String::new() })
    }

    /// A folder in this one; `None` where the name is not taken.
    pub(in crate::repo) fn enter(&self, name: &str) -> Result<Option<Self>> {
        match openat(&self.fd, name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, name: self.path(name) })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(match self.meta(name)? {
                Some(meta) if meta.entry == Entry::Link => RepoError::Symlink { path: self.path(name) },
                Some(meta) if meta.entry != Entry::Folder => RepoError::NotAFolder { path: self.path(name) },
                _ => RepoError::io("open", self.path(name), errno),
            }),
        }
    }

    /// A folder in this one, made where the name is not taken.
    pub(in crate::repo) fn enter_or_create(&self, name: &str) -> Result<Self> {
        if let Some(dir) = self.enter(name)? {
            return Ok(dir);
        }
        match mkdirat(&self.fd, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(RepoError::io("make the folder", self.path(name), errno)),
        }
        self.enter(name)?.ok_or_else(|| RepoError::io("open", self.path(name), Errno::NOENT))
    }

    /// What `name` stands for; `None` where it is not taken.
    pub(in crate::repo) fn meta(&self, name: &str) -> Result<Option<Meta>> {
        match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(meta(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(RepoError::io("look at", self.path(name), errno)),
        }
    }

    /// The bytes of a regular file; `None` where the name is not taken.
    pub(in crate::repo) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        // NONBLOCK, so that a FIFO does not keep us waiting for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = match openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => {
                return Err(match self.meta(name)? {
                    Some(meta) if meta.entry == Entry::Link => RepoError::Symlink { path: self.path(name) },
                    Some(meta) if meta.entry != Entry::File => RepoError::NotAFile { path: self.path(name) },
                    _ => RepoError::io("open", self.path(name), errno),
                });
            }
        };
        contents(File::from(fd), &self.path(name), limit).map(Some)
    }

    /// The bytes of a regular file below this folder, reached in one step where the system can refuse links on the way
    /// by itself (Linux 5.6). `None` where it cannot, or where anything is out of the ordinary: the way part by part
    /// then says what.
    #[cfg(target_os = "linux")]
    pub(in crate::repo) fn read_below(&self, path: &str, limit: u64) -> Option<Vec<u8>> {
        use rustix::fs::{ResolveFlags, openat2};
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let fd = openat2(&self.fd, path, flags, Mode::empty(), within).ok()?;
        contents(File::from(fd), path, limit).ok()
    }

    /// There is no such call here.
    #[cfg(not(target_os = "linux"))]
    pub(in crate::repo) fn read_below(&self, _path: &str, _limit: u64) -> Option<Vec<u8>> {
        None
    }

    /// Whether there is a regular file below this folder, asked in one step as in [`Self::read_below`]; `None` where
    /// the way part by part has to say.
    #[cfg(target_os = "linux")]
    pub(in crate::repo) fn has_below(&self, path: &str) -> Option<bool> {
        use rustix::fs::{ResolveFlags, fstat, openat2};
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.fd, path, flags, Mode::empty(), within) {
            Ok(fd) => {
                let stat = fstat(&fd).ok()?;
                (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then_some(true)
            }
            Err(Errno::NOENT) => Some(false),
            Err(_) => None,
        }
    }

    /// There is no such call here.
    #[cfg(not(target_os = "linux"))]
    pub(in crate::repo) fn has_below(&self, _path: &str) -> Option<bool> {
        None
    }

    /// Writes a temporary file beside `name`; the answer is its name.
    pub(in crate::repo) fn write_temporary(&self, bytes: &[u8], sync: bool) -> Result<String> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (fd, temporary) = loop {
            let temporary = temporary_name();
            match openat(&self.fd, &temporary, flags, Mode::from_raw_mode(0o644)) {
                Ok(fd) => break (fd, temporary),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(RepoError::io("write in", self.name.as_str(), errno)),
            }
        };
        let mut file = File::from(fd);
        let written = file.write_all(bytes).and_then(|()| if sync { file.sync_all() } else { Ok(()) });
        written.map_err(|source| {
            let _ = unlinkat(&self.fd, &temporary, AtFlags::empty());
            RepoError::io("write in", self.name.as_str(), source)
        })?;
        Ok(temporary)
    }

    /// Gives a temporary file its name, replacing what has it now.
    pub(in crate::repo) fn rename(&self, temporary: &str, name: &str) -> Result<()> {
        renameat(&self.fd, temporary, &self.fd, name).map_err(|errno| {
            let _ = unlinkat(&self.fd, temporary, AtFlags::empty());
            RepoError::io("replace", self.path(name), errno)
        })
    }

    /// Removes a file; whether there was one.
    pub(in crate::repo) fn remove(&self, name: &str) -> Result<bool> {
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(RepoError::io("remove", self.path(name), errno)),
        }
    }

    /// Removes a folder if it is empty; whether it was.
    pub(in crate::repo) fn remove_folder(&self, name: &str) -> bool {
        unlinkat(&self.fd, name, AtFlags::REMOVEDIR).is_ok()
    }

    /// All names in the folder with what they stand for, in no order.
    pub(in crate::repo) fn list(&self) -> Result<Vec<(OsString, Entry)>> {
        let failed = |errno| RepoError::io("list", self.name.as_str(), errno);
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => match statat(&self.fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(_) => continue,
                },
                known => known,
            };
            names.push((OsString::from_vec(name.to_vec()), entry_of(kind)));
        }
        Ok(names)
    }

    /// Makes the names in the folder durable.
    pub(in crate::repo) fn sync(&self) -> Result<()> {
        match rustix::fs::fsync(&self.fd) {
            // Some file systems cannot, and then nobody can.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::ROFS) => Ok(()),
            Err(errno) => Err(RepoError::io("sync", self.name.as_str(), errno)),
        }
    }

    /// Makes the bytes of a file durable.
    pub(in crate::repo) fn sync_file(&self, name: &str) -> Result<()> {
        let failed = |errno| RepoError::io("sync", self.path(name), errno);
        let fd = openat(&self.fd, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
        rustix::fs::fsync(fd.map_err(failed)?).map_err(failed)
    }

    /// Makes everything on the file system durable, where the system can do that in one call; whether it did.
    pub(in crate::repo) fn sync_all(&self) -> bool {
        #[cfg(target_os = "linux")]
        let done = rustix::fs::syncfs(self.fd.as_fd()).is_ok();
        #[cfg(not(target_os = "linux"))]
        let done = false;
        done
    }

    fn path(&self, name: &str) -> String {
        path::join(&self.name, name)
    }
}

fn meta(stat: &rustix::fs::Stat) -> Meta {
    Meta {
        entry: entry_of(FileType::from_raw_mode(stat.st_mode)),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
        inode: stat.st_ino,
    }
}

fn entry_of(kind: FileType) -> Entry {
    match kind {
        FileType::RegularFile => Entry::File,
        FileType::Directory => Entry::Folder,
        FileType::Symlink => Entry::Link,
        _ => Entry::Special,
    }
}

/// The bytes of an open regular file.
fn contents(mut file: File, path: &str, limit: u64) -> Result<Vec<u8>> {
    let failed = |source: std::io::Error| RepoError::io("read", path, source);
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(RepoError::NotAFile { path: path.to_owned() });
    }
    let too_large = || RepoError::TooLarge { path: path.to_owned(), limit };
    if about.len() > limit {
        return Err(too_large());
    }
    // One byte more than it has: it may grow while it is read. Most files come in one piece, and their end needs no
    // second look.
    let length = usize::try_from(about.len()).unwrap_or(0);
    let mut bytes = vec![0; length.saturating_add(1)];
    let first = loop {
        match file.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            first => break first.map_err(failed)?,
        }
    };
    bytes.truncate(first);
    if first != length {
        file.take(limit.saturating_add(1).saturating_sub(first as u64)).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}
