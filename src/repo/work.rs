//! Reading and listing the files of the work tree.
//!
//! Nothing is written. In a sparse checkout what is not on disk comes from the index; in a bare repository
//! everything comes from `HEAD`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use gix::bstr::ByteSlice;

use crate::repo::dir::{self, Dir, Entry, TEMPORARY};
use crate::repo::error::{RepoError, Result};
use crate::repo::{Repo, path};

/// Files of one folder, and what was found there that is no file of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// Regular files, sorted by path.
    pub files: Vec<T>,
    /// Everything else but folders.
    pub odd: Vec<Odd>,
}

/// Something in the work tree or in a commit that is never opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    /// Its path, with escapes where it is not UTF-8 or not printable.
    pub path: String,
    /// Why it is not opened.
    pub kind: OddKind,
}

/// Why something is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddKind {
    /// A symbolic link.
    Symlink,
    /// A socket, a device, a FIFO or a submodule.
    Special,
    /// A name that is not UTF-8.
    NotUtf8,
    /// A temporary file of ours that a killed run left behind; `sweep` removes it.
    Leftover,
}

/// A file of the work tree and what a cache needs to know to see that it is still the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkFile {
    /// Its path.
    pub path: String,
    /// When it was last written, in nanoseconds since 1970; 0 where it is not on disk.
    pub mtime_ns: i128,
    /// How many bytes it has; 0 where it is not on disk.
    pub size: u64,
    /// Its inode; 0 where it is not on disk or the system has none.
    pub inode: u64,
}

/// Reads files of one work tree from any thread; knows nothing of git.
#[derive(Debug, Clone)]
pub struct WorkReader {
    top: PathBuf,
    /// The top, held open for all that is read below it.
    open: Option<Arc<Dir>>,
}

impl WorkReader {
    /// As `Repo::read_work`, for what is on disk.
    ///
    /// # Errors
    /// As `Repo::read_work`.
    pub fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let (parts, name) = path::split(path)?;
        if let Some(bytes) = self.open.as_ref().and_then(|top| top.read_below(path, limit)) {
            return Ok(Some(bytes));
        }
        dir::walk(&self.top, &parts)?.map_or(Ok(None), |dir| dir.read(name, limit))
    }

    /// As `Repo::exists_work`, for what is on disk.
    ///
    /// # Errors
    /// As `Repo::exists_work`.
    pub fn exists(&self, path: &str) -> Result<bool> {
        let (parts, name) = path::split(path)?;
        if let Some(is_there) = self.open.as_ref().and_then(|top| top.has_below(path)) {
            return Ok(is_there);
        }
        let Some(dir) = dir::walk(&self.top, &parts)? else { return Ok(false) };
        match dir.meta(name)?.map(|meta| meta.entry) {
            None => Ok(false),
            Some(Entry::File) => Ok(true),
            Some(Entry::Link) => Err(RepoError::Symlink { path: path.to_owned() }),
            Some(_) => Err(RepoError::NotAFile { path: path.to_owned() }),
        }
    }
}

impl Repo {
    /// Whether files of the index may be missing from the work tree on purpose.
    pub fn is_sparse(&self) -> bool {
        self.sparse
    }

    /// A handle that reads files on disk from any thread; none in a bare repository.
    pub fn reader(&self) -> Option<WorkReader> {
        self.work_dir().map(|top| WorkReader { top: top.to_owned(), open: Dir::top(top).ok().map(Arc::new) })
    }

    /// The bytes of the file at `path`, at most `limit` of them; `None` where there is none.
    ///
    /// # Errors
    /// `Symlink` (at any part below the top), `NotAFile`, `NotAFolder`, `TooLarge`, `BadPath`, `Io`.
    pub fn read_work(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(reader) = self.reader() else {
            return match self.head()?.commit {
                Some(commit) => within(path, limit, self.read_at(commit, path)?),
                None => Ok(None),
            };
        };
        match reader.read(path, limit)? {
            None if self.sparse => match self.index_to_look_at()? {
                Some(index) => match self.skipped_entry(&index, path)? {
                    Some(id) => within(path, limit, Some(self.blob(id)?)),
                    None => Ok(None),
                },
                None => Ok(None),
            },
            found => Ok(found),
        }
    }

    /// Whether there is a file at `path`, without reading it.
    ///
    /// # Errors
    /// As `read_work`, but for `TooLarge`.
    pub fn exists_work(&self, path: &str) -> Result<bool> {
        match self.reader().filter(|_| !self.sparse) {
            Some(reader) => reader.exists(path),
            None => Ok(self.read_work(path, u64::MAX)?.is_some()),
        }
    }

    /// All files below `dir`. A folder that is not there has none.
    ///
    /// # Errors
    /// `Symlink` where `dir` or a part of it is a link; `Io`.
    pub fn list_work(&self, dir: &str) -> Result<Listing<String>> {
        let on_disk = |names: Names, list: &mut Vec<String>| {
            list.extend(names.names.iter().map(|name| path::join(&names.prefix, name)));
        };
        self.list_with(dir, Vec::new(), on_disk, Ok, |path| path)
    }

    /// As `list_work`, with what a cache wants to know of each file. It waits for other threads of the pool, and so is not for
    /// one of them to call.
    ///
    /// # Errors
    /// As `list_work`.
    pub fn stat_list(&self, dir: &str) -> Result<Listing<WorkFile>> {
        let elsewhere = |path| WorkFile { path, mtime_ns: 0, size: 0, inode: 0 };
        self.list_with(dir, Stats::new(), |names, stats| stats.add(names), Stats::finish, elsewhere)
    }

    /// Removes temporary files below `dir` that a killed run left behind; how many there were.
    ///
    /// The lock is the proof that none of them is in use.
    ///
    /// # Errors
    /// As `list_work`.
    pub fn sweep(&self, _lock: &crate::repo::WriteLock, dir: &str) -> Result<usize> {
        let top = self.need_top()?;
        let mut removed = 0;
        for odd in self.list_work(dir)?.odd {
            if odd.kind == OddKind::Leftover {
                let (parts, name) = path::split(&odd.path)?;
                if let Some(dir) = dir::walk(top, &parts)? {
                    removed += usize::from(dir.remove(name)?);
                }
            }
        }
        Ok(removed + self.sweep_git())
    }

    /// Removes what a killed run left in git's own folder: objects half written by gix, which `git gc` does not know by
    /// their names, attributes, and the index of `git commit`. Another program may use gix here: what is younger than a
    /// day and not ours for certain stays.
    fn sweep_git(&self) -> usize {
        const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
        let places = [
            (self.common_dir().join("objects"), ".tmp", DAY),
            (self.common_dir().join("info"), "covault-", std::time::Duration::ZERO),
            (self.git_dir().to_owned(), "covault-index-", std::time::Duration::ZERO),
        ];
        let mut removed = 0;
        for (folder, prefix, age) in places {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                let written = entry.metadata().and_then(|meta| meta.modified()).ok();
                let is_old = written.and_then(|at| at.elapsed().ok()).is_some_and(|since| since >= age);
                if is_file && is_old && entry.file_name().to_string_lossy().starts_with(prefix) {
                    removed += usize::from(std::fs::remove_file(entry.path()).is_ok());
                }
            }
        }
        removed
    }

    /// `on_disk` is told of the files of each folder, in the order of their paths, and `finish` makes the files of that.
    fn list_with<T: Ord, S>(
        &self,
        dir: &str,
        mut state: S,
        mut on_disk: impl FnMut(Names, &mut S),
        finish: impl FnOnce(S) -> Result<Vec<T>>,
        elsewhere: impl Fn(String) -> T,
    ) -> Result<Listing<T>> {
        let parts = path::parts(dir)?;
        let mut list = Listing::default();
        match self.work_dir() {
            Some(top) => {
                if let Some(found) = dir::walk(top, &parts)? {
                    let mut found_files = |names| on_disk(names, &mut state);
                    list_folder(&Arc::new(found), dir, &mut found_files, &mut list.odd)?;
                }
                list.files = finish(state)?;
                self.add_skipped(top, dir, elsewhere, &mut list)?;
            }
            None => {
                if let Some(commit) = self.head()?.commit {
                    let at = self.list_at(commit, dir)?;
                    list.files.extend(at.files.into_iter().map(|(path, _)| elsewhere(path)));
                    list.odd = at.odd;
                }
            }
        }
        // In their order already, but for what a sparse checkout adds.
        list.files.sort();
        list.odd.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(list)
    }

    /// Adds what a sparse checkout has in the index only.
    fn add_skipped<T>(
        &self,
        top: &Path,
        dir: &str,
        elsewhere: impl Fn(String) -> T,
        list: &mut Listing<T>,
    ) -> Result<()> {
        if !self.sparse {
            return Ok(());
        }
        let Some(index) = self.read_index()? else { return Ok(()) };
        for (path, _) in self.sparse_entries(&index, dir)? {
            if top.join(&path).symlink_metadata().is_err() {
                list.files.push(elsewhere(path));
            }
        }
        Ok(())
    }
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { files: Vec::new(), odd: Vec::new() }
    }
}

impl Odd {
    pub(super) fn new(dir: &str, name: &[u8], kind: OddKind) -> Self {
        Self { path: path::join(dir, &name.as_bstr().escape_ascii().to_string()), kind }
    }
}

/// Files that are neighbours in one folder.
struct Names {
    dir: Arc<Dir>,
    prefix: String,
    names: Vec<String>,
}

/// Hands out the files below `dir` in the order of their paths.
fn list_folder(dir: &Arc<Dir>, prefix: &str, found: &mut impl FnMut(Names), odd: &mut Vec<Odd>) -> Result<()> {
    let mut entries = dir.list()?;
    // As in git's trees: what is below a folder comes where its name and a slash would.
    let end = |entry: &Entry| if *entry == Entry::Folder { b"/".as_slice() } else { b"" };
    entries.sort_unstable_by(|(a, of_a), (b, of_b)| {
        let (a, b) = (a.as_encoded_bytes(), b.as_encoded_bytes());
        match a.starts_with(b) || b.starts_with(a) {
            true => a.iter().chain(end(of_a)).cmp(b.iter().chain(end(of_b))),
            false => a.cmp(b),
        }
    });
    let mut names = Vec::new();
    let take = |names: &mut Vec<String>| Names {
        dir: Arc::clone(dir),
        prefix: prefix.to_owned(),
        names: std::mem::take(names),
    };
    for (name, entry) in entries {
        let text = match name.into_string() {
            Ok(text) => text,
            Err(name) => {
                odd.push(Odd::new(prefix, name.as_encoded_bytes(), OddKind::NotUtf8));
                continue;
            }
        };
        let is = |kind| Odd { path: path::join(prefix, &text), kind };
        match entry {
            // Another repository inside ours is not ours to read.
            Entry::Folder | Entry::File if text.eq_ignore_ascii_case(".git") => {}
            Entry::Folder => {
                if !names.is_empty() {
                    found(take(&mut names));
                }
                if let Some(sub) = dir.enter(&text)? {
                    list_folder(&Arc::new(sub), &path::join(prefix, &text), found, odd)?;
                }
            }
            Entry::File if text.starts_with(TEMPORARY) => odd.push(is(OddKind::Leftover)),
            Entry::File => names.push(text),
            Entry::Link => odd.push(is(OddKind::Symlink)),
            Entry::Special => odd.push(is(OddKind::Special)),
        }
    }
    if !names.is_empty() {
        found(take(&mut names));
    }
    Ok(())
}

/// What became of one batch, and which one it was.
type Answer = (usize, Result<Vec<WorkFile>>);

/// Asks about files by the folder; where they are many, on all cores, while further folders are still being listed.
struct Stats {
    waiting: Vec<Names>,
    count: usize,
    /// How many batches there were.
    batches: usize,
    done: Vec<Answer>,
    sender: Sender<Answer>,
    answers: Receiver<Answer>,
}

/// From how many files on they are asked about on another core. Below, starting the threads takes longer.
const BATCH: usize = 512;
/// How many folders a batch holds open at most, and how many batches may be under way: a process may have a thousand
/// files open.
const OPEN_FOLDERS: usize = 32;
const UNDER_WAY: usize = 8;

impl Stats {
    fn new() -> Self {
        let (sender, answers) = std::sync::mpsc::channel();
        Self { waiting: Vec::new(), count: 0, batches: 0, done: Vec::new(), sender, answers }
    }

    fn add(&mut self, folder: Names) {
        let Names { dir, prefix, names } = folder;
        let mut names = names.into_iter().peekable();
        while names.peek().is_some() {
            let names: Vec<_> = names.by_ref().take(BATCH).collect();
            self.count += names.len();
            self.waiting.push(Names { dir: Arc::clone(&dir), prefix: prefix.clone(), names });
            if self.count >= BATCH {
                self.hand_out();
            } else if self.waiting.len() >= OPEN_FOLDERS {
                self.ask();
            }
        }
    }

    /// What waits, and which batch it is.
    fn batch(&mut self) -> (usize, Vec<Names>) {
        self.count = 0;
        self.batches += 1;
        (self.batches, std::mem::take(&mut self.waiting))
    }

    fn ask(&mut self) {
        let (number, batch) = self.batch();
        self.done.push((number, stats_of(&batch)));
    }

    fn hand_out(&mut self) {
        let ((number, batch), sender) = (self.batch(), self.sender.clone());
        // It fails where nobody waits for the answer any more.
        rayon::spawn(move || drop(sender.send((number, stats_of(&batch)))));
        self.done.extend(self.answers.try_iter());
        if self.batches - self.done.len() >= UNDER_WAY {
            self.done.extend(self.answers.recv());
        }
    }

    fn finish(mut self) -> Result<Vec<WorkFile>> {
        self.ask();
        drop(self.sender);
        self.done.extend(self.answers);
        self.done.sort_unstable_by_key(|(number, _)| *number);
        let found: Result<Vec<_>> = self.done.into_iter().map(|(_, found)| found).collect();
        Ok(found?.into_iter().flatten().collect())
    }
}

fn stats_of(folders: &[Names]) -> Result<Vec<WorkFile>> {
    let mut found = Vec::new();
    for Names { dir, prefix, names } in folders {
        for name in names {
            // One that went away meanwhile is not there.
            if let Some(meta) = dir.meta(name)? {
                let path = path::join(prefix, name);
                found.push(WorkFile { path, mtime_ns: meta.mtime_ns, size: meta.size, inode: meta.inode });
            }
        }
    }
    Ok(found)
}

fn within(path: &str, limit: u64, bytes: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    match bytes {
        Some(bytes) if bytes.len() as u64 > limit => Err(RepoError::TooLarge { path: path.to_owned(), limit }),
        bytes => Ok(bytes),
    }
}
