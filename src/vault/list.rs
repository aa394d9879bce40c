//! What secrets there are, by name, and by what their manifests say. Nothing is opened here.

use std::collections::BTreeSet;

use super::version::Version;
use super::{Vault, VaultError, sealed};
use crate::home::ListedFile;
use crate::model::manifest::{Manifest, State};
use crate::model::names::SecretPath;
use crate::repo::{RepoError, WorkFile};
use crate::seal::{self, MAX_STORED};

/// A name, with what its file's manifest says. The signature is not checked: `get` and `verify` do.
pub struct Listed {
    /// The name.
    pub path: SecretPath,
    /// What the manifest says; `None` where it cannot be read.
    pub manifest: Option<Manifest>,
}

impl Vault {
    /// Names of all secrets that live, sorted; journals are no secrets. Files that cannot be read are listed, too: hiding
    /// them helps nobody.
    pub fn live_names(&self) -> Result<Vec<SecretPath>, VaultError> {
        self.live_in(&sealed::secrets(self.root()))
    }

    /// The same of what is in `folder`, given from the top.
    fn live_in(&self, folder: &str) -> Result<Vec<SecretPath>, VaultError> {
        let files = self.repo().stat_list(folder)?.files;
        let place = self.work_dir().unwrap_or_else(|| self.repo().git_dir()).join(self.root());
        let mut fresh = self.home().listing(self.roster().vault, &place);
        // What is remembered of other folders stays as it is.
        let is_below = |(file, _): &ListedFile| file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let from = fresh.iter().position(is_below).unwrap_or(fresh.len());
        let to = fresh.iter().rposition(is_below).map_or(from, |last| last + 1);
        let after = fresh.split_off(to);
        let known = fresh.split_off(from);
        let mut names = Vec::with_capacity(files.len());
        let mut is_news = false;
        // Both are in the order of their paths. Where the cache is not, its lines are passed over and looked up anew.
        let mut known = known.into_iter().peekable();
        for file in files {
            let Some(path) = self.path_of(&file.path) else { continue };
            let stamp = stamp(&file);
            while known.next_if(|(path, _)| *path < file.path).is_some() {
                is_news = true;
            }
            let cached = known.next_if(|(path, _)| *path == file.path).map(|(_, line)| line);
            let lives = match cached.filter(|(seen, _)| *seen == stamp && file.inode != 0) {
                Some((_, lives)) => lives,
                None => {
                    is_news = true;
                    !self.is_grave(&file.path, &path)
                }
            };
            if lives {
                names.push(path);
            }
            fresh.push((file.path, (stamp, lives)));
        }
        names.sort_unstable();
        if is_news || known.peek().is_some() {
            fresh.extend(after);
            self.home().remember_listing(self.roster().vault, &place, &fresh);
        }
        Ok(names)
    }

    /// Names of all sealed files, of secrets and of journals, living or not, sorted.
    pub fn all_names(&self) -> Result<Vec<SecretPath>, VaultError> {
        let mut names = Vec::new();
        for folder in sealed::folders(self.root()) {
            let files = self.repo().list_work(&folder)?.files;
            names.extend(files.iter().filter_map(|file| self.path_of(file)));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Names of secrets that may ask a person something: those that live, and tombstones beside which something lies.
    pub fn asking_names(&self) -> Result<Vec<SecretPath>, VaultError> {
        let mut names = self.live_names()?;
        let live: BTreeSet<SecretPath> = names.iter().cloned().collect();
        let files = self.repo().list_work(&sealed::secrets(self.root()))?.files;
        let others = files.iter().filter_map(|file| self.path_of(file)).filter(|path| !live.contains(path));
        names.extend(others.filter(|path| self.is_sibling_file(path)));
        names.sort_unstable();
        Ok(names)
    }

    /// All files of secrets with their manifests: living ones, or tombstones, too.
    pub fn list(&self, tombstones: bool) -> Result<Vec<Listed>, VaultError> {
        let files = self.repo().list_work(&sealed::secrets(self.root()))?.files;
        let listed = files.iter().filter_map(|file| {
            let path = self.path_of(file)?;
            let shown = tombstones || !self.is_grave(file, &path);
            shown.then(|| Listed { manifest: self.manifest_of(file), path })
        });
        let mut listed: Vec<_> = listed.collect();
        listed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listed)
    }

    /// Files in the folders of sealed ones that are neither a secret's nor a journal's: odd names, links, left-overs.
    pub fn strangers(&self) -> Result<Vec<String>, VaultError> {
        let mut strangers = Vec::new();
        for folder in sealed::folders(self.root()) {
            let listing = self.repo().list_work(&folder)?;
            strangers.extend(listing.files.into_iter().filter(|file| self.path_of(file).is_none()));
            strangers.extend(listing.odd.into_iter().map(|odd| odd.path));
        }
        Ok(strangers)
    }

    /// Living names that match a query: every word of it must occur in the name, `*` stands for anything.
    pub fn find(&self, query: Option<&str>) -> Result<Vec<SecretPath>, VaultError> {
        let names = self.live_names()?;
        let Some(query) = query else { return Ok(names) };
        let query = query.to_lowercase();
        let words: Vec<_> = query.split_whitespace().collect();
        Ok(names.into_iter().filter(|name| words.iter().all(|word| matches(word, name.as_str()))).collect())
    }

    /// Living names below a folder (all, for an empty one).
    pub fn below(&self, folder: &str) -> Result<Vec<SecretPath>, VaultError> {
        let prefix = folder.trim_end_matches('/');
        // Only that folder is looked at, where it can be one. A link or a file in its place has nothing below it.
        if SecretPath::parse(prefix).is_ok() {
            return match self.live_in(&format!("{}/{prefix}", sealed::secrets(self.root()))) {
                Err(VaultError::Repo(RepoError::Symlink { .. } | RepoError::NotAFolder { .. })) => Ok(Vec::new()),
                names => names,
            };
        }
        let inside = |name: &SecretPath| {
            prefix.is_empty() || name.as_str().strip_prefix(prefix).is_some_and(|r| r.starts_with('/'))
        };
        Ok(self.live_names()?.into_iter().filter(inside).collect())
    }

    /// Whether a name is a folder with something living in it, `leaving` not counted.
    pub(super) fn has_living_below(&self, path: &SecretPath, leaving: Option<&SecretPath>) -> Result<bool, VaultError> {
        let files = self.repo().list_work(&format!("{}/{path}", sealed::secrets(self.root())))?.files;
        let counts = |name: &SecretPath, file: &str| Some(name) != leaving && !self.is_grave(file, name);
        Ok(files.iter().any(|file| self.path_of(file).is_some_and(|name| counts(&name, file))))
    }

    /// Whether a file is a tombstone by the signed word of somebody who may say so. Anything else counts as living: a
    /// secret must not disappear because somebody wrote `deleted` on it.
    pub(super) fn is_grave(&self, file: &str, path: &SecretPath) -> bool {
        let Ok(Some(bytes)) = self.repo().read_work(file, MAX_STORED as u64) else { return false };
        let says_so = |all: Vec<Manifest>| all.iter().any(|manifest| manifest.state != State::Live);
        // Of siblings only those that count have a say.
        let is_dead = |version: Version| version.members().all(|it| it.manifest().state != State::Live);
        seal::peek_manifests(&bytes).is_ok_and(says_so) && self.check(file, path, &bytes).is_ok_and(is_dead)
    }

    fn manifest_of(&self, file: &str) -> Option<Manifest> {
        let bytes = self.repo().read_work(file, MAX_STORED as u64).ok()??;
        // Of siblings the one that has come furthest.
        seal::peek_manifests(&bytes).ok()?.into_iter().max_by_key(|manifest| (manifest.revision, manifest.hash()))
    }
}

/// A file that has not changed since it was looked at has the same stamp.
fn stamp(file: &WorkFile) -> (i128, u64, u64) {
    (file.mtime_ns, file.size, file.inode)
}

/// Whether `name` has the parts of `pattern` between its `*` in order.
fn matches(pattern: &str, name: &str) -> bool {
    let mut rest = name;
    pattern.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = rest.get(at + part.len()..).unwrap_or_default();
            true
        }
        None => false,
    })
}
