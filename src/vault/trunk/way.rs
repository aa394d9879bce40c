//! What the trunk had on its way from where it was last seen to where it is now: as if each commit had been looked at.
//!
//! Which parent of a merge was the trunk before it, whoever made the merge has chosen. So all of them count.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::check::check;

use super::super::version::Version;
use super::super::{VaultError, sealed, trust};
use super::secrets::{Past, binding, descends};
use super::{Here, abbreviated};
use crate::model::bytes::Hash;
use crate::model::manifest::Manifest;
use crate::model::names::SecretPath;
use crate::model::roster::{MAX_ROSTER, Roster};
use crate::repo::{Ancestry, ObjectId, RepoError, WalkedCommit};

/// A roster that was met on the way.
enum Met {
    /// An earlier state of the roster as it is now, whose newest entry this is.
    Earlier(Hash),
    /// Another one of this vault.
    Other(Box<Roster>),
    /// None of this vault.
    Nothing,
}

impl Here<'_> {
    /// The trunk may not lose an entry that it had on its way from what was seen, or that a merge on the way brought: no
    /// roster of those commits that goes on from what was there before it. `way` are the commits up to `to`, oldest first;
    /// `held` is the newest entry that was seen.
    pub(super) fn check_way(
        &self,
        way: &[WalkedCommit],
        held: Hash,
        to: ObjectId,
        theirs: &Roster,
    ) -> Result<(), VaultError> {
        let file = format!("{}/roster.toml", self.root);
        let Some(now) = self.repo.blob_at(to, &file)? else { return Ok(()) };
        let text = trust::roster_bytes(self.repo, now, &file)?;
        let mut met: HashMap<ObjectId, Met> = HashMap::from([(now, Met::Earlier(theirs.head))]);
        // The newest entries that count at each commit; several where a roster lacks what another one has.
        let mut heads: HashMap<ObjectId, BTreeSet<Hash>> = HashMap::new();
        for commit in way {
            let of_parent = |parent: &ObjectId| heads.get(parent).cloned().unwrap_or_else(|| BTreeSet::from([held]));
            let mut here: BTreeSet<Hash> = commit.parents.iter().flat_map(of_parent).collect();
            if let Some(blob) = or_nothing(self.repo.blob_at(commit.id, &file))? {
                let met = match met.entry(blob) {
                    Entry::Occupied(met) => met.into_mut(),
                    Entry::Vacant(place) => place.insert(self.met(blob, &file, commit, &text, theirs)?),
                };
                let goes_on = |has: &dyn Fn(Hash) -> bool| here.iter().all(|head| has(*head));
                let newest = match met {
                    Met::Earlier(head) if goes_on(&|it| theirs.contains(*head, it)) => Some(*head),
                    Met::Other(roster) if goes_on(&|it| roster.has(it)) => Some(roster.head),
                    _ => None,
                };
                if let Some(newest) = newest {
                    here = BTreeSet::from([newest]);
                }
            }
            heads.insert(commit.id, here);
        }
        let lost = heads.get(&to).and_then(|heads| heads.iter().find(|head| !theirs.has(**head)));
        let Some(lost) = lost else { return Ok(()) };
        let seq = met.values().find_map(|met| match met {
            Met::Other(roster) if roster.head == *lost => Some(roster.seq),
            _ => None,
        });
        Err(self.rolled_back(seq.unwrap_or(theirs.seq)))
    }

    /// Reads the roster in a blob; `text` is that of `theirs`, the roster as it is now.
    fn met(
        &self,
        blob: ObjectId,
        file: &str,
        commit: &WalkedCommit,
        text: &[u8],
        theirs: &Roster,
    ) -> Result<Met, VaultError> {
        let Some(bytes) = self.repo.blob_within(blob, MAX_ROSTER as u64)? else { return Ok(Met::Nothing) };
        if text.starts_with(&bytes) {
            // As nearly always: no need to read it.
            let entries = bytes.split(|byte| *byte == b'\n').filter(|line| *line == b"[[entry]]").count();
            let head = entries.checked_sub(1).and_then(|last| theirs.chain.get(last));
            return Ok(head.map_or(Met::Nothing, |head| Met::Earlier(*head)));
        }
        let name = format!("{file} at {}", abbreviated(&commit.id.to_string()));
        let roster = trust::verified_cached(self.home, &name, &bytes).ok();
        let roster = roster.filter(|roster| roster.vault == self.roster.vault);
        Ok(roster.map_or(Met::Nothing, |roster| Met::Other(Box::new(roster))))
    }

    /// How far the trunk counts as seen now: `to`, where everything follows what was there at `from` and on the way; where
    /// something on the way is not followed, a commit that has it; `None` where something does not follow what was there
    /// at `from`, with which it is compared from then on, too.
    pub(super) fn reached(
        &self,
        way: &[WalkedCommit],
        (from, to): (ObjectId, ObjectId),
        theirs: &Roster,
    ) -> Result<Option<ObjectId>, VaultError> {
        if !matches!(self.repo.is_ancestor(from, to)?, Ancestry::Yes) {
            return Ok(Some(to));
        }
        for lost in self.lost_on_the_way(way, to, theirs)? {
            if self.follows(from, lost, theirs)? {
                return Ok(Some(lost));
            }
        }
        Ok(if self.follows(from, to, theirs)? { Some(to) } else { None })
    }

    /// Those commits with a version that counts, which no version at `to` follows; the newest first.
    fn lost_on_the_way(
        &self,
        way: &[WalkedCommit],
        to: ObjectId,
        theirs: &Roster,
    ) -> Result<Vec<ObjectId>, VaultError> {
        let mut met: BTreeMap<(SecretPath, String), Vec<(ObjectId, ObjectId)>> = BTreeMap::new();
        for commit in way.iter().rev() {
            let before = commit.parents.first().copied();
            for (path, change) in or_nothing(sealed::changed_between(self.repo, before, commit.id, self.root))? {
                if let Some(after) = change.after {
                    met.entry((path, change.path)).or_default().push((commit.id, after));
                }
            }
        }
        let mut lost = HashSet::new();
        for ((path, file), versions) in met {
            let now = self.repo.blob_at(to, &file)?;
            if versions.iter().all(|(_, blob)| Some(*blob) == now) {
                continue;
            }
            let bytes = now.map(|blob| sealed::bytes_or_none(self.repo, blob)).transpose()?;
            let new = bytes.and_then(|bytes| check(theirs, &file, &path, bytes, None).ok());
            let mut olds = Vec::new();
            for (commit, blob) in versions.iter().filter(|(_, blob)| Some(*blob) != now) {
                // What anybody could have put there binds nobody.
                if let Ok(version) = check(theirs, &file, &path, sealed::bytes_or_none(self.repo, *blob)?, None) {
                    olds.extend(version.members().map(|member| (*commit, member.manifest().clone())));
                }
            }
            for (commit, old) in not_reached(new.as_ref(), olds) {
                let follows = match &new {
                    Some(new) => descends(self.repo, Some(to), &file, new, &old)?,
                    None => false,
                };
                if !follows {
                    lost.insert(commit);
                }
            }
        }
        Ok(way.iter().rev().map(|commit| commit.id).filter(|commit| lost.contains(commit)).collect())
    }

    /// Whether everything that changed on the trunk follows what was there.
    fn follows(&self, from: ObjectId, to: ObjectId, theirs: &Roster) -> Result<bool, VaultError> {
        if from == to {
            return Ok(true);
        }
        let past = Past { repo: self.repo, home: self.home, root: self.root, roster: theirs, tip: Some(to) };
        for (path, change) in sealed::changed_between(self.repo, Some(from), to, self.root)? {
            let Some(before) = change.before else { continue };
            // What was not readable then binds nobody.
            let olds = binding(theirs, &change.path, &path, sealed::bytes_or_none(self.repo, before)?);
            let Some(after) = change.after.filter(|_| !olds.is_empty()) else {
                if olds.is_empty() {
                    continue;
                }
                return Ok(false);
            };
            let after = sealed::bytes_or_none(self.repo, after)?;
            let Ok(new) = check(theirs, &change.path, &path, after, None) else { return Ok(false) };
            for old in &olds {
                if !past.heeds(&new, old)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// Nothing where there is more than is read of a commit: what is over is no reason to stop, and who can push could make one.
fn or_nothing<T: Default>(read: Result<T, RepoError>) -> Result<T, RepoError> {
    match read {
        Err(RepoError::TooMuch { .. } | RepoError::ObjectTooLarge { .. }) => Ok(T::default()),
        read => read,
    }
}

/// Which of `olds` a version does not reach by way of the others, which is nearly always none: without a look at the history.
fn not_reached(new: Option<&Version>, mut olds: Vec<(ObjectId, Manifest)>) -> Vec<(ObjectId, Manifest)> {
    let mut nearer: Vec<Manifest> =
        new.into_iter().flat_map(Version::members).map(|member| member.manifest().clone()).collect();
    while let Some(near) = nearer.pop() {
        let named = olds.extract_if(.., |(_, old)| near.names_as_ancestor(old.hash()));
        nearer.extend(named.map(|(_, old)| old));
        // What says the same is as good, and nothing goes on from there.
        olds.retain(|(_, old)| near.message() != old.message());
    }
    olds
}
