//! `log` and `diff`: which versions there were, who sealed them, and which fields differ between any two.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::read::Secret;
use super::version::Version;
use super::{Vault, VaultError, sealed};
use crate::model::compare::{self, Difference};
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::repo::{HistoryEntry, ObjectId};

/// One commit that changed a secret.
pub struct LogEntry {
    /// The commit, in hex.
    pub commit: String,
    /// Who committed it, by git's word.
    pub committer: String,
    /// When, by git's word.
    pub time: Time,
    /// The first line of the message.
    pub subject: String,
    /// The secret.
    pub path: SecretPath,
    /// What the new version's manifest says; `None` where the file was removed by git.
    pub version: Option<LogVersion>,
    /// Why the version is not what it should be.
    pub problem: Option<VaultError>,
    /// What changed, where it was asked for and both versions could be opened.
    pub differences: Option<Vec<Difference>>,
}

/// What the manifest of a version in the log says.
pub struct LogVersion {
    /// Its revision.
    pub revision: u64,
    /// Who signed it.
    pub author: String,
    /// Live, deleted or moved.
    pub state: State,
    /// The manifest's hash.
    pub hash: String,
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is on disk.
    Work,
    /// A commit.
    Commit(ObjectId),
}

/// A secret that differs between two sides.
pub struct Changed {
    /// Its name.
    pub path: SecretPath,
    /// Its state before, `None` where there was no file.
    pub before: Option<State>,
    /// Its state after.
    pub after: Option<State>,
    /// Which registers; or why it cannot be told.
    pub differences: Result<Vec<Difference>, VaultError>,
}

impl Vault {
    /// The commits that changed a secret (or any secret), newest first. With `open`, what each changed.
    pub fn log(
        &self,
        path: Option<&SecretPath>,
        limit: Option<usize>,
        open: bool,
    ) -> Result<Vec<LogEntry>, VaultError> {
        let target = path.map_or_else(|| sealed::secrets(self.root()), |path| self.file(path));
        if self.repo().head()?.commit.is_none() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        let mut found = false;
        let mut add = |commit: HistoryEntry| {
            found = true;
            for change in &commit.changes {
                if let Some(path) = self.path_of(&change.path) {
                    entries.push(self.log_entry(&commit, path, change.before, change.after, open));
                }
            }
            Ok(ControlFlow::Continue(()))
        };
        match path {
            Some(path) => self.trail(path, limit, &mut add)?,
            None => {
                for commit in self.repo().history_walk("HEAD", &[target.as_str()])?.take(limit.unwrap_or(usize::MAX)) {
                    let _ = add(commit?)?;
                }
            }
        }
        if let Some(path) = path
            && !found
            && !self.exists(path)?
        {
            return Err(self.unknown(path));
        }
        Ok(entries)
    }

    /// Shows `visit` the commits that changed a secret, newest first, back through the names that it was moved away
    /// from, until it has seen enough. Git looks for the next one meanwhile.
    pub(super) fn trail(
        &self,
        path: &SecretPath,
        limit: Option<usize>,
        visit: &mut dyn FnMut(HistoryEntry) -> Result<ControlFlow<()>, VaultError>,
    ) -> Result<(), VaultError> {
        let (mut here, mut from) = (path.clone(), "HEAD".to_owned());
        let mut left = limit.unwrap_or(usize::MAX);
        let mut seen = BTreeSet::new();
        // A name that was left and used again could lead in a circle.
        while seen.insert((here.clone(), from.clone())) {
            let mut oldest = None;
            for commit in self.repo().history_walk(&from, &[self.file(&here).as_str()])?.take(left) {
                let commit = commit?;
                left = left.saturating_sub(1);
                oldest = Some((commit.commit, commit.parents.first().copied()));
                if visit(commit)?.is_break() {
                    return Ok(());
                }
            }
            let Some((arrival, Some(parent))) = oldest.filter(|_| left > 0) else { break };
            let Some(before) = self.moved_from(arrival, parent, &here)? else { break };
            (here, from) = (before, parent.to_string());
        }
        Ok(())
    }

    /// The name that a secret had before it arrived at `path` in this commit: the one whose tombstone says so.
    fn moved_from(
        &self,
        arrival: ObjectId,
        parent: ObjectId,
        path: &SecretPath,
    ) -> Result<Option<SecretPath>, VaultError> {
        if !self.repo().has_object(parent) {
            return Ok(None);
        }
        for (old, change) in sealed::changed_between(self.repo(), Some(parent), arrival, self.root())? {
            let Some(blob) = change.after else { continue };
            let version = self.version_of_blob(blob, &old);
            if version.is_ok_and(|version| version.manifest().state == State::Moved(path.clone())) {
                return Ok(Some(old));
            }
        }
        Ok(None)
    }

    /// Whether the clone has only a part of the history.
    pub fn history_is_shallow(&self) -> bool {
        self.repo().is_shallow()
    }

    fn log_entry(
        &self,
        commit: &HistoryEntry,
        path: SecretPath,
        before: Option<ObjectId>,
        after: Option<ObjectId>,
        open: bool,
    ) -> LogEntry {
        let checked = after.map(|blob| self.version_of_blob(blob, &path)).transpose();
        let (version, problem) = match checked {
            Ok(version) => (version, None),
            Err(problem) => (None, Some(problem)),
        };
        // Of a version that is refused nothing is known, least of all that it took anything away.
        let differences = (open && problem.is_none())
            .then(|| {
                let after = version.as_ref().map(|version| self.open_version(version)).transpose().ok()?;
                let before = before.map(|blob| self.open_blob(blob, &path)).transpose().ok()?;
                Some(compare::differences(before.as_ref().map(shown), after.as_ref().map(shown)))
            })
            .flatten();
        LogEntry {
            commit: commit.commit.to_string(),
            committer: commit.author.clone(),
            time: Time::from_unix(commit.time),
            subject: commit.subject.clone(),
            version: version.as_ref().map(describe),
            path,
            problem,
            differences,
        }
    }

    fn open_blob(&self, blob: ObjectId, path: &SecretPath) -> Result<Secret, VaultError> {
        self.open_version(&self.version_of_blob(blob, path)?)
    }

    /// A commit by its name.
    pub fn side(&self, rev: &str) -> Result<Side, VaultError> {
        Ok(Side::Commit(self.repo().resolve(rev)?))
    }

    /// What the newest commit has; `None` before the first.
    pub fn head_side(&self) -> Result<Option<Side>, VaultError> {
        Ok(self.repo().head()?.commit.map(Side::Commit))
    }

    /// The secrets that differ between two sides, by field. `only` keeps those names or folders.
    pub fn diff(&self, from: Option<Side>, to: Side, only: &[String]) -> Result<Vec<Changed>, VaultError> {
        // A journal is shown to who names it.
        let named = |path: &SecretPath| only.iter().any(|name| is_inside(path, name));
        let wanted = |path: &SecretPath| if only.is_empty() { !path.is_journal() } else { named(path) };
        let changed = self.changed_paths(from, to)?;
        for name in only {
            let inside = |path: &SecretPath| is_inside(path, name);
            if !changed.iter().any(inside) && !self.all_names()?.iter().any(inside) {
                return Err(self.unknown(&SecretPath::parse(name.trim_end_matches('/'))?));
            }
        }
        let paths: BTreeSet<SecretPath> = changed.into_iter().filter(wanted).collect();
        Ok(paths.into_iter().map(|path| self.changed(path, from, to)).collect())
    }

    /// What differs between two versions of one secret, or between one and what is on disk; each is the number of a
    /// revision or a commit. `None` where they are the same version.
    pub fn diff_of(&self, path: &SecretPath, from: &str, to: Option<&str>) -> Result<Option<Changed>, VaultError> {
        let version = |revision: &str| match revision.parse::<u64>() {
            Ok(_) => self.old_version(path, Some(revision)).map(Some),
            Err(_) => self.version_on(self.side(revision)?, path),
        };
        let before = version(from)?;
        let after = to.map_or_else(|| self.version_on(Side::Work, path), version)?;
        let hash = |version: &Option<Version>| version.as_ref().map(Version::hash);
        let is_same = hash(&before) == hash(&after);
        Ok((!is_same).then(|| self.changed_between(path.clone(), Ok(before), Ok(after))))
    }

    fn changed(&self, path: SecretPath, from: Option<Side>, to: Side) -> Changed {
        let version = |side: Option<Side>| side.map_or(Ok(None), |side| self.version_on(side, &path));
        let (before, after) = (version(from), version(Some(to)));
        self.changed_between(path, before, after)
    }

    fn changed_between(
        &self,
        path: SecretPath,
        before: Result<Option<Version>, VaultError>,
        after: Result<Option<Version>, VaultError>,
    ) -> Changed {
        let state =
            |v: &Result<Option<Version>, VaultError>| v.as_ref().ok()?.as_ref().map(|v| v.manifest().state.clone());
        let states = (state(&before), state(&after));
        let differences = (|| {
            let open =
                |version: Result<Option<Version>, VaultError>| version?.map(|v| self.open_version(&v)).transpose();
            let (before, after) = (open(before)?, open(after)?);
            Ok(compare::differences(before.as_ref().map(shown), after.as_ref().map(shown)))
        })();
        Changed { path, before: states.0, after: states.1, differences }
    }

    fn version_on(&self, side: Side, path: &SecretPath) -> Result<Option<Version>, VaultError> {
        match side {
            Side::Work => self.current(path),
            Side::Commit(commit) => self.version_at(commit, path),
        }
    }

    fn changed_paths(&self, from: Option<Side>, to: Side) -> Result<Vec<SecretPath>, VaultError> {
        let commit = |side| match side {
            Side::Commit(commit) => Some(commit),
            Side::Work => None,
        };
        let mut paths: Vec<SecretPath> = match (from.and_then(commit), commit(to)) {
            (from, Some(to)) => {
                let changes = sealed::changed_between(self.repo(), from, to, self.root())?;
                changes.into_iter().map(|(path, _)| path).collect()
            }
            (from, None) => self.differ_on_disk(from)?,
        };
        paths.sort_unstable();
        Ok(paths)
    }

    /// Names of files whose bytes on disk are not those of the commit.
    fn differ_on_disk(&self, from: Option<ObjectId>) -> Result<Vec<SecretPath>, VaultError> {
        let mut committed = std::collections::BTreeMap::new();
        if let Some(from) = from {
            let files = sealed::list_at(self.repo(), from, self.root())?;
            committed.extend(files.into_iter().map(|(path, _, blob)| (path, blob)));
        }
        let mut paths = Vec::new();
        for path in self.all_names()? {
            let before = committed.remove(&path);
            let now = self.repo().read_work(&self.file(&path), crate::seal::MAX_STORED as u64)?.unwrap_or_default();
            if before != Some(self.repo().blob_id(&now)?) {
                paths.push(path);
            }
        }
        paths.extend(committed.into_keys());
        Ok(paths)
    }
}

/// Whether a path is this name, or below it.
fn is_inside(path: &SecretPath, name: &str) -> bool {
    let name = name.trim_end_matches('/');
    path.as_str() == name || path.as_str().strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
}

fn shown(secret: &Secret) -> (&crate::model::document::Document, Time) {
    (&secret.document, secret.manifest.at)
}

fn describe(version: &Version) -> LogVersion {
    let manifest = version.manifest();
    LogVersion {
        revision: manifest.revision,
        author: manifest.author.name.to_string(),
        state: manifest.state.clone(),
        hash: version.hash().to_string(),
    }
}
