//! Moving a ref, if it still is where it was seen.
//!
//! A branch that is a file of its own, with reflogs that are there already, is moved in this process: the same locks,
//! lines and renames as git's, in its order. All else is git's `update-ref`: other ways of keeping refs, packed and new
//! ones, reflogs that are yet to be made, shared permissions, and whatever goes wrong here, so that it is git that says so.

use std::fs::{File, OpenOptions};
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
        let head = self.git_dir().join("HEAD");
        let head_log = self.git_dir().join("logs/HEAD");
        let Some(mut head_lock) = Lock::take(&head)? else { return Ok(false) };
        let Some(said) = text_of(&head)? else { return Ok(false) };
        let Some(branch) = said.strip_prefix("ref: ") else {
            return head_lock.swap(&said, old, new, &[&head_log], line);
        };
        let branch = branch.trim_end();
        if !branch.starts_with(HEADS) || full_name(branch).is_none() {
            return Ok(false);
        }
        let file = self.common_dir().join(branch);
        let Some(mut lock) = Lock::take(&file)? else { return Ok(false) };
        let Some(said) = text_of(&file)? else { return Ok(false) };
        lock.swap(&said, old, new, &[&head_log, &self.common_dir().join("logs").join(branch)], line)
    }
}

/// Git's lock of a ref, which is the ref's next version until it is put in its place; removed when dropped.
struct Lock {
    path: PathBuf,
    target: PathBuf,
    file: Option<File>,
}

impl Lock {
    /// None where somebody has it, or the ref is no file: git waits, and says what is wrong.
    fn take(target: &Path) -> std::io::Result<Option<Self>> {
        let mut path = target.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        if !is_file(target) {
            return Ok(None);
        }
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => Ok(Some(Self { path, target: target.to_owned(), file: Some(file) })),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes `new` where `said`, which was read under this lock, is `old`, and a line to reflogs that are there.
    fn swap(&mut self, said: &str, old: ObjectId, new: ObjectId, logs: &[&Path], line: &str) -> std::io::Result<bool> {
        if old != said.trim_end() || !logs.iter().all(|log| is_file(log)) {
            return Ok(false);
        }
        let open = |log: &&Path| OpenOptions::new().append(true).open(log);
        let mut logs = logs.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        // Closed before it is renamed, as some systems want it.
        let Some(mut file) = self.file.take() else { return Ok(false) };
        file.write_all(format!("{new}\n").as_bytes())?;
        drop(file);
        for log in &mut logs {
            log.write_all(line.as_bytes())?;
        }
        std::fs::rename(&self.path, &self.target)?;
        self.path.clear();
        Ok(true)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.file = None;
        if !self.path.as_os_str().is_empty() {
            drop(std::fs::remove_file(&self.path));
        }
    }
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
