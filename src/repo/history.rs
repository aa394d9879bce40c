//! Who changed which file when: `git log` over paths, read while it runs, and ended where nobody wants to know more.
//!
//! It reads no blobs, runs no textconv and no signature check. Nobody does it faster: git asks the commit-graph which
//! commits can have changed a path, where that was written with `--changed-paths`, and passes over all others.

use gix::bstr::ByteSlice;

use crate::repo::error::{RepoError, Result};
use crate::repo::program::Stream;
use crate::repo::{ObjectId, Repo};

/// A commit that changed one of the paths asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The commit.
    pub commit: ObjectId,
    /// Its parents; the first one is the branch that it was made on.
    pub parents: Vec<ObjectId>,
    /// The author's name, as the commit says.
    pub author: String,
    /// The author's address, as the commit says.
    pub email: String,
    /// When the author says that it was, in seconds since 1970.
    pub time: i64,
    /// The first line of the message.
    pub subject: String,
    /// What it changed among the paths.
    pub changes: Vec<HistoryChange>,
}

/// One file before and after a commit; for a merge, before is the first parent's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryChange {
    /// Its path.
    pub path: String,
    /// Its blob before; `None`: it was not there.
    pub before: Option<ObjectId>,
    /// Its blob after; `None`: it is not there any more.
    pub after: Option<ObjectId>,
}

impl Repo {
    /// The commits reachable from `from` that changed one of `paths` (files or folders; none: everything), newest
    /// first, at most `limit`.
    ///
    /// All sides of merges are followed. A merge is listed for the files that it has otherwise than each of its
    /// parents: a merge that took one side as it was made no new version. `is_shallow` says whether the history
    /// goes further than this clone knows.
    ///
    /// # Errors
    /// `RevNotFound`, `Git`, `GitAnswer`.
    pub fn history(&self, from: &str, paths: &[&str], limit: Option<usize>) -> Result<Vec<HistoryEntry>> {
        self.history_walk(from, paths)?.take(limit.unwrap_or(usize::MAX)).collect()
    }

    /// The same, one at a time: who has found what they look for need not go further. After an error comes nothing.
    ///
    /// # Errors
    /// `RevNotFound`; `Git` and `GitAnswer` in the walk.
    pub fn history_walk(&self, from: &str, paths: &[&str]) -> Result<HistoryWalk> {
        self.walk_over(from, paths, false)
    }

    /// The same with merges that made no new version, and have `paths` otherwise than one of their parents: so whatever
    /// stood together at these paths, one of the commits has it.
    ///
    /// # Errors
    /// `RevNotFound`; `Git` and `GitAnswer` in the walk.
    pub fn states_walk(&self, from: &str, paths: &[&str]) -> Result<HistoryWalk> {
        self.walk_over(from, paths, true)
    }

    fn walk_over(&self, from: &str, paths: &[&str], has_all: bool) -> Result<HistoryWalk> {
        if from == "HEAD" && self.head()?.commit.is_none() {
            return Ok(HistoryWalk { stream: None, next: None, has_all });
        }
        let from = self.resolve(from)?.to_string();
        let mut command = self.command();
        command.args(["-c", "log.showRoot=true", "-c", "log.follow=false", "log"]);
        command.args(["--full-history", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-merges=combined"]);
        command.args(["--no-show-signature", "--no-notes", "--no-color", "--no-ext-diff", "--no-textconv"]);
        command.args([
            "--no-mailmap",
            "-O/dev/null",
            "--encoding=UTF-8",
            "--format=%H%x00%P%x00%an%x00%ae%x00%at%x00%s",
        ]);
        command.args(["--end-of-options", &from, "--"]);
        if !paths.contains(&"") {
            command.args(paths);
        }
        Ok(HistoryWalk { stream: Some(self.stream(command)?), next: None, has_all })
    }

    /// Whether `path` was ever committed on any ref that this clone has.
    ///
    /// # Errors
    /// `Git`.
    pub fn ever_tracked(&self, path: &str) -> Result<bool> {
        let args = ["log", "--all", "--full-history", "-1", "--format=%H", "--no-show-signature", "--", path];
        Ok(self.ask(&args)?.is_some_and(|out| !out.trim_ascii().is_empty()))
    }

    /// Whether git leaves an untracked file of the work tree out by itself, as `.gitignore` and its like say.
    pub fn is_ignored(&self, path: &str) -> Result<bool> {
        // `git check-ignore` takes no literal paths.
        let args = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", path];
        Ok(self.ask(&args)?.is_some_and(|out| !out.is_empty()))
    }
}

/// The commits that changed some paths, as git finds them; see `Repo::history_walk`.
pub struct HistoryWalk {
    /// `None`: at the end.
    stream: Option<Stream>,
    /// The commit whose changes are being read.
    next: Option<HistoryEntry>,
    /// Merges that made no new version are listed, too.
    has_all: bool,
}

impl Iterator for HistoryWalk {
    type Item = Result<HistoryEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let stream = self.stream.as_mut()?;
            let Some(field) = stream.field() else {
                let said = stream.end();
                self.stream = None;
                if said.code != 0 {
                    return Some(Err(said.failed("log")));
                }
                let has_all = self.has_all;
                return self.next.take().filter(|entry| has_all || entry.is_version()).map(Ok);
            };
            let field = field.trim_ascii_start();
            if field.is_empty() {
                continue;
            }
            if field.starts_with(b":") {
                let change = stream.field().and_then(|path| parse_change(field, &path));
                if let Some((entry, change)) = self.next.as_mut().zip(change) {
                    entry.changes.push(change);
                    continue;
                }
            } else if let Some(entry) = parse_head(field, stream) {
                let has_all = self.has_all;
                match self.next.replace(entry).filter(|entry| has_all || entry.is_version()) {
                    Some(before) => return Some(Ok(before)),
                    None => continue,
                }
            }
            self.stream = None;
            return Some(Err(RepoError::GitAnswer { what: "log".into() }));
        }
    }
}

impl HistoryEntry {
    /// Whether it has anything otherwise than each parent: git lists merges, too, that differ from one only.
    fn is_version(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// Reads the rest of a commit of the format above, after its name.
fn parse_head(commit: &[u8], stream: &mut Stream) -> Option<HistoryEntry> {
    let mut text = || stream.field().map(|field| field.to_str_lossy().into_owned());
    let (parents, author, email, time, subject) = (text()?, text()?, text()?, text()?, text()?);
    Some(HistoryEntry {
        commit: ObjectId::from_hex(commit).ok()?,
        parents: parents.split_whitespace().map(|id| ObjectId::from_hex(id.as_bytes()).ok()).collect::<Option<_>>()?,
        author,
        email,
        time: time.parse().unwrap_or(0),
        subject,
        changes: Vec::new(),
    })
}

/// Reads `:MODE MODE ID ID STATUS`, or for a merge of n parents n colons, n+1 modes and n+1 ids.
fn parse_change(field: &[u8], path: &[u8]) -> Option<HistoryChange> {
    let parents = field.iter().take_while(|byte| **byte == b':').count();
    let words: Vec<&[u8]> = field.get(parents..)?.split(|byte| *byte == b' ').collect();
    // What a submodule names is no object of this repository: there is no file.
    let is_file = |mode: &[u8]| mode.trim_start_with(|c| c == ':') != b"160000";
    let id = |at: usize, mode: usize| {
        let id = ObjectId::from_hex(words.get(at)?).ok()?;
        let mode = words.get(mode)?;
        Some(Some(id).filter(|id| !id.is_null() && is_file(mode)))
    };
    Some(HistoryChange {
        path: path.to_str_lossy().into_owned(),
        before: id(parents + 1, 0)?,
        after: id(parents * 2 + 1, parents)?,
    })
}
