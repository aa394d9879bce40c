//! The versions in a history, read once: each with the commit that brought it.
//!
//! A version counts where its author's signature is good, whether or not the author may still write: what was sealed to
//! somebody was sealed to them. What a shallow or partial clone lacks is counted and not judged. No key is needed.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Gaps, Place, cache};
use crate::model::exposure::Past;
use crate::model::manifest::{Manifest, MemberRef};
use crate::model::names::SecretPath;
use crate::model::roster::Roster;
use crate::repo::{Ancestry, HistoryChange, ObjectId, RepoError, WalkedCommit};
use crate::seal::{self, MAX_STORED};
use crate::vault::check::check;
use crate::vault::wrong::Wrong;
use crate::vault::{VaultError, sealed, trust};

/// How many files are held in memory at once.
const BATCH: usize = 512;

/// A version, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) version: Past,
    pub(super) blob: ObjectId,
    /// The first commit that has it.
    pub(super) commit: ObjectId,
}

/// A file of a commit, to be looked at.
struct Unread {
    path: SecretPath,
    file: String,
    blob: ObjectId,
    commit: ObjectId,
}

/// Reads everything that can be reached from these commits.
pub(super) fn read(place: &Place<'_>, tips: &[ObjectId]) -> Result<(Vec<Found>, Gaps), VaultError> {
    let mut gaps = Gaps::default();
    let remembered = cache::load(place);
    let (mut found, mut hide) = (Vec::new(), Vec::new());
    // Of siblings there are several in one file.
    let mut spared: HashMap<(ObjectId, SecretPath), Vec<Found>> = HashMap::new();
    match remembered.tip {
        Some(tip) if tips == [tip] => return Ok((remembered.found, gaps)),
        Some(tip) if is_below(place, tip, tips)? => {
            hide.push(tip);
            found = remembered.found;
        }
        // Another line of history: its files are known all the same.
        _ => {
            for one in remembered.found {
                spared.entry((one.blob, one.version.path.clone())).or_default().push(one);
            }
        }
    }
    let mut met: HashSet<(ObjectId, SecretPath)> =
        found.iter().map(|one| (one.blob, one.version.path.clone())).collect();
    let mut unread = Vec::new();
    let commits = place.repo.walk(tips, &hide)?;
    gaps.shallow = commits.iter().any(|commit| commit.boundary);
    let mut files = Files { place, trees: HashMap::new() };
    for (n, commit) in commits.iter().enumerate() {
        let changed = match files.brought_by(commit) {
            Ok(changed) => changed,
            Err(error) if is_absent(&error) => {
                // Each that follows would be asked for in vain, too.
                gaps.missing += commits.len() - n;
                let there = tips.iter().map(|tip| files.all_of(*tip)).collect::<Result<Vec<_>, _>>();
                unread.extend(there?.into_iter().flatten().filter(|file| met.insert((file.blob, file.path.clone()))));
                break;
            }
            Err(error) => return Err(error.into()),
        };
        for file in changed {
            if !met.insert((file.blob, file.path.clone())) {
                continue;
            }
            match spared.remove(&(file.blob, file.path.clone())) {
                Some(known) => found.extend(known.into_iter().map(|one| Found { commit: file.commit, ..one })),
                None => unread.push(file),
            }
        }
    }
    let is_news = !unread.is_empty() || !commits.is_empty();
    read_files(place, unread, &mut found, &mut gaps)?;
    if is_news && let [tip] = tips {
        let complete = !gaps.shallow && gaps.missing == 0;
        cache::store(place, complete.then_some(*tip), &found);
    }
    Ok((found, gaps))
}

/// Whether everything that the remembered tip reaches is reached from here.
fn is_below(place: &Place<'_>, tip: ObjectId, tips: &[ObjectId]) -> Result<bool, VaultError> {
    match tips {
        [here] => Ok(place.repo.has_object(tip) && place.repo.is_ancestor(tip, *here)? == Ancestry::Yes),
        _ => Ok(false),
    }
}

fn is_absent(error: &RepoError) -> bool {
    matches!(error, RepoError::ObjectMissing { incomplete: true, .. })
}

/// Finds what each commit brought.
struct Files<'a> {
    place: &'a Place<'a>,
    /// The vault's folder in commits that were looked at.
    trees: HashMap<ObjectId, Option<ObjectId>>,
}

impl Files<'_> {
    /// Files that the commit has otherwise than its first parent; what the others brought is met there.
    fn brought_by(&mut self, commit: &WalkedCommit) -> Result<Vec<Unread>, RepoError> {
        let Some(first) = commit.parents.first().filter(|_| !commit.boundary) else { return self.all_of(commit.id) };
        if self.tree(commit.id)? == self.tree(*first)? {
            return Ok(Vec::new());
        }
        let changes = sealed::changed_between(self.place.repo, Some(*first), commit.id, self.place.root)?;
        let unread = |(path, change): (SecretPath, HistoryChange)| {
            Some(Unread { path, file: change.path, blob: change.after?, commit: commit.id })
        };
        Ok(changes.into_iter().filter_map(unread).collect())
    }

    fn all_of(&self, commit: ObjectId) -> Result<Vec<Unread>, RepoError> {
        let files = sealed::list_at(self.place.repo, commit, self.place.root)?;
        Ok(files.into_iter().map(|(path, file, blob)| Unread { path, file, blob, commit }).collect())
    }

    fn tree(&mut self, commit: ObjectId) -> Result<Option<ObjectId>, RepoError> {
        if let Some(known) = self.trees.get(&commit) {
            return Ok(*known);
        }
        let tree = self.place.repo.tree_at(commit, self.place.root)?;
        self.trees.insert(commit, tree);
        Ok(tree)
    }
}

/// Reads and checks files on all cores; those that are refused are left out.
fn read_files(
    place: &Place<'_>,
    unread: Vec<Unread>,
    found: &mut Vec<Found>,
    gaps: &mut Gaps,
) -> Result<(), VaultError> {
    let blobs: Vec<ObjectId> = unread.iter().map(|file| file.blob).collect();
    place.repo.fetch_promised(&blobs)?;
    let mut rosters = Rosters { place, by_blob: HashMap::new() };
    // The same people read most of them.
    let mut sets: HashSet<Arc<[MemberRef]>> = found.iter().map(|one| Arc::clone(&one.version.readers)).collect();
    let mut unread = unread.into_iter().peekable();
    while unread.peek().is_some() {
        let mut batch = Vec::with_capacity(BATCH);
        for file in unread.by_ref().take(BATCH) {
            if place.repo.is_partial() && !place.repo.has_object(file.blob) {
                gaps.missing += 1;
                continue;
            }
            match place.repo.blob_within(file.blob, MAX_STORED as u64) {
                Ok(Some(bytes)) => batch.push((file, bytes)),
                Ok(None) => {}
                // A link in the place of a file is no version.
                Err(RepoError::ObjectUnreadable { .. }) => {}
                Err(error) if is_absent(&error) => gaps.missing += 1,
                Err(error) => return Err(error.into()),
            }
        }
        let roster = place.roster;
        let judged: Vec<_> = batch
            .into_par_iter()
            .map(|(file, bytes)| {
                let versions = signed(roster, &file, &bytes);
                let bytes = if versions.is_none() { Some(bytes) } else { None };
                (file, versions, bytes)
            })
            .collect();
        for (file, versions, bytes) in judged {
            let versions = match (versions, bytes) {
                (None, Some(bytes)) => rosters.at(file.commit)?.and_then(|roster| signed(&roster, &file, &bytes)),
                (versions, _) => versions,
            };
            let of_file = |mut version: Past| {
                match sets.get(&version.readers) {
                    Some(known) => version.readers = Arc::clone(known),
                    None => drop(sets.insert(Arc::clone(&version.readers))),
                }
                Found { version, blob: file.blob, commit: file.commit }
            };
            found.extend(versions.into_iter().flatten().map(of_file));
        }
    }
    Ok(())
}

/// The versions in a file (one, or siblings), where all that the authors signed is in order: everything that a check asks but whether the
/// author may write and the readers may read, which is asked last.
fn signed(roster: &Roster, file: &Unread, bytes: &[u8]) -> Option<Vec<Past>> {
    let is_signed = match check(roster, &file.file, &file.path, bytes, None) {
        Ok(_) => true,
        Err(VaultError::Inconsistent { what: Wrong::NoStanding { .. } | Wrong::NotEntitled { .. }, .. }) => true,
        Err(_) => false,
    };
    let manifests = is_signed.then(|| seal::peek_manifests(bytes).ok()).flatten()?;
    Some(manifests.into_iter().map(past).collect())
}

fn past(manifest: Manifest) -> Past {
    Past {
        hash: manifest.hash(),
        path: manifest.path,
        state: manifest.state,
        revision: manifest.revision,
        parents: manifest.parents,
        ancestors: manifest.ancestors,
        readers: manifest.readers.into(),
        values: manifest.values,
        at: manifest.at,
    }
}

/// Rosters of commits, for versions that name what the present roster does not have: a branch that was merged without
/// its members.
struct Rosters<'a> {
    place: &'a Place<'a>,
    by_blob: HashMap<ObjectId, Option<Rc<Roster>>>,
}

impl Rosters<'_> {
    /// The roster of a commit, where it is a good one of this vault.
    fn at(&mut self, commit: ObjectId) -> Result<Option<Rc<Roster>>, VaultError> {
        let (repo, file) = (self.place.repo, format!("{}/roster.toml", self.place.root));
        let Some(blob) = repo.blob_at(commit, &file)? else { return Ok(None) };
        if let Some(known) = self.by_blob.get(&blob) {
            return Ok(known.clone());
        }
        let roster = trust::good_in_blob(repo, self.place.home, &file, self.place.roster.vault, blob)?.map(Rc::new);
        self.by_blob.insert(blob, roster.clone());
        Ok(roster)
    }
}
