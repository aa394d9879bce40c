//! Moving a ref, if it still is where it was seen.
//!
//! A branch that is a file of its own, with reflogs that are there already, is moved in this process: the same locks,
//! lines and renames as git's, in its order; `HEAD.lock` says that it is ours, so that the next of us can clear up after a
//! kill. All else is git's `update-ref`: other ways of keeping refs, packed and new ones, reflogs that are yet to be made,
//! shared permissions, and whatever goes wrong here, so that it is git that says so.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::repo::commit::raw_date;
use crate::repo::error::Cause;
use crate::repo::refs::{HEADS, full_name};
use crate::repo::{ObjectId, Repo};

/// More than this is no ref.
const LIMIT: u64 = 4 << 10;

impl Repo {
    /// Moves a ref from `old` to `new`, if it still is at `old` (`None`: not there). For `HEAD`, that is its branch, or
    /// `HEAD` itself when detached.
    pub(super) fn swap_ref(
        &self,
        name: &str,
        old: Option<ObjectId>,
        new: ObjectId,
        log: &str,
        committer: &gix::actor::Signature,
    ) -> Result<(), Cause> {
        if name == "HEAD"
            && self.has_plain_refs()
            && let Some(old) = old
            && let Some(line) = reflog_line(old, new, log, committer)
            && self.swap_head(old, new, &line).unwrap_or(false)
        {
            return Ok(());
        }
        let nothing = ObjectId::null(self.git.object_hash());
        let (old, new) = (old.unwrap_or(nothing).to_string(), new.to_string());
        let mut command = self.command();
        command.args(["update-ref", "-m", log, name, &new, &old]);
        command.env("GIT_COMMITTER_NAME", committer.name.to_string());
        command.env("GIT_COMMITTER_EMAIL", committer.email.to_string());
        command.env("GIT_COMMITTER_DATE", raw_date(committer.time));
        let said = self.run(command, None)?;
        if said.code == 0 { Ok(()) } else { Err(said.failed("update-ref").into()) }
    }

    /// Whether a ref is a file as git would write it, and nothing else wants to know that it moves.
    ///
    /// Hooks that are files are not asked: git is started without them here, too. Those that newer gits take from the
    /// configuration would run.
    fn has_plain_refs(&self) -> bool {
        let is_files = self.config_str("extensions.refStorage").is_none_or(|kind| kind.eq_ignore_ascii_case("files"));
        let config = self.git.config_snapshot();
        let has_hooks = config.sections_by_name("hook").is_some_and(|mut sections| sections.next().is_some());
        // What somebody wants to be synced, git knows; by itself it syncs no ref.
        is_files && !has_hooks && self.sharing() == 0 && self.config_str("core.fsync").is_none()
    }

    /// Whether it was moved. Where not, nothing has changed; an error may have left a line in a reflog.
    fn swap_head(&self, old: ObjectId, new: ObjectId, line: &str) -> std::io::Result<bool> {
        let Some(branch) = self.branch_of_head()? else { return Ok(false) };
        let file = self.common_dir().join(&branch);
        let logs = [self.git_dir().join("logs/HEAD"), self.common_dir().join("logs").join(&branch)];
        if !logs.iter().all(|log| is_file(log)) {
            return Ok(false);
        }
        let next = Prepared::new(self.common_dir().join(NEXT), &format!("{new}\n"))?;
        let Some(inode) = inode(&next.path) else { return Ok(false) };
        let mark = Prepared::new(self.git_dir().join(MARK), &format!("{MARKED}{inode}\n"))?;
        let Some(_head_lock) = Lock::take(&self.git_dir().join("HEAD"), &mark)? else { return Ok(false) };
        let Some(lock) = Lock::take(&file, &next)? else { return Ok(false) };
        let is_there = text_of(&file)?.is_some_and(|said| old == said.trim_end());
        if !is_there || self.branch_of_head()? != Some(branch) {
            return Ok(false);
        }
        let open = |log: &PathBuf| OpenOptions::new().append(true).open(log);
        for mut log in logs.iter().map(open).collect::<Result<Vec<_>, _>>()? {
            log.write_all(line.as_bytes())?;
        }
        lock.put_in_place(&file)?;
        Ok(true)
    }

    /// The branch that is checked out, where `HEAD` is a file that says so.
    fn branch_of_head(&self) -> std::io::Result<Option<String>> {
        let head = self.git_dir().join("HEAD");
        let said = if is_file(&head) { text_of(&head)? } else { None };
        let branch = said.as_deref().and_then(|said| said.strip_prefix("ref: ")).map(str::trim_end);
        Ok(branch.filter(|branch| branch.starts_with(HEADS) && full_name(branch).is_some()).map(str::to_owned))
    }

    /// Removes the locks of a covault that was killed here while it moved a branch. Whoever asks holds the write lock, so
    /// that nobody else of ours can have them; those of a git are another's, and stay.
    pub(super) fn release_locks_of_the_dead(&self) {
        let head_lock = lock_of(&self.git_dir().join("HEAD"));
        let said = text_of(&head_lock).ok().flatten();
        let Some(number) = said.as_deref().and_then(|said| said.strip_prefix(MARKED)) else { return };
        if let Ok(Some(branch)) = self.branch_of_head() {
            let lock = lock_of(&self.common_dir().join(branch));
            if inode(&lock).is_some_and(|inode| number.trim_end() == inode.to_string()) {
                drop(std::fs::remove_file(lock));
            }
        }
        drop(std::fs::remove_file(head_lock));
    }
}

/// The branch's next value, until it has the name of the branch's lock, too.
const NEXT: &str = "covault.next";
/// What says whose the locks are, until it has the name of `HEAD.lock`, too.
const MARK: &str = "covault.mark";
/// Begins the text in `HEAD.lock`; the number of the file follows that is the branch's lock.
const MARKED: &str = "covault ";

/// A file with a name of ours that is to become a lock: it has its text before anybody sees it as one. Only who holds the
/// write lock makes one; what a killed process left is begun anew, as a ref may be the same file by now.
struct Prepared {
    path: PathBuf,
}

impl Prepared {
    fn new(path: PathBuf, text: &str) -> std::io::Result<Self> {
        drop(std::fs::remove_file(&path));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let prepared = Self { path };
        file.write_all(text.as_bytes())?;
        Ok(prepared)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Git's lock of a ref; removed when dropped.
struct Lock {
    path: PathBuf,
}

impl Lock {
    /// None where somebody has it, or the ref is no file: git waits, and says what is wrong.
    fn take(target: &Path, prepared: &Prepared) -> std::io::Result<Option<Self>> {
        let path = lock_of(target);
        if !is_file(target) {
            return Ok(None);
        }
        match std::fs::hard_link(&prepared.path, &path) {
            Ok(()) => Ok(Some(Self { path })),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes it the ref.
    fn put_in_place(mut self, target: &Path) -> std::io::Result<()> {
        std::fs::rename(&self.path, target)?;
        self.path.clear();
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

fn lock_of(target: &Path) -> PathBuf {
    let mut path = target.as_os_str().to_owned();
    path.push(".lock");
    PathBuf::from(path)
}

/// A file's number in its file system, where there is such a thing.
#[cfg(unix)]
fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    path.symlink_metadata().ok().map(|meta| meta.ino())
}

#[cfg(not(unix))]
fn inode(_path: &Path) -> Option<u64> {
    None
}

/// A line as git writes it, with the message's white space made single spaces; `None` for what git would not take.
fn reflog_line(old: ObjectId, new: ObjectId, log: &str, committer: &gix::actor::Signature) -> Option<String> {
    let is_odd = |text: &str| text.contains(['\0', '\n', '<', '>']);
    let (name, email) = (committer.name.to_string(), committer.email.to_string());
    if log.contains('\0') || is_odd(&name) || is_odd(&email) || committer.time.seconds < 0 {
        return None;
    }
    let words: Vec<&str> = log.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).collect();
    let words = words.join(" ");
    let message = if words.is_empty() { String::new() } else { format!("\t{words}") };
    let time = raw_date(committer.time);
    Some(format!("{old} {new} {name} <{email}> {}{message}\n", time.trim_start_matches('@')))
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_file())
}

/// What a small file says, if it is text.
fn text_of(path: &Path) -> std::io::Result<Option<String>> {
    if path.symlink_metadata()?.len() > LIMIT {
        return Ok(None);
    }
    Ok(String::from_utf8(std::fs::read(path)?).ok())
}
