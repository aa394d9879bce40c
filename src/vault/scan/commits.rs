//! What commits brought: of each file that is another than in every parent, what no parent's version of it has.
//!
//! Each version is read once, however many commits have it; what a parent had in the same line is not said again.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::look::{Looker, Raw, is_sealed};
use super::{Filter, LIMIT, Scan, tell, too_large};
use crate::repo::{ObjectId, Repo, TreeKind};
use crate::vault::VaultError;

/// So many versions wait to be read together.
const BATCH: usize = 256;

/// A version of a file, and whether it is where sealed files are.
type Key = (ObjectId, bool);

/// A file that a commit brought.
struct Brought {
    commit: ObjectId,
    file: String,
    blob: ObjectId,
    /// What its parents have in the same place.
    olds: Vec<ObjectId>,
    is_staged: bool,
}

/// Commits on their way.
pub(super) struct Commits<'a> {
    repo: &'a Repo,
    looker: &'a Looker,
    filter: &'a Filter,
    found: &'a mut Scan,
    waiting: Vec<Brought>,
    /// What versions have; `None` where one is too large, or no file.
    read: HashMap<Key, Option<Arc<[Raw]>>>,
}

impl<'a> Commits<'a> {
    /// None yet.
    pub(super) fn new(repo: &'a Repo, looker: &'a Looker, filter: &'a Filter, found: &'a mut Scan) -> Self {
        Self { repo, looker, filter, found, waiting: Vec::new(), read: HashMap::new() }
    }

    /// A commit with its parents. One that is staged has neither a name nor a message yet.
    pub(super) fn bring(&mut self, commit: ObjectId, parents: &[ObjectId], is_staged: bool) -> Result<(), VaultError> {
        let mut brought: HashMap<String, (ObjectId, Vec<ObjectId>, usize)> = HashMap::new();
        let froms = if parents.is_empty() { vec![None] } else { parents.iter().copied().map(Some).collect() };
        for from in &froms {
            for change in self.repo.entries_between(*from, commit, "")? {
                let Some((TreeKind::File | TreeKind::Executable | TreeKind::NotUtf8, blob)) = change.after else {
                    continue;
                };
                if self.filter.wants(&change.path) {
                    let (_, olds, count) = brought.entry(change.path).or_insert((blob, Vec::new(), 0));
                    olds.extend(change.before.map(|(_, old)| old));
                    *count += 1;
                }
            }
        }
        let mut brought: Vec<_> = brought.into_iter().filter(|(_, (_, _, count))| *count == froms.len()).collect();
        brought.sort_by(|a, b| a.0.cmp(&b.0));
        let file = |(file, (blob, olds, _))| Brought { commit, file, blob, olds, is_staged };
        self.waiting.extend(brought.into_iter().map(file));
        if !is_staged {
            *self.found.commits.get_or_insert(0) += 1;
            // Before the files of this commit come those of the ones before it.
            let raws = self.looker.look(&self.repo.message_of(commit)?, false);
            if !raws.is_empty() && self.filter.paths.is_empty() {
                self.finish()?;
                tell(self.found, Some(&commit.to_string()), None, &raws, self.looker);
            }
        }
        if self.waiting.len() >= BATCH { self.finish() } else { Ok(()) }
    }

    /// Reads what waits, and says what is new in it.
    pub(super) fn finish(&mut self) -> Result<(), VaultError> {
        let waiting = std::mem::take(&mut self.waiting);
        let key = |brought: &Brought, blob| (blob, is_sealed(&brought.file));
        self.load(waiting.iter().map(|brought| key(brought, brought.blob)).collect())?;
        let has_some = |this: &Self, brought: &&Brought| {
            let read = this.read.get(&key(brought, brought.blob));
            read.and_then(Option::as_ref).is_some_and(|raws| !raws.is_empty())
        };
        // The parents' versions are read only where there is something to compare.
        let suspects = waiting.iter().filter(|brought| has_some(self, brought));
        let olds = suspects.flat_map(|brought| brought.olds.iter().map(|old| key(brought, *old))).collect();
        self.load(olds)?;
        for brought in &waiting {
            let raws = match self.read.get(&key(brought, brought.blob)) {
                Some(Some(raws)) => raws,
                Some(None) => {
                    self.found.skipped.push(format!("{}: {}", brought.file, too_large()));
                    continue;
                }
                None => continue,
            };
            let olds = brought.olds.iter().filter_map(|old| self.read.get(&key(brought, *old)).cloned().flatten());
            let olds: Vec<Arc<[Raw]>> = olds.collect();
            let had = |raw: &Raw| olds.iter().any(|old| old.iter().any(|o| o.what == raw.what && o.text == raw.text));
            let new: Vec<Raw> = raws.iter().filter(|raw| !had(raw)).cloned().collect();
            let commit = (!brought.is_staged).then(|| brought.commit.to_string());
            tell(self.found, commit.as_deref(), Some(&brought.file), &new, self.looker);
        }
        Ok(())
    }

    /// Reads versions that were not read yet.
    fn load(&mut self, mut wanted: Vec<Key>) -> Result<(), VaultError> {
        wanted.retain(|key| !self.read.contains_key(key));
        wanted.sort_unstable();
        wanted.dedup();
        self.repo.fetch_promised(&wanted.iter().map(|(blob, _)| *blob).collect::<Vec<_>>())?;
        for batch in wanted.chunks(BATCH) {
            let mut texts = Vec::with_capacity(batch.len());
            for key in batch {
                match self.repo.blob_within(key.0, LIMIT)? {
                    Some(text) => texts.push((*key, text)),
                    None => drop(self.read.insert(*key, None)),
                }
            }
            self.found.files += texts.len();
            let looker = self.looker;
            let look = |(key, text): (Key, Vec<u8>)| (key, Some(Arc::from(looker.look(&text, key.1))));
            let read: Vec<(Key, Option<Arc<[Raw]>>)> = texts.into_par_iter().map(look).collect();
            self.read.extend(read);
        }
        Ok(())
    }
}
